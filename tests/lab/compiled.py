"""The firmware, compiled once for all boards of a test run, also where pytest-xdist's workers share the run."""

from __future__ import annotations

import atexit
import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from twinlease_host import firmware


def compiled() -> Path:
    """The folder to copy as a board's `firmware`. Whoever finds none makes it, and removes it in the end."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"{os.getpid()}")
    folder = Path(tempfile.gettempdir(), f"twinlease-firmware-{run}")
    with open(f"{folder}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            made = folder.with_suffix(".new")
            shutil.rmtree(made, ignore_errors=True)
            made.mkdir()
            firmware.build(made)
            made.rename(folder)
            atexit.register(_remove, folder)
    return folder


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    Path(f"{folder}.lock").unlink(missing_ok=True)


def install(board: Path) -> None:
    """Put it into a board's folder; one that another worker takes away meanwhile is made again."""
    for _ in range(3):
        try:
            shutil.copytree(compiled(), board / "firmware")
            return
        except OSError:  # removed while it was copied
            shutil.rmtree(board / "firmware", ignore_errors=True)
    raise RuntimeError(f"the compiled firmware does not stay long enough to be copied to {board}")
