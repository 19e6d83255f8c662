"""What a lease costs: heap octets, flash octets, erases, time to recover; and what an office's day costs a flash.

    python tests/bench/lease_wear.py            or   micropython -X heapsize=2M tests/bench/lease_wear.py

1,000 leases in 256 KiB of NOR flash in RAM; the flash is 256 KiB of the heap
here, and on no board.  Prints one figure a line.

On CPython besides: the day of 250 clients that tests/power/ cuts the power in (office.py), for a board alone and for one
of a pair, programs of any length (ESP32) and of whole pages (rp2).  On MicroPython besides: what littlefs adds where leases
are files of it, as on rp2: short files, each appended to and flushed, the oldest begun anew.
"""

import gc
import sys
import time

ROOT = __file__.rsplit("/", 3)[0] if __file__.count("/") > 2 else "."
sys.path[:0] = [ROOT + "/firmware", ROOT + "/tests/unit"]

from leases import lease, plain, small  # noqa: E402
from nor import Nor  # noqa: E402
from twinlease.lease.journal import Journal  # noqa: E402
from twinlease.lease.table import ITEM_HOST_NAME  # noqa: E402

LEASES = 1000
RENEWALS = 20000


class FastNor(Nor):
    """Without the check of every bit, which would be most of the time measured."""

    def program(self, at, buf):
        self.data[at : at + len(buf)] = buf
        self.programmed += len(buf)
        self.programs += 1

    def erase(self, block):
        self.data[block * 4096 : block * 4096 + 4096] = b"\xff" * 4096
        self.block_erases[block] += 1


def now_us():
    if sys.implementation.name == "micropython":
        return time.ticks_us()
    return time.perf_counter_ns() // 1000


def fill_table(table, journal):
    for row in range(LEASES):
        lease(table, row, plain(row), 5000, 1000)
        table.put_item(row, ITEM_HOST_NAME, b"host-%06d" % row, 0, 11)
        journal.put_row(row)
        journal.sync()
        journal.tend()


def renewals(table, journal):
    """Renew in turns; returns microseconds a renewal, longest tend, both without the flash's own time."""
    longest = 0
    start = now_us()
    for i in range(RENEWALS):
        row = i * 7 % LEASES
        table.set_times(row, 5000 + i, 1000 + i)
        journal.put_row(row)
        journal.sync()
        a = now_us()
        journal.tend()
        longest = max(longest, now_us() - a)
    return (now_us() - start) / RENEWALS, longest


ENDURANCE = 100_000  # erases of a sector, as data sheets promise


def office_day(paired, unit):
    """One day; the flash that it was spent on had gone round before."""
    import office

    day = office.Day(1, paired, program_unit=unit)
    flash = day.flash
    before = flash.programs, flash.programmed, list(flash.block_erases)
    day.run()
    flash = day.flash
    programs, octets = flash.programs - before[0], flash.programmed - before[1]
    erases = [now - then for now, then in zip(flash.block_erases, before[2])]
    counts = day.a.counts
    events = counts["acks"] + counts["releases"] + day.a.acknowledged
    years = ENDURANCE * len(erases) / sum(erases) / 365
    print(
        "office day, %s, programs of %d: %d ACKs, %d releases, %d updates of the partner; %d programs, %d octets (%.0f each event), "
        "%d erases (%.0f events each), most in one block %d: %.0f years"
        % (
            "a pair's primary" if paired else "alone",
            unit,
            counts["acks"],
            counts["releases"],
            day.a.acknowledged,
            programs,
            octets,
            octets / events,
            sum(erases),
            events / sum(erases),
            max(erases),
            years,
        )
    )


class Device:
    """Flash for littlefs, which counts."""

    def __init__(self, blocks):
        self.blocks = blocks
        self.data = bytearray(blocks * 4096)
        self.programmed = 0
        self.erases = [0] * blocks

    def readblocks(self, block, buf, at=0):
        at += block * 4096
        buf[:] = memoryview(self.data)[at : at + len(buf)]

    def writeblocks(self, block, buf, at):
        at += block * 4096
        self.data[at : at + len(buf)] = buf
        self.programmed += len(buf)

    def ioctl(self, op, arg):
        if op == 6:
            self.erases[arg] += 1
        return {4: self.blocks, 5: 4096}.get(op, 0)


def littlefs(most, record=32, syncs=4000, files=64):
    """Records in files of up to `most` octets, on littlefs as rp2 has it."""
    import vfs

    device = Device(128)
    vfs.VfsLfs2.mkfs(device, progsize=256, readsize=32, lookahead=32)
    vfs.mount(vfs.VfsLfs2(device, progsize=256, readsize=32, lookahead=32), "/lfs")
    f, at, left = None, 0, 0
    for i in range(2 * syncs):
        if i == syncs:  # all files are there by now
            device.programmed, device.erases = 0, [0] * device.blocks
        if left < record:
            if f:
                f.close()
            f = open("/lfs/%d" % at, "wb")
            at, left = (at + 1) % files, most
        f.write(bytes(record))
        f.flush()
        left -= record
    f.close()
    vfs.umount("/lfs")
    print(
        "littlefs, program unit 256, files of %d octets: %.0f octets and %.3f erases a sync of %d octets, most in one block %d of %d"
        % (most, device.programmed / syncs, sum(device.erases) / syncs, record, max(device.erases), sum(device.erases))
    )


def main():
    table = small(LEASES)
    flash = FastNor(64)
    journal = Journal(flash, table)
    journal.recover()
    print("table: %.1f octets a lease" % (table.octets / LEASES))
    fill_table(table, journal)
    print("new leases with host name: %.1f octets each" % (journal.programmed / LEASES))
    programmed, erases = journal.programmed, journal.erases
    us, longest = renewals(table, journal)
    programmed, erases = journal.programmed - programmed, journal.erases - erases
    print("renewals: %.1f octets each, compaction included" % (programmed / RENEWALS))
    print("renewals: %.1f for each block erased" % (RENEWALS / erases))
    print("renewal in table and journal: %.1f us; longest step of tend: %d us" % (us, longest))
    fresh = small(LEASES)
    other = Journal(flash, fresh)
    gc.collect()
    start = now_us()
    found = other.recover()
    took = now_us() - start
    print("recovery: %d leases from %d records in %.1f ms" % (found.rows, found.records, took / 1000))
    assert found.rows == LEASES and fresh.ends(7) == table.ends(7)
    if sys.implementation.name == "micropython":
        littlefs(512)
        littlefs(4096)
    else:
        sys.path.append(ROOT + "/tests/power")
        for paired in (False, True):
            for unit in (1, 256):
                office_day(paired, unit)


main()
