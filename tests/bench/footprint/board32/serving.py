"""A board to be measured: everything of a board of the unix port but its descriptors. Built with the firmware.

Importing it runs main.py up to where tasks would run; then `asyncio.advance(ms)` runs them.
"""

import asyncio

from twinlease import app as _app
from twinlease import board as _boards
from twinlease.board import nor, unix


class _Interface:
    name = "eth0"
    prefix = 16
    mac = b"\x02\0\0\0\0\1"
    index = 1

    def connected(self):
        return True


class _Silent:
    def write(self, octets):
        if bench_loud:
            print(str(octets, "utf-8"), end="")
        return len(octets)


class _Line:
    """A serial line on which somebody has typed `typed`."""

    def __init__(self):
        self.event = asyncio.Event()
        self.typed = b""

    async def read(self, n):
        while not self.typed:
            self.event = asyncio.Event()
            await self.event.wait()
        octet, self.typed = self.typed[:1], self.typed[1:]
        return octet

    async def write(self, octets):
        if bench_loud:
            print(str(octets, "utf-8"), end="")


class _Files:
    """In the place of board/files.py, which goes when the configuration is there: this port counts its errors its own way."""

    def load(self, name):
        try:
            with open("/board/files/" + name, "rb") as f:
                return f.read()
        except OSError:
            return None

    def has(self, name):
        return False


class _Board(unix.Board):
    def __init__(self, address):
        self.reset_cause = "power-on"
        self.log = _Silent()
        self.serial = _Line()
        self._rtc = 0
        self.shown = None
        self._button_fd = None
        self._folder = "/board"
        self._flash = nor.open_file("/board/flash.bin")
        self._store = None
        self.leases = nor.Region(self._flash, nor.LEASES_AT, nor.LEASES_SIZE)
        interface = _Interface()
        interface.address = address
        self.interfaces = [interface]

    @staticmethod
    def ticks_ms():
        return asyncio.ticks_ms()

    @staticmethod
    def random(n):
        return bytes([37 * i + 11 & 255 for i in range(n)])

    def rtc(self):
        return 216000000 + asyncio.ticks_ms() // 1000

    def files(self):
        return _Files()

    def release_files(self):
        pass

    def tick(self, light):
        self.shown = light

    async def stopped(self):
        await asyncio.Event().wait()

    def close(self):
        pass


bench_loud = False


class _App(_app.App):
    def __init__(self, board):
        global _running
        super().__init__(board)
        _running = self


def _open(argv):
    global _board
    _board = _Board(bytes([int(part) for part in argv[1].split(".")]))
    return _board


_board = _running = None
_App_of_app, _app.App = _app.App, _App
_boards.open = _open
import main  # noqa: E402, F401

_app.App = _App_of_app


def bench_type(text):
    """Somebody types this."""
    _board.serial.typed = text
    _board.serial.event.set()


def bench_told():
    """States of the Peers, whether they are linked, how many replies, how many cells."""
    app = _running
    return (
        [str(peer.record.state) for peer in app.peers],
        [peer.linked for peer in app.peers],
        app.driver.sent,
        len(app.table.cells) // 16,
    )
