"""One TCP connection with the partner: how it becomes the link, when it has failed; how far clocks are apart.  Pure.

    link.open(dialled, up)          a connection has come about
    refusal = link.judge(…)         CONNECT or CONNECTACK: None, or why it is refused
    link.adopt(message, …)          it is accepted: this connection is the link
    link.timer(up)                  each tick: what is due
    skew.hear(sent_at, now)         each message

Checks, their order and their texts are ISC dhcpd's (reference sections 2.2 to 2.4),
but for three.  A clock that differs is no reason to refuse: the skew is
measured and corrected for; only one outside of what we can reckon with is.  A
CONNECT to a primary is refused, where ISC answers it and both are primary from then on.  And
of two of our own boards, one that has restarted or accepts a second connection
cannot have the first any more: the new one becomes the link.

Our boards know each other by the option HELLO in CONNECT and CONNECTACK:

    version 1, flags 1, board 8, boots 4, partner's board as remembered 8, milliseconds of the second 2

Where a key is configured, `seal` signs what leaves (Writer._finish, for every
message) and checks what comes in (Link.read, likewise).

Not here: what a message makes us do (peer.py), sockets.
"""

from micropython import const

from ..octets import copy, equal, get32, is_zero, put32
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

_SIZE = const(1024)  # of Stream and Writer: no message of either side comes near it
VENDOR = b"twinlease"

# Tenths of a second.
_STARTUP = const(150)
_SPEAK_TWIN = const(2)
_QUIET_TWIN = const(5)
_SILENT_TWIN = const(9)
_AWAY = const(3)
_HELD_UP_TWIN = const(20)
_HELD_UP = const(100)

HELLO_SIZE = const(24)
_HELLO_VERSION = const(1)
NEVER_SERVED = const(1)  # flags of HELLO: the sender has never answered a client as half of this pair
CLOCK_TRUSTED = const(2)
HAD_PARTNER = const(4)  # it has heard the state of a partner, of which the receiver may be the successor
_AT_BOARD = const(2)
_AT_BOOTS = const(10)
_AT_REMEMBERED = const(14)


def put_hello(out, flags, board, boots, remembered):
    """Fill the 24 octets of HELLO.  board, remembered: 8 octets each."""
    out[0] = _HELLO_VERSION
    out[1] = flags
    copy(out, _AT_BOARD, board, 0, 8)
    put32(out, _AT_BOOTS, boots)
    copy(out, _AT_REMEMBERED, remembered, 0, 8)
    out[22] = out[23] = 0


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
    """One of a Peer's two connections; its Stream and its Writer are made once."""

    def __init__(self):
        self.stream = Stream(_SIZE)
        self.writer = Writer(_SIZE)
        self.seal = None
        self.unsealed = 0  # why the seal is wrong of the CONNECT or CONNECTACK that was read last
        self.state = CLOSED
        self.twin = False  # the partner is one of our boards, and this is what it said:
        self.board = bytearray(8)
        self.boots = 0
        self.flags = 0
        self.remembers = bytearray(8)  # the board that it believes we are
        self.max_unacked = 0
        self.fresh = False  # nothing but CONNECT or CONNECTACK has been heard
        self._opened = self._heard = self._said = self._looked = 0
        self._speak = self._silent = 0
        self._quiet = 0

    def put_seal(self, seal):
        """With a key: whatever leaves is signed by it, whatever comes in is checked (seal.py)."""
        self.seal = self.writer.seal = seal

    def open(self, up):
        if self.seal:
            self.seal.open()
        self.stream.reset()
        self.writer.clear()
        self.writer.xid = 0
        self.writer.wrote = False
        self.state = WAITING
        self.twin = False
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

    def judge(self, message, name, primary, link, up):
        """May this CONNECT (to a secondary) or CONNECTACK (to a primary) be accepted?  None, or (reason, text).

        name  the relationship's, octets
        link  the Link that is up, or None
        """
        if self.unsealed:
            return self.unsealed, self.seal.why(self.unsealed)
        at = message.where[w.RELATIONSHIP_NAME]
        n = message.size[w.RELATIONSHIP_NAME]
        if not at:
            return w.INVALID_PARTNER, b"missing relationship-name"
        if n != len(name) or not equal(message.buf, at, name, 0, n):
            return w.INVALID_PARTNER, self._wrong_name(message, primary)
        if message.type == w.CONNECT and primary:
            return w.INVALID_PARTNER, b"both servers are primary"
        self._read_hello(message)
        taken = link is not None and not (self.twin and self._supersedes(link, primary, up))
        if primary and taken:
            return w.DUPLICATE_CONNECTION, b"already connected"
        if not self.twin and not 1 < message.sent_at < 0x3FFFFFFF:
            return w.TIME_MISMATCH, b"time offset too large"
        if primary:
            return None
        if message.size[w.HASH_BUCKET_ASSIGNMENT] != 32:
            return w.HBA_CONFLICT, b"invalid HBA"
        if taken:
            return w.DUPLICATE_CONNECTION, b"already connected"
        if not message.where[w.MCLT]:
            return w.INVALID_MCLT, b"no MCLT provided"
        return None

    def _wrong_name(self, message, primary):
        if not primary:
            return b"unknown failover relationship name"
        at = message.where[w.RELATIONSHIP_NAME]
        n = min(message.size[w.RELATIONSHIP_NAME], 255)
        return b"remote failover relationship name %s does not match" % bytes(message.buf[at : at + n])

    def _supersedes(self, link, primary, up):
        """Is the link that is up dead, because one of our boards would not say this otherwise?

        It accepts one connection at a time; and one that has restarted has lost all.  But a CONNECT
        can be repeated by somebody who has recorded it: it does not end a link on which the partner is heard.
        """
        if link is self or not link.twin:
            return False
        return primary or (link.is_quiet(up) and (self.boots != link.boots or self.board != link.board))

    def _read_hello(self, message):
        at = message.where[w.OWN + w.HELLO]
        buf = message.buf
        self.twin = at > 0 and message.size[w.OWN + w.HELLO] >= HELLO_SIZE and buf[at] == _HELLO_VERSION
        if self.twin:
            self.flags = buf[at + 1]
            copy(self.board, 0, buf, at + _AT_BOARD, 8)
            copy(self.remembers, 0, buf, at + _AT_REMEMBERED, 8)
            self.boots = get32(buf, at + _AT_BOOTS) if buf[at + _AT_BOOTS] < 0x40 else 0

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

    def is_new_board(self, remembered):
        """Is it one of our boards, and another than the one that we remember?  Eight octets, all 0 for none."""
        return self.twin and not is_zero(remembered, 0, 8) and remembered != self.board
