"""The console: abbreviations, errors that point at the word, the frame for programs, and lines that are too long."""

import asyncio

from twinlease import console
from twinlease.console import commands, line


class Log:
    pass


class App:
    class board:
        name = "test"

    table = journal = config = clock = node = None


class Wire:
    """Both ends of a serial line: octets typed beforehand, octets printed."""

    def __init__(self, typed):
        self.typed = typed
        self.printed = b""

    async def read(self, n):
        octet, self.typed = self.typed[:1], self.typed[1:]
        return octet

    async def write(self, octets):
        self.printed += octets


def said(typed, app=App):
    wire = Wire(typed[1:])
    asyncio.run(console.run(wire, wire, app, typed[:1]))
    return wire.printed.decode()


def refusal(text):
    try:
        commands.answer(text, App)
    except commands.Refused as e:
        return str(e)
    raise AssertionError("not refused: " + text)


def test_a_command_is_echoed_and_answered():
    printed = said(b"show version\r")
    assert printed.startswith("show version\r\nversion ") and printed.endswith("\r\ntwinlease> ")
    assert "\n" not in printed.replace("\r\n", "")


def test_words_may_be_shortened():
    full = "".join(commands.answer("show version json", App))
    assert full == "".join(commands.answer("sh v json", App)) and full.startswith('{"version"') and full.endswith("}\n")


def test_an_unknown_word_is_pointed_at():
    assert refusal("show  fish json").split("\n")[1].startswith(" " * 6 + "^ unknown word: clock, ")


def test_a_word_that_could_be_several_names_them():
    commands_before = commands.TABLE
    try:
        commands.TABLE = commands_before + ((("show", "version-long"), None, ""),)
        assert "which one: version, version-long" in refusal("show ver")
        assert commands.answer("show version", App), "a whole word wins over a longer one"
    finally:
        commands.TABLE = commands_before


def test_an_unfinished_command_says_what_may_follow():
    assert "     ^ one word more: clock, flash" in refusal("show")


def test_a_word_too_many_is_pointed_at():
    assert refusal("help me").endswith("\n     ^ unknown word: nothing may follow here")


def test_nothing_typed_says_nothing():
    assert said(b"\r\n\r") == "\r\ntwinlease> \r\ntwinlease> "


def test_a_program_gets_a_frame_and_no_echo():
    printed = said(b"half a li\x15!7f show version json\r")
    assert "!7f show" not in printed
    assert "\r\n!7f begin\r\n{" in printed and printed.endswith("}\r\n!7f ok\r\ntwinlease> ")


def test_a_program_hears_of_an_error():
    assert said(b"!7f show fish\r").endswith("\r\n!7f error\r\ntwinlease> ")


def test_a_failing_command_costs_only_itself():
    class Broken:
        rows = 1

        def flags(self, row):
            raise ValueError("wrong")

    class Trouble(App):
        table = Broken()

    printed = said(b"!1 show leases json\r!2 show version\r", Trouble)
    assert "ValueError" in printed and "!1 error" in printed and "!2 ok" in printed


def test_a_board_without_configuration_says_so():
    for what in ("leases", "pools", "leases json"):
        assert "no configuration" in said(b"!1 show %s\r" % what.encode()) + said(b"show %s\r" % what.encode())


def test_backspace_and_ctrl_c():
    assert "version " in said(b"help me\x03show vx\x7fe\r")


def test_a_line_has_a_limit():
    editor = line.Line()
    for _ in range(line.LIMIT):
        assert editor.feed(97) == b"a"
    assert editor.feed(97) == b"\x07"
    editor.feed(13)
    assert editor.done and len(editor.take()) == line.LIMIT


def test_cursor_keys_and_control_characters_leave_no_trace():
    editor = line.Line()
    for octet in b"\x1b[Ash\x1b[1;5Cow\x00\x1bOP\xff":
        editor.feed(octet)
    editor.feed(13)
    assert editor.take() == "show"
