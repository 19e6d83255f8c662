"""The flash of a virtual board as MicroPython's file systems want it: what a port's own _boot.py does on a board.

    mount_root(path)              of a virtual board without a partition table, for its REPL
    start(folder, chip)           of a virtual ESP32: its partition vfs becomes "/", a new file system if that is blank;
                                  beside it /host (the board's folder), /chip (these modules) and /sys of the PC;
                                  the network as board.conf has it

Runs on MicroPython, in the virtual board.
"""

import os
import struct
import sys

import vfs

BLOCK = 4096
VFS_AT, VFS_SIZE = 0x240000, 0x1C0000  # as in firmware/twinlease/board/nor.py
_TABLE_AT, _ROW = 0x8000, 32


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
    _mount(root)
    sys.path[:] = ["", ".frozen", "/lib"]


def start(folder, chip):
    file = open(folder + "/flash.bin", "r+b")
    blocks = Blocks(file, *_partition(file, b"vfs"))
    if _is_blank(blocks):
        vfs.VfsLfs2.mkfs(blocks, progsize=32)
    try:
        root = vfs.VfsLfs2(blocks, progsize=32)
    except OSError:
        print("The file system in flash is damaged: erase the partition vfs, or flash this board again")
        raise
    posix = {"/host": vfs.VfsPosix(folder), "/chip": vfs.VfsPosix(chip), "/sys": vfs.VfsPosix("/sys")}
    _mount(root)
    for path in posix:
        vfs.mount(posix[path], path)
    sys.path[:] = ["", ".frozen", "/lib", "/chip"]
    _wire()


def _mount(root):
    vfs.umount("/")
    vfs.mount(root, "/")
    os.chdir("/")


def _partition(file, name):
    """(start, size) of the partition of this name."""
    at = _TABLE_AT
    while True:
        file.seek(at)
        magic, _, _, start, size, found = struct.unpack("<2sBBLL16s", file.read(_ROW))
        if magic != b"\xaa\x50":
            raise OSError("flash has no partition named vfs")
        if found.rstrip(b"\0") == name:
            return start, size
        at += _ROW


def _is_blank(blocks):
    sector = bytearray(BLOCK)
    blocks.readblocks(0, sector)
    return sector == b"\xff" * BLOCK


def _wire():
    """What a board's network driver does: the interface gets the address that board.conf tells."""
    try:
        with open("/board.conf") as f:
            text = f.read()
    except OSError:
        return
    import json

    from twinlease.board import settings

    told = settings.parse(text)
    with open("/host/settings.json") as f:
        board = json.load(f)
    if "host-name" in told:
        board["host_name"] = told["host-name"][0]
    for interface in board["interfaces"]:
        if "address" in told:
            name, interface["address"] = interface["name"], told["address"][0]
            os.system("ip -4 address flush dev %s" % name)
            os.system("ip address add %s dev %s broadcast +" % (interface["address"], name))
    with open("/host/settings.json", "w") as f:
        json.dump(board, f)
    for name in list(sys.modules):
        if name.startswith("twinlease"):
            del sys.modules[name]
