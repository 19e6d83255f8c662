"""An ESP32's flash, over its serial port: esptool as a library.

What is in flash is compared first, and only what differs is written, so running it again mends whatever a power cut
left. The table of partitions is written last, and never again while it is right: while it is, leases are kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import serial
from esptool import cmds
from esptool.logger import TemplateLogger, log
from esptool.reset import ResetStrategy
from esptool.util import FatalError

from .. import handlers
from ..boardfile import MicroPython
from ..errors import UserError
from ..serial_link import why_closed
from . import esp_image, partition_table
from .partition_table import Row
from .show import Show

_SECTOR = 4096
_FAST = 460800  # baud, while esptool's own program runs on the chip
_BOOT_MODE = (
    "if it does not reset by itself: hold BOOT, press and let go RESET (EN), let go BOOT, and run this again; "
    "is it the right port, and the cable one that carries data?"
)


@dataclass(frozen=True)
class Piece:
    """Octets and where they belong."""

    name: str
    at: int
    octets: bytes


@dataclass
class Done:
    """What was found, and done."""

    chip: str = ""
    mac: str = ""
    written: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    leases_kept: bool = False
    can_reset: bool = True


def pieces(image: bytes, name: str, wanted: MicroPython) -> list[Piece]:
    """Loader and program out of MicroPython's image; its partition table and all between is left out.

    Raises UserError if it is not whole, for another chip, not MicroPython, or too old.
    """
    found = []
    for what, at in (("loader", wanted.starts_at), ("MicroPython", 0x10000)):
        start = at - wanted.starts_at
        try:
            program = esp_image.measure(image[start:])
        except esp_image.Damaged as bad:
            raise UserError(
                f"{name} is no image for an ESP32, or not all of one: at 0x{at:x}, {bad}",
                f"it has to be the .bin for a first flash, {wanted.image}-…; download it again",
            ) from None
        if program.chip_name != wanted.chip:
            raise UserError(
                f"{name} is for {program.chip_name}, and the board has an {wanted.chip}",
                f"take {wanted.image}-….bin, or name the board that it is for",
            )
        found.append(Piece(what, at, image[start : start + program.size]))
    return found


def check_size(parts: list[Piece], rows: list[Row], name: str) -> None:
    """Does the program fit its partition?  Raises UserError."""
    room = partition_table.find(rows, "factory")
    assert room is not None
    if len(parts[-1].octets) > room.size:
        raise UserError(
            f"{name}: its program has {len(parts[-1].octets):,} octets, and its partition {room.size:,}",
            "take the image without extras for this board",
        )


def write(
    port: str, wanted: MicroPython, parts: list[Piece], rows: list[Row], show: Show, leases: bytes | None = None
) -> Done:
    """Bring the flash up to date, and start the board; `leases` are for one that has none. Raises UserError."""
    done = Done()
    handlers.use()
    show.step("looking for the chip")
    log.set_logger(_Told(show))
    ResetStrategy.print_once = staticmethod(lambda *_: None)  # it would complain of a pty; we say what to do then
    with _explained(port), cmds.detect_chip(port) as chip:
        try:
            done.chip, done.mac = _key(chip.CHIP_NAME), bytes(chip.read_mac()).hex(":")
            if done.chip != wanted.chip:
                raise UserError(
                    f"the board at {port} has an {chip.CHIP_NAME}, and not an {wanted.chip}",
                    "name the board that it is (BOARD=…), or the port of the other one (PORT=…)",
                )
            esp = cmds.run_stub(chip)
            cmds.attach_flash(esp)
            _check_flash(esp, wanted)
            if not port.startswith("rfc2217:"):
                _change_baud(esp)
            _update(esp, parts, rows, show, done, leases)
        finally:  # a board that is not for us goes on as it was
            done.can_reset = _start(chip)
    return done


def _update(esp: Any, parts: list[Piece], rows: list[Row], show: Show, done: Done, leases: bytes | None = None) -> None:
    """Erase what a new table would find in the wrong place, write what differs, the table last."""
    show.step("reading what is there")
    before = partition_table.decode(cmds.read_flash(esp, partition_table.AT, partition_table.SIZE) or b"")
    done.leases_kept = before == rows
    if not done.leases_kept:
        for name in ("leases", "vfs"):
            row = partition_table.find(rows, name)
            assert row is not None
            show.step(f"erasing partition {name}")
            # A file system that begins blank is made anew by the board.
            cmds.erase_region(esp, row.at, row.size if name == "leases" else 2 * _SECTOR)
    table = Piece("partition table", partition_table.AT, partition_table.encode(rows))
    brought = [] if leases is None else [_leases(esp, rows, leases)]
    for piece in [*parts, *brought, table]:
        if esp.flash_md5sum(piece.at, len(piece.octets)) == hashlib.md5(piece.octets).hexdigest():
            done.same.append(piece.name)
            continue
        show.step(f"writing {piece.name}")
        cmds.write_flash(esp, [(piece.at, piece.octets)])
        done.written.append(piece.name)


def _leases(esp: Any, rows: list[Row], leases: bytes) -> Piece:
    """The leases of the server that this board replaces. Raises UserError if it has leases of its own."""
    row = partition_table.find(rows, "leases")
    assert row is not None
    if len(leases) != row.size:
        raise UserError(
            f"the image of the leases has {len(leases):,} octets, and the partition {row.size:,}",
            "make it for this board: twinlease config import FILE --leases FILE --board BOARD",
        )
    there = esp.flash_md5sum(row.at, row.size)
    if there not in [hashlib.md5(octets).hexdigest() for octets in (b"\xff" * row.size, leases)]:
        raise UserError(
            "this board has leases already, and they would be lost",
            "flash it without --leases; or, to begin anew: factory-reset at its console",
        )
    return Piece("leases", row.at, leases)


def _check_flash(esp: Any, wanted: MicroPython) -> None:
    size = 1 << (esp.flash_id() >> 16 & 0xFF)
    if size < wanted.flash:
        raise UserError(
            f"its flash has {size >> 20} MiB, and this board's definition {wanted.flash >> 20} MiB",
            "name the board that it is (BOARD=…)",
        )


def _change_baud(esp: Any) -> None:
    try:
        esp.change_baud(_FAST)
    except FatalError:
        pass  # it goes on as it was


def _start(chip: Any) -> bool:
    """Reset the chip, which starts what is in its flash; False if its port has no line for that, as a pty."""
    try:
        chip._port.rts = False
        cmds.reset_chip(chip, "hard-reset")
        return True
    except (OSError, FatalError):
        return False


def _key(name: str) -> str:
    return name.lower().replace("-", "")


@contextmanager
def _explained(port: str) -> Iterator[None]:
    """esptool's and pyserial's complaints, and what to do."""
    try:
        yield
    except serial.SerialException as bad:
        raise UserError(f"{port}: {bad}", why_closed(port, str(bad))) from None
    except FatalError as bad:
        told = str(bad).splitlines()[0]
        if "onnect" in told or "chip" in told or "No serial data" in told:
            raise UserError(f"no chip answers at {port} in its boot mode: {told}", _hint(port, told)) from None
        raise UserError(f"{port}: {told}", "run this again; a shorter cable may help, or another USB port") from None
    except OSError as bad:
        raise UserError(f"{port} went away: {bad}", "is the board powered? plug it in and run this again") from None


def _hint(port: str, told: str) -> str:
    closed = "ould not open" in told or "busy" in told or "ermission" in told
    return why_closed(port, told) if closed else _BOOT_MODE


class _Told(TemplateLogger):  # type: ignore[misc]
    """esptool tells our Show how far it is, and nobody else."""

    def __init__(self, show: Show) -> None:
        self._show = show

    def print(self, *words: Any, **how: Any) -> None:
        """Nothing of it: our steps say what is done."""

    def note(self, message: str) -> None:
        """Neither."""

    def warning(self, message: str) -> None:
        """Neither: what matters is an error, and raised."""

    def error(self, message: str) -> None:
        """It is raised as well."""

    def stage(self, finish: bool = False) -> None:
        """It has its own."""

    def set_verbosity(self, verbosity: str) -> None:
        """It says nothing anyway."""

    def progress_bar(self, cur_iter: int, total_iters: int, *_: Any, **__: Any) -> None:
        self._show.progress(cur_iter, total_iters)
