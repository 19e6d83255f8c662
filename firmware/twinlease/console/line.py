"""One line of input: octets in, what to echo out.  Bounded; knows no stream and no command.

Emacs and VT100 keys, as terminals send them: arrows, Home, End, Delete, Ctrl-A B D E F K L N P U W.
A line that starts with "!" comes from a program: it is not echoed, and "?" and Tab are nothing special in it.
"""

LIMIT = 200  # octets of a line; more are refused with a bell
HISTORY = 512  # octets of earlier lines that are kept

# What the person wants besides a character in the line
TAB, REDRAW, END, HELP = 9, 12, 4, 63

_DELETE = 127 + 256  # under the cursor; unlike Ctrl-D it never ends a session
_KEY_MAX = 8
_BELL = b"\x07"
_TO_END = b"\x1b[K"  # erase from the cursor to the end of the line
_KEYS = {  # of an escape sequence, its last octets -> the control character of the same meaning
    b"A": 16,
    b"B": 14,
    b"C": 6,
    b"D": 2,
    b"H": 1,
    b"F": 5,
    b"1~": 1,
    b"7~": 1,
    b"4~": 5,
    b"8~": 5,
    b"3~": _DELETE,
}


class Line:
    """Feed it octets; when `done`, `take()` the text; when `wants` is not 0, somebody pressed that key."""

    def __init__(self):
        self.done = False
        self.wants = 0
        self.hidden = False
        """A password is typed: no echo, no history."""
        self._buf = bytearray(LIMIT)
        self._n = self._at = 0
        self._after_enter = False
        self._escape = None  # octets of an escape sequence so far
        self._lines = []  # earlier ones, the latest last
        self._back = 0  # how far back in them the person is

    def feed(self, octet):
        """Take one octet; returns what to echo, empty for nothing."""
        self.wants = 0
        newline_of_pair = octet == 10 and self._after_enter
        self._after_enter = octet == 13
        if newline_of_pair:
            return b""
        if self._escape is not None or octet == 27:
            octet = self._in_escape(octet)
            if not octet:
                return b""
        if octet in (13, 10):
            self.done = True
            return b"" if self._silent() else b"\r\n"
        if (octet == TAB or octet == HELP) and not self.hidden and not self._silent():
            self.wants = octet
            return b""
        if 32 <= octet <= 126:
            return self.insert(bytes((octet,)))
        return self._key(octet)

    def insert(self, octets):
        """Put them in at the cursor; returns what to echo."""
        if self._n + len(octets) > LIMIT:
            return _BELL
        rest = bytes(self._buf[self._at : self._n])
        self._buf[self._at : self._n + len(octets)] = octets + rest
        self._at += len(octets)
        self._n += len(octets)
        return self._echo(octets + rest + b"\b" * len(rest))

    def text(self):
        """What stands before the cursor."""
        return bytes(self._buf[: self._at]).decode()

    def shown(self):
        """The line as it stands on the screen after a prompt."""
        return self._echo(bytes(self._buf[: self._n]) + b"\b" * (self._n - self._at))

    def take(self):
        """Return the finished line as text and start the next."""
        text = bytes(self._buf[: self._n])
        if text.strip() and not self.hidden and not self._silent():
            self._remember(text)
        self._n = self._at = self._back = 0
        self.done = False
        return text.decode()

    def forget(self):
        """Begin anew, without a line and without a history."""
        self._lines = []
        self._n = self._at = self._back = 0
        self.done = False

    def _remember(self, text):
        lines = self._lines
        if text in lines:
            lines.remove(text)
        lines.append(text)
        while sum([len(line) for line in lines]) > HISTORY:
            lines.pop(0)

    def _key(self, key):
        if key == 8 or key == 127:
            return self._cut(self._at - 1, self._at) if self._at else b""
        if key == _DELETE or (key == 4 and self._n):
            return self._cut(self._at, self._at + 1) if self._at < self._n else b""
        if key == 3 or key == 21:
            return self._cut(0, self._n)
        if key == 11:
            return self._cut(self._at, self._n)
        if key == 23:
            return self._cut(self._start_of_word(), self._at)
        if key == 16 or key == 14:
            return self._recall(1 if key == 16 else -1)
        if key in (1, 2, 5, 6):
            return self._move((0, self._at - 1, 0, 0, self._n, self._at + 1)[key - 1])
        if key == END or key == REDRAW:
            self.wants = key
            return b""
        return _BELL

    def _move(self, to):
        to = max(0, min(to, self._n))
        was, self._at = self._at, to
        return self._echo(b"\b" * (was - to) + bytes(self._buf[was:to]))

    def _cut(self, start, end):
        """Take these octets out; the cursor ends where they began."""
        back = self._move(start)
        rest = bytes(self._buf[end : self._n])
        self._n = start + len(rest)
        self._buf[start : self._n] = rest
        return back + self._echo(rest + _TO_END + b"\b" * len(rest))

    def _start_of_word(self):
        at = self._at
        while at and self._buf[at - 1] == 32:
            at -= 1
        while at and self._buf[at - 1] != 32:
            at -= 1
        return at

    def _recall(self, older):
        """An earlier line in place of this one; from the latest, forward to an empty one."""
        back = self._back + older
        if self.hidden or not 0 <= back <= len(self._lines):
            return _BELL
        self._back = back
        return self._cut(0, self._n) + (self.insert(self._lines[-back]) if back else b"")

    def _silent(self):
        return self._n > 0 and self._buf[0] == 33

    def _echo(self, octets):
        return b"" if self.hidden or self._silent() else octets

    def _in_escape(self, octet):
        """Read what a key sends: ESC [ ... letter.  Returns the control character for it, 0 for none or not yet."""
        got = self._escape
        if octet < 32:  # a program's Ctrl-U is heard amid anything
            self._escape = b"" if octet == 27 else None
            return 0 if octet == 27 else octet
        if not got:
            self._escape = b"[" if octet in (91, 79) else None
        elif octet >= 64:
            self._escape = None
            return _KEYS.get(got[1:] + bytes((octet,)), 0)
        else:
            self._escape = (got + bytes((octet,)))[:_KEY_MAX]
        return 0
