"""Who gets MicroPython's REPL from the console: mpremote by what it sends, a person by a word; nobody by Ctrl-C."""

import asyncio

from consoles import App, Board, Wire
from twinlease import console
from twinlease.console import lock


class Serving(App):
    """A board whose service can be ended."""

    def __init__(self):
        self.board = Board()
        self.ends = []
        self.lines = []
        self.say = self.lines.append

    def stop(self, why, last_act=None):
        self.ends.append((why, last_act))


def typed(octets, app=None):
    """What is left unread of these octets, and how the service ended (once at most: by which octets for the REPL)."""
    app = app or Serving()
    wire = Wire(octets[1:])
    asyncio.run(console.run(wire, wire, app, octets[:1]))
    assert len(app.ends) <= 1
    return wire.typed, bool(app.ends)


def test_mpremote_gets_in_and_what_follows_is_left_for_the_repl():
    assert typed(b"\r\x03\r\x01\x04") == (b"\x04", True)


def test_amid_a_line_a_question_or_a_paste_too():
    for before in (b"show fi", b"factory-reset\r", b"repl\rye", b"configure load\rsubnet {\r", b"help\r", b"\x1b["):
        assert typed(before + b"\r\x03\r\x01rest") == (b"rest", True), before


def test_the_three_keys_apart_end_nothing():
    for keys in (b"\x03" * 20, b"\x03\r" * 9, b"\x01" * 9, b"\x03\x01", b"\r\x01", b"\x03\r\r\x01", b"\x03\rshow\x01"):
        assert typed(b"\r" + keys + b"\r") == (b"", False), keys


def test_a_locked_console_lets_nobody_in():
    app = Serving()
    lock._store(app.board, bytes(48))
    assert typed(b"\r\x03\r\x01", app) == (b"", False)


def test_the_command_asks_and_a_word_other_than_yes_changes_nothing():
    assert typed(b"repl\rno\r") == (b"", False)
    assert typed(b"repl\r\x03") == (b"", False)
    app = Serving()
    assert typed(b"repl\ryes\r", app) == (b"", True)
    assert app.ends[0][0] == "" and "somebody at the console wants the REPL" in app.lines[-1]


def test_a_program_may_not_be_asked_and_is_refused():
    assert typed(b"!7f repl\r\x03") == (b"", False)
