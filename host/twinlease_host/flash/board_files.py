"""Files on a board, over its raw REPL: mpremote's transport, our own order.

A file is written beside the one that it replaces, and takes its name when it is whole. main.py goes first and comes
last: a board that loses its power between has no program, and not half of one.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mpremote.transport import TransportError  # type: ignore[import-untyped]
from mpremote.transport_serial import SerialTransport  # type: ignore[import-untyped]

from .. import handlers
from ..errors import UserError
from ..serial_link import GONE, why_closed

_CHUNK = 1536
_TRIES = 3
_ARM = ("armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp")
_ARCHES = ("", "x86", "x64", *_ARM, "xtensa", "xtensawin", "rv32imc", "rv64imc")

# Each is run on the board, with its heap to itself.
_ABOUT = """
import sys, json
i = sys.implementation
print(json.dumps([i.name, list(i.version[:3]), getattr(i, '_mpy', 0), i._machine, sys.platform]))
"""
_LIST = """
import os, hashlib
b = bytearray(512)
def look(path):
    if os.stat(path)[0] & 0x4000:
        for entry in os.ilistdir(path):
            look(path + '/' + entry[0])
        return
    h = hashlib.sha256()
    with open(path, 'rb') as f:
        n = f.readinto(b)
        while n:
            h.update(memoryview(b)[:n])
            n = f.readinto(b)
    print(path, h.digest().hex())
for path in %r:
    try:
        look(path)
    except OSError:
        pass
del look, b
"""
_FOLDERS = """
import os
for path in %r:
    try:
        os.mkdir(path)
    except OSError:
        pass
"""
_TOOLS = """
import os
from binascii import a2b_base64 as _a
def _gone(path):
    try:
        os.remove(path)
    except OSError:
        pass
"""


@dataclass(frozen=True)
class About:
    """Which interpreter a board has."""

    version: tuple[int, ...]
    mpy: int  # major version of compiled files
    mpy_minor: int  # and minor: counts where they have native code
    arch: str
    machine: str
    platform: str

    @property
    def release(self) -> str:
        """As people write it."""
        return ".".join(map(str, self.version))


@dataclass
class Changes:
    """How many files were what."""

    changed: int = 0
    unchanged: int = 0
    removed: int = 0


def sha256(octets: bytes) -> str:
    """As `hashes` tells it."""
    return hashlib.sha256(octets).hexdigest()


class Files:
    """What is on the board, while it is at its raw REPL."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport
        transport.exec(_TOOLS)

    def about(self) -> About:
        """Ask the interpreter."""
        name, version, mpy, machine, platform = json.loads(self._transport.exec(_ABOUT))
        if name != "micropython":
            raise UserError(f"the board runs {name}", "twinlease needs MicroPython")
        arch = mpy >> 10 & 15
        known = _ARCHES[arch] if arch < len(_ARCHES) else f"number {arch}"
        return About(tuple(version), mpy & 255, mpy >> 8 & 3, known, machine, platform)

    def hashes(self, *paths: str) -> dict[str, str]:
        """SHA-256 of each of these files, and of those below these folders, by path."""
        told = self._transport.exec(_LIST % (paths,)).decode()
        return dict(line.rsplit(" ", 1) for line in told.splitlines())

    def run(self, code: str) -> str:
        """What it prints on the board."""
        return str(self._transport.exec(code).decode())

    def read(self, path: str) -> bytes | None:
        """A file, or None if there is none."""
        try:
            return bytes(self._transport.fs_readfile(path, chunk_size=512))
        except (OSError, TransportError):
            return None

    def update(
        self, wanted: dict[str, bytes], there: dict[str, str], last: str, progress: Callable[[int, int], None]
    ) -> Changes:
        """Make the board's files those: absolute path and octets. What else is `there` goes; `last` comes last.

        Raises UserError if in the end something is not what it was to be.
        """
        stale = {path: octets for path, octets in wanted.items() if there.get(path) != sha256(octets)}
        extra = [path for path in there if path not in wanted]
        size, done = sum(map(len, stale.values())), 0
        if (stale or extra) and last in there:
            self.remove(last)
            stale[last] = wanted[last]
        folders = {path[:at] for path in stale for at in range(1, len(path)) if path[at] == "/"}
        self._transport.exec(_FOLDERS % sorted(folders))
        for path in extra:
            self.remove(path)
        for path in sorted(stale, key=lambda path: (path == last, path)):
            for n in self._put(path, stale[path]):
                done += n
                progress(done, size)
        self._verify(wanted)
        return Changes(len(stale), len(wanted) - len(stale), len(extra))

    def put(self, path: str, octets: bytes) -> None:
        """Replace a file, whole."""
        folder = path.rpartition("/")[0]
        if folder:
            self._transport.exec(_FOLDERS % [folder])
        for _ in self._put(path, octets):
            pass

    def remove(self, path: str) -> None:
        """A file that may not be there."""
        self._transport.exec(f"_gone({path!r})")

    def reset(self) -> None:
        """Start the board as with the power."""
        self._transport.exec_raw_no_follow("import machine; machine.reset()")

    def start_loader(self) -> None:
        """Leave MicroPython for the chip's own loader (Pico family)."""
        self._transport.exec_raw_no_follow("import machine; machine.bootloader()")

    def _put(self, path: str, octets: bytes) -> Iterator[int]:
        """In pieces, under another name; the last piece gives it its own."""
        new = path + ".new"
        code = f"f = open({new!r}, 'wb')\n"
        for at in range(0, len(octets) or 1, _CHUNK):
            piece = octets[at : at + _CHUNK]
            code += f"f.write(_a({base64.b64encode(piece).decode()!r}))\n"
            if at + _CHUNK >= len(octets):
                code += f"f.close()\nos.rename({new!r}, {path!r})\n"
            self._transport.exec(code)
            code = ""
            yield len(piece)

    def _verify(self, wanted: dict[str, bytes]) -> None:
        now = self.hashes(*sorted({"/" + path.split("/")[1] for path in wanted}))
        wrong = [path for path, octets in wanted.items() if now.get(path) != sha256(octets)]
        if wrong:
            raise UserError(
                f"{len(wrong)} files on the board are not what was written, {wrong[0]} among them",
                "run this again; if that does not help, its flash is worn, or its file system damaged",
            )


@contextmanager
def opened(port: str, appears_s: float = 0) -> Iterator[Files]:
    """The files of the board at this port. It is interrupted; a server on it stops in order first. Raises UserError.

    Whatever goes wrong meanwhile, the board is told to start again with what it has.

    appears_s  how long the port may take to be there: USB goes and comes with the chip
    """
    handlers.use()
    end = time.monotonic() + appears_s
    while "://" not in port and not os.path.exists(port) and time.monotonic() < end:
        time.sleep(0.1)
    try:
        transport = SerialTransport(port, baudrate=115200)
    except (TransportError, *GONE) as bad:
        raise UserError(f"{port}: {bad}", why_closed(port, str(bad))) from None
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # where the transport prints what it did not expect
            _enter(transport, port)
            try:
                yield Files(transport)
            except BaseException:
                _restart(transport)
                raise
    except TransportError as bad:
        lines = str(bad).strip().splitlines() or ["it does not answer any more"]
        full = "ENOSPC" in lines[-1] or "OSError: 28" in lines[-1]
        hint = "its file system is full: remove files that are not Twinlease's" if full else "run this again"
        raise UserError(f"the board at {port}: {lines[-1]}", hint) from None
    except OSError as bad:
        raise UserError(f"{port} went away: {bad}", "is the board powered? plug it in and run this again") from None
    finally:
        with contextlib.suppress(OSError):
            transport.close()


def _restart(transport: Any) -> None:
    """If it still answers."""
    with contextlib.suppress(TransportError, OSError):
        transport.enter_raw_repl(soft_reset=False)
        transport.exec_raw_no_follow("import machine; machine.reset()")


def _enter(transport: Any, port: str) -> None:
    for turn in range(_TRIES):
        try:
            transport.enter_raw_repl(soft_reset=True)
            return
        except TransportError:
            if turn == _TRIES - 1:
                raise UserError(
                    f"no MicroPython answers at {port}",
                    "is another program at the port? Is the board's console locked (twinlease console PORT, unlock)? "
                    "On a new board without reset lines: press RESET, and run this again",
                ) from None
