"""A region of real flash: erase blocks of a partition of the ESP32, or of a Pico's flash, wherever they lie.

    Region(device, blocks, unit)

    device   esp32.Partition or rp2.Flash: readblocks(n, buf, at), writeblocks(n, buf, at) programs without an erase,
             ioctl(6, n) erases
    blocks   the device's numbers of our blocks, in our order
    unit     program_unit: 1, on a Pico 256 (a page)

What was programmed is read back and compared.  That costs little, and it is what a promise to a client
stands on: a worn cell, and a bit that would have to be set without an erase, are told by OSError.
The device does all it does before it returns, so there is nothing left for `sync` but to count.
"""

import errno
from array import array

from micropython import const

from ..octets import equal

_BLOCK = const(4096)
_LOOK = const(256)


class Region:
    """As nor.py's, whose top tells what the counters count."""

    block_size = 4096

    def __init__(self, device, blocks, unit):
        self.size = len(blocks) * _BLOCK
        self.program_unit = unit
        self.programs = self.programmed = self.erases = self.written = self.syncs = 0
        self.block_erases = array("H", bytes(2 * len(blocks)))
        self._device = device
        self._blocks = blocks
        self._seen = bytearray(_LOOK)
        self._dirty = False

    def read(self, at, buf):
        """Fill buf with what is at `at`."""
        self._each(self._device.readblocks, at, buf)

    def program(self, at, buf):
        """Clear the bits at `at` that are clear in buf.  OSError if flash then holds something else."""
        self._dirty = True
        self._each(self._device.writeblocks, at, buf)
        self._compare(at, buf)
        n = len(buf)
        self.programs += 1
        self.programmed += n
        self.written += n

    def erase(self, block):
        """Set all bits of a block."""
        self._within(block * _BLOCK, _BLOCK)
        self._dirty = True
        self._device.ioctl(6, self._blocks[block])
        self.erases += 1
        self.written += _BLOCK
        if self.block_erases[block] < 0xFFFF:
            self.block_erases[block] += 1

    def sync(self):
        """Everything programmed and erased so far survives a power cut."""
        if self._dirty:
            self._dirty = False
            self.syncs += 1

    def _within(self, at, n):
        if at < 0 or at + n > self.size:
            raise OSError(errno.EINVAL, "flash address %d+%d is outside of %d" % (at, n, self.size))

    def _each(self, do, at, buf):
        """Do it for the part of buf in each block; nearly always that is all of it."""
        n = len(buf)
        self._within(at, n)
        off = at % _BLOCK
        if off + n <= _BLOCK:
            do(self._blocks[at // _BLOCK], buf, off)
            return
        view = memoryview(buf)
        done = 0
        while done < n:
            step = min(_BLOCK - off, n - done)
            do(self._blocks[(at + done) // _BLOCK], view[done : done + step], off)
            done += step
            off = 0

    def _compare(self, at, buf):
        """By pieces of one size, which need no slices."""
        n = len(buf)
        done = 0
        while done < n:
            off = (at + done) % _BLOCK
            start = min(off, _BLOCK - _LOOK)
            self._device.readblocks(self._blocks[(at + done) // _BLOCK], self._seen, start)
            step = min(start + _LOOK - off, n - done)
            if not equal(self._seen, off - start, buf, done, step):
                raise OSError(errno.EIO, "flash at 0x%x does not hold what was programmed" % (at + done))
            done += step
