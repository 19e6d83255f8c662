"""Help at every word, completion, pages, the banner."""

from consoles import App, said
from twinlease.console import commands, complete


def test_what_can_only_follow_is_typed_for_one():
    assert complete.look("sh", False) == ("ow ", ())
    assert complete.look("show ver", False) == ("sion ", ())
    assert complete.look("sh ver", False) == ("sion ", ())
    assert complete.look("show fish", False) == ("", ())
    assert complete.look("fish ", False) == ("", ())


def test_what_several_begin_with_is_typed_and_then_they_are_listed():
    assert complete.look("re", False) == ("", ("reboot  release  repl  reserve", "\n"))
    assert complete.look("rel", False) == ("ease ", ())
    assert complete.look("l", False) == ("o", ()) and complete.look("loc", False) == ("k ", ())
    assert complete.look("failover p", False) == ("a", ())


def test_help_tells_what_may_follow_each_word():
    more, listed = complete.look("show ", True)
    told = "".join(listed)
    assert more == "" and "  clock          what time it is" in told and "  version        this firmware" in told
    told = "".join(complete.look("commit ", True)[1])
    assert "  confirmed      the same" in told and "  Enter          serve by the edited" in told
    assert "  NAME           " in "".join(complete.look("failover pause ", True)[1])
    assert "  failover       keep, partner-down, pause" in "".join(complete.look("fa", True)[1])


def test_every_row_of_the_table_can_be_reached_and_is_helped():
    for words, _, _, text in commands.table():
        for n in range(len(words)):
            told = "".join(complete.look(" ".join(words[:n]) + " " if n else "", True)[1])
            assert words[n] in told, words
        assert text


def test_every_row_names_a_function():
    for words, module, function, _ in commands.table():
        loaded = __import__("twinlease.console." + module, None, None, (function,))
        assert getattr(loaded, function), words


def test_tab_and_help_redraw_the_line():
    printed = said(b"sh\tver\t\r")
    assert printed.startswith("show version \r\nversion ")
    printed = said(b"show v?ersion\r")
    assert "\r\n  version        this firmware" in printed and "twinlease> show version\r\n" in printed


def test_an_answer_that_fills_the_screen_waits_for_a_key():
    whole = said(b"!1 help\r").count("\r\n")
    assert whole > 30
    printed = said(b"help\rq")
    assert printed.count("--more--") == 1 and printed.count("\r\n") < 26
    assert said(b"help\r  ").count("--more--") == (whole - 3) // 23, "three lines of it are the frame"
    assert said(b"help\r\r\rq").count("--more--") == 3
    assert "--more--" not in said(b"terminal length 0\rhelp\r")


def test_a_board_without_configuration_greets_with_what_to_do():
    import asyncio

    from consoles import Wire
    from twinlease import console

    wire = Wire(b"\r\r")
    asyncio.run(console.run(wire, wire, App, b"\r"))
    printed = wire.printed.decode()
    assert printed.count("Twinlease ") == 1 and "configure load" in printed
