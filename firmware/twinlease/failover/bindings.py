"""Binding updates: may the partner's be accepted, what it makes of a row, and what ours says.  Pure.

    reject = judge(…)           0, or a number that reason_of() explains
    take(…)                     an accepted update is the row's new truth
    fill(binding, table, row, shift)    ours, from what the row is now
    hold_back(table, row, now, primary)     before fill, to an ISC dhcpd
    acked(table, row)           the partner has accepted it

The rules are ISC dhcpd's (reference sections 5.3 to 5.7), so that either side
of a pair judges as the other expects.  Where ISC is careless we are not: an
address that our client may still hold is never freed, and an older word about a
client never shortens a newer lease.  What is refused for such a reason the
caller answers with our own data, which ISC accepts (section 5.7).

A row that is RESET and was never USED is an address of this server itself,
inside a range.  The partner is told that it is ABANDONED for ever, and nothing
that it says changes the row.

Loaded while there is a link (peer.py).

Not here: queues and acknowledgements (updates.py), the journal, affinity (pools.py).
"""

from micropython import const

from ..clock import FOREVER
from ..lease.identity import Identity
from ..lease.row import (
    ABANDONED,
    ACKED,
    ACTIVE,
    BACKUP,
    BOOTP,
    DUE,
    EXPIRED,
    FREE,
    HELD,
    ID_DIGEST,
    ITEM_HOST_NAME,
    OFFERED,
    PROVISIONAL,
    QUIET,
    RELEASED,
    RESERVED,
    RESET,
    SENT,
    USED,
)
from . import wire as w
from .service import is_own_address
from .times import is_pending
from .writer import FIRST_ITEM, ITEM_MAX, ITEMS

# What judge() says.
_LACKS = const(1)
UNKNOWN_ADDRESS = const(2)
OTHER_RELATIONSHIP = const(3)
LESS_CRITICAL = const(4)
_ABANDONED_CHADDR = const(5)
_ABANDONED_ID = const(6)
_CHADDR_LONG = const(7)
_NO_CHADDR = const(8)
_NOT_RESERVED = const(9)
_NOT_BOOTP = const(10)
TRANSITION = const(11)
_STATUS = const(12)
_OWN_ADDRESS = const(13)

# The reject-reason of each, and its text: reference section 5.4.  In two pieces, not in twenty-eight.
_REASONS = bytes(
    (
        0,
        w.MISSING_BINDING_INFORMATION,
        w.ILLEGAL_IP_ADDRESS,
        w.ILLEGAL_IP_ADDRESS,
        w.LESS_CRITICAL_BINDING_INFORMATION,
        w.MISCELLANEOUS,
        w.MISCELLANEOUS,
        w.MISCELLANEOUS,
        w.MISSING_BINDING_INFORMATION,
        w.IP_NOT_RESERVED,
        w.MISCELLANEOUS,
        w.FATAL_CONFLICT,
        w.MISCELLANEOUS,
        w.FATAL_CONFLICT,
    )
)
_TEXTS = (
    b"\nbinding update lacks required options"
    b"\nunknown IP address"
    b"\nIP address is covered by a different failover relationship state"
    b"\nincoming update is less critical than outgoing update"
    b"\nBNDUPD to ABANDONED with a CHADDR"
    b"\nBNDUPD to ABANDONED with client-id"
    b"\nchaddr too long"
    b"\nBNDUPD without CHADDR"
    b"\nAddress is not reserved."
    b"\nAddress is not allocated to BOOTP."
    b"\ninvalid state transition"
    b"\ninvalid binding-status"
    b"\naddress of the server itself"
)

# Seconds by which a time of the partner may be off after all correction: both clocks are read in whole seconds.
_OFF_S = const(2)

# Longer than a BNDUPD can be on its way, and the clocks be apart.
_HOLD_BACK_S = const(60)

# Tuples of names are built anew wherever they stand in a function.
_LIST = (FREE, BACKUP)
_TRANSITIONAL = (EXPIRED, RELEASED, RESET)  # they become FREE once both know
_NOT_FREE_BEFORE = (EXPIRED, RESET)  # their potential expiry
_KEEPS_CLIENT = (FREE, BACKUP, RESET)
_NEEDS_CLIENT = (ACTIVE, EXPIRED, RELEASED)

_scratch = bytearray(16)
_who = Identity()


def reason_of(reject):
    """(reject-reason, text) of what judge() says."""
    return _REASONS[reject], _TEXTS.split(b"\n")[reject]


def judge(table, row, message, now, skew, primary, normal, sent, since=0):
    """May this BNDUPD be accepted?  0, or one of the numbers above.  Reference sections 5.4 and 5.5.

    row      -1 for an address that is not in the table; one of another relationship is for the caller to find
    skew     the partner's clock less ours, seconds
    since    see _seen()
    normal   our own state is NORMAL
    sent     our own update for the address is on its way
    """
    status = message.octet(w.BINDING_STATUS)
    if not message.where[w.ASSIGNED_IP_ADDRESS] or status < 0:
        return _LACKS
    if row < 0:
        return UNKNOWN_ADDRESS
    if not FREE <= status <= BACKUP:
        return _STATUS  # ISC in NORMAL ends its process (reference section 0, item 1)
    if is_own_address(table, row):
        return _OWN_ADDRESS
    if sent and not _partner_wins(table, row, message, status, skew, primary, since):
        return LESS_CRITICAL
    reject = _lacks_client(message, status) or _claims_flags(table, row, message, status, primary)
    if reject:
        return reject
    if table.state(row) != ACTIVE:
        return 0 if _may_change(table, row, message, status, now, skew, normal) else TRANSITION
    if status == ACTIVE:
        return LESS_CRITICAL if _is_old(table, row, message, now, skew, primary, since) else 0
    return 0 if _may_end(table, row, message, status, now, skew, primary, normal) else TRANSITION


def _seen(table, row, since):
    """When our client was last seen; 0: nobody knows.

    since   our clock is a guess, and this run began then; 0: it is trusted.  A power cut may have lasted for any time,
            so a lease of before it seems younger than it is, and would pass for newer than the partner's.
    """
    cltt = table.cltt(row)
    return cltt if cltt > since else 0


def _partner_wins(table, row, message, status, skew, primary, since):
    """A duel: both updates are on their way.  Reference section 5.5."""
    if table.state(row) != ACTIVE:
        return status == ACTIVE or not primary
    if status == ACTIVE:
        theirs, ours = _time(message, w.CLIENT_LAST_TRANSACTION_TIME, skew), _seen(table, row, since)
        if not theirs or not ours:
            return True  # it is for _is_old to say, on both sides
        if -_OFF_S <= theirs - ours <= _OFF_S:  # the same moment, as far as two clocks can tell
            return not primary
        return theirs > ours
    return status == EXPIRED or not primary


def _lacks_client(message, status):
    has_chaddr = message.size[w.CLIENT_HARDWARE_ADDRESS]
    if status == ABANDONED and has_chaddr:
        return _ABANDONED_CHADDR
    if status == ABANDONED and message.where[w.CLIENT_IDENTIFIER]:
        return _ABANDONED_ID
    if message.size[w.CLIENT_HARDWARE_ADDRESS] > w.CHADDR_MAX:
        return _CHADDR_LONG
    if status in _NEEDS_CLIENT and (not has_chaddr or has_chaddr + message.size[w.CLIENT_IDENTIFIER] == 1):
        return _NO_CHADDR  # or it tells the hardware type alone
    return 0


def _claims_flags(table, row, message, status, primary):
    """Does the update call an address of our own list reserved, or given by BOOTP, that is not?

    ISC refuses an ACTIVE one for this too, and goes on to offer the address
    that somebody holds.  We do not.
    """
    claims = max(message.number(w.IP_FLAGS), 0)
    if not claims or status == ACTIVE or table.state(row) != (FREE if primary else BACKUP):
        return 0
    if claims & w.FLAG_RESERVED and not table.flags(row) & RESERVED:
        return _NOT_RESERVED
    if claims & w.FLAG_BOOTP and not table.flags(row) & BOOTP:
        return _NOT_BOOTP
    return 0


def _may_change(table, row, message, status, now, skew, normal):
    """The row is not ACTIVE: may it become what the partner says?"""
    if normal and table.state(row) in _NOT_FREE_BEFORE and status in _LIST:
        return _is_past(table, row, message, now, skew)
    return True


def _may_end(table, row, message, status, now, skew, primary, normal):
    """The row is ACTIVE: may it become something else, because the partner says so?

    Reference section 5.4, and beyond it: while our lease runs only the client
    itself ends it (RELEASED, ABANDONED), or an administrator (RESET).
    """
    runs = _runs(table, row, message, now, skew)
    if status == ABANDONED:
        return not runs or not is_pending(table, row)  # it does not know of our lease, and tells an older story
    if status == RELEASED or status == RESET:
        if primary and normal and status == RESET:
            return False
        return not runs or _ended_by_client(table, row, message, skew)
    if runs or (primary and normal):
        return False
    return status == EXPIRED or (normal and _is_past(table, row, message, now, skew))


def _runs(table, row, message, now, skew):
    """Is our lease still running?  What the partner says has ended may be off by the reading of the clocks."""
    left = table.ends(row) - now
    if left <= 0 or table.ends(row) == FOREVER:
        return left > 0
    return left > _OFF_S or table.ends(row) > _time(message, w.LEASE_EXPIRATION_TIME, skew) + _OFF_S


def _ended_by_client(table, row, message, skew):
    """Was it this lease that was released, and not one that we have renewed since?

    Its client was last seen when we know it to have been, if the partner has that from us or we from it; or it was
    released later than that, by the clocks.
    """
    at = _time(message, w.LEASE_EXPIRATION_TIME, skew)
    seen = _time(message, w.CLIENT_LAST_TRANSACTION_TIME, skew)
    return (at < 0 or max(at, seen) >= table.cltt(row)) and _is_same_client(table, row, message)


def _is_old(table, row, message, now, skew, primary, since):
    """ACTIVE over ACTIVE: does the partner not know yet, or no more, what our client was promised later?

    ISC accepts it.  Its own cltt may be old because it never takes ours over;
    what it sends then is our lease, which ends when ours does.  A client that
    both have answered at once has taken either answer: the longer counts.  So it
    does where a side does not know when that was; of two clients counts who is known.
    """
    theirs, ours = _time(message, w.CLIENT_LAST_TRANSACTION_TIME, skew), _seen(table, row, since)
    if theirs < 0 or table.ends(row) <= now:
        return False
    shorter = _time(message, w.LEASE_EXPIRATION_TIME, skew) < table.ends(row) - _OFF_S
    same = _is_same_client(table, row, message)
    if not theirs or not ours:
        return shorter if same else not theirs and (ours > 0 or primary)
    if theirs - ours > _OFF_S:
        return False
    if ours - theirs <= _OFF_S:
        return shorter and same
    return shorter or is_pending(table, row)


def _is_past(table, row, message, now, skew):
    t = _time(message, w.POTENTIAL_EXPIRATION_TIME, skew)
    return (table.tsfp(row) if t < 0 else t) <= now + _OFF_S


def _is_same_client(table, row, message):
    where, buf = message.where, message.buf
    at = where[w.CLIENT_HARDWARE_ADDRESS]
    if not at:
        return True
    n = message.size[w.CLIENT_HARDWARE_ADDRESS] - 1
    id_at = where[w.CLIENT_IDENTIFIER]
    id_n = message.size[w.CLIENT_IDENTIFIER] if id_at else 0
    _aim(buf, id_at, id_n, at, n)
    return table.is_client(row, _who) or _is_hardware(table, row, buf, at, n)


def _is_hardware(table, row, buf, at, n):
    """Is the row's client that with hardware type and address buf[at:], the address n octets?"""
    if table.htype(row) != buf[at] or table.get_hw(row, _scratch, 0) != n:
        return False
    for i in range(n):
        if _scratch[i] != buf[at + 1 + i]:
            return False
    return True


def _time(message, code, skew):
    """A time of the message by our own clock; -1 if it is absent."""
    return _moved(message.time(code), -skew)


def _moved(t, by):
    """A time by another clock; "none" (0), absent (-1) and FOREVER stay."""
    return t if t <= 0 or t >= FOREVER else min(max(t + by, 1), FOREVER - 1)


def take(table, row, message, skew):
    """Make the row what an accepted BNDUPD says: reference section 5.4, "After acceptance".

    It is not pending after that, and not DUE or SENT: our own update has lost
    or is out of date.  Times are ours, less PROVISIONAL; who has no clock that
    it trusts sets that flag again.
    """
    status = message.octet(w.BINDING_STATUS)
    state = FREE if status in _TRANSITIONAL else status
    again = status == ACTIVE and table.state(row) == ACTIVE and _is_same_client(table, row, message)
    _take_client(table, row, message, status)
    _take_times(table, row, message, status, skew, again)
    if table.state(row) != state:
        table.set_state(row, state)
    table.set_rewind(row, state)
    off = DUE | SENT | PROVISIONAL | RESERVED | BOOTP
    if status not in _LIST:
        off |= OFFERED | QUIET | HELD  # whoever had it is known now
    table.clear_flags(row, off)
    claims = max(message.number(w.IP_FLAGS), 0)
    on = ACKED
    if status not in _LIST or table.ends(row):
        on |= USED
    if claims & w.FLAG_RESERVED:
        on |= RESERVED
    if claims & w.FLAG_BOOTP:
        on |= BOOTP
    table.set_flags(row, on)


def _take_client(table, row, message, status):
    where, size, buf = message.where, message.size, message.buf
    if status == ABANDONED:
        table.clear_client(row)
        return
    at = where[w.CLIENT_HARDWARE_ADDRESS]
    n = size[w.CLIENT_HARDWARE_ADDRESS] - 1
    id_at = where[w.CLIENT_IDENTIFIER]
    id_n = size[w.CLIENT_IDENTIFIER]
    if at and n >= 0:
        keeps_id = not id_n and status in _KEEPS_CLIENT
        if not keeps_id or not _is_hardware(table, row, buf, at, n):
            _set_client(table, row, buf, id_at, id_n, at, n)
    for i in range(ITEMS):
        at = w.OWN + FIRST_ITEM + i
        if where[at]:
            table.put_item(row, ITEM_HOST_NAME + i, buf, where[at], size[at])


def _set_client(table, row, buf, id_at, id_n, at, n):
    _aim(buf, id_at, id_n, at, n)
    if not table.set_client(row, _who):
        # No cell is left for the identifier.  The address is taken, whoever has it: as after a boot, hardware is kept.
        _aim(buf, 0, 0, at, min(n, 6))
        table.set_client(row, _who)


def _aim(buf, id_at, id_n, at, n):
    """_who is the client with hardware type and address buf[at:], the address n octets, and this identifier."""
    _who.set_hardware(buf[at], buf, at + 1, max(n, 0))
    _who.set_identifier(buf, id_at, id_n)


def _take_times(table, row, message, status, skew, again):
    """again: our lease of the same client is replaced; by no shorter one, unless the client was seen again since."""
    ends = _time(message, w.LEASE_EXPIRATION_TIME, skew)
    if ends < 0:
        ends = table.ends(row)
    cltt = _time(message, w.CLIENT_LAST_TRANSACTION_TIME, skew)
    if status == ACTIVE:
        # ISC's own cltt may be older than the lease that it passes on; the start is the lease's.
        cltt = max(cltt, _time(message, w.START_TIME_OF_STATE, skew))
    if again and cltt <= table.cltt(row) + _OFF_S:
        ends, cltt = max(ends, table.ends(row)), max(cltt, table.cltt(row))
    table.set_times(row, ends, cltt if cltt >= 0 else table.cltt(row))
    agreed = _time(message, w.POTENTIAL_EXPIRATION_TIME, skew)
    if agreed >= 0:
        table.set_tsfp(row, agreed)
    else:
        agreed = min(table.tstp(row), table.tsfp(row))
    # What is free carries no time of the future when we tell about it ourselves.
    table.set_tstp(row, min(agreed, ends) if status in _TRANSITIONAL else agreed)


def fill(binding, table, row, shift, since=0):
    """Write into a writer.Binding what the row is now, as ISC fills a BNDUPD: reference section 5.4.

    shift   seconds to add to our times: the partner's clock less ours if it corrects nothing (ISC), else 0
    since   see _seen()
    """
    binding.clear()
    table.put_address(row, binding.address, 0)
    state, flags = table.state(row), table.flags(row)
    own = is_own_address(table, row)
    binding.status = status = ABANDONED if own else state
    if status != ABANDONED:
        _fill_client(binding, table, row, flags)
    tstp = table.tstp(row)
    cltt = _seen(table, row, since) if status == ACTIVE else table.cltt(row)
    ends = FOREVER if own else table.ends(row)
    if status == ACTIVE and flags & BOOTP and ends == FOREVER:
        tstp = 0  # as ISC has it
    start = tstp if tstp and status in _LIST else cltt
    binding.lease_expiration = _moved(ends, shift)
    binding.potential_expiration = _moved(tstp, shift)
    binding.start = _moved(start, shift)
    if status == ACTIVE or (cltt and status != ABANDONED):
        binding.cltt = _moved(cltt, shift)
    binding.ip_flags = (w.FLAG_RESERVED if flags & RESERVED else 0) | (w.FLAG_BOOTP if flags & BOOTP else 0)


def _fill_client(binding, table, row, flags):
    if not flags & ID_DIGEST:  # that is no client's identifier
        binding.id_n = table.get_id(row, binding.id, 0)
    n = table.get_hw(row, binding.chaddr, 1)
    if n or binding.id_n:
        binding.chaddr[0] = table.htype(row)
        binding.chaddr_n = 1 + n
    for i in range(ITEMS):
        binding.items_n[i] = table.get_item(row, ITEM_HOST_NAME + i, binding.items, i * ITEM_MAX)


def hold_back(table, row, now, primary):
    """An ISC may have given this address to a client since: it must not let that lease end at our older word.

    It takes our ACTIVE for its own, however long that is over, and expires it; EXPIRED it holds against its own lease.
    A secondary in NORMAL that hears BACKUP again frees what it has leased, unless the potential expiry is to come; if
    it has given nothing away it accepts that too (reference section 5.4).  True if the row has changed.
    """
    if table.state(row) == ACTIVE and table.ends(row) + _OFF_S < now:
        table.set_state(row, EXPIRED)
        return True
    if not primary or table.state(row) != BACKUP or table.rewind(row) != BACKUP:
        return False
    if not is_pending(table, row):
        return False
    table.set_tstp(row, now + _HOLD_BACK_S)
    return True


def acked(table, row):
    """The partner has accepted what we sent last: reference section 5.7, steps 5 and 6.

    True if the address has become FREE by that; affinity is then the caller's
    to look at, and in either case the row is to be written.
    """
    table.set_tsfp(row, table.tstp(row))
    table.clear_flags(row, SENT)
    table.set_flags(row, ACKED)
    if table.state(row) not in _TRANSITIONAL or is_own_address(table, row):
        return False
    table.set_tstp(row, min(table.tstp(row), table.ends(row)))
    table.set_state(row, FREE)
    table.set_rewind(row, FREE)
    return True
