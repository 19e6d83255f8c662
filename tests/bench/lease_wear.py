"""What a lease costs: heap octets, flash octets, erases, time to recover.  CPython and MicroPython.

    python tests/bench/lease_wear.py            or   micropython -X heapsize=1M tests/bench/lease_wear.py

1,000 leases in 256 KiB of NOR flash in RAM; the flash is 256 KiB of the heap
here, and on no board.  Prints one figure a line.
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


main()
