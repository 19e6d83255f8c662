"""A ring of erase blocks: where the next record goes, and the block that is erased next.

    tail … head      blocks with records, oldest to newest
    head+1 …         `ready` blocks: erased, headed, empty
    up to the tail   nothing: the tail follows the last ready block

Each block starts with a header of 16 octets, programmed right after its erase:
magic and format 4, sequence number 4, how often it was erased 4, CRC-32 4.  The
sequence number that a block will have is known then, because blocks are used
in ring order.  A block without a sound header is dirty: it counts as a block
with records that nobody can read, and its turn to be erased comes like any
other's.

What is appended is staged in RAM; `flush` programs it with one call, and only
`sync` makes it durable.  When a program unit is larger than one octet, the
unit that is partly used stays in the stage and is programmed again with the
same octets in front: NOR flash lets bits that are clear be cleared again.

Not here: what the records mean, and which of them still matter (journal.py).
"""

from binascii import crc32

from ..octets import copy, equal, fill, get32, put32

HEADER = 16
_MAGIC = b"TLj\x01"  # the last octet is the version of the format
_STAGE = 1024
# Positions are 16 bits, in units of 8 octets.
_MOST = 0x80000


class Ring:
    """region  flash of at least eight blocks; what lies past 512 KiB is not used"""

    def __init__(self, region):
        self.region = region
        self.block_size = region.block_size
        self.blocks = min(region.size, _MOST) // region.block_size
        self.head = 0
        self.sequence = 1  # of the head
        self.ready = 0
        self.programmed = 0
        self.erases = 0
        self.most_erases = 0  # the highest count found in any header: the guess for a block whose header is lost
        self._unit = region.program_unit
        self._stage = bytearray(_STAGE + self._unit)
        self._view = memoryview(self._stage)
        self._at = HEADER  # where in the head the first staged octet belongs
        self._n = 0  # octets in the stage
        self._kept = 0  # of these, already programmed
        self._unsynced = False
        self._header = bytearray(HEADER)
        self._four = bytearray(4)

    @property
    def tail(self):
        """The oldest block, the next one to be emptied and erased."""
        return (self.head + self.ready + 1) % self.blocks

    @property
    def room(self):
        """Octets left in the head block."""
        return self.block_size - self._at - self._n

    def append(self, record, n, seal):
        """Stage record[0:n]; opens the next block if the head is full.  Returns its position, in units of 8 octets.

        seal  function that puts the CRC, see record.py
        """
        if n > self.room:
            self.flush()
            self._open_next()
        if self._n + n > _STAGE:
            self.flush()
        at = self._n
        copy(self._stage, at, record, 0, n)
        seal(self._stage, at, n, self.seed(self.sequence))
        position = (self.head * self.block_size + self._at + at) >> 3
        self._n = at + n
        return position

    def seed(self, sequence):
        """What the CRCs of a block's records start from."""
        return sequence & 0x3FFFFFFF

    def flush(self):
        """Program what is staged, in one call.  Not durable before sync."""
        n = self._n
        if n == self._kept:
            return
        whole = n - n % self._unit
        end = whole if whole == n else whole + self._unit
        fill(self._stage, n, end - n, 0xFF)
        self._unsynced = True
        self.region.program(self.head * self.block_size + self._at, self._view[:end])
        self.programmed += end
        copy(self._stage, 0, self._stage, whole, n - whole)
        self._at += whole
        self._n = self._kept = n - whole

    def sync(self):
        """Everything appended and erased so far survives a power cut when this returns."""
        self.flush()
        if self._unsynced:
            self.region.sync()
            self._unsynced = False

    def _open_next(self):
        if self.ready == 0:
            raise OSError(28, "journal: no erased block left")
        self.ready -= 1
        self.sequence += 1
        self.open((self.head + 1) % self.blocks, HEADER)

    def open(self, block, offset):
        """Go on writing in this block at this offset."""
        kept = offset % self._unit
        self.head = block
        self._at = offset - kept
        self._n = self._kept = kept
        if kept:
            self.region.read(block * self.block_size + self._at, self._view[:kept])

    def erase_tail(self):
        """Erase the oldest block and make it ready.  Nothing in it matters any more: the caller has synced what did.

        The sync between erase and header is for regions that are files: a
        header that outlives a lost erase would give the old records new life.
        """
        tail = self.tail
        self._erase(tail, self.sequence + self.ready + 1)
        self.ready += 1

    def _erase(self, block, sequence):
        region = self.region
        at = block * self.block_size
        region.read(at, self._header)
        count = (get32(self._header, 8) if self._is_header() else self.most_erases) + 1
        self._unsynced = True
        region.erase(block)
        region.sync()
        self.erases += 1
        self.most_erases = max(self.most_erases, count)
        header = self._header
        copy(header, 0, _MAGIC, 0, 4)
        put32(header, 4, sequence)
        put32(header, 8, count)
        put32(header, 12, crc32(memoryview(header)[:12]))
        if self._unit > HEADER:
            page = bytearray(self._unit)
            fill(page, HEADER, self._unit - HEADER, 0xFF)
            copy(page, 0, header, 0, HEADER)
            header = page
        region.program(at, header)
        self.programmed += len(header)

    # At boot

    def read_header(self, block):
        """Sequence number of a block, −1 if its header is not sound, −2 if it is blank."""
        self.region.read(block * self.block_size, self._header)
        if not self._is_header():
            for b in self._header:
                if b != 0xFF:
                    return -1
            return -2
        self.most_erases = max(self.most_erases, get32(self._header, 8))
        return get32(self._header, 4)

    def _is_header(self):
        header = self._header
        put32(self._four, 0, crc32(memoryview(header)[:12]))
        return equal(header, 0, _MAGIC, 0, 4) and equal(header, 12, self._four, 0, 4)

    def format(self, ready):
        """Begin anew: the head in block 0, so many ready blocks after it; the others are erased in their turn."""
        for block in range(ready + 1):
            self._erase(block, block + 1)
        self.sequence = 1
        self.ready = ready
        self.open(0, HEADER)
        self.sync()
