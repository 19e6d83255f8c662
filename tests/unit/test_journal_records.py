"""The journal on flash that does nothing wrong: what goes in comes out, in few octets, and the ring goes round."""

from leases import Client, Dice, Nor, check, lease, mac, make, plain, queue, small
from twinlease.clock import FOREVER
from twinlease.lease import record
from twinlease.lease.journal import META_CLOCK, Journal
from twinlease.lease.row import NONE
from twinlease.lease.table import (
    ABANDONED,
    ACTIVE,
    BACKUP,
    EXPIRED,
    FREE,
    ITEM_AGENT_INFO,
    ITEM_HOST_NAME,
    ITEM_VENDOR_CLASS,
    OFFERED,
    RELEASED,
    STALE,
)

OUT = bytearray(300)


def board(flash, table):
    journal = Journal(flash, table)
    return journal, journal.recover()


def same(a, b):
    """Two tables hold the same leases (queues and cells may be arranged otherwise)."""
    assert a.rows == b.rows
    other = bytearray(300)
    for row in range(a.rows):
        for f in ("state", "rewind", "lasting_flags", "ends", "cltt", "tstp", "tsfp"):
            assert getattr(a, f)(row) == getattr(b, f)(row), (row, f)
        for f in ("get_id", "get_hw"):
            n = getattr(a, f)(row, OUT, 0)
            assert getattr(b, f)(row, other, 0) == n and OUT[:n] == other[:n], (row, f)
        n = a.items(row, OUT, 0)
        assert b.items(row, other, 0) == n and OUT[:n] == other[:n], (row, "items")


def again(flash, table):
    """Reboot; returns the new table, after comparing it with the old one."""
    fresh = small(table.rows, table.n_cells // table.rows)
    journal, found = board(flash.reboot(), fresh)
    same(table, fresh)
    check(fresh)
    return fresh, journal, found


def test_blank_flash_is_formatted_and_told():
    table = small()
    journal, found = board(Nor(16), table)
    assert found.formatted == "blank" and found.rows == 0 and found.records == 0 and found.floor == 0
    assert journal.free_blocks >= 4
    check(table)


def test_foreign_flash_is_formatted_and_told():
    flash = Nor(16, content=Dice(1).octets(16 * 4096))
    assert board(flash, small())[1].formatted == "foreign"
    assert board(flash.reboot(), small())[1].formatted == ""


def test_nothing_is_there_before_sync_and_everything_after():
    flash = Nor(16)
    table = small()
    journal, _ = board(flash, table)
    lease(table, 3, plain(3), 5000, 1000)
    programs = flash.programs
    journal.put_row(3)
    assert flash.programs == programs
    journal.sync()
    assert flash.programs == programs + 1
    _, _, found = again(flash, table)
    assert found.rows == 1 and found.records == 1 and found.floor == 1000


def test_all_fields_and_items_survive():
    flash = Nor(64)
    table = small(40, cells_per_row=8)
    journal, _ = board(flash, table)
    dice = Dice(4)
    for row in range(40):
        hw = dice.octets(1 + row % 16)
        id = (None, b"\x01" + hw, dice.octets(2 + row % 31), dice.octets(33 + row * 3))[row % 4]
        lease(table, row, Client(id, hw), (5000 + row, FOREVER)[row % 7 == 0], 1000 + row)
        for kind in (ITEM_HOST_NAME, ITEM_VENDOR_CLASS, ITEM_AGENT_INFO)[: row % 4]:
            table.put_item(row, kind, dice.octets(70), 0, 1 + dice.below(70))
        table.set_state(row, 1 + row % 7)
        table.set_rewind(row, row % 8)
        table.set_tstp(row, row % 3 * 1000)
        table.set_tsfp(row, row % 2 * FOREVER)
        journal.put_row(row)
    journal.sync()
    _, _, found = again(flash, table)
    assert found.rows == 40 and found.short == 0 and found.floor == 1039


def test_offers_and_probes_are_not_remembered():
    flash = Nor(16)
    table = small()
    journal, _ = board(flash, table)
    lease(table, 3, plain(3), 5000, 1000)
    table.set_state(3, FREE)
    table.set_flags(3, 0x300)
    table.offer(3, 5, 1100)
    journal.put_row(3)
    journal.sync()
    fresh, _, _ = again(flash, table)
    assert fresh.flags(3) & (OFFERED | 0x300 | STALE) == 0


def test_a_renewal_is_24_octets_and_a_change_of_client_or_item_a_full_record():
    flash = Nor(16)
    table = small()
    journal, _ = board(flash, table)
    lease(table, 3, plain(3), 5000, 1000)
    table.put_item(3, ITEM_HOST_NAME, b"workstation", 0, 11)
    sizes = []

    def put():
        before = journal.programmed
        journal.put_row(3)
        journal.sync()
        sizes.append(journal.programmed - before)

    put()
    table.set_times(3, 6000, 2000)
    put()
    table.set_state(3, RELEASED)
    put()
    table.put_item(3, ITEM_HOST_NAME, b"laptop", 0, 6)
    put()
    table.set_tstp(3, 9000)  # the full record has no room for it yet
    put()
    table.set_times(3, 7000, 3000)
    put()
    table.clear_client(3)
    put()
    assert sizes == [48, 24, 24, 40, 48, 32, 32], sizes
    again(flash, table)


def test_many_rows_go_out_in_one_program_for_each_block():
    flash = Nor(16)
    table = small(100)
    journal, _ = board(flash, table)
    for row in range(50):
        lease(table, row, plain(row), 5000, 1000)
        journal.put_row(row)
    programs = flash.programs
    syncs = flash.syncs
    journal.sync()
    assert flash.programs == programs + 1 and flash.syncs == syncs + 1
    journal.sync()
    assert flash.programs == programs + 1 and flash.syncs == syncs + 1


def test_values_survive_many_turns_of_the_ring():
    flash = Nor(10, block_size=1024)
    table = small(8)
    journal, _ = board(flash, table)
    journal.put_meta(3, b"failover state")
    journal.put_meta(15, b"")
    for i in range(3000):
        journal.put_meta(5, b"%064d" % i)
        journal.sync()
    assert min(flash.block_erases) > 10
    assert journal.get_meta(3) == b"failover state" and journal.get_meta(4) is None
    _, journal, _ = again(flash, table)
    assert journal.get_meta(3) == b"failover state"
    assert journal.get_meta(5) == b"%064d" % 2999
    assert journal.get_meta(15) == b"" and journal.get_meta(0) is None


def test_a_value_that_has_not_changed_is_not_written():
    flash = Nor(16)
    journal, _ = board(flash, small())
    journal.put_meta(1, b"same")
    journal.sync()
    before = journal.programmed
    journal.put_meta(1, b"same")
    journal.sync()
    assert journal.programmed == before


def test_values_too_long_and_keys_too_large_are_refused():
    journal, _ = board(Nor(16), small())
    for key, n in ((16, 1), (-1, 1), (0, 65)):
        try:
            journal.put_meta(key, bytes(n))
            raise AssertionError("taken: %d %d" % (key, n))
        except ValueError:
            pass


def test_the_clock_floor_is_the_latest_second_of_any_record():
    flash = Nor(16)
    table = small()
    journal, _ = board(flash, table)
    lease(table, 1, plain(1), 900_000, 70_000)
    journal.put_row(1)
    journal.sync()
    assert again(flash, table)[2].floor == 70_000
    journal.put_meta(META_CLOCK, (80_000).to_bytes(4, "big"))
    journal.sync()
    assert again(flash, table)[2].floor == 80_000
    assert Journal(flash.reboot(), small(), clock_floor=90_000).recover().floor == 90_000


def workload(table, journal, dice, n, tend):
    now = 100_000
    for _ in range(n):
        now += 1
        row = dice.below(table.rows)
        way = dice.below(10)
        if way == 0 or table.state(row) == FREE:
            lease(table, row, plain(dice.below(500)), now + 3600, now)
        elif way == 1:
            table.set_state(row, (RELEASED, EXPIRED, ABANDONED, BACKUP, FREE)[dice.below(5)])
        elif way == 2:
            table.put_item(row, ITEM_HOST_NAME, dice.octets(20), 0, 1 + dice.below(20))
        else:
            table.set_times(row, now + 3600, now)
        journal.put_row(row)
        if dice.below(3):
            journal.sync()
        for _ in range(tend):
            journal.tend()
    journal.sync()


def test_the_ring_goes_round_with_and_without_being_tended():
    for unit in (1, 256):
        for tend in (0, 1, 3):
            flash = Nor(12, program_unit=unit, block_size=1024)
            table = small(30, cells_per_row=2)
            journal, _ = board(flash, table)
            workload(table, journal, Dice(tend + 1), 1500, tend)
            # Each is erased about as often as any other; `erases` of a 12-block ring in order.
            assert max(flash.block_erases) - min(flash.block_erases) <= 2
            assert min(flash.block_erases) > 1
            fresh, journal, _ = again(flash, table)
            workload(fresh, journal, Dice(99), 300, tend)
            again(journal._ring.region, fresh)


def test_tended_often_enough_no_sync_waits_for_an_erase():
    flash = Nor(20)
    table = small(150)
    journal, _ = board(flash, table)
    for i in range(6000):
        row = i * 7 % 150
        if i < 150:
            lease(table, row, plain(row), 5000, 1000)
        table.set_times(row, 5000 + i, 1000 + i)
        erases = journal.erases
        journal.put_row(row)
        journal.sync()
        assert journal.erases == erases
        journal.tend()
    assert journal.erases > 20


def test_a_step_of_tending_is_bounded():
    flash = Nor(20)
    table = small(150)
    journal, _ = board(flash, table)
    dice = Dice(2)
    for i in range(5000):
        row = i % 150
        if i < 150:
            lease(table, row, plain(row), 5000, 1000)
        table.set_times(row, 5000 + i, 1000 + i)
        journal.put_row(row)
        journal.sync()
        if dice.below(2):
            programmed, erases = journal.programmed, journal.erases
            more = journal.tend(4)
            assert journal.erases - erases <= 1
            assert journal.programmed - programmed <= 4096
            assert more or journal.free_blocks >= 4


def test_a_removed_range_is_passed_over_and_gone_after_some_time():
    flash = Nor(12)
    table = make(((10, 0, 0, 0), 20, 0), ((10, 0, 1, 0), 20, 0))
    journal, _ = board(flash, table)
    for row in range(40):
        lease(table, row, plain(row), 5000, 1000 + row)
        journal.put_row(row)
    journal.sync()
    less = make(((10, 0, 1, 0), 20, 0))
    journal, found = board(flash.reboot(), less)
    assert found.unknown == 20 and found.rows == 20
    assert less.first_by_hw(plain(25).who()) == 5
    check(less)
    # The same leases under other row numbers.
    more = make(((9, 0, 0, 0), 7, 0), ((10, 0, 0, 0), 20, 0), ((10, 0, 1, 0), 20, 0))
    assert board(flash.reboot(), more)[1].rows == 40
    assert more.first_by_hw(plain(25).who()) == 32


def test_a_region_too_small_is_refused_with_the_number_that_fits():
    for blocks in (1, 4, 7, 8, 16, 32):
        try:
            Journal(Nor(blocks), small(4000))
            raise AssertionError("taken: %d" % blocks)
        except ValueError as e:
            words = str(e).split()
            fits = int(words[words.index("hold") + 1].rstrip(";"))
            assert "%d KiB" % (blocks * 4) in str(e)
            if blocks >= 8:
                Journal(Nor(blocks), small(fits))
            else:
                assert fits == 0


def test_a_thousand_leases_fit_160_kib_and_four_thousand_512():
    Journal(Nor(40), small(1000))
    Journal(Nor(128), small(4000))
    journal, _ = board(Nor(130), small(10))
    assert journal._ring.blocks == 128  # what lies past 512 KiB is left alone


def test_a_full_table_of_long_items_still_goes_round():
    """The bound that the size check uses is one that holds: every cell in use, partner times everywhere."""
    flash = Nor(16)
    table = small(300)
    while True:
        try:
            journal = Journal(flash, table)
            break
        except ValueError:
            table = small(table.rows - 5)
    journal.recover()
    dice = Dice(8)
    for row in range(table.rows):
        id = dice.octets(3 + dice.below(28))
        if not table.set_client(row, Client(id, mac(row)).who()):
            table.set_client(row, plain(row).who())
        table.set_tstp(row, 77)
        table.set_state(row, ACTIVE)
        journal.put_row(row)
        journal.sync()
    for i in range(8000):
        row = dice.below(table.rows)
        table.set_times(row, 2000 + i, 1000 + i)
        journal.put_row(row)
        journal.sync()
    assert min(flash.block_erases) >= 2
    again(flash, table)


def test_recovery_puts_free_rows_in_order_and_finds_what_is_due():
    flash = Nor(16)
    table = small(10)
    journal, _ = board(flash, table)
    for row, ends in ((2, 300), (4, 100), (6, 200)):
        lease(table, row, plain(row), ends, 50)
        table.set_state(row, FREE)
        journal.put_row(row)
    lease(table, 8, plain(8), 150, 50)
    journal.put_row(8)
    journal.sync()
    fresh = small(10)
    board(flash.reboot(), fresh)
    assert queue(fresh, 0, FREE) == [0, 1, 3, 5, 7, 9, 4, 6, 2]
    got = -1
    while got < 0:
        got = fresh.due(500)
    assert got == 8


def test_longest_record_fits_its_buffer():
    table = small(4, cells_per_row=40)
    lease(table, 0, Client(bytes(range(1, 33)), bytes(range(16))), FOREVER, FOREVER)
    for kind in (ITEM_HOST_NAME, ITEM_VENDOR_CLASS, ITEM_AGENT_INFO):
        assert table.put_item(0, kind, bytes(63), 0, 63)
    table.set_tstp(0, 5)
    flash = Nor(16)
    journal, _ = board(flash, table)
    lease(table, 0, Client(bytes(range(1, 33)), bytes(range(16))), FOREVER, FOREVER)
    n = record.put_full(table, 0, bytearray(400))
    assert n <= record.LONGEST
    journal.put_row(0)
    assert table.position(0) != NONE
    journal.sync()
    again(flash, table)


def test_what_is_held_outlives_a_power_cut_and_what_is_owed_to_the_partner_does_not():
    table = small()
    flash = Nor(16)
    journal, _ = board(flash, table)
    table.set_flags(3, 2048 | 4096 | 8192 | 16384 | 32)  # DUE, HELD, SENT, UNSAVED, ACKED
    journal.put_row(3)
    journal.sync()
    fresh, _, _ = again(flash, table)
    assert fresh.flags(3) & 0x7820 == 4096 | 32
    assert fresh.next_flagged(0, 4096) == 3 and fresh.next_flagged(4, 4096) == -1
