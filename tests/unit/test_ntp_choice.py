"""Several time servers: the quickest answer of each, those that agree, and what the clock does about it."""

from leases import Dice
from twinlease.ntp import choose, govern
from twinlease.ntp.source import POLL_MAX, POLL_MIN, Source, State
from twinlease.ntp.trim import RATE_MAX, Trim


def heard(offset, delay=2, dispersion=0, up=100):
    source = Source(b"\x0a\0\0\1")
    source.reach = 1
    source.root_dispersion = dispersion
    choose.add(source, offset, delay, up)
    return source


def test_of_four_answers_the_quickest_counts():
    source = heard(40, 80)
    for offset, delay in ((5, 10), (30, 60), (25, 50)):
        choose.add(source, offset, delay, 100)
    assert (source.offset, source.delay) == (5, 10)
    choose.add(source, 9, 15, 140)
    assert (source.offset, source.delay, len(source.samples)) == (5, 10, 4)
    choose.add(source, 9, 15, 160)
    assert (source.offset, source.delay) == (9, 15), "it has grown old"


def test_an_answer_that_contradicts_the_earlier_ones_ends_them():
    source = heard(0, 1)
    choose.add(source, 5000, 30, 101)
    assert (source.offset, source.samples) == (5000, [(5000, 30, 101)])


def test_one_that_lies_is_outvoted_by_two():
    for lie in (100, -3000, 10**10):
        good, other, liar = heard(3), heard(5, 8), heard(lie)
        assert choose.choose([liar, other, good], 100, -1) == [good, other], lie


def test_a_server_of_great_doubt_agrees_with_many_and_is_not_followed():
    vague, good = heard(300, 4, 700), heard(2)
    assert choose.choose([vague, good], 100, -1)[0] is good


def test_of_two_that_disagree_none_counts_before_the_first_time_is_set():
    assert choose.choose([heard(0), heard(5000)], 100, -1) == []


def test_of_two_that_disagree_the_one_counts_that_agrees_with_the_clock_that_servers_have_set():
    good = heard(4)
    assert choose.choose([heard(5000), good], 100, 20) == [good]
    assert choose.choose([heard(5000), heard(-5000)], 100, 20) == []


def test_a_server_that_is_silent_does_not_vote():
    silent, good = heard(5000), heard(0)
    silent.reach = 0
    assert choose.choose([silent, good], 100, -1) == [good] and choose.choose([silent], 100, -1) == []


def test_one_that_has_stopped_answering_still_agrees_and_is_followed_no_longer():
    gone, there = heard(0, 2), heard(1, 30)
    gone.reach = 2
    assert choose.choose([gone, there], 100, -1) == [there, gone]


def test_what_was_heard_before_a_correction_counts_from_it():
    source = heard(70)
    choose.moved([source], 70)
    assert source.offset == 0 and source.samples == [(0, 2, 100)]


def synced(up=1000):
    state = State([])
    state.synced_at = up
    return state


def test_the_first_time_is_taken_whatever_it_is():
    for offset in (0, 200, 10**11, -(10**10)):
        assert govern.decide(State([]), offset, 1, 5, False) == govern.STEP
    assert govern.decide(State([]), 100, 1, 5, True) == govern.SLEW
    assert govern.decide(State([]), -400, 1, 5, True) == govern.STEP


def test_the_first_burst_may_correct_its_first_answer_at_once():
    state = synced()
    state.began_at = 1000
    assert govern.decide(state, -47, 1, 1002, True) == govern.STEP
    assert govern.decide(state, 5, 1, 1004, True) == govern.SLEW
    assert govern.decide(state, 900, 1, 1006, True) == govern.WAIT
    assert govern.decide(state, -47, 1, 1020, True) == govern.SLEW


def test_a_small_offset_is_slewed_and_a_larger_one_stepped_when_it_lasts():
    state = synced()
    assert govern.decide(state, 127, 1, 1000, True) == govern.SLEW
    assert govern.decide(state, -900, 1, 1064, True) == govern.WAIT
    assert govern.decide(state, -905, 1, 1066, True) == govern.WAIT
    assert govern.decide(state, -905, 1, 1068, True) == govern.STEP


def test_an_offset_that_was_one_late_answer_passes():
    state = synced()
    assert govern.decide(state, 900, 1, 1064, True) == govern.WAIT
    assert govern.decide(state, 3, 1, 1066, True) == govern.SLEW
    assert govern.decide(state, 900, 1, 1070, True) == govern.WAIT, "it begins anew"


def test_a_jump_of_a_minute_takes_two_servers():
    for n, action in ((1, govern.ABSURD), (2, govern.STEP)):
        state = synced()
        assert govern.decide(state, 70_000, n, 2000, True) == govern.WAIT
        assert govern.decide(state, 70_000, n, 2010, True) == action


def test_or_a_quarter_of_an_hour():
    state = synced()
    govern.decide(state, -70_000, 1, 2000, True)
    assert govern.decide(state, -70_000, 1, 2899, True) == govern.ABSURD
    assert govern.decide(state, -70_003, 1, 2900, True) == govern.STEP
    state = synced()
    govern.decide(state, -70_000, 1, 2000, True)
    assert govern.decide(state, -75_000, 1, 2500, True) == govern.WAIT, "it does not agree with itself"
    assert govern.decide(state, -75_000, 1, 2900, True) == govern.ABSURD


def test_milliseconds_are_made_up_bit_by_bit_and_all_of_them():
    for seed in range(1, 20):
        dice = Dice(seed)
        for slew in (0, 1, 100, -100, -1):
            trim = Trim()
            trim.slew = slew
            ticks = true = 0
            while ticks < 200_000:
                ms = dice.below(1500)
                n = trim.take(ms)
                assert n >= 0 and abs(n - ms) <= ms // 512 + 1, "never faster than 0.2 %"
                ticks += ms
                true += n
            assert true - ticks == slew and trim.slew == 0, seed


def test_a_rate_makes_good_what_the_crystal_loses():
    for ppm in (-1000, -50, 3, 850):
        trim = Trim(ppm * 16)
        true = 0
        for _ in range(100_000):
            true += trim.take(1000)
        assert abs(true - 100_000_000 - ppm * 100) <= 1, ppm
    assert Trim(16).take(0x1FFFFFFF) == 0x1FFFFFFF + 536


def test_the_crystal_is_learnt_from_what_the_clock_had_to_be_corrected_by():
    """A board and a perfect server, polled as the round does it; the board's milliseconds are off by `ppm`."""
    for ppm in (-300, -20, 0, 40, 850):
        dice = Dice(ppm + 1000)
        state, trim = synced(0), Trim()
        ticks = true_us = ours = 0
        worst = 0
        for n in range(120):
            s = 1 << state.poll
            for _ in range(s):
                ours += trim.take(1000)
                true_us += 1_000_000 + ppm
            ticks += s
            offset = (true_us // 1000 - ours) - trim.slew + dice.below(3) - 1
            assert abs(offset) < 128, (ppm, offset)
            trim.slew += offset
            govern.slewed(state, trim, offset, ticks)
            if n > 40:
                worst = max(worst, abs(offset))
        assert abs(trim.rate / 16 - ppm) <= 3, (ppm, trim.rate / 16)
        assert worst <= 20 and state.poll >= POLL_MAX - 1, (ppm, worst, state.poll)


def test_a_rate_that_no_crystal_has_is_not_learnt():
    state, trim = synced(0), Trim()
    for up in range(0, 20000, 64):
        govern.slewed(state, trim, 120, up)
    assert trim.rate == RATE_MAX and state.poll == POLL_MIN


def test_a_step_says_nothing_of_the_crystal():
    state, trim = synced(0), Trim()
    trim.slew = 40
    govern.slewed(state, trim, 5, 0)
    govern.slewed(state, trim, 5, 800)
    govern.stepped(state, trim, 5000)
    govern.slewed(state, trim, 5, 1000)
    assert trim.rate == 0 and trim.slew == 0 and state.stepped_ms == 5000
