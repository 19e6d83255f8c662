"""What of a .mpy file stays in flash when MicroPython runs it in place (ROMFS), by the file's own words.

The WebAssembly port reads files, and maps none; so a board's heap with the firmware in flash is what it takes stock less
what is counted here. On the 64-bit unix port both are measured, and tests/host/test_footprint.py holds the count to that.

A loader copies three things to the heap when it cannot leave them where they lie: the bytecode of each function, the
octets of each constant text, and the letters of each name that the interpreter had not learnt. The body of a module or
class runs once, and goes either way; native code is copied in any case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from twinlease_host import lend

_BYTECODE, _NATIVE, _VIPER, _ASSEMBLER = range(4)
_FUN_TABLE, _NONE, _FALSE, _TRUE, _ELLIPSIS, _STR, _BYTES, _INT, _FLOAT, _COMPLEX, _TUPLE = range(11)
_WITHOUT_DATA = (_FUN_TABLE, _NONE, _FALSE, _TRUE, _ELLIPSIS)
_LOAD_NAME = 0x11
_RELOCATED_OR_WITH_DATA = 0x70  # flags of native code that mpy-cross makes of no Python


@dataclass
class InPlace:
    """What one file leaves in flash: functions' bytecode, by its length; constant texts and octets; names."""

    code: list[int] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    constants: list[bytes] = field(default_factory=list)
    names: set[bytes] = field(default_factory=set)

    def octets(self, block: int, known: set[bytes]) -> int:
        """Of heap, in blocks of so many octets, but for the names; a text that is a known name is no text of its own."""
        held = [text for text in self.texts if text not in known] + self.constants
        lengths = [*self.code, *(len(octets) + 1 for octets in held)]
        return sum(-(-length // block) * block for length in lengths)


def saved(files: Iterable[bytes], names: set[bytes], root: Path, block: int) -> int:
    """Octets of heap that these loaded files take less in flash, and the letters of names.

    names: all that the interpreter has learnt; those that a .mpy file in `root` has are in flash
    """
    known = names | {name.encode() for name in lend.names_in_rom()}
    in_flash = set().union(*(parse(path.read_bytes()).names for path in root.rglob("*.mpy")))
    letters = sum(len(name) + 1 for name in names & in_flash)
    return letters + sum(parse(octets).octets(block, known) for octets in files)


def parse(octets: bytes) -> InPlace:
    """Of a .mpy file, format 6."""
    if octets[:2] != b"M\x06":
        raise ValueError("no .mpy file of format 6")
    reader = _Reader(octets, 4)
    found = InPlace()
    names, objects = reader.number(), reader.number()
    found.names.update(name for name in (reader.name() for _ in range(names)) if name)
    for _ in range(objects):
        for is_text, constant in reader.constants():
            (found.texts if is_text else found.constants).append(constant)
    found.code += reader.functions()
    if reader.at != len(octets):
        raise ValueError(f"{len(octets) - reader.at} octets are left of a .mpy file")
    return found


class _Reader:
    def __init__(self, octets: bytes, at: int) -> None:
        self._octets = octets
        self.at = at

    def take(self, n: int) -> bytes:
        self.at += n
        return self._octets[self.at - n : self.at]

    def number(self) -> int:
        """Seven bits an octet, the highest first; all but the last have their top bit set."""
        n = 0
        while True:
            octet = self.take(1)[0]
            n = n << 7 | octet & 127
            if octet < 128:
                return n

    def name(self) -> bytes | None:
        """None: one that every MicroPython has."""
        length, is_static = divmod(self.number(), 2)
        return None if is_static else self.take(length + 1)[:-1]

    def constants(self) -> Iterator[tuple[bool, bytes]]:
        """(is it text, its octets) for the constant that follows, if it is text or octets, or those in it."""
        kind = self.take(1)[0]
        if kind in _WITHOUT_DATA:
            return
        length = self.number()
        if kind == _TUPLE:
            for _ in range(length):
                yield from self.constants()
        elif kind not in (_STR, _BYTES):
            self.take(length)
        elif octets := self.take(length + 1)[:-1]:
            yield kind == _STR, octets

    def functions(self, outermost: bool = True) -> Iterator[int]:
        """Lengths of the bytecode that stays, of a function and of those within it."""
        told = self.number()
        kind, code = told & 3, self.take(told >> 3)
        if kind == _NATIVE:
            self.number()
        elif kind == _ASSEMBLER or (kind == _VIPER and self.number() & _RELOCATED_OR_WITH_DATA):
            raise ValueError("native code that was not made of Python")
        elif kind == _BYTECODE and not outermost and not _is_body_of_class(code):
            yield len(code)
        for _ in range(self.number() if told & 4 else 0):
            yield from self.functions(outermost=False)


def _is_body_of_class(code: bytes) -> bool:
    """It begins with `__module__ = __name__`; functions do not ask for variables in this way."""
    at = 0
    while code[at] & 128:  # sizes of the frame
        at += 1
    at += 1
    names = cells = shift = 0
    more = True
    while more:  # octets that follow: names and lines in steps of six bits, cells of one
        octet, more = code[at], code[at] > 127
        names |= (octet >> 1 & 63) << 6 * shift
        cells |= (octet & 1) << shift
        shift += 1
        at += 1
    return code[at + names + cells] == _LOAD_NAME
