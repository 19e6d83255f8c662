"""What the firmware takes of a board's heap, measured on MicroPython's unix port (64-bit): `make footprint UNIX=1`, as root.

Two tables. The first: a serving board of 256 KiB, with 250 and 1,000 leases, ping-check off and on. "Free" is after a
collection, before anybody typed; "console" is after a command has been answered, "largest" the largest free piece,
"names" how many names the interpreter has learnt (its pool doubles at 630 and at 1,270: 7 KB, 14 KB), "cells" how
many 16-octet cells the lease table has: where memory is short it takes fewer than one a lease.

The second: what each module leaves in the heap when it is imported after those above it. Where the pool of names
grows, its new part counts there. At the end, what all of them leave where they run in flash (ROMFS), beside what
in_rom.py counts: the 32-bit figures have nothing else to go by.

    python -m tests.bench.footprint --unix
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from twinlease_host import firmware, romfs
from twinlease_host.vboard.cpu import interpreter

from . import in_rom
from .wasm import names_told

HEAP = "256k"
SOURCE = "subnet 10.77.0.0 netmask 255.255.0.0 {{ range 10.77.4.0 10.77.{}.{}; }}\nping-check {};\n"
LIMIT_S = 30
FIRST = 4 << 8  # of the range, in the host part

# Serves as main.py does, but that the board is soon asked to stop. Goes through the build with the firmware, because
# names are not there what they are here.
SERVING = """
import asyncio, gc, micropython, sys
from twinlease import app as _app

class _Line:
    def __init__(self, text):
        self.text = text
    async def read(self, n):
        octet, self.text = self.text[:1], self.text[1:]
        return octet
    async def write(self, octets):
        pass

def _tell(word):
    gc.collect()
    print(word, gc.mem_free())
    micropython.qstr_info()
    micropython.mem_info()

_App = _app.App

def _measured(board):
    app = _App(board)
    async def stopped():
        await asyncio.sleep(float(sys.argv[-1]))
        _tell('free')
        print('cells', len(app.table.cells) // 16)
        from twinlease import console
        line = _Line(b'how memory json\\r')
        await console.run(line, line, app, b's')
        line = None
        _tell('console')
    board.stopped = stopped
    return app

_app.App = _measured
execfile(sys.path[0] + '/main.py')
"""
START = "import sys; sys.path[:] = [%r, '.frozen']; import serving"

_BLOCK = 32  # octets of a 64-bit heap are given out in such pieces
_MOUNT = """
import os, uctypes, vfs
vfs.mount(vfs.VfsRom(uctypes.bytearray_at(*[int(n) for n in os.getenv('ROM').split()])), '/rom')
"""
MODULES = """
import sys
sys.path[:] = [%(root)r, '.frozen']
import asyncio, binascii, errno, gc, hashlib, json, micropython, os, select, socket, struct, time
asyncio.run, asyncio.sleep, asyncio.create_task, asyncio.Event
import twinlease
micropython.qstr_info(1)
print('--')
for name in sys.argv[1:]:
    gc.collect()
    before = gc.mem_free()
    __import__(name)
    gc.collect()
    print('module', name, before - gc.mem_free())
micropython.qstr_info(1)
print(sorted(name for name in sys.modules if name.startswith('twinlease')))
"""

# In the order in which a board loads them; what is needed at boot only is left out.
ROOMS = (  # noqa: SIM905  a list would take a page
    "octets clock conf.records lease._rows lease._cells lease.rows lease.queues lease.clients lease.table lease.ring "
    "lease.record lease.journal dhcp.request dhcp.template dhcp.settings dhcp.context dhcp.client dhcp.choice "
    "dhcp.reply dhcp.server node net.sockets net.log net.dhcp_server net.probe board.nor board.unix app console "
    "console.show console.commands"
).split()

WIRES = (
    "ip link add eth0 type veth peer name far && ip address add 10.77.0.2/16 dev eth0 && ip link set eth0 up && "
    'ip link set far up && ip link set lo up && exec "$@"'
)


def build(root: Path) -> None:
    """Compile the firmware, and serving.py with it, into the folder `root`."""
    for name, text in firmware.folded({"serving.py": SERVING}).items():
        firmware.compile_text(name, text, firmware.built(root, name), firmware.UNIX_ARCH)


def serving(root: Path, leases: int, ping_check: bool, heap: str = HEAP) -> dict[str, int]:
    """Boot a board with so many leases, and ask it: free, console, largest, names, cells."""
    last = FIRST + leases - 1
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "dhcpd.conf")
        config.write_text(SOURCE.format(last >> 8, last & 255, "on" if ping_check else "off"))
        settings = Path(folder, "settings.json")
        interfaces = [{"name": "eth0", "address": "10.77.0.2/16"}]
        settings.write_text(
            json.dumps({"dir": folder, "interfaces": interfaces, "install": {config.name: str(config)}})
        )
        settle = "2.5" if ping_check else "0.2"
        words = [*interpreter(), "-X", f"heapsize={heap}", "-c", START % str(root), "--settings", str(settings), settle]
        for _ in range(2):  # the first start reads the configuration, makes its image, and resets
            words_in_lab = ["unshare", "--net", "sh", "-c", WIRES, "sh", *words]
            try:
                done = subprocess.run(words_in_lab, capture_output=True, text=True, timeout=LIMIT_S, check=False)
            except subprocess.TimeoutExpired:
                return {}  # no memory left to be measured in
            if "\nconsole" in done.stdout:
                return _numbers(done.stdout)
    raise SystemExit(done.stdout + done.stderr)


def _numbers(said: str) -> dict[str, int]:
    found = {word: int(re.search(rf"^{word} (\d+)", said, re.M)[1]) for word in ("free", "cells", "console")}
    found["names"] = int(re.findall(r"n_qstr=(\d+)", said)[-1])
    found["largest"] = int(re.findall(r"max free sz: (\d+)", said)[0]) * 32
    return found


@dataclass
class Imported:
    """What each module leaves in the heap; all that are loaded then; names that the interpreter has learnt from them."""

    octets: dict[str, int]
    loaded: list[str]
    names: set[bytes]

    @property
    def total(self) -> int:
        return sum(self.octets.values())


def modules(root: Path, names: list[str], rom: Path | None = None) -> Imported:
    """Import these modules, from the folder `root` or in place from the image `rom`."""
    short = "/rom" if rom else root.name  # a path is a name, too: both are to be about as long
    start = (_MOUNT if rom else "") + MODULES % {"root": short}
    words = [*interpreter(rom), "-X", "heapsize=1m", "-c", start, *names]
    done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT_S, check=False, cwd=root.parent)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    before, after = done.stdout.split("--\n")
    found = re.findall(r"^module (\S+) (-?\d+)", after, re.M)
    return Imported(
        {name: int(octets) for name, octets in found},
        ast.literal_eval(after.splitlines()[-1]),
        names_told(after) - names_told(before),
    )


def all_modules(root: Path) -> list[str]:
    """What serves, and all of failover, in the order in which a board loads it."""
    peers = sorted(path.stem for path in (root / "twinlease" / "failover").glob("*.mpy") if path.stem != "__init__")
    names = [f"twinlease.{name}" for name in [*ROOMS, *(f"failover.{name}" for name in peers)]]
    return [name for name in names if _mpy(root, name).exists()]  # others are in a bundle


def in_place(root: Path, stock: Imported) -> tuple[int, int]:
    """Octets of heap that the same modules take in flash: as counted by their files, and as measured."""
    files = [_mpy(root, name).read_bytes() for name in stock.loaded]
    counted = stock.total - in_rom.saved(files, stock.names, root, _BLOCK)
    with tempfile.TemporaryDirectory() as folder:
        rom = Path(folder, "rom.bin")
        rom.write_bytes(romfs.image(root))
        return counted, modules(root, list(stock.octets), rom).total


def _mpy(root: Path, module: str) -> Path:
    path = root / module.replace(".", "/")
    return path / "__init__.mpy" if path.is_dir() else path.with_suffix(".mpy")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "lib")
        build(root)
        columns = ("free", "console", "largest", "names", "cells")
        print(f"{'serving, heap ' + HEAP:<28}" + "".join(f"{name:>9}" for name in columns))
        for leases in (250, 1000):
            for ping_check in (False, True):
                found = serving(root, leases, ping_check)
                what = f"{leases} leases, ping-check {'on' if ping_check else 'off'}"
                print(f"{what:<28}" + "".join(f"{found.get(name, '-'):>9}" for name in columns))
        stock = modules(root, all_modules(root))
        print(f"\n{'module':<36}{'octets':>9}")
        for name, octets in stock.octets.items():
            print(f"{name:<36}{octets:>9}")
        failover = sum(octets for name, octets in stock.octets.items() if ".failover." in name)
        print(f"{'all':<36}{stock.total:>9}\n{'of it failover':<36}{failover:>9}\n{len(stock.names)} names")
        counted, measured = in_place(root, stock)
        print(f"in ROM: {measured} measured, {counted} counted ({counted / measured - 1:+.1%})")
