"""Memory that runs out within a Peer: what a connection less would not mend ends the server, which starts from flash."""

from failover_pair import Pair
from twinlease.failover import endpoint, exchange, peer
from twinlease.failover import states as s
from twinlease.failover.exchange import Unfinished

STATES, ACTIONS, HANDSHAKE = "failover.states", "failover.actions", "failover.handshake"


class Short:
    """While it lasts there is no memory for one module of the overlays, once, from `event` on."""

    def __init__(self, module, event=None):
        self.module, self.event = module, event
        self.spent = False

    def run(self, module, what, *args):
        if module == STATES and args[1] == self.event:
            self.event = None
        if module == self.module and self.event is None and not self.spent:
            self.spent = True
            raise MemoryError
        return self.real(module, what, *args)

    def __enter__(self):
        self.real = exchange.run
        exchange.run = peer.run = self.run

    def __exit__(self, *error):
        exchange.run = peer.run = self.real


def raised(kind, what, *args):
    try:
        what(*args)
    except kind:
        return True
    return False


def settled():
    pair = Pair()
    pair.until(pair.settled, 600)
    return pair


def starts_again(pair, side):
    """As main.py has it, after a run of the Peer that ended with Unfinished: nothing that was not synced counts."""
    assert raised(Unfinished, side.peer.tick, side.now(pair.up), pair.up), "swallowed once, and forgotten"
    pair.pipes = []
    side.start(pair.up)


def test_a_lost_link_is_never_missed():
    for module in (STATES, ACTIONS):
        pair = settled()
        pair.cut()
        pair.stop(pair.b)
        with Short(module, endpoint.LINK_LOST):
            assert raised(Unfinished, pair.run, 100), module
        starts_again(pair, pair.a)
        pair.run(300)
        assert pair.a.state == s.COMMUNICATIONS_INTERRUPTED and not pair.a.peer.balances and pair.a.peer.serves, module


def test_a_link_that_is_lost_without_memory_to_say_so_is_lost_all_the_same():
    pair = settled()

    def say(text):
        raise MemoryError

    pair.a.store.say = say
    assert raised(Unfinished, pair.a.peer.closed, pair.pipes[0][0], pair.a.now(pair.up), pair.up)
    assert raised(Unfinished, pair.a.peer.tick, pair.a.now(pair.up), pair.up)


def test_nobody_stays_in_startup():
    for module in (STATES, ACTIONS):
        pair = settled()
        pair.stop(pair.b)
        pair.pipes = []
        pair.a.start(pair.up)
        with Short(module, endpoint.STARTUP_TIMEOUT):
            assert raised(Unfinished, pair.run, 200), module
        starts_again(pair, pair.a)
        pair.run(200)
        assert pair.a.state == s.COMMUNICATIONS_INTERRUPTED and pair.a.peer.serves, module


def recovering():
    """b waits in RECOVER-WAIT, because a was told that it is down."""
    pair = settled()
    pair.cut()
    pair.stop(pair.b)
    pair.until(lambda: not pair.a.peer.linked, 200)
    pair.a.peer.says(s.SAYS_PARTNER_DOWN, pair.a.now(pair.up), pair.up)
    pair.a.flush()
    pair.asleep = []
    pair.heal()
    pair.pipes = []
    pair.b.alive = pair.b.now(pair.up)
    pair.b.start(pair.up)
    pair.until(lambda: pair.b.state == s.RECOVER_WAIT, 300)
    return pair


def test_nobody_stays_in_recover_wait():
    for module in (STATES, ACTIONS):
        pair = recovering()
        with Short(module, endpoint.WAIT_OVER):
            assert raised(Unfinished, pair.run, 20000), module
        pair._drop_all(pair.b)
        starts_again(pair, pair.b)
        pair.until(pair.normal, 20000)


def test_what_the_operator_said_and_a_console_swallowed_ends_the_server_with_the_next_tick():
    for module in (STATES, ACTIONS):
        pair = settled()
        a = pair.a
        with Short(module, s.SAYS_PAUSE):
            assert raised(Unfinished, a.peer.says, s.SAYS_PAUSE, a.now(pair.up), pair.up), module
        assert raised(Unfinished, a.peer.tick, a.now(pair.up), pair.up), module


def test_a_board_that_is_too_small_from_the_start_says_so_and_is_not_started_again():
    pair = Pair(start=False)
    with Short(STATES, endpoint.START):
        assert raised(MemoryError, pair.a.start, pair.up)


def test_a_connection_that_there_is_no_memory_to_open_leaves_its_place_free():
    pair = Pair(start=False)
    pair.a.start(pair.up)
    a = pair.a.peer
    for _ in range(3):
        with Short(HANDSHAKE):
            assert raised(MemoryError, a.opened, True, pair.a.now(pair.up), pair.up)
        assert not a.wants_dial(pair.up)  # but later
        assert a.wants_dial(a.dial_at)
    assert a.opened(True, pair.a.now(pair.up), pair.up) == 0
    a.tick(pair.a.now(pair.up), pair.up)  # and nothing is torn


def test_no_memory_elsewhere_costs_the_connection_only():
    pair = settled()
    a = pair.a
    link = a.peer.link
    with Short("failover.words"):
        assert raised(MemoryError, a.peer._break, link, 1)
    pair._drop_all()
    pair.until(pair.settled, 600)
