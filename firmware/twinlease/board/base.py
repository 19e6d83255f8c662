"""What the boards of all ports share: configuration files, ticks, the serial line of MicroPython's.

A port's Board offers besides: files() and release_files(), log, leases, interfaces, and what __init__.py lists.
"""

import asyncio
import os
import sys
import time

CONFIG = "dhcpd.conf"
IMAGE = "dhcpd.image"


class Board:
    random = staticmethod(os.urandom)
    refused = ""
    host_name = ""

    if sys.implementation.name == "micropython":
        ticks_ms = staticmethod(time.ticks_ms)
        ticks_diff = staticmethod(time.ticks_diff)
    else:

        @staticmethod
        def ticks_ms():
            return time.monotonic_ns() // 1000000 & 0x3FFFFFFF

        @staticmethod
        def ticks_diff(a, b):
            return ((a - b + 0x20000000) & 0x3FFFFFFF) - 0x20000000

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

    def tasks(self):
        """What the board does beside the service: coroutines that run as long as it does."""
        return ()


class Serial:
    """The serial port of a MicroPython board, for one reader and one writer: UART, USB, or a pty."""

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
            await self._room()
            at += self._out.write(octets[at : at + 128]) or 0

    def _room(self):
        yield asyncio.core._io_queue.queue_write(self._out)
