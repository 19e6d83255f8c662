"""The serial line is left to MicroPython's REPL when the server has ended.

    leave(board, b"\\x01")     as if Ctrl-A were typed there: what mpremote has typed, and the console has read
    leave(board, b"")          the REPL that people type at

Loaded for that, at the very end.  The service starts again at a reset, also a soft one (Ctrl-D).
"""

import asyncio
import io
import os
import sys

from ..overlay import drop


class Keys(io.IOBase):
    """A second terminal, as os.dupterm wants it, at which these octets are typed, and then nothing any more."""

    def __init__(self, octets):
        self._octets = octets

    def readinto(self, buf):
        if not self._octets:
            return None
        buf[0] = self._octets[0]
        self._octets = self._octets[1:]
        return 1

    def write(self, buf):
        return len(buf)

    def ioctl(self, op, arg):
        return 0


def leave(board, octets):
    board.say("The serial line is MicroPython's now, and nobody is served until the board starts again")
    _make_room()
    if sys.platform in ("linux", "darwin"):
        _leave_process(octets)
    elif octets:
        os.dupterm(Keys(octets))
        if hasattr(os, "dupterm_notify"):  # ESP32 looks there only when told to
            os.dupterm_notify(None)


def _make_room():
    """A heap full of leases would be none for mpremote; what still runs keeps what it needs."""
    if sys.implementation.name == "micropython":
        asyncio.new_event_loop()  # the tasks that nobody runs any more
    for name in list(sys.modules):
        if name.startswith("twinlease."):
            drop(name)


def _leave_process(octets):
    """The unix port has its REPL after the program if it is told so; a virtual board has descriptors for the rest: KEYS
    to type at, REST for its watchdog (rest.py)."""
    os.putenv("MICROPYINSPECT", "1")
    _write("REST", b"r")
    _write("KEYS", octets)


def _write(name, octets):
    fd = os.getenv(name)
    if fd and octets:
        open(int(fd), "wb").write(octets)
