"""Two boards of which one is gone: the other goes on alone without an operator, but only if nothing shows that it lives."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab.pair import Pair, Terms
from lab.sides import NAME, BoardSide, Side
from lab.stations import Unanswered
from lab.wait import wait_for

ALONE = "communications-interrupted"
COUNTDOWN = "PARTNER-DOWN in [0-9]+ s; to cancel: failover keep"


@pytest.fixture
def boards(tmp_path: Path):
    """Makes a pair of boards: `with boards("partner-down-after 3;") as pair`."""
    from lab.tools import require

    require()

    def make(extra: str, **terms) -> Pair:
        return Pair("board", "board", tmp_path, Terms(extra=extra, **terms))

    return make


def board(side) -> BoardSide:
    """The side, as what it is."""
    assert isinstance(side, BoardSide)
    return side


def lose(pair: Pair, side: Side) -> None:
    """It is off, and nothing of it answers any more: a board's network dies with it, a namespace's does not."""
    pair.pull_cable(side)
    pair.cut_power(side)


def bring_back(pair: Pair, side: Side) -> None:
    """It is on again, with what is in its flash."""
    pair.put_cable(side)
    pair.power_on(side)


def facts(side) -> dict:
    """What `show failover` says of the pair."""
    return next(one for one in board(side).show("failover") if one["name"] == NAME)


@pytest.mark.parametrize("role", ["primary", "secondary"])
def test_a_partner_that_is_gone_is_replaced_after_an_announcement(boards, role: str) -> None:
    """Power is cut: the survivor announces it, goes on alone, and gives out the partner's addresses after MCLT."""
    with boards("partner-down-after 3;", pool=12, lease_s=40, mclt_s=5) as pair:
        pair.start()
        side, other = pair.sides if role == "primary" else (pair.secondary, pair.primary)
        lose(pair, side)
        other.wait_state(ALONE)
        told = other.wait_log(COUNTDOWN)
        assert "ARP/ICMP" in other.log(), told
        other.wait_state("partner-down", limit_s=60)
        assert "no sign of the partner for 3 s" in other.log()
        hold_all(pair, 12)
        bring_back(pair, side)
        pair.wait_normal()
        pair.wait_agreed()


def hold_all(pair: Pair, n: int) -> None:
    """Clients 1 to n have a lease each, in the end; they ask until they get one."""
    wanted = range(1, n + 1)

    def all_served() -> bool:
        try:
            pair.clients.obtain([i for i in wanted if i not in pair.clients.leases], limit_s=2.0)
        except Unanswered:
            return False
        return len(pair.clients.leases) == n

    wait_for(all_served, 60, "all clients to be served")
    assert len({lease.address for lease in pair.clients.leases.values()}) == n


def test_a_partner_that_only_the_failover_port_hides_is_not_taken_for_dead(boards) -> None:
    """A firewall closes TCP: both stay in COMMUNICATIONS-INTERRUPTED, and say what they see."""
    with boards("partner-down-after 4;") as pair:
        pair.start()
        with pair._fault():
            pair.site.cut_tcp()
        for side in pair.sides:
            side.wait_state(ALONE)
            side.wait_log("the partner's host answers, but not its failover port: PARTNER-DOWN only by command")
            side.wait_log("the partner's beat is heard, but no connection comes about")
        pair.clients.obtain(range(1, 4))
        for _ in range(3):  # four times as long as it would take
            pair.clients.renew(range(1, 4))
            wait_for_countdown_to_start_anew(pair)
        for side in pair.sides:
            assert side.state() == ALONE  # a countdown that a busy machine begins is broken off with the next beat
            assert "no sign of the partner for" not in side.log()
        pair.witness.united()
        pair.site.heal_tcp()
        pair.wait_normal()


def wait_for_countdown_to_start_anew(pair: Pair) -> None:
    """The time to PARTNER-DOWN never gets far from its beginning, on either side, for as long as it takes to run out."""
    import time

    end = time.monotonic() + 5
    while time.monotonic() < end:
        for side in pair.sides:
            assert facts(side)["partner_down_in"] >= 2
        time.sleep(0.2)


def test_without_the_beat_the_host_still_answers(boards) -> None:
    """The partner's interpreter hangs: it does not beat, and its kernel answers ARP. That is for a person to judge."""
    with boards("partner-down-after 3;") as pair:
        pair.start()
        pair.hang(pair.primary)
        pair.secondary.wait_state(ALONE)
        pair.secondary.wait_log("the partner's host answers, but not its failover port")
        wait_for(lambda: facts(pair.secondary)["partner_down_in"] == 3, 60, "the count to start anew")
        assert "beat is heard" not in pair.secondary.log() and pair.secondary.state() == ALONE
        pair.resume(pair.primary)
        pair.wait_normal()


def test_the_operator_cancels_the_countdown(boards) -> None:
    """`failover keep`: nothing happens by itself any more, until the two have met again."""
    with boards("partner-down-after 20;") as pair:
        pair.start()
        lose(pair, pair.primary)
        pair.secondary.wait_log(COUNTDOWN)
        assert "unless it is heard from" in board(pair.secondary).ask("show failover")
        board(pair.secondary).ask(f"failover keep {NAME}")
        assert facts(pair.secondary)["partner_down_in"] is None
        assert "unless it is heard from" not in board(pair.secondary).ask("show failover")
        bring_back(pair, pair.primary)
        pair.wait_normal()
        lose(pair, pair.primary)
        pair.secondary.wait_state(ALONE)
        wait_for(lambda: facts(pair.secondary)["partner_down_in"], 60, "the next countdown")
        bring_back(pair, pair.primary)


def test_a_board_whose_own_cable_is_out_does_not_blame_its_partner(boards) -> None:
    with boards("partner-down-after 4;") as pair:
        pair.start()
        pair.pull_cable(pair.primary)
        pair.primary.wait_state(ALONE)
        pair.primary.wait_log("our own cable is out: the partner's silence says nothing")
        pair.secondary.wait_state("partner-down")
        assert pair.primary.state() == ALONE
        pair.put_cable(pair.primary)
        pair.wait_normal()


@pytest.mark.parametrize("role", ["primary", "secondary"])
def test_a_lone_new_board_serves_when_the_operator_has_said(boards, role: str) -> None:
    """Empty flash, nobody to ask: it tells how long it waits, and how to end that; then the partner comes after all."""
    with boards("serve-alone-after 2;", pool=12, lease_s=40, mclt_s=5) as pair:
        side = pair.primary if role == "primary" else pair.secondary
        pair.site.pull_cable(pair.partner(side).at)
        side.launch()
        side.wait_log("nobody is served for [0-9]+ s, then this board goes on alone; failover partner-down")
        side.wait_state("partner-down", limit_s=60)
        hold_all(pair, 4)
        pair.site.put_cable(pair.partner(side).at)
        pair.partner(side).launch()
        pair.wait_normal()
        pair.wait_agreed()
        pair.clients.renew(range(1, 5))


def test_a_new_board_whose_old_partner_comes_back_with_leases_learns_them_before_it_serves(boards) -> None:
    """The pair had leases; one board was replaced while the other was off, and went on alone; now the other is back."""
    with boards("serve-alone-after 2;", pool=20, lease_s=300, mclt_s=5) as pair:
        pair.start()
        pair.clients.obtain(range(1, 7))
        pair.wait_agreed()
        pair.clients.renew(range(1, 7))  # a first lease is for MCLT, and would end meanwhile
        pair.wait_agreed()
        for side in pair.sides:
            lose(pair, side)
        pair.primary.lose_database()
        bring_back(pair, pair.primary)
        pair.primary.wait_state("partner-down", limit_s=60)
        bring_back(pair, pair.secondary)
        pair.wait_normal()
        known = pair.wait_agreed()
        for lease in pair.clients.leases.values():
            assert known[lease.address].state == "active"
        pair.clients.renew(range(1, 7))
