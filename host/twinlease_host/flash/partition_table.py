"""The partition table of an ESP32: rows in the flash, at 0x8000, as the chip's second stage loader reads them.

Layout of ESP-IDF: rows of 32 octets, then one with the MD5 of those before it, then erased flash.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

AT = 0x8000
SIZE = 0xC00
_ROW = struct.Struct("<2sBBLL16sL")
_MAGIC, _DIGEST = b"\xaa\x50", b"\xeb\xeb" + b"\xff" * 14
APP, DATA = 0, 1
FACTORY, NVS, PHY, FAT, UNDEFINED = 0x00, 0x02, 0x01, 0x81, 0x06


@dataclass(frozen=True)
class Row:
    """A partition; `at` and `size` are octets."""

    name: str
    kind: int
    subtype: int
    at: int
    size: int

    @property
    def end(self) -> int:
        return self.at + self.size


def encode(rows: list[Row]) -> bytes:
    """The table as it stands in flash."""
    out = b"".join(_ROW.pack(_MAGIC, r.kind, r.subtype, r.at, r.size, r.name.encode(), 0) for r in rows)
    return (out + _DIGEST + hashlib.md5(out).digest()).ljust(SIZE, b"\xff")


def decode(octets: bytes) -> list[Row] | None:
    """The rows, or None if this is no table, or one that was cut short: the digest must be right."""
    rows: list[Row] = []
    for at in range(0, len(octets) - _ROW.size + 1, _ROW.size):
        piece = octets[at : at + _ROW.size]
        if piece.startswith(_DIGEST):
            return rows if piece[16:] == hashlib.md5(octets[:at]).digest() else None
        magic, kind, subtype, start, size, name, _ = _ROW.unpack(piece)
        if magic != _MAGIC:
            return None
        rows.append(Row(name.rstrip(b"\0").decode(errors="replace"), kind, subtype, start, size))
    return None


def with_leases(flash: int, leases: int) -> list[Row]:
    """Our table: the stock one, whose program is where it was, then leases, then all that is left for files."""
    rows = [
        Row("nvs", DATA, NVS, 0x9000, 0x6000),
        Row("phy_init", DATA, PHY, 0xF000, 0x1000),
        Row("factory", APP, FACTORY, 0x10000, 0x1F0000),
        Row("leases", DATA, UNDEFINED, 0x200000, leases),
    ]
    return [*rows, Row("vfs", DATA, FAT, rows[-1].end, flash - rows[-1].end)]


def find(rows: list[Row] | None, name: str) -> Row | None:
    """The partition of this name."""
    return next((row for row in rows or [] if row.name == name), None)
