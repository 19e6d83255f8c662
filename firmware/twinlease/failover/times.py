"""How long a lease may be, and what its times are to become: reference sections 5.2 and 5.6.  Pure.

Of each address the table keeps two times besides its end (lease/table.py):

    tstp   the potential expiration that we last computed, and tell the partner
    tsfp   the one that both agree on: acknowledged by the partner, or received from it
    ACKED  a flag in place of ISC's atsfp: tsfp still stands for what the lease is now

The rule that keeps two servers apart that cannot hear each other: nobody
promises a client more than MCLT beyond what the partner has agreed to, and
nobody gives the partner's addresses away before that has passed.

Times are project seconds, lengths seconds, FOREVER means "never ends" for
both.  No sum here exceeds FOREVER, which is the largest small int.
"""

from ..clock import FOREVER
from ..lease.row import ABANDONED, ACKED, ACTIVE, BACKUP, EXPIRED, FREE, RELEASED

# A tuple of names is made anew wherever it stands in a function.
_ENDED = (EXPIRED, RELEASED)


def granted_s(want_s, tsfp, now, mclt):
    """The longest lease that we may grant now, of the `want_s` seconds that all other rules allow.

    The same in NORMAL, COMMUNICATIONS-INTERRUPTED and PARTNER-DOWN, as in ISC
    dhcpd.  The draft (5.2.1) takes the largest time ever agreed instead of the
    latest; beside an ISC that is unsafe, which waits for its own latest only.
    """
    if want_s <= mclt or tsfp == FOREVER:
        return want_s
    if tsfp <= now:
        return mclt
    return min(want_s, tsfp - now + mclt)


def tstp_of_grant(now, want_s, granted):
    """The potential expiration to tell the partner: what was wanted, and half of what was granted on top."""
    if want_s >= FOREVER - now or granted // 2 >= FOREVER - now - want_s:
        return FOREVER
    return now + want_s + granted // 2


def is_pending(table, row):
    """Do we owe the partner an update about this address?"""
    return table.tstp(row) > (table.tsfp(row) if table.flags(row) & ACKED else 0)


def promised_until(tstp, tsfp):
    """The latest time that either server may have promised to a client, but for MCLT: what PARTNER-DOWN waits for."""
    return max(tstp, tsfp)


def takeover_at(promised, stos, mclt):
    """In PARTNER-DOWN since `stos`: an address that the partner may have given or renewed is ours after this time.

    Section 5.2, which has less for what is EXPIRED, RELEASED or RESET: stos + MCLT, although the partner
    may have renewed that lease for MCLT beyond what was agreed, and for longer than it takes to notice.
    """
    latest = max(promised, stos)
    return FOREVER if latest >= FOREVER - mclt else latest + mclt


def may_allocate(primary, state, rewind, promised, now, down_since, mclt):
    """May this server give the address to a client that does not hold it?  Reference section 5.2.

    rewind      the last state that the partner may know (section 5.1)
    promised    see promised_until
    down_since  stos of PARTNER-DOWN, -1 in any other state
    """
    own = FREE if primary else BACKUP
    if state == own or (state == ABANDONED and primary):
        return True
    if state in _ENDED and rewind == own:
        return True
    return state != ACTIVE and down_since >= 0 and now > takeover_at(promised, down_since, mclt)
