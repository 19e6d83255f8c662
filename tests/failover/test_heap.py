"""A pair of boards with a thousand leases learns all of them anew, again and again, on a heap that is not much more, and loses no memory."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import pytest
from lab.pair import Pair, Terms
from lab.sides import PAIR_HEAP, BoardSide
from lab.tools import require
from lab.wait import wait_for

LEASES = 1000
ROUNDS = 10


def free(side: BoardSide) -> int:
    return int(side.show("memory")["free"])


@pytest.mark.parametrize(("heap", "rom"), [("256K", True), (PAIR_HEAP, False)], ids=["in-rom", "stock"])
def test_a_thousand_leases_are_learnt_anew_ten_times(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heap: str, rom: bool
) -> None:
    """The database of one board is lost; the other tells it everything. What is free afterwards is the same each time.

    On boards whose firmware runs in flash (ROMFS), and on those that have a stock image, and the firmware in the heap.
    """
    require()
    monkeypatch.setenv("LAB_HEAP", heap)
    if rom:
        monkeypatch.setenv("LAB_ROM", "1")
    else:
        monkeypatch.delenv("LAB_ROM", raising=False)
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
        print("heap", heap, "in ROM:" if rom else "stock:")
        print("free octets of the one that stays, and of the one that learns:", told)
        for side in (survivor, other):
            assert "ut of memory" not in side.whole_log() and "MemoryError" not in side.whole_log()
        for one in range(
            2
        ):  # a leak of 40 octets a round would show; a table that grew once, and comes and goes, does not
            rounds = [octets[one] for octets in told[1:]]
            lost = median(rounds[:3]) - median(rounds[-3:])
            assert lost < 256, f"memory is lost from round to round: {rounds}"


def count(side: BoardSide) -> int:
    return sum(int(pool["active"]) for pool in side.show("pools"))
