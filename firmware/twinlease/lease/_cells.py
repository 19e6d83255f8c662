"""Inner loops over cells: a row's items as one stream of octets through a chain of cells.  Viper; allocates nothing.

A cell is 14 octets of stream and the number of the next cell (0xFFFF none).
The stream is items: kind, length, octets; kind 0 or the end of the chain ends
it.  A place in the stream is cell * 16 + offset (offset 0 … 13), so stepping
is +1, and at offset 14 a jump.
"""

import micropython
from micropython import const

_ROW = const(44)
_HTYPE = const(32)
_HLEN = const(33)
_HW = const(34)
_CELL = const(40)
_NONE = const(0xFFFF)


@micropython.viper
def find(cells: ptr8, cell: int, kind: int) -> int:
    """Place of the length octet of the item of this kind in the stream that starts at `cell`, or -1."""
    if cell == _NONE:
        return -1
    at = cell << 4
    while True:
        k = cells[at]
        if k == 0:
            return -1
        at += 1
        if at & 15 == 14:
            cell = cells[at] << 8 | cells[at + 1]
            if cell == _NONE:
                return -1
            at = cell << 4
        if k == kind:
            return at
        skip = cells[at] + 1
        while (at & 15) + skip >= 14:
            skip -= 14 - (at & 15)
            at = (at | 15) - 1
            cell = cells[at] << 8 | cells[at + 1]
            if cell == _NONE:
                return -1
            at = cell << 4
        at += skip


@micropython.viper
def equal(cells: ptr8, at: int, buf: ptr8, frm: int, n: int) -> bool:
    """Is the item whose length octet is at `at` the octets buf[frm:frm+n]?"""
    if cells[at] != n:
        return False
    for i in range(frm, frm + n):
        at += 1
        if at & 15 == 14:
            at = (cells[at] << 8 | cells[at + 1]) << 4
        if cells[at] != buf[i]:
            return False
    return True


@micropython.viper
def copy_out(cells: ptr8, at: int, out: ptr8, to: int) -> int:
    """Copy the item whose length octet is at `at` to out[to:]; returns its length in octets."""
    n = cells[at]
    for i in range(to, to + n):
        at += 1
        if at & 15 == 14:
            at = (cells[at] << 8 | cells[at + 1]) << 4
        out[i] = cells[at]
    return n


@micropython.viper
def hash_item(cells: ptr8, at: int) -> int:
    """octets.hash22 over the item whose length octet is at `at`."""
    h = 0
    for _ in range(cells[at]):
        at += 1
        if at & 15 == 14:
            at = (cells[at] << 8 | cells[at + 1]) << 4
        h = (h * 193 ^ cells[at]) & 0x3FFFFF
    return h


@micropython.viper
def load(cells: ptr8, cell: int, out: ptr8, to: int) -> int:
    """Copy all items of the stream to out[to:]; returns how many octets they are."""
    at = to
    while cell != _NONE:
        c = cell << 4
        for i in range(14):
            out[at + i] = cells[c + i]
        at += 14
        cell = cells[c + 14] << 8 | cells[c + 15]
    end = to
    while end + 1 < at and out[end] != 0:
        end += 2 + out[end + 1]
    return end - to


@micropython.viper
def store(cells: ptr8, cell: int, buf: ptr8, frm: int, n: int):
    """Write buf[frm:frm+n] into the chain that starts at `cell` and is long enough; zeros after it."""
    end = frm + n
    while cell != _NONE:
        c = cell << 4
        for i in range(14):
            v = 0
            if frm < end:
                v = buf[frm]
            cells[c + i] = v
            frm += 1
        cell = cells[c + 14] << 8 | cells[c + 15]


@micropython.viper
def count(cells: ptr8, cell: int) -> int:
    n = 0
    while cell != _NONE:
        n += 1
        cell = cells[(cell << 4) + 14] << 8 | cells[(cell << 4) + 15]
    return n


@micropython.viper
def cut(cells: ptr8, cell: int, n: int) -> int:
    """End the chain that starts at `cell` after n >= 1 cells; returns the cell that followed."""
    at = (cell << 4) + 14
    for _ in range(n - 1):
        at = ((cells[at] << 8 | cells[at + 1]) << 4) + 14
    after = cells[at] << 8 | cells[at + 1]
    cells[at] = 0xFF
    cells[at + 1] = 0xFF
    return after


@micropython.viper
def join(cells: ptr8, cell: int, after: int):
    """Append the chain `after` to the chain that starts at `cell`."""
    at = (cell << 4) + 14
    while (cells[at] << 8 | cells[at + 1]) != _NONE:
        at = ((cells[at] << 8 | cells[at + 1]) << 4) + 14
    cells[at] = after >> 8
    cells[at + 1] = after & 0xFF


@micropython.viper
def link_all(cells: ptr8, n: int):
    """Chain cells 0 … n-1 into one list: at boot, the free cells."""
    for i in range(n):
        after = i + 1
        if after == n:
            after = _NONE
        cells[i * 16 + 14] = after >> 8
        cells[i * 16 + 15] = after & 0xFF


@micropython.viper
def item_at(buf: ptr8, frm: int, n: int, kind: int) -> int:
    """Offset of the item of this kind in the flat items buf[frm:frm+n], or -1."""
    end = frm + n
    while frm + 1 < end and buf[frm] != 0:
        if buf[frm] == kind:
            return frm
        frm += 2 + buf[frm + 1]
    return -1


@micropython.viper
def chain_id(rows: ptr8, cells: ptr8, row: int, who: ptr8, once: int) -> int:
    """First row from `row` on along the identifier chain (only `row` itself if `once`) with this identifier, or -1.

    who  an Identity's octets

    An identifier equal to hardware type + address is not stored, and a rest of
    a long hardware address stands before the identifier in the first cell.
    """
    n = int(who[1])
    while row != _NONE:
        p = row * _ROW
        hlen = rows[p + _HLEN]
        c = (rows[p + _CELL] << 8 | rows[p + _CELL + 1]) << 4
        i = 0
        if rows[p + 2] & 2:
            if n == hlen + 1 and who[0] == 0 and who[2] == rows[p + _HTYPE]:
                i = 1
                while i < n and i <= 6 and who[2 + i] == rows[p + _HW - 1 + i]:
                    i += 1
                if i == 7:
                    while i < n and who[2 + i] == cells[c + 2 - 7 + i]:
                        i += 1
        elif c != _NONE << 4 and rows[p + 2] & 4 == who[0]:
            if hlen > 6:
                c += 2 + hlen - 6
                if c & 15 == 14:
                    c = (cells[c] << 8 | cells[c + 1]) << 4
            if c != _NONE << 4 and cells[c] == 2:
                c += 1
                if c & 15 == 14:
                    c = (cells[c] << 8 | cells[c + 1]) << 4
                if cells[c] == n:
                    while i < n:
                        c += 1
                        if c & 15 == 14:
                            c = (cells[c] << 8 | cells[c + 1]) << 4
                        if cells[c] != who[2 + i]:
                            break
                        i += 1
        if i == n:
            return row
        if once != 0:
            return -1
        row = rows[p + 24] << 8 | rows[p + 25]
    return -1
