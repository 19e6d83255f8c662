"""Leases in flash of their own: a partition as it is, or blocks that a littlefs has given away without knowing.

The littlefs is the real one, that boards have too, on flash that keeps the chip's rules: programs clear bits, on a Pico
by whole pages.  Under CPython there is none, and only what needs none is tested.
"""

import errno

import chips
from leases import lease, plain, small
from twinlease.board import carve
from twinlease.board.flash import Region
from twinlease.lease.journal import Journal

try:
    import vfs
except ImportError:
    vfs = None  # CPython

COUNT = 12
LEASES = 40


class Port:
    """A chip's flash with a littlefs on it, and how the port has set that up."""

    def __init__(self, page, progsize, blocks=96):
        self.nor = chips.Nor(blocks, page)
        self.progsize = progsize
        self.said = []
        self.block = None

    def start(self):
        """As the stock boot script does: a mount that fails means a new file system."""
        self.block = chips.Block(self.nor)
        try:
            fs = vfs.VfsLfs2(self.block, progsize=self.progsize, readsize=32)
        except OSError:
            vfs.VfsLfs2.mkfs(self.block, progsize=self.progsize, readsize=32)
            fs = vfs.VfsLfs2(self.block, progsize=self.progsize, readsize=32)
        vfs.mount(fs, "/chip")
        return self

    def stop(self):
        vfs.umount("/chip")

    def region(self):
        blocks = carve.blocks(self.nor, "/chip/leases", COUNT, self.said.append)
        return Region(self.nor, blocks, self.nor.page)


def ports():
    return [Port(256, 256), Port(1, 32)] if vfs else []


def put(path, octets):
    f = open(path, "wb")
    f.write(octets)
    f.close()


def get(path):
    f = open(path, "rb")
    octets = f.read()
    f.close()
    return octets


def served(region, rows, ends):
    """A journal on this region that has given these rows out, one sync each."""
    table = small(LEASES)
    journal = Journal(region, table)
    found = journal.recover()
    for row in rows:
        lease(table, row, plain(row), ends, 1000)
        journal.put_row(row)
        journal.sync()
        while journal.tend():
            pass
    return table, found


def ends(region):
    table = small(LEASES)
    Journal(region, table).recover()
    return [table.ends(row) for row in range(LEASES)]


def test_a_region_reads_and_programs_where_its_blocks_are():
    nor = chips.Nor(16)
    region = Region(nor, range(4, 8), 1)
    region.program(4090, b"\x11\x22\x33\x44\x55\x66\x77\x88")
    assert nor.octets[4 * 4096 + 4090 : 5 * 4096 + 2] == b"\x11\x22\x33\x44\x55\x66\x77\x88"
    region = Region(nor, [5, 2, 4], 1)
    buf = bytearray(3)
    region.read(2 * 4096 + 4090, buf)
    assert buf == b"\x11\x22\x33"
    region.program(4096 + 7, b"\x01")
    assert nor.octets[2 * 4096 + 7] == 1
    region.erase(1)
    region.sync()
    region.sync()
    assert nor.octets[2 * 4096 + 7] == 255
    assert (region.programs, region.programmed, region.erases, region.syncs) == (1, 1, 1, 1)
    assert list(region.block_erases) == [0, 1, 0] and region.size == 3 * 4096


def refused(number, call, *args):
    try:
        call(*args)
    except OSError as e:
        return e.args[0] == number
    return False


def test_what_flash_did_not_take_is_told():
    nor = chips.Nor(8)
    region = Region(nor, range(8), 1)
    region.program(0, bytes(600))
    assert refused(errno.EIO, region.program, 500, b"\x01" * 90), "a bit set without an erase"
    nor.worn = 3
    assert refused(errno.EIO, region.program, 3 * 4096 + 4095, b"\x7f"), "the last octet of a worn block"
    assert refused(errno.EIO, region.program, 3 * 4096 - 300, bytes(600)), "in the second block that it touches"
    for at, n in ((-1, 4), (8 * 4096, 1)):
        assert refused(errno.EINVAL, region.read, at, bytearray(n)), at


def test_a_partition_keeps_leases_by_pages_of_either_size():
    for page in (1, 256):
        nor = chips.Nor(24, page)
        served(Region(nor, range(2, 22), page), list(range(LEASES)) * 4, 7000)
        assert ends(Region(nor, range(2, 22), page)) == [7000] * LEASES, page
        assert nor.octets[: 2 * 4096] == b"\xff" * 8192, "and nothing beside"


def test_blocks_of_a_littlefs_keep_leases_and_the_files_beside_them_stay():
    for port in ports():
        port.start()
        put("/chip/before.py", b"x" * 9000)
        region = port.region()
        served(region, list(range(LEASES)) * 3, 7000)
        for i in range(40):  # littlefs writes all over what it thinks is free
            put("/chip/busy", bytes([i]) * (3000 + 500 * i))
            served(region, [i], 8000 + i)
        port.stop()
        port.start()
        assert port.region().size == COUNT * 4096
        assert ends(port.region()) == [8000 + i for i in range(LEASES)]
        assert get("/chip/before.py") == b"x" * 9000 and get("/chip/busy") == bytes([39]) * 22500
        assert port.said == ["12 blocks of flash for leases, 12 of them new"], port.said
        assert port.block.fault is None
        port.stop()


def test_new_blocks_are_blank():
    for port in ports():
        port.start()
        region = port.region()
        octets = bytearray(region.size)
        region.read(0, octets)
        assert octets == b"\xff" * region.size
        port.stop()


def test_the_blocks_are_the_files_own():
    """What is programmed behind littlefs's back is what it reads in the file."""
    for port in ports():
        port.start()
        region = port.region()
        for i in range(COUNT):
            page = bytes([i + 1]) * 256
            region.program(i * 4096 + 512, page)
            assert get("/chip/leases/%d" % i)[512:768] == page
        port.stop()


def test_power_may_go_at_any_moment_while_the_files_are_made():
    for port in ports():
        port.start()
        put("/chip/before.py", b"x" * 9000)
        port.stop()
        blank = bytes(port.nor.octets)
        cut = 0
        while True:
            port.nor.octets[:] = blank
            port.start()
            port.nor.cut_in = cut
            try:
                port.region()
                done = True
            except (OSError, chips.Cut):
                done = False
            port.nor.cut_in = -1
            try:
                port.stop()
            except OSError:
                pass
            port.start()
            served(port.region(), range(LEASES), 7000)
            port.stop()
            port.start()
            assert ends(port.region()) == [7000] * LEASES and get("/chip/before.py") == b"x" * 9000, cut
            port.stop()
            if done:
                break
            cut += 1 if cut < 12 else 17
        assert cut > 30


def test_a_map_that_is_lost_is_made_again_from_what_is_in_flash():
    for port in ports():
        port.start()
        served(port.region(), list(range(LEASES)) * 3, 7000)
        for spoil in (b"", b"\0" * (2 * COUNT + 4)):
            put("/chip/leases/map", spoil)
            assert ends(port.region()) == [7000] * LEASES
        port.stop()


def test_a_file_that_is_gone_costs_its_block_and_a_line():
    import os

    for port in ports():
        port.start()
        served(port.region(), list(range(LEASES)) * 3, 7000)
        os.remove("/chip/leases/0")
        put("/chip/other", b"y" * 30000)  # its block is somebody else's now
        region = port.region()
        assert "1 of 12 files of leases were gone, with what stood in them" in port.said
        served(region, range(LEASES), 9000)
        assert ends(port.region()) == [9000] * LEASES and get("/chip/other") == b"y" * 30000
        port.stop()


def test_a_file_that_was_copied_over_is_noticed_before_anything_is_programmed():
    for port in ports():
        port.start()
        served(port.region(), list(range(LEASES)) * 3, 7000)
        put("/chip/leases/0", b"z" * 4096)
        try:
            region = port.region()
        except OSError:
            port.stop()
            continue
        served(region, range(LEASES), 9000)
        assert ends(port.region()) == [9000] * LEASES
        port.stop()


def test_a_full_file_system_is_an_error_and_no_loop():
    for port in ports():
        port = Port(port.nor.page, port.progsize, 10)
        port.start()
        try:
            port.region()
            raise AssertionError("there is no room for it")
        except OSError:
            pass
        port.stop()
