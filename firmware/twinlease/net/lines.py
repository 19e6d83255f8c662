"""The last lines of the log, kept in memory: from power-on, when there is nothing else yet.

    lines = Lines(clock)
    lines.keep(text)      a line of the log; True if it is to be written, too

`lines` has project seconds (4), length (1), text, one after the other up to `end`; those up to `first` stay.
A board that serves has a Recorder (recorder.py) in its place, which knows what became of requests, too.
"""

from micropython import const

from ..octets import copy, put32

_LINES = const(480)
_LINE_MAX = const(120)

ERROR = const(3)  # RFC 5424 section 6.2.1
WARNING = const(4)
INFO = const(6)
DEBUG = const(7)


class Lines:
    def __init__(self, clock, lines=None):
        self.clock = clock
        self.level = INFO
        """Lines that matter less than this, as syslog counts, are kept and not written."""
        self.lines = lines or bytearray(_LINES)
        self.end = self.first = 0
        self.events = None
        self.said = []
        self.capture = None  # net/capture.py, while somebody wants packets

    def keep(self, text):
        """Keep a line of the log; True if it is to be written, too."""
        octets = text.encode()
        lines, n = self.lines, min(len(octets), _LINE_MAX)
        while n < len(octets) and octets[n] & 0xC0 == 0x80:  # a letter is kept whole
            n -= 1
        cut = self.first
        while self.end - cut + self.first + n + 5 > _LINES:
            cut += lines[cut + 4] + 5
        if cut > self.first:
            copy(lines, self.first, lines, cut, self.end - cut)
            self.end -= cut - self.first
        at = self.end
        put32(lines, at, self.clock.now)
        lines[at + 4] = n
        copy(lines, at + 5, octets, 0, n)
        self.end = at + n + 5
        if self.level >= INFO:
            return True
        from ..overlay import run

        return run("net.severity", "of", text) <= self.level
