"""The interval clock: always right about what it can be, never backwards by itself."""

from leases import Dice
from twinlease.clock import FOREVER, JOURNAL, PARTNER, RTC, SNTP, Clock


def test_a_new_clock_knows_nothing():
    c = Clock()
    assert (c.source, c.trusted, c.now, c.earliest, c.latest, c.error_ms) == ("none", False, 0, 0, FOREVER, -1)


def test_milliseconds_add_up_without_loss():
    c = Clock()
    for _ in range(1000):
        c.advance(333)
    assert c.now == 333
    c.advance(0)
    c.advance(999)
    assert c.now == 333
    c.advance(1)
    assert c.now == 334


def test_negative_and_absurd_steps_are_refused():
    c = Clock()
    for ms in (-1, 0x20000000):
        try:
            c.advance(ms)
            raise AssertionError("taken: %d" % ms)
        except ValueError:
            pass
    assert c.now == 0


def test_a_floor_starts_a_clock_and_never_lowers_it():
    c = Clock()
    c.set_floor(5000)
    assert c.source == JOURNAL and not c.trusted and c.now == 5000
    c.advance(10_000)
    c.set_floor(4000)
    assert c.now == 5010 and 5008 <= c.earliest <= 5010 and c.latest == FOREVER


def test_discipline_gives_the_step_to_the_nearest_second():
    for at_s, at_ms, s, ms, step in (
        (100, 0, 100, 0, 0),
        (100, 0, 5000, 0, 4900),
        (100, 0, 99, 600, 0),
        (100, 900, 101, 100, 0),
        (100, 0, 100, 499, 0),
        (100, 0, 100, 500, 1),
        (100, 700, 100, 100, -1),
        (5000, 0, 100, 0, -4900),
    ):
        c = Clock()
        c.set_floor(at_s)
        c.advance(at_ms)
        assert c.discipline(s, ms, 10, SNTP) == step, (at_s, at_ms, s, ms)
        assert c.now == s and c.trusted and c.source == SNTP


def test_only_rtc_partner_and_sntp_are_trusted():
    for source, trusted in (("none", False), (JOURNAL, False), (RTC, True), (PARTNER, True), (SNTP, True)):
        c = Clock()
        c.discipline(1000, 0, 0, source)
        assert c.trusted == trusted


def test_trusted_time_overrules_a_floor_from_the_future():
    c = Clock()
    c.set_floor(900_000)
    c.discipline(1000, 0, 100, SNTP)
    assert c.now == 1000 and c.earliest <= 1000
    assert c.latest < 1010


def test_the_interval_holds_the_truth_under_any_drift():
    for seed in range(1, 40):
        dice = Dice(seed)
        ppm = dice.below(101) - 50
        c = Clock(50)
        offset = dice.below(200) - 100  # the server's error, within what it admits
        true_ms = 500_000_000_000 + dice.below(1000)
        told = true_ms + offset
        c.discipline(told // 1000, told % 1000, 100, SNTP)
        passed = counted = 0
        for _ in range(300):
            ms = dice.below(3_000_000)
            true_ms += ms
            passed += ms
            ticks = passed + passed * ppm // 1_000_000 - counted
            counted += ticks
            c.advance(ticks)
            assert c.earliest <= true_ms // 1000 <= c.latest, seed
            assert c.earliest <= c.now <= c.latest


def test_the_error_grows_with_the_drift_and_shrinks_with_discipline():
    c = Clock(50)
    c.discipline(1000, 0, 20, SNTP)
    assert 20 <= c.error_ms <= 22
    for _ in range(24):
        c.advance(3_600_000)
    assert 4300 <= c.error_ms <= 4400  # 86400 s of 50 ppm are 4.3 s
    c.discipline(c.now, 0, 20, SNTP)
    assert c.error_ms <= 22


def test_years_without_discipline_stay_small_ints():
    c = Clock(50)
    c.discipline(100, 0, 20, SNTP)
    for _ in range(200):
        c.advance(0x1FFFFFFF)
    assert c.error_ms < 1 << 30 and c.latest < FOREVER
    c = Clock()
    c.set_floor(FOREVER - 10)
    for _ in range(100):
        c.advance(1000)
    assert c.now == FOREVER - 1


def test_a_useless_clock_of_the_board_takes_no_trust_from_the_partners_time():
    c = Clock()
    c.discipline(200_000_000, 0, 2000, PARTNER)
    assert c.hear(1000) == -1 and c.trusted and c.source == PARTNER
    c.discipline(200_000_000, 0, 1000, RTC)
    assert c.hear(1000) == -1 and not c.trusted


FLOOR = 216_000_000
TWO_YEARS = 2 * 366 * 86400


def test_a_partner_is_believed_within_two_years_of_what_is_certain():
    for floor, told, credible in (
        (FLOOR, FLOOR - 6, False),
        (FLOOR, FLOOR - 5, True),
        (FLOOR, FLOOR + TWO_YEARS, True),
        (FLOOR, FLOOR + TWO_YEARS + 5, False),
        (FLOOR, FOREVER - 3, False),
        (0, 189_388_800 + TWO_YEARS, True),  # a new board: by the date of the build
        (0, 189_388_800 + TWO_YEARS + 5, False),
        (0, 1000, False),
    ):
        c = Clock()
        c.set_floor(floor)
        assert c.credible(told) == credible, (floor, told)


def test_the_boards_own_clock_overrules_a_partner_when_it_agrees_with_itself():
    for ahead in (3 * 86400, TWO_YEARS, 10):
        c = Clock()
        c.set_floor(FLOOR)
        c.advance(10_000)
        c.discipline(FLOOR + 10 + ahead, 0, 2000, PARTNER)
        c.advance(10_000)
        assert c.hear(FLOOR + 20) == -1 and c.source == PARTNER and c.hear_at == c.now + 60
        c.advance(60_000)
        assert c.hear(FLOOR + 80) == 0
        c.discipline(FLOOR + 80, 0, 1000, RTC)
        assert c.source == RTC and c.now == FLOOR + 80 and c.hear_at == c.now + 60, "it is read again"
        assert FLOOR + 70 <= c.earliest <= c.now


def test_a_clock_behind_what_is_certain_does_not_overrule_a_partner():
    c = Clock()
    c.set_floor(FLOOR)
    for _ in range(72):
        c.advance(3_600_000)
    now = c.now
    c.discipline(now + 1000, 0, 2000, PARTNER)
    for minute in range(1, 2000):  # it lags by a day, and in a day it passes the floor
        c.advance(60_000)
        assert c.hear(now - 86400 + 60 * minute) == -1 and c.trusted and c.source == PARTNER, minute
