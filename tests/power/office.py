"""A day of an office of 250 clients, before a whole server: node, Peer, journal, flash that counts and can be cut.

    day = Day(seed, paired)      flash that has served for weeks, then yesterday
    day.flash.hook = f           before each operation of the flash
    day.run()

150 desks have leases of eight hours: 135 PCs that come in the morning, and of which one in three says RELEASE in the
evening, and 15 printers that never go off.  100 phones, behind a relay, have leases of an hour and come and go.  12 guests
stay for some hours under addresses that nobody saw before, 3 devices are new.  Everybody renews at T1 while there.  At one
o'clock the board is started again.  Paired, there is a second server without flash of its own, which answers its half.

Time leaps from event to event; failover's timers, which count apart from it, do not see the gaps.
"""

import random
import sys
from heapq import heappop, heappush
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "unit"))

import confs
from failover_pair import Identity, Pair, Side
from nor import Nor
from packets import Reply, ip, message, option
from promises import judge_row, told
from twinlease.failover.orient import orient
from twinlease.failover.peer import Peer
from twinlease.lease.journal import META_CLOCK, Journal
from twinlease.lease.table import ACTIVE, Table
from twinlease.node import Link, Node

HERE, THERE = ip("10.77.0.2"), ip("10.77.0.3")
MIDNIGHT = 216_000_000
HOUR = 3600
DAY = 24 * HOUR
DESKS, ALWAYS_ON, PHONES, GUESTS, NEW = 150, 15, 85, 12, 3
DISCOVER, REQUEST, ACK, RELEASE, STATE = 1, 3, 5, 7, 7
RELAY = "10.78.0.1"

_PEER = """
failover peer "p" { primary; address 10.77.0.2; peer address 10.77.0.3; mclt 1800; split 128;
  load balance max seconds 3; max-response-delay 10; max-unacked-updates 10; }
"""
_CONFIG = """
authoritative; ping-check false; %s
subnet 10.77.0.0 netmask 255.255.255.0 {
  default-lease-time 28800; max-lease-time 28800; option routers 10.77.0.1;
  pool { %s range 10.77.0.20 10.77.0.219; }
}
subnet 10.78.0.0 netmask 255.255.255.0 {
  default-lease-time 3600; max-lease-time 3600; option routers 10.78.0.1;
  pool { %s range 10.78.0.20 10.78.0.169; }
}
"""


def config(paired):
    member = 'failover peer "p";' if paired else ""
    return _CONFIG % (_PEER if paired else "", member, member)


class Watched(Journal):
    """Keeps what it has promised of each row and small value, and what these were made since."""

    def recover(self):
        found = super().recover()
        rows = range(self.table.rows)
        self.synced = [told(self.table, row) for row in rows]
        self.staged = {}
        self.meta_synced = {key: self.get_meta(key) for key in range(16)}
        self.meta_staged = {}
        return found

    def put_row(self, row):
        self.staged.setdefault(row, []).append(told(self.table, row))
        super().put_row(row)

    def _place_full(self, row):
        """Compaction writes a row as it is now, and not as it was put last."""
        self.staged.setdefault(row, []).append(told(self.table, row))
        super()._place_full(row)

    def put_meta(self, key, value):
        self.meta_staged.setdefault(key, []).append(bytes(value))
        super().put_meta(key, value)

    def sync(self):
        super().sync()
        for row, those in self.staged.items():
            self.synced[row] = those[-1]
        for key, those in self.meta_staged.items():
            self.meta_synced[key] = those[-1]
        self.staged, self.meta_staged = {}, {}

    def allowed(self, row):
        return [self.synced[row]] + self.staged.get(row, [])


class Board(Side):
    """A server of the office.  With a flash it does what the driver does: persist, sync, send."""

    def __init__(self, address, board, paired, flash=None):
        super().__init__(config(paired), address, board)
        self.paired = paired
        self.nor = flash
        self.journal = None
        self.clock = MIDNIGHT
        self.acks = {}  # row: (client, ends) that has left in an ACK and is not given back
        self.announced = None  # the state that the partner was told last
        self.acknowledged = 0  # bindings that the partner was told are kept
        self.counts = {"acks": 0, "releases": 0, "naks": 0}

    def now(self, up):
        return self.clock

    def start(self, up, erase=False):
        parsed = confs.load(self.file)
        self.config = parsed
        self.table = Table(parsed.ranges, parsed.pools)
        alive = 0
        if self.nor is not None:
            self.journal = Watched(self.nor, self.table)
            alive = self.journal.recover().floor
        link = Link("eth0", self.address, None)
        self.node = Node(parsed, self.table, [link], burst=12, arena_size=4800)
        link.network = self.node.server.client.subnet_of(self.address, 0).network
        self.node.server.client.prepare()
        self.node.server.trusted_time = True
        self.store = self.node
        self.out = [bytearray(), bytearray()]
        if self.paired:
            saved = self.journal.get_meta(2) if self.journal else None
            self.node.identity = Identity(self.address * 2, 1 if saved is None else 2)
            self.peer = Peer(orient(parsed.peers["p"], [self.address]), 0, self.table, parsed.pools, self.node)
            self.node.start_failover([self.peer])
            self.peer.start(saved, alive, self.clock, up)
        self.flush()

    def hear(self, octets):
        """A datagram; the Reply, if there is one."""
        node = self.node
        node.on_dhcp(octets, len(octets), 0, self.clock)
        reply = None
        if node.sends:
            at = node.send_at[0]
            reply = Reply(bytes(node.arena.buf[at : at + node.send_size[0]]), node.send_to[0:4], node.send_port[0])
        self.flush(reply)
        return reply

    def flush(self, reply=None):
        node = self.node
        if self.journal:
            for i in range(node.n_rows):
                self.journal.put_row(node.rows[i])
            for key, octets in node.metas:
                self.journal.put_meta(key, octets)
            if node.n_rows or node.metas:
                self.journal.sync()
        if reply:
            self._left(reply)
        node.done()
        if self.paired:
            for c in range(2):
                writer = self.peer.writers[c]
                octets = bytes(writer.buf[: writer.end])
                self._said(octets)
                self.out[c].extend(octets)
                writer.sent(len(octets))

    def _left(self, reply):
        """From here on the client counts on it."""
        if reply.type == ACK:
            row = self.table.row_of(ip(reply.address), 0)
            self.acks[row] = (bytes(reply.octets[28:34]), self.clock + reply.seconds)
            self.counts["acks"] += 1
        elif reply.type == 6:
            self.counts["naks"] += 1

    def _said(self, octets):
        """From here on the partner counts on it: the state, and bindings that are acknowledged."""
        at = 0
        while at < len(octets):
            n = octets[at] << 8 | octets[at + 1]
            if octets[at + 2] == 10:  # STATE: what the record in flash says now
                self.announced = self.journal.meta_synced[2] if self.journal else None
            elif octets[at + 2] == 4 and self.journal:  # BNDACK
                self.acknowledged += 1
            at += n

    def expire(self, up):
        while self.node.on_tick(self.clock, self.clock):
            self.flush()
        self.flush()

    def tend(self):
        while self.journal.tend(8):
            pass

    def log(self):
        return ""


class Day:
    def __init__(self, seed, paired, blocks=64, program_unit=1):
        self.seed = seed
        self.dice = random.Random(seed)
        self.paired = paired
        flash = Nor(blocks, program_unit)
        self.a = Board(HERE, b"board--A", paired, flash)
        self.boards = [self.a]
        if paired:
            self.boards.append(Board(THERE, b"board--B", True))
            self.pair = Pair(start=False)
            self.pair.a, self.pair.b = self.pair.sides = tuple(self.boards)
        self.up = 100
        self.events = []
        self.order = 0
        self.held = {}  # client: (address, the board that gave it)
        self.there_until = {}
        for board in self.boards:
            board.start(self.up)
        if paired:
            self.pair.up = self.up
            self.pair.until(self.pair.settled, 200)
        self._age()
        self._plan(MIDNIGHT)
        self._play(MIDNIGHT + DAY)  # yesterday: who had which address is known today
        self._plan(MIDNIGHT + DAY)
        self.at(MIDNIGHT + DAY + 13 * HOUR, "reboot", None)
        self.a.counts = dict.fromkeys(self.a.counts, 0)

    @property
    def flash(self):
        return self.a.nor

    def run(self):
        self._play(MIDNIGHT + 2 * DAY)

    def _age(self):
        """The ring has gone round: from here on each block that is begun costs an erase."""
        journal, rows = self.a.journal, self.a.table.rows
        while journal.erases < 2 * journal._ring.blocks:
            for _ in range(12):
                journal.put_row(self.dice.randrange(rows))
            journal.sync()
            self.a.tend()

    # The plan

    def at(self, when, what, client):
        self.order += 1
        heappush(self.events, (int(when), self.order, what, client))

    def _plan(self, midnight):
        dice = self.dice
        for n in range(DESKS):
            if n < ALWAYS_ON:
                self._stay(n, midnight + dice.randrange(60) if midnight == MIDNIGHT else None, midnight + DAY + 10)
            elif dice.random() < 0.93:
                self._stay(n, midnight + dice.gauss(8.5, 0.6) * HOUR, midnight + dice.gauss(17.3, 0.7) * HOUR)
        for n in range(DESKS, DESKS + PHONES):
            t = midnight + dice.uniform(7.5, 9.5) * HOUR
            while t < midnight + 18.5 * HOUR:
                leaves = t + dice.uniform(0.2, 3.5) * HOUR
                self._stay(n, t, leaves)
                t = leaves + dice.uniform(0.1, 1.5) * HOUR
        fresh = 1000 + 100 * ((midnight - MIDNIGHT) // DAY)
        for n in range(fresh, fresh + GUESTS):
            t = midnight + dice.uniform(9, 15) * HOUR
            self._stay(n, t, t + dice.uniform(0.5, 4) * HOUR)
        for n in range(fresh + 50, fresh + 50 + NEW):
            self._stay(n, midnight + dice.uniform(9, 16) * HOUR, midnight + DAY + 10)

    def _stay(self, client, comes, goes):
        if comes is not None:
            self.at(comes, "come", (client, int(goes)))
        else:
            self.there_until[client] = int(goes)

    # The day

    def _play(self, until):
        next_floor = 0
        while self.events and self.events[0][0] < until:
            when, _, what, client = heappop(self.events)
            self._time(when)
            if when >= next_floor:
                next_floor = when + HOUR
                self.a.journal.put_meta(META_CLOCK, when.to_bytes(4, "big"))
                self.a.journal.sync()
            getattr(self, "_" + what)(client, when)
            self._talk()
            self.a.tend()

    def _time(self, when):
        for board in self.boards:
            board.clock = max(when, board.clock)
        self._talk()

    def _talk(self):
        if self.paired:
            self.pair.run(2)
            self.up = self.pair.up
        else:
            self.a.expire(self.up)

    def _come(self, client, when):
        n, goes = client
        self.there_until[n] = goes
        if n in self.held and self.dice.random() < 0.7:
            address, _ = self.held[n]
            reply = self._ask(n, self._message(REQUEST, n, option(50, ip(address))))
        else:
            reply = self._obtain(n)
        self._got(n, reply, when)

    def _obtain(self, n):
        offer = self._ask(n, self._message(DISCOVER, n))
        if offer is None:
            return None
        chosen = option(50, ip(offer.address)) + option(54, offer.options[54])
        return self._ask(n, self._message(REQUEST, n, chosen))

    def _got(self, n, reply, when):
        if reply is None or reply.type != ACK:
            self.held.pop(n, None)
            if when < self.there_until.get(n, 0):
                self.at(when + 8, "again", n)
            return
        self.held[n] = reply.address, bytes(reply.options[54])
        self.at(when + reply.seconds // 2, "renew", n)

    def _again(self, n, when):
        self._got(n, self._obtain(n), when)

    def _renew(self, n, when):
        if n not in self.held:
            return
        if when >= self.there_until[n]:
            if n < DESKS and self.dice.random() < 0.35:
                self._release(n)
            return
        address, server = self.held[n]
        board = next(b for b in self.boards if b.address == server)
        reply = board.hear(self._message(REQUEST, n, b"", address))
        self._got(n, reply or self._ask(n, self._message(REQUEST, n, b"", address)), when)

    def _release(self, n):
        address, server = self.held.pop(n)
        board = next(b for b in self.boards if b.address == server)
        for each in self.boards:
            each.acks.pop(each.table.row_of(ip(address), 0), None)
        board.counts["releases"] += 1
        board.hear(self._message(RELEASE, n, option(54, server), address))

    def _reboot(self, client, when):
        self.a.nor.sync()
        counts = self.a.nor
        self.a.nor = counts.reboot()
        for name in ("hook", "programs", "programmed", "syncs", "block_erases", "operations"):
            setattr(self.a.nor, name, getattr(counts, name))
        if self.paired:
            self.pair.restart(self.a)
            self.pair.until(self.pair.normal, 300)
        else:
            self.a.start(self.up)

    def _ask(self, n, octets):
        """A broadcast: each board hears it, one answers."""
        replies = [board.hear(octets) for board in self.boards]
        return next((reply for reply in replies if reply), None)

    def _message(self, kind, n, options=b"", ciaddr="0.0.0.0"):
        hw = bytes((2, 0, 0, n >> 16, n >> 8 & 255, n & 255))
        if n % 3:
            options += option(61, b"\1" + hw)
        if n % 2:
            options += option(12, b"desk-%d" % n if n < DESKS else b"phone-%d" % n)
        wifi = DESKS <= n < 1000 or (n % 5 == 0 and n >= 1000)
        return message(kind, hw, options, ciaddr, RELAY if wifi else "0.0.0.0")


class Recovered:
    """A board that came back."""

    def __init__(self, flash, parsed):
        self.table = Table(parsed.ranges, parsed.pools)
        self.journal = Journal(flash, self.table)
        self.found = self.journal.recover()


def judge(board, after, kind, where):
    """What was promised to clients and to the partner, held against what a board that came back knows."""
    table, journal = after.table, board.journal
    for row in range(table.rows):
        now = told(table, row)
        if now != journal.synced[row]:
            judge_row(row, now, journal.allowed(row), kind, where)
    for row, (client, ends) in board.acks.items():
        if ends > board.clock:
            now = told(table, row)
            fine = now[0][0] == client and (now[1][0] == ACTIVE and now[1][3] >= ends)
            released = [a for a in journal.staged.get(row, []) if a[1][0] != ACTIVE]
            assert fine or released, "%s: row %d was acknowledged to %s until %d; there is %s" % (
                where,
                row,
                client.hex(),
                ends,
                now,
            )
    for key in range(16):
        values = [journal.meta_synced[key]] + journal.meta_staged.get(key, [])
        assert after.journal.get_meta(key) in values, "%s: small value %d" % (where, key)
    if board.announced is not None:
        newer = [board.announced, journal.meta_synced[2]] + journal.meta_staged.get(2, [])
        assert after.journal.get_meta(2) in newer, "%s: the state that was announced" % where
