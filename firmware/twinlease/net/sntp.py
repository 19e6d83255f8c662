"""Keeps the board's time in step with its servers: what of that stays in memory.  sntp_round.py asks them.

    sntp = Sntp(app, servers)      four octets or a name each
    await sntp.run()               for ever
    sntp.ask_now()                 the operator does not want to wait

Each second it is seen whether a server is to be asked; what that takes is loaded for the round and forgotten after it
(overlay.py): a round a minute, later one in a quarter of an hour.  Want of memory costs that round.

Names are asked of the DNS servers that our own clients are told; a board's getaddrinfo would stop DHCP meanwhile.
"""

import asyncio
import gc

from micropython import const

from ..ntp.source import BURST, NO_MEMORY, State
from ..ntp.trim import Trim
from ..overlay import load, unload

META_DRIFT = const(9)  # in the journal: the crystal's rate, two octets, sixteenths of a ppm
_KEEP_EVERY_S = const(14400)
_WORTH_KEEPING = const(16)  # a change by 1 ppm
_AGAIN_S = const(60)
_SOON_S = const(5)
_NEVER = const(0x1FFFFFFF)


class Sntp:
    """state: ntp.source.State; trim: for App.catch_up; up: seconds since it was made."""

    def __init__(self, app, servers):
        self.app = app
        self.state = State(servers)
        self.trim = Trim(_kept_rate(app.journal))
        self.up = 0
        self.sock = None
        self.at = 0  # project second of the last comparison
        self._asks = None  # sntp_round.py, while it is loaded
        self._ms = 0
        self._ticks = app.board.ticks_ms()
        self._kept = self.trim.rate
        self._kept_at = -_KEEP_EVERY_S

    def time(self):
        """Bring `up` up to date; returns it."""
        board = self.app.board
        ticks = board.ticks_ms()
        self._ms += board.ticks_diff(ticks, self._ticks)
        self._ticks = ticks
        s = self._ms // 1000
        self._ms -= s * 1000
        self.up += s
        return self.up

    async def run(self):
        while True:
            if self._next_at() <= self.time():
                await self._round()
            await asyncio.sleep(1)

    async def _round(self):
        try:
            if self._asks is None:
                self._asks = load("net.sntp_round")
            await self._asks.ask(self)
        except MemoryError:
            gc.collect()
            for source in self.state.sources:
                source.why = NO_MEMORY
                source.next_at = max(source.next_at, self.up + _AGAIN_S)
        if self._next_at() > self.up + _SOON_S:
            self._asks = None
            unload("net.sntp_round", "ntp.packet", "ntp.choose", "ntp.govern")
        self._keep_rate()

    def _next_at(self):
        at = _NEVER
        for source in self.state.sources:
            at = min(at, source.next_at)
        return at

    def ask_now(self):
        """Whoever may be asked is asked within a second.  False if nobody may."""
        found = False
        for source in self.state.sources:
            if source.next_at < _NEVER and not source.poll:
                source.next_at = self.up
                source.burst = BURST
                found = True
        return found

    def _keep_rate(self):
        """What was learnt of the crystal goes to flash: seldom, and only what is worth it."""
        rate = self.trim.rate
        if abs(rate - self._kept) >= _WORTH_KEEPING and self.up - self._kept_at >= _KEEP_EVERY_S:
            self._kept, self._kept_at = rate, self.up
            journal = self.app.journal
            journal.put_meta(META_DRIFT, bytes((rate >> 8 & 255, rate & 255)))
            journal.sync()


def _kept_rate(journal):
    told = journal.get_meta(META_DRIFT)
    if told is None or len(told) != 2:
        return 0
    rate = told[0] << 8 | told[1]
    return rate - 0x10000 if rate & 0x8000 else rate
