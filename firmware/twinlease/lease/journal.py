"""The journal: leases and small values in flash, so that no power cut takes back what a client was told.

    journal = Journal(region, table)
    told = journal.recover()            # once, before the first packet
    journal.put_row(row); …             # whatever changed
    journal.sync()                      # durable: now the ACKs may go out
    journal.tend()                      # between packets, while it returns True

A log over a ring of erase blocks (ring.py) of records (record.py).  The newest
record of an address counts.  The oldest block is emptied by writing the rows
whose full record stands in it once more, from RAM; then it is erased.  Renewals
never need to be moved: a full record written later tells the same.  The order
is strict: nothing is erased before what replaces it is synced.

`tend` keeps a few erased blocks ready, so that no client waits for an erase;
if it was not called, put_row does the work itself before it goes on.

Leases of addresses that the configuration does not name are passed over at
recovery, counted in `unknown`, and gone when their block is emptied: whoever
removes a range and puts it back some days later finds it unused.

put_row and sync leave nothing behind on the heap (a memoryview and a CRC, for a
moment); recover takes one block of memory while it runs.
"""

from collections import namedtuple

from micropython import const

from ..octets import get16, put16
from . import record
from .ring import HEADER, Ring
from .row import ABANDONED, NONE, STALE

META_KEYS = const(16)
META_CLOCK = const(0)  # the time, four octets of project seconds (move.py: or five): the clock's floor at the next boot
META_STEP = const(1)  # leases are being moved by a step of the clock (move.py); empty when that is done

_META = record.VALUE_MAX + 1  # a length, 255 for none, and the value
_META_RECORD = 72

# rows       leases found            records  sound records read
# torn       unfinished ends of blocks, as power cuts leave them
# damaged    places inside a block that cannot be read
# unknown    records of addresses that the configuration does not name
# orphans    addresses whose full record is lost; they are abandoned until their lease ends
# short      identifiers that found no cell
# floor      it was at least this project second when the newest record was written
# formatted  "" or "blank" or "foreign": there was no journal, the region was empty or had something else in it
Recovery = namedtuple(
    "Recovery", ("rows", "records", "torn", "damaged", "unknown", "orphans", "short", "floor", "formatted")
)


class Journal:
    """region  size, block_size, program_unit; read, program, erase, sync (ARCHITECTURE.md)
    table   lease.table.Table
    clock_floor  project second that it is at least, for example the date of the build

    Raises ValueError if the region is too small for the table.
    """

    def __init__(self, region, table, clock_floor=0):
        self.table = table
        self._ring = Ring(region)
        # Blocks that only compaction may use.  Emptying a block can take a little more than a block,
        # because records do not cross blocks; a 32nd of the region covers all live blocks in a row.
        self._spare = 2 + self._ring.blocks // 32
        self._ready = self._spare + 2
        self._record = bytearray(record.LONGEST + 16)
        self._meta = bytearray(META_KEYS * _META)
        self._meta_at = bytearray(META_KEYS * 2)
        for key in range(META_KEYS):
            self._meta[key * _META] = 0xFF
            put16(self._meta_at, key * 2, NONE)
        self._floor = clock_floor
        self._emptying = False
        self._cursor = 0
        self._check_size()

    @property
    def programmed(self):
        """Octets programmed since boot."""
        return self._ring.programmed

    @property
    def erases(self):
        """Blocks erased since boot."""
        return self._ring.erases

    @property
    def free_blocks(self):
        """Erased blocks that are ready."""
        return self._ring.ready

    def _check_size(self):
        """Live records may be half of what is not spare: then every second block that is emptied is gain."""
        ring, table = self._ring, self.table
        blocks = max(ring.blocks - self._ready, 0)
        half = blocks * (ring.block_size - HEADER) // 2 - META_KEYS * _META_RECORD
        live = table.rows * record.FULL_MOST + table.items_bound
        if ring.blocks < 8 or live > half:
            each = max(live // max(table.rows, 1), record.FULL_MOST)
            raise ValueError(
                "%d KiB of flash are too little for %d leases: they hold %d; make the ranges smaller"
                % (ring.blocks * ring.block_size // 1024, table.rows, max(half, 0) // each if ring.blocks >= 8 else 0)
            )

    # Writing

    def put_row(self, row):
        """Stage the row: a renewal if only state, flags and times differ from its full record, else a full record."""
        table = self.table
        self._make_space()
        if table.position(row) == NONE or table.flags(row) & STALE:
            self._place_full(row)
        else:
            n = record.put_renewal(table, row, self._record)
            self._ring.append(self._record, n, record.seal)

    def put_meta(self, key, value):
        """Stage a small value: key 0 … 15, up to 64 octets.  One that has not changed is not written again."""
        n = len(value)
        if not 0 <= key < META_KEYS or n > record.VALUE_MAX:
            raise ValueError("meta key %d of %d octets; keys are 0 to 15, values up to 64 octets" % (key, n))
        if self.get_meta(key) == value:
            return
        at = key * _META
        self._meta[at] = n
        self._meta[at + 1 : at + 1 + n] = value
        self._make_space()
        self._place_meta(key)

    def get_meta(self, key):
        """The newest value under this key, bytes, or None."""
        at = key * _META
        n = self._meta[at]
        return None if n == 0xFF else bytes(self._meta[at + 1 : at + 1 + n])

    def sync(self):
        """Program what is staged and make it durable."""
        self._ring.sync()

    def _place_full(self, row):
        table = self.table
        n = record.put_full(table, row, self._record)
        position = self._ring.append(self._record, n, record.seal)
        table.set_position(row, position)
        table.clear_flags(row, STALE)

    def _place_meta(self, key):
        at = key * _META
        n = self._meta[at]
        n = record.put_value(key, self._meta[at + 1 : at + 1 + n], self._record)
        put16(self._meta_at, key * 2, self._ring.append(self._record, n, record.seal))

    def _make_space(self):
        """See to it that a record of any length can be appended and the spare blocks stay spare."""
        ring = self._ring
        if ring.room >= record.LONGEST or ring.ready > self._spare:
            return
        for _ in range(2 * ring.blocks):
            self._step(NONE)
            if ring.ready > self._spare:
                return

    # Compaction

    def tend(self, records=8):
        """One bounded step: writes up to so many rows again, or erases one block.  True while there is more to do."""
        if not self._emptying and self._ring.ready >= self._ready:
            return False
        self._step(records)
        return self._emptying or self._ring.ready < self._ready

    def _step(self, records):
        if not self._emptying:
            self._emptying = True
            self._cursor = 0
        if self._move(records):
            return
        self._ring.sync()
        self._ring.erase_tail()
        self._emptying = False

    def _move(self, records):
        """Write up to so many records of the tail again.  False when none is left in it."""
        table, ring = self.table, self._ring
        units = ring.block_size >> 3
        low = ring.tail * units
        while True:
            row = table.next_placed(self._cursor, low, low + units)
            if row < 0:
                break
            if records == 0:
                return True
            self._place_full(row)
            self._cursor = row + 1
            records -= 1
        self._cursor = table.rows
        for key in range(META_KEYS):
            if low <= get16(self._meta_at, key * 2) < low + units and get16(self._meta_at, key * 2) != NONE:
                self._place_meta(key)
        return False

    # Recovery

    def recover(self):
        """Read the region, fill the table, and be ready to write.  Returns a Recovery.  Once, with a fresh table."""
        from . import restore  # here, because a board can drop the modules after boot
        from .recover import Reader

        reader = Reader(self._ring, self.table, self._meta, self._meta_at, self._floor)
        formatted = reader.read(self._ready)
        orphans = restore.finish(self.table)
        if orphans:
            self._adopt()
        rows = 0
        for row in range(self.table.rows):
            if self.table.position(row) != NONE:
                rows += 1
        return Recovery(
            rows,
            reader.records,
            reader.torn,
            reader.damaged,
            reader.unknown,
            orphans,
            reader.short,
            reader.floor,
            formatted,
        )

    def _adopt(self):
        """Rows that restore.finish abandoned have no full record; without one the next boot would free them."""
        for row in range(self.table.rows):
            if self.table.state(row) == ABANDONED and self.table.position(row) == NONE:
                self.put_row(row)
