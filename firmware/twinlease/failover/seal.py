"""Messages between two of our boards, authenticated by the key that both know: HMAC-SHA-256 (RFC 2104).

    seal = Seal(conf.key, name, primary, salt)
    seal.open()                              a connection has come about
    end = seal.sign(buf, start, end)         the last step of writing a message
    reason = seal.check(message)             the first step of obeying one

Each message ends in the option MAC: the first 16 octets of the HMAC over who says
it, how many messages he has sent on this connection, and the message up to there.
CONNECT and CONNECTACK are not counted.  They bring a NONCE that no connection has had
before, and are signed with the key itself; the CONNECTACK covers the CONNECT's nonce too.
All others are signed with the session's key, the HMAC over name and both nonces.  So
nothing that was recorded, put in another place or sent back is good again:

    from an earlier connection   other nonces, another session key
    from this one                another count, or another sender

but for a whole CONNECT.  It gets a CONNECTACK, and whoever repeats it can say no
more: link.py does not let it replace a link on which the partner is heard.

The key says nothing about who may read: messages are not encrypted.
"""

import hashlib

import micropython
from micropython import const

from ..octets import copy, put16, put32
from . import wire as w

# Reject reasons: reference section 2.4.
DIGEST_FAILED = const(20)
DIGEST_MISSING = const(21)

# Own options, less OWN_FIRST.
_NONCE = const(6)
_MAC = const(15)

_BLOCK = const(64)  # of SHA-256
_MAC_SIZE = const(16)
_OPTION = const(20)  # NONCE or MAC, with its head
_NOT_COUNTED = bytes(5)


class Hmac:
    """HMAC-SHA-256 with one key at a time; the two blocks that it makes of a key are made once."""

    def __init__(self, key):
        self._inner = bytearray(_BLOCK)
        self._outer = bytearray(_BLOCK)
        self.rekey(key)

    def rekey(self, key):
        if len(key) > _BLOCK:
            key = hashlib.sha256(key).digest()
        for i in range(_BLOCK):
            octet = key[i] if i < len(key) else 0
            self._inner[i] = octet ^ 0x36
            self._outer[i] = octet ^ 0x5C

    def digest(self, a, b=b"", c=b""):
        """32 octets, over a, b and c in a row."""
        h = hashlib.sha256(self._inner)
        h.update(a)
        h.update(b)
        h.update(c)
        inner = h.digest()
        h = hashlib.sha256(self._outer)
        h.update(inner)
        return h.digest()


@micropython.viper
def _same(a: ptr8, b: ptr8, at: int, n: int) -> bool:
    """a[:n] == b[at : at + n], in a time that does not tell where they differ."""
    d = 0
    for i in range(n):
        d |= a[i] ^ b[at + i]
    return d == 0


class Seal:
    """One connection's: what leaves by its Writer, and what comes in by its Stream."""

    def __init__(self, key, name, primary, salt):
        """key, name: octets.  salt: octets that no other Seal has had, before a restart of this board or since."""
        self._key = key
        self._name = name
        self._primary = primary
        self._salt = salt
        self._hmac = Hmac(key)
        self._opened = 0
        self._ours = bytearray(16)  # nonces
        self._theirs = bytearray(16)
        self._said = bytearray(5)  # who, and how many messages: what the next MAC begins with
        self._heard = bytearray(5)
        self._in_session = False
        self.open()

    def open(self):
        """Begin anew, with a nonce that has never been used."""
        count = bytearray(4)
        self._opened += 1
        put32(count, 0, self._opened)
        self._hmac.rekey(self._key)
        # Not even the key's owner needs chance for this: the salt makes it new, the key makes it hard to foresee.
        copy(self._ours, 0, self._hmac.digest(b"nonce" + self._name, self._salt, count), 0, 16)
        for i in range(16):
            self._theirs[i] = 0
        self._in_session = False
        for i in range(5):
            self._said[i] = self._heard[i] = 0
        self._said[0] = 1 if self._primary else 2
        self._heard[0] = 3 - self._said[0]

    def sign(self, buf, start, end):
        """Append MAC, and NONCE where it belongs, to the message buf[start:end] and set its length: the new end, or -1.

        -1: there is no room, and the message is not to be sent; nothing has happened.
        """
        kind = buf[start + 2]
        handshake = kind == w.CONNECT or kind == w.CONNECTACK
        more = _OPTION * 2 if handshake else _OPTION
        if end + more > len(buf) or end + more - start > w.MESSAGE_MAX:
            return -1
        if handshake:
            _put_head(buf, end, _NONCE)
            copy(buf, end + 4, self._ours, 0, 16)
            end += _OPTION
        _put_head(buf, end, _MAC)
        end += 4
        put16(buf, start, end + _MAC_SIZE - start)
        nonce = self._theirs if kind == w.CONNECTACK else b""
        who = _NOT_COUNTED if handshake else self._said
        copy(buf, end, self._hmac.digest(who, nonce, memoryview(buf)[start:end]), 0, _MAC_SIZE)
        if not handshake:
            _count(who)
        if kind == w.CONNECTACK:
            self._begin_session(self._theirs, self._ours)
        return end + _MAC_SIZE

    def check(self, message):
        """Is the Message the partner's, and the next one?  0, DIGEST_MISSING or DIGEST_FAILED."""
        buf = message.buf
        start = message.at
        at = message.where[w.OWN + _MAC]
        if not at or message.size[w.OWN + _MAC] != _MAC_SIZE:
            return DIGEST_MISSING
        kind = message.type
        handshake = kind == w.CONNECT or kind == w.CONNECTACK
        if handshake == self._in_session:
            return DIGEST_FAILED
        if handshake and message.size[w.OWN + _NONCE] != 16:
            return DIGEST_MISSING
        nonce = self._ours if kind == w.CONNECTACK else b""
        who = _NOT_COUNTED if handshake else self._heard
        if not _same(self._hmac.digest(who, nonce, memoryview(buf)[start:at]), buf, at, _MAC_SIZE):
            return DIGEST_FAILED
        if handshake:
            copy(self._theirs, 0, buf, message.where[w.OWN + _NONCE], 16)
        else:
            _count(who)
        if kind == w.CONNECTACK:
            self._begin_session(self._ours, self._theirs)
        return 0

    def why(self, reason):
        """What to tell the partner and the log about a CONNECT or CONNECTACK that check() does not like."""
        if reason == DIGEST_MISSING:
            return b"missing message digest: this server has a key, its partner has none or is an ISC dhcpd"
        return b"message digest failed: the partner has another key"

    def _begin_session(self, primarys, secondarys):
        self._hmac.rekey(self._key)
        self._hmac.rekey(self._hmac.digest(b"twinlease failover" + self._name, primarys, secondarys))
        self._in_session = True


def _put_head(buf, at, code):
    put16(buf, at, w.OWN_FIRST + code)
    put16(buf, at + 2, 16)


def _count(who):
    """One message more; after 2**32 the count is the same again, as is an xid."""
    i = 4
    while i:
        who[i] = (who[i] + 1) & 0xFF
        if who[i]:
            return
        i -= 1
