"""Reading the journal at boot: from the oldest block to the newest, record by record, into the table.

Used once, by Journal.recover, which imports it then: a board can drop it after.

A record that is not sound costs itself only: reading goes on at the next
multiple of 8 octets where a sound one stands.  The CRC is seeded per block and
life, so an old record cannot be mistaken for one.  What cannot be read at the
end of a block is `torn` (a power cut in mid-program leaves that, and it stays
there until the block is erased); what cannot be read before a sound record is
`damaged`.

Writing goes on behind the last sound record of the newest block with anything
in it, if nothing but 0xFF follows there.  If something does, a program was cut
short; bits there may read 1 today and 0 tomorrow, so the block is closed.
"""

from binascii import crc32

from ..clock import FOREVER
from ..octets import copy, equal, fill, get16, get32, put16, put32
from . import _boot, record, restore
from .ring import HEADER
from .row import ACTIVE, ID_DIGEST, ID_IS_HW, LASTING, NONE, ROW

_BLANK = -2
# When there is next to no erased block left, writing goes on behind the rubble
# rather than nowhere, and leaves so many octets: a page of any flash we know.
_GAP = 256


class Reader:
    """ring, table: fresh ones.  meta, meta_at: the journal's small values and their positions, filled in place."""

    def __init__(self, ring, table, meta, meta_at, floor):
        self.ring = ring
        self.table = table
        self.meta = meta
        self.meta_at = meta_at
        self.floor = floor
        self.records = self.torn = self.damaged = self.unknown = self.short = 0
        self._four = bytearray(4)
        self._sound_end = HEADER
        self._short = {}  # rows whose identifier found no room when their record was read

    def read(self, ready):
        """Read everything and place the ring's head.  Returns "", or why it was formatted (`ready` blocks erased)."""
        ring = self.ring
        blank = True
        headers = []
        for block in range(ring.blocks):
            sequence = ring.read_header(block)
            if sequence >= 0:
                headers.append((sequence, block))
            elif sequence != _BLANK:
                blank = False
        if not headers:
            ring.format(ready)
            return "blank" if blank else "foreign"
        headers.sort()
        self._read_blocks(headers)
        return ""

    def _read_blocks(self, headers):
        ring = self.ring
        buf = bytearray(ring.block_size)
        view = memoryview(buf)
        empty = {}
        head = headers[0]
        sound = None
        used = self._sound_end = HEADER
        for sequence, block in headers:
            ring.region.read(block * ring.block_size, buf)
            end = _boot.used_end(buf, HEADER, ring.block_size)
            if end == HEADER:
                empty[block] = sequence
            else:
                head = (sequence, block)
                used = end
                self._read_block(buf, view, block, end, ring.seed(sequence))
                if self._sound_end > HEADER:
                    sound = (head, used, self._sound_end)
        self._read_short(buf)
        if head[1] in empty:
            used = self._sound_end = HEADER
            del empty[head[1]]
        self._place_head(head, used, empty)
        if sound and sound[0] != head and not ring.ready:
            # Garbage in the last erased block made that look like the newest.
            head, used, self._sound_end = sound
            self._place_head(head, used, empty)

    def _place_head(self, head, used, empty):
        ring = self.ring
        sequence, block = head
        ring.ready = 0
        while (
            ring.ready < ring.blocks - 2
            and empty.get((block + ring.ready + 1) % ring.blocks) == sequence + ring.ready + 1
        ):
            ring.ready += 1
        offset = self._sound_end
        if used > offset:
            offset = ring.block_size
            if ring.ready < 2:
                offset = min((used + _GAP - 1) // _GAP * _GAP, ring.block_size)
        ring.sequence = sequence
        ring.open(block, offset)

    def _read_block(self, buf, view, block, end, seed):
        at = HEADER
        self._sound_end = HEADER
        base = block * self.ring.block_size
        lost = False
        while at < end:
            n = _length_at(buf, at, self.ring.block_size)
            if n and _is_sound(view, buf, at, n, seed, self._four):
                if lost:
                    self.damaged += 1
                    lost = False
                self.records += 1
                self._take(buf, at, n, (base + at) >> 3)
                at += n
                self._sound_end = at
            else:
                lost = True
                at += 8
        if lost:
            self.torn += 1

    def _read_short(self, buf):
        """Once more, whose the rows are that found no room: records read later may have left some."""
        size = self.ring.block_size
        view = memoryview(buf)
        for row in self._short:
            at = self.table.position(row) << 3
            n = min(record.LONGEST, size - at % size)
            self.ring.region.read(at, view[:n])
            if not _restore_client(self.table, row, buf, 0, _length_at(buf, 0, n)):
                self.short += 1

    def _take(self, buf, at, n, position):
        if buf[at] == record.VALUE:
            self._take_value(buf, at, position)
            return
        row = self.table.row_of(buf, at + record.AT_ADDRESS)
        if row < 0:
            self.unknown += 1
            return
        cltt = get32(buf, at + record.AT_CLTT)
        if self.floor < cltt < FOREVER:
            self.floor = cltt
        if buf[at] <= record.FULL_PARTNER:
            _restore_times(self.table, row, buf, at)
            if not _restore_client(self.table, row, buf, at, n):
                self._short[row] = True
            else:
                self._short.pop(row, None)
            self.table.set_position(row, position)
        else:
            self._take_renewal(buf, at, row)

    def _take_renewal(self, buf, at, row):
        """A renewal, in whatever relation it stands to what is known of its row.

        Its full record was read last: it counts.  No full record yet: either a
        newer one follows, or the only one is lost; taken for now, and what
        stays a lease without a client is abandoned at the end.  Another full
        record: the one it names was lost, with a client we do not know; so the
        address stays taken as long as the renewal says, but for nobody new.
        """
        table = self.table
        here = table.position(row)
        if here == NONE or here == _renewed_position(buf, at):
            _restore_times(table, row, buf, at)
        elif buf[at + record.AT_STATE] & 15 == ACTIVE and get32(buf, at + record.AT_FLAGS + 2) > table.ends(row):
            _restore_times(table, row, buf, at)

    def _take_value(self, buf, at, position):
        key = buf[at + 2]
        n = buf[at + 3]
        size = len(self.meta) * 2 // len(self.meta_at)
        if key * size >= len(self.meta) or n >= size:
            return
        self.meta[key * size] = n
        self.meta[key * size + 1 : key * size + 1 + n] = buf[at + 4 : at + 4 + n]
        put16(self.meta_at, key * 2, position)
        if key == 0 and (n == 5 or (n == 4 and self.floor < get32(buf, at + 4) < FOREVER)):
            self.floor = get32(buf, at + 4)  # five octets: whatever stood before it was written by a clock ahead


def _length_at(buf, at, end):
    """Length in octets of what may be a record at buf[at:end]; 0 if it cannot be one."""
    kind = buf[at]
    n = buf[at + 1] * record.UNIT
    if kind < record.FULL or kind > record.VALUE or n < 8 or n > record.LONGEST or at + n > end:
        return 0
    if kind < record.VALUE and n < 24:
        return 0
    return n


def _is_sound(view, buf, at, n, seed, scratch):
    """Does the CRC of the record buf[at:at+n] hold?  scratch: four octets."""
    put32(scratch, 0, crc32(view[at : at + n - 4], seed))
    return equal(scratch, 0, buf, at + n - 4, 4)


def _past_times(buf, at):
    """Where the record's times end: with those agreed with a partner, or without."""
    kind = buf[at]
    partner = kind == record.FULL_PARTNER or kind == record.RENEWAL_PARTNER
    return at + record.AT_PARTNER + (8 if partner else 0)


def _renewed_position(buf, at):
    """Position of the full record that the renewal at buf[at:] names."""
    return get16(buf, _past_times(buf, at))


def _restore_times(table, row, buf, at):
    """The row's state, flags and times are those of the record.  Its queue is not, before restore.finish."""
    rows = table.buf
    r = row * ROW
    rows[r] = buf[at + record.AT_STATE]
    told = get16(buf, at + record.AT_FLAGS) & LASTING & ~(ID_IS_HW | ID_DIGEST)
    put16(rows, r + 1, told | table.flags(row) & (ID_IS_HW | ID_DIGEST))
    copy(rows, r + 4, buf, at + record.AT_FLAGS + 2, 8)
    partner_at = at + record.AT_PARTNER
    if _past_times(buf, at) > partner_at:
        copy(rows, r + 12, buf, partner_at, 8)
    else:
        fill(rows, r + 12, 8, 0)


def _restore_client(table, row, buf, at, n):
    """Make the row the client's whom the full record buf[at:at+n] tells.  False if its identifier found no cell."""
    hw_at = _past_times(buf, at)
    items_at = hw_at + 2 + min(buf[hw_at + 1], 6)
    return restore.client(
        table, row, get16(buf, at + record.AT_FLAGS), buf, hw_at, _boot.flat_length(buf, items_at, at + n - 4)
    )
