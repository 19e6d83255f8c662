"""Which row comes next: queues of free rows, and a timer wheel of active ones.  Allocates nothing after __init__.

Every row stands in exactly one list, linked through the row itself:

    not ACTIVE                  the queue of its (pool, state), oldest first
    ACTIVE, ends < FOREVER      one of 256 wheel slots, each 16 s of `ends`
    ACTIVE, ends = FOREVER      a parking list that nobody visits

The wheel is lazy: a renewal that moves `ends` later leaves the row in its slot,
and the wheel moves it when that slot's turn comes.  A slot holds rows of later
rotations too (one rotation is 68 minutes); they stay where they are.

The wheel's hand is a tick, `ends` // 16.  A slot before the hand holds nothing
that is due; the slot under the hand is looked through again and again until
its 16 s are over and then once more (the closing scan); then the hand moves on.
When time jumps, forward or back, one rotation of closing scans over all slots
finds whatever is due and puts right whatever stands in a wrong slot.
"""

from ..clock import FOREVER
from ..octets import fill, get16, get32, put16, put32
from . import _rows
from .row import ABANDONED, ACTIVE, FREE, NONE, OFFERED, ROW
from .rows import Rows

_ROW = ROW
_ACTIVE = ACTIVE
_SLOTS = 256
_TICK = 4  # 16 s, as a shift
_PARKED = _SLOTS
_QUEUES = _SLOTS + 1  # first queue of pool 0

# defer() puts a row so many slots ahead of the hand, where a row that is renewed may be as well.
_DEFER = 3

# Steps of due() before it gives up for now: one is a row looked at or a slot finished.
# 64 steps are about 0.2 ms on the unix port and some ms on a board.
_STEPS = 64
# Rows whose offers are looked over in one call of due(), and rows asked whether they are ABANDONED.
_OFFERS = 16
_ABANDONED = 256
# An offer is held for at most so many seconds: its end is stored in 16 bits, and a longer hold
# would make an old offer look like a new one for as long, every 18 hours.
OFFER_MAX_S = 600


class Queues(Rows):
    def __init__(self, ranges, pools):
        super().__init__(ranges, pools)
        self._queues = bytearray(4 * (_QUEUES + 8 * self._n_pools))
        self._counts = bytearray(16 * self._n_pools)
        self._tick = 0
        self._target = 0
        self._closing = False
        self._scan = NONE
        self._scanned = -1
        self._swept = 0
        self._abandoned_at = 0
        self.more_due = False
        for row in range(self.rows):
            self.buf[row * _ROW] = FREE
        self._rebuild()

    def _rebuild(self):
        """Put every row into the list where its state and its ends want it, in order of address."""
        fill(self._queues, 0, len(self._queues), 0xFF)
        fill(self._counts, 0, len(self._counts), 0)
        self._scan = NONE
        self._scanned = -1
        self._closing = False
        for row in range(self.rows):
            self._enter(row)

    def _enter(self, row):
        """Put a row that stands nowhere into its list, and count it."""
        state = self.buf[row * _ROW] & 15
        at = self.pool_of(row) * 8 + state
        put16(self._counts, 2 * at, get16(self._counts, 2 * at) + 1)
        if state == _ACTIVE:
            self._to_wheel(row)
        else:
            _rows.queue_tail(self.buf, self._queues, _QUEUES + at, row)

    def _leave(self, row):
        state = self.buf[row * _ROW] & 15
        at = self.pool_of(row) * 8 + state
        put16(self._counts, 2 * at, get16(self._counts, 2 * at) - 1)
        if state == _ACTIVE:
            self._from_wheel(row)
        else:
            _rows.queue_drop(self.buf, self._queues, _QUEUES + at, row)

    def _to_wheel(self, row):
        ends = get32(self.buf, row * _ROW + 4)
        if ends >= FOREVER:
            _rows.queue_tail(self.buf, self._queues, _PARKED, row)
            return
        tick = ends >> _TICK
        first = self._tick + 1 if self._closing else self._tick
        if tick < first:
            tick = first  # the hand has passed its slot; it is looked at next
        tick &= _SLOTS - 1
        self.buf[row * _ROW + 3] = tick
        _rows.queue_tail(self.buf, self._queues, tick, row)

    def _from_wheel(self, row):
        at = row * _ROW
        if row == self._scan:
            self._scan = get16(self.buf, at + 22)
        slot = self.buf[at + 3] if get32(self.buf, at + 4) < FOREVER else _PARKED
        _rows.queue_drop(self.buf, self._queues, slot, row)

    def set_state(self, row, state):
        """Move the row to the tail of the queue of (pool, state).  Keeps rewind; ends an offer."""
        at = row * _ROW
        self._leave(row)
        self.buf[at] = self.buf[at] & 0xF0 | state
        self.buf[at + 2] &= 0xFF ^ OFFERED
        self._enter(row)

    def set_times(self, row, ends, cltt):
        """Project seconds; ends may be FOREVER.  cltt is the client's last transaction."""
        at = row * _ROW + 4
        if ends > FOREVER:
            ends = FOREVER
        if self.buf[at - 4] & 15 == _ACTIVE:
            was = get32(self.buf, at)
            if ends < was or (ends == FOREVER) != (was == FOREVER):
                self._from_wheel(row)
                put32(self.buf, at, ends)
                self._to_wheel(row)
        put32(self.buf, at, ends)
        put32(self.buf, at + 4, cltt)

    def first(self, pool, state):
        """Oldest row of (pool, state), −1 if there is none.  ACTIVE rows stand in no queue: always −1 for them."""
        row = get16(self._queues, (_QUEUES + pool * 8 + state) * 4)
        return row if row != NONE else -1

    def after(self, row):
        """The row behind this one in its queue, or −1.  Take it before you change the row's state."""
        row = get16(self.buf, row * _ROW + 22)
        return row if row != NONE else -1

    def count(self, pool, state):
        return get16(self._counts, pool * 16 + state * 2)

    def touch(self, row):
        """To the tail of its queue; nothing for an ACTIVE row."""
        state = self.buf[row * _ROW] & 15
        if state != _ACTIVE:
            queue = _QUEUES + self.pool_of(row) * 8 + state
            _rows.queue_drop(self.buf, self._queues, queue, row)
            _rows.queue_tail(self.buf, self._queues, queue, row)

    def offer(self, row, hash, until_s):
        """Hold the row for the client with this hash until `until_s` (project seconds, at most OFFER_MAX_S ahead)."""
        at = row * _ROW
        put16(self.buf, at + 28, hash & 0xFFFF)
        put16(self.buf, at + 30, until_s & 0xFFFF)
        self.buf[at + 2] |= OFFERED
        self.touch(row)

    def offered(self, row, hash, now_s):
        """0 free of offers, 1 offered to the client with this hash, 2 held for another.

        Only 16 bits of the hash are kept.  Two clients that share them may both
        be offered the address; the first REQUEST gets it, the other a NAK.
        """
        at = row * _ROW
        if not self.buf[at + 2] & OFFERED:
            return 0
        left = (get16(self.buf, at + 30) - now_s) & 0xFFFF
        if left == 0 or left > OFFER_MAX_S:
            self.buf[at + 2] &= 0xFF ^ OFFERED
            return 0
        return 1 if get16(self.buf, at + 28) == hash & 0xFFFF else 2

    def due(self, now_s, offers_s=-1):
        """A row whose `ends` is before `now_s` and that is ACTIVE or ABANDONED, or −1.

        offers_s  offers are judged by this time, the one that they were made by, if it differs

        The caller gives it another state, or later times; a row left as it is
        comes again.  Bounded work: `more_due` says that a call stopped early,
        and wants to be called again soon, also after it has returned a row.
        """
        self._end_offers(now_s if offers_s < 0 else offers_s)
        self._target = target = now_s >> _TICK
        if target < self._tick or target - self._tick > 4 * _SLOTS:
            self._jump(target)
        self.more_due = True
        for _ in range(_STEPS):
            row = self._scan
            if row != NONE:
                if self._look_at(row, now_s):
                    return row
            elif self._closing:
                self._tick += 1
                self._open(target)
            elif self._scanned != now_s:
                self._scanned = now_s
                self._open(target)
            else:
                self.more_due = False
                return self._due_abandoned(now_s)
        return -1

    def defer(self, row):
        """due() has handed out this ACTIVE row and it stays ACTIVE: not again for half a minute.  Its end stays."""
        if get32(self.buf, row * _ROW + 4) < FOREVER:
            self._from_wheel(row)
            slot = self._target + _DEFER
            if not (slot - self._tick) & _SLOTS - 1:
                slot -= 1  # after a jump, the hand is just there: it must not meet the row again and again
            slot &= _SLOTS - 1
            self.buf[row * _ROW + 3] = slot
            _rows.queue_tail(self.buf, self._queues, slot, row)

    def _jump(self, target):
        """Time went back, or far forward: look through all slots once, instead of rotation after rotation."""
        self._tick = target - _SLOTS + 1
        self._closing = False
        self._open(target)

    def _open(self, target):
        """Start to scan the slot under the hand."""
        self._closing = self._tick < target
        self._scan = get16(self._queues, (self._tick & (_SLOTS - 1)) * 4)

    def _look_at(self, row, now_s):
        """One row of the scan: true if it is due.  The scan moves on; a row in a wrong slot moves to its own."""
        at = row * _ROW
        self._scan = get16(self.buf, at + 22)
        ends = get32(self.buf, at + 4)
        is_due = ends < now_s
        if is_due and not self._closing:
            return True
        if is_due or ends >> _TICK & (_SLOTS - 1) != self.buf[at + 3]:
            _rows.queue_drop(self.buf, self._queues, self.buf[at + 3], row)
            self._to_wheel(row)
        return is_due

    def _due_abandoned(self, now_s):
        """An ABANDONED row whose time is over; looks at some hundred rows a call, whatever their place in a queue."""
        row = self._abandoned_at
        end = min(row + _ABANDONED, self.rows)
        row = _rows.next_ended(self.buf, row, end, ABANDONED, now_s)
        if row >= 0:
            self.more_due = True
            return row
        self._abandoned_at = end if end < self.rows else 0
        return -1

    def _end_offers(self, now_s):
        n = min(_OFFERS, self.rows - self._swept)
        _rows.end_offers(self.buf, self._swept, n, now_s & 0xFFFF, OFFER_MAX_S)
        self._swept = self._swept + n if self._swept + n < self.rows else 0
