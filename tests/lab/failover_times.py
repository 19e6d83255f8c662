"""How long clients and operators wait for a pair of failover servers; tests/bench prints it, beside two ISC dhcpds.

Each function makes a pair of its own in an empty folder, and ends it. Nothing is judged here.

dhcpd's own knobs are set so that it does its best: max-response-delay 3 (of a third of it, in whole seconds, its partner makes the
interval of CONTACT; with less there is none) and load balance max seconds 3, the least that its manual recommends.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path

from twinlease.failover.balance import bucket

from . import failover_log
from .pair import Pair, Terms
from .sides import Side
from .wait import wait_for

RFC_2131_S = (4.0, 8.0, 16.0)
"""After how long a client asks again (RFC 2131, 4.1), without the random second."""
LEASES = 1000
LATER_S = 1.0
"""After the fault, the second half of the clients."""
_RESPONSE_DELAY_S = 3
_PEER = re.compile(r'^failover peer "[^"]*" \{.*?^\}\n|^\s*failover peer "[^"]*";\n', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class ToNormal:
    """Two servers that are switched on at once, until both are in NORMAL."""

    from_power_on_s: float
    """From when the later one has power: a virtual board's power is on once the host's tool has made the board."""
    from_serving_s: float
    """From when the later one listens to clients."""


@dataclass(frozen=True)
class Wait:
    """One client."""

    asked_s: float
    """Its first DISCOVER, after the fault."""
    waited_s: float
    """From there to its ACK."""
    of_victim: bool
    """The server that the fault happened to has the client's hash bucket."""


@dataclass(frozen=True)
class Orphans:
    """New clients of a pair one of which has just gone without a word."""

    noticed_s: float
    """From the fault until the survivor says that it is in COMMUNICATIONS-INTERRUPTED."""
    clients: list[Wait]


@dataclass(frozen=True)
class Crowded:
    """As many clients as addresses."""

    seconds: list[float]
    """How long each waited for its ACK, from its first DISCOVER, shortest first."""
    asked_again: int
    """How many clients had to say something twice."""
    held_by_peer: int
    """Lines `peer holds all free leases`, in both logs."""
    complaints: int
    """Other lines that are a complaint, in both logs."""


def fresh_to_normal(primary: str, secondary: str, where: Path) -> list[ToNormal]:
    """Two servers with empty databases: the primary switched on a moment before the secondary, then the other way round.

    It matters to two dhcpds: where their attempts to connect cross, they wait for five seconds.
    """
    pair = _pair(primary, secondary, where)
    with pair.unjudged():
        pair.launch()
        found = []
        for sides in (pair.sides, pair.sides[::-1]):
            for side in sides:
                side.wait_log("Server starting service")
                side.cut_power()
                side.lose_database()
            found.append(_to_normal(sides))
        return found


def leases_to_normal(primary: str, secondary: str, where: Path, leases: int = LEASES) -> tuple[ToNormal, ToNormal]:
    """The primary has served alone, and has so many active leases; now it gets a partner. Then both restart, with the leases."""
    pair = _pair(primary, secondary, where, pool=leases, lease_s=3600)
    with pair.unjudged():
        with _alone(pair.primary):
            pair.primary.start()
            pair.clients.obtain(range(1, leases + 1), "a", 120)
            pair.primary.stop()
        joined = _to_normal(pair.sides)
        active = sum(bound.state == "active" for bound in pair.wait_agreed(60).values())
        if active != leases:
            raise RuntimeError(f"of {leases} leases, both have {active}")
        for side in pair.sides:
            side.stop()
        return joined, _to_normal(pair.sides)


def new_clients_after(fault: str, primary: str, secondary: str, where: Path, clients: int = 40) -> Orphans:
    """The secondary hangs ("hang") or loses its cable ("cable").

    At the same moment half of the clients ask, and the others a second later, all on the primary's switch; of both halves every
    other is the secondary's.
    """
    pair = _pair(primary, secondary, where)
    with pair.unjudged():
        pair.start()
        victim, survivor = pair.secondary, pair.primary
        chosen = _of_both_buckets(pair, clients)
        since = survivor.mark()
        noticed: list[float] = []
        watch = threading.Thread(target=lambda: noticed.append(_alone_at(survivor, since)))
        if fault not in ("hang", "cable"):
            raise ValueError(f"{fault} is no fault: hang or cable")
        watch.start()
        began = time.monotonic()
        (pair.hang if fault == "hang" else pair.pull_cable)(victim)
        later = dict.fromkeys(chosen[clients // 2 :], LATER_S)
        pair.clients.obtain(chosen, survivor.at, 120, window=clients, start_s=later)
        watch.join()
        talks = [(n, pair.clients.leases[n]) for n in chosen]
        waits = [Wait(one.asked_at - began, one.waited_s, not _is_primarys(pair, n)) for n, one in talks]
        return Orphans(noticed[0] - began, waits)


def as_many_clients_as_addresses(primary: str, secondary: str, where: Path, clients: int = 50) -> Crowded:
    """So many clients ask at once, and there are as many addresses."""
    pair = _pair(primary, secondary, where, pool=clients)
    with pair.unjudged():
        pair.start()
        since = [side.mark() for side in pair.sides]
        pair.clients.obtain(range(1, clients + 1), "a", 120, window=clients)
        leases = pair.clients.leases.values()
        logs = [side.log(mark) for side, mark in zip(pair.sides, since)]
        held = sum(log.count("peer holds all free leases") for log in logs)
        complaints = sum(len(failover_log.complaints(log.encode(), failover_log.Explained())) for log in logs)
        asked_again = sum(one.tries > 0 for one in leases)
        return Crowded(sorted(one.waited_s for one in leases), asked_again, held, complaints)


def _pair(primary: str, secondary: str, where: Path, pool: int = 100, lease_s: int = 300) -> Pair:
    terms = Terms(pool=pool, lease_s=lease_s, response_delay_s=_RESPONSE_DELAY_S)
    return Pair(primary, secondary, where, terms, RFC_2131_S)


def _to_normal(sides: Sequence[Side]) -> ToNormal:
    """Switch them on in this order, and wait."""
    powered: dict[str, float] = {}
    serving: dict[str, float] = {}
    for side in sides:
        side.launch()
        if side.server.says_powered is None:
            powered[side.at] = time.monotonic()

    def look() -> bool:
        for side in sides:
            log = side.log()
            if side.at not in powered and str(side.server.says_powered) in log:
                powered[side.at] = time.monotonic()
            if side.at not in serving and side.server.says_ready in log:
                serving[side.at] = time.monotonic()
        return all(side.is_in("normal") for side in sides)

    def tell() -> str:
        return "\n".join(f"{side} moved: {side.moves()}" for side in sides)

    wait_for(look, 120, "both to be in normal", tell)
    now = time.monotonic()
    return ToNormal(now - max(powered.values()), now - max(serving.values()))


@contextmanager
def _alone(side: Side) -> Iterator[None]:
    """Meanwhile its configuration knows of no failover."""
    path = side.where / "dhcpd.conf"
    whole = path.read_text()
    path.write_text(_PEER.sub("", whole))
    yield
    path.write_text(whole)


def _alone_at(side: Side, since: int) -> float:
    """When it says that it has lost its partner."""
    side.wait_log("I move from normal to communications-interrupted", 120, since)
    return time.monotonic()


def _is_primarys(pair: Pair, number: int) -> bool:
    key = pair.clients.balance_key(number)
    return int(bucket(key, 0, len(key))) < pair.terms.split


def _of_both_buckets(pair: Pair, clients: int) -> list[int]:
    """Clients of the primary's and the secondary's buckets, in turn."""
    of_primary = islice((n for n in count(1) if _is_primarys(pair, n)), clients // 2)
    of_secondary = islice((n for n in count(1) if not _is_primarys(pair, n)), clients // 2)
    return [n for both in zip(of_primary, of_secondary) for n in both]
