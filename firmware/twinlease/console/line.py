"""One line of input: octets in, what to echo out.  Bounded; knows no stream and no command."""

LIMIT = 200  # octets of a line; more are refused with a bell

_BELL = b"\x07"
_RUBOUT = b"\b \b"
_ENTER, _NEWLINE, _BACKSPACE, _DELETE, _CTRL_C, _CTRL_U, _ESCAPE = 13, 10, 8, 127, 3, 21, 27


class Line:
    """Feed it octets; when `done`, `take()` the text."""

    def __init__(self):
        self.done = False
        self._buf = bytearray(LIMIT)
        self._n = 0
        self._after_enter = False
        self._escape = 0  # 1: ESC seen, 2: in a control sequence

    def feed(self, octet):
        """Take one octet; returns what to echo, empty for nothing."""
        newline_of_pair = octet == _NEWLINE and self._after_enter
        self._after_enter = octet == _ENTER
        if newline_of_pair or self._in_escape(octet):
            return b""
        if octet in (_ENTER, _NEWLINE):
            self.done = True
            return b"" if self._silent() else b"\r\n"
        if octet in (_BACKSPACE, _DELETE):
            return self._rub_out()
        if octet in (_CTRL_C, _CTRL_U):
            shown = 0 if self._silent() else self._n
            self._n = 0
            return _RUBOUT * shown
        if octet < 32 or octet > 126 or self._n == LIMIT:
            return _BELL
        self._buf[self._n] = octet
        self._n += 1
        return b"" if self._silent() else bytes((octet,))

    def take(self):
        """Return the finished line as text and start the next."""
        text = bytes(self._buf[: self._n]).decode()
        self._n = 0
        self.done = False
        return text

    def _rub_out(self):
        if not self._n:
            return b""
        silent = self._silent()
        self._n -= 1
        return b"" if silent else _RUBOUT

    def _silent(self):
        """A line that starts with "!" comes from a program, which does not want to hear itself."""
        return self._n > 0 and self._buf[0] == 33

    def _in_escape(self, octet):
        """Swallow what cursor keys send: ESC [ ... letter."""
        if self._escape == 0 and octet == _ESCAPE:
            self._escape = 1
            return True
        if self._escape == 1:
            self._escape = 2 if octet in (91, 79) else 0
            return True
        if self._escape == 2:
            if octet >= 64:
                self._escape = 0
            return True
        return False
