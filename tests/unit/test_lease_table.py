"""The lease table: addresses, clients, items, offers, and a random walk against a naive model."""

import sys

import micropython
from leases import Client, Dice, check, lease, mac, make, plain, queue, small
from twinlease import move
from twinlease.clock import FOREVER
from twinlease.lease.identity import Identity
from twinlease.lease.table import (
    ABANDONED,
    ACTIVE,
    BACKUP,
    EXPIRED,
    FREE,
    ID_DIGEST,
    ID_IS_HW,
    ITEM_AGENT_INFO,
    ITEM_HOST_NAME,
    ITEM_VENDOR_CLASS,
    OFFERED,
    PROVISIONAL,
    RELEASED,
    RESET,
    STALE,
    USED,
)

OUT = bytearray(300)


def item(table, row, kind):
    n = table.get_item(row, kind, OUT, 5)
    return bytes(OUT[5 : 5 + n])


def test_addresses_and_rows_are_one_to_one_over_all_ranges():
    spec = (((10, 0, 0, 250), 20, 0), ((128, 255, 255, 200), 100, 1), ((255, 255, 255, 0), 255, 1))
    table = make(*spec)
    assert table.rows == 375
    address = bytearray(8)
    row = 0
    for first, count, pool in spec:
        for i in range(count):
            table.put_address(row, address, 3)
            want = int.from_bytes(bytes(first), "big") + i
            assert int.from_bytes(bytes(address[3:7]), "big") == want
            assert table.row_of(address, 3) == row
            assert table.pool_of(row) == pool
            row += 1


def test_addresses_beside_the_ranges_have_no_row():
    table = make(((10, 0, 0, 10), 5, 0), ((10, 0, 0, 20), 5, 0), ((200, 0, 0, 1), 1, 0))
    for a in (
        (10, 0, 0, 9),
        (10, 0, 0, 15),
        (10, 0, 0, 19),
        (10, 0, 0, 25),
        (10, 0, 1, 12),
        (9, 255, 255, 255),
        (0,) * 4,
        (255,) * 4,
        (200, 0, 0, 2),
    ):
        assert table.row_of(bytes(a), 0) == -1, a


def test_a_table_without_ranges_answers_that_it_has_nothing():
    from twinlease.lease.table import Table

    table = Table([], [])
    assert table.rows == 0
    assert table.row_of(b"\x0a\x00\x00\x01", 0) == -1
    assert table.first_by_hw(plain(1).who()) == -1
    assert table.due(1000) == -1


def test_too_many_addresses_are_refused_with_a_sentence():
    try:
        make(((10, 0, 0, 0), 65535, 0))
        raise AssertionError("65535 rows were taken")
    except ValueError as e:
        assert "65535" in str(e) and "smaller" in str(e)


def test_new_rows_are_free_in_order_of_address():
    table = make(((10, 0, 0, 10), 5, 0), ((10, 0, 1, 10), 5, 1))
    assert queue(table, 0, FREE) == [0, 1, 2, 3, 4]
    assert queue(table, 1, FREE) == [5, 6, 7, 8, 9]
    assert table.count(0, FREE) == 5
    assert table.first(0, BACKUP) == -1
    check(table)


def test_client_with_an_identifier_made_of_its_hardware_takes_no_cell():
    table = small()
    free = table.free_cells
    a = plain(7)
    assert table.set_client(3, a.who())
    assert table.free_cells == free
    assert table.flags(3) & ID_IS_HW
    assert table.first_by_id(a.who()) == 3
    assert table.get_id(3, OUT, 1) == 7 and OUT[1:8] == a.id
    assert table.get_hw(3, OUT, 1) == 6 and OUT[1:7] == a.hw
    assert not table.is_client(3, Client(None, mac(7)).who())


def test_identities_of_all_lengths_are_found_by_identifier_and_by_hardware():
    for hlen in (0, 1, 5, 6, 7, 8, 12, 15, 16):
        for n in (0, 2, 3, 7, 9, 11, 12, 13, 14, 26, 27, 31, 32, 33, 64, 254, 255):
            if not hlen and not n:
                continue
            table = small(4, cells_per_row=4)
            a = Client(bytes([i * 7 + n & 0xFF for i in range(n)]), bytes(range(1, hlen + 1)), 6)
            b = Client(bytes([i * 7 + n + 1 & 0xFF for i in range(n)]), bytes(range(2, hlen + 2)), 6)
            for row, client in ((2, a), (1, b)):
                assert not table.is_client(row, client.who())
                assert table.set_client(row, client.who())
                assert table.is_client(row, client.who())
                assert table.has_id(row) == (n > 0)
                assert (table.flags(row) & ID_DIGEST > 0) == (n > 32)
                assert table.first_by_id(client.who()) == (row if n else -1)
                assert table.first_by_hw(client.who()) == (row if hlen else -1)
                assert table.get_hw(row, OUT, 0) == hlen and OUT[:hlen] == client.hw
                got = table.get_id(row, OUT, 0)
                assert got == (16 if n > 32 else n)
                assert n > 32 or OUT[:got] == client.id
            check(table)
            table.clear_client(2)
            assert table.first_by_id(a.who()) == -1 and table.first_by_hw(a.who()) == -1
            assert table.get_hw(2, OUT, 0) == 0 and table.get_id(2, OUT, 0) == 0
            check(table)


def test_identifier_made_of_a_long_hardware_address_is_not_stored_twice():
    table = small(4)
    for hlen in (6, 7, 10, 16):
        hw = bytes(range(40, 40 + hlen))
        a = Client(b"\x20" + hw, hw, 32)
        assert table.set_client(1, a.who())
        assert table.flags(1) & ID_IS_HW
        assert table.first_by_id(a.who()) == 1
        for i in range(hlen + 1):  # one octet wrong, at any place
            wrong = bytearray(a.id)
            wrong[i] ^= 1
            assert not table.is_client(1, Client(bytes(wrong), hw, 32).who())
        check(table)


def test_a_client_can_have_several_rows():
    table = small()
    a = plain(1)
    for row in (4, 9, 2):
        assert table.set_client(row, a.who())
    who = a.who()
    found = [table.first_by_id(who)]
    while found[-1] >= 0:
        found.append(table.next_by_id(found[-1], who))
    assert sorted(found[:-1]) == [2, 4, 9]
    found = [table.first_by_hw(who)]
    while found[-1] >= 0:
        found.append(table.next_by_hw(found[-1], who))
    assert sorted(found[:-1]) == [2, 4, 9]


def test_another_client_drops_the_items_and_the_same_keeps_them():
    table = small()
    table.set_client(5, plain(1).who())
    assert table.put_item(5, ITEM_HOST_NAME, b"__alpha", 2, 5)
    table.clear_flags(5, STALE)
    assert table.set_client(5, plain(1).who())
    assert item(table, 5, ITEM_HOST_NAME) == b"alpha"
    assert not table.flags(5) & STALE
    assert table.put_item(5, ITEM_HOST_NAME, b"alpha", 0, 5)
    assert not table.flags(5) & STALE
    assert table.item_is(5, ITEM_HOST_NAME, b"alpha", 0, 5) and not table.item_is(5, ITEM_HOST_NAME, b"alphb", 0, 5)
    assert table.set_client(5, plain(2).who())
    assert item(table, 5, ITEM_HOST_NAME) == b""
    assert table.flags(5) & STALE
    check(table)


def test_items_change_grow_shrink_and_go_without_touching_each_other():
    table = small(4, cells_per_row=20)
    table.set_client(0, Client(b"identifier", bytes(range(16)), 1).who())
    dice = Dice(5)
    have = {}
    for _ in range(300):
        kind = (ITEM_HOST_NAME, ITEM_VENDOR_CLASS, ITEM_AGENT_INFO)[dice.below(3)]
        value = dice.octets(dice.below(80))
        assert table.put_item(0, kind, value, 0, len(value))
        have[kind] = value[:63]
        for k in have:
            assert item(table, 0, k) == have[k]
            assert table.item_is(0, k, have[k], 0, len(have[k]))
        assert table.get_id(0, OUT, 0) == 10 and OUT[:10] == b"identifier"
        check(table)


def test_identifiers_come_first_when_cells_are_short():
    table = small(16)
    long = b"x" * 40
    kept = 0
    for row in range(16):
        table.set_client(row, plain(row).who())
        kept += table.put_item(row, ITEM_HOST_NAME, long, 0, 40)
    assert 0 < kept < 16 and table.items_refused == 16 - kept
    assert table.free_cells >= 2  # an eighth stays free
    for row in range(16):
        client = Client(b"ident-%02d" % row, mac(row))
        assert table.set_client(row, client.who()), row
        assert table.first_by_id(client.who()) == row
    assert table.items_dropped + table.items_refused > 0
    check(table)


def test_without_any_cell_the_client_is_refused_and_the_row_unchanged():
    table = small(4, cells_per_row=0.5)
    assert table.set_client(0, Client(b"1234567890123456", mac(0)).who())
    before = bytes(table.buf)
    assert not table.set_client(1, Client(b"abcdefghijklmnop", mac(1)).who())
    assert bytes(table.buf) == before
    assert table.set_client(1, plain(1).who())
    check(table)


def test_offer_is_for_one_client_until_it_ends():
    table = small()
    h = plain(1).who().hash
    other = plain(2).who().hash
    assert table.offered(3, h, 1000) == 0
    table.offer(3, h, 1120)
    assert table.flags(3) & OFFERED
    assert queue(table, 0, FREE)[-1] == 3
    assert table.offered(3, h, 1000) == 1
    assert table.offered(3, other, 1000) == 2
    assert table.offered(3, other, 1119) == 2
    assert table.offered(3, other, 1120) == 0
    assert not table.flags(3) & OFFERED


def test_old_offers_do_not_come_back_when_sixteen_bits_have_come_round():
    table = small(40)
    h = plain(1).who().hash
    now = 65536 * 3 - 60
    table.offer(3, h, now + 120)
    assert table.offered(3, h, now + 119) == 1  # over the wrap
    for s in range(300):
        table.due(now + s)
    assert not table.flags(3) & OFFERED


def test_state_changes_keep_rewind_and_end_offers():
    table = small()
    table.set_rewind(2, EXPIRED)
    table.offer(2, 77, 500)
    table.set_state(2, RESET)
    assert table.rewind(2) == EXPIRED and table.state(2) == RESET
    assert not table.flags(2) & OFFERED
    table.set_state(2, FREE)
    assert queue(table, 0, FREE)[-1] == 2 and table.rewind(2) == EXPIRED


def test_partner_times_make_the_full_record_stale_once():
    table = small()
    table.set_tstp(1, 700)
    assert table.flags(1) & STALE and table.tstp(1) == 700
    table.clear_flags(1, STALE)
    table.set_tsfp(1, 800)
    assert not table.flags(1) & STALE and table.tsfp(1) == 800


def test_provisional_leases_move_by_the_step_and_forever_stays():
    table = small(200)
    for row in range(0, 200, 3):
        lease(table, row, plain(row), 100 + row, 50)
        table.set_flags(row, PROVISIONAL)
    lease(table, 1, plain(1), 100, 50)
    lease(table, 3, plain(3), FOREVER, 50)
    assert list(move.shifted(table, 1_000_000)) == list(range(0, 200, 3))
    assert table.ends(6) == 1_000_106 and table.cltt(6) == 1_000_050
    assert table.ends(3) == FOREVER and table.ends(1) == 100
    assert not table.flags(6) & PROVISIONAL
    check(table)


def test_shift_back_never_gives_a_negative_time():
    table = small(3)
    lease(table, 0, plain(0), 100, 50)
    table.set_flags(0, PROVISIONAL)
    assert list(move.shifted(table, -80)) == [0]
    assert table.ends(0) == 20 and table.cltt(0) == 0
    check(table)


class Model:
    """The table as a dict of dicts: slow and obvious."""

    def __init__(self, table):
        self.rows = [{"state": FREE, "client": None, "ends": 0, "cltt": 0, "items": {}} for _ in range(table.rows)]
        self.queues = {}
        for row in range(table.rows):
            self.queues.setdefault((table.pool_of(row), FREE), []).append(row)

    def move(self, table, row, state):
        old = self.rows[row]["state"]
        pool = table.pool_of(row)
        if old != ACTIVE:
            self.queues[(pool, old)].remove(row)
        self.rows[row]["state"] = state
        if state != ACTIVE:
            self.queues.setdefault((pool, state), []).append(row)


def clients_of(dice, n):
    made = []
    for i in range(n):
        hlen = (6, 6, 6, 6, 1, 8, 16, 20)[dice.below(8)]
        hw = bytes((2, i & 3)) + dice.octets(18)
        way = dice.below(6)
        hw = hw[: min(hlen, 16)]
        if way < 2:
            made.append(Client(None, hw))
        elif way < 4:
            made.append(Client(b"\x01" + hw, hw))
        else:
            made.append(Client(dice.octets(2 + dice.below(40)), hw))
    return made


def random_step(dice, table, model, clients, now):
    row = dice.below(table.rows)
    m = model.rows[row]
    way = dice.below(12)
    if way < 3:
        client = clients[dice.below(len(clients))]
        if table.set_client(row, client.who()):
            if m["client"] is None or m["client"].key() != client.key() or m["client"].hw != client.hw:
                m["items"] = {}
            m["client"] = client
    elif way == 3:
        table.clear_client(row)
        m["client"] = None
        m["items"] = {}
    elif way < 6:
        kind = ITEM_HOST_NAME + dice.below(3)
        value = dice.octets(dice.below(30))
        if table.put_item(row, kind, value, 0, len(value)):
            m["items"][kind] = value
        else:
            m["items"].pop(kind, None)
    elif way < 9:
        ends = now + (dice.below(200) - 40, dice.below(20000), FOREVER)[dice.below(3)]
        table.set_times(row, ends, now)
        m["ends"], m["cltt"] = min(ends, FOREVER), now
    elif way < 11:
        state = 1 + dice.below(7)
        if dice.below(2):
            state = ACTIVE
        table.set_state(row, state)
        model.move(table, row, state)
    else:
        table.touch(row)
        model.move(table, row, m["state"])


def random_due(table, model, now):
    """Expire what is due; what the table returns must be due, and after a quiet second nothing due may be left."""
    for _ in range(10000):
        row = table.due(now)
        if row >= 0:
            m = model.rows[row]
            assert m["state"] in (ACTIVE, ABANDONED) and m["ends"] < now
            to = EXPIRED if m["state"] == ACTIVE else FREE
            table.set_state(row, to)
            model.move(table, row, to)
        elif not table.more_due:
            return
    raise AssertionError("due() never ends")


def compare(table, model, clients):
    for row in range(table.rows):
        m = model.rows[row]
        assert table.state(row) == m["state"] and table.ends(row) == m["ends"] and table.cltt(row) == m["cltt"]
        for kind in range(ITEM_HOST_NAME, ITEM_AGENT_INFO + 1):
            got = item(table, row, kind)
            # Items may be dropped for another row's identifier, but never become something else.
            assert got == m["items"].get(kind, b"")[:63] or (got == b"" and table.items_dropped)
    for key in model.queues:
        assert queue(table, key[0], key[1]) == model.queues[key]
    for client in clients:
        who = client.who()
        want = [
            r for r in range(table.rows) if model.rows[r]["client"] and model.rows[r]["client"].key() == client.key()
        ]
        for row in range(table.rows):
            assert table.is_client(row, who) == (row in want)
        if client.id:
            found = []
            row = table.first_by_id(who)
            while row >= 0:
                found.append(row)
                row = table.next_by_id(row, who)
            assert sorted(found) == want
        found = []
        row = table.first_by_hw(who)
        while row >= 0:
            found.append(row)
            row = table.next_by_hw(row, who)
        assert sorted(found) == [
            r for r in range(table.rows) if model.rows[r]["client"] and model.rows[r]["client"].hw == client.hw
        ]


def test_random_walk_agrees_with_the_naive_model():
    for seed in range(1, 9):
        dice = Dice(seed)
        table = make(((10, 0, 0, 10), 17, 0), ((10, 0, 3, 250), 13, 1), cells_per_row=(1, 2, 0.6)[seed % 3])
        model = Model(table)
        clients = clients_of(dice, 25)
        now = 0 if seed % 2 else 90_000_000
        for step in range(1500):
            random_step(dice, table, model, clients, now)
            if dice.below(10) == 0:
                now += (1, 3, 40, 5000, 200_000)[dice.below(5)]
                random_due(table, model, now)
                if dice.below(4) == 0:
                    now += 1
                    random_due(table, model, now)
                    for m in model.rows:
                        assert m["state"] != ACTIVE or m["ends"] >= now, "seed %d step %d" % (seed, step)
            if step % 100 == 0:
                check(table)
                compare(table, model, clients)
        check(table)
        compare(table, model, clients)


def test_everything_on_the_packet_path_passes_under_heap_lock():
    if sys.implementation.name != "micropython":
        return
    table = make(((10, 0, 0, 10), 30, 0), ((192, 168, 0, 10), 30, 1), cells_per_row=2)
    # Made before the lock: buffers, and every argument.
    buf = bytearray(64)
    a, b = bytearray(b"\x01" + mac(1)), bytearray(b"another identifier of a client")
    long, who = bytearray(16), Identity()
    name = bytearray(b"host-name")
    packet_path(table, buf, who, a, b, long, name)
    micropython.heap_lock()
    try:
        packet_path(table, buf, who, a, b, long, name)
    finally:
        micropython.heap_unlock()
    check(table)


def packet_path(table, buf, who, a, b, long, name):
    table.put_address(3, buf, 0)
    row = table.row_of(buf, 0)
    table.pool_of(row)
    table.set_flags(row, USED)
    table.clear_flags(row, PROVISIONAL)
    who.set_hardware(1, a, 1, 6)
    who.set_identifier(a, 0, 7)
    h = who.hash
    table.offer(row, h, 1100)
    table.offered(row, h, 1000)
    table.set_client(row, who)
    table.set_client(row, who)
    table.put_item(row, 3, name, 0, 9)
    table.put_item(row, 3, name, 0, 9)
    table.put_item(row, 3, name, 0, 5)
    table.item_is(row, 3, name, 0, 5)
    table.set_times(row, 5000, 1000)
    table.set_state(row, ACTIVE)
    table.set_times(row, 6000, 1000)
    table.set_times(row, 1010, 1000)
    table.set_tstp(row, 7000)
    table.set_tsfp(row, 7000)
    table.set_rewind(row, FREE)
    table.next_by_id(table.first_by_id(who), who)
    table.next_by_hw(table.first_by_hw(who), who)
    table.is_client(row, who)
    table.get_item(row, 3, buf, 0)
    table.get_id(row, buf, 0)
    table.get_hw(row, buf, 0)
    who.set_hardware(32, long, 0, 16)
    who.set_identifier(b, 0, 30)
    table.set_client(4, who)
    table.is_client(4, who)
    table.first_by_id(who)
    table.touch(5)
    table.after(table.first(0, FREE))
    table.count(1, FREE)
    for now in range(1000, 1100):
        due = table.due(now)
        if due >= 0:
            table.set_state(due, RELEASED)
    table.due(900_000)
    table.due(100)
    table.clear_client(row)
    table.set_state(row, FREE)


def test_about_64_octets_a_lease_all_told():
    table = small(1000)
    assert table.octets <= 66 * 1000
    assert small(4000).octets <= 65 * 4000
