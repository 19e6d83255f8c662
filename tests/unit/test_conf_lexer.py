"""Tokens: what they are, where they stand, and what is wrong with those that are none."""

from twinlease.conf.lexer import END, NUMBER, STRING, WORD, Lexer


def tokens(text):
    lexer = Lexer(text if isinstance(text, bytes) else text.encode(), "x")
    out = []
    while True:
        lexer.step()
        if lexer.kind == END:
            return out
        out.append((lexer.kind, lexer.val))


def fault(text):
    lexer = Lexer(text if isinstance(text, bytes) else text.encode(), "x")
    for _ in range(100):
        lexer.step()
        if lexer.fault:
            return lexer.fault
    return None


def string(text):
    kind, val = tokens('"' + text + '"')[0]
    assert kind == STRING
    return val


def test_words_numbers_and_marks():
    assert tokens("option a_b-c 10;") == [(WORD, "option"), (WORD, "a_b-c"), (NUMBER, "10"), (";", ";")]
    assert tokens("-5 - 0x1f 08") == [(NUMBER, "-5"), ("-", "-"), (WORD, "0x1f"), (NUMBER, "08")]
    assert [t[0] for t in tokens("10.0.0.1")] == [NUMBER, ".", NUMBER, ".", NUMBER, ".", NUMBER]
    assert [t[1] for t in tokens("1:aa:Ff")] == ["1", ":", "aa", ":", "Ff"]


def test_comments_and_space_of_all_kinds():
    assert tokens("# all\n\t\r\x0b\x0c a # rest") == [(WORD, "a")]
    assert tokens("a # no newline behind this") == [(WORD, "a")]
    assert tokens("") == [] and tokens(" \n ") == []


def test_escapes_in_strings():
    assert string("plain") == b"plain"
    assert string('\\t\\r\\n\\b\\"\\\\\\q') == b'\t\r\n\b"\\q'
    assert string("\\x41\\101\\0") == b"AA\0"
    assert string("a\nb") == b"a\nb"
    assert string("\u00e4") == b"\xc3\xa4"


def test_strings_that_are_wrong():
    assert "no end" in fault('"abc').message
    assert "no end" in fault('"abc\\').message
    assert "hexadecimal" in fault('"\\xg1"').message
    assert "octal" in fault('"\\19"').message
    assert "too long" in fault('"' + "a" * 2000 + '"').message
    assert tokens('"\\xg1" next')[1] == (WORD, "next")


def test_places_are_counted_from_one():
    lexer = Lexer(b'a\n  bc "x\ny" d', "name")
    seen = []
    for _ in range(4):
        lexer.step()
        seen.append(lexer.where())
    assert seen == [("name", 1, 1), ("name", 2, 3), ("name", 2, 6), ("name", 3, 4)]
    assert (lexer.end_line, lexer.end_column) == (3, 3)


def test_octets_that_mean_nothing_are_one_fault():
    lexer = Lexer(b"\xe2\x80\x9c \x00\n a", "x")
    lexer.step()
    assert lexer.fault.where == ("x", 1, 1) and lexer.val == "a" and lexer.line == 2
    assert "0xe2" in lexer.fault.message


def test_a_word_that_is_too_long_is_cut():
    lexer = Lexer(b"a" * 5000 + b" b", "x")
    lexer.step()
    assert "5000" in lexer.fault.message and len(lexer.val) == 255
    lexer.step()
    assert lexer.val == "b"
