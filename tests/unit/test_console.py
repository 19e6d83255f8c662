"""The console: abbreviations, errors that point at the word, the frame for programs, and lines that are too long."""

import asyncio
import json
import sys

from consoles import App, Wire, said
from twinlease import VERSION, console
from twinlease.console import commands, line
from twinlease.failover import states


class Record:
    state, stos, partner, mclt = states.NORMAL, 1000, states.NORMAL, 60


class Peer:
    """What the console reads of a Peer; notes what it is told."""

    class conf:
        name, role, address, port, peer_address, peer_port = "p1", "primary", b"\x0a\0\0\1", 647, b"\x0a\0\0\2", 647

    class Pool:
        index = 0

        class network:
            name = "10.0.0.0/24"

    pools = (Pool,)
    record = Record
    linked = twin = serves = True
    partner_board = b"\1\2\3\4\5\6\7\x08"
    why_silent = b""
    skew = -90
    unacked = 2
    differences = ()

    def __init__(self):
        self.told = []
        self.evidence = self
        self.left = None

    def left_s(self):
        return self.left

    def keep(self):
        self.told.append("keep")

    def due(self):
        return 3

    def says(self, event, now, up):
        self.told.append(event)
        return "failover peer p1: it is not paused" if event == states.SAYS_RESUME else None

    def resync(self, now, up):
        self.told.append("resync")


class Pair(App):
    """A board with one Peer, whose second answer comes after a flush."""

    def __init__(self):
        self.peer = Peer()
        self.peers = (self.peer,)
        self.clock = self.failover = self.table = self.driver = self
        self.now = 2000

    def time(self):
        return 50

    def count(self, pool, state):
        return state

    def flush(self):
        self.peer.told.append("flush")


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


class Named(App):
    class board(App.board.__class__):
        host_name = "twin-a"


def test_a_board_that_has_a_name_says_it():
    assert "host_name    twin-a\n" in "".join(commands.answer("show version", Named))
    assert "".join(commands.answer("banner", Named)).startswith("Twinlease %s on test, twin-a. ?" % VERSION)
    assert "host_name    -\n" in "".join(commands.answer("show version", App))


def test_an_unknown_word_is_pointed_at():
    assert refusal("show  fish json").split("\n")[1].startswith(" " * 6 + "^ unknown word: clock, ")


def test_a_word_that_could_be_several_names_them():
    commands_before = commands._TABLE
    try:
        commands._TABLE = commands_before + ("show version-long|none.none|\n",)
        assert "which one: version, version-long" in refusal("show ver")
        assert commands.answer("show version", App), "a whole word wins over a longer one"
    finally:
        commands._TABLE = commands_before


def test_an_unfinished_command_says_what_may_follow():
    assert "     ^ one word more: clock, config, failover, flash" in refusal("show")


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


def answer(text, app):
    return "".join(commands.answer(text, app))


def test_show_failover_tells_both_states_the_link_and_the_pools():
    told = answer("show failover", Pair())
    assert told.startswith("failover peer p1: normal since 2020-01-01 00:16:40 UTC\n")
    assert "normal, connected, Twinlease board 0102030405060708\n" in told
    assert "primary, 10.0.0.1:647 with 10.0.0.2:647" in told and "90 s behind" in told
    assert "2 on their way, 3 to be sent" in told and "mclt        60 s" in told
    assert "10.0.0.0/24: free 1, active 2" in told and "backup 7" in told
    assert "nobody" not in told and "differs" not in told


def test_show_failover_for_programs():
    found = json.loads(answer("show failover json", Pair()))
    assert found[0]["state"] == "normal" and found[0]["since"] == 1577836800 + 1000 and found[0]["skew"] == -90
    assert found[0]["partner"] == "Twinlease" and found[0]["pools"][0]["backup"] == 7 and found[0]["why"] is None


def test_show_failover_says_why_nobody_is_served_and_what_differs():
    app = Pair()
    app.peer.linked = app.peer.serves = False
    app.peer.skew = None
    app.peer.why_silent = b"not responding (recovering)"
    app.peer.differences = ("ranges of the pools",)
    told = answer("show failover", app)
    assert "nobody: not responding (recovering)" in told and "normal when last heard, not connected" in told
    assert "never compared" in told and "differs     ranges of the pools" in told


def test_partner_down_explains_first_and_acts_on_yes():
    app = Pair()
    told = answer("failover partner-down p1", app)
    assert "is connected" in told and "failover partner-down p1 yes" in told and app.peer.told == []
    assert answer("fail part p1 yes", app) == "failover peer p1: normal\n"
    assert app.peer.told == [states.SAYS_PARTNER_DOWN, "flush"]


def test_pause_and_resync_reach_the_peer_and_a_refusal_the_operator():
    app = Pair()
    answer("failover pause p1", app)
    answer("failover resync p1", app)
    assert app.peer.told == [states.SAYS_PAUSE, "flush", "resync", "flush"]
    printed = said(b"!1 failover resume p1\r", app)
    assert "failover peer p1: it is not paused" in printed and "!1 error" in printed


def test_a_countdown_to_partner_down_is_shown_and_can_be_cancelled():
    app = Pair()
    assert "partner-down in" not in answer("show failover", app)
    app.peer.left = 590
    assert "alone       partner-down in 590 s unless it is heard from\n" in answer("show failover", app)
    assert json.loads(answer("show failover json", app))[0]["partner_down_in"] == 590
    answer("failover keep p1", app)
    assert app.peer.told == ["keep", "flush"]
    app.peer.evidence = None
    assert "the partner is connected" in said(b"!1 failover keep p1\r", app)
    app.peer.linked = False
    assert "nothing is counted" in said(b"!1 failover keep p1\r", app)


def test_a_state_that_only_a_person_ends_is_shown_with_the_words_that_end_it():
    app = Pair()
    app.peer.linked = app.peer.serves = False
    words = "alone       only when it is back, or: failover partner-down p1\n"
    assert words not in answer("show failover", app)

    class Stuck(Record):
        state = states.RESOLUTION_INTERRUPTED

    app.peer.record = Stuck
    assert words in answer("show failover", app)
    app.peer.left = 590
    assert words not in answer("show failover", app)


def test_an_unknown_peer_is_answered_with_those_there_are():
    assert "no failover peer is named x: p1" in said(b"!1 failover pause x\r", Pair())
    assert "no pool of its configuration names one" in said(b"!1 failover pause x\r!2 show failover\r")
    assert "one word more: NAME" in refusal("failover pause")


def test_what_was_loaded_for_a_line_is_forgotten_after_it():
    said(b"show version\rsh\t\r")
    left = [name for name in sys.modules if name.startswith("twinlease.console.")]
    assert sorted(left) == ["twinlease.console." + name for name in ("ask", "line", "refused")]


def test_a_load_that_finds_no_room_is_tried_again_when_all_else_is_dropped():
    tries = []

    def load(name):
        tries.append([loaded for loaded in sys.modules if loaded == "twinlease.console.show"])
        if len(tries) == 1:
            raise MemoryError
        return name

    from twinlease.console import show  # noqa: F401

    assert console._twice(load, "this") == "this"
    assert tries == [["twinlease.console.show"], []]


def test_want_of_memory_costs_what_was_typed_and_not_the_session():
    class Short(console.Session):
        """Memory runs out at the first Enter."""

        left = 1

        async def _line(self, text):
            if self.left:
                self.left -= 1
                raise MemoryError
            await super()._line(text)

    wire = Wire(b"how nothing\r!1 show version\r")
    asyncio.run(Short(wire, wire, App, b"s").run())
    assert b"!1 ok" in wire.printed
