"""Doubles of machine, network, esp32 and rp2: as much of a chip as the board layer uses, with the port's own rules.

`install(platform)` puts them where `import` finds them and forgets the modules of the board that knew others.
The rules are those of the ports: what a Pico refuses, its double refuses.
"""

import os
import sys
import time

SECTOR = 4096


class Cut(Exception):
    """The power is gone."""


class Nor:
    """Flash of so many blocks; programs clear bits.  `cut_in`: operations until the power goes, −1 never."""

    def __init__(self, blocks, page=1):
        self.octets = bytearray(b"\xff" * (SECTOR * blocks))
        self.page = page
        self.cut_in = -1
        self.worn = -1  # a block whose bits do not change any more

    def _operation(self):
        if self.cut_in == 0:
            raise Cut
        self.cut_in -= 1

    def readblocks(self, n, buf, at=0):
        start = n * SECTOR + at
        buf[:] = self.octets[start : start + len(buf)]
        return 0

    def writeblocks(self, n, buf, at=None):
        if at is None:
            for block in range(n, n + len(buf) // SECTOR):
                self.ioctl(6, block)
            at = 0
        elif at % self.page or len(buf) % self.page:
            raise ValueError("offset and length must be multiples of %d" % self.page)
        self._operation()
        start = n * SECTOR + at
        if n != self.worn:
            for i in range(len(buf)):
                self.octets[start + i] &= buf[i]
        return 0

    def ioctl(self, op, arg):
        if op == 4:
            return len(self.octets) // SECTOR
        if op == 5:
            return SECTOR
        if op == 6:
            self._operation()
            self.octets[arg * SECTOR : (arg + 1) * SECTOR] = b"\xff" * SECTOR
        return 0


class Block:
    """The same as littlefs calls it: from C, so nothing may be raised in here."""

    def __init__(self, nor):
        self.nor = nor
        self.fault = None

    def readblocks(self, n, buf, at=0):
        return self.nor.readblocks(n, buf, at)

    def writeblocks(self, n, buf, at=None):
        return self._try(lambda: self.nor.writeblocks(n, buf, at))

    def ioctl(self, op, arg):
        return self._try(lambda: self.nor.ioctl(op, arg))

    def _try(self, what):
        try:
            return what()
        except Exception as e:
            self.fault = e
            return -5


class Pin:
    IN, OUT = 1, 3
    PULL_UP, PULL_DOWN = 2, 1
    levels = {}  # of inputs, by number
    made = {}

    def __init__(self, name, mode=-1, pull=-1, value=None):
        self.name, self.mode, self.pull = name, mode, pull
        self.level = 0
        self.history = []
        Pin.made[name] = self

    def value(self, level=None):
        if level is None:
            return Pin.levels.get(self.name, 1 if self.pull == Pin.PULL_UP else 0)
        self.level = int(level)
        self.history.append(self.level)
        return None


class Reset(Exception):
    """The chip starts again."""


class Machine:
    """What is told of a chip, and what became of it."""

    PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET, SOFT_RESET = 1, 2, 3, 4, 5

    def __init__(self, platform):
        self.platform = platform
        self.Pin = Pin
        self.cause = 1
        self.memory = bytearray(16)
        self.watchdog = None
        self.mem32 = {0x40058000: 0, 0x400D8000: 0}
        self.timers = []
        machine = self

        class WDT:
            def __init__(self, id=0, timeout=5000):
                if platform == "rp2" and timeout > 8388:
                    raise ValueError("timeout exceeds 8388")
                self.timeout = timeout
                self.fed = 0
                machine.watchdog = self

            def feed(self):
                self.fed += 1

        class Timer:
            PERIODIC = 1

            def __init__(self, id=-1, mode=1, period=-1, callback=None):
                self.callback = callback
                machine.timers.append(self)

            def deinit(self):
                machine.timers.remove(self)

        class SPI:
            def __init__(self, id, sck=None, mosi=None, miso=None):
                self.pins = (id, sck.name, mosi.name, miso.name)

        class RTC:
            def datetime(self, told=None):
                assert len(told) == 8
                year, month, day, _, hour, minute, second, rest = told
                machine.clock = (year, month, day, hour, minute, second)
                machine.clock_us = 0 if platform == "rp2" else rest

        self.WDT, self.Timer, self.SPI, self.RTC = WDT, Timer, SPI, RTC
        self.clock = self.clock_us = None  # what it was set to

    def reset_cause(self):
        return self.cause

    def mem_backup(self, region=0):
        return memoryview(self.memory)

    def reset(self):
        self.cause = 3 if self.platform == "rp2" else 2
        raise Reset


class Nic:
    """A network interface; `air` is what the test says of its link."""

    def __init__(self, platform):
        self.platform = platform
        self.on = False
        self.link = False
        self.dhcp = True
        self.addr4 = ("0.0.0.0", "0.0.0.0")
        self.gw4 = ""
        self.settings = {}
        self.calls = []

    def active(self, on=None):
        if on is None:
            return self.on
        self.calls.append("active" if on else "inactive")
        self.on = on
        if self.platform == "rp2":
            self.dhcp = True  # a Pico begins anew with each activation
            self.addr4 = ("0.0.0.0", "0.0.0.0")
        return None

    def config(self, *what, **told):
        if what:
            assert what == ("mac",)
            return b"\x24\x62\xab\1\2\3"
        for name in told:
            if name not in ("pm", "reconnects") or (name == "reconnects" and self.platform == "rp2"):
                raise ValueError("unknown config param")
            self.settings[name] = told[name]
        return None

    def ipconfig(self, *what, **told):
        if what:
            return getattr(self, what[0])
        if (
            self.platform == "rp2"
            and len(told) > 1
            and next(iter(told)) != "addr4"
            and sys.implementation.name == "cpython"
        ):
            raise ValueError("addr4 must be the first")
        if "dhcp4" in told:
            self.dhcp = told["dhcp4"]
        if "addr4" in told:
            assert not self.dhcp or self.platform == "esp32", "DHCP would overwrite it"
            self.dhcp = False
            self.addr4 = (told["addr4"].split("/")[0], told["addr4"].split("/")[1])
        self.gw4 = told.get("gw4", self.gw4)
        return None

    def isconnected(self):
        return self.on and self.link and self.addr4[0] != "0.0.0.0"


class Wlan(Nic):
    def __init__(self, platform):
        super().__init__(platform)
        self.joining = False
        self.code = 0
        self.joined = []

    def connect(self, ssid, key=None):
        assert self.on
        if self.joining and self.platform == "esp32":
            raise OSError("Wifi Internal State Error")
        self.joining = True
        self.joined.append((ssid, key))

    def disconnect(self):
        self.joining = False

    def status(self):
        return self.code


class Network:
    """The module network of one port."""

    ETH_INITIALIZED, ETH_STARTED, ETH_STOPPED, ETH_CONNECTED, ETH_DISCONNECTED, ETH_GOT_IP = 0, 1, 2, 3, 4, 5

    def __init__(self, platform):
        self.wlan = Wlan(platform)
        self.told = {}
        network = self

        class WLAN:
            IF_STA, PM_NONE = 0, 16 if platform == "rp2" else 0

            def __new__(cls, interface):
                return network.wlan

        class LAN(Nic):
            def __init__(self, **told):
                super().__init__("esp32")
                assert "phy_addr" in told and "phy_type" in told
                self.told = told
                self.state = network.ETH_INITIALIZED
                network.lan = self

            def status(self):
                return self.state

        class WIZNET5K(Nic):
            fails = 0

            def __init__(self):
                super().__init__("rp2")
                network.wiznet = self

            def active(self, *on):
                if on and on[0] and WIZNET5K.fails:
                    WIZNET5K.fails -= 1
                    raise OSError(-5)
                return super().active(*on)

        self.WLAN = WLAN
        if platform == "esp32":
            self.LAN = LAN
            self.PHY_LAN8720, self.PHY_W5500, self.PHY_IP101 = 1, 102, 2
        else:
            self.WIZNET5K = WIZNET5K

    def hostname(self, *name):
        self.told["hostname"] = name

    def country(self, *code):
        assert not self.wlan.on, "a country that comes late counts for nothing"
        self.told["country"] = code


class Esp32:
    """The module esp32: partitions by label."""

    def __init__(self, partitions):
        class Partition:
            TYPE_APP, TYPE_DATA = 0, 1

            @staticmethod
            def find(type=0, subtype=0xFF, label=None, block_size=4096):
                assert type == Partition.TYPE_DATA
                return [partitions[name] for name in partitions if label in (None, name)]

        self.Partition = Partition


class Rp2:
    """The module rp2."""

    def __init__(self, nor):
        self.pressed = []  # what bootsel_button says, one after the other; then 0
        self._nor = nor

    def Flash(self):
        return self._nor

    def bootsel_button(self):
        return self.pressed.pop(0) if self.pressed else 0


class Chip:
    """One chip: its modules under their names."""

    def __init__(self, platform, nor=None, partitions=()):
        self.machine = Machine(platform)
        self.network = Network(platform)
        self.nor = nor
        self.esp32 = Esp32(dict(partitions))
        self.rp2 = Rp2(nor)


def install(platform, nor=None, partitions=()):
    """From here on the board layer's `import machine` … finds a new chip, which is returned."""
    chip = Chip(platform, nor, partitions)
    for name in ("machine", "network", "esp32", "rp2"):
        sys.modules[name] = getattr(chip, name)
    stay = ("twinlease.board.nor", "twinlease.board.files", "twinlease.board.base", "twinlease.board.settings")
    for name in list(sys.modules):
        if name.startswith("twinlease.board.") and name not in stay:
            del sys.modules[name]
            package = sys.modules["twinlease.board"]
            if hasattr(package, name[16:]):
                delattr(package, name[16:])
    Pin.levels.clear()
    Pin.made.clear()
    if not hasattr(time, "sleep_ms"):
        time.sleep_ms = lambda ms: None
    return chip


def random(n):
    return os.urandom(n)
