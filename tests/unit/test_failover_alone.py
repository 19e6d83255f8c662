"""A board that lost its data goes on alone, and then the partner that has them comes back: it learns before it serves."""

from failover_pair import MCLT, Pair
from leases import plain
from twinlease.failover import states as s
from twinlease.lease.table import ACTIVE, BACKUP, FREE

PD = s.PARTNER_DOWN


def parted(at_once, n=6, want_s=5000):
    """A pair whose two boards know n leases of each, and where both are off: at once, or the later one has noticed."""
    pair = Pair()
    pair.until(pair.settled, 50)
    clients = {}
    for side in pair.sides:
        for i in range(n):
            client = plain(i + (100 if side is pair.b else 1))
            clients[client] = side.allocate(client, pair.up, want_s)
    pair.until(pair.settled, 100)
    for client in clients:
        pair.a.grant(clients[client], client, pair.up, want_s)  # the second time it is longer than MCLT
    pair.until(pair.settled, 100)
    for side in pair.sides:
        pair.stop(side)
    pair.run(1)
    if at_once:
        pair.pipes = []
    return pair


def serves_wrongly(side, other):
    """Rows that `side` would give away now, and that are bound at the other."""
    t = side.table
    if not side.peer.serves:
        return []
    return [
        row
        for row in range(t.rows)
        if other.table.state(row) == ACTIVE and t.state(row) != ACTIVE and side.peer.may_allocate(row, side.now(0))
    ]


def test_a_replaced_board_that_went_on_alone_learns_every_lease_of_the_partner_that_comes_back():
    for lost, at_once in ((0, True), (0, False), (1, True), (1, False)):
        pair = parted(at_once)
        side, other = pair.sides[lost], pair.sides[1 - lost]
        pair.asleep.remove(side)
        pair.restart(side, erase=True)
        pair.run(30)
        assert side.state in (s.STARTUP, s.RECOVER)
        assert side.peer.says(s.SAYS_PARTNER_DOWN, side.now(pair.up), pair.up) is None
        side.flush()
        pair.run(30)
        assert side.state == PD and side.peer.serves
        pair.asleep.remove(other)
        pair.restart(other)
        for _ in range(10 * MCLT + 300):
            pair.run(1)
            if side.peer.linked:
                assert not serves_wrongly(side, other), (lost, at_once, pair.up)
        assert pair.settled(), (lost, at_once, side.log(), other.log())
        for row in range(side.table.rows):
            assert side.table.state(row) == other.table.state(row), (lost, at_once, row)
        assert sum(side.table.state(row) == ACTIVE for row in range(side.table.rows)) == 12, (lost, at_once)


def test_it_learns_them_also_after_a_power_cut_in_between():
    for lost, at_once in ((0, True), (0, False), (1, True), (1, False)):
        pair = parted(at_once)
        side, other = pair.sides[lost], pair.sides[1 - lost]
        pair.asleep.remove(side)
        pair.restart(side, erase=True)
        pair.run(30)
        side.peer.says(s.SAYS_PARTNER_DOWN, side.now(pair.up), pair.up)
        side.flush()
        pair.run(30)
        pair.restart(side)
        pair.run(200)
        assert side.state == PD
        pair.asleep.remove(other)
        pair.restart(other)
        pair.until(pair.settled, 10 * MCLT + 300)
        assert sum(side.table.state(row) == ACTIVE for row in range(side.table.rows)) == 12, (lost, at_once)


def test_what_is_free_is_not_shared_before_it_is_learnt_which_is():
    """Found beside a slow partner: both were normal, and BACKUP for its client's lease went out before UPDDONE came in."""
    pair = Pair()
    pair.until(pair.settled, 50)
    peer, t = pair.a.peer, pair.a.table
    free = [row for row in range(t.rows) if t.state(row) in (FREE, BACKUP)]
    peer.record = s.altered(peer.record, asked_all=True)
    peer.balanced_at = 0
    for row in free:
        t.set_state(row, FREE)
    pair.run(100)
    assert all(t.state(row) == FREE for row in free)
    peer.record = s.altered(peer.record, asked_all=False)
    pair.until(lambda: any(t.state(row) == BACKUP for row in free), 100)
