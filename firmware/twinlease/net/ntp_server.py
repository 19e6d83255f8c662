"""Tells SNTP clients of the office the time, on UDP port 123 of each interface: `ntp serve true;`.

What is answered, and how often, is ntp/answer.py's.  A port that is taken costs this service only.
"""

import asyncio

from micropython import const

from ..ntp.answer import Answerer
from .sockets import broadcast_socket, hear_again, readable

_PORT = const(123)
_LONGEST = const(128)
_AT_ONCE = const(8)  # answers before others get a turn
_PAUSE_S = 0.05


class NtpServer:
    def __init__(self, app):
        self._app = app
        self.answerer = Answerer()

    async def serve(self, interface):
        """Until the board stops."""
        try:
            sock = broadcast_socket(interface, _PORT)
        except OSError as e:
            self._app.say("NTP is not served on %s: %s" % (interface.name, e.args[-1]))
            return
        self._app.say("Serving NTP on %s" % interface.name)
        n = 0
        while True:
            await readable(sock)
            try:
                self._answer(sock)
            except (OSError, MemoryError):
                await asyncio.sleep(_PAUSE_S)
            n += 1
            if n == _AT_ONCE:
                n = 0
                await asyncio.sleep(0)

    def _answer(self, sock):
        packet, sender = sock.recvfrom(_LONGEST)
        if not packet:
            hear_again(sock, _PORT)
        app, answerer = self._app, self.answerer
        app.catch_up()
        clock, sntp = app.clock, app.sntp
        if not answerer.receive(packet, clock.now, clock.ms) or not answerer.admits(_key(sender), clock.now):
            return
        if sntp and sntp.state.synced_at >= 0:
            answerer.tell(sntp.state, clock.error_ms, sntp.at)
        else:
            answerer.tell(None, -1, 0)
        app.catch_up()
        answerer.send(clock.now, clock.ms)
        sock.sendto(answerer.buf, sender)


def _key(sender):
    """A number that the sender's address gives."""
    if isinstance(sender, tuple):
        return hash(sender[0])
    return sender[7] | sender[6] << 6 | sender[5] << 12
