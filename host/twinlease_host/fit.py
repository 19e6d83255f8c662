"""Does a configuration fit a board?  What its flash holds by the journal's own rule, and an estimate of its heap.

The numbers are measured on the virtual board, whose pointers are twice those of a board: what fits there fits a
board with a heap of the same size.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

DEFAULT_HEAP = "256K"
DEFAULT_FLASH = "256K"
_USABLE = 0.988  # of the heap; the rest is the collector's own map
_CODE = 179_000  # what serves, with room to work in, and no configuration
_FAILOVER = 112_000  # more of it, where a pool has a failover peer
_SNTP = 19_000  # more of it, with `ntp server`
_SNTP_SERVE = 4_500  # more of it, with `ntp serve true`
_EXPRESSIONS = 17_000  # more of it, for classes, `if` and computed options
_PER_IMAGE_OCTET = 10  # heap for the model, by the size of its image
_PER_ROW = 54  # at the least, when memory is short: with cells for one name in four
_BLOCK = 4096


@dataclass(frozen=True)
class Limits:
    """Octets that a board has for Python, and for its leases."""

    heap: int
    flash: int


def octets(size: str) -> int:
    """A size such as 256K as a number."""
    return int(size[:-1]) * {"k": 1 << 10, "m": 1 << 20}[size[-1].lower()]


def complaints(config: Any, image: bytes, limits: Limits) -> Iterator[tuple[str, str]]:
    """Yield (message, advice) for each thing that does not fit; `image` is that of the configuration."""
    if sentence := _flash(config, limits.flash):
        message, _, advice = sentence.partition("; ")
        yield message, advice
    paired = any(pool.peer for pool in config.pools)
    told = config.scope.params
    beside = paired * _FAILOVER + ("ntp-servers" in told) * _SNTP + bool(told.get("ntp-serve")) * _SNTP_SERVE
    if complaint := _heap(config.rows, image, limits.heap - beside):
        what, advice = complaint
        yield (
            what.format(heap=limits.heap >> 10),
            advice + ("; failover takes %d KiB of it" % (_FAILOVER >> 10) if paired else ""),
        )


class _Region:
    """Flash to ask the journal about; nobody reads it."""

    block_size = _BLOCK
    program_unit = 1

    def __init__(self, size: int) -> None:
        self.size = size


def _flash(config: Any, size: int) -> str:
    from twinlease.lease.journal import Journal
    from twinlease.lease.table import Table

    try:
        Journal(_Region(size), Table(config.ranges, config.pools))
    except ValueError as bad:
        return str(bad)
    return ""


def _heap(rows: int, image: bytes, heap: int) -> tuple[str, str] | None:
    """What to say if `heap` octets are too few; the heap itself goes in by name."""
    free = int(heap * _USABLE) - _CODE - _PER_IMAGE_OCTET * len(image)
    if _has_expressions(image):
        free -= _EXPRESSIONS
    room = max(free // _PER_ROW, 0)
    if rows <= room:
        return None
    what = f"a heap of {{heap}} KiB is too little for {rows} addresses and this configuration"
    if room == 0:
        return what, "make the configuration smaller: fewer hosts, subclasses and options; or take a larger heap"
    return what, f"with this configuration there is room for about {room}; make the ranges smaller"


def _has_expressions(octets: bytes) -> bool:
    from twinlease.conf import image

    reader = image.Reader(octets)
    reader.sources()
    reader.config()
    return any(type(thing).__name__ == "Expr" for thing in reader._objects)
