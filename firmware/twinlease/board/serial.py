"""The serial port of a MicroPython board: UART, USB, or the pty of a virtual board."""

import asyncio
import sys


class Serial:
    """For one reader and one writer."""

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
            await self.room()
            at += self._out.write(octets[at : at + 128]) or 0

    def room(self):
        """To be awaited: there is room for some octets."""
        yield asyncio.core._io_queue.queue_write(self._out)
