"""The LED: what one sees across a room.

normal    on, with a short wink every two seconds: the board lives
alone     on a second, off a second: the failover partner is not there, or not in NORMAL
no time   two short flashes every two seconds: leases count from a guess
fault     fast: no link, no configuration, safe mode; or it starts
"""

import asyncio

from micropython import const

_STEP_S = 0.125
_STEPS = const(16)
PATTERNS = (0x7FFF, 0x00FF, 0x0005, 0x5555)  # by NORMAL, ALONE, NO_TIME, FAULT; a bit a step, the lowest first


class Lamp:
    """put(on): lights it, or not."""

    def __init__(self, put):
        self._put = put
        self._on = None

    async def run(self, board):
        """For ever what board.shown() says.  It stands still when the service does."""
        step = 0
        while True:
            self.put(PATTERNS[board.shown()] >> step & 1)
            step = (step + 1) % _STEPS
            await asyncio.sleep(_STEP_S)

    def put(self, on):
        if on != self._on:
            self._on = on
            self._put(on)


def wired(words):
    """A Lamp for the words of `led 2 low`: a pin's number or name, and when it is lit."""
    from machine import Pin

    name = words[0]
    pin = Pin(int(name) if name.isdigit() else name, Pin.OUT)
    low = len(words) > 1 and words[1] == "low"
    return Lamp(lambda on: pin.value(not on if low else on))
