"""Pico family: an image is a file that is copied to the disk that the chip's loader shows (UF2).

A loader that gets a file for another chip ignores it and says nothing, so the family is looked at beforehand.
"""

from __future__ import annotations

import errno
import os
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

from ..errors import UserError

_BLOCK = 512
_HEAD = struct.Struct("<8I")
_STARTS = (0x0A324655, 0x9E5D5157)
_ENDS = 0x0AB16F30
_HAS_FAMILY = 0x2000
FAMILIES = {0xE48BFF56: "rp2040", 0xE48BFF59: "rp2350", 0xE48BFF5A: "rp2350-riscv", 0xE48BFF5B: "rp2350"}
_ANYTHING = (0xE48BFF57, 0xE48BFF58)  # absolute addresses, and data: for every chip
DISKS = {"rp2040": "RPI-RP2", "rp2350": "RP2350"}
_TOLD_BY = "INFO_UF2.TXT"
_PIECE = 65536


def family(octets: bytes, name: str) -> str:
    """The chip that an image is for; raises UserError if it is none, or not whole."""
    found = set()
    for at in range(0, len(octets), _BLOCK):
        block = octets[at : at + _BLOCK]
        if len(block) < _BLOCK or _HEAD.unpack_from(block)[:2] != _STARTS or block[-4:] != _ENDS.to_bytes(4, "little"):
            raise UserError(f"{name} is no UF2 file, or not all of one (at octet {at})", "download it again")
        _, _, flags, _, _, _, _, number = _HEAD.unpack_from(block)
        if flags & _HAS_FAMILY and number not in _ANYTHING:
            found.add(FAMILIES.get(number, f"family 0x{number:08x}"))
    if len(found) != 1:
        raise UserError(f"{name} is for {', '.join(sorted(found)) or 'no chip that it names'}", "name another file")
    return found.pop()


def find_disk(chip: str, given: Path | None, limit_s: float, ask: Callable[[str], None]) -> Path:
    """The folder where the loader's disk is mounted; waits for it. `ask` is told what a person is to do, once."""
    end = time.monotonic() + limit_s
    asked = False
    while True:
        for folder in [given] if given else _mounted():
            if (folder / _TOLD_BY).exists():
                return _checked(folder, chip)
        if given and given.exists() and any(given.iterdir()):
            raise UserError(f"{given} is no disk of a loader: {_TOLD_BY} is not there", "name the folder of that disk")
        if time.monotonic() > end:
            raise UserError(
                f"no disk named {DISKS[chip]} has shown up",
                "hold BOOTSEL while you plug the board in; mount the disk if this PC does not by itself, and name it: "
                "--drive FOLDER",
            )
        if not asked:
            asked = True
            ask(f"waiting for the disk {DISKS[chip]}: hold BOOTSEL while you plug the board in")
        time.sleep(0.2)


def copy(octets: bytes, name: str, disk: Path, progress: Callable[[int, int], None]) -> None:
    """Write the file; the disk goes when it has the last block, which is no error."""
    try:
        with open(disk / name, "wb", buffering=0) as file:
            for at in range(0, len(octets), _PIECE):
                file.write(octets[at : at + _PIECE])
                progress(min(at + _PIECE, len(octets)), len(octets))
            os.fsync(file.fileno())
    except OSError as bad:
        gone = not (disk / _TOLD_BY).exists()
        if bad.errno == errno.ENOSPC:
            raise UserError(f"{name} is too large for {disk}", "is it for this board?") from None
        if not gone:
            raise UserError(
                f"{disk} cannot be written: {bad.strerror}", "is it mounted for you? run this again"
            ) from None


def _checked(folder: Path, chip: str) -> Path:
    told = (folder / _TOLD_BY).read_text(errors="replace")
    is_new = "RP2350" in told
    if is_new != (chip == "rp2350"):
        raise UserError(
            f"the board at {folder} has an {'RP2350' if is_new else 'RP2040'}, and this image is for an {chip.upper()}",
            "name the board that it is: BOARD=pico-w, pico-2-w …",
        )
    return folder


def _mounted() -> list[Path]:
    """Folders where disks are mounted."""
    if sys.platform == "darwin":
        return list(Path("/Volumes").iterdir())
    if sys.platform == "win32":
        return [Path(f"{letter}:/") for letter in "DEFGHIJKLMNOPQRSTUVWXYZ"]
    try:
        lines = Path("/proc/mounts").read_text().splitlines()
    except OSError:
        return []
    return [Path(line.split()[1].replace("\\040", " ")) for line in lines if line.startswith("/dev/")]
