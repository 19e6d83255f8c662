"""What callgrind watches: exchanges with clients, through the driver that boards have. Runs on the unix port.

Goes through the build with the firmware, because names are not there what they are here. Sockets, flash and log are
stand-ins that cost next to nothing. Each `mark` makes callgrind write down what was counted since the last one; what
its counts belong to is printed at the end, in order.

    alone IMAGE LEASES           a server that has given so many leases, and exchanges with these clients
    pair IMAGE IMAGE LEASES      the same with a partner, which acknowledges each binding
"""

import gc
import sys
from collections import namedtuple

from twinlease.conf import image
from twinlease.failover.orient import orient
from twinlease.failover.peer import Peer
from twinlease.lease.journal import Journal
from twinlease.lease.table import Table
from twinlease.net import dhcp_server
from twinlease.net.lines import Lines
from twinlease.net.log import Log
from twinlease.net.recorder import Recorder
from twinlease.node import Link, Node

BURST, ARENA, RECORDS = 12, 4800, 28  # as start.py has it
TIMES = 40
TOGETHER = 4  # exchanges between two messages of the partner
NOW = 216_000_000
HERE, THERE = b"\x0a\x4d\x00\x02", b"\x0a\x4d\x00\x03"

CIADDR, CHADDR, OPTIONS = 12, 28, 240
HEAD = b"\x01\x01\x06\x00" + bytes(24) + b"\x02" + bytes(207) + b"\x63\x82\x53\x63"
IDENTIFIER = b"\x3d\x07\x01\x02\x00\x00\x00\x00\x00"
IDENTIFIER_ENDS = OPTIONS + len(IDENTIFIER)
WISHES = b"\x37\x06\x01\x03\x06\x0f\x1c\x33\x39\x02\x05\xdc\x0c\x08terminal\xff"
ADDRESS = IDENTIFIER_ENDS + 2

Identity = namedtuple("Identity", ("board", "boots"))
marks = []


def mark(what=""):
    """What was counted since the last mark is `what`; the empty text: is not of interest."""
    gc.isenabled()  # callgrind writes its counts down whenever this is called
    marks.append(what)


def packet(options):
    return bytearray(HEAD + IDENTIFIER + options + WISHES)


class Flash:
    """Takes everything and keeps nothing: the journal reads flash at boot only."""

    size, block_size, program_unit = 0x80000, 4096, 1

    def read(self, at, buf):
        for i in range(len(buf)):
            buf[i] = 0xFF

    def program(self, at, octets):
        pass

    def erase(self, at):
        pass

    def sync(self):
        pass


class Socket:
    """Gives the one datagram that waits, and counts what is sent."""

    def __init__(self):
        self.waiting = None
        self.sent = 0

    def recvfrom(self, n):
        return self.waiting

    def sendto(self, octets, to):
        self.sent += 1
        return len(octets)


class Stream:
    def write(self, octets):
        pass


class Clock:
    now = NOW


class Interface:
    name = "eth0"


def nothing_waits():
    return False


class Board:
    """A server with its driver and one link, and what clients send to it."""

    def __init__(self, name, address):
        with open(name, "rb") as file:
            self.config = image.load(file.read())
        self.table = Table(self.config.ranges, self.config.pools)
        self.journal = Journal(Flash(), self.table)
        self.journal.recover()
        link = Link("eth0", address, None)
        self.node = Node(self.config, self.table, [link], BURST, ARENA)
        link.network = self.node.server.client.subnet_of(address, 0).network
        self.node.server.client.prepare()
        self.socket = socket = Socket()
        dhcp_server.broadcast_socket = lambda interface, port: socket
        self.driver = dhcp_server.DhcpServer(self.node, self.journal, Clock(), Log(Stream()), [Interface()])
        self.driver.recorder = Recorder(Lines(Clock()))
        self.driver.recorder.start(self.node, RECORDS)
        self.discover = (packet(b"\x35\x01\x01"), bytes(16))
        self.request = (packet(b"\x32\x04" + bytes(4) + b"\x35\x01\x03\x36\x04" + address), bytes(16))
        self.renewal = (packet(b"\x35\x01\x03"), bytes(16))

    def _hear(self, datagram, client):
        """True if it was answered."""
        octets = datagram[0]
        octets[CHADDR + 4] = octets[IDENTIFIER_ENDS - 2] = client >> 8
        octets[CHADDR + 5] = octets[IDENTIFIER_ENDS - 1] = client & 255
        self.socket.waiting = datagram
        self.socket.sent = 0
        self.driver._burst(0, self.socket, nothing_waits)
        return self.socket.sent == 1

    def lease(self, client):
        """DISCOVER, OFFER, REQUEST, ACK."""
        return self._hear(self.discover, client) and self._select(client)

    def _select(self, client):
        octets, address = self.request[0], self.node.server.address()
        for i in range(4):
            octets[ADDRESS + i] = address[i]
        return self._hear(self.request, client)

    def renew(self, client, row):
        """REQUEST, ACK."""
        self.table.put_address(row, self.renewal[0], CIADDR)
        return self._hear(self.renewal, client)


class Paired(Board):
    """A Board whose pool has a partner; `said` is what it has said on their connection."""

    def __init__(self, name, address, identity):
        super().__init__(name, address)
        self.node.identity = Identity(identity, 1)
        conf = orient(self.config.pools[0].peer, [address])
        self.peer = Peer(conf, 0, self.table, [pool for pool in self.config.pools if pool.peer], self.node)
        self.node.start_failover([self.peer])
        self.peer.start(None, 0, NOW, 0)
        self.driver.after_flush.append(self._say)
        self.c = -1
        self.said = bytearray(2048)
        self.n_said = 0
        self.driver.flush()

    def _say(self):
        for writer in self.peer.writers:
            n = writer.end
            self.said[self.n_said : self.n_said + n] = writer.buf[:n]
            self.n_said += n
            writer.sent(n)

    def hear_partner(self, other, up):
        """What the partner has said since."""
        n = other.n_said
        other.n_said = 0
        at = 0
        while at < n:
            at += self.peer.received(self.c, other.said, n, at, NOW, up)
            self.driver.flush()


class Alone:
    """One server, and its clients."""

    def __init__(self, name):
        self.board = Board(name, HERE)

    def settle(self):
        while self.board.journal.tend():
            pass

    def exchange(self):
        pass

    def done(self, what):
        mark(what)


class Pair:
    """`board` serves; the other is there to acknowledge."""

    def __init__(self, names):
        self.board = Paired(names[0], HERE, b"board--A")
        self.other = Paired(names[1], THERE, b"board--B")
        self.up = 0
        self.board.c = self.board.peer.opened(True, NOW, 0)
        self.other.c = self.other.peer.opened(False, NOW, 0)
        self.settle()
        assert self.board.peer.balances, "the pair is not in NORMAL"

    def settle(self):
        """Five seconds pass."""
        for _ in range(50):
            self.up += 1
            for one, partner in ((self.board, self.other), (self.other, self.board)):
                one.peer.tick(NOW, self.up)
                one.driver.flush()
                partner.hear_partner(one, self.up)
                while one.journal.tend():
                    pass

    def done(self, what):
        """The partner acknowledges."""
        mark(what)
        while True:
            self.other.hear_partner(self.board, self.up)
            mark(what and what + " of the partner")
            self.board.hear_partner(self.other, self.up)
            mark(what)
            if not self.board.peer.unacked and not self.board.n_said:
                break


def measure(world, leases):
    board = world.board
    clients, rows = [], []
    client = 0
    while len(clients) < leases:
        client += 1
        if board.lease(client):
            clients.append(client)
            rows.append(board.node.server.row)
        if len(clients) % TOGETHER == 0:
            world.done("")
        if len(clients) % 100 == 99:
            world.settle()
    world.settle()
    step = max(leases // TIMES, 1)
    for turn in range(TIMES // TOGETHER):
        mark()
        for i in range(TOGETHER):
            board.lease(clients[(turn * TOGETHER + i) * step % leases])
        world.done("DORA")
        world.settle()
        mark()
        for i in range(TOGETHER):
            k = (turn * TOGETHER + i) * step % leases
            board.renew(clients[k], rows[k])
        world.done("renewal")
        world.settle()


def main():
    kind, leases = sys.argv[1], int(sys.argv[-1])
    mark()
    measure(Alone(sys.argv[2]) if kind == "alone" else Pair(sys.argv[2:4]), leases)
    for what in marks:
        print("mark", what)
    print("exchanges", TIMES)


main()
