"""The serial line is left to MicroPython's REPL when the server has ended.

    leave(board, b"\\x01")     as if Ctrl-A were typed there: what mpremote has typed, and the console has read
    leave(board, b"")          the REPL that people type at

    interrupted()             Ctrl-C came before the server has begun

Loaded for that, at the very end.  The service starts again at a reset, also a soft one (Ctrl-D).
"""

import asyncio
import io
import os
import select
import sys

from micropython import const

from ..overlay import drop

_TURNS, _TURN_MS = const(30), const(100)


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
    else:
        _type(octets)


def _type(octets):
    if octets:
        os.dupterm(Keys(octets))
        if hasattr(os, "dupterm_notify"):  # ESP32 looks there only when told to
            os.dupterm_notify(None)


def interrupted():
    """Ctrl-C came before the server has begun, when it still is MicroPython's own: for whoever goes on with it, or
    for mpremote, there is the prompt, for an hour (rest.py); else the board starts again."""
    is_process = sys.platform in ("linux", "darwin")
    if is_process and not os.getenv("KEYS"):
        raise SystemExit(1)  # nobody plays a board for it: it just ends
    print("Ctrl-C: once more within 3 s for MicroPython's prompt; else the board starts again")
    octets = _goes_on()
    if octets is None:
        if is_process:
            raise SystemExit(3)
        import machine

        machine.reset()
    elif is_process:
        _leave_process(octets)
    else:
        from . import rest

        rest.begin(sys.platform)
        _type(octets)


def _goes_on():
    """What is typed next: mpremote's Ctrl-A, nothing to type after one more Ctrl-C; None if neither comes."""
    poll = select.poll()
    poll.register(sys.stdin, select.POLLIN)
    try:
        for _ in range(_TURNS):
            if poll.poll(_TURN_MS):
                octet = sys.stdin.buffer.read(1)
                if octet == b"\x01" or octet == b"\x03":
                    return octet if octet == b"\x01" else b""
    except KeyboardInterrupt:
        return b""
    return None


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
