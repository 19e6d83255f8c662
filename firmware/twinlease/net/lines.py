"""The last lines of the log, kept in memory: from power-on, when there is nothing else yet.

    lines = Lines(clock)
    lines.keep(text)      a line of the log; True if it is to be written, too

`lines` has project seconds (4), length (1), text, one after the other up to `lines_end`; those up to `boot_end` stay.
A board that serves has a Recorder (recorder.py) in its place, which knows what became of requests, too.
"""

from micropython import const

from ..octets import copy, put32

_LINES = const(512)
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
        self.lines_end = self.boot_end = 0
        self.events = None
        self.said = []
        self.capture = None  # net/capture.py, while somebody wants packets

    def keep(self, text):
        """Keep a line of the log; True if it is to be written, too."""
        octets = text.encode()[:_LINE_MAX]
        lines, n = self.lines, len(octets)
        cut = self.boot_end
        while self.lines_end - cut + self.boot_end + n + 5 > _LINES:
            cut += lines[cut + 4] + 5
        if cut > self.boot_end:
            copy(lines, self.boot_end, lines, cut, self.lines_end - cut)
            self.lines_end -= cut - self.boot_end
        at = self.lines_end
        put32(lines, at, self.clock.now)
        lines[at + 4] = n
        copy(lines, at + 5, octets, 0, n)
        self.lines_end = at + n + 5
        if self.level >= INFO:
            return True
        from ..overlay import run

        return run("net.severity", "of", text) <= self.level
