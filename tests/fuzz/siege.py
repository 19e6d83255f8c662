"""A pair of whole servers, with journals in flash; strangers speak to one of them in the partner's name.  Both interpreters.

    siege = Siege(dice, primary, key)
    siege.session()        connections, octets, datagrams, time; everything that the server says is read
    siege.returns()        then the true partner is back: both come to NORMAL

What must hold, whatever is said: nothing raises; octets are taken, or the connection is closed; what is
answered is bounded, and our own codec reads it; no update but a client's own end takes away a lease that runs; the
table is sound, also after a power cut; clients of other pools get their answers all the while; without the
key nothing changes at all.
"""

import sys

from failover_pair import A, B, Identity, Pair, Side
from leases import check
from nor import Nor
from packets import DISCOVER, message
from twinlease import conf
from twinlease.failover import states as s
from twinlease.failover import wire as w
from twinlease.failover.link import UP, WAITING
from twinlease.failover.orient import orient
from twinlease.failover.peer import Peer
from twinlease.lease.journal import Journal
from twinlease.lease.row import ABANDONED, ACTIVE, DUE, EXPIRED, NONE, RELEASED, RESET, ROW, UNSAVED
from twinlease.lease.table import Table
from twinlease.node import Link, Node
from twinlease.octets import get16
from twinlease.overlay import load

from .datagrams import Author
from .judge import Judge, Wrong
from .streams import Player, segments

if sys.implementation.name != "micropython":  # there they come and go as on a board; here that is all that it would do
    for _room in ("handshake", "states", "actions", "memory", "resync", "rebalance", "occasions", "words", "bindings"):
        load("failover." + _room)

ROWS = 20
KEY = b"0123456789abcdef"
FILE = """
default-lease-time 300; max-lease-time 7200; min-lease-time 60; authoritative;
failover peer "fo-lab" {
  primary; address 10.53.0.1; peer address 10.53.0.2; %s
  max-response-delay 10; max-unacked-updates 10; mclt 60; split 128; load balance max seconds 3;
}
subnet 10.53.0.0 netmask 255.255.255.0 {
  pool { failover peer "fo-lab"; deny dynamic bootp clients; range 10.53.0.100 10.53.0.119; }
}
subnet 10.88.0.0 netmask 255.255.255.0 { range 10.88.0.10 10.88.0.12; }
"""
_ENDED = (EXPIRED, RELEASED, RESET)
_READ = 1024  # what the driver reads at most
_BACK_TENTHS = 4000
_SAID_MAX = 4000  # messages of one session that are kept, for tshark
_ENDS = (RELEASED, ABANDONED, RESET)  # the client's word, or an administrator's
_MARK = b"\x0a\x58\x00\x01"


class Server(Side):
    """A Side that serves clients and keeps a journal in flash."""

    def __init__(self, file, address, board):
        super().__init__(file, address)
        self.board = board
        self.boots = 0
        self.config = None
        self.nor = Nor(16, block_size=1024)
        self.lines = self.kept = 0
        self.takes = -1  # octets that TCP takes at a flush; -1: all
        self.obeyed = 0  # updates

    def start(self, up, erase=False):
        self.boots += 1
        self.config = self.config or conf.load(self.file)
        self.table = Table(self.config.ranges, self.config.pools)
        self.journal = Journal(self.nor, self.table)
        self.journal.recover()
        link = Link("eth0", self.address, self.config.networks[0])
        self.network = self.config.networks[0]
        self.store = node = Node(self.config, self.table, [link])
        node.identity = Identity(self.board, self.boots)
        known = orient(self.config.peers["fo-lab"], [self.address])
        pools = [pool for pool in self.config.pools if pool.peer]
        self.peer = Peer(known, 0, self.table, pools, node)
        self._obeys = self.peer._bndupd
        self.peer._bndupd = self._bndupd
        node.start_failover([self.peer])
        self.judge = Judge(self.config.ranges, set())
        self.out = [bytearray(), bytearray()]
        self.said = []
        meta = self.journal.get_meta(2)
        self.peer.start(meta, self.alive if meta else 0, self.now(up), up)
        self.flush()

    def _bndupd(self, link):
        """As it is; and no update takes a lease from a client that may still use it."""
        t, m, now = self.table, self.peer.message, self.peer.now
        at = m.where[w.ASSIGNED_IP_ADDRESS]
        row = t.row_of(m.buf, at) if at else -1
        ran = row >= 0 and t.state(row) == ACTIVE and t.ends(row) > now + 5
        status = m.octet(w.BINDING_STATUS)
        runs_there = m.time(w.LEASE_EXPIRATION_TIME) - self.peer.partner_clock.seconds > now + 5
        self._obeys(link)
        self.obeyed += 1
        if ran and t.state(row) != ACTIVE and status not in _ENDS and (runs_there or t.ends(row) > now + 5):
            raise Wrong("status %d ended a lease that ran" % status)

    def flush(self):
        node, journal = self.store, self.journal
        for i in range(node.n_rows):
            journal.put_row(node.rows[i])
        for key, octets in node.metas:
            journal.put_meta(key, octets)
        journal.sync()
        journal.tend()
        self.lines += len(node.lines)
        for line in node.lines:
            if len(line) > 400 or "\n" in line:
                raise Wrong("a line for the log: %r" % line)
        node.done()
        for c in range(2):
            self._leave(c, self.peer.writers[c])

    def _leave(self, c, writer):
        n = writer.end if self.takes < 0 else min(self.takes, writer.end)
        if n:
            self.out[c].extend(bytes(writer.buf[:n]))
            writer.sent(n)

    def heard(self, c):
        """The messages that have left on a connection since the last call, each of them read."""
        octets, at, found = self.out[c], 0, []
        while at + 2 <= len(octets):
            n = octets[at] << 8 | octets[at + 1]
            if n >= 12 and at + n > len(octets):
                break  # the rest is still in the Writer
            one = bytes(octets[at : at + n])
            self._look_at(one, n)
            found.append(one)
            at += n
        self.out[c] = octets[at:]
        return found

    def _look_at(self, one, n):
        m = w.Message()
        if len(one) != n or m.read(one, 0, n):
            raise Wrong("we said what we cannot read: %r" % one)
        if m.type == w.BNDACK and m.octet(w.REJECT_REASON) < 0:
            row = self.table.row_of(one, m.where[w.ASSIGNED_IP_ADDRESS])
            if row < 0 or get16(self.table.buf, row * ROW + 42) == NONE:
                raise Wrong("acknowledged, and not in flash: %r" % one)
        if self.kept < _SAID_MAX:
            self.kept += 1
            self.said.append(one)

    def log(self):
        return "%d lines" % self.lines

    def expire(self, up):
        for _ in range(1000):
            if not self.store.on_tick(self.now(up)):
                return
            self.flush()
        raise Wrong("a tick that never ends")

    def client(self, octets, up):
        """A datagram; its reply, looked at, or b""."""
        node, now = self.store, self.now(up)
        if not node.has_room():
            self.flush()
        node.on_dhcp(octets, len(octets), 0, now)
        reply = b""
        if node.sends:
            reply = bytes(node.arena.buf[node.send_at[0] : node.send_at[0] + node.send_size[0]])
            self.judge.promises.clear()  # the partner may have taken back what was promised
            self.judge.reply(octets, reply, bytes(node.send_to[:4]), node.send_port[0], now)
        self.flush()
        return reply

    def serves(self, up):
        """A client of a pool that is nobody else's gets its offer."""
        self.client(message(7, 4000, ciaddr="10.88.0.10"), up)
        reply = self.client(message(DISCOVER, 4000, giaddr="10.88.0.1"), up)
        if not reply or reply[16:19] != b"\x0a\x58\0":
            raise Wrong("a client of another pool gets no answer")

    def waits_for(self):
        """Seconds until RECOVER-WAIT is over: a stranger who calls itself the primary may tell an MCLT of weeks."""
        peer = self.peer
        return max(peer.wait_until - peer.now, 0) if peer.record.state == s.RECOVER_WAIT else 0

    def _waits_longer(self, row, told, known):
        """Is the row only kept from the pool for longer than flash knows, and is that made out again after a cut?

        An ABANDONED one waits anew until the partner can be asked.  A promise that a lost partner may have made is
        kept (resync.keep_promises) in flash when its update leaves, and until then the partner is in RECOVER.
        """
        if told[2] != known[2]:
            return False
        if known[0] == ABANDONED:
            return told[0] == ABANDONED and told[1] < known[1]
        kept = known[0] == ACTIVE and (told[1] < known[1] if told[0] == ACTIVE else told[0] in _ENDED)
        return bool(kept and self.table.flags(row) & DUE)

    def check(self, up):
        """The table is sound, and so is what a power cut now would leave of it."""
        check(self.table)
        self.flush()
        table = Table(self.config.ranges, self.config.pools)
        journal = Journal(self.nor.reboot(), table)
        journal.recover()
        check(table)
        t = self.table
        for row in range(t.rows):
            told = (table.state(row), table.ends(row), table.tsfp(row))
            known = (t.state(row), t.ends(row), t.tsfp(row))
            if told == known or t.flags(row) & UNSAVED or get16(t.buf, row * ROW + 42) == NONE:
                continue
            if not self._waits_longer(row, told, known):
                raise Wrong("row %d is %r in flash, %r in memory" % (row, told, known))
        if journal.get_meta(2) != self.journal.get_meta(2):
            raise Wrong("the record of the pair is not in flash")


class Siege(Pair):
    """primary: is it the primary that is spoken to.  key: "" none, "stranger" does not know it, "insider" does."""

    def __init__(self, dice, primary, key=""):
        super().__init__(start=False)
        file = FILE % ('key "%s";' % KEY.decode() if key else "")
        self.a, self.b = Server(file, A, b"board--A"), Server(file, B, b"board--B")
        self.sides = (self.a, self.b)
        self.dice = dice
        self.key = key
        self.server = self.a if primary else self.b
        for side in self.sides:
            side.start(self.up)
        self.until(self.settled, 100)
        addresses = [bytes((10, 53, 0, 100 + i)) for i in range(ROWS)]
        theirs = KEY if key == "insider" else dice.pick((b"", b"another secret!!")) if key else b""
        self.player = Player(dice, not primary, theirs, addresses)
        self.author = Author(dice, addresses + [_MARK])
        self.tape = []  # what was said on a connection that is gone
        self.messages = self.spoken = self.answers = self.links = 0

    # One connection after the other

    def session(self):
        """A few connections to the server, while its partner is away, or beside it."""
        dice = self.dice
        beside = dice.one_in(4)
        if not beside:
            self._drop_all()
            self.cut()
        for side in self.sides:
            side.said, side.kept = [], 0
        for _ in range(1 + dice.below(3)):
            self._connection()
            if dice.one_in(6):
                self.run(dice.pick((5, 20, 160, 700)))
        self.server.takes = -1
        self.server.check(self.up)
        self.server.serves(self.up)

    def _connection(self):
        dice, server, player = self.dice, self.server, self.player
        known = self._photo()
        dialled = dice.one_in(2)
        c = server.peer.opened(dialled, server.now(self.up), self.up)
        if c < 0:
            return
        server.out[c] = bytearray()
        server.flush()
        player.now = server.now(self.up)
        known_updates = server.obeyed
        repeats = len(self.tape) > 0 and dice.one_in(6)
        if repeats:
            said = list(self.tape)
        else:
            said = player.opened()
        self.budget = [60, 0]
        tape = list(said)
        self._say(c, said)
        for _ in range(2 + dice.below(14)):
            if not self._is_open(c):
                break
            player.now = server.now(self.up)
            heard = self._heard(c)
            way = 2 if repeats else dice.below(40)
            if way == 0:
                said = player.flood()
            elif way == 1:
                self._dribble(c, player.turn(heard))
                said = []
            elif way == 2 and self.tape:
                said = self.tape[dice.below(len(self.tape)) :][:20]
            else:
                said = player.turn(heard)
            tape.extend(said)
            self._say(c, said)
            self._between()
        self._heard(c)
        self.tape = tape[:200]
        self._close(c)
        if self.key == "stranger":
            self._is_untouched(known)
        if self.key and self.whole is False and (repeats or self.key == "stranger") and server.obeyed > known_updates:
            raise Wrong("an update without the key, or one that was recorded, was obeyed")

    def _between(self):
        """What goes on beside it: time, clients, a TCP window that is full."""
        dice, server = self.dice, self.server
        if dice.below(3):
            self.run(dice.pick((1, 1, 1, 2, 3, 8, 20)))
        if dice.one_in(4) and self.key != "stranger":
            octets = self.author.next()
            reply = server.client(octets, self.up)
            if reply and any(reply[16:20]):
                self.author.told(reply[16:20])
        if dice.one_in(10):
            server.serves(self.up)
        if dice.one_in(20):
            server.takes = dice.pick((-1, 0, 1, 40))
        elif dice.one_in(3):
            server.takes = -1

    def _is_open(self, c):
        peer = self.server.peer
        return not peer.closing[c] and peer.links[c].state in (WAITING, UP)

    def _say(self, c, messages):
        """Hand octets in as the driver does."""
        server = self.server
        self.messages += len(messages)
        self.budget[0] += 6 * len(messages)
        for piece in segments(self.dice, b"".join(messages)):
            if not self._hand_in(c, piece):
                break
        if server.peer.linked:
            self.links += 1

    def _hand_in(self, c, octets):
        server, at, idle = self.server, 0, 0
        self.spoken += len(octets)
        while at < len(octets):
            if not self._is_open(c):
                return False
            end = min(at + _READ, len(octets))
            taken = server.peer.received(c, octets, end, at, server.now(self.up), self.up)
            if not 0 <= taken <= end - at:
                raise Wrong("%d of %d octets were taken" % (taken, end - at))
            server.flush()
            at += taken
            idle = 0 if taken else idle + 1
            if idle > 2:
                if server.takes < 0 and self._is_open(c):
                    raise Wrong("octets that are never taken")
                self.run(1)
            if idle > 200:
                raise Wrong("a connection that takes nothing is never closed")
        return True

    def _dribble(self, c, messages):
        """Single octets, with time between them."""
        self.messages += len(messages)
        self.budget[0] += 6 * len(messages)
        for octets in messages[:2]:
            for i in range(len(octets)):
                if not self._hand_in(c, octets[i : i + 1]):
                    return
                if i % 7 == 0:
                    self.run(1)

    def _heard(self, c):
        """What the server has said; it says no more than what it hears, time and its table give reason for."""
        found = self.server.heard(c)
        self.budget[1] += len(found)
        self.answers += len(found)
        if self.budget[1] > self.budget[0] + self.up:
            raise Wrong("%d messages said, for %d" % (self.budget[1], self.budget[0]))
        return found

    def _close(self, c):
        server = self.server
        server.takes = -1
        server.flush()
        self._heard(c)
        if server.out[c] and self._is_open(c):
            raise Wrong("we said half a message: %r" % server.out[c])
        server.peer.closed(c, server.now(self.up), self.up)
        server.flush()
        server.out[c] = bytearray()

    # What a stranger without the key may not do

    def _photo(self):
        peer = self.server.peer
        return bytes(self.server.table.buf), peer.record, peer.link, peer.hba

    def _is_untouched(self, known):
        """Time goes on, and the partner speaks; that may have changed something only if it stands."""
        peer = self.server.peer
        if self.whole:
            return
        if peer.linked or peer.record.partner != known[1].partner or peer.hba != known[3]:
            raise Wrong("a stranger without the key was believed")
        for row in range(self.server.table.rows):
            if self.server.table.state(row) == ACTIVE and known[0][row * ROW] & 15 != ACTIVE:
                raise Wrong("a stranger without the key made a lease")

    # The true partner

    def returns(self):
        """Both come to NORMAL, with nothing owed; returns the tenths of a second that it took."""
        self._drop_all()
        self.heal()
        self.run(20)
        self.up += 10 * self.server.waits_for()
        n = self.until(self.settled, _BACK_TENTHS)
        for side in self.sides:
            side.check(self.up)
            side.serves(self.up)
        return n
