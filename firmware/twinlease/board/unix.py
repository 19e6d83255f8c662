"""The board that is a process: MicroPython's unix port (the virtual board) or CPython on Linux (a Raspberry Pi).

Its settings are a JSON file named by `--settings FILE` (a board of hardware has
them in its flash):

    dir          folder that holds the board: flash.bin (and files/ under CPython)
    interfaces   [{"name": "eth0", "address": "10.77.0.2/16"}]; without it CPython asks `ip`
    install      {"dhcpd.conf": "/path"}: configuration files to take over when they differ
    button_fd    descriptor of a pipe: an octet or the end of it asks for a stop
    rtc          false for a board without a clock
    reset_cause  why it starts: "power-on", "reset", "crash"

The log goes to descriptor 2, the serial port is descriptors 0 and 1.
"""

import asyncio
import json
import os
import sys
import time

from . import nor, store

MICROPYTHON = sys.implementation.name == "micropython"
EPOCH_UNIX = 1577836800  # 2020-01-01, where project seconds start
CONFIG = "dhcpd.conf"
MOUNT = "/flash"


def settings(argv):
    """Read the settings file that the command line names."""
    if "--settings" not in argv:
        raise OSError("no settings: run main.py --settings FILE")
    with open(argv[argv.index("--settings") + 1]) as f:
        return json.loads(f.read())


class Interface:
    """A network interface: name, address (4 octets), prefix (bits), mac (octets), index (of the kernel)."""

    def __init__(self, name, address):
        address, _, prefix = address.partition("/")
        self.name = name
        self.address = bytes([int(part) for part in address.split(".")])
        self.prefix = int(prefix)
        self.mac = bytes([int(part, 16) for part in _sys(name, "address").split(":")])
        self.index = int(_sys(name, "ifindex"))


def _sys(name, what):
    with open("/sys/class/net/" + name + "/" + what) as f:
        return f.read().strip()


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
        self._rtc = told.get("rtc", True)
        self._button_fd = told.get("button_fd")
        self._flash = nor.open_file(told["dir"] + "/flash.bin")
        self.leases = nor.Region(self._flash, nor.LEASES_AT, nor.LEASES_SIZE)
        self._store = store.Store(self._mount(told["dir"]))
        for name, path in told.get("install", {}).items():
            if self._store.install(name, path):
                self.say("%s in flash replaced by %s" % (name, path))
        found = told.get("interfaces")
        self.interfaces = [Interface(i["name"], i["address"]) for i in (_ask_ip() if found is None else found)]

    def say(self, text):
        """Log one line of the board's own."""
        self.log.write((text + "\n").encode())

    def load_config(self):
        """Text of dhcpd.conf, or None on a blank board."""
        return self._store.load(CONFIG)

    def store_config(self, text):
        """Replace dhcpd.conf; a power cut leaves the old one or the new one."""
        self._store.store(CONFIG, text)

    def read_file(self, name):
        """Text of an included file; OSError if there is none."""
        text = self._store.load(name)
        if text is None:
            raise OSError("there is no file %s on this board" % name)
        return text

    def rtc(self):
        """Project seconds from the host's clock, or None if this board has none."""
        return time.time_ns() // 1000000000 - EPOCH_UNIX if self._rtc else None

    async def stopped(self):
        """Return when somebody wants the board to stop: the virtual board's button, or SIGTERM under CPython."""
        if self._button_fd is not None and MICROPYTHON:
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
        if MICROPYTHON:
            import vfs

            vfs.umount(MOUNT)
        self._flash.close()

    def _mount(self, folder):
        """Return the folder for configuration files, on a littlefs in the flash or (CPython) in plain sight."""
        if not MICROPYTHON:
            folder += "/files"
            os.makedirs(folder, exist_ok=True)
            return folder
        import vfs

        blocks = nor.Blocks(nor.Region(self._flash, nor.VFS_AT, nor.VFS_SIZE))
        try:
            fs = vfs.VfsLfs2(blocks, progsize=32)
        except OSError:
            # Blank, or cut short while being formatted: littlefs copies on write, so nothing else brings it here.
            if blocks.fault is not None:
                raise blocks.fault
            vfs.VfsLfs2.mkfs(blocks, progsize=32)
            fs = vfs.VfsLfs2(blocks, progsize=32)
            self.say("file system made in flash")
        vfs.mount(fs, MOUNT)
        return MOUNT


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
    return open(fd, mode) if MICROPYTHON else open(fd, mode, buffering=0, closefd=False)


def _ask_ip():
    import subprocess

    told = json.loads(subprocess.run(["ip", "-j", "-4", "address"], capture_output=True, check=True).stdout)
    return [
        {"name": link["ifname"], "address": "%s/%d" % (a["local"], a["prefixlen"])}
        for link in told
        for a in link["addr_info"][:1]
        if "LOOPBACK" not in link["flags"]
    ]
