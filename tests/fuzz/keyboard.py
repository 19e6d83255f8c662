"""Garbage at the console: each line gets its answer, and the next one is read."""

import asyncio

from twinlease import console
from twinlease.clock import Clock

from . import networks
from .datagrams import Dice
from .exchange import Exchange, session
from .watch import alarm, rearm

_WORDS = (
    "show",
    "sh",
    "leases",
    "pools",
    "memory",
    "flash",
    "clock",
    "version",
    "help",
    "json",
    "fish",
    "!",
    "",
    "s" * 300,
)
_LAST = b"\x1b[m\x15\x08\r!end show version\r"
_MOST = 200000  # octets that an answer to a few lines can have


class _Board:
    name = "fuzz"

    class leases:
        programs = programmed = erases = written = syncs = 0
        block_erases = (0,)


class _App:
    """What the console may look at: a server that has served."""

    def __init__(self, seed):
        exchange = Exchange(networks.OFFICE)
        session(Dice(seed), exchange, 300)
        self.board = _Board
        self.table, self.journal, self.config = exchange.table, exchange.journal, exchange.config
        self.node, self.clock = exchange.node, Clock()


class _Wire:
    def __init__(self, typed):
        self.typed, self.at, self.printed = typed, 0, bytearray()

    async def read(self, n):
        self.at += 1
        return self.typed[self.at - 1 : self.at]

    async def write(self, octets):
        self.printed += octets


def _typed(dice):
    out = b""
    for _ in range(1 + dice.below(4)):
        words = " ".join([dice.pick(_WORDS) for _ in range(dice.below(5))]).encode()
        if dice.one_in(3):
            words = b"!" + dice.pick((b"", b"7", b"7f " * 3, b"\x7f", b"t" * 250)) + b" " + words
        if dice.one_in(3):
            at = dice.below(len(words) + 1)
            words = words[:at] + dice.octets(dice.below(12)) + words[at:]
        if dice.one_in(40):
            words = dice.pick((b"[", b"{", b"\x1b", b"!", b" ")) * 20000
        out += words + dice.pick((b"\r", b"\n", b"\r\n", b"", b"\x03", b"\x15"))
    return out


def type_garbage(seed, n):
    dice = Dice(seed)
    app = _App(seed)
    with alarm():
        for i in range(n):
            rearm()
            typed = _typed(dice) + _LAST
            wire = _Wire(typed)
            try:
                asyncio.run(console.run(wire, wire, app, wire.typed[:0] or asyncio.run(wire.read(1))))
                assert wire.at > len(typed), "the console stopped reading"
                assert wire.printed.endswith(b"\r\n!end ok\r\ntwinlease> "), bytes(wire.printed[-200:])
                assert len(wire.printed) < _MOST and max(wire.printed) < 128
            except BaseException:
                print("typed %d: %r" % (i, typed))
                raise
    return {"console inputs": n}
