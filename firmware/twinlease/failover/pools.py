"""Sharing the free addresses of a pool with the partner: reference sections 5.3 and 6.2 to 6.4.  Pure.

    t = when(…)                           the next run of the timer (rebalance.py)
    handed = affinity(…)                  a row has just become FREE: is it the partner's client's?

What is given away changes lists here at once, and is due to the partner.  It is in flash before the partner hears
of it, because updates.py writes a row whose state the partner does not know before it sends it; a power cut before that
leaves the address with us.

An address that is on offer, held, reserved or being probed stays.  The arithmetic is in balance.py.
"""

from ..lease.row import (
    ACKED,
    BACKUP,
    BOOTP,
    FREE,
    HELD,
    ID_DIGEST,
    ITEM_HOST_NAME,
    OFFERED,
    PROBED,
    RESERVED,
    USED,
)
from . import balance

STAYS = OFFERED | HELD | RESERVED | PROBED

_key = bytearray(64)


def counts(table, pool):
    """How many of the pool's addresses are FREE, and BACKUP, without reserved ones: reference section 6.3."""
    free, backup = table.count(pool.index, FREE), table.count(pool.index, BACKUP)
    for r in pool.ranges:
        end = r.first_row + r.count
        row = table.next_flagged(r.first_row, RESERVED, r.count)
        while row >= 0:
            free -= table.state(row) == FREE
            backup -= table.state(row) == BACKUP
            row = table.next_flagged(row + 1, RESERVED, end - row - 1)
    return free, backup


def is_partners(table, row, primary, hba):
    """Does the row's last client hash to the partner?  Nobody knows of a long identifier, of which we have a digest."""
    if table.flags(row) & ID_DIGEST:
        return False
    id_n = table.get_id(row, _key, 0)
    n = table.get_hw(row, _key, 40)
    if not id_n and not n:
        return False
    return not balance.is_ours(primary, hba, balance.client_bucket(_key, 0, id_n, _key, 40, n))


def give(table, row, primary, updates, store, now):
    table.set_tstp(row, now)
    table.clear_flags(row, ACKED)
    table.put_item(row, ITEM_HOST_NAME, _key, 0, 0)
    table.set_state(row, BACKUP if primary else FREE)
    store.save_later(row)
    updates.put(row)


def affinity(conf, table, pool, row, primary, hba, updates, store, now):
    """The row, of this pool, has just become FREE.  The primary hands it on if its last client is the secondary's.

    True if it did: reference section 5.3, unless the secondary is hoarding (section 6.4).
    """
    if not primary or not hba or table.state(row) != FREE or table.flags(row) & (STAYS | BOOTP):
        return False
    free, backup = counts(table, pool)
    if not balance.keeps_affinity(free, backup, balance.hoard(free + backup, conf.max_lease_ownership)):
        return False
    if not is_partners(table, row, primary, hba):
        return False
    give(table, row, primary, updates, store, now)
    return True


def when(conf, table, pools, primary, now, last_run, jitter_s):
    """When the timer is to start the next run, project seconds; last_run 0 if there was none, jitter_s 0 … 4.

    Recomputed when an address enters or leaves FREE or BACKUP, and after a run; the earlier of the times counts.
    """
    t = balance.next_run(now, -1, -1, last_run, primary, conf, jitter_s) if not pools else -1
    for pool in pools:
        ends = _oldest(table, pool.index, FREE), _oldest(table, pool.index, BACKUP)
        at = balance.next_run(now, ends[0], ends[1], last_run, primary, conf, jitter_s)
        t = at if t < 0 else min(t, at)
    return t


def _oldest(table, pool, state):
    row = table.first(pool, state)
    if row < 0:
        return -1
    return table.ends(row) if table.flags(row) & USED else 0
