"""The MCLT rule and the times of an address, with the worked example of reference section 5.6."""

from leases import make
from twinlease.clock import FOREVER
from twinlease.failover import times as t
from twinlease.lease.row import ABANDONED, ACKED, ACTIVE, BACKUP, EXPIRED, FREE, RELEASED, RESET

MCLT = 60

# time, tsfp before, granted, end, tstp sent: MCLT 60, default lease 300
WORKED = (
    (2, 0, 60, 62, 332),
    (19, 332, 300, 319, 469),
    (23, 334, 300, 323, 473),
    (169, 469, 300, 469, 619),
    (319, 469, 210, 529, 724),
    (424, 469, 105, 529, 776),
    (476, 469, 60, 536, 806),
)


def is_pending(tstp, tsfp, acked):
    table = make(((10, 53, 0, 100), 1, 0))
    table.set_tstp(0, tstp)
    table.set_tsfp(0, tsfp)
    if acked:
        table.set_flags(0, ACKED)
    return t.is_pending(table, 0)


def test_the_worked_example():
    for now, tsfp, granted, end, tstp in WORKED:
        assert t.granted_s(300, tsfp, now, MCLT) == granted, now
        assert now + granted == end and t.tstp_of_grant(now, 300, granted) == tstp, now


def test_the_worked_example_as_one_story():
    """Grant and acknowledgement in turn; then the link fails, and nothing is acknowledged any more."""
    tstp = tsfp = 0
    for now, known, granted, _, sent in WORKED[:2] + WORKED[3:]:
        assert tsfp == known
        assert t.granted_s(300, tsfp, now, MCLT) == granted
        tstp = t.tstp_of_grant(now, 300, granted)
        tsfp = min(tsfp, tstp)
        assert tstp == sent and is_pending(tstp, tsfp, acked=False)
        if now < 100:
            tsfp = tstp
            assert not is_pending(tstp, tsfp, acked=True)


def test_nobody_gets_more_than_mclt_beyond_what_was_agreed():
    now = 200000000
    for tsfp in (0, now - 1, now, now + 1, now + 59, now + 600, now + 90000):
        for want in (1, 59, 60, 61, 300, 3600, 86400, FOREVER):
            got = t.granted_s(want, tsfp, now, MCLT)
            assert 0 < got <= want and (now + got <= max(tsfp, now) + MCLT)


def test_a_short_lease_needs_no_agreement():
    assert t.granted_s(60, 0, 1000, 60) == 60 and t.granted_s(30, 0, 1000, 60) == 30


def test_never_stays_never_once_both_agree():
    now = 200000000
    assert t.granted_s(FOREVER, FOREVER, now, MCLT) == FOREVER
    assert t.granted_s(FOREVER, 0, now, MCLT) == MCLT
    assert t.tstp_of_grant(now, FOREVER, MCLT) == FOREVER
    assert t.tstp_of_grant(now, FOREVER - now - 10, 60) == FOREVER
    assert t.tstp_of_grant(FOREVER - 1, FOREVER, FOREVER) == FOREVER
    assert t.takeover_at(FOREVER, now, MCLT) == t.takeover_at(FOREVER - 1, now, MCLT) == FOREVER


def test_pending_is_what_the_partner_has_not_agreed_to():
    assert is_pending(100, 0, acked=True) and is_pending(100, 99, acked=True) and is_pending(100, 100, acked=False)
    assert not is_pending(100, 100, acked=True) and not is_pending(100, 200, acked=True)
    assert not is_pending(0, 0, acked=False), "a never-used address owes nothing"


# Reference section 5.2: state, rewind, then (primary, secondary) outside PARTNER-DOWN.
TABLE = (
    (FREE, FREE, True, False),
    (ABANDONED, ABANDONED, True, False),
    (BACKUP, BACKUP, False, True),
    (EXPIRED, FREE, True, False),
    (EXPIRED, BACKUP, False, True),
    (EXPIRED, ACTIVE, False, False),
    (RELEASED, FREE, True, False),
    (RELEASED, BACKUP, False, True),
    (RELEASED, ACTIVE, False, False),
    (RESET, FREE, False, False),
    (ACTIVE, FREE, False, False),
)


def test_who_may_allocate_while_both_may_be_there():
    for state, rewind, primary, secondary in TABLE:
        assert t.may_allocate(True, state, rewind, 0, 5000, -1, MCLT) == primary, (state, rewind)
        assert t.may_allocate(False, state, rewind, 0, 5000, -1, MCLT) == secondary, (state, rewind)


def test_partner_down_waits_for_mclt_after_what_was_promised():
    """MCLT 40: the first BACKUP address leaves the primary 40 s after PARTNER-DOWN (section 5.2, measured)."""
    down = 5000
    listed = ((True, BACKUP), (False, FREE), (False, ABANDONED))
    for primary, state in listed + tuple([(p, e) for e in (EXPIRED, RELEASED, RESET) for p in (True, False)]):
        known = ACTIVE if state in (EXPIRED, RELEASED, RESET) else state
        assert not t.may_allocate(primary, state, known, 0, down + 40, down, 40)
        assert t.may_allocate(primary, state, known, 0, down + 41, down, 40)
        assert not t.may_allocate(primary, state, known, down + 100, down + 140, down, 40)
        assert t.may_allocate(primary, state, known, down + 100, down + 141, down, 40)
        assert not t.may_allocate(primary, state, known, FOREVER, down + 100000, down, 40)
    assert not t.may_allocate(True, ACTIVE, ACTIVE, 0, down + 1000, down, 40)


def test_partner_down_waits_for_the_largest_promise():
    assert t.promised_until(100, 200) == t.promised_until(200, 100) == 200
