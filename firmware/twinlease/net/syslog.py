"""The log, to a syslog server as well: RFC 5424 messages over UDP (RFC 5426), one for each line.

    syslog = Syslog(app, server, facility)    server: four octets and two of the port; it stands in for board.log
    await syslog.run()                        sends what waits, for ever

Nobody waits for it: lines are queued, and what the queue has no room for, or what cannot be sent, is counted in
`dropped`, and told to the server as soon as something gets through again. Time is UTC, or missing while the board only
guesses it.
"""

import asyncio
import socket

from micropython import const

from .. import epoch
from ..octets import copy
from . import severity
from .sockets import address

_QUEUE = const(1536)
_PAUSE_S = 1  # after something could not be sent
_FACILITIES = "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp".split(" ")
_DAEMON = const(3)
_LOCAL0 = const(16)


class Syslog:
    def __init__(self, app, server, facility):
        self.address = server[:4]
        self.sent = self.dropped = 0
        self._to = address(self.address, server[4] << 8 | server[5])
        self._facility = _number(facility)
        self._untold = 0  # of `dropped`
        self._app = app
        self._stream = app.board.log
        self._queue = bytearray(_QUEUE)
        self._end = 0
        self._waits = asyncio.Event()
        self._sock = None
        kept = app.recorder.lines
        at = 0
        while at < app.recorder.end:  # what the board has said so far
            end = at + 5 + kept[at + 4]
            self._put(bytes(kept[at + 5 : end]) + b"\n")
            at = end

    def write(self, octets):
        """Whole lines; to where the log goes anyway, and into the queue."""
        self._stream.write(octets)
        self._put(octets)

    def _put(self, octets):
        n = len(octets)
        if self._end + n > _QUEUE:
            self._drop(bytes(octets).count(b"\n"))
            return
        copy(self._queue, self._end, octets, 0, n)
        self._end += n
        self._waits.set()

    def _drop(self, n):
        self.dropped += n
        self._untold += n

    async def run(self):
        while True:
            await self._waits.wait()
            self._waits.clear()
            while self._end:
                try:
                    well = self.send_one()
                except MemoryError:
                    well = False
                await asyncio.sleep(0 if well else _PAUSE_S)

    def send_one(self):
        """The first line that waits. False if it could not be sent."""
        end = self._queue.find(b"\n") + 1
        line = _text(self._queue[: end - 1])
        self._end -= end
        copy(self._queue, 0, self._queue, end, self._end)
        if self._untold and self._send("%d lines of the log are missing: not sent" % self._untold):
            self._untold = 0
        if self._send(line):
            self.sent += 1
            return True
        self._drop(1)
        return False

    def _send(self, line):
        try:
            if self._sock is None:
                self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                self._sock.setblocking(False)
            self._sock.sendto(self.message(line).encode(), self._to)
            return True
        except OSError:  # no route, no cable, the server said no to the one before, or no room
            return False

    def message(self, line):
        """RFC 5424 section 6: no process, no kind of message, no structured data."""
        told = "-"
        if self._app.clock.trusted:
            told = "%04d-%02d-%02dT%02d:%02d:%02dZ" % tuple(epoch.calendar(self._app.clock.now))[:6]
        return "<%d>1 %s %s twinlease - - - %s" % (self._facility * 8 + severity.of(line), told, self._name(), line)

    def _name(self):
        board = self._app.board
        if board.host_name or not board.interfaces:
            return board.host_name or "-"
        return "%d.%d.%d.%d" % tuple(board.interfaces[0].address)


def _text(octets):
    """What was cut amid a letter is no UTF-8 any more."""
    try:
        return str(octets, "utf8")
    except UnicodeError:
        return "".join([chr(octet) if octet < 128 else "?" for octet in octets])


def _number(facility):
    """A facility's, by its name (RFC 5424 section 6.2.1)."""
    if facility.startswith("local"):
        return _LOCAL0 + int(facility[5:])
    return _FACILITIES.index(facility) if facility in _FACILITIES else _DAEMON
