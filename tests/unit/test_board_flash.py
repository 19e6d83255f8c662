"""The flash file keeps the rules of NOR: programs clear bits, erases set them, and nothing else is possible."""

import errno
import os

from twinlease.board import littlefs, nor

PATH = "/tmp/twinlease-flash-%d.bin" % int.from_bytes(os.urandom(4), "big")
SIZE = 0x8000


def fresh(start=0x1000, size=0x4000):
    region = nor.Region(nor.open_file(PATH, SIZE), start, size)
    os.remove(PATH)  # it stays as long as it is open
    return region


def refused(number, action, *args):
    try:
        action(*args)
    except OSError as e:
        return e.args[0] == number
    return False


def contents(region, at, n):
    buf = bytearray(n)
    region.read(at, buf)
    return bytes(buf)


def test_a_new_file_is_erased_flash_of_full_size():
    nor.open_file(PATH, SIZE).close()
    with open(PATH, "rb") as f:
        assert f.read() == b"\xff" * SIZE
    os.remove(PATH)


def test_a_file_whose_making_was_cut_short_is_completed_and_keeps_what_it_has():
    with open(PATH, "wb") as f:
        f.write(b"\x12" * 5000)
    region = nor.Region(nor.open_file(PATH, SIZE), 0, SIZE)
    assert contents(region, 0, 5000) == b"\x12" * 5000
    assert contents(region, 5000, 64) == b"\xff" * 64
    assert os.stat(PATH)[6] == SIZE
    os.remove(PATH)


def test_program_clears_bits_and_may_clear_more_of_them():
    region = fresh()
    region.program(100, memoryview(b"\xf0\x0f\xff"))
    region.program(100, b"\x30\x0f\x00")
    assert contents(region, 99, 5) == b"\xff\x30\x0f\x00\xff"


def test_setting_a_bit_is_refused_with_its_address_and_changes_nothing():
    region = fresh()
    region.program(0x200, b"\x00" * 600)
    new = bytearray(600)
    new[555] = 1
    try:
        region.program(0x200, new)
        raise AssertionError("it set a bit without an erase")
    except OSError as e:
        assert e.args[0] == errno.EPERM and "0x%x" % (0x200 + 555) in str(e)
    assert contents(region, 0x200, 600) == bytes(600)


def test_erase_sets_the_bits_of_its_block_only():
    region = fresh()
    region.program(4090, bytes(12))
    region.erase(1)
    assert contents(region, 4090, 12) == bytes(6) + b"\xff" * 6


def test_addresses_outside_of_the_region_are_refused():
    region = fresh(size=0x2000)
    for at, n in ((-1, 4), (0x2000, 1), (0x1FFF, 2)):
        assert refused(errno.EINVAL, region.program, at, bytes(n)), at
        assert refused(errno.EINVAL, region.read, at, bytearray(n)), at
    for block in (-1, 2):
        assert refused(errno.EINVAL, region.erase, block), block


def test_regions_of_one_file_do_not_touch_each_other():
    first = fresh(0, 0x1000)
    second = nor.Region(first._file, 0x1000, 0x1000)
    second.program(0, b"\x11")
    first.erase(0)
    assert contents(second, 0, 2) == b"\x11\xff" and contents(first, 0, 1) == b"\xff"


def test_counters_say_what_was_done():
    region = fresh()
    region.program(0, bytes(40))
    region.program(40, bytes(24))
    region.erase(2)
    region.sync()
    region.sync()
    assert (region.programs, region.programmed, region.erases) == (2, 64, 1)
    assert region.written == 64 + 4096 and list(region.block_erases) == [0, 0, 1, 0]
    assert region.syncs == 1, "nothing was written between the two"


def test_program_and_read_allocate_nothing():
    import micropython

    region = fresh()
    record = bytearray(600)
    region.program(0, record)
    micropython.heap_lock()
    try:
        region.program(600, record)
        region.read(600, record)
        region.sync()
    finally:
        micropython.heap_unlock()


def test_as_a_block_device_it_returns_errors_and_keeps_them():
    region = fresh()
    blocks = littlefs.Blocks(region)
    assert blocks.ioctl(4, 0) == 4 and blocks.ioctl(5, 0) == 4096
    assert blocks.writeblocks(1, b"\x00" * 8, 16) == 0
    assert blocks.writeblocks(1, b"\xff" * 8, 16) == -errno.EIO and "0x1010" in str(blocks.fault)
    assert blocks.writeblocks(1, b"\x55" * 4096) == 0, "a whole block without an offset erases first"
    buf = bytearray(8)
    assert blocks.readblocks(1, buf, 16) == 0 and bytes(buf) == b"\x55" * 8
