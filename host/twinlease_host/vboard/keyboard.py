"""Ctrl-C on the terminal that a board was started from.

The terminal would send SIGINT to the whole process group, and the interpreter with it, which ends there and then: a
power cut. So while a board runs in the foreground of a terminal, Ctrl-C is read as a character: a stop in order.
"""

from __future__ import annotations

import os
import sys
import termios

_CTRL_C = b"\x03"
_LFLAG = 3  # of the list that tcgetattr returns


class Keyboard:
    """`fd` is to be polled, None without a terminal; `pressed_ctrl_c` when it is readable; `restore` at the end."""

    def __init__(self) -> None:
        self.fd: int | None = None
        try:
            fd = sys.stdin.fileno()
            if not os.isatty(fd) or os.tcgetpgrp(fd) != os.getpgrp():
                return
        except (OSError, ValueError):
            return
        self._before = termios.tcgetattr(fd)
        quiet = termios.tcgetattr(fd)
        quiet[_LFLAG] &= ~(termios.ISIG | termios.ICANON | termios.ECHO)
        termios.tcsetattr(fd, termios.TCSANOW, quiet)
        self.fd = fd

    def pressed_ctrl_c(self) -> bool:
        """Read what was typed; anything but Ctrl-C is ignored. A terminal that went away counts as Ctrl-C."""
        assert self.fd is not None
        try:
            typed = os.read(self.fd, 256)
        except OSError:
            typed = b""
        if not typed:
            self.fd = None
        return not typed or _CTRL_C in typed

    def restore(self) -> None:
        """Give the terminal back as it was."""
        if self.fd is not None:
            termios.tcsetattr(self.fd, termios.TCSANOW, self._before)
