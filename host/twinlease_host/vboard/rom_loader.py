"""The ROM of a virtual ESP32, as far as its serial loader goes: what esptool talks to.

    python -m twinlease_host.vboard.rom_loader FLASH            the loader, on standard input and output
    python -m twinlease_host.vboard.rom_loader FLASH REASON     a chip that finds nothing to start, and says so

The flash is NOR, in a file: programming clears bits only, so what was not erased before does not verify. There is no
stub in it: one that is loaded "starts" by name, and answers as such a one does.

The protocol is Espressif's ("Serial Protocol" in esptool's documentation): SLIP frames of a command each.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import signal
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

from ..flash.esp_image import xor

_SECTOR = 4096
_REBOOT = 3  # the exit status by which the virtual board knows that it is to start again
_FRAME, _ESCAPE = 0xC0, 0xDB
_HEAD = struct.Struct("<BBHI")

# Commands of the ROM, and those that only a stub has.
FLASH_BEGIN, FLASH_DATA, FLASH_END, MEM_END, MEM_DATA, SYNC = 0x02, 0x03, 0x04, 0x06, 0x07, 0x08
WRITE_REG, READ_REG, READ_SLOW, DEFL_BEGIN, DEFL_DATA, DEFL_END, MD5 = 0x09, 0x0A, 0x0E, 0x10, 0x11, 0x12, 0x13
ERASE_FLASH, ERASE_REGION, READ_FLASH = 0xD0, 0xD1, 0xD2
_NOTHING_TO_DO = (0x05, MEM_DATA, 0x0B, 0x0D, 0x0F)  # MEM_BEGIN, SPI_SET_PARAMS, SPI_ATTACH, CHANGE_BAUDRATE
_WRONG_COMMAND, _FAILED, _WRONG_SUM, _PROGRAM_FAILED = 5, 6, 7, 8

_SPI = 0x3FF42000
_REGISTERS = {
    0x40001000: 0x00F01D83,  # by which esptool knows an ESP32
    0x3FF5A004: 0x33445566,  # fuses: the MAC's lower 32 bits
    0x3FF5A008: 0x00002462,  # and its upper 16
    0x3FF5A00C: 1 << 15 | 1 << 9,  # revision and package
    0x3FF5A014: 1 << 20 | 1 << 24,
    0x3FF6607C: 1 << 31,
    0x3FF40014: 40_000_000 // 115200,  # the UART's divider, by which the crystal is measured
}


class Flash:
    """A file of a power of two octets, in which programming clears bits."""

    def __init__(self, path: Path) -> None:
        with open(path, "r+b") as file:
            self.octets = mmap.mmap(file.fileno(), 0)
        self.size = len(self.octets)
        self.cut_after = int(os.environ.get("CUT_AFTER", "0"))
        """Tests: after so many octets that were programmed, the power goes."""

    @property
    def jedec(self) -> int:
        """The identity that its capacity is read from."""
        return 0xEF | 0x40 << 8 | (self.size.bit_length() - 1) << 16

    def erase(self, at: int, n: int) -> bool:
        """All sectors that these octets touch."""
        if at + n > self.size:
            return False
        start, end = at // _SECTOR * _SECTOR, -(-(at + n) // _SECTOR) * _SECTOR
        self.octets[start:end] = b"\xff" * (end - start)
        return True

    def program(self, at: int, data: bytes) -> bool:
        """Bits go from 1 to 0."""
        end = at + len(data)
        if end > self.size:
            return False
        both = int.from_bytes(self.octets[at:end], "little") & int.from_bytes(data, "little")
        self.octets[at:end] = both.to_bytes(len(data), "little")
        if self.cut_after:
            self.cut_after -= len(data)
            if self.cut_after <= 0:
                os.killpg(0, signal.SIGKILL)
        return True


class Loader:
    """Octets in, octets out. `ended` when it was told to start the program in flash."""

    def __init__(self, flash: Flash) -> None:
        self.flash = flash
        self.ended = False
        self._registers = dict(_REGISTERS)
        self._stub = False
        self._frame: bytearray | None = None
        self._escaped = False
        self._at = self._block = 0
        self._inflate = zlib.decompressobj()
        self._reading: _Reading | None = None

    def feed(self, octets: bytes) -> bytes:
        """What it answers to these octets."""
        return b"".join(reply for frame in self._frames(octets) for reply in self._take(frame))

    def _frames(self, octets: bytes) -> Iterator[bytes]:
        for octet in octets:
            if octet == _FRAME:
                if self._frame:
                    yield bytes(self._frame)
                    self._frame = None
                else:
                    self._frame = bytearray()
            elif self._frame is None:
                pass  # between frames: noise, or the training of another chip
            elif self._escaped:
                self._frame.append({0xDC: _FRAME, 0xDD: _ESCAPE}.get(octet, octet))
                self._escaped = False
            elif octet == _ESCAPE:
                self._escaped = True
            else:
                self._frame.append(octet)

    def _take(self, frame: bytes) -> Iterator[bytes]:
        if self._reading:
            yield from map(_framed, self._reading.acknowledged(frame))
            if self._reading.done:
                self._reading = None
            return
        if len(frame) < _HEAD.size or frame[0] != 0:
            return
        _, command, size, check = _HEAD.unpack_from(frame)
        data = frame[_HEAD.size : _HEAD.size + size]
        words = struct.unpack_from("<%dI" % min(len(data) // 4, 6), data)
        body = b""
        if command in (FLASH_DATA, MEM_DATA, DEFL_DATA):
            body = data[16 : 16 + words[0]]
            if xor(body) ^ 0xEF != check & 0xFF:
                yield self._reply(command, error=_WRONG_SUM)
                return
        if command == SYNC:  # eight answers; a value other than 0 says that no stub runs
            yield self._reply(command, 0 if self._stub else 0x20120707) * 8
        elif command in _NOTHING_TO_DO:
            yield self._reply(command)
        elif self._stub and command in (ERASE_FLASH, ERASE_REGION, READ_FLASH):
            yield from self._of_stub(command, words)
        elif command == MEM_END:
            yield self._reply(command)
            if words[1]:
                self._stub = True
                yield _framed(b"OHAI")
        elif command in (READ_REG, WRITE_REG):
            yield self._register(command, words, data)
        else:
            yield self._of_flash(command, words, body)

    def _of_flash(self, command: int, words: tuple[int, ...], body: bytes) -> bytes:
        flash = self.flash
        if command in (FLASH_BEGIN, DEFL_BEGIN):
            size, _, self._block, self._at = words[:4]
            self._inflate = zlib.decompressobj()
            return self._reply(command, error=0 if flash.erase(self._at, size) else _FAILED)
        if command == FLASH_DATA:
            done = flash.program(self._at + words[1] * self._block, body)
            return self._reply(command, error=0 if done else _PROGRAM_FAILED)
        if command == DEFL_DATA:
            plain = self._inflate.decompress(body)
            done = flash.program(self._at, plain)
            self._at += len(plain)
            return self._reply(command, error=0 if done else 0x0B)
        if command in (FLASH_END, DEFL_END):
            self.ended = words[0] == 0
            return self._reply(command)
        if command == MD5:
            digest = hashlib.md5(flash.octets[words[0] : words[0] + words[1]])
            return self._reply(command, data=digest.digest() if self._stub else digest.hexdigest().encode())
        if command == READ_SLOW:
            return self._reply(command, data=flash.octets[words[0] : words[0] + words[1]].ljust(64, b"\0"))
        return self._reply(command, error=_WRONG_COMMAND)

    def _of_stub(self, command: int, words: tuple[int, ...]) -> Iterator[bytes]:
        if command == READ_FLASH:
            yield self._reply(command)
            at, size, block = words[:3]
            self._reading = _Reading(self.flash.octets[at : at + size], block)
            yield from map(_framed, self._reading.acknowledged(bytes(4)))
            return
        at, size = (0, self.flash.size) if command == ERASE_FLASH else words[:2]
        yield self._reply(command, error=0 if self.flash.erase(at, size) else _FAILED)

    def _register(self, command: int, words: tuple[int, ...], data: bytes) -> bytes:
        if command == READ_REG:
            return self._reply(command, self._registers.get(words[0], 0))
        for address, value, _, _ in struct.iter_unpack("<4I", data[: len(data) // 16 * 16]):
            self._registers[address] = value
            if address == _SPI and value & 1 << 18:  # run the flash command that stands in SPI_USR2
                asked = self._registers.get(_SPI + 0x24, 0) & 0xFF
                self._registers[_SPI + 0x80] = self.flash.jedec if asked == 0x9F else 0
                self._registers[_SPI] = 0
        return self._reply(command)

    def _reply(self, command: int, value: int = 0, data: bytes = b"", error: int = 0) -> bytes:
        data += bytes((1, error) if error else (0, 0)) + (b"" if self._stub else bytes(2))
        return _framed(_HEAD.pack(1, command, len(data), value) + data)


class _Reading:
    """Flash on its way to the PC: a block, then an acknowledgement, at the end the digest."""

    def __init__(self, octets: bytes, block: int) -> None:
        self._octets = octets
        self._block = block
        self._sent = 0
        self.done = False

    def acknowledged(self, frame: bytes) -> Iterator[bytes]:
        if struct.unpack_from("<I", frame)[0] < self._sent:
            return
        if self._sent < len(self._octets):
            block = self._octets[self._sent : self._sent + self._block]
            self._sent += len(block)
            yield block
        else:
            self.done = True
            yield hashlib.md5(self._octets).digest()


def _framed(octets: bytes) -> bytes:
    inside = octets.replace(b"\xdb", b"\xdb\xdd").replace(b"\xc0", b"\xdb\xdc")
    return b"\xc0" + inside + b"\xc0"


def main(path: str, reason: str = "") -> int:
    """Serve the serial line until the chip is reset, or is told to start what is in flash."""
    _say((reason or "waiting for download").encode() + b"\r\n")
    loader = Loader(Flash(Path(path)))
    while octets := os.read(0, 65536):
        if not reason:
            _say(loader.feed(octets))
        if loader.ended:
            return _REBOOT
    return 0


def _say(octets: bytes) -> None:
    while octets:
        octets = octets[os.write(1, octets) :]


if __name__ == "__main__":
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    sys.exit(main(*sys.argv[1:]))
