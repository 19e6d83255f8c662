"""Folding: a board's compiled copy says the same with fewer names, and its tracebacks tell true lines."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from twinlease_host import bundle, firmware
from twinlease_host.edits import module_name
from twinlease_host.fold import constants, fold

TESTS = Path(__file__).resolve().parents[1]
ROW = "from micropython import const\n\nFREE = const(1)\nSIZE = const(FREE << 4)\n"


def folded(text: str, **others: str) -> str:
    return fold({"pool.py": text, "row.py": ROW, **{f"{name}.py": other for name, other in others.items()}})["pool.py"]


def test_a_constant_becomes_its_value_wherever_it_comes_from() -> None:
    assert folded("from row import FREE\nx = FREE + 1\n") == "pass\nx = 1 + 1\n"
    assert folded("from row import FREE as F, other\nx = [F]\n") == "from row import other\nx = [1]\n"
    assert folded("import sys\nfrom . import row as r\nx = -r.SIZE\n") == "import sys\npass\nx = -16\n"
    assert folded("def f():\n    from row import SIZE\n    return SIZE\n") == "def f():\n    pass\n    return 16\n"
    again = "from row import FREE\nMINE = FREE\n"
    assert folded("from again import MINE, FREE\nx = (MINE, FREE)\n", again=again) == "pass\nx = (1, 1)\n"


def test_a_table_of_constants_becomes_octets() -> None:
    text = "from row import FREE\nTABLE = bytes((\n    FREE, 10, 250,  # a row\n))\n"
    assert folded(text) == "pass\nTABLE = b'\\x01\\n\\xfa'\n\n\n"
    assert folded("from binascii import unhexlify\nx = [unhexlify('0a' 'ff')]\n").endswith("x = [b'\\n\\xff']\n")
    assert "bytes((x, 1))" in folded("from row import FREE\ndef f(self, *, x):\n    return bytes((x, FREE))\n")


def test_lines_stay_where_they_are() -> None:
    text = "from row import (\n    FREE,  # the first\n    SIZE,\n)\n\nx = -FREE\n"
    assert folded(text).split("\n").index("x = -1") == text.split("\n").index("x = -FREE")


def test_a_definition_goes_unless_somebody_asks_at_run_time() -> None:
    def left(asker: str) -> str:
        return fold({"row.py": ROW, "asker.py": asker})["row.py"]

    assert left("from row import FREE, SIZE\nx = FREE + SIZE\n") == "pass\n\npass\npass\n"
    assert "FREE = 1" in left("from row import *\n") and "SIZE = 16" in left("from row import *\n")
    assert "FREE = 1" in left("import row\nx = getattr(row, 'FREE')\n")
    assert "FREE = 1" in left("import row\nx = row.FREE\ny = [row]\nrow = None\n")
    assert "SIZE" not in left("import row\nx = row.FREE\nrow = None\n")


def test_a_name_with_two_meanings_is_left() -> None:
    for text in (
        "from row import FREE\ndef f(FREE):\n    return FREE\n",
        "from row import FREE\nFREE = 3\nx = FREE\n",
        "def f():\n    from row import FREE\n    return FREE\ndef g():\n    from other import FREE\n    return FREE\n",
    ):
        assert "FREE" in folded(text) and "import FREE" in folded(text)


def test_a_number_that_is_an_object_on_small_boards_is_left() -> None:
    epoch = "from micropython import const\nEPOCH = const(1577836800)\n"
    assert folded("from epoch import EPOCH\nx = EPOCH\n", epoch=epoch) == "from epoch import EPOCH\nx = EPOCH\n"


def test_numbers_in_capitals_are_constants_unless_somebody_sets_them() -> None:
    text = "import row as r\nfrom . import row\n_STEPS = row.SIZE * 4\nlimit = 3\nx = [_STEPS, limit]\n"
    assert folded(text).endswith("pass\nlimit = 3\nx = [64, limit]\n")
    assert "x = [_STEPS" in folded("_STEPS = 64\nx = [_STEPS]\n", test="import pool\npool._STEPS = 2\n")


def test_the_interpreter_is_known() -> None:
    assert folded('import sys\nif sys.implementation.name != "micropython":\n    pass\n').split("\n")[1] == "if False:"


def test_parameters_that_nobody_names_are_numbered() -> None:
    assert folded("def f(row, at=0):\n    return row + at\n") == "def f(a, b=0):\n    return a + b\n"
    assert folded("def f(row, at):\n    return row\nf(1, at=2)\n").startswith("def f(a, at):")
    assert (
        folded("def f(self, row):\n    return lambda at: at + row\n") == "def f(self, a):\n    return lambda b: b + a\n"
    )
    assert folded("def f(row):\n    return a + row\n") == "def f(b):\n    return a + b\n"
    assert folded("row = 1\ndef f(row=row):\n    return row\n") == "row = 1\ndef f(row=row):\n    return row\n"
    assert folded("def f(row, *rest, at):\n    return at\n") == "def f(a, *rest, at):\n    return at\n"


def test_classes_that_never_meet_share_the_names_of_their_own_attributes() -> None:
    one = "class One:\n    def __init__(self):\n        self._first = self._second = 0\n"
    two = "class Two:\n    def __init__(self):\n        self._third = 0\n"
    heir = "from one import One\nclass Heir(One):\n    def __init__(self):\n        self._fourth = 0\n"
    done = fold({"one.py": one, "two.py": two, "heir.py": heir})
    names = {path: set(re.findall(r"self\.(\w+)", text)) for path, text in done.items()}
    assert names["two.py"] <= names["one.py"] | names["heir.py"], "an own name for every class"
    assert not names["one.py"] & names["heir.py"], "an heir wrote over what it inherited"
    for left in (
        "class A:\n    def f(self, other):\n        self._at = other._at\n",  # somebody else's
        "class A:\n    def f(self):\n        self._at = self._a = 1\n    def g(self, other):\n        other._at = 1\n",
        "class A:\n    _at = 0\n    def f(self):\n        self._at = 1\n",
        "class A:\n    def f(self):\n        self._at = getattr(self, '_at')\n",
    ):
        assert "self._at" in folded(left)


def test_private_functions_of_modules_that_never_meet_share_their_names() -> None:
    one = "def _first(a):\n    return [_second] and a\n\n_second = [1]\nclass _Third:\n    pass\nx = _Third()\n"
    two = "async def _fourth():\n    pass\nrun(_fourth)\n"
    done = fold({"one.py": one, "two.py": two})
    assert done["two.py"] == "async def _a_():\n    pass\nrun(_a_)\n"
    assert sorted(set(re.findall(r"\b_\w+", done["one.py"]))) == ["_a_", "_b_", "_c_"]
    for left in (
        "def _at():\n    pass\nx = getattr(one, '_at')\n",
        "def _at():\n    pass\nother._at()\n",
        "def _at():\n    pass\nfrom two import _at\n",
        "def _at():\n    pass\ndef f(_at):\n    return _at\n",
        "def _at():\n    pass\ndef f():\n    _at = 1\n    return _at\n",
        "def _at():\n    pass\ndef f():\n    global _at\n    _at = None\n",
        "def _at():\n    pass\nclass A:\n    b = _at\n",
        "def _at():\n    pass\nf(_at=1)\n",
        "def _at():\n    pass\nx = f'{_at}'\n",
        "x = _at\n",
    ):
        assert "_at" in folded(left), left


def test_private_methods_share_names_but_not_with_what_their_class_has() -> None:
    one = "class One:\n    def __init__(self):\n        self._one = 0\n    def _get(self):\n        return self._one\n"
    heir = "from one import One\nclass Heir(One):\n    def _get(self):\n        return super()._get() + self._own()\n"
    heir += "    def _own(self):\n        pass\n"
    done = fold(
        {"one.py": one, "heir.py": heir, "two.py": "class Two:\n    def _far(self):\n        return self._far\n"}
    )
    get = re.search(r"def (\w+)\(self\):\n        return self", done["one.py"])[1]
    assert f"def {get}(self):\n        return super().{get}() + self." in done["heir.py"]
    names = set(re.findall(r"\b_[a-z]+_\b", done["one.py"] + done["heir.py"]))
    assert len(names) == 3 and all(len(name) == 3 for name in names), "a method wrote over an attribute"
    assert set(re.findall(r"\b_[a-z]+_\b", done["two.py"])) < names
    assert "self._at" in folded("class A:\n    def f(self):\n        return self._at\n")  # defined elsewhere
    assert "def _at" in folded("class A:\n    def _at(self):\n        pass\ndef f(a):\n    a._at()\n")


def test_no_module_of_a_board_keeps_a_constant_that_nobody_uses() -> None:
    texts = firmware.folded()
    words = Counter(word for text in texts.values() for word in re.findall(r"\w+", text))
    left = [
        f"{name}: {statement.targets[0].id}"
        for name, text in texts.items()
        for statement in ast.parse(text).body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and statement.targets[0].id in constants((firmware.root() / name).read_text())
        and words[statement.targets[0].id] < 2
    ]
    assert left == []


def test_the_files_of_a_board_keep_their_lines() -> None:
    written = firmware.sources()
    bundles = {names[-1]: names for names in bundle.groups()}
    paths = {module_name(path): path for path in written}
    for name, text in firmware.folded().items():
        files = bundles.get(module_name(name), [module_name(name)])
        source = "".join(written[paths[file]] for file in files)
        assert text.count("\n") == source.count("\n"), name
        defined = [[n.lineno for n in ast.walk(ast.parse(t)) if isinstance(n, ast.FunctionDef)] for t in (text, source)]
        assert defined[0] == defined[1], name


def test_who_uses_a_constant_is_compiled_again_when_it_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(firmware.root(), tmp_path / "firmware")
    monkeypatch.setattr(firmware, "root", lambda: tmp_path / "firmware")
    board = tmp_path / "board"
    assert firmware.build(board) > 40
    assert firmware.build(board) == 0
    row = tmp_path / "firmware" / "twinlease" / "lease" / "row.py"
    row.write_text(row.read_text().replace("ITEM_HOST_NAME = const(3)", "ITEM_HOST_NAME = const(7)"))
    before = (board / "twinlease" / "node.mpy").read_bytes()
    assert 1 <= firmware.build(board) < 10
    assert (board / "twinlease" / "node.mpy").read_bytes() != before, "dhcp/server.py kept the old value"


@pytest.mark.parametrize(
    "suite",
    ["test_lease_table", "test_journal_records", "test_request", "test_server", "test_relay", "test_clock_steps",
     "test_conf_networks", "test_conf_image", "test_start", "test_console", "test_failover_states", "test_failover_wire",
     "test_ntp_packet", "test_ntp_choice", "test_clock_sntp", "test_sntp_rate"],
)  # fmt: skip
def test_what_is_folded_and_compiled_does_the_same(compiled: Path, suite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The unit tests, folded with the firmware as one program, on MicroPython."""
    monkeypatch.syspath_prepend(str(TESTS))
    import run_micropython

    monkeypatch.setattr(run_micropython, "UNIT", compiled)
    monkeypatch.setattr(run_micropython, "FIRMWARE", compiled)
    lines = run_micropython.run(Path(suite), "")
    assert [line for line in lines if not line.startswith("PASS")] == []
    assert lines, "no test in it"


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the firmware and the unit tests, folded and compiled."""
    folder = tmp_path_factory.mktemp("folded")
    (folder / "tests" / "unit").mkdir(parents=True)
    (folder / "tests" / "data").symlink_to(TESTS / "data")
    unit = folder / "tests" / "unit"
    more = {path.name: path.read_text() for path in [*(TESTS / "unit").glob("*.py"), TESTS / "lab" / "nor.py"]}
    for name, text in firmware.folded(more).items():
        firmware.compile_text(name, text, firmware.built(unit, name), firmware.UNIX_ARCH)
    return unit


def test_a_traceback_names_the_module_and_the_line_of_the_source(tmp_path: Path) -> None:
    asker = {"asker.py": "from twinlease.clock import Clock\nClock().advance(-1)\n"}
    for name, text in firmware.folded(asker).items():
        firmware.compile_text(name, text, firmware.built(tmp_path, name), firmware.UNIX_ARCH)
    source = (firmware.root() / "twinlease" / "clock.py").read_text().split("\n")
    line = next(n for n in range(len(source)) if "raise ValueError" in source[n]) + 1
    inside = f"import sys; sys.path[:] = [{str(tmp_path)!r}, '.frozen']; import asker"
    words = [str(Path(sys.executable).parent / "micropython"), "-c", inside]
    said = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False).stdout
    told = re.findall(r'File "(twinlease[.a-z_]*)", line (\d+), in ', said)
    assert [bundle.place(firmware.sources(), module, int(n)) for module, n in told] == [("twinlease/clock.py", line)], (
        said
    )
