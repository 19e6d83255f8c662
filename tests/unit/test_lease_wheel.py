"""The timer wheel and the queues: nothing due is ever missed, whatever time does."""

from leases import Dice, check, check_lists, lease, make, plain, queue, small
from twinlease.clock import FOREVER
from twinlease.lease import restore
from twinlease.lease.table import ABANDONED, ACTIVE, EXPIRED, FREE, RELEASED, USED


def expire(table, now):
    """All rows that are due now, in the order told; counts calls too."""
    rows = []
    calls = 0
    while True:
        calls += 1
        assert calls < 20000, "due() never ends"
        row = table.due(now)
        if row >= 0:
            rows.append(row)
            table.set_state(row, EXPIRED)
        elif not table.more_due:
            return rows, calls


def test_a_lease_is_due_in_the_second_after_its_end():
    for start in (0, 5, 16, 255, 4095, 4096, 199_999_999):
        table = small()
        lease(table, 3, plain(3), start + 100, start)
        assert expire(table, start + 99)[0] == []
        assert expire(table, start + 100)[0] == []
        assert expire(table, start + 101)[0] == [3]
        assert expire(table, start + 102)[0] == []


def test_every_second_of_a_rotation_and_beyond():
    table = small(300)
    for row in range(300):
        lease(table, row, plain(row), 1000 + row * 37, 900)
    for now in range(990, 1000 + 300 * 37 + 2):
        for row in expire(table, now)[0]:
            assert 1000 + row * 37 == now - 1
    assert table.count(0, EXPIRED) == 300
    check(table)


def test_a_renewal_that_moves_the_end_later_is_lazy_and_one_that_moves_it_earlier_is_not():
    table = small()
    lease(table, 1, plain(1), 2000, 900)
    slot = table.buf[44 + 3]
    table.set_times(1, 9000, 1000)
    assert table.buf[44 + 3] == slot
    table.set_times(1, 1500, 1000)
    assert table.buf[44 + 3] != slot
    assert expire(table, 1501)[0] == [1]


def test_infinite_leases_are_parked_and_can_come_back():
    table = small()
    lease(table, 1, plain(1), FOREVER, 900)
    lease(table, 2, plain(2), 1500, 900)
    table.set_times(2, FOREVER + 5, 900)
    assert table.ends(2) == FOREVER
    assert expire(table, FOREVER - 2)[0] == []
    table.set_times(1, 2000, 900)
    check_lists(table)
    assert expire(table, FOREVER - 1)[0] == [1]
    table.set_state(2, FREE)
    check_lists(table)


def test_jumps_of_hours_days_and_years_skip_nothing():
    for jump in (3600, 4096, 4097, 16383, 16385, 86400 * 7, 400_000_000):
        table = small(50)
        for row in range(50):
            lease(table, row, plain(row), 1_000_000 + row * 997, 1_000_000)
        expire(table, 1_000_010)
        now = 1_000_010 + jump
        want = [row for row in range(1, 50) if 1_000_000 + row * 997 < now]
        assert sorted(expire(table, now)[0]) == want, jump
        check(table)


def test_time_that_goes_back_loses_nothing_either():
    table = small(50)
    expire(table, 50_000_000)
    for row in range(50):
        lease(table, row, plain(row), 50_000_000 + row * 100, 50_000_000)
    assert expire(table, 1000)[0] == []
    for row in range(25):
        table.set_times(row, 1000 + row * 100, 1000)
    got = []
    for now in range(1000, 4000):
        got += expire(table, now)[0]
    assert got == list(range(25))
    assert sorted(expire(table, 60_000_000)[0]) == list(range(25, 50))


def test_offers_end_by_the_time_that_they_were_made_by():
    table = small()
    table.offer(3, 77, 10_000_120)
    for _ in range(5):
        table.due(10_000_000 - 700, 10_000_001)
    assert table.offered(3, 77, 10_000_001) == 1
    for _ in range(5):
        table.due(10_000_000 - 700, 10_000_120)
    assert table.offered(3, 77, 10_000_100) == 0


def test_work_a_call_is_bounded_also_after_a_jump():
    table = small(1000)
    for row in range(1000):
        lease(table, row, plain(row), 1000, 900)  # all in one slot
    table.due(950)
    for row in range(1000):
        table.set_times(row, 900_000, 950)
    calls = expire(table, 100_000)[1]
    assert calls >= 1000 // 64  # it did give up and come back
    assert calls < 200


def test_a_due_row_left_alone_comes_again():
    table = small()
    lease(table, 1, plain(1), 1000, 900)
    assert table.due(1500) == 1 or table.due(1500) == 1
    seen = 0
    for now in range(1501, 1600):
        seen += table.due(now) == 1
    assert seen > 5


def test_a_deferred_row_keeps_its_end_and_comes_again_after_half_a_minute():
    for start in (1000, 4096 * 50 - 20, 200_000_000):
        table = small()
        lease(table, 1, plain(1), start, 900)
        lease(table, 2, plain(2), start + 40, 900)
        at = {1: [], 2: []}
        for now in range(start, start + 400):
            row = table.due(now)
            while row >= 0 or table.more_due:
                if row >= 0:
                    at[row].append(now)
                    table.defer(row)
                row = table.due(now)
        check_lists(table)
        for row, end in ((1, start), (2, start + 40)):
            assert at[row][0] == end + 1 and table.ends(row) == end
            gaps = [at[row][i + 1] - at[row][i] for i in range(len(at[row]) - 1)]
            assert len(gaps) > 5 and min(gaps) >= 32 and max(gaps) <= 64, gaps


def test_a_deferred_row_may_be_renewed_freed_and_jumped_over():
    table = small()
    for row in range(6):
        lease(table, row, plain(row), 1000, 900)
    while True:
        row = table.due(1001)
        if row >= 0:
            table.defer(row)
        elif not table.more_due:
            break
    table.set_times(0, 5000, 1001)
    table.set_times(1, 1010, 1001)
    table.set_state(2, FREE)
    table.set_times(3, FOREVER, 1001)
    table.defer(3)
    check_lists(table)
    assert sorted(expire(table, 1002 + 48)[0]) == [1, 4, 5]
    assert expire(table, 4999)[0] == []
    assert expire(table, 500_000_000)[0] == [0]
    check_lists(table)


def test_many_deferred_rows_are_handed_out_a_few_times_only_when_time_jumps():
    table = small(100)
    for row in range(100):
        lease(table, row, plain(row), 1000 + 30 * row, 900)
    handed = 0
    for now in (100_000, 100_001, 100_002):
        row = table.due(now)
        while row >= 0 or table.more_due:
            if row >= 0:
                handed += 1
                table.defer(row)
            row = table.due(now)
    assert 100 <= handed <= 200


def test_random_times_and_random_jumps():
    for seed in range(1, 15):
        dice = Dice(seed)
        table = small(60)
        now = dice.below(500_000_000)
        ends = {}
        for _ in range(300):
            row = dice.below(60)
            t = max(now + dice.below(9000) - 500, 0)
            lease(table, row, plain(row), t, now)
            ends[row] = t
            if dice.below(3) == 0:
                now += (1, 1, 2, 17, 300, 4000, 70_000, -30, -9000)[dice.below(9)]
                now = max(now, 0)
                got = sorted(expire(table, now)[0])
                got = sorted(got + expire(table, now + 1)[0])
                now += 1
                assert got == sorted([r for r in ends if ends[r] < now]), seed
                for r in got:
                    del ends[r]
        check(table)


def test_abandoned_rows_come_due_pool_by_pool():
    table = make(((10, 0, 0, 0), 4, 0), ((10, 1, 0, 0), 4, 1), ((10, 2, 0, 0), 4, 2))
    for row in (1, 5, 9):
        table.set_times(row, 1000 + row, 900)
        table.set_state(row, ABANDONED)
    assert expire(table, 1001)[0] == []
    assert sorted(expire(table, 1007)[0]) == [1, 5]
    assert expire(table, 1100)[0] == [9]


def test_an_abandoned_row_does_not_wait_for_the_one_abandoned_before_it():
    table = small(1000)
    for row, ends in ((0, FOREVER), (1, 9000), (999, 1000), (2, 2000)):
        table.set_times(row, ends, 900)
        table.set_state(row, ABANDONED)
    got = []
    for now in range(1001, 1010):
        got += expire(table, now)[0]
    assert got == [999]
    for now in range(2001, 2010):
        got += expire(table, now)[0]
    assert got == [999, 2]


def test_queues_are_rebuilt_never_used_first_then_oldest_first():
    table = make(((10, 0, 0, 0), 40, 0), ((10, 1, 0, 0), 7, 1))
    dice = Dice(3)
    for row in range(0, 40, 2):
        table.set_times(row, 1000 + dice.below(1000), 0)
        table.set_flags(row, USED)
    for row in (3, 5, 7):
        table.set_times(row, 3000 - row, 0)
        table.set_state(row, RELEASED)
        table.set_flags(row, USED)
    lease(table, 9, plain(9), 5000, 0)
    restore.finish(table)
    check(table)
    rows = queue(table, 0, FREE)
    fresh = [r for r in range(40) if r % 2 and r not in (3, 5, 7, 9)]
    assert rows[: len(fresh)] == fresh
    rest = rows[len(fresh) :]
    assert [table.ends(r) for r in rest] == sorted([table.ends(r) for r in range(0, 40, 2)])
    assert queue(table, 0, RELEASED) == [7, 5, 3]
    assert queue(table, 1, FREE) == list(range(40, 47))
    assert table.state(9) == ACTIVE and expire(table, 5001)[0] == [9]


def test_sorting_is_right_for_every_length_and_keeps_equal_ones_in_order():
    dice = Dice(9)
    for n in list(range(1, 40)) + [127, 128, 129, 1000]:
        table = small(n)
        for row in range(n):
            table.set_times(row, dice.below(20), 0)
            table.set_flags(row, USED)
        restore.finish(table)
        assert queue(table, 0, FREE) == [k & 0xFFFF for k in sorted([table.ends(r) << 16 | r for r in range(n)])]
        check_lists(table)
