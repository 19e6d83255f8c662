"""The serial line is left to the REPL: what the console has read of mpremote is typed there; and the way back."""

import chips
from twinlease.board import repl


class Board:
    def __init__(self):
        self.lines = []
        self.say = self.lines.append


class Sys:
    """As on a board whose firmware has been forgotten."""

    modules = {}

    class implementation:
        name = "a board's"

    def __init__(self, platform):
        self.platform = platform


class Os:
    """os.dupterm of a port; only an ESP32 has to be told that there is something to read."""

    def __init__(self):
        self.terminals = []
        self.dupterm = self.terminals.append
        self.notified = []


def left(platform, octets):
    """What the port's os was told when this board was left."""
    os = Os()
    if platform == "esp32":
        os.dupterm_notify = os.notified.append
    before = repl.sys, repl.os
    repl.sys, repl.os = Sys(platform), os
    try:
        repl.leave(Board(), octets)
    finally:
        repl.sys, repl.os = before
    return os


def test_what_mpremote_typed_is_typed_at_the_repl_once():
    for platform in ("esp32", "rp2"):
        os = left(platform, b"\x01")
        (keys,) = os.terminals
        one = bytearray(1)
        assert keys.readinto(one) == 1 and one == b"\x01"
        assert keys.readinto(one) is None, "nothing more, and no end: the port would complain of that"
        assert keys.write(b"raw REPL") == 8 and keys.ioctl(3, 1) == 0
        assert os.notified == ([None] if platform == "esp32" else [])


class Typed:
    """A serial line on which this is typed, and the poll object that looks at it."""

    POLLIN = 1

    def __init__(self, octets):
        self.octets = octets
        self.buffer = self
        self.poll = lambda *ms: bool(self.octets) if ms else self

    def register(self, stream, what):
        assert stream is self

    def read(self, n):
        octet, self.octets = self.octets[:1], self.octets[1:]
        return octet


def interrupted(typed):
    """A board whose start was interrupted: the chip's doubles, and what its os was told; or that it starts again."""
    chip, os = chips.install("esp32"), Os()
    before = repl.sys, repl.os, repl.select
    repl.sys, repl.os, repl.select = Sys("esp32"), os, Typed(typed)
    repl.sys.stdin = repl.select
    try:
        repl.interrupted()
        return chip, os
    except chips.Reset:
        return None
    finally:
        repl.sys, repl.os, repl.select = before


def test_one_ctrl_c_while_the_board_starts_keeps_nobody_from_service():
    assert interrupted(b"") is None
    assert interrupted(b"\rshow leases\r") is None


def test_who_goes_on_with_it_and_mpremote_have_the_prompt_for_an_hour():
    for typed, keys in ((b"\x03", 0), (b"\r\x01", 1)):
        chip, os = interrupted(typed)
        assert chip.machine.watchdog.timeout == 3600000 and len(os.terminals) == keys


def test_a_person_types_by_himself():
    assert left("esp32", b"").terminals == []


def test_a_pico_that_is_left_there_serves_again_after_an_hour():
    chip = chips.install("rp2")
    from twinlease.board import rest

    rest.begin("rp2")
    (timer,) = chip.machine.timers
    for _ in range(3600 // 2 + 10):
        timer.callback(timer)
    assert chip.machine.watchdog.fed == 1800, "every two seconds, and then no more"
    rest.end()
