"""Inner loops of recovery: looking through records, and sorting queues.  Viper; allocates nothing.

A board drops this after boot, with recover.py and restore.py.
"""

import micropython
from micropython import const

_ROW = const(44)
_PREV = const(20)
_NEXT = const(22)
_NONE = const(0xFFFF)


@micropython.viper
def used_end(buf: ptr8, frm: int, end: int) -> int:
    """One past the last octet of buf[frm:end] that is not 0xFF; `frm` if all are."""
    while end > frm and buf[end - 1] == 0xFF:
        end -= 1
    return end


@micropython.viper
def identity_length(buf: ptr8, frm: int, n: int) -> int:
    """How many of the n octets of items at buf[frm:] tell who the client is: kinds 1 and 2, which come first."""
    at = frm
    while at + 1 < frm + n and buf[at] <= 2:
        at += 2 + buf[at + 1]
    return at - frm


@micropython.viper
def flat_length(buf: ptr8, frm: int, end: int) -> int:
    """How many octets the items at buf[frm:end] are, up to kind 0 or an item that would not end in time."""
    at = frm
    while at + 1 < end and buf[at] != 0 and at + 2 + buf[at + 1] <= end:
        at += 2 + buf[at + 1]
    return at - frm


@micropython.viper
def _merge(rows: ptr8, a: int, b: int) -> int:
    """Merge two lists, linked by `next` and sorted by `ends`, rows never used first; stable.  Returns the first row."""
    head = _NONE
    link = -1
    while a != _NONE or b != _NONE:
        take_a = b == _NONE
        if a != _NONE and b != _NONE:
            p = a * _ROW
            q = b * _ROW
            ka = rows[p + 4] << 24 | rows[p + 5] << 16 | rows[p + 6] << 8 | rows[p + 7]
            kb = rows[q + 4] << 24 | rows[q + 5] << 16 | rows[q + 6] << 8 | rows[q + 7]
            if rows[p + 2] & 1 == 0:
                ka = 0
            if rows[q + 2] & 1 == 0:
                kb = 0
            take_a = ka <= kb
        e = b
        if take_a:
            e = a
        if link < 0:
            head = e
        else:
            rows[link] = e >> 8
            rows[link + 1] = e & 0xFF
        link = e * _ROW + _NEXT
        after = rows[link] << 8 | rows[link + 1]
        if take_a:
            a = after
        else:
            b = after
    return head


@micropython.viper
def _cut(rows: ptr8, row: int, n: int) -> int:
    """End the list that starts at `row` after n rows; returns the first row of what came after."""
    while row != _NONE:
        p = row * _ROW + _NEXT
        after = rows[p] << 8 | rows[p + 1]
        n -= 1
        if n == 0:
            rows[p] = 0xFF
            rows[p + 1] = 0xFF
            return after
        row = after
    return _NONE


@micropython.viper
def _relink(rows: ptr8, queues: ptr8, queue: int, head: int):
    """Make the `prev` links and the queue's ends agree with the `next` links."""
    q = queue * 4
    queues[q] = head >> 8
    queues[q + 1] = head & 0xFF
    prev = _NONE
    while head != _NONE:
        p = head * _ROW
        rows[p + _PREV] = prev >> 8
        rows[p + _PREV + 1] = prev & 0xFF
        prev = head
        head = rows[p + _NEXT] << 8 | rows[p + _NEXT + 1]
    queues[q + 2] = prev >> 8
    queues[q + 3] = prev & 0xFF


def sort_queue(rows, queues, queue, runs):
    """Sort a queue: rows never used first, then by `ends`; stable.

    runs  a list of at least 17 places: a merge of binary counters, so that
          65,535 rows need no recursion and no second array
    """
    n = 0
    row = queues[queue * 4] << 8 | queues[queue * 4 + 1]
    for i in range(len(runs)):
        runs[i] = _NONE
    while row != _NONE:
        after = _cut(rows, row, 1)
        i = 0
        while runs[i] != _NONE:
            row = _merge(rows, runs[i], row)
            runs[i] = _NONE
            i += 1
        runs[i] = row
        n = max(n, i)
        row = after
    head = _NONE
    for i in range(n + 1):
        if runs[i] != _NONE:
            head = _merge(rows, runs[i], head) if head != _NONE else runs[i]
    _relink(rows, queues, queue, head)
