"""The rows of the lease table: which address a row is, its state, flags and times.

The lowest layer of the table.  Above it: queues.py (who comes next), clients.py
(whose it is), table.py (recovery).  Getters and setters allocate nothing and
check nothing: a row number comes from row_of or from a queue.
"""

from ..octets import get16, get32, put16, put32
from . import _rows
from .row import AT_POSITION, AT_TSFP, AT_TSTP, LASTING, NONE, ROW, STALE

_ROW = ROW
_RANGE = 12


class Rows:
    """ranges: objects with first, last (4 octets), first_row, count, pool (.index); ascending, rows without a gap."""

    def __init__(self, ranges, pools):
        n = 0
        for r in ranges:
            n += r.count
        if n >= NONE:
            raise ValueError(
                "%d dynamic addresses; at most %d fit the lease table: make the ranges smaller" % (n, NONE - 1)
            )
        self.rows = n
        self.buf = bytearray(max(n, 1) * ROW)
        self._n_ranges = len(ranges)
        self._ranges = _pack_ranges(ranges)
        self._n_pools = max([p.index for p in pools] + [-1]) + 1
        for row in range(n):
            put16(self.buf, row * ROW + AT_POSITION, NONE)

    def row_of(self, buf, at):
        """Row of the dynamic address in buf[at:at+4], −1 if it is none of ours."""
        return _rows.find_row(self._ranges, self._n_ranges, buf, at)

    def put_address(self, row, buf, at):
        _rows.put_address(self._ranges, self._n_ranges, row, buf, at)

    def pool_of(self, row):
        return _rows.find_pool(self._ranges, self._n_ranges, row)

    def state(self, row):
        return self.buf[row * _ROW] & 15

    def rewind(self, row):
        """The state to go back to if the partner never acknowledges; 0 for none."""
        return self.buf[row * _ROW] >> 4

    def set_rewind(self, row, state):
        self.buf[row * _ROW] = self.buf[row * _ROW] & 15 | state << 4

    def flags(self, row):
        return get16(self.buf, row * _ROW + 1)

    def set_flags(self, row, mask):
        put16(self.buf, row * _ROW + 1, get16(self.buf, row * _ROW + 1) | mask)

    def clear_flags(self, row, mask):
        put16(self.buf, row * _ROW + 1, get16(self.buf, row * _ROW + 1) & ~mask)

    def next_flagged(self, row, mask, n=NONE):
        """First of n rows from `row` on that has all flags of `mask`, −1 if none has."""
        return _rows.next_flagged(self.buf, row, min(row + n, self.rows), mask)

    def mark_due(self, row, n, what):
        """Set DUE in those of n rows that the failover partner is to hear about: see _rows.mark_due."""
        _rows.mark_due(self.buf, row, row + n, what)

    def ends(self, row):
        return get32(self.buf, row * _ROW + 4)

    def cltt(self, row):
        return get32(self.buf, row * _ROW + 8)

    def tstp(self, row):
        return get32(self.buf, row * _ROW + 12)

    def tsfp(self, row):
        return get32(self.buf, row * _ROW + 16)

    def set_tstp(self, row, t):
        self._set_partner_time(row, AT_TSTP, t)

    def set_tsfp(self, row, t):
        self._set_partner_time(row, AT_TSFP, t)

    def _set_partner_time(self, row, field, t):
        buf = self.buf
        at = row * _ROW
        if t and not get32(buf, at + AT_TSTP) and not get32(buf, at + AT_TSFP):
            # Its full record has no room for them, and compaction must never make a record longer: write a new one.
            self.set_flags(row, STALE)
        put32(buf, at + field, t)

    # For the journal.

    def position(self, row):
        """Where the row's newest full record stands, in units of 8 octets from the region's start; 0xFFFF nowhere."""
        return get16(self.buf, row * _ROW + 42)

    def set_position(self, row, position):
        put16(self.buf, row * _ROW + 42, position)

    def lasting_flags(self, row):
        return get16(self.buf, row * _ROW + 1) & LASTING

    def next_placed(self, row, low, high):
        """First row from `row` on whose full record stands in low <= position < high, −1 if none does."""
        return _rows.next_placed(self.buf, row, self.rows, low, high)


def _pack_ranges(ranges):
    packed = bytearray(max(len(ranges), 1) * _RANGE)
    at = row = 0
    for r in ranges:
        if r.first_row != row:
            raise ValueError("range %d starts at row %d, want %d" % (at // _RANGE, r.first_row, row))
        packed[at : at + 4] = r.first
        packed[at + 4 : at + 8] = r.last
        put16(packed, at + 8, row)
        put16(packed, at + 10, r.pool.index)
        at += _RANGE
        row += r.count
    return packed
