"""The flash of a virtual board as MicroPython's file systems want it: what a port's own _boot.py does on a board.

    mount_root(path)     the file system in the flash file becomes "/", a new one if there is none

Runs on MicroPython, in the virtual board.
"""

import os
import sys

import vfs

BLOCK = 4096
VFS_AT, VFS_SIZE = 0x240000, 0x1C0000  # as in firmware/twinlease/board/nor.py


class Blocks:
    """A part of a file that behaves like NOR flash: programming clears bits, and an erase sets all of a block."""

    def __init__(self, file, start, size):
        self._file = file
        self._start = start
        self._blocks = size // BLOCK

    def readblocks(self, block, buf, at=0):
        self._file.seek(self._start + block * BLOCK + at)
        self._file.readinto(buf)

    def writeblocks(self, block, buf, at=None):
        if at is None:
            self._put(block, 0, buf)
            return
        old = bytearray(len(buf))
        self.readblocks(block, old, at)
        for i in range(len(old)):
            old[i] &= buf[i]
        self._put(block, at, old)

    def _put(self, block, at, octets):
        self._file.seek(self._start + block * BLOCK + at)
        self._file.write(octets)

    def ioctl(self, op, arg):
        if op == 3:  # sync
            self._file.flush()
        elif op == 4:
            return self._blocks
        elif op == 5:
            return BLOCK
        elif op == 6:
            self._put(arg, 0, b"\xff" * BLOCK)
        return 0


def mount_root(path):
    """From now on the files of the PC are out of sight, as they are for a board."""
    blocks = Blocks(open(path, "r+b"), VFS_AT, VFS_SIZE)
    try:
        root = vfs.VfsLfs2(blocks, progsize=32)
    except OSError:
        vfs.VfsLfs2.mkfs(blocks, progsize=32)
        root = vfs.VfsLfs2(blocks, progsize=32)
    vfs.umount("/")
    vfs.mount(root, "/")
    os.chdir("/")
    sys.path[:] = ["", ".frozen", "/lib"]
