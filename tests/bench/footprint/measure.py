"""The figures: what a serving board takes of a 32-bit heap, and where that goes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import boards, compiled, in_rom
from .wasm import Interpreter

# asyncio of a board is in ROM; its classes, functions and queues are in the heap: 7,072 octets of the 64-bit unix
# port, with StreamReader, and objects are half as large on 32 bits.
ASYNCIO = 3536
BUDGETS = {(250, 1): 150_000, (1000, 1): 200_000}  # octets, by leases and failover peers
STRETCH = {(250, 1): 110_000}
_BLOCK = 16  # octets of a 32-bit heap are given out in such pieces
SETTINGS = ((250, 0), (1000, 0), (250, 1), (1000, 1))
_ALONE_MS, _JOIN_MS, _SETTLE_MS = 3000, 30_000, 5000
_CLIENTS = 12

# What is loaded for a while and forgotten, by the module that brings the others with it.
# Loaded while a partner is sought, and gone while there is one: both are looked at.
BESIDE_A_LINK = ("twinlease.net.beat", "twinlease.failover.beat", "twinlease.failover.evidence")

PASSING = {
    "configuration parser": ("twinlease.conf.parser", "twinlease.conf.check"),
    "image writer": ("twinlease.conf.image_writer",),
    "boot": ("twinlease.start", "twinlease.configuration", "twinlease.conf.image", "twinlease.lease.recover"),
    "console": ("twinlease.console", "twinlease.console.commands", "twinlease.console.show"),
    "failover commands": ("twinlease.console.failover",),
    "moving leases": ("twinlease.move",),
}


@dataclass
class Build:
    """The compiled firmware, in `root` as byte code only, in `of_pico` the files that have native code there.

    native  octets that native code takes more, by path
    """

    root: Path
    of_pico: Path
    native: dict[str, int]

    def files(self, folder: str = boards.STOCK) -> dict[str, bytes]:
        """By path on a board."""
        return boards.compiled(self.root, folder)

    def mpy(self, module: str) -> Path:
        """The compiled file of a module."""
        path = self.root / module.replace(".", "/")
        return path / "__init__.mpy" if path.is_dir() else path.with_suffix(".mpy")

    def in_flash(self, modules: list[str], names: set[bytes]) -> int:
        """Octets of heap that these modules and names do not take where the firmware runs in flash."""
        read = []
        for file in map(self.mpy, modules):
            native = self.of_pico / file.relative_to(self.root)
            read.append((native if native.exists() else file).read_bytes())
        return in_rom.saved(read, names, self.root, _BLOCK)

    def extra(self, modules: list[str]) -> int:
        """Octets by which native code makes these modules larger."""
        return sum(octets for name, octets in self.native.items() if compiled.module_name(name) in modules)


@contextmanager
def built() -> Iterator[Build]:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "byte")
        texts = compiled.sources()
        compiled.byte_code(root, texts)
        of_pico = Path(folder, "native")
        yield Build(root, of_pico, compiled.native_extra(root, texts, of_pico))


@dataclass
class Serving:
    """Octets of heap of a board: after boot without its partner, with it (both the same without failover), and after
    clients have leases.

    names  how many its interpreter has learnt;  native, asyncio  what is in the totals for them
    """

    alone: int
    linked: int
    served: int
    names: int
    native: int
    modules: list[str]

    @property
    def total(self) -> int:
        """The most of them."""
        return max(self.alone, self.linked, self.served)


def serving(build: Build, leases: int, peers: int, folder: str = boards.STOCK) -> Serving:
    """Start a board, or a pair, wait until it serves, and let some clients have leases.

    `folder`: boards.IN_ROM where the firmware runs in flash.
    """
    config = boards.source(leases, peers)
    with boards.started(build.files(folder), config, boards.ADDRESSES[: 1 + bool(peers)]) as all_:
        first = all_[0]
        first.pass_time(_ALONE_MS)
        alone = linked = _octets(build, first, folder)
        if peers:
            _come_together(all_)
            linked = _octets(build, first, folder)
        cells = first.told()[3]
        assert cells == leases, f"{cells} cells for {leases} leases"
        got = first.lease(_CLIENTS)
        assert got, "no client got a lease"
        served = _octets(build, first, folder)
        loaded = first.modules()
        return Serving(alone, linked, served, len(first.names()), build.extra(loaded), loaded)


def _octets(build: Build, board: boards.Board, folder: str) -> int:
    """Of heap, now: what is measured, and what this interpreter does not show."""
    loaded = board.modules()
    in_flash = build.in_flash(loaded, board.names()) if folder == boards.IN_ROM else 0
    return board.used() + build.extra(loaded) + ASYNCIO - in_flash


def _come_together(pair: list[boards.Board]) -> None:
    for _ in range(0, _JOIN_MS, 1000):
        if all(all(board.told()[1]) for board in pair):
            boards.join(pair, _SETTLE_MS)
            return
        boards.join(pair, 1000)
    raise RuntimeError(f"the pair has not come together: {pair[0].told()}")


def modules(build: Build, names: list[str]) -> Iterator[tuple[str, int, int]]:
    """(module, octets that it keeps in the heap, names) for each, imported in this order."""
    with Interpreter(build.files()) as python:
        boards.prepare(python)
        used, known = python.used(), len(python.names())
        for name in names:
            python.run("import " + name)
            now, then = python.used(), len(python.names())
            yield name, now - used, then - known
            used, known = now, then


def passing(build: Build, loaded: list[str]) -> Iterator[tuple[str, int, int]]:
    """(what, octets while it is loaded, octets that stay) for what a board has for a while, beside those loaded."""
    for what, names in (PASSING | _overlays(build, loaded)).items():
        with Interpreter(build.files()) as python:
            boards.prepare(python)
            python.run("import " + ", ".join(loaded))
            python.run("known = set(sys.modules); name = ''; sorted(known)")
            before = python.used()
            for name in names:
                python.run("import " + name)
            there = python.used()
            python.run("for name in set(sys.modules) - known: twinlease.forget(name)")
            yield what, there - before, python.used() - before


def _overlays(build: Build, loaded: list[str]) -> dict[str, tuple[str, ...]]:
    """Each module of failover that is loaded for an occasion only."""
    names = sorted(path.stem for path in (build.root / "twinlease" / "failover").glob("*.mpy"))
    return {
        f"failover.{name}": (f"twinlease.failover.{name}",)
        for name in names
        if f"twinlease.failover.{name}" not in loaded and name != "__init__"
    }


def size(build: Build, module: str) -> int:
    """Octets of its .mpy as a Pico gets it."""
    native = sum(octets for name, octets in build.native.items() if compiled.module_name(name) == module)
    return build.mpy(module).stat().st_size + native
