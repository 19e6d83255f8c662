"""Ask a board one thing over its serial port, virtual or real.

The line starts with "!" and a tag; the board frames its answer with the same tag (firmware/twinlease/console), so a
prompt or a half typed line of somebody else cannot be mistaken for it.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

import serial

from .errors import UserError

BAUD = 115200


@dataclass(frozen=True)
class Answer:
    """What the board printed, and whether the command worked."""

    text: str
    ok: bool


def ask(port: str, command: str, timeout_s: float = 5.0) -> Answer:
    """Send one console command and return its answer. Raises UserError if nobody answers in time."""
    end = time.monotonic() + timeout_s
    with _open(port, end) as line:
        tag = "!" + secrets.token_hex(2)
        try:
            line.write(b"\x15" + f"{tag} {command}\r".encode())  # Ctrl-U: whatever was typed before is not ours
            return _read_answer(line, tag.encode(), end, port)
        except OSError:  # SerialException is one; a port that is gone gives others too
            raise UserError(f"the board at {port} went away while it was asked", "is it running? see its log") from None


def _open(port: str, end: float) -> serial.Serial:
    """Open the port for us alone; wait for whoever has it, within the limit."""
    while True:
        try:
            return serial.serial_for_url(port, BAUD, timeout=0.05, exclusive=True)
        except serial.SerialException as bad:
            if time.monotonic() > end or "lock" not in str(bad):
                raise UserError(
                    f"cannot open {port}: {bad}", "is the board running, and the port not in use by another program?"
                ) from None
            time.sleep(0.02)


def _read_answer(line: serial.Serial, tag: bytes, end: float, port: str) -> Answer:
    begin, ok, error = (tag + word + b"\r\n" for word in (b" begin", b" ok", b" error"))
    got = b""
    while True:
        got += line.read(max(1, line.in_waiting))
        start = got.find(begin)
        if start >= 0:
            for mark in (ok, error):
                if got.endswith(mark) or mark in got[start:]:
                    text = got[start + len(begin) : got.index(mark, start)]
                    return Answer(text.decode(errors="replace").replace("\r\n", "\n"), mark is ok)
        if time.monotonic() > end:
            raise UserError(f"the board at {port} did not answer in time", "is its server running? see its log")
