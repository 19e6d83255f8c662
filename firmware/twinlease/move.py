"""Moves leases by a step of the clock, so that a power cut in the middle loses none.

    leases(table, journal, step, everyone, now)   now: the time after the step
    finish(table, journal)                        at boot, if the journal has a META_STEP

The step is written down first; whoever finds it at boot finishes the work.
PROVISIONAL says which rows are still to be moved: a row loses it in the record
that moves it, so none is moved twice.  If every lease is to move, all get the
flag first, and only when that is durable are they moved.  A partner's times belong to
the row and move with it: a free address that was never agreed upon has none, and stays.
"""

from .clock import FOREVER
from .lease import _rows
from .lease.journal import META_STEP
from .lease.row import ACTIVE, PROVISIONAL


def leases(table, journal, step, everyone, now):
    """Move the provisional leases by `step` seconds, or every lease."""
    if everyone or _rows.next_flagged(table.buf, 0, table.rows, PROVISIONAL) >= 0:
        _note(journal, step, everyone, now)
        finish(table, journal)


def finish(table, journal):
    """Do what META_STEP says.  Returns the time after the step."""
    told = journal.get_meta(META_STEP)
    step = int.from_bytes(told[:4], "big")
    now = int.from_bytes(told[4:8], "big")
    if told[8]:
        for row in range(table.rows):
            if _has_times(table, row):
                table.set_flags(row, PROVISIONAL)
                journal.put_row(row)
        journal.sync()
        _note(journal, step, False, now)
    rows = table.shift_provisional(step)
    while rows is not None:
        for row in rows:
            journal.put_row(row)
        rows = table.shift_provisional(step)
    journal.sync()
    journal.put_meta(META_STEP, b"")
    journal.sync()
    return now


def _has_times(table, row):
    """Are there times to move: when it ends, or what was agreed with a partner?  The rest of such a row moves along."""
    if table.state(row) == ACTIVE and table.ends(row) < FOREVER:
        return True
    return 0 < table.tstp(row) < FOREVER or 0 < table.tsfp(row) < FOREVER


def _note(journal, step, everyone, now):
    journal.put_meta(META_STEP, step.to_bytes(4, "big") + now.to_bytes(4, "big") + bytes((everyone,)))
    journal.sync()
