"""The update queue: which rows the partner is to hear about, how many at once, and what it answered.  Pure.

Reference sections 5.7, 5.8 and 6.1, without ISC's weaknesses (section 10, items 1, 2, 4): a row waits as the flag
DUE in the table, and state, times and client are read when the message is built; what was not acknowledged when a
link ends is due again, in every state; what was rejected is sent again after a while.

UPDDONE comes when each row that was due or on its way at the time of the request has been answered.  Since then one
circle over the table has sent what was due, and the updates that were out when it ended have been answered; what has
become due since waits in a queue of its own, takes turns with the circle, and delays neither.

A row that changes while its update is out is due again; the old acknowledgement then frees its slot, and means
nothing else.

Nothing here grows with the leases: flags in the rows, 32 slots, a short queue.
"""

from array import array

from micropython import const

from ..lease.row import ABANDONED, ACKED, DUE, EXPIRED, FREE, NONE, RELEASED, SENT
from ..octets import copy, get32
from . import wire as w
from .service import is_own_address
from .writer import Binding

_SLOTS = const(32)
_FRESH = const(16)
_ROOM = const(480)  # the longest BNDUPD, client identifier and items at their longest

_PENDING = const(0)
_ALL = const(1)
_ALL_USED = const(2)

# A slot's part in what UPDDONE waits for, and whether its row has been sent once more.
_AWAITED = const(1)
_STALE = const(2)

# Tenths of a second until rejected updates are sent again: 5 s, doubled each time, up to 5 min.
_RETRY = const(50)
_RETRY_MAX = const(3200)


class Updates:
    """conf, table, pools, store: as a Peer is given them.

    window          how many unacknowledged updates the partner takes; 0 sends nothing
    out             how many there are
    unknown_there   how many the partner rejected because it has no such address: the configurations differ
    isc_since       since when an ISC dhcpd is linked, project seconds; -1 beside a board of ours
    """

    def __init__(self, conf, table, pools, store):
        self.table = table
        self._indices = [pool.index for pool in pools]
        self.store = store
        self._primary = conf.role == "primary"
        self.window = self.out = self.unknown_there = 0
        self.isc_since = -1
        self.bindings = None  # the module bindings.py, while there is a link
        self.since = 0  # see bindings._seen
        self._binding = Binding()
        self._rows = array("H", [NONE] * _SLOTS)
        self._xids = array("I", [0] * _SLOTS)
        self._marks = bytearray(_SLOTS)
        self._fresh = array("H", [0] * _FRESH)
        self._fresh_at = self._fresh_n = 0
        # The circle goes over the table: where it is, how many rows it still has to look at.
        self._spans = [r for pool in pools for r in pool.ranges]
        self._left = self._cursor = 0
        self._circling = False
        self._more = False  # another circle is to follow
        self._fresh_turn = False
        self._asked = bytearray(4)
        self._answers = False  # UPDDONE is owed
        self._awaited = -1  # slots that it waits for; -1: not before the circle is closed
        self._retry_at = -1
        self._retry = _RETRY

    # What is due

    @property
    def due(self):
        """How many rows wait.  Looks at all rows: not for the packet path."""
        n = 0
        for r in self._spans:
            row = self.table.next_flagged(r.first_row, DUE, r.count)
            while row >= 0:
                n += 1
                row = self.table.next_flagged(row + 1, DUE, r.first_row + r.count - row - 1)
        return n

    def put(self, row):
        """The row has changed, or the partner is to hear about it (again)."""
        if self.table.flags(row) & DUE:
            return
        self.table.set_flags(row, DUE)
        if self._fresh_n < _FRESH:
            self._fresh[(self._fresh_at + self._fresh_n) % _FRESH] = row
            self._fresh_n += 1
        else:
            self._more = True

    def put_pending(self):
        """What the partner has not acknowledged, and what waits for its consent: reference section 6.1, UPDREQ."""
        self._put(_PENDING)

    def put_all(self, skip_unused):
        """Every address, with or without those FREE ones that nobody has ever had."""
        self._put(_ALL_USED if skip_unused else _ALL)

    def _put(self, what):
        for r in self._spans:
            self.table.mark_due(r.first_row, r.count, what)
        self._more = True

    def answer(self, buf, xid_at):
        """UPDREQ or UPDREQALL has come, with this xid: UPDDONE follows all that is due or out now.

        A new request takes the place of one that runs.
        """
        copy(self._asked, 0, buf, xid_at, 4)
        self._answers = True
        self._awaited = -1
        for slot in range(_SLOTS):
            self._marks[slot] &= _STALE
        self._fresh_n = 0  # what waits there has its flag, and the circle meets it
        self._begin_circle()

    def is_sent(self, row):
        """Is our update for this row on its way?  Then one of the partner's is a duel."""
        return self.table.flags(row) & SENT != 0

    # Sending

    def send(self, writer, now, shift):
        """Write as many updates as window, writer and store have room for, and UPDDONE if its time has come.

        shift   seconds to add to all times: the partner's clock less ours, if it corrects none (ISC)
        """
        window = min(self.window, _SLOTS)
        while self.out < window and len(writer.buf) - writer.end >= _ROOM and self.store.has_room():
            row = self._next()
            if row < 0:
                break
            if not self._send_row(row, writer, now + shift, shift):
                self._more = True
                break
        if self._answers and self._awaited == 0 and writer.upddone(now + shift, self._asked, 0):
            self._answers = False

    def _next(self):
        """The row to send next, -1 if none waits: fresh ones and those of the circle in turn."""
        self._fresh_turn = not self._fresh_turn
        row = self._next_fresh() if self._fresh_turn else -1
        if row < 0:
            row = self._next_in_circle()
        return row if row >= 0 else self._next_fresh()

    def _next_fresh(self):
        while self._fresh_n:
            row = self._fresh[self._fresh_at]
            self._fresh_at = (self._fresh_at + 1) % _FRESH
            self._fresh_n -= 1
            if self.table.flags(row) & DUE:  # it may have been sent by the circle, or lost a duel
                return row
        return -1

    def _next_in_circle(self):
        t = self.table
        while self._circling or self._more:
            if not self._circling:
                self._begin_circle()
            if not self._left:
                self._close_circle()
                continue
            first = self._cursor
            n = min(self._left, t.rows - first)
            row = t.next_flagged(first, DUE, n)
            if row >= 0:
                n = row + 1 - first
            self._left -= n
            self._cursor = first + n if first + n < t.rows else 0
            if row >= 0 and t.pool_of(row) in self._indices:  # or it is due to the partner of another relationship
                return row
        return -1

    def _begin_circle(self):
        self._circling = True
        self._left = self.table.rows
        self._more = False

    def _close_circle(self):
        """All that was due when the circle began has been sent; who asked waits for what is out now."""
        self._circling = False
        if self._answers and self._awaited < 0:
            self._awaited = self.out
            for slot in range(_SLOTS):
                if self._rows[slot] != NONE:
                    self._marks[slot] |= _AWAITED

    def _send_row(self, row, writer, header_time, shift):
        t = self.table
        start = writer.end
        isc_since = self.isc_since
        if isc_since >= 0 and self.bindings.hold_back(t, row, header_time - shift, self._primary):
            self.store.persist(row)
        self.bindings.fill(self._binding, t, row, shift, self.since if isc_since < 0 else 0)
        if isc_since >= 0:
            self._doubt(row, isc_since)
        if not writer.bndupd(header_time, self._binding):
            return False
        state = t.state(row)
        if (t.rewind(row) or FREE) != state and not is_own_address(t, row):
            t.set_rewind(row, state)
            self.store.persist(row)
        slot = -1
        for i in range(_SLOTS):
            if self._rows[i] == row:
                self._marks[i] |= _STALE
            elif slot < 0 and self._rows[i] == NONE:
                slot = i
        self._rows[slot] = row
        self._xids[slot] = get32(writer.buf, start + w.XID)
        self._marks[slot] = 0
        self.out += 1
        t.clear_flags(row, DUE)
        t.set_flags(row, SENT)
        return True

    def _doubt(self, row, since):
        """Of before the link: an ISC may have leased the address since, and holds EXPIRED against its own lease."""
        t, binding = self.table, self._binding
        if binding.status == RELEASED and t.ends(row) < since:
            binding.status = EXPIRED
        elif binding.status == ABANDONED and t.cltt(row) < since and not is_own_address(t, row):
            binding.status = EXPIRED
            binding.lease_expiration = binding.potential_expiration = binding.cltt = binding.start
            binding.chaddr_n = 7  # nobody's
            binding.chaddr[0] = 1
            for i in range(1, 7):
                binding.chaddr[i] = 0

    # Answers

    def on_ack(self, message, now, up):
        """A BNDACK.  Returns the row that has become FREE by it (affinity is the caller's), or -1."""
        slot = self._slot_of(message)
        if slot < 0:
            return -1
        t, row, marks = self.table, self._rows[slot], self._marks[slot]
        self._rows[slot] = NONE
        self._marks[slot] = 0
        self.out -= 1
        if marks & _AWAITED:
            self._awaited -= 1
        if marks & _STALE:
            return -1
        flags = t.flags(row)
        t.clear_flags(row, SENT)
        reason = message.octet(w.REJECT_REASON)
        if flags & DUE:
            return -1  # it has changed since
        if not flags & SENT:
            # A dhcpd that refuses ours has lost its own on the way, though we have accepted that: section 5.5.
            if reason < 0 or self.isc_since >= 0:
                self.insist(row, up)
            return -1
        if reason == w.LESS_CRITICAL_BINDING_INFORMATION and self.isc_since >= 0:
            self._again(row)  # we have refused its own too, which a dhcpd does not say again
            return -1
        if reason >= 0:
            self._rejected(reason, up)
            return -1
        if t.state(row) == ABANDONED and t.cltt(row) < self.isc_since and not is_own_address(t, row):
            t.set_times(row, t.ends(row), max(now, self.isc_since))  # it has not leased it: now it may hear the truth
            self._again(row)
            return -1
        freed = self.bindings.acked(t, row)
        self.store.save_later(row)
        return row if freed else -1

    def insist(self, row, up):
        """The partner is to hear what is true of the row: we refuse its word, or it has accepted what gave way to that.

        By the secondary a while later, or two boards of which each is sure could go on like that for ever.
        """
        if self._primary:
            self._again(row)
        else:
            self._unacked(row)
            self._try_later(up)

    def _again(self, row):
        self._unacked(row)
        self.put(row)

    def _unacked(self, row):
        self.table.clear_flags(row, ACKED)
        self.store.save_later(row)

    def _slot_of(self, message):
        at = message.where[w.ASSIGNED_IP_ADDRESS]
        row = self.table.row_of(message.buf, at) if at else -1
        xid = message.xid()
        for slot in range(_SLOTS):
            if row >= 0 and self._rows[slot] == row and self._xids[slot] == xid:
                return slot
        return -1

    def _rejected(self, reason, up):
        if reason == w.ILLEGAL_IP_ADDRESS:
            self.unknown_there += 1
        else:
            self._try_later(up)

    def _try_later(self, up):
        if self._retry_at < 0:
            self._retry_at = up + self._retry
            self._retry = min(2 * self._retry, _RETRY_MAX)

    def tick(self, now, up):
        """Send again what was rejected, when the time has come."""
        if self._retry_at >= 0 and up >= self._retry_at:
            self._retry_at = -1
            self.unknown_there = 0
            self.put_pending()

    def requeue(self):
        """The link is gone: what was on its way is due again, and nobody waits for UPDDONE any more."""
        for slot in range(_SLOTS):
            row = self._rows[slot]
            if row != NONE:
                if self.table.flags(row) & SENT:
                    self.table.clear_flags(row, SENT)
                    self.table.set_flags(row, DUE)
                self._rows[slot] = NONE
                self._marks[slot] = 0
        self.out = self.unknown_there = 0
        self._more = True
        self._answers = False
        self._retry_at = -1
        self._retry = _RETRY
