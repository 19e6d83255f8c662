"""The board that is a microcontroller: what of it stays while the server runs.  bringup.py makes it.

Log and console share one serial line, so lines wait while somebody uses the console, and they wait for
room: a terminal that nobody reads must not stop the service.  What is too much is dropped, the oldest first.
"""

import asyncio
import gc
import select
import sys

import machine
from micropython import const

from .. import epoch, forget
from ..octets import copy
from . import FAULT, base

_LOG = const(1024)
_PIECE = const(128)
_QUIET_MS = const(5000)  # nobody at the console for so long: the log may write
_INTENDED, _RUNNING = const(1), const(2)
_WAIT_S = 0.2
_FOLDER = "/conf"
_REST = "twinlease.board.rest"


class Board(base.Board):
    """name: "esp32", "rp2".  cause: what bringup.cause says."""

    def __init__(self, name, cause, watchdog_ms):
        self.name = name
        self.reset_cause = cause
        self.serial = _Line(self)
        self.log = _Log(self)
        self.leases = None
        self.interfaces = []
        self.lamp = None  # lamp.py, where a LED is wired
        self.told = {}  # board.conf: "address", "wifi" … and their words
        self.light = FAULT
        self._watchdog_ms = watchdog_ms
        self._watchdog = None
        self._store = None

    def files(self):
        """The store of configuration files."""
        if self._store is None:
            from . import files

            self._store = files.Store(_FOLDER)
        return self._store

    def release_files(self):
        self._store = None
        forget("twinlease.board.files")

    def rtc(self):
        """Project seconds from the chip's clock, which begins anew with the power: right if somebody has set it."""
        return epoch.now()

    def tick(self, light):
        """The service got on by a second, which is the only thing that feeds the watchdog."""
        self.light = light
        if self._watchdog is None and self._watchdog_ms:
            self._watchdog = machine.WDT(timeout=self._watchdog_ms)
            _end_rest()
        if self._watchdog:
            self._watchdog.feed()

    def shown(self):
        """The light that the LED is to show now."""
        for interface in self.interfaces:
            if not interface.up:
                return FAULT
        return self.light

    def tasks(self):
        tasks = [self._watching(), self.log.run()]
        if self.lamp:
            tasks.append(self.lamp.run(self))
        return tasks

    async def _watching(self):
        """Links come and go, and the service goes on."""
        while True:
            for interface in self.interfaces:
                try:
                    interface.tend(self.say)
                except MemoryError:
                    gc.collect()
            await asyncio.sleep(1)

    async def stopped(self):
        """Nobody can ask for it but at the console, which does that itself."""
        await asyncio.Event().wait()

    def store_settings(self, told):
        """Replace board.conf by these statements; they count from the next start on."""
        from . import files, settings

        files.Store("").store(settings.FILE, settings.text(told).encode())
        self.told = told
        forget("twinlease.board.settings")
        self.release_files()

    def forget_person(self):
        from . import settings

        self.store_settings(settings.wiring(self.told))

    def reset(self, why):
        """Say why, and start again as with the power; does not return."""
        self.say("reset: " + why)
        self.log.drain()
        mark(_INTENDED)
        machine.reset()

    def close(self):
        """The server has ended and the interpreter goes on, as for mpremote: no watchdog must end that."""
        self.log.drain()
        mark(_INTENDED)
        if self._watchdog:
            from . import rest

            rest.begin(self.name)


def _end_rest():
    """Until now boot.py's timer has fed a watchdog that was running before."""
    if _REST in sys.modules:
        sys.modules[_REST].end()
        forget(_REST)


def mark(what):
    """Leave a note for the next start, in memory that a reset leaves alone (MicroPython 1.29 or later)."""
    if hasattr(machine, "mem_backup"):
        memory = machine.mem_backup()
        memory[0], memory[1], memory[2] = 84, 76, what


class _Line(base.Serial):
    """The serial line, and when somebody has last used it for the console."""

    def __init__(self, board):
        super().__init__()
        self.used_at = board.ticks_ms() - _QUIET_MS
        self._board = board

    async def read(self, n):
        octets = await super().read(n)
        self.used_at = self._board.ticks_ms()
        return octets

    async def write(self, octets):
        self.used_at = self._board.ticks_ms()
        await super().write(octets)


class _Log:
    """Octets that wait for the serial line, in a ring."""

    def __init__(self, board):
        self._board = board
        self._ring = bytearray(_LOG)
        self._view = memoryview(self._ring)
        self._at = 0  # of the oldest
        self._n = 0
        self._there = asyncio.Event()

    def write(self, octets):
        n = len(octets)
        drop = min(self._n + n - _LOG, self._n)
        if drop > 0:
            self._at = (self._at + drop) % _LOG
            self._n -= drop
        from_ = max(n - _LOG, 0)
        while from_ < n:
            to = (self._at + self._n) % _LOG
            step = min(n - from_, _LOG - to)
            copy(self._ring, to, octets, from_, step)
            self._n += step
            from_ += step
        self._there.set()

    async def run(self):
        """Write what waits, while nobody is at the console."""
        room = select.poll()  # of our own: of two tasks that await room on one stream, asyncio would refuse the second
        room.register(sys.stdout.buffer, select.POLLOUT)
        while True:
            await self._there.wait()
            if self.may_write() and room.poll(0):
                self._put()
                await asyncio.sleep(0)
            else:
                await asyncio.sleep(_WAIT_S)

    def may_write(self):
        board = self._board
        return board.ticks_diff(board.ticks_ms(), board.serial.used_at) >= _QUIET_MS

    def drain(self):
        """Write all that waits, now."""
        while self._n:
            self._put()

    def _put(self):
        end = min(self._at + min(self._n, _PIECE), _LOG)
        done = sys.stdout.buffer.write(self._view[self._at : end]) or end - self._at
        self._at = (self._at + done) % _LOG
        self._n -= done
        if not self._n:
            self._there.clear()
