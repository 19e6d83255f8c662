"""What this PC keeps to save work: downloaded images, compiled firmware. All of it may be deleted at any time."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import UserError


def folder(name: str) -> Path:
    """Where things of this name are kept; it may not exist yet."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "twinlease" / name


@contextmanager
def alone(place: Path) -> Iterator[None]:
    """Two programs may want the same at once: one makes it, the other waits (on Windows both make it).

    UserError if `place` cannot be made or written.
    """
    try:
        place.mkdir(parents=True, exist_ok=True)
        lock = open(place / "lock", "w")
    except OSError as bad:
        raise UserError(
            f"nothing can be kept in {place}: {bad.strerror}", "name another folder in XDG_CACHE_HOME"
        ) from None
    with lock:
        if sys.platform != "win32":
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
