"""What the tests of the lease room share: small tables, and a check of all their chains.  Both interpreters."""

import sys

sys.path.append(__file__.rsplit("/", 2)[0] + "/lab")

from nor import Dice, Nor  # noqa: F401
from twinlease.clock import FOREVER
from twinlease.lease import _cells, _rows
from twinlease.lease.identity import Identity
from twinlease.lease.row import ACTIVE, NONE, ROW
from twinlease.lease.table import Table
from twinlease.octets import get16


class Pool:
    def __init__(self, index):
        self.index = index


class Range:
    def __init__(self, first, count, first_row, pool):
        last = int.from_bytes(bytes(first), "big") + count - 1
        self.first = bytes(first)
        self.last = last.to_bytes(4, "big")
        self.count = count
        self.first_row = first_row
        self.pool = pool


def make(*spec, cells_per_row=1):
    """A table of ranges (first address, how many, pool index), ascending."""
    pools = [Pool(i) for i in range(max([s[2] for s in spec]) + 1)]
    ranges = []
    row = 0
    for first, count, pool in spec:
        ranges.append(Range(first, count, row, pools[pool]))
        row += count
    return Table(ranges, pools, cells_per_row)


def small(n=20, cells_per_row=1):
    return make(((10, 0, 0, 10), n, 0), cells_per_row=cells_per_row)


def identity(htype, hw, id=b""):
    """As the table takes it; made from odd places in buffers so that offsets count."""
    who = Identity()
    who.set_hardware(htype, b"\x55" + hw + bytes(10), 1, len(hw))
    who.set_identifier(b"\x77\x77" + id, 2, len(id))
    return who


class Client:
    """An identity: id (bytes or None) and hardware."""

    def __init__(self, id, hw, htype=1):
        self.id = id
        self.hw = hw
        self.htype = htype

    def key(self):
        """What makes two clients the same."""
        return (1, self.id) if self.id else (0, self.htype, self.hw)

    def who(self):
        return identity(self.htype, self.hw, self.id or b"")


def mac(i):
    return bytes((2, 0, 0, i >> 16 & 0xFF, i >> 8 & 0xFF, i & 0xFF))


def plain(i):
    """The client of most tests: six octets of hardware, identifier made of them."""
    return Client(b"\x01" + mac(i), mac(i))


def lease(table, row, client, ends, cltt):
    """What an ACK does to a row."""
    assert table.set_client(row, client.who())
    table.set_times(row, ends, cltt)
    if table.state(row) != ACTIVE:
        table.set_state(row, ACTIVE)
    table.set_flags(row, 1)


def queue(table, pool, state):
    rows = []
    row = table.first(pool, state)
    while row >= 0:
        rows.append(row)
        row = table.after(row)
    return rows


def walk_list(table, q):
    """Rows of a raw list, checking that it is linked the same in both directions."""
    rows = []
    prev = NONE
    row = get16(table._queues, q * 4)
    while row != NONE:
        assert get16(table.buf, row * ROW + 20) == prev
        rows.append(row)
        assert len(rows) <= table.rows
        prev = row
        row = get16(table.buf, row * ROW + 22)
    assert get16(table._queues, q * 4 + 2) == prev
    return rows


def check_lists(table):
    """Every row stands in exactly one list, and in the right one."""
    seen = []
    for slot in range(256):
        for row in walk_list(table, slot):
            assert table.state(row) == ACTIVE and table.ends(row) < FOREVER
            assert table.buf[row * ROW + 3] == slot
            seen.append(row)
    for row in walk_list(table, 256):
        assert table.state(row) == ACTIVE and table.ends(row) == FOREVER
        seen.append(row)
    active = [0] * table._n_pools
    for row in seen:
        active[table.pool_of(row)] += 1
    for pool in range(table._n_pools):
        assert table.count(pool, ACTIVE) == active[pool]
        for state in range(8):
            rows = walk_list(table, 257 + pool * 8 + state)
            if state != ACTIVE:
                assert table.count(pool, state) == len(rows)
            for row in rows:
                assert table.state(row) == state and table.pool_of(row) == pool
            seen += rows
    assert sorted(seen) == list(range(table.rows))


def walk_chain(table, heads, slot, link):
    rows = []
    row = get16(heads, slot * 2)
    while row != NONE:
        rows.append(row)
        assert len(rows) <= table.rows
        row = get16(table.buf, row * ROW + link)
    return rows


def check_chains(table):
    """Each row with hardware, or with an identifier, stands in its hash chain once; nothing else does."""
    hw = {}
    ids = {}
    for slot in range(table._mask + 1):
        for row in walk_chain(table, table._hw_heads, slot, 26):
            assert row not in hw
            hw[row] = slot
        for row in walk_chain(table, table._id_heads, slot, 24):
            assert row not in ids
            ids[row] = slot
    for row in range(table.rows):
        assert (row in hw) == (table.buf[row * ROW + 33] > 0)
        if row in hw:
            assert hw[row] == _rows.hash_hw(table.buf, table.cells, row) & table._mask
        assert (row in ids) == table.has_id(row)
        if row in ids:
            assert ids[row] == table._id_slot(row)


def check_cells(table):
    """Every cell is free or in one row's chain, and the chains are as long as their items need."""
    seen = bytearray(table.n_cells)
    free = 0
    cell = table._free
    while cell != NONE:
        assert seen[cell] == 0
        seen[cell] = 1
        free += 1
        cell = get16(table.cells, cell * 16 + 14)
    assert free == table.free_cells
    items = bytearray(300)
    for row in range(table.rows):
        cell = get16(table.buf, row * ROW + 40)
        assert _cells.count(table.cells, cell) == (table.items(row, items, 0) + 13) // 14
        while cell != NONE:
            assert seen[cell] == 0
            seen[cell] = 1
            cell = get16(table.cells, cell * 16 + 14)
    assert sum(seen) == table.n_cells


def check(table):
    check_lists(table)
    check_chains(table)
    check_cells(table)
