"""The serial port of a virtual board: a pty for the PC, a link to it, and buffers that never make the board wait.

A real port drops what nobody reads; so does this one. The link must not lie in /dev/pts: mpremote has no time-outs
there.
"""

from __future__ import annotations

import os
import pty
import select
import time
import tty
from pathlib import Path

LIMIT = 65536  # octets kept for a reader that is slow
PATIENCE_S = 0.5  # how long a reader may read nothing before what waits is dropped


class SerialPort:
    """The PC's side. `fileno` is to be polled; `flush` when it is writable, `read` when it is readable."""

    def __init__(self, link: Path) -> None:
        self.fd, slave = pty.openpty()
        tty.setraw(slave)
        if link.is_symlink():
            link.unlink()
        link.symlink_to(os.ttyname(slave))
        os.close(slave)  # so that a hang-up shows when no program has the port open
        os.set_blocking(self.fd, False)
        self.link = link
        self.waiting = b""
        self._moved_at = 0.0

    def close(self) -> None:
        """Unplug it."""
        self.link.unlink(missing_ok=True)
        os.close(self.fd)

    def attached(self) -> bool:
        """Tell whether a program has the port open."""
        poll = select.poll()
        poll.register(self.fd, 0)
        return not poll.poll(0)

    def read(self) -> bytes:
        """What the PC sent; nothing if it has hung up."""
        try:
            return os.read(self.fd, 4096)
        except OSError:
            return b""

    def write(self, data: bytes) -> None:
        """Queue octets for the PC."""
        if not self.waiting:
            self._moved_at = time.monotonic()
        self.waiting += data
        self.flush()

    def flush(self) -> None:
        """Hand over what the PC takes; drop the rest if nobody is there or nobody reads."""
        if not self.attached():
            self.waiting = b""
            return
        try:
            n = os.write(self.fd, self.waiting)
        except BlockingIOError:
            n = 0
        except OSError:
            n = len(self.waiting)
        if n:
            self._moved_at = time.monotonic()
            self.waiting = self.waiting[n:]
        elif time.monotonic() - self._moved_at > PATIENCE_S:
            self.waiting = b""

    def full(self) -> bool:
        """Tell whether the board's output should wait."""
        return len(self.waiting) >= LIMIT
