"""Write one reply into the arena of outgoing datagrams.  Allocates nothing.

    at = reply.start(request)             a zeroed message of 300 octets with what is echoed from the request
    reply.type(ACK), reply.server(...), … options in the order of the calls
    n = reply.finish(request)             option 82 last, End, padding; its length in octets

The arena holds the replies of one burst, one behind the other, until the driver
has synced the journal and sends them.
"""

import micropython
from micropython import const

from ..octets import copy, fill, put32
from .request import FILE, OPTIONS, SNAME

_ROOM = const(1472)  # the largest UDP payload in an Ethernet frame
_BOOTP_SIZE = const(300)  # RFC 951: a BOOTP message; some clients drop shorter ones
_SMALLEST = const(548)  # RFC 2131 section 2: every client takes 576 octets with IP and UDP headers


@micropython.viper
def _head(out: ptr8, at: int, req: ptr8):
    """The fixed header: zeroed, with what RFC 2131 table 3 says to copy from the request."""
    for i in range(at, at + 300):
        out[i] = 0
    out[at] = 2
    out[at + 1] = req[1]
    out[at + 2] = req[2]
    for i in range(4, 8):
        out[at + i] = req[i]
    out[at + 10] = req[10]
    out[at + 11] = req[11]
    for i in range(24, 44):
        out[at + i] = req[i]
    out[at + 236] = 99
    out[at + 237] = 130
    out[at + 238] = 83
    out[at + 239] = 99


class Arena:
    """Replies of one burst: `count` of them, reply i in buf[starts[i] : starts[i] + sizes[i]]."""

    def __init__(self, size):
        self.buf = bytearray(size)
        self.at = 0
        self.end = 0
        self.limit = _SMALLEST

    def has_room(self):
        return self.at + _ROOM <= len(self.buf)

    def start(self, request):
        """Begin a reply behind the last one."""
        _head(self.buf, self.at, request.buf)
        self.end = self.at + OPTIONS
        self.limit = _limit(request)

    def put_address(self, field, src, frm):
        """field is YIADDR, CIADDR, SIADDR or GIADDR; four octets from src[frm:]."""
        copy(self.buf, self.at + field, src, frm, 4)

    def option8(self, code, value):
        buf = self.buf
        end = self.end
        buf[end] = code
        buf[end + 1] = 1
        buf[end + 2] = value
        self.end = end + 3

    def option32(self, code, value):
        self.buf[self.end] = code
        self.buf[self.end + 1] = 4
        put32(self.buf, self.end + 2, value)
        self.end += 6

    def option_forever(self, code):
        """A time of 0xFFFFFFFF: infinite (RFC 2131 section 3.3)."""
        self.buf[self.end] = code
        self.buf[self.end + 1] = 4
        fill(self.buf, self.end + 2, 4, 255)
        self.end += 6

    def option(self, code, src, frm, n):
        """n octets, at most 255, from src[frm:]."""
        self.buf[self.end] = code
        self.buf[self.end + 1] = n
        copy(self.buf, self.end + 2, src, frm, n)
        self.end += 2 + n

    def room(self):
        """Octets left for options, with the End option taken off; option 82 has room of its own."""
        return self.at + self.limit - 1 - self.end

    def template(self, template):
        copy(self.buf, self.end, template.main, 0, len(template.main))
        self.end += len(template.main)
        if template.overload:
            self.option8(52, template.overload)
            self._field(FILE, template.file)
            self._field(SNAME, template.sname)

    def _field(self, field, octets):
        if octets:
            copy(self.buf, self.at + field, octets, 0, len(octets))
            self.buf[self.at + field + len(octets)] = 255

    def text(self, field, octets, size):
        """`sname` or `file`: cut to its field, with a zero at the end."""
        copy(self.buf, self.at + field, octets, 0, min(len(octets), size - 1))

    def finish(self, request):
        """Option 82 as the relay sent it, last (RFC 3046 section 2.2), End, padding.  Returns the length in octets."""
        end = self.end
        if request.agent_n and request.agent_n <= 255 and end + request.agent_n + 3 <= self.at + _ROOM:
            self.option(82, request.buf, request.agent_at, request.agent_n)
        self.buf[self.end] = 255
        n = self.end + 1 - self.at
        return n if n > _BOOTP_SIZE else _BOOTP_SIZE

    def drop(self):
        """Forget the replies: they are sent."""
        self.at = 0


def _limit(request):
    """The largest reply in octets of UDP payload (option 57; under 576 counts as 576, RFC 2132 section 9.10)."""
    at = request.where[57]
    if not request.type:
        return _BOOTP_SIZE
    if not at or request.size[57] != 2:
        return _SMALLEST
    size = (request.buf[at] << 8 | request.buf[at + 1]) - 28
    most = _ROOM - 2 - request.agent_n if 0 < request.agent_n <= 255 else _ROOM
    return _SMALLEST if size < _SMALLEST else min(size, most)
