"""What recovery does to whole rows of a lease table; boot needs it once, and a board drops it.

    client(table, row, id_flags, buf, hw_at, n) -> bool
    finish(table) -> orphans

The queues are out of date from the first `client` to `finish`.  This is the table's own business, in
a file of its own.
"""

from micropython import const

from ..octets import copy
from . import _boot
from .row import ABANDONED, ACTIVE, FREE, ID_DIGEST, ID_IS_HW, NONE, ROW, STALE

_ROW = ROW
_QUEUES = const(257)  # the first queue of pool 0, as in queues.py
_RUNS = const(17)  # of 2 ** 0 rows and so on: 65,535 are sorted without recursion and without a second array


def client(table, row, id_flags, buf, hw_at, n):
    """Take the client from a full record: buf[hw_at:] htype, hlen, up to six octets; then n octets of items.

    Optional items are left out if they find no room.  False if the identifier
    finds none: the row then keeps its hardware address.
    """
    table._unchain(row)
    hlen = buf[hw_at + 1]
    items_at = hw_at + 2 + (hlen if hlen < 6 else 6)
    identity = _boot.identity_length(buf, items_at, n)
    fits = n <= 252 and table._make_room(row, identity)
    if not fits:
        n = 0
        id_flags = 0
        hlen = min(hlen, 6)
    elif table._wanted(row, n) > table.free_cells:
        n = identity
    copy(table._items, 0, buf, items_at, n)
    table._put_hardware(row, buf, hw_at)
    table.buf[row * _ROW + 33] = hlen
    table._store(row, n)
    table._chain(row, id_flags & (ID_IS_HW | ID_DIGEST))
    table.clear_flags(row, STALE)
    return fits


def finish(table):
    """Rebuild all queues: never-used rows first, in order of address, then by `ends`, oldest first.

    A row that is ACTIVE with no client is all that is left of a lease whose
    full record was damaged.  Somebody holds that address; nobody knows who.
    So it is ABANDONED until the lease would have ended.  Returns how many.
    """
    orphans = 0
    for row in range(table.rows):
        r = row * _ROW
        if table.buf[r] & 15 == ACTIVE and not table.buf[r + 33] and not table.has_id(row):
            table.buf[r] = ABANDONED
            orphans += 1
    table._rebuild()
    _sort(table)
    return orphans


def _sort(table):
    runs = [NONE] * _RUNS
    for pool in range(table._n_pools):
        for state in range(FREE, 8):
            if state != ACTIVE and table.count(pool, state) > 1:
                _boot.sort_queue(table.buf, table._queues, _QUEUES + pool * 8 + state, runs)
