"""A server of a small world: a real Peer with a lease table of one row, and what is in its flash.

    board = Board(primary, ahead)
    board.restore(image); …; image = board.image()     all of it, as tuples
    board.key(clock)                                   the same with times told from now on: equal keys, same future

What the node and the driver do is done here: ticks end leases; what is to be persisted is in `flash` before any
message is in `out`.  Time comes in as true project seconds; the board's own clock is `ahead` of it.

Not here: what happens when (world.py).
"""

import importlib
import struct
import sys
from array import array
from operator import itemgetter

import confs
from failover_pair import Identity, develop, photo
from leases import plain
from twinlease import overlay
from twinlease.failover import balance, bindings, endpoint, words
from twinlease.failover import wire as w
from twinlease.failover.orient import orient
from twinlease.failover.peer import Peer
from twinlease.lease.row import NONE, UNSAVED
from twinlease.lease.table import ABANDONED, ACTIVE, DUE, EXPIRED, FREE, RELEASED, RESET, SENT, STATE_NAMES, Table

A, B = bytes((10, 53, 0, 1)), bytes((10, 53, 0, 2))
MCLT = 60
LEASE = 2 * MCLT  # what each client asks for
ABANDON = 2 * MCLT
FILE = """
failover peer "pair" {
  primary; address 10.53.0.1; peer address 10.53.0.2; max-response-delay 10; max-unacked-updates 10;
  mclt 60; split 128; load balance max seconds 3; max-lease-ownership 50; min-balance 1; max-balance 1;
}
subnet 10.53.0.0 netmask 255.255.255.0 { pool { failover peer "pair"; range 10.53.0.100 10.53.0.100; } }
"""
OLD = MCLT + 1  # times of a lease longer ago than that differ in their order only, others not at all


def _stay_loaded(name, what, args):
    """Instead of overlay._call: what a board loads for the call and forgets, stays; to load it takes far too long."""
    module = sys.modules.get(name) or importlib.import_module(name)
    return getattr(module, what)(*args) if what else None


overlay._call = _stay_loaded
overlay.load = lambda name: importlib.import_module("twinlease." + name)
overlay.unload = lambda *names: None


def _bucket(client):
    return balance.client_bucket(client.id, 0, len(client.id), client.hw, 0, len(client.hw))


# The clients of a small world: the first is the primary's to answer, the other the secondary's (split 128).
CLIENTS = [next(c for c in map(plain, range(256)) if (_bucket(c) < 128) == primarys) for primarys in (True, False)]


# What a Peer consists of besides constants.  Of all these every attribute counts that is not in _IDLE.
_IDLE = frozenset(
    (
        # Said once and for all.
        "conf", "table", "pools", "store", "primary", "own", "partners", "index", "name", "agree", "on_link", "hba",
        "why_silent", "_is_mine", "updates", "message", "partner_clock", "links", "writers", "closing", "seal", "stream",
        "writer", "beat_told", "evidence", "alone_s", "is_promised", "_indices", "_primary", "_binding", "_spans", "bindings",
        "_items", "_ranges", "n_cells", "rows", "_n_ranges", "_n_pools",
        # Scratch, and timers of seconds: a small world's time goes on in longer steps, when nothing is on its way.
        "now", "up", "_second", "dial_at", "dials", "refused", "refused_at", "said_skew", "differences", "partner_time",
        "started", "balance_at", "balanced_at", "fed_at", "torn", "broken", "startup_at", "auto_at",
        "_best", "_heard", "_since", "_opened", "_said", "_looked", "_speak", "_silent", "_quiet", "boots", "quiet",
        "_fresh_turn", "_asked", "_xids", "_rows", "_marks", "_fresh", "_fresh_at", "_fresh_n", "asked_xid", "asked", "came",
        "_tick", "_target", "_closing", "_scan", "_scanned", "_swept", "_abandoned_at", "more_due", "_drop_at",
        "_queues", "buf", "_retry_at", "record", "link", "xid", "end", "wrote", "_start", "_own", "_full",
        "at", "size", "_end", "_bad",
    )
)  # fmt: skip
_CONSTANT = ("_is_mine", "_items", "_ranges")
_UNTIL = frozenset(("wait_until", "alone_until", "held_until"))


class _Store:
    trusted_time = own_time = True
    doubt_s = 0

    def __init__(self, board):
        self.board = board
        self.server = self
        self.identity = None
        self.rows = False
        self.meta = None
        self.lines = []

    def persist(self, row):
        self.rows = True
        self.board.table.clear_flags(row, UNSAVED)

    def persist_meta(self, key, octets):
        self.meta = bytes(octets)

    def save_later(self, row):
        self.board.table.set_flags(row, UNSAVED)

    def say(self, text):
        if self.board.talks:
            self.lines.append(text)

    def has_room(self):
        return True


class Board:
    kind = "board"

    def __init__(self, primary, ahead=0):
        self.primary = primary
        self.ahead = ahead
        self.talks = False
        self.store = _Store(self)
        self.config = confs.load(FILE)
        self.conf = orient(self.config.peers["pair"], [A if primary else B])
        self.out = []
        self.on = False
        self.flash = self.meta = None  # the row's photo, the Peer's record
        self.name, self.boots, self.alive = 0, 0, 0
        self._make()
        link = self.peer.links[0]
        parts = (self.peer, self.peer.updates, self.peer.partner_clock, self.table, link, link.stream, link.writer)
        self._dicts = [part.__dict__ for part in parts]
        self._buffers = [
            v for d in self._dicts[:5] for k, v in d.items() if isinstance(v, (bytearray, array)) and k not in _CONSTANT
        ]
        self._keyed = []  # of each part: what it consists of, how to get its plain values, its times
        for d in self._dicts[:3] + self._dicts[4:5]:
            names = [
                k for k, v in d.items() if k not in _IDLE and isinstance(v, (int, bytes, type(None), tuple, bytearray))
            ]
            plains = [k for k in names if k not in _UNTIL and not isinstance(d[k], bytearray)]
            untils = [k for k in names if k in _UNTIL]
            self._keyed.append((d, itemgetter(*plains), untils, [d[k] for k in names if isinstance(d[k], bytearray)]))
        self._blank = self._photo()
        self._is = None  # the image that it is, if nothing has happened since

    def _make(self):
        self.table = Table(self.config.ranges, self.config.pools)
        self.peer = Peer(self.conf, 0, self.table, self.config.pools, self.store)
        self.peer.links[0].stream.feed(b"", 0, 0)

    # The whole of it, as tuples

    def _photo(self):
        return tuple([dict(d) for d in self._dicts]), tuple([bytes(b) for b in self._buffers])

    def _develop(self, shot):
        dicts, buffers = shot
        for d, known in zip(self._dicts, dicts, strict=True):
            d.update(known)
        for b, octets in zip(self._buffers, buffers, strict=True):
            if isinstance(b, bytearray):
                b[:] = octets
            else:
                del b[:]
                b.frombytes(octets)
        self.peer.closing[0] = False
        self.peer.updates.bindings = bindings

    def image(self):
        if self._is is None:
            shot = self._photo() if self.on else None
            self._is = (self.on, self.flash, self.meta, self.name, self.boots, self.alive, shot)
        return self._is

    def restore(self, image):
        if self._is is image:
            return
        self.on, self.flash, self.meta, self.name, self.boots, self.alive, shot = self._is = image
        self.out = []
        if self.on:
            self._develop(shot)

    # Its life

    def now(self, clock):
        return clock.true + self.ahead

    def start(self, clock):
        """Power comes: with what is in flash."""
        self._is = None
        self._develop(self._blank)
        self.on = True
        self.boots += 1
        identity = b"%s-%05d" % (b"AB"[1 - self.primary :][:1], self.name)
        self.store.identity = Identity(identity + b"\0", self.boots)
        if self.flash:
            develop(self.table, 0, self.flash)
        self.peer.start(self.meta, self.alive, self.now(clock), clock.up)
        self.flush(clock)

    def crash(self):
        self._is = None
        self.on = False

    def replace(self):
        """Another board, as it came from the factory, takes its place; it is off."""
        self._is = None
        self.on = False
        self.flash = self.meta = None
        self.name += 1
        self.boots = self.alive = 0

    def flush(self, clock):
        """Ends all that happens to it."""
        self._is = None
        store = self.store
        self.alive = self.now(clock)
        if store.rows:
            self.flash = photo(self.table, 0)
            store.rows = False
        if store.meta is not None:
            self.meta = store.meta
            store.meta = None
        writer = self.peer.writers[0]
        at, buf = 0, writer.buf
        while at < writer.end:
            n = buf[at] << 8 | buf[at + 1]
            if buf[at + 2] != w.CONTACT:
                self.out.append(bytes(buf[at : at + n]))
            at += n
        writer.clear()

    def said(self):
        out, self.out = self.out, []
        return out

    @property
    def linked(self):
        return self.on and self.peer.linked

    def dial(self, clock):
        self.peer.opened(True, self.now(clock), clock.up)
        self.flush(clock)

    def hear(self, octets, clock):
        taken = self.peer.received(0, octets, len(octets), 0, self.now(clock), clock.up)
        assert taken == len(octets), "it does not read"
        self._close(clock)

    def lose(self, clock):
        self.peer.closed(0, self.now(clock), clock.up)
        self.flush(clock)

    def _close(self, clock):
        """What it wants closed, is, as soon as the rest has left."""
        self.flush(clock)
        self.closes = self.peer.closing[0]

    def tick(self, clock):
        now, t = self.now(clock), self.table
        if t.state(0) in (ACTIVE, ABANDONED) and t.ends(0) < now:
            if t.state(0) == ABANDONED:
                t.set_state(0, FREE)
                self.peer.changed(0)
                self.store.persist(0)
            elif self.peer.expires_here(0):
                self.peer.expired(0, now)
        self.peer.links[0]._heard = clock.up  # the partner's CONTACTs, which are not in this world
        self.peer.tick(now, clock.up)
        if t.flags(0) & UNSAVED:
            self.store.persist(0)
        self.flush(clock)

    def partner_down(self, clock):
        """The operator.  True if something came of it."""
        done = self.peer.says(endpoint.SAYS_PARTNER_DOWN, self.now(clock), clock.up) is None
        self.flush(clock)
        return done

    # Clients, as dhcp/ has it (server._grant, choice.holds, share.refuses)

    def may_give(self, clock):
        """May it give the address to a client that has nothing to do with it?"""
        t = self.table
        return self.peer.serves and t.state(0) != RESET and self.peer.may_allocate(0, self.now(clock))

    def holder(self):
        """The client that the row names, a number; -1 none."""
        t = self.table
        for number in (0, 1):
            if t.is_client(0, CLIENTS[number].who()):
                return number
        return -1

    def holds(self, number, clock):
        t = self.table
        if self.holder() != number:
            return False
        if t.state(0) == ACTIVE:
            return True
        ended = t.state(0) in (EXPIRED, RELEASED) and t.rewind(0) == ACTIVE  # reference section 5.1
        return ended or (t.state(0) != ABANDONED and self.may_give(clock))

    def request(self, number, clock):
        """A REQUEST for the address: seconds granted, 0 for silence, -1 for a NAK."""
        t, peer, now = self.table, self.peer, self.now(clock)
        if not peer.serves:
            return 0
        if not self.holds(number, clock) and not self.may_give(clock):
            return -1 if t.state(0) in (ACTIVE, RESET) else 0
        seconds = peer.grant_s(0, LEASE, now)
        assert t.set_client(0, CLIENTS[number].who())
        t.set_times(0, now + seconds, now)
        if t.state(0) != ACTIVE:
            t.set_state(0, ACTIVE)
        t.set_flags(0, 1)
        peer.granted(0, LEASE, seconds, now)
        self.store.persist(0)
        self.flush(clock)
        kept = self.flash is not None and self.flash.state == ACTIVE and self.flash.ends >= now + seconds
        assert kept, "a power cut would take the lease back"
        return seconds

    def release(self, number, clock):
        """True if it was heard."""
        t, now = self.table, self.now(clock)
        if t.state(0) != ACTIVE or not self.peer.serves or self.holder() != number:
            return False
        t.set_times(0, min(t.ends(0), now), t.cltt(0))
        t.set_state(0, RELEASED)
        self.peer.released(0, now)
        self.store.persist(0)
        self.flush(clock)
        return True

    # What can be seen from outside

    @property
    def state(self):
        return self.peer.record.state

    @property
    def partner(self):
        return self.peer.record.partner

    def promised(self):
        """Until when, by its own clock, what it remembers lets its partner promise; without MCLT."""
        if self.on:
            return max(self.table.tstp(0), self.table.tsfp(0))
        return max(self.flash.tstp, self.flash.tsfp) if self.flash else 0

    def lacks_data(self):
        """It has nothing to serve from and knows it."""
        record = self.peer.record
        return record.resume in (endpoint.RECOVER, endpoint.RECOVER_WAIT) or record.asked_all

    def settled(self):
        """In NORMAL, and nothing is owed."""
        record, u = self.peer.record, self.peer.updates
        return (
            record.state == record.partner == endpoint.NORMAL
            and record.linked
            and not self.table.flags(0) & (DUE | SENT | UNSAVED)
            and self.peer.asked_xid < 0
            and not u._answers
        )

    def fact(self):
        """What both tables are to agree on."""
        state = self.table.state(0)
        ends = self.table.ends(0) - self.ahead if state == ACTIVE else 0
        return state, ends, self.holder() if state == ACTIVE else -1

    def story(self, true):
        r = self.peer.record
        resume = " (%s)" % words.NAMES[r.resume] if r.state != r.resume else ""
        return "%s%s, %s%s" % (
            words.NAMES[r.state], resume, row_story(self.table, true, self.ahead), "" if r.linked else ", no link",
        )  # fmt: skip

    # Equal keys, same future

    def own_xids(self):
        u = self.peer.updates
        xids = [u._xids[i] for i in range(len(u._rows)) if u._rows[i] != NONE] if u.out else []
        return xids + [self.peer.asked_xid] * (self.peer.asked_xid >= 0)

    def partners_xids(self):
        u = self.peer.updates
        return [int.from_bytes(u._asked, "big")] * u._answers if self.on else []

    def key(self, time, now, own, partners):
        """time(t) tells a time of our clock, which is `now`, from now on; own(xid), partners(xid): the place of an xid."""

        def age(t):
            return now - t if now - t < OLD else OLD

        flash = self.flash
        if flash:
            flash = (flash[0], flash[1], flash[2], *[time(t) for t in flash[3:7]], flash[7], flash[9])
        meta = self.meta
        if meta:
            meta = self._record_key(meta, age)
        base = (self.on, flash, meta, self.name, min(self.boots, 2), age(self.alive) if not self.on else 0)
        if not self.on:
            return base
        peer, t, u = self.peer, self.table, self.peer.updates
        r = peer.record
        record = (
            r.state,
            r.resume,
            age(r.stos),
            r.partner,
            age(r.served_until) if r.served_until else -1,
            r.linked,
            r.heard,
            r.asked_all,
        )
        buf = t.buf
        row = (
            buf[0], t.flags(0), time(t.ends(0)), time(t.cltt(0)), time(t.tstp(0)), time(t.tsfp(0)),
            bytes(buf[32:40]), bytes(t.cells[:16]),
        )  # fmt: skip
        slots = ()
        if u.out:
            slots = tuple(sorted((own(u._xids[i]), u._marks[i]) for i in range(len(u._rows)) if u._rows[i] != NONE))
        asked = own(peer.asked_xid) if peer.asked_xid >= 0 else -1
        answers = partners(int.from_bytes(u._asked, "big")) if u._answers else -1
        retry = (u._retry_at >= 0, min(u._retry, 600))
        rest = []
        for d, plains, untils, buffers in self._keyed if r.linked else self._keyed[:3]:
            rest.append(plains(d))
            rest.extend([max(d[k] - now, -1) for k in untils])
            rest.extend(map(bytes, buffers))
        return (
            *base,
            record,
            row,
            slots,
            asked,
            peer.asked if asked >= 0 else 0,
            answers,
            retry,
            u._fresh_n,
            *rest,
        )

    @staticmethod
    def _record_key(meta, age):
        """See memory.py."""
        _, state, partner, flags, stos, served, _, board, held = struct.unpack(">BBBBiii8si", meta)
        return state, partner, flags, age(stos), age(served) if served else -1, board, age(held)


_TIMED = (w.LEASE_EXPIRATION_TIME, w.POTENTIAL_EXPIRATION_TIME, w.START_TIME_OF_STATE, w.CLIENT_LAST_TRANSACTION_TIME)
_parsed = {}


def parse(octets):
    """(type, xid, ((option, value or project seconds), …)) of a message."""
    found = _parsed.get(octets)
    if found is None:
        m = w.Message()
        assert m.read(octets, 0, len(octets)) == 0
        body = []
        at = 12
        while at < len(octets):
            code, n = octets[at] << 8 | octets[at + 1], octets[at + 2] << 8 | octets[at + 3]
            timed = code in _TIMED
            body.append((code, timed, m.time(code) if timed else octets[at + 4 : at + 4 + n]))
            at += 4 + n
        found = _parsed[octets] = (m.type, m.xid(), tuple(body))
    return found


_ANSWERS = (w.BNDACK, w.POOLRESP, w.UPDDONE, w.CONNECTACK)


def is_answer(octets):
    return octets[2] in _ANSWERS


def message_key(octets, time, xid):
    kind, number, body = parse(octets)
    return (kind, xid(number), tuple([(c, time(v)) if timed else (c, v) for c, timed, v in body]))


def row_story(table, true, ahead):
    flags = table.flags(0)
    marks = "".join(mark for bit, mark in ((32, "a"), (2048, "d"), (8192, "s"), (4096, "h")) if flags & bit)
    times = "/".join("%+d" % (t - ahead - true) if t else "0" for t in (table.ends(0), table.tstp(0), table.tsfp(0)))
    return "%s %s %s" % (STATE_NAMES[table.state(0)], times, marks)
