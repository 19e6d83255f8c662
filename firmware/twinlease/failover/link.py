"""One TCP connection with the partner: what is read, when it has failed; how far clocks are apart.  Pure.

    link.open(dialled, up)          a connection has come about
    link.adopt(message, …)          it is accepted: this connection is the link
    link.timer(up)                  each tick: what is due
    skew.hear(sent_at, now)         each message

Where a key is configured, `seal` signs what leaves (Writer._finish, for every
message) and checks what comes in (Link.read, likewise).

Not here: CONNECT and CONNECTACK (handshake.py), what a message makes us do (peer.py), sockets.
"""

from micropython import const

from . import wire as w
from .wire import Stream
from .writer import Writer

# What a connection is.
CLOSED = const(0)
WAITING = const(1)  # for CONNECT or CONNECTACK
UP = const(2)
CLOSING = const(3)  # what it still says may leave; nothing that it hears counts

# What timer() says.
NOTHING = const(0)
SPEAK = const(1)  # a CONTACT is due
SILENT = const(2)  # the partner has been silent for too long
NEVER_CONNECTED = const(3)

# A BNDUPD with an identifier of 255 octets and all that our boards add has 570, a CONNECT with a name of 255 has 700.
_STREAM = const(768)
_WRITER = const(1024)

# Tenths of a second.
_STARTUP = const(150)
_SPEAK_TWIN = const(2)
_QUIET_TWIN = const(5)
_SILENT_TWIN = const(9)
_AWAY = const(3)
_HELD_UP_TWIN = const(20)
_HELD_UP = const(100)

NEVER_SERVED = const(1)  # flags of HELLO: the sender has never answered a client as half of this pair
CLOCK_TRUSTED = const(2)
HAD_PARTNER = const(4)  # it has heard the state of a partner, of which the receiver may be the successor
CLOCK_OWN = const(8)  # its time is not its partner's word
CLOCK_FLAGS = const(10)


def clock_flags(server):
    """What our clock is, for a partner."""
    if not server.trusted_time:
        return 0
    return CLOCK_FLAGS if server.own_time else CLOCK_TRUSTED


class Skew:
    """The partner's clock less ours, whole seconds; kept when a link ends, because the next CONNECT needs it.

    Each message tells the second in which it was written.  One that was held up tells an
    old one, so the largest difference of the last seconds is the right one: of two
    between our boards, that hold nothing up for longer, or of ten.  A
    difference of one second cannot be told from the rounding, and is none.
    """

    def __init__(self):
        self.seconds = 0
        self.known = False
        self._best = 0
        self._heard = False
        self._since = 0

    def start(self, sent_at, now, up):
        """Begin anew: with CONNECT or CONNECTACK, and with the first message after it."""
        self.known = self._heard = True
        self._best = sent_at - now
        self._since = up
        self._set(self._best)

    def hear(self, sent_at, now, up, twin):
        d = sent_at - now
        if not self._heard or d > self._best:
            self._best = d
        self._heard = True
        if d > self.seconds + 1 or up - self._since >= (_HELD_UP_TWIN if twin else _HELD_UP):
            self._set(self._best)
            self._heard = False
            self._since = up

    def moved(self, step):
        """Our own clock counts `step` seconds later from now on."""
        if self.known:
            self.seconds -= step
            self._heard = False

    def _set(self, d):
        if d - self.seconds > 1 or self.seconds - d > 1 or -1 <= d <= 1:
            self.seconds = 0 if -1 <= d <= 1 else d


class Link:
    """One of a Peer's two connections."""

    def __init__(self):
        self.stream = Stream(0)
        self.writer = Writer(0)
        self.seal = None
        self.unsealed = 0  # why the seal is wrong of the CONNECT or CONNECTACK that was read last
        self.state = CLOSED
        self.twin = False  # the partner is one of our boards, and this is what it said:
        self.board = bytearray(8)
        self.boots = 0
        self.flags = 0
        self.clock_told = -1  # CLOCK_FLAGS of ours, as the partner has them; -1: not looked at yet
        self.remembers = bytearray(8)  # the board that it believes we are
        self.max_unacked = 0
        self.fresh = False  # nothing but CONNECT or CONNECTACK has been heard
        self._opened = self._heard = self._said = self._looked = 0
        self._speak = self._silent = 0
        self._quiet = 0

    def put_seal(self, seal):
        """With a key: whatever leaves is signed by it, whatever comes in is checked (seal.py)."""
        self.seal = self.writer.seal = seal

    def has_buffers(self):
        return len(self.writer.buf) > 0

    def make_buffers(self):
        """Raises MemoryError."""
        if not self.has_buffers():
            self.stream.buf = bytearray(_STREAM)
            self.writer.buf = bytearray(_WRITER)

    def drop_buffers(self):
        self.stream.buf = self.writer.buf = b""

    def remembers_all(self):
        """Does the partner know what it knew before?  Of an ISC dhcpd that recovers nobody can say."""
        return self.twin and self.flags & (NEVER_SERVED | HAD_PARTNER) == HAD_PARTNER

    def open(self, up):
        if self.seal:
            self.seal.open()
        self.stream.reset()
        self.writer.clear()
        self.writer.xid = 0
        self.writer.wrote = False
        self.state = WAITING
        self.twin = False
        self.clock_told = -1
        self._opened = self._heard = self._said = self._looked = up

    def read(self, message, up):
        """Read the message that the stream has cut out: 0, or a reason of wire.py.  All but IGNORED end the link."""
        stream = self.stream
        reason = message.read(stream.buf, stream.at, stream.size)
        self.unsealed = 0
        if self.seal and reason == w.IGNORED:
            return w.BAD_SEAL  # none of ours is of an unknown type
        if self.seal and not reason:
            self.unsealed = self.seal.check(message)
            if self.unsealed and message.type != w.CONNECT and message.type != w.CONNECTACK:
                return w.BAD_SEAL
        self._heard = up
        return reason

    def adopt(self, message, max_response_delay, up):
        """It is accepted; take over its limits (reference section 3.1).  A partner that says none gets ours."""
        self.state = UP
        self.fresh = True
        self._heard = self._said = up
        self.max_unacked = max(message.number(w.MAX_UNACKED_BNDUPD), 0)
        theirs = message.number(w.RECEIVE_TIMER)
        if theirs <= 0:
            theirs = max_response_delay
        if self.twin:
            self._speak, self._quiet, self._silent = _SPEAK_TWIN, _QUIET_TWIN, _SILENT_TWIN
        else:
            self._speak = max(min(theirs, 86400) * 10 // 3, _SPEAK_TWIN)
            self._quiet = self._silent = min(max_response_delay, 86400) * 10

    def timer(self, up):
        """What is due: NOTHING, SPEAK, SILENT or NEVER_CONNECTED.  To be asked each tenth of a second.

        While nobody asked, nobody read either: that time is not the partner's silence.
        """
        if up - self._looked > _AWAY:
            self._heard += up - self._looked - 1
        self._looked = up
        if self.state == WAITING:
            return NEVER_CONNECTED if up - self._opened >= _STARTUP else NOTHING
        if self.writer.wrote:
            self.writer.wrote = False
            self._said = up
        if self.state != UP:
            return NOTHING
        if up - self._heard >= self._silent:
            return SILENT
        if up - self._said < self._speak:
            return NOTHING
        self._said = up
        return SPEAK

    def is_quiet(self, up):
        """Has the partner been silent for so long that it may be gone?"""
        return up - self._heard >= self._quiet

    def is_stuck(self, up):
        """Has it been waiting for CONNECT or CONNECTACK for so long that another attempt is worth it?"""
        return up - self._opened >= 20
