"""The board that is a process: MicroPython's unix port (the virtual board) or CPython on Linux (a Raspberry Pi).

The log goes to descriptor 2, the serial port is descriptors 0 and 1.  unix_start.py
makes the board from its settings; files.py is there while a file is wanted.
"""

import asyncio
import os
import sys
import time

from .. import epoch, forget
from . import nor

MICROPYTHON = sys.implementation.name == "micropython"
CONFIG = "dhcpd.conf"
IMAGE = "dhcpd.image"


class Board:
    name = "unix"
    random = staticmethod(os.urandom)

    if MICROPYTHON:
        ticks_ms = staticmethod(time.ticks_ms)
        ticks_diff = staticmethod(time.ticks_diff)
    else:

        @staticmethod
        def ticks_ms():
            return time.monotonic_ns() // 1000000 & 0x3FFFFFFF

        @staticmethod
        def ticks_diff(a, b):
            return ((a - b + 0x20000000) & 0x3FFFFFFF) - 0x20000000

    def __init__(self, told):
        self.reset_cause = told.get("reset_cause", "power-on")
        self.log = _descriptor(2, "wb")
        self.serial = Serial() if MICROPYTHON else None
        self._rtc = told.get("rtc", 0)
        self._button_fd = told.get("button_fd")
        self._folder = told["dir"]
        self._flash = nor.open_file(self._folder + "/flash.bin")
        self._store = None
        self.leases = nor.Region(self._flash, nor.LEASES_AT, nor.LEASES_SIZE)
        self.interfaces = []

    def say(self, text):
        """Log one line of the board's own."""
        self.log.write((text + "\n").encode())

    def load_config(self):
        """Text of dhcpd.conf, or None on a blank board."""
        octets = self.files().load(CONFIG)
        return None if octets is None else octets.decode()

    def store_config(self, text):
        """Replace dhcpd.conf; a power cut leaves the old one or the new one."""
        self.files().store(CONFIG, text.encode())

    def load_image(self):
        """Octets of the configuration's image, or None."""
        return self.files().load(IMAGE)

    def store_image(self, pieces):
        """Replace the image; pieces are octets, one after the other."""
        self.files().write(IMAGE, pieces)

    def read_file(self, name):
        """Text of an included file; OSError if there is none."""
        octets = self.files().load(name)
        if octets is None:
            raise OSError("there is no file %s on this board" % name)
        return octets.decode()

    def files(self):
        """The store of configuration files, mounted when first asked for."""
        if self._store is None:
            from . import files

            self._store = files.Store(files.mount(self._flash, self._folder, self.say))
        return self._store

    def release_files(self):
        """Unmount: the file system's buffers and code are worth a hundred leases."""
        if self._store is not None:
            from . import files

            self._store = None
            files.unmount()
        forget("twinlease.board.files")

    def rtc(self):
        """Project seconds from the host's clock, as far off as the settings say, or None if this board has none."""
        return None if self._rtc is False else epoch.now() + self._rtc

    async def stopped(self):
        """Return when somebody wants the board to stop: the virtual board's button, or SIGTERM under CPython."""
        if MICROPYTHON:
            if self._button_fd is None:
                await asyncio.Event().wait()
            await asyncio.StreamReader(_descriptor(self._button_fd, "rb")).read(1)
        else:
            import signal

            stop = asyncio.Event()
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, stop.set)
            await stop.wait()

    def reset(self, why):
        """Say why and end the process; whoever started it starts it again."""
        self.say("reset: " + why)
        self.close()
        raise SystemExit(3)

    def close(self):
        """Make everything durable and let go of it."""
        self.leases.sync()
        self.release_files()
        self._flash.close()


class Serial:
    """The serial port of a MicroPython board, for one reader and one writer."""

    def __init__(self):
        self._in = asyncio.StreamReader(sys.stdin.buffer)
        self._out = sys.stdout.buffer

    def read(self, n):
        """To be awaited: up to n octets, empty at the end of the line."""
        return self._in.read(n)

    async def write(self, octets):
        """Write in pieces, each when there is room for it: a reader that stalls must not stall the service."""
        at = 0
        while at < len(octets):
            await _room(self._out)
            at += self._out.write(octets[at : at + 128]) or 0


def _room(stream):
    yield asyncio.core._io_queue.queue_write(stream)


def _descriptor(fd, mode):
    """A file object without a buffer for an open descriptor."""
    if MICROPYTHON:
        return open(fd, mode)
    return open(fd, mode, buffering=0, closefd=False)
