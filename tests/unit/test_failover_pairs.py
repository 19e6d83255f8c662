"""Two endpoints and a link: from wherever faults may lead, both come back to NORMAL (design page, property 5)."""

import sys

from failover_pairs import EXITED, PD, SD, Isc, explore, is_well, story, stuck
from twinlease.failover import endpoint
from twinlease.failover import states as s

# MicroPython takes ten times as long, and walks the same code.
FULL = sys.implementation.name != "micropython"
OPERATORS = (s.SAYS_PARTNER_DOWN, s.AUTO_PARTNER_DOWN, s.SAYS_PAUSE, s.SAYS_SHUTDOWN)


def judge(kinds, faults, operators=(s.SAYS_PARTNER_DOWN,)):
    edges, via, _ = explore(kinds, faults, operators)
    assert any(is_well(world) for world in edges), "no world is well: the model does nothing"
    lost = stuck(edges)
    assert not lost, "%d of %d worlds do not come back, such as\n%s" % (len(lost), len(edges), story(via, lost[0]))
    return edges, via


def test_two_of_ours_come_back_from_every_world_of_three_faults():
    edges, via = judge((s, s), 3 if FULL else 1)
    for world in edges:
        assert not serve_from_one_list(world), story(via, world)


def test_two_of_ours_come_back_from_what_operators_do():
    edges, via = judge((s, s), 2 if FULL else 1, OPERATORS)
    for world in edges:
        assert not serve_from_one_list(world), story(via, world)


def serve_from_one_list(world):
    """Both may give out the same free addresses, and nobody has declared anybody down.

    In PARTNER-DOWN a server takes its partner's list, too, after MCLT: all that
    was on the wire has arrived by then.  A declared one is a statement that the
    partner is not there; what follows if it is wrong is what PARTNER-DOWN allows.
    """
    if world.wires != ((), ()):
        return False
    one, other = world.sides
    if not (endpoint.serves(one.record) and endpoint.serves(other.record)) or one.declared or other.declared:
        return False
    return PD in (one.record.state, other.record.state)


def test_ours_as_primary_brings_an_isc_secondary_back_and_never_kills_it():
    alive((s, Isc))


def test_ours_as_secondary_brings_an_isc_primary_back_and_never_kills_it():
    alive((Isc, s))


def alive(kinds):
    edges, via = judge(kinds, 3 if FULL else 1)
    for world in edges:
        for i in (0, 1):
            if kinds[i] is Isc:
                assert world.sides[i].record.state not in (EXITED, SD), story(via, world)


def test_the_explorer_sees_what_it_is_for():
    """Two ISCs get stuck after two faults, as the reference says (section 10, items 1, 7 and 9)."""
    edges, _, _ = explore((Isc, Isc), 2)
    assert stuck(edges)
