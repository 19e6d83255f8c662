"""Our milliseconds as true ones: the crystal's rate made good, and a small offset made up bit by bit.

ms = trim.take(ms)       between the board's ticks and Clock.advance
"""

from micropython import const

_UNITS = const(16000000)  # a rate of 1 is a sixteenth of a millionth
_SLEW_EVERY = const(512)  # a millisecond of the offset is made up in so many: 0.2 %

RATE_MAX = const(16000)  # 1000 ppm: a crystal that is worse is none


class Trim:
    """rate  sixteenths of a ppm, positive if our crystal is slow
    slew  milliseconds that are still to be made up, positive if we are behind
    """

    def __init__(self, rate=0):
        self.rate = rate
        self.slew = 0
        self._rest = 0
        self._waited = 0

    def take(self, ms):
        """How long it was that our ticks call `ms`; never negative."""
        self._rest += ms * self.rate
        more = self._rest // _UNITS
        self._rest -= more * _UNITS
        if self.slew:
            self._waited += ms
            n = self._waited // _SLEW_EVERY
            self._waited -= n * _SLEW_EVERY
            n = min(n, self.slew) if self.slew > 0 else max(-n, self.slew)
            self.slew -= n
            more += n
        if ms + more < 0:  # it is made up with the next milliseconds
            self.slew += ms + more
            return 0
        return ms + more
