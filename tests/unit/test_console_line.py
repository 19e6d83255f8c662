"""Editing a line: keys as terminals send them, the cursor, earlier lines; and what the screen shows meanwhile."""

from twinlease.console import line

UP, DOWN, RIGHT, LEFT, HOME, END, DELETE = b"\x1b[A", b"\x1b[B", b"\x1b[C", b"\x1b[D", b"\x1b[H", b"\x1b[F", b"\x1b[3~"


class Screen:
    """One row of a VT100: letters, backspace, erase to the end of the line."""

    def __init__(self):
        self.row, self.at = bytearray(), 0

    def show(self, octets):
        octets = octets.replace(b"\x1b[K", b"\0")
        for octet in octets:
            if octet == 8:
                self.at -= 1
                assert self.at >= 0, "left of the line"
            elif octet == 0:
                self.row = self.row[: self.at]
            elif octet != 7:
                self.row[self.at : self.at + 1] = bytes((octet,))
                self.at += 1


def typed(octets, editor=None, screen=None):
    """The text after these keys; what stands on the screen is that text, and the cursor where it is edited."""
    editor, screen = editor or line.Line(), screen or Screen()
    for octet in octets:
        screen.show(editor.feed(octet))
    text = editor.text()
    assert screen.at == len(text)
    assert bytes(screen.row).decode() == bytes(editor._buf[: editor._n]).decode()
    return bytes(screen.row).decode()


def test_letters_go_in_where_the_cursor_is():
    assert typed(b"shw" + LEFT + b"o") == "show"
    assert typed(b"ow" + HOME + b"sh" + END + b" it") == "show it"
    assert typed(b"ow\x01sh\x05 it\x02\x02\x06X") == "show iXt"


def test_letters_are_taken_out_where_the_cursor_is():
    assert typed(b"shhow" + LEFT * 2 + b"\x7f") == "show"
    assert typed(b"shhow" + HOME + RIGHT + DELETE) == "show"
    assert typed(b"shhow\x01\x04") == "hhow"
    assert typed(DELETE + b"\x7f" + b"a") == "a", "nothing is left of the line's start, or right of its end"


def test_words_and_ends_are_cut():
    assert typed(b"show leases  \x17") == "show "
    assert typed(b"show leases" + LEFT * 6 + b"\x0b") == "show "
    assert typed(b"show" + LEFT + b"\x15x") == "x"
    assert typed(b"show" + LEFT + b"\x03x") == "x"


def test_earlier_lines_come_back_and_go_again():
    editor, screen = line.Line(), Screen()
    for text in (b"one", b"two", b"two", b"  ", b"!7 three", b"one"):
        for octet in text + b"\r":
            editor.feed(octet)
        editor.take()
    assert typed(UP, editor, screen) == "one"
    assert typed(UP, editor, screen) == "two"
    assert typed(UP, editor, screen) == "two", "no more: blanks, repetitions and programs are not kept"
    assert typed(DOWN, editor, screen) == "one"
    assert typed(DOWN, editor, screen) == ""
    assert typed(b"\x10s", editor, screen) == "ones"


def test_the_history_is_bounded():
    editor = line.Line()
    for n in range(100):
        for octet in b"%03d" % n + b"x" * 60 + b"\r":
            editor.feed(octet)
        editor.take()
    assert sum([len(text) for text in editor._lines]) <= line.HISTORY
    assert editor._lines[-1].startswith(b"099")


def test_a_hidden_line_shows_nothing_and_is_not_kept():
    editor = line.Line()
    editor.hidden = True
    for octet in b"sec\x7fcret?\t\r":
        assert editor.feed(octet) in (b"", b"\r\n", b"\x07")
    assert editor.take() == "secret?"
    assert editor._lines == []


def test_keys_for_help_are_told_and_leave_no_trace():
    editor = line.Line()
    for octet in b"sh":
        editor.feed(octet)
    assert editor.feed(line.TAB) == b"" and editor.wants == line.TAB
    assert editor.feed(line.HELP) == b"" and editor.wants == line.HELP
    assert editor.feed(111) == b"o" and editor.wants == 0
    assert editor.text() == "sho"


def test_a_program_may_write_a_question_mark():
    editor = line.Line()
    for octet in b"!7 why?":
        assert editor.feed(octet) == b"" and not editor.wants
    assert editor.text() == "!7 why?"


def test_unknown_keys_are_swallowed_and_a_control_character_ends_an_unfinished_one():
    assert typed(b"a\x1b[1;5Cb\x1bxc\x1bOPd\x1b[200000000000000~e") == "abcde"
    assert typed(b"abc\x1b[\x15d") == "d"
    assert typed(b"\xff\x00\x1ca") == "a"
