"""The serial port of a virtual board over TCP, with its control lines: RFC 2217, as pyserial's rfc2217:// speaks it.

A pty has no DTR and no RTS; this has, so that esptool can reset the board.
"""

from __future__ import annotations

import socket
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from serial import rfc2217

from ..errors import UserError
from .esp32 import ResetLines


class _Settings:
    """What PortManager sets and asks for, of a serial port."""

    baudrate = 115200
    bytesize = 8
    parity = "N"
    stopbits = 1
    xonxoff = rtscts = dsrdtr = break_condition = False
    cts = dsr = cd = True
    ri = False

    def __init__(self, lines: ResetLines) -> None:
        self.lines = lines

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("dtr", "rts"):
            self.lines.put(**{name: bool(value)})
        else:
            super().__setattr__(name, value)

    def reset_input_buffer(self) -> None:
        """Nothing waits here."""

    def reset_output_buffer(self) -> None:
        """Nothing waits here."""


class NetPort:
    """One PC at a time; the face of serial_port.SerialPort. `fd` is to be polled: the listener, or the connection."""

    def __init__(self, port: int, lines: ResetLines, told: Path) -> None:
        self._lines = lines
        try:
            self._listener = socket.create_server(("127.0.0.1", port), backlog=1)
        except OSError as bad:
            raise UserError(f"--rfc2217 {port}: {bad.strerror}", "take another number, or 0 for any") from None
        self.link = f"rfc2217://127.0.0.1:{self._listener.getsockname()[1]}"
        self._told = told
        told.write_text(self.link + "\n")
        self._pc: socket.socket | None = None
        self._manager: Any = None
        self.waiting = b""

    @property
    def fd(self) -> int:
        return (self._pc or self._listener).fileno()

    def close(self) -> None:
        """Unplug it."""
        self._told.unlink(missing_ok=True)
        self._hang_up()
        self._listener.close()

    def attached(self) -> bool:
        """It is always to be polled."""
        return True

    def read(self) -> bytes:
        """What the PC sent, or nothing: a new PC, one that hung up, or control lines that were set."""
        if self._pc is None:
            self._pc, _ = self._listener.accept()
            self._pc.setblocking(False)
            self._pc.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            settings: Any = _Settings(self._lines)
            connection: Any = SimpleNamespace(write=self._queue)
            self._manager = rfc2217.PortManager(settings, connection)
            return b""
        try:
            octets = self._pc.recv(16384)
        except BlockingIOError:
            return b""
        except OSError:
            octets = b""
        if not octets:
            self._hang_up()
            return b""
        return b"".join(self._manager.filter(octets))

    def write(self, data: bytes) -> None:
        """Queue octets for the PC."""
        self._queue(data.replace(b"\xff", b"\xff\xff"))

    def _queue(self, octets: bytes) -> None:
        if self._pc is not None:
            self.waiting += octets
            self.flush()

    def flush(self) -> None:
        """Hand over what the PC takes."""
        if self._pc is None:
            self.waiting = b""
            return
        try:
            self.waiting = self.waiting[self._pc.send(self.waiting) :]
        except BlockingIOError:
            pass
        except OSError:
            self._hang_up()

    def full(self) -> bool:
        """Tell whether the board's output should wait: TCP does not drop."""
        return len(self.waiting) > 65536

    def _hang_up(self) -> None:
        self.waiting = b""
        if self._pc is not None:
            self._pc.close()
            self._pc = None
