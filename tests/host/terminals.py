"""Programs at a terminal of their own, for the tests of the host tools."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time

from boards import TOOL


class Terminal:
    """A program in the foreground of a terminal of its own, and what it wrote there."""

    def __init__(self, *words: str) -> None:
        self.fd, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.process = subprocess.Popen(
            [*TOOL, *words],
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(inside)
        self.text = ""

    def wait(self, word: str | None, limit_s: float = 30) -> None:
        """Read until a word shows up, or (None) until the program closes its terminal."""
        end = time.monotonic() + limit_s
        while word is None or word not in self.text:
            assert time.monotonic() < end, f"no {word!r} in:\n{self.text}"
            if not select.select([self.fd], [], [], 0.1)[0]:
                continue
            try:
                data = os.read(self.fd, 4096)
            except OSError:
                data = b""
            if not data:
                assert word is None, f"it ended before {word!r}:\n{self.text}"
                return
            self.text += data.decode(errors="replace")

    def type(self, keys: bytes) -> None:
        os.write(self.fd, keys)
