"""Our answers to SNTP clients (RFC 5905 section 7.3, RFC 4330 section 6), written in place; nothing here allocates.

A clock that no server has set, or whose error has grown past a second, is answered for too: leap indicator 3, stratum
0, INIT.  The client hears at once that it has to ask somebody else, where silence would cost it a time-out, and would
look like a broken network to a person.

Only clients (mode 3) are answered, with as many octets as they sent or fewer, so nobody is flooded by way of us. Each
address has twenty questions in eight seconds (a burst at start is eight, and a router may hide several clients), all
together forty a second; what is more is dropped.
"""

from micropython import const

from ..octets import copy, fill

SIZE = const(48)
_CLIENT = const(3)
_SERVER = const(4)
_UNKNOWN = const(0xC0)  # leap indicator 3
_PRECISION = const(0xF7)  # 2 ** -9 s: our ticks are milliseconds
_ERROR_MAX_MS = const(1000)
_SLOTS = const(64)
_WINDOW_S = const(8)
_EACH = const(20)
_ALL = const(320)
_ERA_HIGH = const(0xE1B6)  # NTP seconds of 2020-01-01, 3786825600, in halves
_ERA_LOW = const(0x5F80)
_NO_ADDRESS = bytes(4)


class Answerer:
    """buf  the answer, 48 octets"""

    def __init__(self):
        self.buf = bytearray(SIZE)
        self.answered = self.dropped = 0
        self._counts = bytearray(_SLOTS)
        self._all = 0
        self._window = -1

    def admits(self, key, up):
        """May this client have an answer?  key: a number that its address gives."""
        if up // _WINDOW_S != self._window:
            self._window = up // _WINDOW_S
            self._all = 0
            fill(self._counts, 0, _SLOTS, 0)
        slot = (key ^ key >> 6 ^ key >> 12) & _SLOTS - 1
        if self._all >= _ALL or self._counts[slot] >= _EACH:
            self.dropped += 1
            return False
        self._all += 1
        self._counts[slot] += 1
        return True

    def receive(self, packet, now, ms):
        """A question has come, at this project second and millisecond.  False if it is none."""
        if len(packet) < SIZE or packet[0] & 7 != _CLIENT or not 1 <= packet[0] >> 3 & 7 <= 4:
            return False
        buf = self.buf
        buf[0] = packet[0] & 0x38 | _SERVER
        buf[2] = packet[2]
        buf[3] = _PRECISION
        copy(buf, 24, packet, 40, 8)
        put_time(buf, 32, now, ms)
        return True

    def tell(self, state, error_ms, since):
        """What we are: state is the client's ntp.source.State, or None; error_ms of our clock, −1 unknown; since: the
        project second when it was last compared."""
        buf = self.buf
        peer = state.peer if state else None
        if peer is None or not 0 <= error_ms < _ERROR_MAX_MS or peer.stratum > 14:
            buf[0] |= _UNKNOWN
            buf[1] = 0
            fill(buf, 4, 20, 0)
            copy(buf, 12, b"INIT", 0, 4)
            return
        buf[0] |= peer.leap << 6
        buf[1] = peer.stratum + 1
        delay = peer.root_delay + peer.delay
        _put_short(buf, 4, delay)
        _put_short(buf, 8, max(error_ms - delay // 2, 1))
        copy(buf, 12, peer.address or _NO_ADDRESS, 0, 4)  # one with a name may be looked up again just now
        put_time(buf, 16, since, 0)

    def send(self, now, ms):
        """The last thing before it leaves."""
        put_time(self.buf, 40, now, ms)
        self.answered += 1


def _put_short(buf, at, ms):
    """Milliseconds as 16.16 seconds."""
    s = ms // 1000
    buf[at] = s >> 8 & 255
    buf[at + 1] = s & 255
    fraction = (ms - s * 1000) * 65536 // 1000
    buf[at + 2] = fraction >> 8
    buf[at + 3] = fraction & 255


def put_time(buf, at, s, ms):
    """A timestamp of project seconds and milliseconds, by halves: the whole is an object on a 32-bit board."""
    low = (s & 0xFFFF) + _ERA_LOW
    high = (s >> 16) + _ERA_HIGH + (low >> 16)
    buf[at] = high >> 8 & 255
    buf[at + 1] = high & 255
    buf[at + 2] = low >> 8 & 255
    buf[at + 3] = low & 255
    fraction = ms * 65536 // 1000
    buf[at + 4] = fraction >> 8 & 255
    buf[at + 5] = fraction & 255
    buf[at + 6] = buf[at + 7] = 0
