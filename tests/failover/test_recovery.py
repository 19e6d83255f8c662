"""What takes more than a new link: a lost database, a partner declared down, two servers that both went on alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from lab.pair import Pair
from lab.sides import Side
from lab.stations import Unanswered

PairOf = Callable[..., Pair]
Victim = Callable[[Pair], tuple[Side, Side]]

ALONE = "communications-interrupted"


def states(side: Side) -> list[str]:
    """What it has moved to since it was switched on."""
    return [to for _, to in side.moves()]


def test_a_lost_database_comes_back_from_the_partner(pair_of: PairOf, victim: Victim) -> None:
    """RECOVER through UPDREQALL, then the wait for MCLT; the partner serves everybody meanwhile."""
    with pair_of(mclt_s=10) as pair:
        pair.start()
        side, other = victim(pair)
        pair.clients.obtain(range(1, 31))
        pair.wait_agreed()
        pair.clients.renew(range(1, 31))
        before = pair.wait_agreed()
        pair.cut_power(side)
        other.wait_state(ALONE)
        side.lose_database()
        pair.power_on(side)
        other.wait_state("partner-down", "normal")
        pair.clients.renew(range(1, 31))
        pair.wait_normal()
        assert [s for s in states(side) if s in ("recover", "recover-done", "normal")] == [
            "recover",
            "recover-done",
            "normal",
        ]
        if not pair.boards_only:  # a new board may serve at once if its partner can tell that it is new
            assert "recover-wait" in states(side)
        after = pair.wait_agreed()
        assert {a for a, b in before.items() if b.state == "active"} <= {
            a for a, b in after.items() if b.state == "active"
        }
        pair.clients.renew(range(1, 31))
        pair.clients.obtain(range(31, 41))


def test_partner_down_and_return(pair_of: PairOf, victim: Victim) -> None:
    """Told that its partner is down, a server gives out the whole pool once MCLT is over; then the partner is back."""
    with pair_of(mclt_s=10, pool=20, lease_s=60) as pair:
        pair.start()
        side, other = victim(pair)
        pair.clients.obtain(range(1, 9))
        pair.wait_agreed()
        pair.clients.renew(range(1, 9))
        pair.wait_agreed()
        pair.cut_power(side)
        other.wait_state(ALONE)
        other.partner_down()
        hold_all(pair, range(1, 21))
        assert len({lease.address for lease in pair.clients.leases.values()}) == 20
        pair.power_on(side)
        pair.wait_normal()
        pair.clients.renew(range(1, 21))
        assert "recover" in states(side)


def hold_all(pair: Pair, numbers: Iterable[int], limit_s: float = 60.0) -> None:
    """All of these clients get a lease, sooner or later; who has one keeps it meanwhile."""
    end = time.monotonic() + limit_s
    wanted = set(numbers)
    while missing := sorted(wanted - pair.clients.leases.keys()):
        try:
            pair.clients.obtain(missing, limit_s=2.0)
        except Unanswered:
            assert time.monotonic() < end, f"clients {missing} got nothing within {limit_s:g} s"
        pair.clients.renew(sorted(wanted & pair.clients.leases.keys()))


def part_and_go_on_alone(pair: Pair) -> None:
    """A partition; both are told that the other is down, and both serve, each the clients of its switch."""
    pair.start()
    pair.clients.obtain(range(1, 11))
    pair.wait_agreed()
    pair.cut_trunk()
    for side in pair.sides:
        side.wait_state(ALONE)
        side.partner_down()
    pair.clients.renew(range(1, 6), at="a")
    pair.clients.renew(range(6, 11), at="b")
    pair.clients.obtain(range(11, 21), at="a")
    pair.clients.obtain(range(21, 31), at="b")


def serve_again(pair: Pair) -> None:
    """Everything is resolved: both in NORMAL, every client keeps its address."""
    pair.wait_normal()
    known = pair.wait_agreed()
    assert sum(bound.state == "active" for bound in known.values()) == 30
    pair.clients.renew(range(1, 31), at="b")


def test_a_potential_conflict_is_resolved(pair_of: PairOf) -> None:
    """Both went on alone; the trunk is mended."""
    with pair_of(mclt_s=40) as pair:
        part_and_go_on_alone(pair)
        pair.mend_trunk()
        for side in pair.sides:
            side.wait_log("I move from partner-down to potential-conflict")
        serve_again(pair)
        assert "conflict-done" in states(pair.primary)


def test_both_come_up_after_both_had_been_in_partner_down(pair_of: PairOf) -> None:
    """Both went on alone, and both lose power before they meet again."""
    with pair_of(mclt_s=40) as pair:
        part_and_go_on_alone(pair)
        for side in pair.sides:
            pair.cut_power(side)
        pair.mend_trunk()
        for side in pair.sides:
            pair.power_on(side)
        serve_again(pair)
        assert all("potential-conflict" in states(side) for side in pair.sides)
