"""A pair of boards with a thousand leases learns all of them anew, again and again, on a heap that is not much more, and loses no memory."""

from __future__ import annotations

from pathlib import Path

from lab.pair import Pair, Terms
from lab.sides import BoardSide
from lab.tools import require
from lab.wait import wait_for

LEASES = 1000
ROUNDS = 10


def free(side: BoardSide) -> int:
    return int(side.show("memory")["free"])


def test_a_thousand_leases_are_learnt_anew_ten_times(tmp_path: Path) -> None:
    """The database of one board is lost; the other tells it everything. What is free afterwards is the same each time."""
    require()
    with Pair("board", "board", tmp_path, Terms(pool=LEASES, lease_s=36000, mclt_s=3600)) as pair:
        pair.start()
        pair.clients.obtain(range(1, LEASES + 1), limit_s=120)
        survivor, other = pair.primary, pair.secondary
        assert isinstance(survivor, BoardSide) and isinstance(other, BoardSide)
        told = []
        for _ in range(ROUNDS):
            wait_for(lambda: count(survivor) == count(other) == LEASES, 60, "both to know every lease", glance_s=0.5)
            told.append((free(survivor), free(other)))
            pair.cut_power(other)
            other.lose_database()
            pair.power_on(other)
            pair.wait_normal()
        wait_for(lambda: count(survivor) == count(other) == LEASES, 60, "both to know every lease", glance_s=0.5)
        told.append((free(survivor), free(other)))
        print("free octets of the one that stays, and of the one that learns:", told)
        for side in (survivor, other):
            assert "ut of memory" not in side.whole_log() and "MemoryError" not in side.whole_log()
        for one in range(2):  # something rare may have come to stay, once; what a round costs would show ten times
            rounds = [octets[one] for octets in told[1:]]
            assert len(set(rounds)) <= 3 and rounds[0] - rounds[-1] < 512 * ROUNDS, "memory is lost from round to round"


def count(side: BoardSide) -> int:
    return sum(int(pool["active"]) for pool in side.show("pools"))
