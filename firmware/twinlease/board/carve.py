"""Raw erase blocks out of a littlefs, where a port has no partition to spare: those of files made for it.

    blocks(device, folder, count, say)      the device's numbers of `count` blocks, array("H")

A file of 4096 octets is one block of a littlefs, that has nothing in it but the file's octets: no checksums, and no
pointers, which begin with a file's second block (littlefs DESIGN.md).  Nothing but a write to the file makes
littlefs move or reuse the block, so the journal may erase and program it behind littlefs's back.  Which block it
is, the file system does not tell; so each file is made with a mark of its own, and the mark is looked for in flash.

The numbers are kept in a file, and seen to be right at each start: what littlefs reads in each file is what stands in
its block.  Where they are not, or power went while files were made, the blocks are looked for anew; leases
that stand in blocks which are found stay.  A file that is gone costs its block's leases, and a line in the log.

The files must not be copied over or edited, and a file system that is made anew takes them along.
"""

import os
from array import array
from binascii import crc32

from micropython import const

from ..octets import equal

_BLOCK = const(4096)
_HEAD = const(16)  # as long as a block's header in the journal, which tells it from all others
_MARK = b"TLblock"
_MAP = "/map"


def blocks(device, folder, count, say):
    """device: readblocks, ioctl; its block numbers must be littlefs's.  Raises OSError where there is no room."""
    try:
        os.mkdir(folder)
    except OSError:
        pass  # it is there
    found = _kept(folder, count)
    if found is not None and _is_right(device, folder, found):
        return found
    if found is not None:
        say("The blocks of the leases are not where they were: looking for them")
    return _find(device, folder, count, say)


def _kept(folder, count):
    octets = _load(folder + _MAP, 2 * count + 4)
    if octets is None or len(octets) != 2 * count + 4 or octets[-4:] != _sum(octets[:-4]):
        return None
    return array("H", octets[:-4])


def _is_right(device, folder, found):
    raw = bytearray(_HEAD)
    for i in range(len(found)):
        head = _head(folder, i)
        if head is None:
            return False
        device.readblocks(found[i], raw, 0)
        if not equal(raw, 0, head, 0, _HEAD):
            return False
    return True


def _find(device, folder, count, say):
    """Each file gets a head that no other has; then one look at all of flash tells where they are."""
    heads = bytearray(_HEAD * count)
    lost = leased = 0
    for i in range(count):
        head = _head(folder, i)
        if head is None or head == b"\xff" * _HEAD:
            lost += head is None
            head = _make(folder, i)
        leased += head[:7] != _MARK
        heads[_HEAD * i : _HEAD * (i + 1)] = head
    if lost and leased:
        say("%d of %d files of leases were gone, with what stood in them" % (lost, count))
    found = _look(device, heads, count)
    blank = [i for i in range(count) if heads[_HEAD * i : _HEAD * i + 7] == _MARK]
    for i in blank:
        device.ioctl(6, found[i])
    octets = b"".join([n.to_bytes(2, "little") for n in found])
    _store(folder + _MAP, octets + _sum(octets))
    say("%d blocks of flash for leases, %d of them new" % (count, len(blank)))
    return found


def _look(device, heads, count):
    """Of each head, the one block that begins so.  OSError if it is in none, or in two: then nobody knows which."""
    found = array("H", b"\xff" * (2 * count))
    raw = bytearray(_HEAD)
    for block in range(device.ioctl(4, 0)):
        device.readblocks(block, raw, 0)
        for i in range(count):
            if equal(raw, 0, heads, _HEAD * i, _HEAD):
                if found[i] != 0xFFFF:
                    raise OSError("two blocks of flash, %d and %d, hold the leases' file %d" % (found[i], block, i))
                found[i] = block
    for i in range(count):
        if found[i] == 0xFFFF:
            raise OSError("the leases' file %d is nowhere in flash" % i)
    return found


def _make(folder, i):
    head = _MARK + bytes([i]) + os.urandom(_HEAD - 8)
    _store(_name(folder, i), head + b"\xff" * (_BLOCK - _HEAD))
    return head


def _head(folder, i):
    """The first octets of a file as littlefs reads them; None if it is not there, or no whole block."""
    try:
        if os.stat(_name(folder, i))[6] != _BLOCK:
            return None
    except OSError:
        return None
    return _load(_name(folder, i), _HEAD)


def _name(folder, i):
    return "%s/%d" % (folder, i)


def _load(path, n):
    try:
        f = open(path, "rb")
    except OSError:
        return None
    try:
        return f.read(n)
    finally:
        f.close()


def _store(path, octets):
    f = open(path, "wb")
    try:
        f.write(octets)
    finally:
        f.close()


def _sum(octets):
    return crc32(octets).to_bytes(4, "little")
