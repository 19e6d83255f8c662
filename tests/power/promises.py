"""What a journal has promised, and whether a board that came back after a power cut keeps it."""

from nor import PICKED, SPOTTED
from twinlease.lease.table import ABANDONED, ACTIVE, ITEM_HOST_NAME

OUT = bytearray(300)
NOBODY = (b"", b"")


def client_of(table, row):
    n = table.get_hw(row, OUT, 0)
    hw = bytes(OUT[:n])
    n = table.get_id(row, OUT, 0)
    return hw, bytes(OUT[:n])


def told(table, row):
    """All that a reboot must not change: client; state, rewind, flags, times; host name."""
    n = table.get_item(row, ITEM_HOST_NAME, OUT, 0)
    name = bytes(OUT[:n])
    times = (
        table.state(row),
        table.rewind(row),
        table.lasting_flags(row),
        table.ends(row),
        table.cltt(row),
        table.tstp(row),
        table.tsfp(row),
    )
    return client_of(table, row), times, name


def ends(row):
    """ends and cltt of what told() told."""
    return row[1][3:5]


def judge_row(row, now, allowed, kind, where):
    """`now` is what a cut left of a row; `allowed` what was synced, and what it was made since."""
    if now in allowed:
        return
    # A program that is spotted, and writes that survive out of order, can lose a record and keep a later one.
    assert kind in (SPOTTED, PICKED), "%s: row %d is %s, not one of %s" % (where, row, now, allowed)
    acked = allowed[0]
    assert ends(now) in [ends(a) for a in allowed], "%s: row %d has times %s of %s" % (where, row, now, allowed)
    if now[0] == NOBODY and now[1][0] == ABANDONED:
        # Of a new lease nobody was told of, the renewal is there and the full record is not.
        assert acked[0] == NOBODY or acked[1][0] != ACTIVE, "%s: row %d has lost its client" % (where, row)
        return
    assert now[0] in [a[0] for a in allowed], "%s: row %d went to %s" % (where, row, now)
    assert now[1][0] in [a[1][0] for a in allowed], "%s: row %d has state %s of %s" % (where, row, now, allowed)
    if now[0] == acked[0] and acked[1][0] == ACTIVE and now[1][0] == ACTIVE:
        assert now[1][3] >= acked[1][3], "%s: row %d ends early" % (where, row)
