"""What the messages on the link do, and what follows from the states: the middle layer of a Peer.  Pure.

Which state an event leads to is for states.py to say; its actions are carried out
by actions.py, in their order.  Each message finds what it concerns: bindings (bindings.py,
updates.py), lists of free addresses (pools.py, rebalance.py), a resynchronisation (resync.py).

Not here: connections, timers (peer.py).
"""

from micropython import const

from ..lease.row import ACTIVE, EXPIRED, PROVISIONAL, RELEASED, RESET
from ..overlay import run
from . import endpoint
from . import wire as w
from .bindings import LESS_CRITICAL, OTHER_RELATIONSHIP, TRANSITION
from .link import Skew
from .pools import affinity, when
from .service import Service
from .updates import Updates

# Tenths of a second.
_STALLED = const(50)
_MOMENT_S = const(2)

NOBODY = bytes(8)


class Unfinished(Exception):
    """Memory ran out amid a state event; what is in flash is whole, so the server is to start again from that.

    Not a MemoryError, which costs a connection: the event would be lost, and it comes but once (a timer that ran
    out, the loss of the link), or the record would be ahead of what was written, said and armed.
    """


_UNFINISHED = Unfinished("no memory to carry out a state event of failover")  # then there may be none for this either


class Exchange(Service):
    def __init__(self, conf, index, table, pools, store):
        super().__init__(conf, table, pools)
        self.index = index
        self.store = store
        self.updates = Updates(conf, table, pools, store)
        self.twin = False  # the partner is, or was when last seen, one of our boards
        self.partner_board = None  # its eight octets
        self.link = None  # the connection that is up
        self.alone_s = None  # the longest lease that may have been promised; None if nobody looks for the partner
        self.evidence = None  # while nobody is linked: is the partner down, although nobody said so (evidence.py)
        self.beat_told = None  # see beat.py
        self.message = w.Message()
        self.partner_clock = Skew()
        self.now = self.up = 0
        self.started = 0  # project seconds: what is later was told by the clock of this run
        self.startup_at = self.auto_at = self.wait_until = -1
        self.balance_at = self.balanced_at = -1  # the next run of the timer, and the last run; project seconds
        self.broken = False  # a message that matters found no room
        self.torn = False  # see tear
        self.asked = 0  # UPDREQ or UPDREQALL that has not been answered, and its xid
        self.asked_xid = -1
        self.fed_at = 0
        self.came = bytearray((table.rows + 7) >> 3)  # a bit for each row that came since we asked
        self.nag_at = -1

    # Messages

    def _obey(self, link):
        m, out = self.message, link.writer
        kind = m.type
        if kind == w.BNDUPD:
            self._bndupd(link)
        elif kind == w.BNDACK:
            self._bndack()
        elif kind == w.STATE:
            flags = max(m.octet(w.SERVER_FLAGS), 0)
            heard = endpoint.HEARD_STARTING if flags & w.FLAG_STARTUP else endpoint.HEARD
            self.step(heard, max(m.octet(w.SERVER_STATE), 0))
            if self.record.partner == endpoint.RECOVER and not link.remembers_all():
                run("failover.resync", "keep_promises", self)
        elif kind == w.UPDREQ or kind == w.UPDREQALL:
            run("failover.resync", "answer", self, kind)
        elif kind == w.UPDDONE:
            if run("failover.resync", "done", self, link):
                self.step(endpoint.UPDDONE, 0)
        elif kind == w.POOLREQ:
            self._poolreq(out)
        elif kind == w.POOLRESP:
            self.store.say("pool response: %d leases" % max(m.number(w.ADDRESSES_TRANSFERRED), 0))

    def _bndupd(self, link):
        """Accepted, it is in flash before it is acknowledged; refused, the partner hears why: reference section 5.4."""
        m, t, out = self.message, self.table, link.writer
        at = m.where[w.ASSIGNED_IP_ADDRESS]
        row = t.row_of(m.buf, at) if at else -1
        self.fed_at = self.up
        address, at = (m.buf, at) if at else (NOBODY, 0)
        if row >= 0 and not self.owns(row):
            reject = OTHER_RELATIONSHIP
        else:
            sent = row >= 0 and self.updates.is_sent(row)
            normal = self.record.state == endpoint.NORMAL
            reject = self.updates.bindings.judge(
                t, row, m, self.now, self.partner_clock.seconds, self.primary, normal, sent, self.updates.since
            )
        if row >= 0:
            self.came[row >> 3] |= 1 << (row & 7)
        if reject:
            reason, text = self.updates.bindings.reason_of(reject)
            out.bndack_reject(self.header(), m.buf, m.at + w.XID, address, at, reason, text)
            if row >= 0 and not self.updates.is_sent(row):  # or the partner stays with what it believes (section 5.7)
                if reject == TRANSITION:
                    self.updates.put(row)
                elif reject == LESS_CRITICAL:
                    self.updates.insist(row, self.up)
            return
        self._accept(row)
        out.bndack(self.header(), m.buf, m.at + w.XID, address, at)

    def _accept(self, row):
        m, t = self.message, self.table
        status = m.octet(w.BINDING_STATUS)
        self.updates.bindings.take(t, row, m, self.partner_clock.seconds)
        if not self.store.server.trusted_time and (t.state(row) == ACTIVE or t.tsfp(row)):
            t.set_flags(row, PROVISIONAL)
        self.store.persist(row)
        if status in (EXPIRED, RELEASED, RESET):
            self._freed(row)

    def _freed(self, row):
        """The row has become FREE: the primary hands it on if its last client is the partner's (section 5.3)."""
        if self.record.state == endpoint.NORMAL:
            index = self.table.pool_of(row)
            for pool in self.pools:
                if pool.index == index:
                    affinity(
                        self.conf, self.table, pool, row, self.primary, self.hba, self.updates, self.store, self.now
                    )

    def _bndack(self):
        row = self.updates.on_ack(self.message, self.now, self.up)
        if row >= 0:
            self._freed(row)

    def _poolreq(self, out):
        """Reference section 6.2: the answer comes before the updates."""
        moved = self._balance(False) if self.record.state == endpoint.NORMAL else 0
        m = self.message
        out.poolresp(self.header(), m.buf, m.at + w.XID, moved)
        if not moved:
            self.store.say(
                "peer %s: Got POOLREQ, answering negatively!  Peer may be out of leases or database inconsistent."
                % self.conf.name
            )

    # States

    def step(self, event, arg):
        """One event for the state machine, and all that follows from it.  Raises Unfinished."""
        try:
            self._step(event, arg)
        except MemoryError:
            self.tear()

    def tear(self):
        """An event is half carried out.  If the caller swallows that, as a console does, the next tick raises it."""
        self.torn = True
        raise _UNFINISHED

    def _step(self, event, arg):
        was = self.record.partner
        self.record, do = run("failover.states", "step", self.record, event, arg, self.now)
        at = 0 if do or self.record.partner != was else -1
        while at >= 0:
            at = run("failover.actions", "carry_out", self, do, at, was)
            if at >= 0:
                self._balance(False)
        self.refresh()

    def persist(self, record):
        run("failover.memory", "keep", self, record)

    # What we say

    def shift(self):
        """Seconds by which times in what we send are moved: an ISC dhcpd corrects nothing, so we speak in its time."""
        return 0 if self.twin else self.partner_clock.seconds

    def header(self):
        return max(self.now + self.shift(), 0)

    def note(self, text):
        """A line that ISC dhcpd does not have."""
        self.store.say("failover peer %s: %s" % (self.conf.name, text))

    def send(self, now):
        """Updates, as many as there is room for."""
        server = self.store.server
        self.updates.since = 0 if server.trusted_time and server.own_time else self.started
        if self.link and not self.link.fresh:  # its first word tells whether it knows what we have told before
            self.updates.send(self.link.writer, now, self.shift())

    def _balance(self, by_timer):
        """Share the free addresses, when we know which are; returns how many went to the partner."""
        self.balance_at = -1
        if self.record.asked_all:
            return 0
        self.balanced_at = self.now
        moved, want, again = run(
            "failover.rebalance",
            "rebalance",
            self.conf,
            self.table,
            self.pools,
            self.primary,
            self.hba,
            self.updates,
            self.store,
            self.now,
            by_timer,
        )
        if want and self.link:
            self.link.writer.bare(w.POOLREQ, self.header())
        if again:
            self.balance_at = max(self.now, self.held_until) + _MOMENT_S
        return moved

    def _plan_balance(self):
        """Once a second: when is the timer to share them next, and is it time?  Reference section 6.4."""
        record = self.record
        if record.state != endpoint.NORMAL or record.partner != endpoint.NORMAL or record.asked_all:
            return
        now = self.now
        if 0 <= self.balance_at <= now:
            self._balance(True)
        jitter_s = self.store.identity.board[7] % 5
        t = when(self.conf, self.table, self.pools, self.primary, now, max(self.balanced_at, 0), jitter_s)
        if self.balance_at < 0 or t < self.balance_at:
            self.balance_at = t

    # What waits for the partner

    def ask(self, kind):
        """UPDREQ or UPDREQALL."""
        run("failover.resync", "ask", self, kind)

    def _watch(self):
        if self.nag_at >= 0 or (self.asked_xid >= 0 and self.up - self.fed_at >= _STALLED):
            run("failover.resync", "stalled", self)
