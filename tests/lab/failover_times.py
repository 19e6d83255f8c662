"""How long clients and operators wait for a pair of failover servers; tests/bench prints it, beside two ISC dhcpds.

Each function makes a pair of its own in an empty folder, and ends it. Nothing is judged here.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from .pair import Pair, Terms
from .sides import Side
from .wait import wait_for

RFC_2131_S = (4.0, 8.0, 16.0)
"""After how long a client asks again (RFC 2131, 4.1), without the random second."""


@dataclass(frozen=True)
class Fresh:
    """Two servers with empty databases, switched on at once."""

    from_power_on_s: float
    """Until both are in NORMAL. For a virtual board this has the start of the host's tool in it, half a second or so."""
    from_serving_s: float
    """The same, from when the later one listens to clients."""


@dataclass(frozen=True)
class Waits:
    """How long each client waited for its ACK, from its first DISCOVER, shortest first; and what the servers logged."""

    seconds: list[float]
    held_by_peer: int
    """Lines `peer holds all free leases`."""


def fresh_to_normal(primary: str, secondary: str, where: Path) -> Fresh:
    """Switch both on at once and wait for NORMAL. Both have been on before, so that the board's firmware is compiled."""
    pair = Pair(primary, secondary, where, Terms())
    with pair.unjudged():
        pair.launch()
        for side in pair.sides:
            side.wait_log("Server starting service")
            side.cut_power()
            side.lose_database()
        began = time.monotonic()
        pair.launch()
        serving: dict[str, float] = {}

        def look() -> bool:
            for side in pair.sides:
                if side.at not in serving and "Server starting service" in side.log():
                    serving[side.at] = time.monotonic()
            return all(side.state() == "normal" for side in pair.sides)

        wait_for(look, 120, "both to be in normal")
        now = time.monotonic()
        return Fresh(now - began, now - max(serving.values()))


def new_clients_after(fault: str, primary: str, secondary: str, where: Path, clients: int = 20) -> Waits:
    """A server hangs ("hang") or loses its cable ("cable"); at the same moment new clients ask, on the other's switch."""
    pair = Pair(primary, secondary, where, Terms(), RFC_2131_S)
    with pair.unjudged():
        pair.start()
        victim: Side = pair.secondary
        if fault == "hang":
            pair.hang(victim)
        elif fault == "cable":
            pair.pull_cable(victim)
        else:
            raise ValueError(f"{fault} is no fault: hang or cable")
        pair.clients.obtain(range(1, clients + 1), pair.partner(victim).at, 120, window=clients)
        return _waits(pair)


def as_many_clients_as_addresses(primary: str, secondary: str, where: Path, clients: int = 50) -> Waits:
    """So many clients ask at once, and there are as many addresses."""
    pair = Pair(primary, secondary, where, Terms(pool=clients), RFC_2131_S)
    with pair.unjudged():
        pair.start()
        pair.clients.obtain(range(1, clients + 1), "a", 120, window=clients)
        return _waits(pair)


def _waits(pair: Pair) -> Waits:
    held = sum(side.whole_log().count("peer holds all free leases") for side in pair.sides)
    return Waits(sorted(lease.waited_s for lease in pair.clients.leases.values()), held)
