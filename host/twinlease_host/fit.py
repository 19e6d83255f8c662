"""Does a configuration fit a board?  What its flash holds by the journal's own rule, and an estimate of its heap.

There are three sets of numbers: of the virtual board, whose pointers are of 64 bits, of one that runs the firmware in
flash (ROMFS), and of a board of hardware, with 32 bits.
`make footprint` measures the first and the last; tests/host/test_footprint.py holds the last against it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

DEFAULT_HEAP = "256K"
DEFAULT_FLASH = "256K"
_BLOCK = 4096


@dataclass(frozen=True)
class Needs:
    """Octets of heap that the firmware takes on one kind of interpreter."""

    usable: float  # of the heap, where the rest is the collector's own map
    code: int  # what serves, with room to work in, and no configuration
    failover: int  # more of it, where a pool has a failover peer
    sntp: int  # more of it, with `ntp server`
    sntp_serve: int  # more of it, with `ntp serve true`
    expressions: int  # more of it, for classes, `if` and computed options
    per_image_octet: float  # heap for the model, by the size of its image
    per_row: int  # at the least, when memory is short: with cells for one name in four
    syslog: int = 7_500  # more of it, with `syslog server`
    native: int = 0  # what of `code` is native code, and not in the heap of an ESP32


ROOM = 8000  # to work in: datagrams, replies to the console, what waits for a collection
VIRTUAL = Needs(0.988, 179_000, 112_000, 19_000, 4_500, 17_000, 10, 54)
VIRTUAL_IN_ROM = Needs(0.988, 125_000, 60_000, 19_000, 4_500, 17_000, 10, 54)
BOARD = Needs(1, 137_000 + ROOM, 72_500, 10_500, 3_200, 5_000, 6.5, 54, syslog=5_200, native=15_300)
_PER_ROW_WITH_NAMES = 64


@dataclass(frozen=True)
class Limits:
    """Octets that a board has for Python (None: no bound), and for its leases; and what the firmware needs there."""

    heap: int | None
    flash: int
    needs: Needs = VIRTUAL
    name: str = ""  # of the board, for people


def octets(size: str) -> int:
    """A size such as 256K as a number."""
    return int(size[:-1]) * {"k": 1 << 10, "m": 1 << 20}[size[-1].lower()]


def complaints(config: Any, image: bytes, limits: Limits) -> Iterator[tuple[str, str]]:
    """Yield (message, advice) for each thing that does not fit; `image` is that of the configuration."""
    if sentence := _flash(config, limits.flash):
        message, _, advice = sentence.partition("; ")
        yield message, advice
    if limits.heap is not None and (complaint := _heap(config, image, limits.heap, limits)):
        yield complaint


def carries(limits: Limits, paired: bool) -> int:
    """How many leases, with their clients' names, such a board has room for with a small configuration, in tens."""
    assert limits.heap is not None
    needs = limits.needs
    free = limits.heap * needs.usable - needs.code - paired * needs.failover
    return max(min(int(free) // _PER_ROW_WITH_NAMES, _in_flash(limits.flash)) // 10 * 10, 0)


def _in_flash(size: int) -> int:
    """How many leases the journal would keep in `size` octets: in what it says of too many, it tells."""
    from twinlease import conf

    told = _flash(conf.load("subnet 10.0.0.0 netmask 255.255.128.0 { range 10.0.0.1 10.0.127.250; }"), size)
    hold = re.search(r"they hold (\d+)", told)
    assert hold, told
    return int(hold[1])


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


def _heap(config: Any, image: bytes, heap: int, limits: Limits) -> tuple[str, str] | None:
    """What to say if `heap` octets are too few."""
    needs, rows, told = limits.needs, config.rows, config.scope.params
    failover = needs.failover if any(pool.peer for pool in config.pools) else 0
    beside = ("ntp-servers" in told) * needs.sntp + bool(told.get("ntp-serve")) * needs.sntp_serve
    beside += ("syslog-server" in told) * needs.syslog
    model = needs.per_image_octet * len(image) + needs.expressions * _has_expressions(image)
    alone = int(heap * needs.usable - needs.code - beside)
    free = int(alone - failover - model)
    room = max(free // needs.per_row, 0)
    if rows <= room:
        return None
    of = f" ({limits.name})" if limits.name else ""
    what = f"a heap of {heap >> 10} KiB{of} is too little for {rows} addresses and this configuration"
    larger = "take a board with a larger heap"
    if alone <= 0:
        return what, f"the firmware alone needs {_kib(-alone)} KiB more than that: {larger}"
    if alone <= failover:
        return what, f"failover takes {failover >> 10} KiB, {_kib(failover - alone)} more than is left: {larger}"
    if room:
        advice = f"with this configuration there is room for about {room}; make the ranges smaller"
    else:
        advice = "make the configuration smaller: fewer hosts, subclasses and options; or " + larger
    return what, advice + (f"; failover takes {failover >> 10} KiB of it" if failover else "")


def _kib(octets: int) -> int:
    """Rounded up."""
    return octets + 1023 >> 10


def _has_expressions(octets: bytes) -> bool:
    from twinlease.conf import image

    reader = image.Reader(octets)
    reader.sources()
    reader.config()
    return any(type(thing).__name__ == "Expr" for thing in reader._objects)
