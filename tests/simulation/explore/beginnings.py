"""Where explorations begin, and how far they go."""

from __future__ import annotations

from collections import namedtuple

from .board import Board
from .search import Found, explore, settled
from .world import Limits, World

FREE, BACKUP, NEW = "the address free", "the address on the secondary's list", "both new"


class Beginning(namedtuple("Beginning", ("where", "faults", "acts", "liars", "ahead"))):
    """ahead: seconds that the secondary's clock is ahead.  liars: operators say PARTNER-DOWN although it is not."""

    def __str__(self) -> str:
        told = "%s, %d faults, %d acts" % (self.where, self.faults, self.acts)
        told += ", operators err" if self.liars else ""
        return told + (", clocks %+d s apart" % self.ahead if self.ahead else "")


def plan(depth: int) -> list[Beginning]:
    """What an exploration of that depth consists of; the longest first."""
    found = []
    for acts in range(depth + 1):
        for where, ahead in ((FREE, 0), (BACKUP, 0), (BACKUP, 45)):
            if not ahead or acts == 1:
                found.append(Beginning(where, depth - acts, acts, False, ahead))
    found.append(Beginning(FREE, depth, 0, True, 0))
    found.append(Beginning(NEW, depth // 2, depth - 2, False, 0))
    return found


def run(what: Beginning, both: bool = False) -> Found:
    world = World(Board(True), Board(False, what.ahead), Limits(what.faults, what.acts, both, what.liars))
    first = world.first() if what.where == NEW else settled(world, int(what.where == BACKUP))
    return explore(world, first)
