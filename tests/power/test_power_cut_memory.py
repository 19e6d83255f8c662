"""The power is cut in every program and erase of a workload, in every way we know; no acknowledged lease is lost.

A workload of lease events runs once on NOR flash in RAM.  Before each operation
on the flash, the test looks at what a board would find if the power went just
then: nothing of the operation done, all of it, torn, spotted, or (flash that is
a file) some or all of what was not synced lost.  From each it recovers and checks:

* every row is as it was acknowledged (synced), or as it was staged since then;
* nobody else has the address; the lease ends no earlier;
* small values likewise.

On a sample the recovered board goes on with the workload and is cut again, in
every operation; a smaller sample goes on from there.  Blocks of 512 octets, so
that some hundred events go round the ring several times; one run has real ones.

    POWER_SEED=7 pytest tests/power/test_power_cut_memory.py      runs that seed only
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "unit"))

from leases import Client, Dice, Nor, check, mac, small
from nor import KINDS, SPOTTED, TORN, PowerCut
from promises import judge_row, told
from twinlease.lease.journal import Journal
from twinlease.lease.table import (
    ABANDONED,
    ACTIVE,
    EXPIRED,
    FREE,
    ITEM_HOST_NAME,
    PROVISIONAL,
    RELEASED,
    RESET,
    USED,
)

ROWS = 16
BLOCKS = 14
BLOCK = 512
SEEDS = [int(os.environ["POWER_SEED"])] if "POWER_SEED" in os.environ else [1, 2]


class World:
    """A board: table, journal, flash; and what it has promised."""

    journal_class = Journal

    def __init__(self, flash, rows=ROWS):
        self.flash = flash
        self.rows = rows
        self.table = small(rows, cells_per_row=2)
        self.journal = self.journal_class(flash, self.table)
        self.recovery = self.journal.recover()
        # What is acknowledged of each row, and everything it was made since.
        self.synced = [told(self.table, row) for row in range(rows)]
        self.staged = [[] for _ in range(rows)]
        self.meta = {}
        self.meta_staged = {}

    def inherit(self, other):
        """Judge this board by what `other`, the same one before the cut, has promised."""
        self.meta = {key: self.journal.get_meta(key) for key in range(16)}
        for row in range(self.rows):
            now = told(self.table, row)
            yield row, now, [other.synced[row]] + other.staged[row]

    def sync(self):
        self.journal.sync()
        for row in range(self.rows):
            if self.staged[row]:
                self.synced[row] = self.staged[row][-1]
                self.staged[row] = []
        for key in self.meta_staged:
            self.meta[key] = self.meta_staged[key][-1]
        self.meta_staged = {}

    def put(self, row):
        self.staged[row].append(told(self.table, row))
        self.journal.put_row(row)

    def event(self, dice, now):
        """Something happens to a row or to a small value."""
        table = self.table
        row = dice.below(self.rows)
        way = dice.below(20)
        if way < 2:
            key = dice.below(16)
            value = dice.octets(dice.below(64))
            self.meta_staged.setdefault(key, []).append(value)
            self.journal.put_meta(key, value)
            return
        state = table.state(row)
        if state != ACTIVE or way == 2:
            if way < 12 or state == ACTIVE:
                self.take(dice, row, now)
            else:
                table.set_state(row, (FREE, ABANDONED, RESET)[dice.below(3)])
        elif way == 3:
            table.set_state(row, (RELEASED, EXPIRED)[dice.below(2)])
        elif way == 4:
            name = b"host-%d" % dice.below(1000) + b"x" * dice.below(20)
            table.put_item(row, ITEM_HOST_NAME, name, 0, len(name))
            table.set_times(row, now + 3600, now)
        elif way == 5:
            table.set_tstp(row, now + 9000)
            table.set_tsfp(row, now + 8000 * dice.below(2))
            table.set_rewind(row, dice.below(8))
        else:
            table.set_times(row, max(now + 3600, table.ends(row)), now)
        self.put(row)

    def take(self, dice, row, now):
        """A new client for the row."""
        i = dice.below(200)
        id = (b"", b"\x01" + mac(i), b"client-%d" % i, b"c" * 40 + mac(i))[dice.below(4)]
        hw = mac(i) + b"0123456789"[: 10 * (dice.below(5) == 0)]
        if self.table.set_client(row, Client(id, hw).who()):
            self.table.set_times(row, now + 3600, now)
            self.table.set_state(row, ACTIVE)
            self.table.clear_flags(row, PROVISIONAL)
            self.table.set_flags(row, USED | PROVISIONAL * dice.below(2))

    def run(self, dice, batches, now):
        """So many batches of events, each acknowledged by a sync; tends as often as it likes, or hardly ever."""
        lazy = dice.below(3) == 0
        for _ in range(batches):
            now += 1 + dice.below(5)
            for _ in range(1 + dice.below(4) * dice.below(2)):
                self.event(dice, now)
            self.sync()
            for _ in range(0 if lazy else dice.below(3)):
                self.journal.tend(4)
        return now


def judge(before, after, kind, where):
    """Does `after` keep what `before` promised?"""
    for row, now, allowed in after.inherit(before):
        judge_row(row, now, allowed, kind, where)
    for key in range(16):
        values = [before.meta.get(key)] + before.meta_staged.get(key, [])
        assert after.meta[key] in values, "%s: meta %d" % (where, key)


class Cutter:
    """Looks at every operation of a world from the inside, as the flash's hook.

    sample  of so many cuts, one board goes on with the workload and is cut again; 0 for none
    """

    def __init__(self, world, seed, sample, depth=2):
        self.world = world
        self.seed = seed
        self.sample = sample
        self.depth = depth
        self.operations = self.cuts = self.deep = 0
        self.dice = Dice(seed + 1000)
        world.flash.hook = self.look

    def look(self, flash, operation):
        self.operations += 1
        for kind in KINDS:
            seed = self.dice.below(1 << 28)
            where = "seed %d depth %d operation %d %s" % (self.seed, self.depth, self.operations, kind)
            after = World(flash.after_cut(kind, seed, operation), self.world.rows)
            judge(self.world, after, kind, where)
            self.cuts += 1
            if self.sample and self.dice.below(self.sample) == 0:
                check(after.table)
                self.go_on(after, where)

    def go_on(self, after, where):
        """The board that came back works, survives a reboot without a cut, and more cuts."""
        self.deep += 1
        again = World(after.flash.reboot(), self.world.rows)
        for row in range(again.rows):
            assert told(again.table, row) == after.synced[row], where + " second look"
        inner = Cutter(after, self.seed, 60 if self.depth > 2 else 0, self.depth - 1)
        after.run(self.dice, 8, 2_000_000)
        self.cuts += inner.cuts
        self.deep += inner.deep


def run_all(seed, batches, sample, flash, rows=ROWS):
    world = World(flash, rows)
    cutter = Cutter(world, seed, sample, depth=3)
    world.run(Dice(seed), batches, 1_000_000)
    wraps = min(flash.block_erases)
    print(
        "seed %d: %d operations, %d cuts, %d boards went on; every block erased at least %d times"
        % (seed, cutter.operations, cutter.cuts, cutter.deep, wraps)
    )
    return wraps


def test_power_cut_anywhere_keeps_what_was_acknowledged():
    for seed in SEEDS:
        wraps = run_all(seed, 300, 120, Nor(BLOCKS, block_size=BLOCK))
        assert wraps >= 2, "the ring did not go round"


def test_power_cut_anywhere_with_a_program_unit_of_a_page():
    for seed in SEEDS[:1]:
        run_all(seed + 50, 80, 60, Nor(BLOCKS, program_unit=256, block_size=BLOCK))


def test_power_cut_during_the_first_format():
    for seed in range(4):
        flash = Nor(12, block_size=BLOCK, content=Dice(seed + 1).octets(12 * BLOCK) if seed & 1 else None)
        cuts = []

        def look(flash, operation, cuts=cuts, seed=seed):
            for kind in KINDS:
                after = World(flash.after_cut(kind, seed, operation), 5)
                after.run(Dice(seed), 10, 1000)
                again = World(after.flash.reboot(), 5)
                judge(after, again, kind, "format %d %s" % (seed, kind))
                cuts.append(kind)

        flash.hook = look
        World(flash, 5)
        assert len(cuts) > 20


def test_a_board_that_is_cut_again_and_again_always_comes_back():
    """Forty cuts in a row, mostly soon after boot, in blocks of the real size."""
    for seed in range(4):
        dice = Dice(seed + 77)
        flash = Nor(8)
        world = World(flash)
        now = 1_000_000
        for turn in range(40):
            kind = KINDS[dice.below(len(KINDS))]
            where = "seed %d turn %d %s" % (seed, turn, kind)
            flash.cut_at(dice.below(8) if dice.below(4) else dice.below(400), kind, dice.below(1 << 28))
            try:
                now = world.run(dice, 400, now)
            except PowerCut:
                pass
            before = world
            flash = flash.reboot()
            world = World(flash)
            judge(before, world, kind, where)
            check(world.table)


def test_cuts_in_compaction_alone_do_not_use_up_the_spare_blocks():
    """The worst place: the ring is full, and each boot is cut again while it empties a block."""
    for seed in range(6):
        dice = Dice(seed + 5)
        flash = Nor(BLOCKS, block_size=BLOCK)
        world = World(flash)
        now = 1_000_000
        for _ in range(300):
            now += 1
            world.event(dice, now)
            world.sync()
        for turn in range(60):
            kind = (TORN, SPOTTED)[dice.below(2)]
            flash.cut_at(dice.below(5), kind, turn)
            try:
                for _ in range(40):
                    world.journal.tend(3)
                    world.event(dice, now)
                    world.sync()
            except PowerCut:
                pass
            before = world
            flash = flash.reboot()
            world = World(flash)
            judge(before, world, kind, "seed %d turn %d" % (seed, turn))
        now = world.run(dice, 300, now)


def test_the_test_can_see_the_bug_it_is_for():
    """A journal that erases before it syncs must be caught."""

    class Hasty(Journal):
        def _step(self, records):
            if not self._emptying:
                self._emptying = True
                self._cursor = 0
            if self._move(records):
                return
            self._ring.erase_tail()
            self._emptying = False

    World.journal_class = Hasty
    try:
        run_all(1, 300, 0, Nor(BLOCKS, block_size=BLOCK))
    except AssertionError:
        return
    finally:
        World.journal_class = Journal
    raise AssertionError("nothing was noticed")
