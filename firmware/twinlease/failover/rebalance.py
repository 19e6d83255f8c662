"""A run that shares the free addresses of a relationship's pools: on entering NORMAL, on POOLREQ, by the timer.  Pure.

    moved, want_poolreq, again = rebalance(…)

Reference sections 6.2 to 6.4.  Loaded for the run, and forgotten after it (overlay.py).
What is given away changes lists here at once, and is due to the partner: pools.py.
"""

from micropython import const

from ..lease.row import BACKUP, FREE, HELD, PROBED, USED
from . import balance
from .pools import STAYS, counts, give, is_partners

# Rows that one run looks at in a pool, in each pass; what is left waits for the next run.
_LOOK = const(1024)


def rebalance(conf, table, pools, primary, hba, updates, store, now, by_timer):
    """Give away what we have too much of, in all pools of the relationship.

    Returns how many addresses moved; whether the run was the timer's and we have so few that a POOLREQ is due; and
    whether it is to be done again in a while: addresses stay while the wire is asked about them, or while they are
    HELD; after a start that may be all there are.
    """
    moved = 0
    want = again = False
    for pool in pools:
        free, backup = counts(table, pool)
        own, theirs = (free, backup) if primary else (backup, free)
        lts = balance.leases_to_send(own, theirs)
        hold = balance.hoard(free + backup, conf.max_lease_ownership)
        asks = by_timer and balance.must_ask(lts, free + backup, conf.max_lease_misbalance)
        want = want or asks
        _say(store, "balancing", pool, free, backup, lts, "max-own (+/-)%d" % hold, asks)
        left = _give_partners(table, pool, primary, hba, updates, store, now, lts, hold)
        left = _give_oldest(table, pool, primary, updates, store, now, left, hold)
        moved += lts - left
        if left > hold and _is_any_kept(table, pool, primary):
            again = True
            continue
        free, backup = counts(table, pool)
        limit = balance.threshold(free + backup, conf.max_lease_misbalance)
        result = "IMBALANCED" if balance.is_imbalanced(left, free + backup, conf.max_lease_misbalance) else "balanced"
        _say(store, result, pool, free, backup, left, "max-misbal %d" % limit, False)
    return moved, want, again


def _is_any_kept(table, pool, primary):
    row = table.first(pool.index, FREE if primary else BACKUP)
    look = _LOOK
    while row >= 0 and look:
        if table.flags(row) & (PROBED | HELD):
            return True
        row = table.after(row)
        look -= 1
    return False


def _say(store, what, pool, free, backup, lts, limit, asks):
    more = "  (requesting peer rebalance!)" if asks else ""
    line = "%s pool %x %s  total %d  free %d  backup %d  lts %d  %s%s"
    store.say(line % (what, pool.index, pool.network.name, pool.size, free, backup, lts, limit, more))


def _give_partners(table, pool, primary, hba, updates, store, now, lts, hold):
    """First pass: addresses whose last client the partner answers.  Returns what is left to send."""
    row = table.first(pool.index, FREE if primary else BACKUP)
    look = _LOOK if hba else 0
    while row >= 0 and look and balance.first_pass(lts, hold):
        after = table.after(row)
        if not table.flags(row) & STAYS and is_partners(table, row, primary, hba):
            give(table, row, primary, updates, store, now)
            lts -= 1
        row = after
        look -= 1
    return lts


def _give_oldest(table, pool, primary, updates, store, now, lts, hold):
    """Second pass: any, the oldest first.  Returns what is left to send."""
    row = table.first(pool.index, FREE if primary else BACKUP)
    look = _LOOK
    while row >= 0 and look and balance.second_pass(lts, hold, table.flags(row) & USED):
        after = table.after(row)
        if not table.flags(row) & STAYS:
            give(table, row, primary, updates, store, now)
            lts -= 1
        row = after
        look -= 1
    return lts
