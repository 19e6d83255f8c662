"""Tokens of dhcpd.conf: words, numbers, strings and single marks.

    lexer = Lexer(octets, "dhcpd.conf")
    lexer.kind, lexer.val        the token at hand, after step()

kind is WORD (letters, digits, - and _; val is str), NUMBER (digits, perhaps with a
minus before them; val is str), STRING (in double quotes, with escapes; val is
bytes), END, or the mark itself, such as ";".  `# ...` is a comment.  Hexadecimal
octets and 0x10 are WORDs or NUMBERs: only the grammar knows which is meant.

The text is octets, not str, because MicroPython finds the n-th character of a str
by counting from its start.  A token that is too long, a string without an end, or
octets that mean nothing leave a Fault in `fault`; the token is then what could be read.
"""

from .problems import Fault

END = ""
WORD = "word"
NUMBER = "number"
STRING = "string"

MAX_WORD = 255
MAX_STRING = 1499  # ISC dhcpd's; what follows fits no packet anyway

_LINE = 10
_ESCAPES = {ord("t"): 9, ord("r"): 13, ord("n"): 10, ord("b"): 8}
_HEX = b"0123456789abcdefABCDEF"


class Lexer:
    def __init__(self, text, name):
        self.text = text
        self.name = name
        self.at = 0
        self.line = self.column = 1  # of the token at hand
        self.end_line = self.end_column = 1  # just behind the token before it
        self._line = 1  # of self.at
        self._start = 0  # where that line starts
        self.kind = END
        self.val = ""
        self.fault = None

    def where(self):
        return (self.name, self.line, self.column)

    def step(self):
        """Move to the next token."""
        self.end_line, self.end_column = self._line, self.at - self._start + 1
        self._skip_space()
        if self.at < len(self.text) and _is_odd(self.text[self.at]):
            self._odd()
            self._skip_space()
        self.line, self.column = self._line, self.at - self._start + 1
        self.kind = self.val = END
        if self.at >= len(self.text):
            return
        c = self.text[self.at]
        if _is_word(c):
            self._word()
        elif c == 34:
            self._string()
        else:
            self.at += 1
            self.kind = self.val = chr(c)

    def _odd(self):
        """Octets that mean nothing, in one go: pasted text is full of them."""
        text = self.text
        self.line, self.column = self._line, self.at - self._start + 1
        self.fault = Fault(
            self.where(),
            "octet 0x%02x means nothing here" % text[self.at],
            'only plain text stands outside of "..."; retype the line if it was pasted',
        )
        while self.at < len(text) and (_is_odd(text[self.at]) or text[self.at] in b" \t\r\n"):
            if text[self.at] == _LINE:
                self._line += 1
                self._start = self.at + 1
            self.at += 1

    def _skip_space(self):
        text = self.text
        at = self.at
        end = len(text)
        while at < end:
            c = text[at]
            if c == _LINE:
                self._line += 1
                self._start = at + 1
            elif c == 35:  # a comment, to the end of the line
                at = text.find(b"\n", at)
                if at < 0:
                    at = end
                continue
            elif c != 32 and not 9 <= c <= 13:
                break
            at += 1
        self.at = at

    def _word(self):
        text = self.text
        at = first = self.at
        end = len(text)
        kind = NUMBER
        while at < end:
            c = text[at]
            if not _is_word(c):
                break
            if not 48 <= c <= 57 and (c != 45 or at != first):
                kind = WORD
            at += 1
        self.at = at
        if at - first > MAX_WORD:
            self.fault = Fault(self.where(), "a word of %d characters" % (at - first), "at most %d fit" % MAX_WORD)
            at = first + MAX_WORD
        self.val = str(text[first:at], "utf8")
        self.kind = "-" if self.val == "-" else kind

    def _string(self):
        text = self.text
        end = len(text)
        out = bytearray()
        bad = None
        at = self.at + 1
        while at < end and text[at] != 34:
            c = text[at]
            at += 1
            if c == _LINE:
                self._line += 1
                self._start = at
            elif c == 92 and at < end:
                c, at = self._escape(at)
                if c < 0:
                    bad = bad or self._bad_escape(at)
                    continue
            if len(out) <= MAX_STRING:
                out.append(c)
        self.at = at + 1
        self.kind = STRING
        self.val = bytes(out[:MAX_STRING])
        if at >= end:
            self.at = end
            bad = Fault(self.where(), "this string has no end", 'put a " behind its last character')
        elif len(out) > MAX_STRING:
            bad = Fault(self.where(), "this string is too long", "at most %d octets fit" % MAX_STRING)
        self.fault = bad

    def _escape(self, at):
        """The octet that the escape at text[at] stands for (-1: none), and where the text goes on."""
        text = self.text
        c = text[at]
        if c == 120:  # x
            digits = text[at + 1 : at + 3]
            if len(digits) < 2 or digits[0] not in _HEX or digits[1] not in _HEX:
                return -1, at
            return int(digits, 16), at + 3
        if 48 <= c <= 51:  # octal: three digits, or a lone \\0
            digits = text[at : at + 3]
            if len(digits) == 3 and 48 <= digits[1] <= 55 and 48 <= digits[2] <= 55:
                return (c - 48) * 64 + (digits[1] - 48) * 8 + digits[2] - 48, at + 3
            return (0, at + 1) if c == 48 else (-1, at)
        if c == _LINE:
            self._line += 1
            self._start = at + 1
        return _ESCAPES.get(c, c), at + 1

    def _bad_escape(self, at):
        where = (self.name, self._line, at - self._start)
        want = "two hexadecimal digits after \\x" if self.text[at] == 120 else "three octal digits after the backslash"
        return Fault(where, "this escape wants " + want, "write \\\\ for a backslash itself")


def _is_odd(c):
    return c < 33 or c > 126


def _is_word(c):
    return 97 <= c <= 122 or 48 <= c <= 57 or 65 <= c <= 90 or c == 45 or c == 95
