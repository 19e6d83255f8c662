"""Waiting for events, never for luck: a condition, a limit, and a name for the error message."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

GLANCE_S = 0.01
"""How often a condition is looked at. It sets how late an event is noticed, never whether it is."""


def wait_for(
    look: Callable[[], T | None],
    limit_s: float,
    what: str,
    tell: Callable[[], str] | None = None,
    glance_s: float = GLANCE_S,
) -> T:
    """Look until there is something to see (neither None nor False), return it; at the limit say what never came."""
    end = time.monotonic() + limit_s
    while True:
        seen = look()
        if seen is not None and seen is not False:
            return seen
        if time.monotonic() > end:
            raise TimeoutError(f"waited {limit_s:g} s for {what}, it never came" + (f"\n{tell()}" if tell else ""))
        time.sleep(glance_s)
