"""The board that is a process: MicroPython's unix port (the virtual board) or CPython on Linux (a Raspberry Pi).

The log goes to descriptor 2, the serial port is descriptors 0 and 1.  unix_start.py
makes the board from its settings; files.py is there while a file is wanted.
"""

import asyncio
import sys

from .. import epoch, forget
from ..overlay import run
from . import base, nor

MICROPYTHON = sys.implementation.name == "micropython"


class Board(base.Board):
    name = "unix"

    def __init__(self, told):
        self.reset_cause = told.get("reset_cause", "power-on")
        self.log = _descriptor(2, "wb")
        self.serial = base.Serial() if MICROPYTHON else None
        self.host_name = told.get("host_name", "")
        self._rtc = told.get("rtc", 0)
        self._button_fd = told.get("button_fd")
        self._folder = told["dir"]
        self._flash = nor.open_file(self._folder + "/flash.bin")
        self._store = None
        self._conf = told.get("conf")  # a folder that is there already
        self._light = -1
        self._watchdog = _descriptor(told["watchdog_fd"], "wb") if "watchdog_fd" in told else told.get("notifier")
        self.leases = nor.Region(self._flash, nor.LEASES_AT, nor.LEASES_SIZE)
        self.interfaces = []

    def files(self):
        """The store of configuration files, mounted when first asked for."""
        if self._store is None:
            from . import files, littlefs

            self._store = files.Store(self._conf or littlefs.mount(self._flash, self._folder, self.say))
        return self._store

    def release_files(self):
        """Unmount: the file system's buffers and code are worth a hundred leases."""
        if self._store is not None:
            from . import littlefs

            self._store = None
            if not self._conf:
                littlefs.unmount()
        forget("twinlease.board.littlefs")
        forget("twinlease.board.files")

    def rtc(self):
        """Project seconds from the host's clock, as far off as the settings say, or None if this board has none."""
        return None if self._rtc is False else epoch.now() + self._rtc

    def tick(self, light):
        """Feed the watchdog, if whoever started the board plays one; the LED is a file with a word."""
        if self._watchdog:
            self._watchdog.write(b".")
        if light != self._light:
            self._light = light
            run("board.led", "show", self._folder, light)

    if not MICROPYTHON:

        def tasks(self):
            from . import linux

            return (linux.watch(self),)

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


def _descriptor(fd, mode):
    """A file object without a buffer for an open descriptor."""
    if MICROPYTHON:
        return open(fd, mode)
    return open(fd, mode, buffering=0, closefd=False)
