"""The power is cut through a whole day of an office of 250 clients: nothing that clients or the partner were told is lost.

Here a part of the cuts, spread over the day: one operation in so many, each erase and what stands around it, one way each.
`make power-day` cuts every operation in every way.  POWER_SEED repeats a day.
"""

import os

import cuts
import forks
import office
import pytest
from nor import KINDS, Dice
from promises import told

SEED = int(os.environ.get("POWER_SEED", "1"))


def some(every, dice):
    """One operation in `every`, and all erases with the headers that follow them."""
    near = [False]

    def chosen(n, erase):
        wanted = n % every == 0 or erase or near[0]
        near[0] = erase
        return (KINDS[dice.below(len(KINDS))],) if wanted else ()

    return chosen


@pytest.fixture(scope="module")
def alone():
    return office.Day(SEED, False)


def test_a_day_with_its_compactions_and_its_reboot_loses_nothing_that_was_promised(alone):
    cutter = cuts.run(alone, some(6, Dice(SEED)))
    counts = alone.a.counts
    print("%d operations, %d erases, %d cuts, %s" % (cutter.operations, cutter.erases, cutter.cuts, counts))
    assert counts["acks"] > 1500 and counts["releases"] > 20 and cutter.erases > 8
    assert cutter.cuts > 300


def test_a_day_of_a_pair_keeps_what_the_partner_was_told_too():
    day = office.Day(SEED, True)
    cutter = cuts.run(day, some(25, Dice(SEED + 1)))
    print("%d operations, %d erases, %d cuts, %s" % (cutter.operations, cutter.erases, cutter.cuts, day.a.counts))
    assert day.a.acknowledged > 1000 and day.a.announced and cutter.erases > 20
    assert cutter.cuts > 150


def test_remembered_recoveries_are_recoveries():
    """What the forks take up is what the real reader makes of the whole flash."""
    checked = []
    day = office.Day(SEED + 1, False)

    def look(flash, operation):
        if flash.operations % 37 == 0:
            for kind in KINDS:
                image = flash.after_cut(kind, flash.operations, operation)
                quick = office.Recovered(image.reboot(), day.a.config)
                with forks.forgotten():
                    whole = office.Recovered(image.reboot(), day.a.config)
                assert quick.found == whole.found
                assert quick.table.buf == whole.table.buf and quick.table.cells == whole.table.cells
                assert (
                    quick.journal._meta == whole.journal._meta and quick.journal._ring.head == whole.journal._ring.head
                )
                checked.append(kind)

    day.flash.hook = look
    with forks.remembered():
        day._play(office.MIDNIGHT + office.DAY + 9 * office.HOUR)
    day.flash.hook = None
    assert len(checked) > 30


def test_a_server_that_answers_before_it_syncs_is_noticed():
    """The order is the point: ACKs that leave before the journal is synced are promises that a cut breaks."""
    day = office.Day(SEED, False)
    board = day.a

    def hasty(reply=None):
        node = board.node
        if reply:
            board._left(reply)
        for i in range(node.n_rows):
            board.journal.put_row(node.rows[i])
        node.n_rows = 0
        if node.metas or day.flash.operations % 3 == 0:
            board.journal.sync()
        node.done()

    board.flush = hasty
    with pytest.raises(AssertionError, match=r"acknowledged|row"):
        cuts.run(day, some(6, Dice(SEED)))


def test_what_is_compared_tells_all_that_a_client_has(alone):
    """`told` of two rows differs when their clients do."""
    seen = [told(alone.a.table, row) for row in range(alone.a.table.rows)]
    held = [row for row in seen if row[0] != (b"", b"")]
    assert len(set(held)) == len(held) > 200
