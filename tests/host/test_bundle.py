"""Bundles: what several modules say says one, and does the same."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from twinlease_host import bundle, firmware, often
from twinlease_host.edits import module_name

LOW = '''"""Low."""
limit = 3
_log = []

def count(n):
    return n + limit

def note(what):
    _log.append(what)
'''
HIGH = """from . import low as l
from .low import count as add, note
from json import dumps as say
_log = ['high']

class High:
    limit = 7

    def count(self, n):
        count = n * 2
        return add(count) + l.count(self.limit)

def told():
    global _log
    from .low import _log as lower
    note('told')
    _log = _log + ['more']
    return [say(1), _log, lower, [limit for limit in range(2)], min(l.limit, 9)]
"""
OTHER = """from pickle import dumps as say

def min(a, b):
    return len(say(a)) > b

def reveal(limit):
    return limit, min(1, 2)
"""
MAIN = """from pkg import low, other
from pkg.high import High, told
from pkg.high import _log as upper, note
from pkg.low import _log

note(upper)
low.limit = 30
print(High().count(1), told(), _log, other.min(1, 2), other.reveal(5), low._log)
"""
PROGRAM = {"pkg/__init__.py": "", "pkg/low.py": LOW, "pkg/high.py": HIGH, "pkg/other.py": OTHER, "main.py": MAIN}
BUNDLE = ["pkg.low", "pkg.high", "pkg.other"]


def run(folder: Path, texts: dict[str, str]) -> str:
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    done = subprocess.run([sys.executable, "main.py"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_bundle_does_what_its_modules_do(tmp_path: Path) -> None:
    texts = bundle.bundle(PROGRAM, [BUNDLE])
    assert texts.keys() == PROGRAM.keys() - {"pkg/low.py", "pkg/high.py"}
    assert run(tmp_path / "one", texts) == run(tmp_path / "many", PROGRAM)


def test_a_bundle_has_all_lines_of_its_files_in_order() -> None:
    lines = bundle.bundle(PROGRAM, [BUNDLE])["pkg/other.py"].split("\n")
    source = (LOW + HIGH + OTHER).split("\n")
    assert len(lines) == len(source)
    for what in ("class High", "    limit = 7", "    global _log"):
        assert [line.startswith(what) for line in lines] == [line.startswith(what) for line in source]


def wrong(**changed: str) -> str:
    """What is said of the program with these files instead."""
    texts = PROGRAM | {f"{name.replace('_', '/')}.py": text for name, text in changed.items()}
    with pytest.raises(ValueError, match=r"\.py") as told:
        bundle.bundle(texts, [BUNDLE])
    return str(told.value)


def test_what_could_be_meant_otherwise_is_refused() -> None:
    assert "is in a bundle" in wrong(main="run('pkg.low', 'count')")
    assert "that is in a bundle" in wrong(main="import pkg.low")
    assert "used as an object" in wrong(main="from pkg import low\nprint(low)")
    assert "is set from within" in wrong(pkg_high="from . import low\n\ndef f():\n    low.limit = 4\n", main="")
    assert "comes later in its bundle" in wrong(
        pkg_low="from .high import told\n", pkg_high="def told(): pass", main=""
    )
    assert "not pkg.high's own" in wrong(main="from pkg.high import say\n")
    assert "is two things" in wrong(main="from pkg.high import told\ndef f():\n    from pkg.low import note as told\n")


def test_every_bundle_of_the_firmware_is_whole() -> None:
    modules = {module_name(path) for path in firmware.sources()}
    named = [name for names in bundle.groups() for name in names]
    assert set(named) <= modules and len(named) == len(set(named))


def test_a_line_of_a_bundle_is_found_in_its_file() -> None:
    texts = {f"twinlease/lease/{name}.py": "line\n" * n for name, n in (("record", 5), ("ring", 7), ("journal", 9))}
    texts["twinlease/move.py"] = "line\n"
    assert bundle.place(texts, "twinlease.lease.journal", 5) == ("twinlease/lease/record.py", 5)
    assert bundle.place(texts, "twinlease.lease.journal", 6) == ("twinlease/lease/ring.py", 1)
    assert bundle.place(texts, "twinlease.lease.journal", 20) == ("twinlease/lease/journal.py", 8)
    assert bundle.place(texts, "twinlease.move", 1) == ("twinlease/move.py", 1)


def test_what_is_used_often_takes_one_octet(tmp_path: Path) -> None:
    """Wherever it stands: a name that comes after 200 others and is used 1,000 times."""
    text = (
        '"""Much."""\n'
        + "".join(f"def f{i}(): pass\n" for i in range(200))
        + "def g(x):\n"
        + "    x = x.often\n" * 1000
    )
    sizes = []
    for source in (text, often.first(text)):
        compiled = tmp_path / f"{len(sizes)}.mpy"
        firmware.compile_text("m.py", source, compiled, firmware.UNIX_ARCH)
        sizes.append(len(compiled.read_bytes()))
    assert sizes[0] - sizes[1] > 1000 - 500
    assert often.first(text).count("\n") == text.count("\n")
    assert often.first("def f(): pass\n") == "def f(): pass\n"


@cache
def compiled() -> dict[str, tuple[str, str]]:
    """Path and text of each module as a board has it."""
    return {module_name(path): (path, text) for path, text in firmware.folded().items()}


def loads(module: str) -> set[str]:
    """What importing a module of the compiled copy imports."""
    texts = compiled()
    found, more = set(), {module}
    while more:
        name = more.pop()
        found.add(name)
        path, text = texts[name]
        for node in ast.parse(text).body:
            if isinstance(node, ast.ImportFrom):
                package = name.split(".")[: len(name.split(".")) - node.level + path.endswith("__init__.py")]
                base = ".".join([*(package if node.level else []), *([node.module] if node.module else [])])
                more |= {base, *(f"{base}.{alias.name}" for alias in node.names)} & texts.keys() - found
    return found


def test_a_board_that_starts_has_room_for_its_configuration_and_then_for_its_leases() -> None:
    """What serves is loaded afterwards, and failover where there is a partner."""
    early = loads("twinlease.app")
    assert not {"twinlease.lease.table", "twinlease.node", "twinlease.net.dhcp_server"} & early, early
    alone = loads("twinlease.node") | loads("twinlease.net.dhcp_server") | loads("twinlease.move")
    assert not {"twinlease.failover.peer", "twinlease.net.failover"} & alone, alone
