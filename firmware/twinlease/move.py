"""Moves leases by a step of the clock, so that a power cut in the middle loses none.

    leases(table, journal, step, everyone, now, since)   now: the time after the step
    back(table, journal, step, since, now)        the clock was ahead since then: step < 0
    lengthen(table, journal, certain, all_of_them) a partner's clock is followed now
    finish(table, journal)                        at boot, if the journal has a META_STEP
    shifted(table, step, since)                   the rows alone, no journal

The step is written down first; whoever finds it at boot finishes the work.
PROVISIONAL says which rows are still to be moved: a row loses it in the record
that moves it, so none is moved twice.  If every lease is to move, all get the
flag first, and only when that is durable are they moved.  A free address that was never
agreed upon has no times, and stays; what was agreed of one stays too, forward.

Forward, nobody knows by which guess, or which wrong clock, each time of a lease was told: one from before the last
restart may be nearer to the truth than this step makes it.  Its end, and what may have been promised, move all the
same, and last too long at worst.  But what the partner has agreed to stays, or we would promise more than MCLT beyond
it; and when the client was last seen moves only if that was after `since`, when our clock was last set, or old news
would pass for newer than the partner's.

Back move only leases that were given by the clock that was ahead, which `since` tells: the time by that clock when it
began to count.  An older lease may have been given by a clock that was right; it stays, and lasts too long at worst.
But the partner may since have said anew what it agrees to about it, by the clock that was ahead: that moves, or we
would promise more than MCLT beyond it; what may have been promised already stays.  If a power cut moves it twice,
leases are shorter until the partner has agreed again.
After a step back the journal holds times that have not come yet: META_CLOCK is written in a form (five octets) that
takes the floor back, at the next boot, from all that was written before.
"""

from micropython import const

from .clock import FOREVER
from .failover.times import is_pending
from .lease import _rows
from .lease.journal import META_CLOCK, META_STEP
from .lease.row import ABANDONED, ACKED, ACTIVE, BACKUP, EXPIRED, FREE, PROVISIONAL

_PROVISIONAL = const(0)  # META_STEP tells who moves
_EVERYONE = const(1)
_SINCE = const(2)
_LISTS = (FREE, BACKUP)  # nobody was promised anything
_BACK = b"\0"  # behind the time in META_CLOCK
_APART_S = const(60)  # further apart a link does not come about with ISC dhcpd


def leases(table, journal, step, everyone, now, since=FOREVER):
    """Move the provisional leases by `step` seconds, or every lease.  since: when this clock began, before the step."""
    if everyone or _rows.next_flagged(table.buf, 0, table.rows, PROVISIONAL) >= 0:
        _note(journal, step, _EVERYONE if everyone else _PROVISIONAL, now, max(since, 1))
        finish(table, journal)


def back(table, journal, step, since, now):
    """Our clock was ahead by -step seconds since its project second `since`: what it gave moves back."""
    _note(journal, step, _SINCE, now, since)
    finish(table, journal)


def lengthen(table, journal, certain, all_of_them):
    """Leases of before this run may have been given by our own clock, and two clocks be apart: none ends early.

    certain      it is later than that: what had ended then is over
    all_of_them  or those that the partner does not know of; it knows better when the others end
    """
    for row in range(table.rows):
        flags, ends = table.flags(row), table.ends(row)
        if table.state(row) != ACTIVE or flags & PROVISIONAL or not certain < ends < FOREVER - _APART_S:
            continue
        if all_of_them or is_pending(table, row):
            table.set_times(row, ends + _APART_S, table.cltt(row))
            journal.put_row(row)
    journal.sync()


def finish(table, journal):
    """Do what META_STEP says.  Returns the time after the step."""
    told = journal.get_meta(META_STEP)
    step = int.from_bytes(told[:4], "big")
    if told[0] & 0x80:
        step -= 1 << 32
    now = int.from_bytes(told[4:8], "big")
    since = int.from_bytes(told[9:], "big")
    if told[8] != _PROVISIONAL:
        if told[8] == _SINCE:
            _mark_since(table, journal, since, now, step)
            since = 0
        else:
            _mark_all(table, journal)
        journal.sync()
        _note(journal, step, _PROVISIONAL, now, since)
    for row in shifted(table, step, since):
        journal.put_row(row)
    journal.sync()
    if step < 0:
        journal.put_meta(META_CLOCK, now.to_bytes(4, "big") + _BACK)
    journal.put_meta(META_STEP, b"")
    journal.sync()
    return now


def _mark_all(table, journal):
    for row in range(table.rows):
        if _has_times(table, row):
            table.set_flags(row, PROVISIONAL)
            journal.put_row(row)


def _mark_since(table, journal, since, now, step):
    """Those that the clock that was ahead has given; of the others none was heard from later than now."""
    for row in range(table.rows):
        cltt = table.cltt(row)
        if cltt >= since and (table.state(row) == ABANDONED or _has_times(table, row)):
            table.set_flags(row, PROVISIONAL)
        elif _agreement_moves(table, row, now, step) or cltt > now or table.flags(row) & PROVISIONAL:
            table.clear_flags(row, PROVISIONAL)
            table.set_times(row, table.ends(row), min(cltt, now))
        else:
            continue
        journal.put_row(row)


def _agreement_moves(table, row, now, step):
    """If the partner has agreed to a time to come for this row, that moves back.  True if so."""
    tsfp, tstp = table.tsfp(row), table.tstp(row)
    if not now < tsfp < FOREVER:
        return False
    if table.state(row) == ACTIVE or table.state(row) == EXPIRED:
        table.set_tstp(row, max(tstp, tsfp))
    elif tstp <= now:  # of the two it is the earlier that counts for what is free
        return False
    table.set_tsfp(row, max(tsfp + step, 1))
    return True


def shifted(table, step, since=0):
    """Move the times of each PROVISIONAL row by `step` seconds, clear its flag, and yield it.

    since   0: all its times, those agreed with a partner too (0 and FOREVER are no times); else see above
    """
    row = table.next_flagged(0, PROVISIONAL)
    while row >= 0:
        ends, cltt = table.ends(row), table.cltt(row)
        if ends < FOREVER:
            ends = min(max(ends + step, 0), FOREVER - 1)
        if not since or cltt > since:
            cltt = min(max(cltt + step, 0), FOREVER - 1)
        table.set_times(row, ends, cltt)
        tstp, tsfp = table.tstp(row), table.tsfp(row)
        if since and table.state(row) in _LISTS:
            if tstp <= tsfp and table.flags(row) & ACKED:
                tstp = 0  # both know that it is free, and whose: that is to be no news for the partner
        elif since:
            tstp = max(tstp, tsfp)
        elif 0 < tsfp < FOREVER:
            table.set_tsfp(row, min(max(tsfp + step, 1), FOREVER - 1))
        if 0 < tstp < FOREVER:
            table.set_tstp(row, min(max(tstp + step, 1), FOREVER - 1))
        table.clear_flags(row, PROVISIONAL)
        yield row
        row = table.next_flagged(row + 1, PROVISIONAL)


def _has_times(table, row):
    """Are there times to move: when it ends, or what was agreed with a partner?  The rest of such a row moves along."""
    if table.state(row) == ACTIVE and table.ends(row) < FOREVER:
        return True
    return 0 < table.tstp(row) < FOREVER or 0 < table.tsfp(row) < FOREVER


def _note(journal, step, who, now, since=0):
    told = (step & 0xFFFFFFFF).to_bytes(4, "big") + now.to_bytes(4, "big") + bytes((who,))
    journal.put_meta(META_STEP, told + since.to_bytes(4, "big") if since else told)
    journal.sync()
