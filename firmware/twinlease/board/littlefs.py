"""A littlefs in the flash file of a board that is a process: where its configuration files are (files.py).

mount(flash, folder, say)      the folder for them; under CPython it is in plain sight in `folder`
unmount()
"""

import errno
import os
import sys

from . import nor

_MOUNT = "/flash"


class Blocks:
    """A Region as the block device that MicroPython's file systems want.

    They call from C, so a failure is a negative errno, never an exception; the
    exception is kept in `fault` for whoever asks why a mount failed.
    """

    def __init__(self, region):
        self.region = region
        self.fault = None

    def readblocks(self, block, buf, at=0):
        return self._do(self.region.read, block * nor.BLOCK + at, buf)

    def writeblocks(self, block, buf, at=None):
        if at is None:
            for b in range(block, block + len(buf) // nor.BLOCK):
                self.region.erase(b)
            at = 0
        return self._do(self.region.program, block * nor.BLOCK + at, buf)

    def ioctl(self, op, arg):
        if op == 3:  # sync
            self.region.sync()
        elif op == 4:  # how many blocks
            return self.region.size // nor.BLOCK
        elif op == 5:  # their size
            return nor.BLOCK
        elif op == 6:  # erase one
            self.region.erase(arg)
        return 0

    def _do(self, what, at, buf):
        try:
            what(at, buf)
            return 0
        except OSError as e:
            self.fault = e
            return -errno.EIO


def mount(flash, folder, say):
    """Return the folder for configuration files: on a littlefs in flash, or (CPython) in plain sight in `folder`."""
    if sys.implementation.name != "micropython":
        folder += "/files"
        os.makedirs(folder, exist_ok=True)
        return folder
    import vfs

    blocks = Blocks(nor.Region(flash, nor.VFS_AT, nor.VFS_SIZE))
    try:
        fs = vfs.VfsLfs2(blocks, progsize=32)
    except OSError:
        # Blank, or cut short while being formatted: littlefs copies on write, so nothing else brings it here.
        if blocks.fault is not None:
            raise blocks.fault
        vfs.VfsLfs2.mkfs(blocks, progsize=32)
        fs = vfs.VfsLfs2(blocks, progsize=32)
        say("file system made in flash")
    vfs.mount(fs, _MOUNT)
    return _MOUNT


def unmount():
    """Everything is closed; the buffers go."""
    if sys.implementation.name == "micropython":
        import vfs

        vfs.umount(_MOUNT)
