"""Inner loops over rows: which row an address is, hash chains, queues.  Viper; allocates nothing.

`rows` is the table's bytearray (44 octets a row), `heads` two octets a hash
slot, `queues` four octets a queue (first row, last row).  0xFFFF is none.
Nobody checks bounds here.  Addresses are compared as two halves of 16 bits,
because as one number they are negative on a 32-bit board from 128.0.0.0 on.
"""

import micropython
from micropython import const

_ROW = const(44)
_PREV = const(20)
_NEXT = const(22)
_OFFER_UNTIL = const(30)
_HTYPE = const(32)
_HLEN = const(33)
_HW = const(34)
_CELL = const(40)
_POSITION = const(42)
_NONE = const(0xFFFF)

# One range: first address 4, last address 4, first row 2, pool 2.
_RANGE = const(12)


@micropython.viper
def find_row(ranges: ptr8, n: int, buf: ptr8, at: int) -> int:
    """Row of the address in buf[at:at+4], or -1.  n ranges, ascending."""
    hi = buf[at] << 8 | buf[at + 1]
    lo = buf[at + 2] << 8 | buf[at + 3]
    r = 0
    for _ in range(n):
        fh = ranges[r] << 8 | ranges[r + 1]
        fl = ranges[r + 2] << 8 | ranges[r + 3]
        if hi < fh:
            return -1
        if hi == fh and lo < fl:
            return -1
        lh = ranges[r + 4] << 8 | ranges[r + 5]
        ll = ranges[r + 6] << 8 | ranges[r + 7]
        inside = hi < lh
        if hi == lh:
            inside = lo <= ll
        if inside:
            return (ranges[r + 8] << 8 | ranges[r + 9]) + ((hi - fh) << 16) + lo - fl
        r += _RANGE
    return -1


@micropython.viper
def find_pool(ranges: ptr8, n: int, row: int) -> int:
    r = (n - 1) * _RANGE
    while r > 0 and (ranges[r + 8] << 8 | ranges[r + 9]) > row:
        r -= _RANGE
    return ranges[r + 10] << 8 | ranges[r + 11]


@micropython.viper
def put_address(ranges: ptr8, n: int, row: int, buf: ptr8, at: int):
    r = (n - 1) * _RANGE
    while r > 0 and (ranges[r + 8] << 8 | ranges[r + 9]) > row:
        r -= _RANGE
    lo = (ranges[r + 2] << 8 | ranges[r + 3]) + row - (ranges[r + 8] << 8 | ranges[r + 9])
    hi = (ranges[r] << 8 | ranges[r + 1]) + (lo >> 16)
    buf[at] = hi >> 8 & 0xFF
    buf[at + 1] = hi & 0xFF
    buf[at + 2] = lo >> 8 & 0xFF
    buf[at + 3] = lo & 0xFF


@micropython.viper
def chain_push(rows: ptr8, heads: ptr8, slot: int, row: int, link: int):
    """Put `row` first in hash slot `slot`; `link` is the offset of its link field."""
    p = row * _ROW + link
    rows[p] = heads[slot * 2]
    rows[p + 1] = heads[slot * 2 + 1]
    heads[slot * 2] = row >> 8 & 0xFF
    heads[slot * 2 + 1] = row & 0xFF


@micropython.viper
def chain_drop(rows: ptr8, heads: ptr8, slot: int, row: int, link: int) -> bool:
    p = row * _ROW + link
    at = heads[slot * 2] << 8 | heads[slot * 2 + 1]
    if at == row:
        heads[slot * 2] = rows[p]
        heads[slot * 2 + 1] = rows[p + 1]
        return True
    while at != _NONE:
        q = at * _ROW + link
        at = rows[q] << 8 | rows[q + 1]
        if at == row:
            rows[q] = rows[p]
            rows[q + 1] = rows[p + 1]
            return True
    return False


@micropython.viper
def chain_hw(rows: ptr8, cells: ptr8, row: int, who: ptr8, once: int) -> int:
    """First row from `row` on along the hardware chain (only `row` itself if `once`) with this hardware, or -1.

    who  an Identity's octets
    """
    n = int(who[35])
    six = n
    if six > 6:
        six = 6
    while row != _NONE:
        p = row * _ROW
        if rows[p + _HTYPE] == who[34] and rows[p + _HLEN] == n:
            i = 0
            while i < six and rows[p + _HW + i] == who[36 + i]:
                i += 1
            if i == six:
                # The rest is the first item of the first cell, and always fits into it: 2 + 10 octets.
                c = (rows[p + _CELL] << 8 | rows[p + _CELL + 1]) * 16 + 2 - 6
                while i < n and cells[c + i] == who[36 + i]:
                    i += 1
                if i == n:
                    return row
        if once != 0:
            return -1
        row = rows[p + 26] << 8 | rows[p + 27]
    return -1


@micropython.viper
def hash_hw(rows: ptr8, cells: ptr8, row: int) -> int:
    """octets.hash22 over hardware type and address of the row's client."""
    p = row * _ROW
    n = rows[p + _HLEN]
    h = rows[p + _HTYPE]
    c = (rows[p + _CELL] << 8 | rows[p + _CELL + 1]) * 16 + 2 - 6
    for i in range(n):
        if i < 6:
            h = (h * 193 ^ rows[p + _HW + i]) & 0x3FFFFF
        else:
            h = (h * 193 ^ cells[c + i]) & 0x3FFFFF
    return h


@micropython.viper
def queue_tail(rows: ptr8, queues: ptr8, queue: int, row: int):
    """Append `row`, which stands in no queue, to `queue`."""
    q = queue * 4
    p = row * _ROW
    last = queues[q + 2] << 8 | queues[q + 3]
    rows[p + _PREV] = last >> 8
    rows[p + _PREV + 1] = last & 0xFF
    rows[p + _NEXT] = 0xFF
    rows[p + _NEXT + 1] = 0xFF
    queues[q + 2] = row >> 8 & 0xFF
    queues[q + 3] = row & 0xFF
    if last == _NONE:
        queues[q] = row >> 8 & 0xFF
        queues[q + 1] = row & 0xFF
    else:
        rows[last * _ROW + _NEXT] = row >> 8 & 0xFF
        rows[last * _ROW + _NEXT + 1] = row & 0xFF


@micropython.viper
def queue_drop(rows: ptr8, queues: ptr8, queue: int, row: int):
    """Take `row` out of `queue`, where it stands."""
    q = queue * 4
    p = row * _ROW
    prev = rows[p + _PREV] << 8 | rows[p + _PREV + 1]
    next = rows[p + _NEXT] << 8 | rows[p + _NEXT + 1]
    if prev == _NONE:
        queues[q] = next >> 8
        queues[q + 1] = next & 0xFF
    else:
        rows[prev * _ROW + _NEXT] = next >> 8
        rows[prev * _ROW + _NEXT + 1] = next & 0xFF
    if next == _NONE:
        queues[q + 2] = prev >> 8
        queues[q + 3] = prev & 0xFF
    else:
        rows[next * _ROW + _PREV] = prev >> 8
        rows[next * _ROW + _PREV + 1] = prev & 0xFF


@micropython.viper
def end_offers(rows: ptr8, row: int, n: int, now16: int, hold: int):
    """Clear OFFERED in rows row … row+n-1 where the offer has ended.

    Two octets of time come round every 18 hours; a row nobody asks about must
    not look freshly offered again.
    """
    p = row * _ROW
    for _ in range(n):
        if rows[p + 2] & 128:
            left = ((rows[p + _OFFER_UNTIL] << 8 | rows[p + _OFFER_UNTIL + 1]) - now16) & 0xFFFF
            if left == 0 or left > hold:
                rows[p + 2] = rows[p + 2] & 0x7F
        p += _ROW


@micropython.viper
def next_flagged(rows: ptr8, row: int, end: int, mask: int) -> int:
    """First row from `row` up to `end` (one past) that has all flags of `mask`, or -1."""
    while row < end:
        p = row * _ROW + 1
        if (rows[p] << 8 | rows[p + 1]) & mask == mask:
            return row
        row += 1
    return -1


@micropython.viper
def next_ended(rows: ptr8, row: int, end: int, state: int, now: int) -> int:
    """First row from `row` up to `end` (one past) in this state with `ends` before `now`, or -1."""
    while row < end:
        p = row * _ROW
        if rows[p] & 15 == state:
            p += 4
            if (rows[p] << 24 | rows[p + 1] << 16 | rows[p + 2] << 8 | rows[p + 3]) < now:
                return row
        row += 1
    return -1


@micropython.viper
def next_placed(rows: ptr8, row: int, end: int, low: int, high: int) -> int:
    """First row from `row` up to `end` whose full record stands in low <= position < high, or -1."""
    p = row * _ROW + _POSITION
    while row < end:
        at = rows[p] << 8 | rows[p + 1]
        if low <= at and at < high and at != _NONE:
            return row
        p += _ROW
        row += 1
    return -1


@micropython.viper
def mark_due(rows: ptr8, row: int, end: int, what: int):
    """Set DUE in rows from `row` up to `end` that the partner is to hear about, and whose update is not on its way.

    what  0 what is pending, and EXPIRED, RELEASED, RESET; 1 all; 2 all but FREE rows never used, with no times

    A RESET row that was never used is an address of this server: once is enough.
    """
    p = row * _ROW
    while row < end:
        flags = rows[p + 1] << 8 | rows[p + 2]
        state = rows[p] & 15
        tstp = rows[p + 12] << 24 | rows[p + 13] << 16 | rows[p + 14] << 8 | rows[p + 15]
        wanted = what
        if what == 0:
            tsfp = rows[p + 16] << 24 | rows[p + 17] << 16 | rows[p + 18] << 8 | rows[p + 19]
            if flags & 32 == 0:
                tsfp = 0
            if tstp > tsfp or state == 3 or state == 4 or state == 6:
                wanted = 1
            if state == 6 and flags & 33 == 32:
                wanted = 0
        elif what == 2 and state == 1 and flags & 1 == 0 and tstp == 0:
            wanted = 0
        if wanted != 0 and flags & 8192 == 0:
            rows[p + 1] = rows[p + 1] | 8
        p += _ROW
        row += 1
