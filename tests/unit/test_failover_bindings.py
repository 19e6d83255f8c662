"""Binding updates: ISC's tables in full, duels, what an accepted update leaves behind, what ours says (reference section 5)."""

import captures
from leases import check, lease, make, plain
from twinlease.clock import FOREVER
from twinlease.failover import bindings as b
from twinlease.failover import wire as w
from twinlease.failover.writer import Binding, Writer
from twinlease.lease import table as t
from twinlease.lease.row import DUE, HELD, SENT
from twinlease.lease.table import ABANDONED, ACTIVE, BACKUP, EXPIRED, FREE, RELEASED, RESET

NOW = 210_000_000
ALL = (FREE, ACTIVE, EXPIRED, RELEASED, ABANDONED, RESET, BACKUP)


def table(n=4):
    return make(((10, 53, 0, 100), n, 0))


def read(octets):
    m = w.Message()
    assert m.read(bytearray(octets), 0, len(octets)) == 0
    return m


def bndupd(status, client=None, row=0, **more):
    """A BNDUPD of the partner, read; times as given, chaddr and client-id from the client."""
    binding = Binding()
    binding.address[:] = bytes((10, 53, 0, 100 + row))
    binding.status = status
    if client:
        binding.id_n = len(client.id)
        binding.id[: binding.id_n] = client.id
        binding.chaddr_n = 1 + len(client.hw)
        binding.chaddr[: binding.chaddr_n] = bytes((client.htype,)) + client.hw
    for name in more:
        setattr(binding, name, more[name])
    out = Writer(600)
    assert out.bndupd(NOW, binding)
    return read(out.buf[: out.end])


def row_in(state, ends=NOW - 100, cltt=NOW - 500, client=1):
    """A table whose row 0 is in this state."""
    tab = table()
    lease(tab, 0, plain(client), ends, cltt)
    if state != ACTIVE:
        tab.set_state(0, state)
    return tab


def judged(tab, message, primary=True, normal=True, sent=False, skew=0):
    return b.judge(tab, 0, message, NOW, skew, primary, normal, sent)


def update(status, ends=NOW - 100, potential=NOW, client=1):
    return bndupd(
        status,
        None if status == ABANDONED else plain(client),
        lease_expiration=ends,
        potential_expiration=potential,
        start=NOW - 500,
    )


# Checks in their order


def test_what_an_update_must_hold_and_in_which_order_it_is_looked_for():
    tab = row_in(FREE)
    bare = bytearray(w.HEADER)
    bare[1], bare[2], bare[3] = w.HEADER, w.BNDUPD, w.HEADER
    assert b.reason_of(judged(tab, read(bare))) == (3, b"binding update lacks required options")
    lacks = b.judge(tab, -1, read(bare), NOW, 0, True, True, False)
    assert b.reason_of(lacks)[0] == 3
    assert b.judge(tab, -1, update(FREE), NOW, 0, True, True, False) == b.UNKNOWN_ADDRESS
    assert b.reason_of(b.UNKNOWN_ADDRESS) == (1, b"unknown IP address")
    assert b.reason_of(b.OTHER_RELATIONSHIP)[0] == 1
    for status, client, want in (
        (ABANDONED, True, (6, b"BNDUPD to ABANDONED with a CHADDR")),
        (ACTIVE, False, (3, b"BNDUPD without CHADDR")),
        (EXPIRED, False, (3, b"BNDUPD without CHADDR")),
        (RELEASED, False, (3, b"BNDUPD without CHADDR")),
        (FREE, False, (0, b"")),
        (BACKUP, False, (0, b"")),
        (RESET, False, (0, b"")),
    ):
        assert b.reason_of(judged(tab, bndupd(status, plain(1) if client else None))) == want
    only_id = bndupd(ABANDONED, id_n=3)
    assert b.reason_of(judged(tab, only_id)) == (6, b"BNDUPD to ABANDONED with client-id")


def test_a_lease_of_nobody_is_refused():
    """A hardware type alone tells no client; after a restart such a lease was an abandoned address (found by fuzzing)."""
    for status in (ACTIVE, EXPIRED, RELEASED):
        typed = bndupd(status, chaddr_n=1, lease_expiration=NOW + 300)
        assert b.reason_of(judged(row_in(FREE), typed)) == (3, b"BNDUPD without CHADDR")
        named = bndupd(status, chaddr_n=1, id_n=3, lease_expiration=NOW + 300)
        assert not judged(row_in(FREE), named), "its identifier is enough"


def test_a_hardware_address_of_21_octets_is_the_longest():
    for n, want in ((21, 0), (22, 6)):
        octets = bytearray(Writer(100).buf)
        m = bndupd(ACTIVE, plain(1))
        octets = bytearray(m.buf) + bytes(40)
        m = w.Message()
        body = b"\x00\x02\x00\x04\x0a\x35\x00\x64\x00\x03\x00\x01\x02\x00\x05\x00" + bytes((n,)) + bytes(n)
        octets = b"\x00" + bytes((12 + len(body), 3, 12)) + bytes(8) + body
        assert b.reason_of(judged(row_in(FREE), read(octets)))[0] == want


def test_a_binding_status_that_does_not_exist_is_refused_in_every_state():
    for own in ALL:
        for status in (0, 8, 9, 127, 255):
            for normal in (True, False):
                assert b.reason_of(judged(row_in(own), bndupd(status, plain(1)), True, normal))[0] == 6


def test_flags_that_our_own_list_does_not_know():
    for primary, own in ((True, FREE), (False, BACKUP)):
        for flag, bit, reason in ((1, t.RESERVED, 19), (2, t.BOOTP, 6)):
            m = bndupd(own, plain(1), ip_flags=flag, potential_expiration=NOW)
            tab = row_in(own)
            assert b.reason_of(judged(tab, m, primary))[0] == reason
            assert judged(tab, m, not primary) == 0
            tab.set_flags(0, bit)
            assert judged(tab, m, primary) == 0
            # An address that somebody holds is not kept on the list of free ones for that.
            assert judged(row_in(own), bndupd(ACTIVE, plain(1), ip_flags=flag), primary) == 0


# Transitions

COLUMNS = ALL
A = "AAAAAAA"


def transitions(rows, primary, normal, ends, potential):
    for own, want in rows:
        for i in range(7):
            got = judged(row_in(own, ends), update(COLUMNS[i], ends, potential), primary, normal)
            assert (got == 0) == (want[i] == "A"), (own, COLUMNS[i], primary, normal, got)
            assert got in (0, b.TRANSITION)


def test_transitions_in_normal_of_a_lease_that_has_ended():
    others = [(FREE, A), (ABANDONED, A), (BACKUP, A), (RELEASED, A)]
    for primary in (True, False):
        transitions(others, primary, True, NOW - 100, NOW)
        transitions(others, primary, True, NOW - 100, NOW + 900)
        transitions([(EXPIRED, A), (RESET, A)], primary, True, NOW - 100, NOW)
        transitions([(EXPIRED, "XAAAAAX"), (RESET, "XAAAAAX")], primary, True, NOW - 100, NOW + 900)
    #                       F A E R A R B
    transitions([(ACTIVE, "XAXAAXX")], True, True, NOW - 100, NOW)
    transitions([(ACTIVE, "AAAAAAA")], False, True, NOW - 100, NOW)
    transitions([(ACTIVE, "XAAAAAX")], False, True, NOW - 100, NOW + 900)


def test_transitions_outside_normal_of_a_lease_that_has_ended():
    for primary in (True, False):
        transitions([(own, A) for own in ALL if own != ACTIVE], primary, False, NOW - 100, NOW)
        transitions([(own, A) for own in ALL if own != ACTIVE], primary, False, NOW - 100, NOW + 900)
        transitions([(ACTIVE, "XAAAAAX")], primary, False, NOW - 100, NOW)


def test_a_lease_that_runs_is_never_ended_by_the_partners_clock_or_lists():
    for primary in (True, False):
        for normal in (True, False):
            for ends in (NOW + 3, NOW + 60, NOW + 900, FOREVER):
                for potential in (NOW, NOW + 900):
                    tab = row_in(ACTIVE, ends)
                    for status in (FREE, EXPIRED, BACKUP):
                        for theirs in (ends, NOW - 1):
                            assert judged(tab, update(status, theirs, potential), primary, normal) == b.TRANSITION
    # The clocks are read in whole seconds: the same lease may seem to run for two more.
    assert judged(row_in(ACTIVE, NOW + 2), update(EXPIRED, NOW + 1), False) == 0
    # Another lease may not.
    assert judged(row_in(ACTIVE, NOW + 2), update(EXPIRED, NOW - 9), False) == b.TRANSITION


def test_a_release_ends_the_lease_that_was_released_and_no_later_one():
    for primary in (True, False):
        for normal in (True, False):
            tab = row_in(ACTIVE, NOW + 900, NOW - 50)
            assert judged(tab, update(RELEASED, NOW - 10), primary, normal) == 0
            assert judged(tab, update(RELEASED, NOW - 50), primary, normal) == 0
            assert judged(tab, update(RELEASED, NOW - 51), primary, normal) == b.TRANSITION
            assert judged(tab, update(RELEASED, NOW - 10, client=2), primary, normal) == b.TRANSITION
            # By a clock that is read in whole seconds it seems to be older than the renewal that the partner knows of.
            known = bndupd(RELEASED, plain(1), lease_expiration=NOW - 52, potential_expiration=NOW, cltt=NOW - 50)
            assert judged(tab, known, primary, normal) == 0
            assert judged(tab, update(ABANDONED), primary, normal) == 0
            tab.set_tstp(0, NOW + 900)
            for sent in (False, not primary):
                assert judged(tab, update(ABANDONED), primary, normal, sent) == b.TRANSITION, "it did not know of ours"
            assert judged(row_in(ACTIVE, NOW - 1), update(ABANDONED), primary, normal) == 0


def test_active_over_active_is_accepted_unless_it_is_an_older_word():
    def says(cltt, ends, client=1):
        return bndupd(ACTIVE, plain(client), cltt=cltt, start=cltt, lease_expiration=ends)

    tab = row_in(ACTIVE, NOW + 300, NOW - 10)
    tab.set_tstp(0, NOW + 400)
    tab.set_tsfp(0, NOW + 400)
    tab.set_flags(0, t.ACKED)
    assert judged(tab, says(NOW - 5, NOW + 100)) == 0
    assert judged(tab, says(NOW - 5, NOW + 100, client=2)) == 0
    assert judged(tab, says(-1, NOW + 100)) == 0
    # ISC sends our lease back with a cltt of its own.
    assert judged(tab, says(NOW - 5000, NOW + 300)) == 0
    assert judged(tab, says(NOW - 11, NOW + 100)) == b.LESS_CRITICAL
    # What we owe the partner counts by the client's last word alone.
    tab.clear_flags(0, t.ACKED)
    assert judged(tab, says(NOW - 13, NOW + 900)) == b.LESS_CRITICAL
    # Both have answered the client in the same second: who promised more insists, primary or not, in a duel or not.
    for primary in (True, False):
        for sent in (True, False):
            assert judged(tab, says(NOW - 10, NOW + 100), primary, True, sent) == b.LESS_CRITICAL
            want = 0 if not (primary and sent) else b.LESS_CRITICAL
            assert judged(tab, says(NOW - 10, NOW + 300), primary, True, sent) == want
            assert judged(tab, says(NOW - 10, NOW + 100, client=2), primary, True, sent) == want


def test_a_client_that_both_have_answered_at_once_keeps_the_longer_promise():
    for off in range(-2, 3):
        for more in (-2, 2):
            tab = row_in(ACTIVE, NOW + 300, NOW - 10)
            m = bndupd(
                ACTIVE, plain(1), cltt=NOW - 10 + off, lease_expiration=NOW + 300 + more, potential_expiration=NOW + 400
            )
            assert judged(tab, m, False, True, True) == 0
            b.take(tab, 0, m, 0)
            assert (tab.ends(0), tab.cltt(0)) == (NOW + 300 + max(more, 0), NOW - 10 + max(off, 0))
        tab = row_in(ACTIVE, NOW + 300, NOW - 10)
        shorter = bndupd(ACTIVE, plain(1), cltt=NOW - 10 + off, lease_expiration=NOW, potential_expiration=NOW + 300)
        for primary in (True, False):  # found by the simulator, seed 603397: the primary had no time, and gave MCLT
            for sent in (True, False):
                assert judged(tab, shorter, primary, True, sent) == b.LESS_CRITICAL
    tab = row_in(ACTIVE, NOW + 300, NOW - 10)
    b.take(tab, 0, bndupd(ACTIVE, plain(1), cltt=NOW - 5, lease_expiration=NOW + 100), 0)
    assert tab.ends(0) == NOW + 100, "seen again since, and promised less"
    b.take(tab, 0, bndupd(ACTIVE, plain(2), cltt=NOW - 5, lease_expiration=NOW + 50), 0)
    assert tab.ends(0) == NOW + 50, "another client's"


def test_a_guess_of_when_a_client_was_seen_counts_less_than_what_is_known():
    """A lease of before this run, by a clock that nobody has told the time since: `since`."""

    def says(cltt, ends, client=1):
        return bndupd(ACTIVE, plain(client), cltt=cltt, start=cltt, lease_expiration=ends)

    def old(message, since):
        primary = b.judge(tab, 0, message, NOW, 0, True, True, False, since)
        assert b.judge(tab, 0, message, NOW, 0, False, True, False, since) == primary
        assert b.judge(tab, 0, message, NOW, 0, False, True, True, since) == primary, "a duel"
        return primary == b.LESS_CRITICAL

    tab = row_in(ACTIVE, NOW + 300, NOW - 10)
    tab.set_tstp(0, NOW + 900)
    for since, theirs in ((NOW - 5, NOW - 90), (NOW - 5, NOW - 1), (0, 0)):
        assert old(says(theirs, NOW + 100), since), "the same client's: the longer"
        assert not old(says(theirs, NOW + 300), since)
    assert not old(says(NOW - 90, NOW + 100, client=2), NOW - 5) and old(says(0, NOW + 900, client=2), 0)
    for primary in (True, False):  # nobody knows
        want = b.LESS_CRITICAL if primary else 0
        assert b.judge(tab, 0, says(0, NOW + 900, client=2), NOW, 0, primary, True, True, NOW - 5) == want
    for since, want in ((NOW - 11, NOW - 10), (NOW - 10, 0)):
        binding = Binding()
        b.fill(binding, tab, 0, 0, since)
        assert binding.cltt == binding.start == want
    b.take(tab, 0, says(0, NOW + 900), 0)
    assert (tab.cltt(0), tab.ends(0)) == (NOW - 10, NOW + 900)
    b.take(tab, 0, says(0, NOW + 100, client=2), 0)
    assert (tab.cltt(0), tab.ends(0)) == (0, NOW + 100)
    b.fill(binding, tab, 0, 0, 0)
    assert binding.cltt == 0, "nobody knows, which is told: without it the partner would believe all"


# Duels


def test_duels():
    for primary in (True, False):
        for own in ALL:
            for status in ALL:
                tab = row_in(own, NOW - 5, NOW - 50)
                m = bndupd(status, None if status == ABANDONED else plain(1), cltt=NOW - 50, potential_expiration=NOW)
                if own == ACTIVE:
                    wins = not primary or status == EXPIRED
                else:
                    wins = status == ACTIVE or not primary
                got = judged(tab, m, primary, True, True)
                assert (got == b.LESS_CRITICAL) == (not wins), (own, status, primary)
                if wins:
                    assert got == judged(tab, m, primary, True, False)
    assert b.reason_of(b.LESS_CRITICAL) == (16, b"incoming update is less critical than outgoing update")


def test_of_two_active_the_later_client_contact_wins():
    for primary in (True, False):
        tab = row_in(ACTIVE, NOW - 5, NOW - 50)
        # Two clocks cannot tell two seconds: each would call itself later, and refuse the other for ever.
        at_once = [(NOW - 50 + off, not primary) for off in range(-2, 3)]
        for cltt, wins in at_once + [(NOW - 47, True), (NOW - 53, False), (-1, False)]:
            m = bndupd(ACTIVE, plain(2), cltt=cltt, lease_expiration=NOW + 9)
            assert (judged(tab, m, primary, False, True) == 0) == wins
        # By one clock: the partner's is ten seconds ahead.
        assert judged(tab, bndupd(ACTIVE, plain(2), cltt=NOW - 43), primary, False, True, 10) == b.LESS_CRITICAL


def test_an_expired_that_wins_its_duel_may_still_be_refused():
    assert judged(row_in(ACTIVE, NOW + 50), update(EXPIRED), False, True, True) == b.TRANSITION


# This server's own address


def test_the_servers_own_address_stays_its_own():
    tab = table()
    tab.set_state(0, RESET)
    for status in ALL:
        m = update(status)
        for normal in (True, False):
            assert b.reason_of(judged(tab, m, False, normal))[0] == 2
    binding = Binding()
    b.fill(binding, tab, 0, 0)
    assert (binding.status, binding.lease_expiration, binding.chaddr_n) == (ABANDONED, FOREVER, 0)
    assert not b.acked(tab, 0)
    assert tab.state(0) == RESET


# Taken


def test_an_accepted_lease_is_stored_by_our_clock():
    tab = table()
    tab.set_flags(0, DUE | SENT | HELD | t.PROVISIONAL | t.RESERVED)
    tab.offer(0, 77, NOW + 60)
    m = bndupd(
        ACTIVE,
        plain(5),
        lease_expiration=NOW + 300,
        potential_expiration=NOW + 450,
        start=NOW,
        cltt=NOW,
        ip_flags=2,
    )
    b.take(tab, 0, m, 40)
    assert (tab.state(0), tab.rewind(0)) == (ACTIVE, ACTIVE)
    assert (tab.ends(0), tab.cltt(0), tab.tstp(0), tab.tsfp(0)) == (NOW + 260, NOW - 40, NOW + 410, NOW + 410)
    assert tab.flags(0) & ~(t.ID_IS_HW | t.STALE) == t.ACKED | t.USED | t.BOOTP
    assert tab.is_client(0, plain(5).who())
    check(tab)


def test_infinite_leases_stay_infinite_and_no_time_stays_none():
    tab = table()
    b.take(tab, 0, bndupd(ACTIVE, plain(5), lease_expiration=FOREVER, potential_expiration=0, start=0), 4000)
    assert (tab.ends(0), tab.tstp(0), tab.tsfp(0), tab.cltt(0)) == (FOREVER, 0, 0, 0)
    b.take(tab, 0, bndupd(ACTIVE, plain(6), lease_expiration=5, start=5), 4000)
    assert (tab.ends(0), tab.cltt(0)) == (1, 1)


def test_what_ends_a_lease_makes_it_free_and_not_pending():
    for status in (EXPIRED, RELEASED, RESET):
        tab = row_in(ACTIVE, NOW - 1)
        tab.set_flags(0, DUE | SENT | HELD)
        b.take(tab, 0, update(status, NOW - 1, NOW + 600), 0)
        assert (tab.state(0), tab.rewind(0)) == (FREE, FREE)
        assert (tab.tsfp(0), tab.tstp(0)) == (NOW + 600, NOW - 1)
        assert tab.flags(0) & (DUE | SENT | HELD | t.ACKED) == t.ACKED
        assert tab.is_client(0, plain(1).who())
        binding = Binding()
        b.fill(binding, tab, 0, 0)
        assert binding.potential_expiration <= NOW
        check(tab)


def test_a_free_address_of_a_board_that_was_replaced_stays_held():
    for status, held in ((FREE, True), (BACKUP, True), (ACTIVE, False), (EXPIRED, False), (ABANDONED, False)):
        tab = table()
        tab.set_flags(0, HELD)
        b.take(tab, 0, update(status), 0)
        assert bool(tab.flags(0) & HELD) == held


def test_client_data_that_is_absent_is_kept_on_free_addresses_and_else_erased():
    only_hw = plain(1)
    only_hw.id = b""
    for status in ALL:
        tab = row_in(FREE)
        b.take(tab, 0, bndupd(status, only_hw if status != ABANDONED else None), 0)
        assert tab.has_id(0) == (status in (FREE, BACKUP, RESET)), status
        assert (tab.get_hw(0, bytearray(20), 0) == 6) == (status != ABANDONED)
    for status in (FREE, BACKUP, RESET):
        tab = row_in(FREE)
        b.take(tab, 0, bndupd(status), 0)
        assert tab.is_client(0, plain(1).who())


def test_times_that_are_absent_stay():
    tab = row_in(ACTIVE, NOW + 50, NOW - 20)
    tab.set_tstp(0, NOW + 90)
    tab.set_tsfp(0, NOW + 70)
    b.take(tab, 0, bndupd(ACTIVE, plain(1)), 0)
    assert (tab.ends(0), tab.cltt(0), tab.tsfp(0), tab.tstp(0)) == (NOW + 50, NOW - 20, NOW + 70, NOW + 70)


def test_a_never_used_address_stays_never_used_when_it_changes_lists():
    tab = table()
    b.take(tab, 0, bndupd(BACKUP, lease_expiration=0, potential_expiration=NOW, start=NOW), 0)
    assert tab.state(0) == BACKUP and not tab.flags(0) & t.USED
    assert (tab.ends(0), tab.cltt(0)) == (0, 0)


def test_a_lease_without_room_for_its_identifier_is_still_a_lease():
    tab = make(((10, 53, 0, 100), 2, 0), cells_per_row=0)
    client = plain(3)
    client.id = b"\x00" + b"q" * 20
    b.take(tab, 0, bndupd(ACTIVE, client, lease_expiration=NOW + 9), 0)
    out = bytearray(20)
    assert tab.state(0) == ACTIVE and tab.get_hw(0, out, 0) == 6 and bytes(out[:6]) == client.hw


# There and back


def test_names_and_relay_data_travel_between_our_boards():
    tab, there = table(), table()
    lease(tab, 0, plain(1), NOW + 60, NOW)
    tab.put_item(0, t.ITEM_HOST_NAME, b"printer", 0, 7)
    tab.put_item(0, t.ITEM_AGENT_INFO, b"\x01\x03abc", 0, 5)
    b.take(there, 0, sent(tab, 0), 0)
    assert there.item_is(0, t.ITEM_HOST_NAME, b"printer", 0, 7)
    assert there.item_is(0, t.ITEM_VENDOR_CLASS, b"", 0, 0)
    assert there.item_is(0, t.ITEM_AGENT_INFO, b"\x01\x03abc", 0, 5)


def sent(tab, row, shift=0):
    binding, out = Binding(), Writer(600)
    b.fill(binding, tab, row, shift)
    assert out.bndupd(NOW, binding)
    return read(out.buf[: out.end])


def test_every_lease_comes_back_as_it_was_also_by_another_clock():
    hw_only = plain(7)
    hw_only.id = b""
    long_hw = plain(8)
    long_hw.hw = bytes(range(16))
    for client in (plain(1), hw_only, long_hw):
        for skew in (0, 30, -30):
            tab, there = table(), table()
            assert tab.set_client(0, client.who())
            tab.set_times(0, NOW + 60, NOW)
            tab.set_tstp(0, NOW + 90)
            tab.set_state(0, ACTIVE)
            b.take(there, 0, sent(tab, 0, skew), skew)
            assert there.is_client(0, client.who())
            assert (there.ends(0), there.cltt(0), there.tsfp(0)) == (NOW + 60, NOW, NOW + 90)


def test_an_identifier_that_is_kept_as_a_digest_is_not_sent_as_one():
    tab = table()
    client = plain(1)
    client.id = b"\xff" * 40
    lease(tab, 0, client, NOW + 60, NOW)
    binding = Binding()
    b.fill(binding, tab, 0, 0)
    assert binding.id_n == 0 and binding.chaddr_n == 7


def test_an_abandoned_address_is_told_without_its_client():
    tab = row_in(ABANDONED, NOW + 86400, NOW)
    binding = Binding()
    b.fill(binding, tab, 0, 0)
    assert (binding.id_n, binding.chaddr_n, binding.cltt) == (0, 0, -1)
    assert (binding.status, binding.lease_expiration) == (ABANDONED, NOW + 86400)


def test_every_update_of_the_captures_is_taken_and_told_again():
    seen = 0
    for name in captures.NAMES:
        for _, octets in captures.streams(name):
            tab = make(((10, 53, 0, 90), 60, 0))
            stream, at, found = w.Stream(), 0, []
            while at < len(octets):
                at += stream.feed(octets, len(octets), at)
                while stream.next() == w.MESSAGE:
                    found.append(bytes(stream.buf[stream.at : stream.at + stream.size]))
            for message in found:
                if message[2] == w.BNDUPD:
                    seen += 1
                    replay(tab, read(message))
            check(tab)
    assert seen > 100


def replay(tab, m):
    row = tab.row_of(m.buf, m.where[w.ASSIGNED_IP_ADDRESS])
    assert row >= 0
    now, status = m.sent_at, m.octet(w.BINDING_STATUS)
    assert b.judge(tab, row, m, now, 0, False, False, False) == 0 or (tab.state(row) == ACTIVE and status != ACTIVE)
    b.take(tab, row, m, 0)
    want, got = Binding(), Binding()
    assert want.take(m)
    b.fill(got, tab, row, 0)
    if status in (EXPIRED, RELEASED):
        assert got.status == FREE
        assert got.potential_expiration <= now
    else:
        assert got.status == status
        assert got.potential_expiration == want.potential_expiration
    assert bytes(got.address) == bytes(want.address)
    assert bytes(got.id[: got.id_n]) == bytes(want.id[: want.id_n])
    assert bytes(got.chaddr[: got.chaddr_n]) == bytes(want.chaddr[: want.chaddr_n])
    assert got.lease_expiration == want.lease_expiration and got.ip_flags == want.ip_flags
    if status == ACTIVE:
        assert (got.start, got.cltt) == (want.start, max(want.cltt, want.start))


def test_our_own_update_that_was_accepted():
    for state in ALL:
        tab = row_in(state, NOW - 1)
        tab.set_tstp(0, NOW + 30)
        tab.set_flags(0, SENT)
        freed = b.acked(tab, 0)
        assert freed == (state in (EXPIRED, RELEASED, RESET))
        assert tab.state(0) == (FREE if freed else state)
        assert tab.tsfp(0) == NOW + 30 and tab.flags(0) & (SENT | t.ACKED) == t.ACKED
        assert tab.tstp(0) == (NOW - 1 if freed else NOW + 30)
        check(tab)
