"""Two whole servers, node and Peer, joined by a pipe: what their clients get.  CPython and MicroPython."""

import micropython
from failover_pair import Identity, Pair, Side
from leases import Dice
from packets import ACK, DECLINE, DISCOVER, REQUEST, Office, ip, mac, message, option
from sharing import HERE, SHARED, THERE
from twinlease.dhcp import server as sv
from twinlease.failover import states as s
from twinlease.failover.balance import bucket
from twinlease.failover.orient import orient
from twinlease.failover.peer import Peer
from twinlease.lease.table import ABANDONED, ACTIVE, BACKUP, EXPIRED, FREE


class Board(Side):
    """A Side whose store is a Node that serves."""

    def start(self, up, erase=False):
        self.office = o = Office(self.file, self.now(up), self.address)
        node = o.node
        node.identity = Identity(self.store.identity.board, 1)
        self.store = node
        self.table = o.table
        conf = orient(o.config.peers["p"], [self.address])
        self.network = o.config.networks[0]
        self.peer = Peer(conf, 0, o.table, [pool for pool in o.config.pools if pool.peer], node)
        node.start_failover([self.peer])
        self.out = [bytearray(), bytearray()]
        self.lines = []
        self.peer.start(None, 0, self.now(up), up)
        self.flush()

    def flush(self):
        node = self.office.node
        self.lines += node.lines
        node.done()
        for c in range(2):
            writer = self.peer.writers[c]
            self.out[c].extend(bytes(writer.buf[: writer.end]))
            writer.sent(writer.end)

    def log(self):
        return "\n".join(self.lines)

    def expire(self, up):
        self.office.now = self.now(up)
        while self.office.node.on_tick(self.office.now):
            self.flush()


class Boards(Pair):
    def __init__(self, file=SHARED):
        super().__init__(start=False)
        self.a, self.b = Board(file, HERE, b"board--A"), Board(file, THERE, b"board--B")
        self.sides = (self.a, self.b)
        for side in self.sides:
            side.start(self.up)
        self.until(self.settled, 100)
        self.run(1)

    def hear(self, ask):
        """What both servers answer to a client's broadcast; ask(office) sends it."""
        answers = []
        for side in self.sides:
            side.office.now = side.now(self.up)
            answers.append(ask(side.office))
        return answers

    def carry(self):
        for side in self.sides:
            side.flush()
        self._carry()

    def lease(self, n):
        """A client's way to its lease; returns the ACK, and who served it."""
        offers = self.hear(lambda o: o.discover(n))
        i = 0 if offers[0] else 1
        assert offers[i], "client %d is answered by nobody" % n
        acks = self.hear(lambda o: o.select(offers[i], n))
        assert acks[i].type == ACK and not acks[1 - i]
        return acks[i], i

    def state(self, row):
        return [side.table.state(row) for side in self.sides]


def test_fresh_servers_share_their_pool_and_their_clients():
    pair = Boards()
    assert [side.table.count(0, FREE) for side in pair.sides] == [25, 25]
    assert [side.table.count(0, BACKUP) for side in pair.sides] == [25, 25]
    for n in range(1, 21):
        ack, i = pair.lease(n)
        assert i == (0 if bucket(mac(n), 0, 6) < 128 else 1) and ack.seconds == 60
        pair.carry()
        row = pair.a.table.row_of(ip(ack.address), 0)
        assert pair.state(row) == [ACTIVE, ACTIVE]


def fifty(seed, talk, bind):
    """50 clients, a pool of 50, at random times within less than two minutes; talk and bind: how often, out of 10."""
    dice = Dice(seed)
    pair = Boards()
    todo, waiting, got = list(range(1, 51)), [], []
    while todo or waiting:
        if todo and (not waiting or dice.below(10) >= bind):
            n = todo.pop(dice.below(len(todo)))
            offers = [side.office.discover(n) for side in pair.sides]
            assert offers[0] or offers[1], "seed %d: client %d is answered by nobody" % (seed, n)
            waiting.append((n, offers[0] or offers[1]))
        else:
            n, offer = waiting.pop(dice.below(len(waiting)))
            acks = [side.office.select(offer, n) for side in pair.sides]
            assert [a.type for a in acks if a] == [ACK], "seed %d" % seed
            got.append(offer.address)
        if dice.below(10) < talk:
            pair.run(1 + dice.below(10))
    pair.carry()
    pair.run(5)
    assert len(set(got)) == 50, seed
    for side in pair.sides:
        assert side.table.count(0, ACTIVE) == 50 and "reject" not in side.log(), side.log()
        assert side.office.discover(999) is None and side.office.note == sv.NO_FREE


def test_nobody_waits_in_a_pool_of_fifty():
    for seed in range(12):
        fifty(seed, (0, 1, 5, 9)[seed % 4], (0, 4, 8)[seed // 4])


def test_the_second_lease_is_as_long_as_was_wanted():
    pair = Boards()
    ack, _ = pair.lease(7)
    pair.carry()
    pair.run(400)
    renewed = pair.hear(lambda o: o.renew(ack.address, 7))
    assert [a.seconds for a in renewed] == [300, 300], "either server"


def test_when_one_dies_the_other_answers_its_clients():
    pair = Boards()
    leases = [pair.lease(n) for n in range(1, 11)]
    pair.carry()
    pair.stop(pair.a)
    pair.cut()
    pair.run(30)
    b = pair.b.office
    assert pair.b.state == s.COMMUNICATIONS_INTERRUPTED
    for n in range(1, 11):
        assert b.renew(leases[n - 1][0].address, n).type == ACK
    for n in range(11, 30):
        assert b.discover(n) is not None or n > 24


def test_release_decline_and_end_are_agreed_upon():
    pair = Boards()
    ack, i = pair.lease(3)
    pair.carry()
    row = pair.a.table.row_of(ip(ack.address), 0)
    pair.sides[1 - i].office.release(ack.address, 3)
    pair.carry()
    pair.run(30)
    assert pair.state(row) in ([FREE, FREE], [BACKUP, BACKUP]), "the other one heard it"

    ack, i = pair.lease(4)
    pair.carry()
    row = pair.a.table.row_of(ip(ack.address), 0)
    pair.sides[i].office.send(message(DECLINE, 4, option(50, ip(ack.address))))
    pair.carry()
    pair.run(10)
    assert pair.state(row) == [ABANDONED, ABANDONED]

    ack, i = pair.lease(5)
    pair.carry()
    row = pair.a.table.row_of(ip(ack.address), 0)
    pair.run(650)
    assert pair.state(row) in ([FREE, FREE], [BACKUP, BACKUP]) and EXPIRED not in pair.state(row)


def test_nothing_that_a_client_of_a_pair_asks_allocates():
    pair = Boards(SHARED + "dhcp-cache-threshold 0;")
    ack, _ = pair.lease(9)
    pair.carry()
    renewal = message(REQUEST, 9, ciaddr=ack.address)
    asked = (
        [renewal] + [message(DISCOVER, n) for n in range(9, 16)] + [message(REQUEST, 77, option(50, ip("10.77.1.40")))]
    )
    for locked in (False, True):
        pair.run(20)
        for side in pair.sides:
            for octets in asked:
                n, node, now = len(octets), side.office.node, side.office.now
                if locked:
                    micropython.heap_lock()
                try:
                    node.on_dhcp(octets, n, 0, now)
                finally:
                    if locked:
                        micropython.heap_unlock()
                side.flush()
        pair.carry()
