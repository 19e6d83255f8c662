"""A stand-in for MicroPython's image of an ESP32, for a virtual one: as large, as well formed, and without a program.

There is no emulator of the chip here. A virtual ESP32 looks for a whole image, as the real one does, and runs the unix
port then.
"""

from __future__ import annotations

import random

from ..flash import esp_image, partition_table

_STARTS_AT = 0x1000
VERSION = "v1.29.0"


def image(kib: int = 384, version: str = VERSION) -> bytes:
    """Loader, stock partition table and program in one piece, as from micropython.org: it goes to 0x1000."""
    noise = random.Random(version)
    loader = esp_image.make("esp32", noise.randbytes(20_000))
    program = esp_image.make("esp32", noise.randbytes(kib << 10), version, "micropython")
    rows = [row for row in partition_table.with_leases(4 << 20, 4096) if row.at < 0x200000]
    whole = loader.ljust(partition_table.AT - _STARTS_AT, b"\xff") + partition_table.encode(rows)
    return whole.ljust(rows[-1].at - _STARTS_AT, b"\xff") + program
