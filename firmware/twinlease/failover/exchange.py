"""What the messages on the link do, and what follows from the states: the middle layer of a Peer.  Pure.

Which state an event leads to is for states.py to say; its actions are carried out
here, in their order.  Each message finds what it concerns: bindings (bindings.py,
updates.py), lists of free addresses (pools.py).

An ISC dhcpd that lost the link in RECOVER or PARTNER-DOWN while updates were on
their way never sends those again, nor anything more once max-unacked of them are
lost (reference section 5.8).  Who waits for them, waits for ever.  So if what we asked
for stalls, we reject each address that has not come, which frees its place at ISC
whatever its xid was, and ask again.

Not here: connections, timers (peer.py).
"""

from micropython import const

from ..lease.row import ACTIVE, EXPIRED, PROVISIONAL, RELEASED, RESET
from . import memory, states
from . import wire as w
from .bindings import LESS_CRITICAL, OTHER_RELATIONSHIP, REJECTS, TRANSITION, judge, take
from .link import HAD_PARTNER, NEVER_SERVED, Skew
from .pools import affinity, rebalance, when
from .service import Service
from .updates import Updates

_META = const(2)  # journal keys 2 … 5
_NAG_ROOM = const(400)

# Tenths of a second.
_STARTUP = const(150)
_STALLED = const(50)

NOBODY = bytes(8)
_NOT_HEARD = b"not received, please send it again"


class Exchange(Service):
    def __init__(self, conf, index, table, pools, store):
        super().__init__(conf, table, pools)
        self.index = index
        self.store = store
        self.updates = Updates(conf, table, pools, store)
        self.twin = False  # the partner is, or was when last seen, one of our boards
        self.partner_board = None  # its eight octets
        self.link = None  # the connection that is up
        self.evidence = None  # evidence.py: when the partner is down without an operator's word
        self._message = w.Message()
        self._skew = Skew()
        self._now = self._up = 0
        self._startup_at = self._auto_at = self._wait_until = -1
        self._balance_at = self._balanced_at = -1  # the next run of the timer, and the last run; project seconds
        self._broken = False  # a message that matters found no room
        self._asked = 0  # UPDREQ or UPDREQALL that has not been answered, and its xid
        self._asked_xid = -1
        self._fed_at = 0
        self._came = bytearray((table.rows + 7) >> 3)  # a bit for each row that came since we asked
        self._nag_at = -1

    # Messages

    def _obey(self, link):
        m, out = self._message, link.writer
        kind = m.type
        if kind == w.BNDUPD:
            self._bndupd(link)
        elif kind == w.BNDACK:
            self._bndack()
        elif kind == w.STATE:
            flags = max(m.octet(w.SERVER_FLAGS), 0)
            heard = states.HEARD_STARTING if flags & w.FLAG_STARTUP else states.HEARD
            self._step(heard, max(m.octet(w.SERVER_STATE), 0))
        elif kind == w.UPDREQ or kind == w.UPDREQALL:
            self._answer(kind)
        elif kind == w.UPDDONE:
            self._upddone(link)
        elif kind == w.POOLREQ:
            self._poolreq(out)
        elif kind == w.POOLRESP:
            self.store.say("pool response: %d leases" % max(m.number(w.ADDRESSES_TRANSFERRED), 0))

    def _bndupd(self, link):
        """Accepted, it is in flash before it is acknowledged; refused, the partner hears why: reference section 5.4."""
        m, t, out = self._message, self.table, link.writer
        at = m.where[w.ASSIGNED_IP_ADDRESS]
        row = t.row_of(m.buf, at) if at else -1
        self._fed_at = self._up
        address, at = (m.buf, at) if at else (NOBODY, 0)
        if row >= 0 and not self.owns(row):
            reject = OTHER_RELATIONSHIP
        else:
            sent = row >= 0 and self.updates.is_sent(row)
            normal = self.record.state == states.NORMAL
            reject = judge(t, row, m, self._now, self._skew.seconds, self.primary, normal, sent)
        if row >= 0:
            self._came[row >> 3] |= 1 << (row & 7)
        if reject:
            reason, text = REJECTS[reject]
            out.bndack_reject(self._header(), m.buf, m.at + w.XID, address, at, reason, text)
            if reject in (TRANSITION, LESS_CRITICAL) and row >= 0 and not self.updates.is_sent(row):
                self.updates.put(row)  # or the partner stays with what it believes (reference section 5.7)
            return
        self._accept(row)
        out.bndack(self._header(), m.buf, m.at + w.XID, address, at)

    def _accept(self, row):
        m, t = self._message, self.table
        status = m.octet(w.BINDING_STATUS)
        take(t, row, m, self._skew.seconds)
        if not self.store.server.trusted_time and (t.state(row) == ACTIVE or t.tsfp(row)):
            t.set_flags(row, PROVISIONAL)
        self.store.persist(row)
        if status in (EXPIRED, RELEASED, RESET):
            self._freed(row)

    def _freed(self, row):
        """The row has become FREE: the primary hands it on if its last client is the partner's (section 5.3)."""
        if self.record.state == states.NORMAL:
            index = self.table.pool_of(row)
            for pool in self.pools:
                if pool.index == index:
                    affinity(
                        self.conf, self.table, pool, row, self.primary, self.hba, self.updates, self.store, self._now
                    )

    def _bndack(self):
        row = self.updates.on_ack(self._message, self._now, self._up)
        if row >= 0:
            self._freed(row)

    def _answer(self, kind):
        """UPDREQ and UPDREQALL: all that is asked for is queued, UPDDONE follows (reference section 6.1).

        While a conflict is resolved every address: one that lost its data and was set to PARTNER-DOWN gets there
        without asking for all, and so does an ISC that lost its data.
        """
        m, every = self._message, kind == w.UPDREQALL
        if every or self.record.state in (states.POTENTIAL_CONFLICT, states.CONFLICT_DONE):
            self.updates.put_all(self.twin)
        else:
            self.updates.put_pending()
        self.updates.answer(m.buf, m.at + w.XID)
        what = "sending update" if self.updates.due else "nothing pending"
        self.store.say("Update request%s from %s: %s" % (" all" if every else "", self.conf.name, what))

    def _upddone(self, link):
        if self._asked_xid < 0 or self._message.xid() != self._asked_xid:
            return  # the answer to an earlier request
        self._asked_xid = self._nag_at = -1
        self.store.say("failover peer %s: peer update completed." % self.conf.name)
        if self.record.state == states.RECOVER and states.never_served(self.record):
            if link.twin and link.flags & (NEVER_SERVED | HAD_PARTNER) == HAD_PARTNER:
                self._hold(self._now + self.record.mclt)
        self._step(states.UPDDONE, 0)

    def _poolreq(self, out):
        """Reference section 6.2: the answer comes before the updates."""
        moved = self._balance(False) if self.record.state == states.NORMAL else 0
        m = self._message
        out.poolresp(self._header(), m.buf, m.at + w.XID, moved)
        if not moved:
            self.store.say(
                "peer %s: Got POOLREQ, answering negatively!  Peer may be out of leases or database inconsistent."
                % self.conf.name
            )

    # States

    def _step(self, event, arg):
        """One event for the state machine, and all that follows from it."""
        was = self.record
        self.record, do = states.step(was, event, arg, self._now)
        if self.record.partner != was.partner:
            self.store.say(states.partner_line(self.conf.name, was.partner, self.record.partner))
            self._tell_normal()
        for action in do:
            self._act(action)
        self._refresh()

    def _tell_normal(self):
        if self.record.state == self.record.partner == states.NORMAL:
            self.store.say("failover peer %s: Both servers normal" % self.conf.name)

    def _act(self, action):
        kind = action[0]
        if kind == states.MOVED:
            self.store.say(states.move_line(self.conf.name, action[1], action[2]))
            if action[2] == states.NORMAL:
                self._tell_normal()
        elif kind == states.PERSIST:
            self._persist(action[1])
        elif kind == states.SAY:
            self._say_state(action)
        elif kind == states.ASK:
            self._ask(w.UPDREQ)
        elif kind == states.ASK_ALL:
            self._ask(w.UPDREQALL)
        elif kind == states.REQUEUE:
            self.updates.requeue()
        elif kind == states.FLUSH:
            self.updates.put_pending()
            self._send(self._now)
        elif kind == states.BALANCE:
            self._balance(False)
        elif kind == states.TAKE_OVER:
            self._take_over(self.record.stos)
        elif kind == states.ARM_WAIT:
            self._wait_until = action[1]
        elif kind == states.ARM_AUTO:
            wait = self.conf.auto_partner_down
            self._auto_at = self._up + 10 * min(wait, 1 << 24) if wait else -1
        elif kind == states.CANCEL_AUTO:
            self._auto_at = -1
        elif kind == states.ARM_STARTUP:
            self._startup_at = self._up + _STARTUP

    def _persist(self, record):
        octets = memory.encode(record, self.partner_board or NOBODY, self.held_until)
        self.store.persist_meta(_META + self.index, octets)

    # What we say

    def _shift(self):
        """Seconds by which times in what we send are moved: an ISC dhcpd corrects nothing, so we speak in its time."""
        return 0 if self.twin else self._skew.seconds

    def _header(self):
        return max(self._now + self._shift(), 0)

    def _note(self, text):
        """A line that ISC dhcpd does not have."""
        self.store.say("failover peer %s: %s" % (self.conf.name, text))

    def _say_state(self, action):
        if not self.link:
            return
        stos = max(action[3] + self._shift(), 0)
        if not self.link.writer.state(self._header(), action[1], w.FLAG_STARTUP if action[2] else 0, stos):
            self._broken = True

    def _ask(self, kind):
        """UPDREQ or UPDREQALL; only the answer to the latest counts."""
        if not self.link:
            return
        out = self.link.writer
        self._asked = kind
        self._asked_xid = out.xid
        self._fed_at = self._up
        self._nag_at = -1
        for i in range(len(self._came)):
            self._came[i] = 0
        if not out.bare(kind, self._header()):
            self._broken = True
        every = " all" if kind == w.UPDREQALL else ""
        self.store.say("Sent update request%s message to %s" % (every, self.conf.name))

    def _send(self, now):
        """Updates, as many as there is room for."""
        if self.link:
            self.updates.send(self.link.writer, now, self._shift())

    def _balance(self, by_timer):
        """Share the free addresses; returns how many went to the partner."""
        self._balance_at = -1
        self._balanced_at = self._now
        moved, want = rebalance(
            self.conf, self.table, self.pools, self.primary, self.hba, self.updates, self.store, self._now, by_timer
        )
        if want and self.link:
            self.link.writer.bare(w.POOLREQ, self._header())
        return moved

    def _plan_balance(self):
        """Once a second: when is the timer to share them next, and is it time?  Reference section 6.4."""
        if self.record.state != states.NORMAL or self.record.partner != states.NORMAL:
            return
        now = self._now
        if 0 <= self._balance_at <= now:
            self._balance(True)
        jitter_s = self.store.identity.board[7] % 5
        t = when(self.conf, self.table, self.pools, self.primary, now, max(self._balanced_at, 0), jitter_s)
        if self._balance_at < 0 or t < self._balance_at:
            self._balance_at = t

    # What waits for the partner

    def _watch(self):
        """A resynchronisation that stalls is helped along: see the top of the file."""
        if self._nag_at >= 0:
            self._nag()
        elif self._asked_xid >= 0 and self._up - self._fed_at >= _STALLED:
            self._note("the partner does not send what we asked for; we ask again")
            if self.twin:
                self._ask(self._asked)
            else:
                self._nag_at = 0
                self._nag()

    def _nag(self):
        """Reject what has not come, as far as there is room; at the end ask again."""
        t, out = self.table, self.link.writer
        address = bytearray(4)
        row = self._nag_at
        while row < t.rows and len(out.buf) - out.end >= _NAG_ROOM:
            if self.owns(row) and not self._came[row >> 3] >> (row & 7) & 1:
                t.put_address(row, address, 0)
                out.bndack_reject(self._header(), NOBODY, 0, address, 0, w.MISCELLANEOUS, _NOT_HEARD)
            row += 1
        self._nag_at = row
        if row >= t.rows:
            self._ask(self._asked)
