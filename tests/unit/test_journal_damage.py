"""The journal on flash that has been through something: torn ends, rotten bits, lost blocks."""

from leases import Client, Dice, Nor, check, lease, mac, plain, small
from twinlease.lease.journal import Journal
from twinlease.lease.table import ABANDONED, ACTIVE, FREE


def written(n=20, blocks=16, renewals=0):
    """Flash with n leases, one record each, and so many renewals of row 3."""
    flash = Nor(blocks)
    table = small(n)
    journal = Journal(flash, table)
    journal.recover()
    for row in range(n):
        lease(table, row, plain(row), 5000 + row, 1000)
        journal.put_row(row)
    journal.sync()
    for i in range(renewals):
        table.set_times(3, 6000 + i, 2000 + i)
        journal.put_row(3)
        journal.sync()
    return flash, table


def recovered(flash, n=20):
    table = small(n)
    journal = Journal(flash.reboot(), table)
    found = journal.recover()
    check(table)
    return table, journal, found


def test_one_rotten_bit_costs_one_record_wherever_it_is():
    flash, _ = written()
    end = 16 + 20 * 32
    for at in range(16, end):
        sick = flash.reboot()
        sick.data[at] ^= 1 << at % 8
        table, _, found = recovered(sick)
        lost = (at - 16) // 32
        assert found.rows == 19 and found.damaged + found.torn == 1, at
        for row in range(20):
            assert table.state(row) == (FREE if row == lost else ACTIVE)


def test_a_torn_end_is_counted_and_the_block_closed():
    flash, _ = written()
    end = 16 + 20 * 32
    for k in range(1, 32):
        sick = flash.reboot()
        sick.data[end : end + k] = bytes([1, 4]) + bytes(k - 2) if k > 1 else b"\x01"
        table, journal, found = recovered(sick)
        assert found.torn == 1 and found.damaged == 0 and found.rows == 20
        lease(table, 5, plain(5), 9000, 3000)
        journal.put_row(5)
        journal.sync()
        # Nothing was added to the torn block; the lease is in the next one.
        region = journal._ring.region
        assert region.data[end + k : 4096] == b"\xff" * (4096 - end - k)
        table, _, found = recovered(region)
        assert table.ends(5) == 9000 and found.torn == 1


def test_an_untouched_end_is_written_on():
    flash, _ = written()
    table, journal, _ = recovered(flash)
    lease(table, 5, plain(5), 9000, 3000)
    journal.put_row(5)
    journal.sync()
    assert journal._ring.region.data[16 + 20 * 32] != 0xFF


def test_a_block_whose_header_is_lost_is_used_again_in_its_turn():
    flash, _ = written(renewals=400)
    sick = flash.reboot()
    sick.data[3] ^= 0x40  # the header of the oldest block, with the first records of all rows
    table, journal, found = recovered(sick)
    assert found.formatted == ""
    for i in range(4000):
        lease(table, i % 20, plain(i % 20), 9000 + i, 3000 + i)
        journal.put_row(i % 20)
        journal.sync()
        journal.tend()
    assert recovered(journal._ring.region)[2].rows == 20


def test_a_renewal_whose_full_record_is_lost_keeps_its_address_from_others():
    """Somebody holds it, nobody knows who: abandoned until the lease ends, and that too survives the next boot."""
    flash, _ = written(renewals=3)
    sick = flash.reboot()
    sick.data[16 + 3 * 32 + 9] ^= 2
    table, journal, found = recovered(sick)
    assert found.orphans == 1 and table.state(3) == ABANDONED and table.ends(3) == 6002
    assert table.first_by_hw(plain(3).who()) == -1
    journal.sync()
    table, journal, found = recovered(journal._ring.region)
    assert table.state(3) == ABANDONED and table.ends(3) == 6002


def test_a_renewal_does_not_give_a_lost_lease_to_the_client_before():
    flash = Nor(16)
    table = small()
    journal = Journal(flash, table)
    journal.recover()
    lease(table, 3, plain(3), 5000, 1000)
    journal.put_row(3)
    table.set_state(3, FREE)
    journal.put_row(3)
    journal.sync()
    start = journal.programmed
    at = 16 + 32 + 24
    assert start
    lease(table, 3, plain(4), 8000, 6000)
    journal.put_row(3)
    table.set_times(3, 9000, 7000)
    journal.put_row(3)
    journal.sync()
    sick = flash.reboot()
    sick.data[at + 8] ^= 1
    fresh, _, _ = recovered(sick)
    # Client 4 holds the address until 9000; it must not be free before.
    assert fresh.state(3) == ACTIVE and fresh.ends(3) == 9000


def test_random_damage_never_raises_and_never_breaks_the_table():
    flash, _ = written(20, 8, renewals=600)
    for seed in range(1, 60):
        dice = Dice(seed)
        sick = flash.reboot()
        for _ in range(1 + dice.below(40)):
            at = dice.below(sick.size if seed % 3 else 9000)
            n = 1 + dice.below(1 + dice.below(600))
            n = min(n, sick.size - at)
            sick.data[at : at + n] = (bytes(n), b"\xff" * n, dice.octets(n))[dice.below(3)]
        table, journal, _ = recovered(sick)
        for i in range(100):
            lease(table, i % 20, plain(i % 20), 9000 + i, 3000 + i)
            journal.put_row(i % 20)
            journal.sync()
        table, _, found = recovered(journal._ring.region)
        assert found.rows == 20
        for row in range(20):
            assert table.is_client(row, plain(row).who())


def test_old_blocks_put_back_do_not_make_old_leases_new():
    """A block of an earlier turn of the ring, restored under the newest, is older: its records lose."""
    flash = Nor(8, block_size=1024)
    table = small(6)
    journal = Journal(flash, table)
    journal.recover()
    old = None
    for i in range(1500):
        row = i % 6
        if i < 6 or i % 50 == 0:
            lease(table, row, plain(row + i), 5000 + i, 1000 + i)
        table.set_times(row, 5000 + i, 1000 + i)
        journal.put_row(row)
        journal.sync()
        journal.tend()
        if i == 200:
            old = bytes(flash.data)
    ring = journal._ring
    sick = flash.reboot()
    tail = ring.tail
    sick.data[tail * 1024 : tail * 1024 + 1024] = old[tail * 1024 : tail * 1024 + 1024]
    fresh = small(6)
    Journal(sick, fresh).recover()
    for row in range(6):
        assert fresh.ends(row) == table.ends(row)


def test_identifiers_that_fit_in_ram_fit_at_the_next_boot():
    """Two clients used the same cells, one after the other; what was read first must not keep the second out."""
    flash = Nor(16)
    table = small(4)
    journal = Journal(flash, table)
    journal.recover()
    lease(table, 0, Client(b"\xff" + b"a" * 31, mac(1)), 5000, 1000)
    journal.put_row(0)
    lease(table, 0, plain(2), 5000, 1000)
    big = Client(b"\xff" + b"b" * 31, mac(3))
    lease(table, 1, big, 5000, 1000)
    table.put_item(1, 3, b"name", 0, 4)
    journal.put_row(1)
    journal.put_row(0)
    journal.sync()
    table, _, found = recovered(flash, 4)
    assert found.short == 0 and table.is_client(1, big.who()) and table.is_client(0, plain(2).who())


def test_garbage_in_the_last_erased_block_does_not_end_the_journal():
    """It looked like the newest block, so there was neither room nor an erased block: OSError at the first lease."""
    flash, _ = written(20, 8)
    end = 4 * 4096
    for frm, to in ((end + 100, end + 101), (end + 16, end + 4096), (end + 4000, end + 4096)):
        sick = flash.reboot()
        sick.data[frm:to] = bytes(to - frm)
        table, journal, found = recovered(sick)
        assert found.rows == 20 and journal.free_blocks > 0
        for i in range(600):
            lease(table, i % 20, plain(i % 20), 9000 + i, 3000 + i)
            journal.put_row(i % 20)
            journal.sync()
        table, _, found = recovered(journal._ring.region)
        assert found.rows == 20 and [table.ends(row) for row in range(20)] == list(range(9580, 9600))
