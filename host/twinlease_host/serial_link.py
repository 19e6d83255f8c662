"""Ask a board over its serial port, virtual or real.

The line starts with "!" and a tag; the board frames its answer with the same tag (firmware/twinlease/console), so a
prompt or a half typed line of somebody else cannot be mistaken for it.

    ask(port, "show leases json")        one question
    with Link(port) as link:             several, while nobody else can have the port
        link.ask("show clock json")
        link.paste("configure load", text)
"""

from __future__ import annotations

import os
import secrets
import stat
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import serial

from .errors import UserError

GONE: tuple[type[Exception], ...] = (OSError,)
"""What a port raises whose board goes away: SerialException is an OSError, termios.error is none."""
if sys.platform != "win32":
    import termios

    GONE = (OSError, termios.error)

BAUD = 115200
PATIENCE_S = 5.0
_PIECE = 64  # octets of a paste: a UART without flow control has room for so many while the board is busy
_PIECE_S = 0.02


class Silent(UserError):
    """The port is open, and no board answers there."""


@dataclass(frozen=True)
class Answer:
    """What the board printed, and whether the command worked."""

    text: str
    ok: bool


def ask(port: str, command: str, timeout_s: float = PATIENCE_S) -> Answer:
    """Send one console command and return its answer. Raises UserError if nobody answers in time."""
    with Link(port, timeout_s) as link:
        return link.ask(command)


def port_of(name: str) -> str:
    """The serial port that somebody means: a port, or the folder of a virtual board."""
    folder = Path(name)
    return str(folder / "serial") if folder.is_dir() else name


class Link:
    """A context manager: a board's serial port, for us alone.

    timeout_s  how long the port may be somebody else's, and how long the board may be silent before its answer is there
    """

    def __init__(self, port: str, timeout_s: float = PATIENCE_S) -> None:
        self.port = port
        self.timeout_s = timeout_s
        self._line: serial.Serial | None = None

    def __enter__(self) -> Self:
        self._line = _open(self.port, time.monotonic() + self.timeout_s)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._line is not None:
            self._line.close()

    def ask(self, command: str) -> Answer:
        """One console command. Raises UserError if the answer does not come."""
        return self._exchange(command, b"")

    def paste(self, command: str, text: str, slowly: bool = False) -> Answer:
        """A command that takes a pasted text, and the text."""
        return self._exchange(command, text.encode(), 0.1 if slowly else _PIECE_S)

    def _exchange(self, command: str, octets: bytes, piece_s: float = 0.0) -> Answer:
        assert self._line is not None, "the port is not open"
        line = self._line
        tag = "!" + secrets.token_hex(2)
        try:
            line.write(b"\x15" + f"{tag} {command}\r".encode())  # Ctrl-U: whatever was typed before is not ours
            reader = _Reader(line, tag.encode(), self.timeout_s, self.port)
            if octets:
                if reader.begins() is not None:  # refused before it wanted the text
                    return reader.answer()
                self._send(line, octets, piece_s)
                line.write(b"\x04")
            return reader.answer()
        except GONE:
            raise Silent(
                f"the board at {self.port} went away while it was asked", "is it running? see its log"
            ) from None

    def _send(self, line: serial.Serial, octets: bytes, piece_s: float) -> None:
        """A real UART gets it by the piece."""
        if _is_pty(self.port):
            line.write(octets)
            return
        for at in range(0, len(octets), _PIECE):
            line.write(octets[at : at + _PIECE])
            time.sleep(piece_s)


def _is_pty(port: str) -> bool:
    """A pty holds its writer back while it is full."""
    if "://" in port:
        return True
    try:
        return stat.S_ISCHR(os.stat(port).st_mode) and os.path.realpath(port).startswith("/dev/pts/")
    except OSError:
        return False


def _open(port: str, end: float) -> serial.Serial:
    """Open the port for us alone; wait for whoever has it, within the limit."""
    while True:
        try:
            return serial.serial_for_url(port, BAUD, timeout=0.05, exclusive=True)
        except GONE as bad:
            if time.monotonic() > end or "lock" not in str(bad):
                raise UserError(f"cannot open {port}: {_told(port, str(bad))}", why_closed(port, str(bad))) from None
            time.sleep(0.02)


def _told(port: str, bad: str) -> str:
    """What is wrong, without what pyserial and the system have wrapped it in."""
    if _is_missing(port):
        return "there is no such port"
    return "it is no serial port" if "Inappropriate ioctl" in bad else bad.rpartition("] ")[2]


def why_closed(port: str, told: str) -> str:
    if "Permission denied" in told:
        return "you have no right to it: sudo, or: sudo usermod -a -G dialout $USER (and log in again)"
    if _is_missing(port):
        return "no such port: `twinlease status` names those that there are; a virtual board has one while it runs"
    if "Inappropriate ioctl" in told:
        return "name a serial port, /dev/ttyUSB0 …, or the folder of a virtual board that runs"
    return "is the board running, and the port not in use by another program?"


def _is_missing(port: str) -> bool:
    return "://" not in port and not os.path.exists(port)


class _Reader:
    """An answer, as it comes. The patience is for silence: a long table over a slow line may take its time."""

    def __init__(self, line: serial.Serial, tag: bytes, patience_s: float, port: str) -> None:
        self._line = line
        self._begin, self._ok, self._error = (tag + word + b"\r\n" for word in (b" begin", b" ok", b" error"))
        self._patience_s = patience_s
        self._end = time.monotonic() + patience_s
        self._port = port
        self._got = b""
        self._looked = 0

    def begins(self) -> bytes | None:
        """Wait until the answer begins, and says something. Returns its end if that is there already, else None."""
        while True:
            start = self._got.find(self._begin)
            if start >= 0 and len(self._got) > start + len(self._begin):
                mark = self._mark(start)
                if mark is not None or b"\r\n" in self._got[start + len(self._begin) :]:
                    return mark
            self._read()

    def answer(self) -> Answer:
        """Wait until it has ended."""
        while True:
            start = self._got.find(self._begin)
            mark = self._mark(start) if start >= 0 else None
            if mark is not None:
                text = self._got[start + len(self._begin) : self._got.index(mark, start)]
                return Answer(text.decode(errors="replace").replace("\r\n", "\n"), mark is self._ok)
            self._read()

    def _mark(self, start: int) -> bytes | None:
        """How it ended, if it has. What was looked through before is not looked through again."""
        frm = max(start, self._looked - len(self._error))
        self._looked = len(self._got)
        for mark in (self._ok, self._error):
            if self._got.find(mark, frm) >= 0:
                return mark
        return None

    def _read(self) -> None:
        came = self._line.read(max(1, self._line.in_waiting))
        self._got += came
        if came and self._begin in self._got:
            self._end = time.monotonic() + self._patience_s
        if time.monotonic() > self._end:
            raise Silent(f"the board at {self._port} did not answer in time", "is its server running? see its log")
