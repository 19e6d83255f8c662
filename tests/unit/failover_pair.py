"""Two Peers with real lease tables and a flash each, joined by pipes of octets.  CPython and MicroPython.

    pair = Pair()
    pair.run(50)                 five seconds, in ticks of a tenth
    pair.cut(); pair.heal()
    pair.a.restart(pair.up)      with what is in flash

What the driver does is done here: persist, sync, send.  Each octet that leaves a
Side is held against its flash: a STATE that is said, a binding that is acknowledged,
and that an address is not ours to give any more, must be durable by then.
"""

from collections import namedtuple

import confs
from leases import identity
from twinlease.failover import states as s
from twinlease.failover import wire as w
from twinlease.failover.orient import orient
from twinlease.failover.peer import Peer
from twinlease.lease.row import LASTING, ROW
from twinlease.lease.table import ACTIVE, EXPIRED, FREE, RELEASED, Table

NOW = 216_000_000  # November 2026
A = bytes((10, 53, 0, 1))
B = bytes((10, 53, 0, 2))
MCLT = 60
FILE = """
failover peer "fo-lab" {
  primary; address 10.53.0.1; peer address 10.53.0.2;
  max-response-delay 10; max-unacked-updates 10; mclt 60; split 128; load balance max seconds 3;
}
subnet 10.53.0.0 netmask 255.255.255.0 {
  pool { failover peer "fo-lab"; deny dynamic bootp clients; range 10.53.0.100 10.53.0.119; }
}
"""

Identity = namedtuple("Identity", ("board", "boots"))


class Store:
    """What the node is to a Peer: stages, and syncs at the flush."""

    trusted_time = own_time = True
    doubt_s = 0

    def __init__(self, board, boots):
        self.server = self
        self.identity = Identity(board, boots)
        self.lines = []
        self.staged = []
        self.staged_meta = {}
        self.flash = {}
        self.meta = {}
        self.states = []  # every state that has been in flash, or that the same sync put something newer over
        self.staged_states = []
        self.room = 40

    def persist(self, row):
        if row not in self.staged:
            self.staged.append(row)
            assert len(self.staged) < self.room + 8, "more rows than the node has places for"

    def persist_meta(self, key, octets):
        assert len(octets) <= 64
        self.staged_meta[key] = bytes(octets)
        if key == 2:
            self.staged_states.append(octets[1])

    def save_later(self, row):
        pass  # a power cut may always take it

    def say(self, text):
        self.lines.append(text)

    def has_room(self):
        return len(self.staged) < self.room

    def sync(self, table):
        for row in self.staged:
            self.flash[row] = photo(table, row)
        self.meta.update(self.staged_meta)
        if self.staged_states:
            self.states = self.states[-1:] + self.staged_states
            self.staged_states = []
        self.staged = []
        self.staged_meta = {}


Photo = namedtuple("Photo", ("state", "rewind", "flags", "ends", "cltt", "tstp", "tsfp", "id", "htype", "hw"))


def photo(t, row):
    """What a record in flash tells of a row."""
    id, hw = bytearray(256), bytearray(20)
    n, m = t.get_id(row, id, 0), t.get_hw(row, hw, 0)
    return Photo(
        t.state(row),
        t.rewind(row),
        t.flags(row) & LASTING,
        t.ends(row),
        t.cltt(row),
        t.tstp(row),
        t.tsfp(row),
        bytes(id[:n]),
        t.buf[row * ROW + 32],
        bytes(hw[:m]),
    )


def develop(t, row, p):
    """Put a row back as it was in flash."""
    if p.hw:
        assert t.set_client(row, identity(p.htype, p.hw, p.id))
    t.set_times(row, p.ends, p.cltt)
    t.set_tstp(row, p.tstp)
    t.set_tsfp(row, p.tsfp)
    t.set_state(row, p.state)
    t.set_rewind(row, p.rewind)
    t.set_flags(row, p.flags)


class Side:
    def __init__(self, file=FILE, address=A, board=b"board--A", ahead=0):
        self.file = file
        self.address = address
        self.ahead = ahead  # seconds that its clock is ahead
        self.store = Store(board, 0)
        self.out = [bytearray(), bytearray()]  # what has left, by connection
        self.said = []  # (kind, octets) of each message that left
        self.table = self.peer = None
        self.alive = 0

    def now(self, up):
        return NOW + self.ahead + up // 10

    def start(self, up, erase=False):
        """Begin with what is in flash: a first start, a restart, or one with an empty flash."""
        store = self.store
        if erase:
            store.flash, store.meta = {}, {}
            store.identity = Identity(store.identity.board, 0)
        store.staged, store.staged_meta, store.staged_states = [], {}, []
        store.identity = Identity(store.identity.board, store.identity.boots + 1)
        config = confs.load(self.file)
        self.table = Table(config.ranges, config.pools)
        for row in store.flash:
            develop(self.table, row, store.flash[row])
        conf = orient(config.peers["fo-lab"], [self.address])
        self.network = config.networks[0]
        self.peer = Peer(conf, 0, self.table, config.pools, store)
        self.prepare(self.peer)
        self.out = [bytearray(), bytearray()]
        self.peer.start(store.meta.get(2), self.alive if store.meta else 0, self.now(up), up)
        self.flush()

    def prepare(self, peer):
        pass

    def flush(self):
        """Sync, then send; and what leaves must be in flash."""
        self.store.sync(self.table)
        for c in range(2):
            writer = self.peer.writers[c]
            octets = bytes(writer.buf[: writer.end])
            at = 0
            while at < len(octets):
                n = octets[at] << 8 | octets[at + 1]
                self.check(octets[at : at + n])
                at += n
            self.out[c].extend(octets)
            writer.sent(len(octets))

    def check(self, octets):
        m = w.Message()
        assert m.read(octets, 0, len(octets)) == 0, octets
        self.said.append((m.type, octets))
        if m.type == w.STATE:
            known = self.store.states + [s.COMMUNICATIONS_INTERRUPTED] * (s.PAUSED in self.store.states)
            assert m.octet(w.SERVER_STATE) in known, "said before it was in flash"
        if m.type not in (w.BNDACK, w.BNDUPD):
            return
        row = self.table.row_of(octets, m.where[w.ASSIGNED_IP_ADDRESS])
        kept = self.store.flash.get(row)
        if m.type == w.BNDACK and m.octet(w.REJECT_REASON) < 0:
            assert kept, "acknowledged before it was in flash"
        if m.type == w.BNDUPD and m.octet(w.BINDING_STATUS) != self.peer.own:
            state, rewind = (kept.state, kept.rewind or FREE) if kept else (FREE, FREE)
            ours = state == self.peer.own or (state in (EXPIRED, RELEASED) and rewind == self.peer.own)
            assert not ours, "a power cut now, and an address is given away that the partner was told about"

    @property
    def state(self):
        return self.peer.record.state

    def log(self):
        return "\n".join(self.store.lines)

    def allocate(self, client, up, want_s=300):
        """A lease for a new client, on the row that has been free for longest; returns the row, or -1."""
        t = self.table
        states = (self.peer.own, self.peer.partners) if self.peer.takes_over else (self.peer.own,)
        for state in states:
            row = t.first(0, state)
            while row >= 0:
                if self.peer.may_allocate(row, self.now(up)):
                    self.grant(row, client, up, want_s)
                    return row
                row = t.after(row)
        return -1

    def grant(self, row, client, up, want_s=300):
        """What dhcp/ does with a REQUEST; returns the seconds granted."""
        t, peer, now = self.table, self.peer, self.now(up)
        seconds = peer.grant_s(row, want_s, now)
        assert t.set_client(row, client.who())
        t.set_times(row, now + seconds, now)
        if t.state(row) != ACTIVE:
            t.set_state(row, ACTIVE)
        t.set_flags(row, 1)
        peer.granted(row, want_s, seconds, now)
        self.store.persist(row)
        self.flush()
        return seconds

    def expire(self, up):
        """What the node does each tick with leases that have ended."""
        t, now = self.table, self.now(up)
        for row in range(t.rows):
            if t.state(row) == ACTIVE and t.ends(row) < now and self.peer.expires_here(row):
                self.peer.expired(row, now)


class Pair:
    """a is the primary, b the secondary."""

    def __init__(self, file=FILE, ahead=0, start=True):
        self.a = Side(file, A, b"board--A")
        self.b = Side(file, B, b"board--B", ahead)
        self.sides = (self.a, self.b)
        self.up = 100
        self.whole = True
        self.pipes = []  # (c of a, c of b)
        self.pieces = 0  # octets that arrive at a time; 0 all
        self.asleep = []
        if start:
            self.a.start(self.up)
            self.b.start(self.up)

    def run(self, tenths):
        for _ in range(tenths):
            self.up += 1
            for side in self.sides:
                if side not in self.asleep:
                    side.alive = side.now(self.up)
                    side.expire(self.up)
                    side.peer.tick(side.now(self.up), self.up)
                    side.flush()
            self._dial()
            self._carry()

    def until(self, what, tenths):
        """Run until what() holds; returns how many tenths that took."""
        for n in range(tenths):
            if what():
                return n
            self.run(1)
        raise AssertionError("not within %d tenths\n%s\n--\n%s" % (tenths, self.a.log(), self.b.log()))

    def normal(self):
        return self.a.state == self.b.state == s.NORMAL and self.a.peer.linked and self.b.peer.linked

    def settled(self):
        """Both in NORMAL, and nothing is owed."""
        return self.normal() and not self.owes(self.a.peer) and not self.owes(self.b.peer)

    @staticmethod
    def owes(peer):
        return peer.unacked or peer.due() or peer.asked_xid >= 0

    def cut(self):
        """From now on nothing arrives, and nobody is told."""
        self.whole = False

    def heal(self):
        self.whole = True

    def restart(self, side, erase=False):
        """Power fails and comes back: the partner hears of it (its connections are reset) when the wire is whole."""
        self._drop_all(side)
        side.start(self.up, erase)

    def stop(self, side):
        self.asleep.append(side)

    def _drop_all(self, but=None):
        for pipe in self.pipes:
            for i in (0, 1):
                side = self.sides[i]
                if side is not but:
                    side.peer.closed(pipe[i], side.now(self.up), self.up)
                    side.flush()
                side.out[pipe[i]] = bytearray()
        self.pipes = []

    def _dial(self):
        for i in (0, 1):
            side, other = self.sides[i], self.sides[1 - i]
            if side in self.asleep or not side.peer.wants_dial(self.up):
                continue
            if not self.whole or other in self.asleep:
                side.peer.dial_failed(self.up)
                continue
            c = side.peer.opened(True, side.now(self.up), self.up)
            d = other.peer.opened(False, other.now(self.up), self.up)
            if d < 0:
                side.peer.closed(c, side.now(self.up), self.up)
                continue
            self.pipes.append((c, d) if i == 0 else (d, c))
            side.flush()
            other.flush()

    def _carry(self):
        """Octets, until there are no more under way; then connections that are to be closed."""
        for _ in range(20000):
            moved = 0
            for pipe in list(self.pipes):
                for i in (0, 1):
                    moved += self._move(pipe, i)
            if not moved:
                break
        else:
            raise AssertionError("it never ends\n%s\n--\n%s" % (self.a.log(), self.b.log()))
        for pipe in list(self.pipes):
            if self.a.peer.closing[pipe[0]] or self.b.peer.closing[pipe[1]]:
                self.pipes.remove(pipe)
                for i in (0, 1):
                    side = self.sides[i]
                    side.out[pipe[i]] = bytearray()
                    if side in self.asleep:
                        continue
                    side.peer.closed(pipe[i], side.now(self.up), self.up)
                    side.flush()

    def _move(self, pipe, i):
        """What side i has said on this connection goes to the other."""
        side, other = self.sides[i], self.sides[1 - i]
        octets = side.out[pipe[i]]
        n = len(octets)
        if not n or not self.whole or other in self.asleep:
            return 0  # TCP keeps them, and tries again
        if self.pieces:
            n = min(n, self.pieces)
        taken = other.peer.received(pipe[1 - i], octets, n, 0, other.now(self.up), self.up)
        other.flush()
        side.out[pipe[i]] = octets[taken:]
        return taken
