"""What the judge sees of a board."""

from __future__ import annotations

from twinlease.failover import endpoint

from . import sockets
from .judge import PARTNER_DOWN, Promise
from .loop import use
from .world import World


def test_a_clock_that_was_set_forward_just_before_a_restart_is_excused_and_no_other() -> None:
    """The firmware looks at it once a minute, and cannot know after a start what it did not notice before (101068)."""
    sockets.install()
    for wait_ms, left in ((30_000, 50_000), (90_000, 60_000)):
        world = World(2)
        use(world.loop)
        board = world.servers[0]
        board.clock.offset_s, board.clock.after_ms = 0, 0
        board.power_on()
        world.loop.run_until(3_000)
        assert board.unnoticed_s == 0
        board.clock.offset_s = 10
        world.loop.run_until(3_000 + wait_ms)
        now = world.loop.now
        world.judge.promises[bytes(4)] = {bytes(6): Promise(now + 60_000, "A", False)}
        board.power_off()
        assert left - 1000 <= world.judge.promises[bytes(4)][bytes(6)].until - now <= left


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
