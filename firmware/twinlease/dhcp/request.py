"""One message from a client or a relay agent, parsed in place.  Allocates nothing for ordinary packets.

    request = Request()                       once, at boot
    reason = request.parse(packet, length)    0, or one of the reasons below
    request.where[OPTION], request.size[OPTION]   where[...] is 0 for an option that is not there

The parser walks the options once (twice and thrice if option 52 says that `file`
and `sname` hold more).  An option that comes in pieces is joined (RFC 3396) into
a copy of the packet, the only case that allocates.  Values are not checked here
beyond their bounds: `number` and `address` refuse those of a wrong length.

Not here: what to answer (server.py), the reply (reply.py).
"""

from array import array

import micropython
from micropython import const

from ..lease.identity import Identity
from ..octets import get32, is_zero

# RFC 2131 section 2: the fixed header.
OP = const(0)
HTYPE = const(1)
HLEN = const(2)
SECS = const(8)
FLAGS = const(10)
CIADDR = const(12)
YIADDR = const(16)
SIADDR = const(20)
GIADDR = const(24)
CHADDR = const(28)
SNAME = const(44)
FILE = const(108)
COOKIE = const(236)
OPTIONS = const(240)

# Message types, RFC 2132 section 9.6.  BOOTP stands for a request without option 53.
BOOTP = const(0)
DISCOVER = const(1)
OFFER = const(2)
REQUEST = const(3)
DECLINE = const(4)
ACK = const(5)
NAK = const(6)
RELEASE = const(7)
INFORM = const(8)

# Why a packet was not read.
SHORT = const(1)
NOT_REQUEST = const(2)
BAD_HLEN = const(3)
TRUNCATED_OPTION = const(4)
BAD_TYPE = const(5)
NO_IDENTITY = const(6)
BAD_RELAY = const(7)

REASONS = (
    "",
    "shorter than a BOOTP header",
    "not a request",
    "hardware address longer than 16 octets",
    "an option runs past the end of the packet",
    "unknown message type",
    "neither a hardware address nor a client identifier",
    "no relay agent can have the address in giaddr",
)

_PIECES = const(0x100)
_TRUNCATED = const(0x200)


@micropython.viper
def _scan(buf: ptr8, at: int, end: int, where: ptr16, size: ptr16, seen: ptr8) -> int:
    """Note each option of buf[at:end]; returns _PIECES, _TRUNCATED, both or 0.  seen[255]: how many codes are in it."""
    flags = 0
    count = int(seen[255])
    while at < end:
        code = int(buf[at])
        if code == 255:
            break
        if code == 0:
            at += 1
            continue
        if at + 2 > end or at + 2 + int(buf[at + 1]) > end:
            flags |= 0x200
            break
        if where[code]:
            flags |= 0x100
        else:
            where[code] = at + 2
            size[code] = buf[at + 1]
            seen[count] = code
            count += 1
        at += 2 + int(buf[at + 1])
    seen[255] = count
    return flags


class Request:
    def __init__(self):
        self.where = array("H", bytes(512))
        self.size = array("H", bytes(512))
        self._seen = bytearray(256)
        self.buf = b""
        self.length = 0
        self.type = BOOTP
        self.hlen = 0
        self.relayed = False
        self.id_at = 0
        self.id_n = 0
        self.who = Identity()
        self.agent_at = 0
        self.agent_n = 0

    def parse(self, packet, length):
        """Read packet[:length]; returns 0 or the reason why it is not for us."""
        self._forget()
        self.buf = packet
        self.length = length
        if length < COOKIE:
            return SHORT
        if packet[OP] != 1:
            return NOT_REQUEST
        if packet[HLEN] > 16:
            return BAD_HLEN
        self.hlen = packet[HLEN]
        self.relayed = not is_zero(packet, GIADDR, 4)
        if self.relayed and (packet[GIADDR] >= 224 or packet[GIADDR] in (0, 127)):
            return BAD_RELAY  # the reply would go to everybody, to a group, or to ourselves
        if self._has_cookie() and self._scan_all() & _TRUNCATED:
            return TRUNCATED_OPTION
        self.type = self._message_type()
        if self.type > INFORM or self.type in (OFFER, ACK, NAK):
            return BAD_TYPE
        self._note_identity()
        if not self.id_n and not self.hlen:
            return NO_IDENTITY
        return 0

    def number(self, code):
        """A four-octet option as a number, -1 if it is absent or of another length.

        Values from 2**30 on come back as 2**30 - 1: a small int on every board.
        """
        if not self.where[code] or self.size[code] != 4:
            return -1
        if self.buf[self.where[code]] > 0x3F:
            return 0x3FFFFFFF
        return get32(self.buf, self.where[code])

    def address(self, code):
        """Offset of a four-octet option's value, 0 if it is absent, of another length, or 0.0.0.0."""
        at = self.where[code]
        if not at or self.size[code] != 4 or is_zero(self.buf, at, 4):
            return 0
        return at

    def agent(self, sub):
        """Offset of a relay agent sub-option's length octet (RFC 3046), 0 if there is none."""
        at = self.agent_at
        end = at + self.agent_n
        while at + 1 < end:
            if at + 2 + self.buf[at + 1] > end:
                return 0
            if self.buf[at] == sub:
                return at + 1
            at += 2 + self.buf[at + 1]
        return 0

    def is_guest(self):
        """The hardware address is locally administered (IEEE 802: bit 1 of the first octet): most likely it changes."""
        return self.hlen == 6 and self.buf[CHADDR] & 2 != 0

    def _forget(self):
        seen = self._seen
        where = self.where
        for i in range(seen[255]):
            where[seen[i]] = 0
        seen[255] = 0
        self.type = BOOTP
        self.id_n = self.agent_n = self.agent_at = 0

    def _has_cookie(self):
        b = self.buf
        return self.length >= OPTIONS and b[236] == 99 and b[237] == 130 and b[238] == 83 and b[239] == 99

    def _scan_all(self):
        flags = self._scan_area(OPTIONS, self.length)
        overload = self._overload()
        if overload & 1:
            flags |= self._scan_area(FILE, COOKIE)
        if overload & 2:
            flags |= self._scan_area(SNAME, FILE)
        if flags & _PIECES:
            self._join(overload)
        return flags

    def _scan_area(self, at, end):
        return _scan(self.buf, at, end, self.where, self.size, self._seen)

    def _overload(self):
        """Option 52: 1 file, 2 sname, 3 both hold options too; 0 for anything else (RFC 2132 section 9.3)."""
        at = self.where[52]
        if not at or self.size[52] != 1 or self.buf[at] > 3:
            return 0
        return self.buf[at]

    def _join(self, overload):
        """Put options that came in pieces together, in a copy of the packet (RFC 3396 sections 5 and 7)."""
        pieces = {}
        self._collect(OPTIONS, self.length, pieces)
        if overload & 1:
            self._collect(FILE, COOKIE, pieces)
        if overload & 2:
            self._collect(SNAME, FILE, pieces)
        joined = bytearray(self.buf[: self.length])
        for code in pieces:
            if len(pieces[code]) > self.size[code]:
                self.where[code] = len(joined)
                self.size[code] = len(pieces[code])
                joined += pieces[code]
        self.buf = joined

    def _collect(self, at, end, pieces):
        buf = self.buf
        while at + 1 < end and buf[at] != 255:
            if buf[at] == 0:
                at += 1
                continue
            upto = at + 2 + buf[at + 1]
            if upto > end:
                return
            pieces[buf[at]] = pieces.get(buf[at], b"") + bytes(buf[at + 2 : upto])
            at = upto

    def _message_type(self):
        at = self.where[53]
        if not at:
            return BOOTP
        return self.buf[at] if self.size[53] and self.buf[at] else 255

    def _note_identity(self):
        n = self.size[61]
        if self.where[61] and n >= 2:
            self.id_at = self.where[61]
            self.id_n = n
        self.who.set_hardware(self.buf[HTYPE], self.buf, CHADDR, self.hlen)
        self.who.set_identifier(self.buf, self.id_at, self.id_n)
        if self.where[82]:
            self.agent_at = self.where[82]
            self.agent_n = self.size[82]
