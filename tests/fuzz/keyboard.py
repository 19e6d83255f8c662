"""Garbage at the console: each line gets its answer, and the next one is read."""

import asyncio
import socket

import consoles
from consoles import Files
from twinlease import console
from twinlease.clock import Clock
from twinlease.console import commands
from twinlease.net.lines import Lines as KeptLines
from twinlease.net.recorder import Recorder

from . import networks
from .datagrams import Dice
from .exchange import Exchange, session
from .watch import alarm, rearm

_WORDS = (
    *sorted({word for row in commands.table() for word in row[0] if word.islower()}),
    "sh",
    "co",
    "json",
    "fish",
    "!",
    "",
    "s" * 300,
    "1",
    "2",
    "0",
    "-1",
    "99999999999999999999",
    "10.77.0.10",
    "10.77.0.99",
    "300.1.1.1",
    "02:00:00:00:00:07",
    "active",
    "fo",
    "yes",
    "password1",
    '"',
    "host",
)
_KEYS = (
    b"\x1b[A",
    b"\x1b[B",
    b"\x1b[C",
    b"\x1b[D",
    b"\x1b[H",
    b"\x1b[3~",
    b"\x1bOF",
    b"\x1b[999999~",
    b"\x1b[",
    b"\x1b",
)
_CONTROL = b"\x01\x02\x03\x05\x06\x08\x09\x0b\x0c\x0e\x10\x15\x17?\x7f"
_TEXTS = (networks.PLAIN, networks.OFFICE, "subnet 10.0.0.0 netmask 255.0.0.0 { }\n", "}{;\n" * 40, "")
_LAST = b"\x1b[m" + b"\x03" * 8 + b"\x15\x08\r!end show version\r"
_MOST = 400000  # octets that an answer to a few lines can have
_LOCK = "console.lock"
_FORGETS = console._forget


class _Leases:
    programs = programmed = erases = written = syncs = 0
    block_erases = (0,)
    size = 4 * 4096
    block_size = 4096

    def erase(self, block):
        pass


class _Files(Files):
    def remove_all(self):
        self.kept.clear()


class _Board(consoles.Board):
    def __init__(self, rooted):
        super().__init__()
        self.store = _Files()
        self.leases = _Leases()
        if rooted:
            self.store.store("dhcpd.conf", networks.PLAIN.encode())
            self.store.store("rollback.1.conf", networks.CROWDED.encode())

    def say(self, text):
        assert len(text) < 400, text

    def forget_person(self):
        pass


class _Driver:
    received = sent = unsent = errors = starved = 0
    prober = None

    def __init__(self, exchange):
        self.flush = exchange.flush
        self.tell = exchange.log.exchange


class _Left(BaseException):
    """The line is MicroPython's from here on, and what is still typed is not for the console."""


class _App:
    """What the console may look at, and change: a server that has served."""

    trial = -1
    peers = ()
    sntp = ntp_server = failover = syslog = None
    since = 0

    def __init__(self, seed):
        self.clock = Clock()
        self.clock.now = 100000
        self.exchange = exchange = Exchange(networks.OFFICE)
        self.recorder = exchange.recorder = Recorder(KeptLines(self.clock))
        self.recorder.start(exchange.node, 28)
        for text in ("Twinlease is started", "wlan0: link down", "x" * 140):
            self.recorder.keep(text)
        session(Dice(seed), exchange, 300)
        self.table, self.journal, self.config = exchange.table, exchange.journal, exchange.config
        self.node, self.log = exchange.node, exchange.log
        self.driver = _Driver(exchange)
        self.stopped = 0
        self.board = _Board(False)

    def say(self, text):
        assert len(text) < 400, text

    def stop(self, why, then=None):
        """Asked to start again: it does not, and goes on; but not when the REPL is wanted."""
        self.stopped += 1
        if not why:
            raise _Left
        if then:
            then()


class _Wire:
    def __init__(self, typed):
        self.typed, self.at, self.printed = typed, 0, bytearray()

    async def read(self, n):
        self.at += 1
        return self.typed[self.at - 1 : self.at]

    async def write(self, octets):
        self.printed += octets


def _keep():
    pass


def _line(dice):
    words = " ".join([dice.pick(_WORDS) for _ in range(dice.below(5))])
    if dice.below(3):  # a command of the table, perhaps with a word for each in capitals
        row = dice.pick(list(commands.table()))[0]
        words = " ".join([word if word.islower() else dice.pick(_WORDS) for word in row])
        if dice.one_in(5):
            words = " ".join([word[: 1 + dice.below(4)] for word in words.split()])
        if dice.one_in(6):
            words += " " + dice.pick(_WORDS)
    return words.encode()


def _typed(dice):
    out = b""
    for _ in range(1 + dice.below(4)):
        words = _line(dice)
        if dice.one_in(3):
            words = b"!" + dice.pick((b"", b"7", b"7f " * 3, b"\x7f", b"t" * 250)) + b" " + words
        for _ in range(dice.below(3)):
            at = dice.below(len(words) + 1)
            key = dice.octets(dice.below(12)) if dice.one_in(3) else dice.pick(_KEYS)
            words = words[:at] + (key if dice.below(2) else bytes((dice.pick(_CONTROL),))) + words[at:]
        if dice.one_in(40):
            words = dice.pick((b"[", b"{", b"\x1b", b"!", b" ", b"\x1b[")) * 3000
        out += words + dice.pick((b"\r", b"\r", b"\n", b"\r\n", b"", b"\x03", b"\x15", b"\x04"))
        if dice.one_in(6):
            text = dice.pick(_TEXTS).encode()
            out += text[: dice.below(len(text) + 1)] + dice.pick((b"\x04", b"\x04", b"\x03", b""))
    return out


def press(app, typed):
    """All of it at one console; its last command is answered."""
    typed += _LAST
    wire = _Wire(typed)
    try:
        asyncio.run(console.run(wire, wire, app, wire.typed[:0] or asyncio.run(wire.read(1))))
    except _Left:
        return
    said = bytes(wire.printed)
    assert wire.at > len(typed), "the console stopped reading"
    end = b"error" if said.endswith(b"error\r\ntwinlease> ") and app.board.store.kept.get(_LOCK) else b"ok"
    assert said.endswith(b"\r\n!end %s\r\ntwinlease> " % end), said[-200:]
    assert b"the command failed" not in said, said[said.index(b"the command failed") :][:300]
    assert len(said) < _MOST
    assert max(said) < 128 or max(typed) >= 128, "what nobody typed"


def new_app(seed):
    return _App(seed)


def new_board(app, rooted):
    """Files as they were: none, or with a configuration and an earlier one."""
    app.board = _Board(rooted)
    app.board.log = app.log._stream


def type_garbage(seed, n):
    dice = Dice(seed)
    app = new_app(seed)
    socket.__dict__.pop("SOCK_RAW", None)  # a board without raw sockets: nobody outside is pinged
    with alarm():
        for i in range(n):
            rearm()
            new_board(app, dice.below(4) > 0)
            app.trial = dice.pick((-1, -1, -1, 0, 5))
            console._forget = _FORGETS if dice.one_in(50) else _keep  # as on a board; or in a tenth of the time
            typed = _typed(dice)
            try:
                press(app, typed)
            except BaseException:
                print("typed %d: %r" % (i, typed))
                raise
    app.exchange.check()
    return {"console inputs": n}
