"""Configuration files: whatever moment the power goes, the old text is there or the new one.

On MicroPython over littlefs in NOR flash, with a cut at every single program and erase, whole and torn; on CPython the
files are the host's, and the promise is the host file system's.
"""

import os

from twinlease.board import files, littlefs, nor

try:
    import vfs
except ImportError:  # CPython
    vfs = None
    import tempfile

BLOCKS = 24
OLD = b"subnet 10.0.0.0 netmask 255.0.0.0 { }\n" * 20
NEW = b"subnet 10.1.0.0 netmask 255.255.0.0 { }\n" * 40


class Flash:
    """A region in RAM that loses its power after `limit` programs and erases; the last one is done by half if torn."""

    size = BLOCKS * nor.BLOCK

    def __init__(self, octets=None, limit=1 << 29, torn=False):
        self.octets = octets or bytearray(b"\xff" * self.size)
        self.limit = limit
        self.torn = torn
        self.operations = 0

    def read(self, at, buf):
        buf[:] = self.octets[at : at + len(buf)]

    def program(self, at, buf):
        n = self._power(len(buf))
        for i in range(n):
            assert not buf[i] & ~self.octets[at + i], "a bit set without an erase"
            self.octets[at + i] = buf[i]

    def erase(self, block):
        n = self._power(nor.BLOCK)
        self.octets[block * nor.BLOCK : block * nor.BLOCK + n] = b"\xff" * n

    def sync(self):
        pass

    def _power(self, n):
        """How much of n octets still happens."""
        self.operations += 1
        if self.operations < self.limit:
            return n
        return n // 2 if self.operations == self.limit and self.torn else 0


def mounted(flash):
    blocks = littlefs.Blocks(flash)
    try:
        fs = vfs.VfsLfs2(blocks, progsize=32)
    except OSError:
        vfs.VfsLfs2.mkfs(blocks, progsize=32)
        fs = vfs.VfsLfs2(blocks, progsize=32)
    vfs.mount(fs, "/test")
    return files.Store("/test")


def left_after(octets, limit, torn):
    """Replace OLD by NEW with the power gone after `limit` operations; what does the next start find?"""
    flash = Flash(bytearray(octets), limit, torn)
    files = mounted(flash)
    try:
        files.store("dhcpd.conf", NEW)
    except OSError:
        pass
    vfs.umount("/test")
    found = mounted(Flash(flash.octets)).load("dhcpd.conf")
    vfs.umount("/test")
    return found, flash.operations >= limit


def test_a_power_cut_at_any_moment_leaves_the_old_text_or_the_new_one():
    if vfs is None:
        return
    flash = Flash()
    mounted(flash).store("dhcpd.conf", OLD)
    vfs.umount("/test")
    for torn in (False, True):
        seen = set()
        limit, cut = 1, True
        while cut:
            found, cut = left_after(flash.octets, limit, torn)
            assert found in (OLD, NEW), "cut at operation %d" % limit
            seen.add(found == NEW)
            limit += 1
        assert limit > 5 and seen == {False, True}


def test_a_power_cut_while_the_file_system_is_made_leaves_one_that_can_be_made():
    if vfs is None:
        return
    for torn in (False, True):
        for limit in range(1, 12):
            flash = Flash(limit=limit, torn=torn)
            try:
                mounted(flash)
                vfs.umount("/test")
            except OSError:
                pass
            files = mounted(Flash(flash.octets))
            files.store("dhcpd.conf", NEW)
            assert files.load("dhcpd.conf") == NEW
            vfs.umount("/test")


def folder():
    if vfs is None:
        return files.Store(tempfile.mkdtemp())
    return mounted(Flash())


def gone():
    if vfs is not None:
        vfs.umount("/test")


def test_what_is_stored_is_loaded_and_nothing_is_none():
    files = folder()
    try:
        assert files.load("dhcpd.conf") is None
        for text in (OLD, NEW, b"", b"# \xff\x00\n"):
            files.store("dhcpd.conf", text)
            assert files.load("dhcpd.conf") == text
        files.store("sites/office%2F.conf", b"a")
        assert files.load("sites/office%2F.conf") == b"a" and files.load("sites/office/.conf") is None
    finally:
        gone()


def test_install_replaces_only_what_differs():
    files = folder()
    source = "/tmp/twinlease-store-%d" % int.from_bytes(os.urandom(4), "big")
    try:
        for text, changed in ((OLD, True), (OLD, False), (NEW, True), (NEW[:-1], True), (NEW, True), (NEW, False)):
            with open(source, "wb") as f:
                f.write(text)
            assert files.install("dhcpd.conf", source) is changed
            assert files.load("dhcpd.conf") == text
    finally:
        os.remove(source)
        gone()
