"""A whole server for mutated datagrams: node, lease table, journal in flash, log.  CPython and MicroPython.

exchange = Exchange(text)
session(dice, exchange, 2000)     so many datagrams, all looked at
exchange.check_journal()          what clients were promised survives a power cut
"""

import sys

from leases import check
from leases import identity as who_is
from nor import Nor
from twinlease import conf
from twinlease.dhcp import server as sv
from twinlease.lease.journal import Journal
from twinlease.lease.table import ACTIVE, Table
from twinlease.net.log import Log
from twinlease.node import Link, Node

from .datagrams import Author
from .judge import Judge, Wrong, identity
from .networks import HERE

_BLOCKS = 8
_LINE_MAX = 320


class Lines:
    """Where the log writes: looks at each line and forgets it."""

    def __init__(self):
        self.count = 0

    def write(self, octets):
        text = bytes(octets)
        if text[-1:] != b"\n" or min(text) not in (10, 32) or max(text) > 126:
            raise Wrong("the log has unprintable octets: %r" % text)
        for line in text.split(b"\n"):
            if len(line) > _LINE_MAX:
                raise Wrong("a log line of %d octets: %r" % (len(line), line))
        self.count += 1


class Exchange:
    def __init__(self, text, now=100000, config=None):
        self.config = config or conf.load(text)
        self.flash = Nor(_BLOCKS)
        self.table = Table(self.config.ranges, self.config.pools)
        self.journal = Journal(self.flash, self.table)
        self.journal.recover()
        link = Link("eth0", HERE, None)
        self.node = Node(self.config, self.table, [link])
        subnet = self.node.server.client.subnet_of(HERE, 0)
        link.network = subnet.network if subnet else None
        self.now = now
        self.log = Log(Lines())
        self.recorder = None  # of a board that is asked about it afterwards
        fixed = set()
        for host in self.config.hosts:
            fixed.update([bytes(a) for a in host.addresses])
        self.judge = Judge(self.config.ranges, fixed)
        self.replies = 0
        self.read = 0

    def addresses(self):
        """What is worth asking for: the ends of all ranges, and what hosts have."""
        out = [host.addresses[0] for host in self.config.hosts if host.addresses]
        for r in self.config.ranges:
            out.extend([bytes(r.first), bytes(r.last)])
        return out or [HERE]

    def send(self, octets):
        """One datagram in; returns the address that the reply gives, None without one."""
        node = self.node
        before = node.sends
        given = None
        link = node.links[0]
        reason = node.on_dhcp(octets, len(octets), 0, self.now)
        if reason:
            self.log.malformed(link, reason, "10.77.0.200")
            if node.sends != before:
                raise Wrong("an answer to what was not read")
            return None
        self.read += 1
        if self.recorder:
            self.recorder.exchange(octets, 0, 0)
        self.log.exchange(node, link)
        if node.server.note in (sv.FOUND, sv.NOW_ABANDONED):
            self.judge.given_up(octets, bytes(node.server.address()), self.now)
        if node.sends == before + 1:
            given = self._look_at_reply(octets, before)
        elif node.sends != before:
            raise Wrong("%d replies to one datagram" % (node.sends - before))
        return given

    def _look_at_reply(self, octets, i):
        node = self.node
        at = node.send_at[i]
        reply = bytes(node.arena.buf[at : at + node.send_size[i]])
        kind = self.judge.reply(octets, reply, bytes(node.send_to[4 * i : 4 * i + 4]), node.send_port[i], self.now)
        self.replies += 1
        address = reply[16:20]
        if kind in (0, 5) and any(address):
            row = self.table.row_of(reply, 16)
            if row >= 0 and address not in self.judge._fixed and self.table.state(row) != ACTIVE:
                raise Wrong("an address was given and not bound")
        return address if kind in (0, 2, 5) and any(address) else None

    def flush(self):
        """What the driver does: persist, sync, send."""
        node = self.node
        for i in range(node.n_rows):
            self.journal.put_row(node.rows[i])
        self.journal.sync()
        self.journal.tend()
        node.done()
        self.log.flush()

    def later(self, seconds):
        self.now += seconds
        for _ in range(1000):
            if not self.node.on_tick(self.now):
                break
        else:
            raise Wrong("a tick that never ends")
        self.flush()

    def check(self):
        check(self.table)

    def check_journal(self):
        """After a power cut, whoever was promised an address has it still."""
        self.flush()
        table = Table(self.config.ranges, self.config.pools)
        Journal(self.flash.reboot(), table).recover()
        check(table)
        promises = self.judge.promises
        for address in promises:
            client, until = promises[address]
            row = table.row_of(address, 0)
            if until <= self.now:
                continue
            id, hw = client[0] or b"", client[1] or b"\0"
            if table.state(row) != ACTIVE or table.ends(row) < until:
                raise Wrong("%r: promised to %r until %d, not in flash" % (address, client, until))
            if not table.is_client(row, who_is(hw[0], hw[1:], id)):
                raise Wrong("%r: promised to %r, in flash as somebody else's" % (address, client))


def session(dice, exchange, n, before=None):
    """Send n datagrams; before(number, octets) is told of each first.  What went wrong comes with the datagram."""
    author = Author(dice, exchange.addresses())
    node = exchange.node
    for i in range(n):
        octets = author.next()
        if before:
            before(i, octets)
        try:
            given = exchange.send(octets)
        except Exception as e:
            print("datagram %d: %s" % (i, "".join(["%02x" % b for b in octets])))
            sys.stdout.flush() if hasattr(sys.stdout, "flush") else None
            raise e
        if given:
            author.told(given)
        if not node.has_room() or not dice.one_in(4):
            exchange.flush()
        if dice.one_in(40):
            exchange.later(dice.pick((1, 1, 5, 30, 120, 700, 7300)))
        if dice.one_in(400):
            exchange.check()
    exchange.flush()
    exchange.check()
    exchange.check_journal()


__all__ = ("Exchange", "identity", "session")
