"""What the judge sees of a board."""

from __future__ import annotations

from twinlease.failover import endpoint

from . import sockets
from .judge import PARTNER_DOWN
from .loop import use
from .world import World


def test_the_state_of_a_board_that_lost_its_power_is_the_last_it_had() -> None:
    """Nobody had looked while it was in PARTNER-DOWN: its partner's leases were not excused (seed 7137)."""
    sockets.install()
    world = World(0)
    use(world.loop)
    board = world.servers[0]
    board.power_on()
    was = board.state
    assert was != PARTNER_DOWN
    board.peer.record = endpoint.altered(board.peer.record, resume=PARTNER_DOWN)
    board.power_off()
    assert board.state == PARTNER_DOWN
