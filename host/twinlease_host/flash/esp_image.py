"""A program as an ESP32 starts it: a header, segments, a checksum, a SHA-256 (ESP-IDF, "App Image Format").

`measure` is for who has to know where it ends and whether it is whole; `make` for a virtual board's stand-in.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

MAGIC = 0xE9
CHIPS = {"esp32": 0, "esp32s2": 2, "esp32c3": 5, "esp32s3": 9, "esp32c6": 13}
_HEAD = struct.Struct("<BBBBL")
_MORE = struct.Struct("<BBBBHBHH4xB")  # of it the fifth is the chip, the last whether a SHA-256 follows
_SEGMENT = struct.Struct("<LL")
_SEGMENTS_MAX = 16
_DESCRIBES = 0xABCD5432  # the word at the start of an application's first segment; names follow


class Damaged(Exception):
    """These octets are no program, or not all of one."""


@dataclass(frozen=True)
class Program:
    """What a header tells, and how long the whole is."""

    chip: int
    size: int
    version: str
    project: str

    @property
    def chip_name(self) -> str:
        return next((name for name, number in CHIPS.items() if number == self.chip), f"chip {self.chip}")


def measure(octets: bytes) -> Program:
    """Read a program that begins here; raises Damaged. What follows it does not matter."""
    try:
        magic, segments, _, _, _ = _HEAD.unpack_from(octets)
        more = _MORE.unpack_from(octets, _HEAD.size)
        if magic != MAGIC or not 0 < segments <= _SEGMENTS_MAX:
            raise Damaged(f"it begins with 0x{magic:02x}, not with 0x{MAGIC:02x}")
        at, check, names = _HEAD.size + _MORE.size, 0xEF, ("", "")
        for n in range(segments):
            _, size = _SEGMENT.unpack_from(octets, at)
            body = octets[at + _SEGMENT.size : at + _SEGMENT.size + size]
            if len(body) < size:
                raise Damaged("it is cut short")
            names = _names(body) if n == 0 else names
            check ^= xor(body)
            at += _SEGMENT.size + size
        at += 16 - at % 16
        if octets[at - 1] != check:
            raise Damaged("its checksum is wrong")
        if more[-1]:
            if hashlib.sha256(octets[:at]).digest() != octets[at : at + 32]:
                raise Damaged("its SHA-256 is wrong")
            at += 32
        return Program(more[4], at, *names)
    except (struct.error, IndexError):
        raise Damaged("it is cut short") from None


def make(chip: str, body: bytes, version: str = "", project: str = "") -> bytes:
    """A program of one segment, as `measure` wants it."""
    if version or project:
        body = struct.pack("<LL8x32s32s176x", _DESCRIBES, 0, version.encode(), project.encode()) + body
    body += bytes(-len(body) % 4)
    out = _HEAD.pack(MAGIC, 1, 2, 0x20, 0x40080000)
    out += _MORE.pack(0xEE, 0, 0, 0, CHIPS[chip], 0, 0, 0xFFFF, 1)
    out += _SEGMENT.pack(0x3F400020, len(body)) + body
    out += bytes(15 - len(out) % 16) + bytes([0xEF ^ xor(body)])
    return out + hashlib.sha256(out).digest()


def _names(body: bytes) -> tuple[str, str]:
    """Version and name of an application, which its first segment begins with."""
    if len(body) < 80 or struct.unpack_from("<L", body)[0] != _DESCRIBES:
        return "", ""
    version, project = struct.unpack_from("<32s32s", body, 16)
    return version.rstrip(b"\0").decode(errors="replace"), project.rstrip(b"\0").decode(errors="replace")


def xor(octets: bytes) -> int:
    """Of all octets: halves are folded upon each other."""
    number, bits = int.from_bytes(octets, "little"), 8
    while bits < 8 * len(octets):
        bits *= 2
    while bits > 8:
        bits //= 2
        number = (number >> bits) ^ (number & (1 << bits) - 1)
    return number
