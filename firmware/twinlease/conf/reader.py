"""Values out of tokens: numbers, addresses, hexadecimal octets, names, dates; and recovery after an error.

Reader keeps one token at hand (kind, val).  A method that reads something leaves
the token behind it at hand; if what stands there is something else, it raises Fault
at that token, with what is wrong and what to write.

`skip()` is the recovery: to the end of the statement at hand.  Files that include
each other are a stack of lexers.
"""

from ..clock import FOREVER, UNIX_2020
from .lexer import END, NUMBER, STRING, WORD, Lexer
from .problems import Fault

MAX_OCTETS = 1024  # of one hexadecimal list
_EPOCH_DAYS = 18262  # 1970-01-01 to 2020-01-01


class Reader:
    def __init__(self, report):
        self.report = report
        self.lexers = []
        self.lexer = None
        self.kind = END
        self.val = ""
        self.ended = False  # the file has ended too early, and that has been said

    def open(self, text, name):
        """Read from `text` (octets) until its end; close() goes back to where we were."""
        self.lexers.append((self.lexer, self.kind, self.val))
        self.lexer = Lexer(text, name)
        self.ended = False
        self.step()

    def close(self):
        self.lexer, self.kind, self.val = self.lexers.pop()
        self.ended = False

    def step(self):
        lexer = self.lexer
        lexer.step()
        self.kind = lexer.kind
        self.val = lexer.val
        if lexer.fault:
            fault = lexer.fault
            lexer.fault = None
            if lexer.at >= len(lexer.text):
                self.ended = True  # what is missing at the end of the file is no news then
            self.report.error(fault.where, fault.message, fault.advice)

    # What stands here

    def where(self):
        return self.lexer.where()

    def fail(self, message, advice=""):
        raise Fault(self.where(), message, advice)

    def warn(self, where, message, advice=""):
        self.report.warn(where, message, advice)

    def shown(self):
        """The token at hand, for a message."""
        if self.kind == END:
            return "the end of the file"
        if self.kind == STRING:
            return '"%s"' % printable(self.val[:40])
        return "'%s'" % self.val[:40]

    def at_word(self, word):
        return self.kind == WORD and self.val.lower() == word

    def take(self, kind):
        """Step over the mark if it stands here."""
        if self.kind == kind:
            self.step()
            return True
        return False

    def take_word(self, word):
        if self.at_word(word):
            self.step()
            return True
        return False

    # What must stand here

    def expect(self, mark, advice=""):
        if self.kind != mark:
            self.fail("expected '%s', found %s" % (mark, self.shown()), advice)
        self.step()

    def expect_word(self, word, advice=""):
        if not self.take_word(word):
            self.fail("expected '%s', found %s" % (word, self.shown()), advice)

    def semicolon(self):
        """The end of a statement.  One that is missing at the end of a line costs no other error."""
        if self.kind == ";":
            self.step()
            return
        lexer = self.lexer
        where = (lexer.name, lexer.end_line, lexer.end_column)
        if self.kind in (END, "}") or lexer.line > lexer.end_line:
            if self.ended:
                return
            self.ended = self.kind == END
            self.report.error(where, "the ';' that ends the statement is missing", "write ';' here")
            return
        self.fail("expected ';', found %s" % self.shown(), "write ';' before it, or remove it")

    def word(self, what):
        if self.kind != WORD:
            self.fail("expected %s, found %s" % (what, self.shown()))
        val = self.val
        self.step()
        return val

    def string(self, what):
        """A string in quotes."""
        if self.kind != STRING:
            self.fail("expected %s, found %s" % (what, self.shown()), 'write it in double quotes: "..."')
        val = self.val
        self.step()
        return val

    def text(self, what):
        """A string, or a bare word; octets."""
        if self.kind == WORD:
            return self.word(what).encode()
        return self.string(what)

    def name(self, what):
        """A name such as host-1.example.com, without quotes."""
        parts = []
        while True:
            if self.kind not in (WORD, NUMBER):
                self.fail("expected %s, found %s" % (what, self.shown()), "a name has letters, digits, - and _")
            parts.append(self.val)
            self.step()
            if self.kind != "." or len(parts) > 32:
                return ".".join(parts)
            self.step()

    def integer(self, low, high, what="a number"):
        """A whole number: decimal, 0x hexadecimal or, with a leading 0, octal."""
        text = self.val.lower() if self.kind in (WORD, NUMBER) else ""
        value = to_integer(text)
        if value is None:
            self.fail("expected %s, found %s" % (what, self.shown()), "write a number from %d to %d" % (low, high))
        if not low <= value <= high:
            self.fail("%s is out of range" % self.val, "%s goes from %d to %d" % (what, low, high))
        self.step()
        return value

    def seconds(self):
        """A length of time; -1 is infinite."""
        if self.take_word("infinite"):
            return -1
        value = self.integer(-1, 0xFFFFFFFF, "a number of seconds")
        return -1 if value == 0xFFFFFFFF else value

    def address(self, what="an address"):
        """Four octets; a name is refused, since nobody on a board looks names up."""
        where = self.where()
        if self.kind == WORD and not to_octet(self.val, 16):
            name = self.name(what)
            raise Fault(
                where,
                "not supported by Twinlease: the name %s instead of an address" % name,
                "write the address, such as 192.0.2.1; a board looks no names up",
            )
        out = bytearray()
        while True:
            if self.kind != NUMBER:
                raise Fault(where, "%s wants four numbers with dots, not %s" % (what, self.shown()), "as in 192.0.2.1")
            value = int(self.val)
            if not 0 <= value <= 255 or len(self.val) > 3:
                self.fail("%s is no part of an address" % self.val, "the four numbers go from 0 to 255")
            out.append(value)
            self.step()
            if len(out) == 4:
                return bytes(out)
            if self.kind != ".":
                raise Fault(where, "an address has four numbers, this one has %d" % len(out), "as in 192.0.2.1")
            self.step()

    def octets(self, what, most=MAX_OCTETS):
        """Hexadecimal octets: 1:2a:ff."""
        out = bytearray()
        while True:
            value = to_octet(self.val, 16) if self.kind in (WORD, NUMBER) else None
            if value is None:
                self.fail(
                    "expected %s, found %s" % (what, self.shown()),
                    "write octets in hexadecimal with colons, as in 01:2a:ff",
                )
            if len(out) >= most:
                self.fail("too many octets", "at most %d fit here" % most)
            out.append(value[0])
            self.step()
            if self.kind != ":":
                return bytes(out)
            self.step()

    def string_or_octets(self, what):
        return self.string(what) if self.kind == STRING else self.octets(what)

    def date(self):
        """`4 2026/12/31 23:59:59`, `epoch 1798761599` or `never`, UTC; project seconds."""
        if self.take_word("never"):
            return FOREVER
        where = self.where()
        if self.take_word("epoch"):
            seconds = self.integer(0, 0xFFFFFFFF, "seconds since 1970") - UNIX_2020
        else:
            seconds = self._calendar_date()
        if not 0 <= seconds < FOREVER:
            raise Fault(where, "this date is out of reach", "dates go from 2020 to 2053")
        return seconds

    def _calendar_date(self):
        self.integer(0, 6, "the day of the week")
        year = self.integer(1970, 2200, "a year")
        self.expect("/")
        month = self.integer_plain(1, 12, "a month")
        self.expect("/")
        day = self.integer_plain(1, 31, "a day")
        hour = self.integer_plain(0, 23, "an hour")
        self.expect(":")
        minute = self.integer_plain(0, 59, "a minute")
        self.expect(":")
        second = self.integer_plain(0, 59, "a second")
        offset = 0
        if self.kind == NUMBER:
            offset = self.integer_plain(-86400, 86400, "the time zone's offset")
        days = days_from_1970(year, month, day) - _EPOCH_DAYS
        return days * 86400 + hour * 3600 + minute * 60 + second + offset

    def integer_plain(self, low, high, what):
        """A decimal number, in which a leading zero means nothing (08 is eight)."""
        if self.kind != NUMBER or len(self.val) > 10 or not low <= int(self.val) <= high:
            self.fail("expected %s, found %s" % (what, self.shown()), "it goes from %d to %d" % (low, high))
        value = int(self.val)
        self.step()
        return value

    # Recovery

    def skip(self, depth=0):
        """To behind the statement at hand: its ';', or the '}' of its block.  Never past the '}' around it.

        depth   how many { of its own the statement has open
        """
        while self.kind != END:
            kind = self.kind
            if kind == "}" and not depth:
                return
            self.step()
            if kind == "{":
                depth += 1
            elif kind == "}":
                depth -= 1
                if not depth:
                    self.take(";")
                    return
            elif kind == ";" and not depth:
                return


def to_integer(text):
    """The number that the word is, or None."""
    base = 10
    if text[:2] == "0x":
        base = 16
        text = text[2:]
    elif text[:1] == "0" and len(text) > 1:
        base = 8
    if not 0 < len(text) <= 12:
        return None
    try:
        return int(text, base)
    except ValueError:
        return None


def to_octet(text, base):
    """The octet as bytes, or None."""
    if not 0 < len(text) <= 3 or text[0] == "-":
        return None
    try:
        value = int(text, base)
    except ValueError:
        return None
    return bytes([value]) if value < 256 else None


def days_from_1970(year, month, day):
    """Days of the proleptic Gregorian calendar: years start in March, so a leap day is the last."""
    if month < 3:
        year -= 1
        month += 12
    return year * 365 + year // 4 - year // 100 + year // 400 + (153 * month - 457) // 5 + day - 719469


def printable(octets):
    """Octets as text for a message."""
    return "".join([chr(c) if 32 <= c < 127 else "\\x%02x" % c for c in octets])


def as_text(octets):
    """A name in quotes as str; octets that are no UTF-8 become ?."""
    try:
        return str(octets, "utf8")
    except UnicodeError:
        return "".join([chr(c) if c < 128 else "?" for c in octets])
