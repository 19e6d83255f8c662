"""Deliberate bugs: each is put into the firmware by a test, in memory, and some World must find it.

README.md has the list in words.  A bug is a context manager; while it is entered, the firmware has it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from . import sockets


@dataclass(frozen=True)
class Bug:
    name: str
    violates: str
    """The property that is to be found violated."""
    place: str
    """module.name or module.Class.name of the firmware"""
    make: Callable[[Any], Any]
    """What is put there, given what was there."""
    first: int = 0
    """The World to begin with: which one finds it changes with the firmware; the search takes a second a World."""

    @contextmanager
    def inside(self) -> Iterator[None]:
        sockets.install()
        module, *path = self.place.split(":")
        holder = importlib.import_module("twinlease." + module)
        for name in path[:-1]:
            holder = getattr(holder, name)
        good = getattr(holder, path[-1])
        setattr(holder, path[-1], self.make(good))
        try:
            yield
        finally:
            setattr(holder, path[-1], good)


def _sends_first(good: Any) -> Any:
    """The driver's flush with the replies before the sync."""

    def flush(self: Any) -> None:
        for i in range(self._node.sends):
            self._send(i)
        self._node.sends = 0
        good(self)

    return flush


def _every_other_sync(good: Any) -> Any:
    def sync(self: Any) -> None:
        self.skipped = not getattr(self, "skipped", False)
        if not self.skipped:
            good(self)

    return sync


def _refuses_to_renew(good: Any) -> Any:
    """Who renews by unicast is not known, if it is somebody else's lease as far as identifiers go."""

    def holds(self: Any, row: int) -> bool:
        return good(self, row) and not (self._request.where[50] == 0 and self._table.has_id(row))

    return holds


def _trips(good: Any) -> Any:
    def parse(self: Any, packet: bytes, length: int) -> Any:
        return good(self, packet, length) if length >= 240 else packet[240]

    return parse


def _deaf_to(good: bytes, own: int, partner_column: int) -> bytes:
    """The state machine's table, with one cell that stays."""
    from twinlease.failover.states import WIDTH

    table = bytearray(good)
    at = 0
    while table[at] != own:
        at += WIDTH
    table[at + 1 + partner_column] = 250
    return bytes(table)


BUGS = (
    Bug(
        "in PARTNER-DOWN nothing is waited for",
        "S1",
        "failover.times:takeover_at",
        lambda good: lambda promised, stos, mclt: 0,
        first=1015,
    ),
    Bug(
        "the partner's free addresses are given away too",
        "S1",
        "failover.times:may_allocate",
        lambda good: lambda primary, state, *others: state != 2,
        first=140,
    ),
    Bug(
        "the partner's word that a lease has ended is believed while it runs",
        "S1",
        "failover.bindings:_runs",
        lambda good: lambda *told: False,
        first=70,
    ),
    Bug(
        "a lease ends a minute early",
        "S1",
        "lease.table:Table:due",
        lambda good: lambda self, now, offers=0: good(self, now + 60, offers),
    ),
    Bug("replies leave before the sync", "S2", "net.dhcp_server:DhcpServer:flush", _sends_first),
    Bug("every other sync does nothing", "S2", "lease.ring:Ring:sync", _every_other_sync),
    Bug(
        "leases are as long as configured, whatever the partner knows",
        "S3",
        "failover.times:granted_s",
        lambda good: lambda want_s, *others: want_s,
    ),
    Bug(
        "each server answers every client",
        "S4",
        "dhcp.share:Share:leaves",
        lambda good: lambda self, row: self.silences(row),
    ),
    Bug(
        "updates that were on their way when the link broke are forgotten",
        "S5",
        "failover.updates:Updates:requeue",
        lambda good: lambda self: None,
        first=17,
    ),
    Bug(
        "free addresses are never shared",
        "S5",
        "failover.rebalance:rebalance",
        lambda good: lambda *all: (0, False, False),
    ),
    Bug(
        "COMMUNICATIONS-INTERRUPTED does not end when the partner says that too",
        "S5",
        "failover.states:ON_HEARD",
        lambda good: _deaf_to(_deaf_to(good, 3, 1), 3, 0),
    ),
    Bug("who renews is refused if it has an identifier", "S6", "dhcp.choice:Choice:holds", _refuses_to_renew),
    Bug("a packet that is too short ends the server", "S7", "dhcp.request:Request:parse", _trips),
)
