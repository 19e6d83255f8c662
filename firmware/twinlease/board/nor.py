"""A file that behaves like NOR flash, and regions of it.

Programming clears bits and never sets one; setting bits takes an erase of a
whole block.  Code that breaks the rule would work on a plain file and fail on
a board, so here it raises OSError and names the address: a bug of ours must be
loud.  The price is one read of what is about to be overwritten.

`Region.program` is on the durable path of every ACK: it reads back, seeks and
writes once, and under MicroPython allocates nothing that outlives the call.

Not here: what is in the flash (lease/journal.py, the file system), and the
power cut of the tests (they have a model in RAM).
"""

import errno
import sys
from array import array

import micropython

SIZE = 0x400000  # 4 MiB, laid out like the partition table of our ESP32 boards
LEASES_AT, LEASES_SIZE = 0x200000, 0x40000
VFS_AT, VFS_SIZE = 0x240000, 0x1C0000
BLOCK = 4096

_ERASED = b"\xff" * 512  # written several times over: a block of it would be as much RAM as sixty leases

if sys.implementation.name == "micropython":

    def _read(file, buf, n):
        return file.readinto(buf, n)  # the length argument saves the slice

    def _flush(file):
        file.flush()  # fsync, in the unix port

else:
    import os

    def _read(file, buf, n):
        return file.readinto(memoryview(buf)[:n])

    def _flush(file):
        os.fsync(file.fileno())


@micropython.viper
def _first_set_bit(old: ptr8, new: ptr8, at: int, n: int) -> int:
    """Index of the first octet of new[at:at+n] that would set a bit of old[0:n], or -1."""
    for i in range(n):
        if new[at + i] & (old[i] ^ 0xFF):
            return at + i
    return -1


def open_file(path, size=SIZE):
    """Open the flash file; a new one, or one whose making was cut short, is filled with erased octets."""
    try:
        file = _unbuffered(path, "r+b")
    except OSError as e:
        if e.errno != errno.ENOENT:
            raise
        file = _unbuffered(path, "w+b")
    there = file.seek(0, 2)
    while there < size:
        there += file.write(_ERASED if size - there >= len(_ERASED) else _ERASED[: size - there])
        if there >= size:
            _flush(file)
    return file


def _unbuffered(path, mode):
    if sys.implementation.name == "micropython":
        return open(path, mode)
    return open(path, mode, buffering=0)


class Region:
    """Part of a flash file, counted from zero.

    programs     calls that programmed something
    programmed   octets programmed
    erases       blocks erased; block_erases[i] the same for block i
    written      octets that went to the file, erases included
    syncs        times that the file was made durable
    """

    block_size = BLOCK
    program_unit = 1

    def __init__(self, file, start, size):
        self.size = size
        self.programs = self.programmed = self.erases = self.written = self.syncs = 0
        self.block_erases = array("H", bytes(2 * (size // BLOCK)))
        self._file = file
        self._start = start
        self._old = bytearray(256)
        self._dirty = False

    def read(self, at, buf):
        """Fill buf with what is at `at`."""
        n = len(buf)
        self._within(at, n)
        self._file.seek(self._start + at)
        if _read(self._file, buf, n) != n:
            raise OSError(errno.EIO, "flash file is too short")

    def program(self, at, buf):
        """Clear the bits at `at` that are clear in buf, in one write.  OSError if a bit would have to be set."""
        n = len(buf)
        self._within(at, n)
        self._check(at, buf, n)
        self._write(at, buf, n)
        self.programs += 1
        self.programmed += n

    def erase(self, block):
        """Set all bits of a block."""
        self._within(block * BLOCK, BLOCK)
        for at in range(block * BLOCK, (block + 1) * BLOCK, len(_ERASED)):
            self._write(at, _ERASED, len(_ERASED))
        self.erases += 1
        if self.block_erases[block] < 0xFFFF:
            self.block_erases[block] += 1

    def sync(self):
        """Return when everything programmed and erased so far would survive a power cut."""
        if self._dirty:
            _flush(self._file)
            self._dirty = False
            self.syncs += 1

    def _within(self, at, n):
        if at < 0 or at + n > self.size:
            raise OSError(errno.EINVAL, "flash address %d+%d is outside of %d" % (at, n, self.size))

    def _check(self, at, buf, n):
        old = self._old
        limit = len(old)
        done = 0
        while done < n:
            step = n - done
            if step > limit:
                step = limit
            self._file.seek(self._start + at + done)
            if _read(self._file, old, step) != step:
                raise OSError(errno.EIO, "flash file is too short")
            bad = _first_set_bit(old, buf, done, step)
            if bad >= 0:
                raise OSError(errno.EPERM, "flash bit set without erase at 0x%x" % (at + bad))
            done += step

    def _write(self, at, buf, n):
        self._dirty = True
        self._file.seek(self._start + at)
        if self._file.write(buf) != n:
            raise OSError(errno.EIO, "short write to the flash file")
        self.written += n
