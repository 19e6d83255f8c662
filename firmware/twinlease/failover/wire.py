"""The failover codec, receiving half, and its constants: octets of a TCP stream to messages, read in place.

    stream = Stream()                            once per link
    taken = stream.feed(data, n, at)             copies what there is room for
    while stream.next() == MESSAGE:              until NEED_MORE or BAD_STREAM
        reason = message.read(stream.buf, stream.at, stream.size)

    message.where[BINDING_STATUS], message.size[BINDING_STATUS]    where[...] is 0 for an option that is not there
    message.octet(code)  message.number(code)  message.time(code)  values; -1 if absent

What a message must hold to make sense is not judged here but by who acts on
it: for most lacks the answer is a reject reason, not a closed link.  Nothing
here allocates after __init__, and nothing raises for what a peer sends.

Not here: messages to octets (writer.py).

Times on the wire are Unix time, ours are project seconds (clock.py).  The
parser's rules are those of ISC dhcpd: reference sections 1.2 to 1.5.
"""

from array import array

import micropython
from micropython import const

from ..octets import copy, get16, get32

# Message types: draft section 6.1, reference section 1.4.
POOLREQ = const(1)
POOLRESP = const(2)
BNDUPD = const(3)
BNDACK = const(4)
CONNECT = const(5)
CONNECTACK = const(6)
UPDREQALL = const(7)
UPDDONE = const(8)
UPDREQ = const(9)
STATE = const(10)
CONTACT = const(11)
DISCONNECT = const(12)

# Options: draft section 12, reference section 1.5.
ADDRESSES_TRANSFERRED = const(1)
ASSIGNED_IP_ADDRESS = const(2)
BINDING_STATUS = const(3)
CLIENT_IDENTIFIER = const(4)
CLIENT_HARDWARE_ADDRESS = const(5)
CLIENT_LAST_TRANSACTION_TIME = const(6)
CLIENT_REPLY_OPTIONS = const(7)
CLIENT_REQUEST_OPTIONS = const(8)
DDNS = const(9)
DELAYED_SERVICE = const(10)
HASH_BUCKET_ASSIGNMENT = const(11)
IP_FLAGS = const(12)
LEASE_EXPIRATION_TIME = const(13)
MAX_UNACKED_BNDUPD = const(14)
MCLT = const(15)
MESSAGE_TEXT = const(16)
MESSAGE_DIGEST = const(17)
POTENTIAL_EXPIRATION_TIME = const(18)
RECEIVE_TIMER = const(19)
PROTOCOL_VERSION = const(20)
REJECT_REASON = const(21)
RELATIONSHIP_NAME = const(22)
SERVER_FLAGS = const(23)
SERVER_STATE = const(24)
START_TIME_OF_STATE = const(25)
TLS_REPLY = const(26)
TLS_REQUEST = const(27)
VENDOR_CLASS_IDENTIFIER = const(28)
VENDOR_SPECIFIC_OPTIONS = const(29)

# Codes that our boards may use among themselves.  ISC skips all above 29; Microsoft's dialect has 30 to 41.
OWN_FIRST = const(0x5400)
OWN_COUNT = const(16)
HELLO = const(0)  # less OWN_FIRST; in CONNECT and CONNECTACK, see link.py
CLOCK = const(5)  # in CONTACT: flags of HELLO as they are now
AGREE = const(1)

# Values of options: reference sections 1.5 and 2.4.
FLAG_STARTUP = const(1)  # server-flags
FLAG_RESERVED = const(1)  # IP-flags
FLAG_BOOTP = const(2)
VERSION = const(1)

ILLEGAL_IP_ADDRESS = const(1)
FATAL_CONFLICT = const(2)
MISSING_BINDING_INFORMATION = const(3)
TIME_MISMATCH = const(4)
INVALID_MCLT = const(5)
MISCELLANEOUS = const(6)
DUPLICATE_CONNECTION = const(7)
INVALID_PARTNER = const(8)
OUTDATED_BINDING_INFORMATION = const(15)
LESS_CRITICAL_BINDING_INFORMATION = const(16)
HBA_CONFLICT = const(18)
IP_NOT_RESERVED = const(19)

# The header: reference section 1.2.
HEADER = const(12)
MESSAGE_MAX = const(2048)
_TYPE = const(2)
_PAYLOAD = const(3)
_TIME = const(4)
XID = const(8)  # where the xid stands in a message

ID_MAX = const(255)  # longest client identifier: one DHCP option
CHADDR_MAX = const(21)  # reference section 5.4, check 6

# What Stream.next() says.
NEED_MORE = const(0)
MESSAGE = const(1)
BAD_STREAM = const(2)

# Why a message was not read (words.py).  All but IGNORED end the link.
IGNORED = const(1)
BAD_OFFSET = const(2)
TRUNCATED = const(3)
UNKNOWN_TYPE = const(4)
DUPLICATE_OPTION = const(5)
BAD_SIZE = const(6)
BAD_LENGTH = const(7)
BAD_SEAL = const(8)

_ISC_LAST = const(29)
_SLOTS = const(30 + 16)
OWN = const(30)  # index of option OWN_FIRST in Message.where

# Message types as sets: bit t of a set is type t.  The reader stores an option only if its type is in the option's set.
_IN_ACCEPT = array(
    "H",
    [
        0,
        1 << POOLRESP,
        1 << BNDUPD | 1 << BNDACK,
        1 << CONNECT,
        1 << CONNECTACK,
        1 << CONNECT | 1 << CONNECTACK,
        1 << STATE,
        1 << BNDACK | 1 << CONNECTACK | 1 << DISCONNECT,
        1 << BNDUPD | 1 << BNDACK | 1 << STATE,
    ],
)

# For each option: which of these sets, and the length that its value must have.
_ANY = const(0)
_NEVER = const(255)  # no length is right: that is how ISC dhcpd treats DDNS, and so no peer of ISC's sends it

# fmt: off
_RULES = bytes((
    0, _ANY,
    1, 4,  # addresses-transferred
    2, 4,  # assigned-IP-address
    2, 1,  # binding-status
    2, _ANY,  # client-identifier
    2, _ANY,  # client-hardware-address
    2, 4,  # client-last-transaction-time
    2, _ANY,  # client-reply-options
    2, _ANY,  # client-request-options
    2, _NEVER,  # DDNS
    0, _ANY,  # delayed-service
    3, _ANY,  # hash-bucket-assignment; a wrong length is a reason to reject the CONNECT, not a broken message
    2, 2,  # IP-flags
    2, 4,  # lease-expiration-time
    5, 4,  # max-unacked-bndupd
    3, 4,  # MCLT
    7, _ANY,  # message
    0, _ANY,  # message-digest
    2, 4,  # potential-expiration-time
    5, 4,  # receive-timer
    5, 1,  # protocol-version
    7, 1,  # reject-reason
    5, _ANY,  # relationship-name
    6, 1,  # server-flags
    6, 1,  # server-state
    8, 4,  # start-time-of-state
    4, 1,  # TLS-reply
    3, 1,  # TLS-request; two octets, as ISC 3.0 sent it, end the link
    5, _ANY,  # vendor-class-identifier
    0, _ANY,  # vendor-specific-options
))
# fmt: on


@micropython.viper
def get_time(b: ptr8, at: int) -> int:
    """A time of the wire as project seconds: 0 stays 0, "never" is FOREVER.

    Unix time does not fit a small int of a 32-bit board, so the project's
    first second, 0x5E0BE100, is subtracted in halves.  What was before 2020 is
    1: long past, and still not "none".  What is after 2054 is FOREVER.
    """
    high = b[at] << 8 | b[at + 1]
    low = b[at + 2] << 8 | b[at + 3]
    if high == 0 and low == 0:
        return 0
    if (high == 0x7FFF and low == 0xFFFF) or high > 0x9E0B or (high == 0x9E0B and low >= 0xE0FF):
        return 0x3FFFFFFF
    if high < 0x5E0B or (high == 0x5E0B and low <= 0xE100):
        return 1
    return (high - 0x5E0B) * 0x10000 + low - 0xE100


@micropython.viper
def put_time(b: ptr8, at: int, t: int):
    """Project seconds as a time of the wire: 0 as 0, FOREVER as 0x7FFFFFFF (reference section 5.4)."""
    high = 0
    low = 0
    if t >= 0x3FFFFFFF:
        high = 0x7FFF
        low = 0xFFFF
    elif t > 0:
        low = (t & 0xFFFF) + 0xE100
        high = (t >> 16) + 0x5E0B + (low >> 16)
        low &= 0xFFFF
        if high == 0x7FFF and low == 0xFFFF:
            low = 0xFFFE  # a second of January 2038, not "never"
    b[at] = high >> 8
    b[at + 1] = high & 0xFF
    b[at + 2] = low >> 8
    b[at + 3] = low & 0xFF


class Stream:
    """Cuts one direction of a TCP connection into messages; reference sections 1.2 and 1.3.

    One buffer, for good, of the longest message that we take: a peer can send a
    length that is never followed by the message, but not make us grow.  How long
    one may dribble is for the link's timers to say.
    """

    def __init__(self, size=MESSAGE_MAX):
        self.buf = bytearray(size)
        self.at = 0  # the message that next() found: buf[at : at + size], until feed() or next() is called again
        self.size = 0
        self._end = 0
        self._bad = False

    def reset(self):
        """A new connection."""
        self.at = self.size = self._end = 0
        self._bad = False

    def feed(self, data, n, at=0):
        """Take octets of data[at:n]; returns how many.

        That is 0 only if next() was not called until it said NEED_MORE.
        After BAD_STREAM everything is taken, and forgotten.
        """
        if self._bad:
            return n - at
        if self.at or self.size:
            done = self.at + self.size
            self._end -= done
            copy(self.buf, 0, self.buf, done, self._end)
            self.at = self.size = 0
        taken = min(n - at, len(self.buf) - self._end)
        copy(self.buf, self._end, data, at, taken)
        self._end += taken
        return taken

    def lacks(self):
        """How many octets the message under way still lacks, as far as it can tell; at least 1.

        Who feeds no more than that never holds more than one message here.
        """
        at = self.at + self.size
        held = self._end - at
        return max((get16(self.buf, at) if held >= 2 else 2) - held, 1)

    def next(self):
        """Go on to the next whole message: MESSAGE, NEED_MORE or, for ever after a length that lies, BAD_STREAM."""
        if self._bad:
            return BAD_STREAM
        self.at += self.size
        self.size = 0
        held = self._end - self.at
        if held < 2:
            return NEED_MORE
        size = get16(self.buf, self.at)
        if size < HEADER or size > len(self.buf):
            self._bad = True
            return BAD_STREAM
        if held < size:
            return NEED_MORE
        self.size = size
        return MESSAGE


@micropython.viper
def _scan(b: ptr8, at: int, end: int, kind: int, rules: ptr8, sets: ptr16, where: ptr16, size: ptr16) -> int:
    """Note where each option of b[at:end] is; ISC's checks in ISC's order (reference section 1.3)."""
    for i in range(_SLOTS):
        where[i] = 0
        size[i] = 0
    while at < end:
        if at + 4 > end:
            return TRUNCATED
        code = int(b[at] << 8 | b[at + 1])
        n = int(b[at + 2] << 8 | b[at + 3])
        at += 4
        if at + n > end:
            return TRUNCATED
        if kind > DISCONNECT:
            return UNKNOWN_TYPE
        slot = -1
        if code <= _ISC_LAST:
            if where[code]:
                return DUPLICATE_OPTION
            if int(sets[rules[2 * code]]) >> kind & 1:
                slot = code
                want = int(rules[2 * code + 1])
                if want != _ANY and (want != n or want == _NEVER):
                    return BAD_SIZE
        elif OWN_FIRST <= code and code < OWN_FIRST + OWN_COUNT:
            slot = code - OWN_FIRST + _ISC_LAST + 1
            if where[slot]:
                return DUPLICATE_OPTION
        if slot >= 0:
            where[slot] = at
            size[slot] = n
        at += n
    return 0


class Message:
    """One message, read in place: nothing is copied, so it is good for as long as the octets stay where they are."""

    def __init__(self):
        self.where = array("H", bytes(2 * _SLOTS))  # offset of the value of each option; our own ones from OWN on
        self.size = array("H", bytes(2 * _SLOTS))
        self.buf = b""
        self.at = 0
        self.type = 0
        self.sent_at = 0  # the sender's clock, project seconds

    def read(self, buf, at, n):
        """Read buf[at : at + n], which a Stream has cut out; returns 0 or the reason why it is not a message for us."""
        self.buf = buf
        self.at = at
        self.type = kind = buf[at + _TYPE]
        self.sent_at = get_time(buf, at + _TIME)
        payload = buf[at + _PAYLOAD]
        if payload < HEADER or payload > n:
            return BAD_OFFSET
        reason = _scan(buf, at + payload, at + n, kind, _RULES, _IN_ACCEPT, self.where, self.size)
        if reason:
            return reason
        return 0 if POOLREQ <= kind <= DISCONNECT else IGNORED

    def xid(self):
        """The xid, -1 if it is one that we never send (a small int does not hold it)."""
        return -1 if self.buf[self.at + XID] > 0x3F else get32(self.buf, self.at + XID)

    def octet(self, code):
        """Value of a one-octet option, -1 if it is absent."""
        at = self.where[code]
        return self.buf[at] if at else -1

    def number(self, code):
        """Value of an option of two or four octets, -1 if it is absent.

        From 2**30 on it comes back as 2**30 - 1, a small int on every board.
        """
        at = self.where[code]
        if not at:
            return -1
        if self.size[code] == 2:
            return get16(self.buf, at)
        return 0x3FFFFFFF if self.buf[at] > 0x3F else get32(self.buf, at)

    def time(self, code):
        """Value of a time as project seconds, -1 if it is absent."""
        at = self.where[code]
        return get_time(self.buf, at) if at else -1
