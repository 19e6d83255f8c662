"""The update queue: flow control, UPDDONE, what is sent again; two tables with random faults end equal (reference 5.7 to 6.1)."""

import leases
from failover_queues import NOW, cut, facts, pair, settle
from leases import Dice, check
from twinlease.failover import pools
from twinlease.failover import wire as w
from twinlease.failover.writer import Writer
from twinlease.lease.row import ABANDONED, ACKED, ACTIVE, BACKUP, DUE, EXPIRED, FREE, RELEASED, RESET, SENT


def upddones(side):
    return len([m for m in side.waiting if m[2] == w.UPDDONE])


def test_never_more_than_max_unacked_are_out_and_all_arrive():
    for window in (1, 3, 10, 100):
        a, b = pair(window=window)
        for row in range(20):
            a.grant(row, row, NOW)
        a.send(b)
        assert a.updates.out == len(b.waiting) == min(window, 20)
        while b.waiting:
            b.read(a)
            a.read(b)
            a.send(b)
            assert a.updates.out <= min(window, 32)
        assert a.updates.out == 0 and a.updates.due == 0
        assert facts(a) == facts(b)
        check(a.table)
        check(b.table)


def test_nothing_is_sent_without_a_window_or_room():
    a, b = pair(window=0)
    a.grant(3, 3, NOW)
    a.send(b)
    assert b.waiting == [] and a.due() == [3]
    a.updates.window = 10
    a.store.room = 0
    a.updates.send(a.writer, NOW, 0)
    assert a.writer.end == 0 and a.due() == [3]
    a.store.room = 9
    a.writer.end = len(a.writer.buf) - 300
    a.updates.send(a.writer, NOW, 0)
    assert a.due() == [3]


def test_what_the_partner_may_know_is_in_flash_before_the_update_leaves():
    a, b = pair()
    a.grant(3, 3, NOW)
    a.send(b)
    assert a.store.saved == [3] and a.table.rewind(3) == ACTIVE
    settle(a, b)
    a.grant(3, 3, NOW + 10)
    settle(a, b)
    assert a.store.saved == [3]


def test_a_row_that_changes_while_its_update_is_out_is_sent_again_and_the_old_answer_means_nothing():
    a, b = pair()
    a.grant(3, 3, NOW)
    a.send(b, NOW)
    assert a.updates.is_sent(3)
    a.grant(3, 3, NOW + 5)
    b.read(a)
    a.read(b)
    assert a.updates.out == 0 and not a.table.flags(3) & 32 and a.due() == [3]
    settle(a, b)
    assert a.table.flags(3) & 32 and a.table.tsfp(3) == a.table.tstp(3) == b.table.tsfp(3)
    assert facts(a) == facts(b)


def test_the_answer_to_an_update_that_was_sent_twice_does_not_count_for_the_newer_one():
    a, b = pair()
    a.grant(3, 3, NOW)
    a.send(b)
    a.grant(3, 3, NOW + 5)
    a.send(b)
    assert a.updates.out == 2
    b.read(a)
    a.read(b)
    assert a.updates.out == 1 and a.updates.is_sent(3) and not a.table.flags(3) & 32
    b.read(a)
    a.read(b)
    assert a.updates.out == 0 and a.table.flags(3) & (32 | SENT) == 32


def test_expired_becomes_free_when_the_partner_agrees():
    a, b = pair()
    a.grant(3, 3, NOW)
    settle(a, b)
    a.expire(3)
    settle(a, b, NOW + 400)
    assert (a.table.state(3), b.table.state(3)) == (FREE, FREE)
    a.updates.put_pending()
    assert a.due() == []


def potential(octets):
    m = w.Message()
    assert m.read(octets, 0, len(octets)) == 0
    return m.time(w.POTENTIAL_EXPIRATION_TIME)


def test_an_isc_secondary_that_may_have_given_an_address_away_keeps_it():
    """Found by the simulator beside a dhcpd, seed 29: told anew that an address is BACKUP, one in NORMAL frees it although
    its client holds it, unless the potential expiry is to come (reference section 5.4)."""
    for to_isc in (True, False):
        a, b = pair()
        a.updates.isc_since = NOW if to_isc else -1
        pools.give(a.table, 3, True, a.updates, a.store, NOW)
        a.send(b, NOW)
        assert potential(b.waiting[0]) == NOW, "for the first time: nobody else can have given it away"
        b.read(a, NOW)
        cut(a, b)
        a.store.saved = []
        a.send(b, NOW + 100)
        again = potential(b.waiting[0])
        assert (again > NOW + 110) == to_isc and (a.store.saved == [3]) == to_isc
        assert a.table.tstp(3) == again, "PARTNER-DOWN waits for what the partner may promise by that"
        settle(a, b, NOW + 100)
        assert a.table.tsfp(3) == again and not a.table.flags(3) & DUE
        a.updates.put_all(False)
        a.send(b, NOW + 900)
        assert again in [potential(octets) for octets in b.waiting], "it is acknowledged: nothing is new"


def test_an_isc_does_not_hear_that_a_lease_is_active_which_is_over():
    """Found by the simulator beside a dhcpd, seed 354: it forgets that it has renewed it since (reference section 5.4)."""
    for isc, at, status in ((True, 297, ACTIVE), (True, 303, EXPIRED), (False, 303, ACTIVE)):
        for primary in (True, False):
            a, b = pair()
            a, b = (a, b) if primary else (b, a)
            a.grant(3, 3, NOW)
            settle(a, b)
            a.grant(3, 3, NOW)
            a.updates.isc_since = NOW if isc else -1
            a.store.saved = []
            a.send(b, NOW + at)
            m = w.Message()
            assert m.read(b.waiting[0], 0, len(b.waiting[0])) == 0 and m.octet(w.BINDING_STATUS) == status
            assert a.table.state(3) == status and (3 in a.store.saved) == (status == EXPIRED)


def test_an_isc_that_may_have_seen_a_client_since_it_released_keeps_its_lease():
    """Found by the simulator beside a dhcpd, seeds 249 and 399: it frees what it has given anew, at a RELEASED of before
    the link; an EXPIRED it holds against its own lease (reference section 5.4)."""
    for since, primary, status in (
        (-1, True, RELEASED),
        (NOW - 5, True, RELEASED),
        (NOW, True, EXPIRED),
        (NOW, False, EXPIRED),
    ):
        a, b = pair()
        a, b = (a, b) if primary else (b, a)
        a.grant(3, 3, NOW - 100)
        settle(a, b)
        a.release(3, NOW - 1)
        a.updates.isc_since = since
        a.send(b, NOW)
        m = w.Message()
        assert m.read(b.waiting[0], 0, len(b.waiting[0])) == 0 and m.octet(w.BINDING_STATUS) == status
        settle(a, b, NOW)
        assert (a.table.state(3), b.table.state(3)) == (FREE, FREE)


def test_an_isc_that_may_have_leased_what_was_abandoned_before_keeps_its_lease():
    """Found by the simulator beside a dhcpd, seed 631315: it ends its own lease at an ABANDONED of before the link."""
    for since, primary, status in (
        (-1, True, ABANDONED),
        (NOW - 5, True, ABANDONED),
        (NOW, True, EXPIRED),
        (NOW, False, EXPIRED),
    ):
        for leased in (False, True):
            a, b = pair()
            a, b = (a, b) if primary else (b, a)
            if leased and status == EXPIRED:
                b.grant(3, 3, NOW - 1)
                b.table.clear_flags(3, DUE)
            a.table.set_state(3, ABANDONED)
            a.table.set_times(3, NOW + 1000, NOW - 2)
            a.updates.put(3)
            a.updates.isc_since = since
            a.send(b, NOW)
            m = w.Message()
            assert m.read(b.waiting[0], 0, len(b.waiting[0])) == 0 and m.octet(w.BINDING_STATUS) == status
            if status == EXPIRED:
                assert m.size[w.CLIENT_HARDWARE_ADDRESS] == 7 and m.time(w.LEASE_EXPIRATION_TIME) == NOW - 2
            settle(a, b, NOW)
            told = ACTIVE if leased and status == EXPIRED else ABANDONED
            assert (a.table.state(3), b.table.state(3)) == (told, told), (since, primary, leased)
            if told == ABANDONED:
                assert a.due() == [] and a.table.ends(3) == NOW + 1000


def test_a_dhcpd_that_loses_its_update_over_ours_hears_what_it_told():
    """Its ACTIVE and our BACKUP cross: it refuses ours, and does not count our acknowledgement of its own (section 5.5)."""
    for isc in (True, False):
        a, b = pair()
        a.updates.isc_since = NOW if isc else -1
        pools.give(a.table, 3, True, a.updates, a.store, NOW)
        a.send(b, NOW)
        b.grant(3, 3, NOW)
        b.send(a, NOW)
        ours, theirs, refused = w.Message(), w.Message(), w.Message()
        assert ours.read(b.waiting[0], 0, len(b.waiting[0])) == 0 == theirs.read(a.waiting[0], 0, len(a.waiting[0]))
        a.updates.bindings.take(a.table, 3, theirs, 0)
        out = Writer(200)
        at = ours.where[w.ASSIGNED_IP_ADDRESS]
        out.bndack_reject(NOW, ours.buf, w.XID, ours.buf, at, w.FATAL_CONFLICT, b"active to backup")
        octets = bytes(out.buf[: out.end])
        assert refused.read(octets, 0, len(octets)) == 0
        a.updates.on_ack(refused, NOW, 0)
        assert a.table.state(3) == ACTIVE and a.due() == ([3] if isc else [])


def test_what_was_on_its_way_when_the_link_was_cut_is_sent_again():
    for lost in range(4):
        a, b = pair(window=3)
        for row in range(5):
            a.grant(row, row, NOW)
        a.send(b)
        for _ in range(min(lost, 3)):
            b.read(a)
        if lost == 3:
            a.read(b)
        cut(a, b)
        assert a.updates.out == 0
        settle(a, b)
        assert facts(a) == facts(b) and a.due() == []


def test_upddone_at_once_if_nothing_is_due():
    a, b = pair()
    a.updates.put_pending()
    a.updates.answer(b"\x00\x00\xc0\x00\x00\x07", 2)
    a.send(b)
    assert [m[2] for m in b.waiting] == [w.UPDDONE]
    assert b.waiting[0][8:12] == b"\xc0\x00\x00\x07"


def test_upddone_follows_the_last_answer_whether_yes_or_no():
    for window in (1, 3, 10):
        a, b = pair(window=window)
        a.updates.put_all(False)
        assert a.updates.due == 20
        a.updates.answer(b"abcd", 0)
        b.table.set_state(7, RESET)  # refused: it is that server's own
        n = 0
        while b.done == 0:
            a.send(b)
            n += b.read(a) == w.BNDUPD
            while a.waiting:
                assert upddones(b) == 0
                a.read(b)
        assert n == 20
        settle(a, b)
        assert b.done == 1


def test_upddone_is_not_put_off_by_leases_that_are_granted_meanwhile():
    a, b = pair(n=60, window=3)
    a.updates.put_all(False)
    a.updates.answer(b"abcd", 0)
    n = 0
    while b.done == 0:
        for row in range(40, 60):
            a.grant(row, row, NOW + n)
        a.send(b)
        b.read(a, NOW + n)
        while a.waiting:
            a.read(b, NOW + n)
        n += 1
        assert n < 300, "starved"


def test_a_newer_request_takes_the_place_of_the_one_that_runs():
    a, b = pair(window=3)
    a.updates.put_all(False)
    a.updates.answer(b"abcd", 0)
    a.send(b)
    b.read(a)
    a.read(b)
    a.updates.put_all(False)
    a.updates.answer(b"efgh", 0)
    last = b""
    while b.done == 0:
        a.send(b)
        last = b.waiting[0]
        b.read(a)
        while a.waiting:
            a.read(b)
    assert last[8:12] == b"efgh"
    settle(a, b)
    assert b.done == 1


def test_a_request_dies_with_its_link():
    a, b = pair(window=3)
    a.updates.put_all(False)
    a.updates.answer(b"abcd", 0)
    a.send(b)
    cut(a, b)
    settle(a, b)
    assert b.done == 0 and a.due() == []


def test_what_put_pending_and_put_all_choose():
    a, b = pair()
    t = a.table
    a.grant(2, 2, NOW)
    a.grant(3, 3, NOW)
    settle(a, b)
    t.clear_flags(3, 32)  # not acknowledged
    a.grant(4, 4, NOW)
    a.expire(4)
    t.set_flags(4, 32)  # with the partner's consent still to come, whatever the times say
    t.set_tsfp(4, t.tstp(4))
    t.clear_flags(4, DUE)
    t.set_state(5, RESET)  # our own address: told once
    a.updates.put_pending()
    assert a.due() == [3, 4, 5]
    t.set_state(6, BACKUP)
    a.updates.put_all(True)
    assert a.due() == [2, 3, 4, 5, 6]
    a.updates.put_all(False)
    assert a.due() == list(range(20))
    settle(a, b)
    a.updates.put_pending()
    assert a.due() == [] and t.state(5) == RESET


def test_rejected_updates_come_again_later_and_later():
    a, b = pair()
    b.table.set_state(7, RESET)
    a.grant(7, 7, NOW)
    gaps = []
    up = last = 0
    for up in range(0, 4000, 10):
        a.updates.tick(NOW, up)
        if a.due():
            gaps.append(up - last)
            last = up
        settle(a, b, NOW, up)
        assert a.due() == []
    assert gaps[:4] == [0, 50, 100, 200]
    assert a.updates.unknown_there == 0


def test_an_address_that_the_partner_does_not_have_is_counted_and_not_repeated():
    a, _ = pair()
    _, b = pair(n=10)
    a.grant(15, 15, NOW)
    settle(a, b)
    assert a.updates.unknown_there == 1
    for up in range(0, 9000, 100):
        a.updates.tick(NOW, up)
        assert a.due() == []


def test_answers_to_nothing_we_sent_are_passed_over():
    a, b = pair()
    a.grant(3, 3, NOW)
    a.grant(4, 4, NOW)
    a.send(b)
    b.read(a)
    answer = bytearray(a.waiting.pop())
    for at in (11, 19, 16):  # xid; address; an address that is none of ours
        wrong = bytearray(answer)
        wrong[at] ^= 0x40
        a.waiting.append(bytes(wrong))
        a.read(b)
        assert a.updates.out == 2
    a.waiting.append(bytes(answer))
    a.read(b)
    a.waiting.append(bytes(answer))
    a.read(b)
    assert a.updates.out == 1


def test_all_due_rows_are_found_again_however_many():
    a, b = pair(n=600, window=7)
    for row in range(600):
        a.grant(row, row, NOW)
    settle(a, b)
    assert facts(a) == facts(b) and a.due() == []


def test_own_update_that_lost_its_duel_leaves_only_its_slot():
    a, b = pair()
    a.grant(3, 3, NOW)
    b.grant(3, 3, NOW + 3)
    a.send(b)
    b.send(a, NOW + 3)
    a.read(b, NOW + 3)
    assert not a.table.flags(3) & (SENT | DUE) and a.updates.out == 1
    settle(a, b, NOW + 3)
    assert a.updates.out == b.updates.out == 0
    assert facts(a) == facts(b) and a.table.cltt(3) == NOW + 3


def test_a_partner_that_accepts_what_has_lost_its_duel_with_us_is_told_what_is_true():
    """dhcpd accepts a BACKUP of the primary over its own ACTIVE that is on its way, and the primary accepts that."""
    for primary in (True, False):
        a, b = pair()
        a.primary, b.primary = primary, not primary
        a.updates._primary = primary
        a.table.set_state(3, BACKUP)
        a.updates.put(3)
        a.send(b)
        told = b.waiting.pop()
        b.grant(3, 3, NOW)
        b.send(a)
        a.read(b)
        assert a.table.state(3) == ACTIVE
        message = w.Message()
        message.read(told, 0, len(told))
        b.writer.clear()
        b.writer.bndack(NOW, message.buf, message.at + w.XID, message.buf, message.where[w.ASSIGNED_IP_ADDRESS])
        b.line(a)
        a.read(b)
        a.updates.tick(NOW, 50)
        assert a.due() == [3] and not a.table.flags(3) & ACKED


def test_of_two_updates_that_both_were_refused_ours_goes_again_at_once_beside_a_dhcpd():
    """A client that both have answered in one moment, a second apart by their clocks: dhcpd never says its own again."""
    for isc_since, again in ((NOW - 9, [3]), (-1, [])):
        for primary in (True, False):
            a, b = pair()
            a.primary = a.updates._primary = primary
            a.updates.isc_since = isc_since
            a.grant(3, 3, NOW)
            a.send(b)
            told = b.waiting.pop()
            message = w.Message()
            message.read(told, 0, len(told))
            b.writer.clear()
            at = message.where[w.ASSIGNED_IP_ADDRESS]
            reason = w.LESS_CRITICAL_BINDING_INFORMATION
            b.writer.bndack_reject(NOW, message.buf, message.at + w.XID, message.buf, at, reason, b"ours is better")
            b.line(a)
            a.read(b)
            assert a.due() == again, (isc_since, primary)


class Story:
    """A random life of a pair: grants, renewals, releases, expiries, cuts.  Watches what clients believe."""

    def __init__(self, seed):
        self.dice = Dice(seed)
        self.a, self.b = pair(n=12, window=1 + self.dice.below(5))
        self.now = NOW
        self.held = {}  # row: (client, until), what the client was told last
        self.next = 100
        self.linked = True
        for row in range(6, 12):
            for side in (self.a, self.b):
                side.table.set_state(row, BACKUP)
                side.table.set_rewind(row, BACKUP)

    def side(self):
        return (self.a, self.b) if self.dice.below(2) else (self.b, self.a)

    def safe(self):
        """No side lists an address as its own to give away that a client holds."""
        for row in self.held:
            client, until = self.held[row]
            for side in (self.a, self.b):
                if until >= self.now:
                    assert side.table.state(row) != side.own, (row, client, side.primary)

    def act(self):
        what = self.dice.below(10)
        side, other = self.side()
        row = self.dice.below(12)
        t = side.table
        if what < 3:
            self.grant(side, row)
        elif what == 3 and t.state(row) == ACTIVE and row in self.held and self.knows(side, row):
            side.release(row, self.now)
            del self.held[row]
        elif what == 4:
            self.expire(side)
        elif what == 5:
            self.now += 1 + self.dice.below(90)
        elif what == 6 and self.dice.below(4) == 0:
            cut(self.a, self.b)
            self.linked = not self.linked
            for s in (self.a, self.b):
                s.normal = self.linked
                s.updates.put_pending()
        elif self.linked:
            side.send(other, self.now)
            for _ in range(self.dice.below(4)):
                if side.waiting:
                    side.read(other, self.now)
        self.safe()

    def knows(self, side, row):
        client = self.held[row][0]
        out = bytearray(64)
        n = side.table.get_id(row, out, 0)
        return side.table.state(row) == ACTIVE and bytes(out[:n]) == b"\x01" + hw(client)

    def grant(self, side, row):
        t = side.table
        if t.state(row) == side.own:
            self.next += 1
            client = self.next
        elif t.state(row) == ACTIVE and row in self.held and self.knows(side, row) and self.held[row][1] >= self.now:
            client = self.held[row][0]
        else:
            return
        holder = self.held.get(row)
        assert not holder or holder[0] == client or holder[1] < self.now, "an address for two clients"
        self.held[row] = (client, side.grant(row, client, self.now))

    def expire(self, side):
        for row in range(12):
            t = side.table
            if t.state(row) == ACTIVE and t.ends(row) < self.now and (side.primary or not self.linked):
                side.expire(row)


def hw(i):
    return bytes((2, 0, 0, i >> 16 & 0xFF, i >> 8 & 0xFF, i & 0xFF))


def test_random_lives_end_with_equal_tables_and_nobody_loses_an_address():
    for seed in range(1, 60):
        print("seed", seed)
        story = Story(seed)
        for _ in range(250):
            story.act()
        a, b = story.a, story.b
        if not story.linked:
            cut(a, b)
        for side in (a, b):
            side.normal = True
            side.updates.put_pending()
        up = 0
        for _ in range(30):
            settle(a, b, story.now, up)
            story.safe()
            story.now += 100
            up += 1000
            story.expire(a)
            for side in (a, b):
                side.updates.tick(story.now, up)
        settle(a, b, story.now, up)
        assert facts(a) == facts(b)
        assert a.updates.out == b.updates.out == 0
        check(a.table)
        check(b.table)


def test_what_is_due_to_another_partner_is_left_alone():
    a, b = pair(n=10)
    a.table = leases.make(((10, 0, 0, 10), 8, 0), ((10, 0, 0, 18), 2, 1))
    a.table.set_flags(9, DUE)  # of a pool that is not ours
    a.pools[0].ranges[0].count = 8
    bindings = a.updates.bindings
    a.updates = type(a.updates)(a.conf, a.table, a.pools, a.store)
    a.updates.bindings = bindings
    a.updates.window = 3
    a.updates.put_all(False)
    assert a.updates.due == 8
    settle(a, b)
    assert a.updates.due == 0 and a.due() == [9]


def test_each_circle_meets_every_row_wherever_our_pools_stand_in_the_table():
    for first, count in ((0, 10), (20, 10), (50, 10), (30, 3)):
        a, b = pair(n=60)
        for side in (a, b):
            pool = leases.Pool(0)
            pool.network, pool.size = side.pools[0].network, count
            pool.ranges = [leases.Range((10, 0, 0, 10 + first), count, first, pool)]
            bindings = side.updates.bindings
            side.updates = type(side.updates)(side.conf, side.table, [pool], side.store)
            side.updates.bindings, side.updates.window = bindings, 3
        for _ in range(4):
            a.updates.put_all(False)
            assert a.updates.due == count
            settle(a, b)
            assert a.updates.due == 0, (first, count)


def test_the_circle_delays_no_fresh_row_and_fresh_rows_do_not_delay_the_circle():
    a, b = pair(window=1)
    a.updates.put_all(False)
    sent = []
    for i in range(8):
        if i % 2 == 0:
            a.table.clear_flags(19 - i // 2, DUE)
            a.grant(19 - i // 2, i, NOW)
        a.send(b)
        sent.append(b.waiting[-1][19])
        b.read(a)
        a.read(b)
    assert [x for x in sent if x >= 26] and [x for x in sent if x < 26], sent
