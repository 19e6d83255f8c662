"""Who a client is: its identifier (option 61) if it has a usable one, and its hardware type and address.

    who = Identity()
    who.set_hardware(htype, buf, at, n)
    who.set_identifier(buf, at, n)              n 0: it has none
    table.is_client(row, who)                   …

One object for all clients, one after the other: the octets are copied, the hashes made
once.  `octets` is for the loops of _cells.py and _rows.py:

    at  octets
     0  1   4 (the flag ID_DIGEST) if the identifier is a digest, else 0
     1  1   length of the identifier, 0 none
     2  32  identifier; of one over 32 octets the first 16 of its SHA-256
    34  1   hardware type
    35  1   hardware address length, at most 16
    36  16  hardware address

`hash` is that of the identifier if there is one, else that of the hardware (octets.hash22).
Allocates nothing after __init__, but for the hash of a long identifier.
"""

import hashlib

import micropython
from micropython import const

from .row import DIGEST, ID_DIGEST, ID_MAX

_SIZE = const(52)
_LONGEST = const(255)


@micropython.viper
def _put_hardware(out: ptr8, htype: int, buf: ptr8, at: int, n: int) -> int:
    """Returns octets.hash22 of it."""
    if n > 16:
        n = 16
    out[34] = htype
    out[35] = n
    h = htype
    for i in range(n):
        out[36 + i] = buf[at + i]
        h = (h * 193 ^ buf[at + i]) & 0x3FFFFF
    return h


@micropython.viper
def _put_identifier(out: ptr8, digest: int, buf: ptr8, at: int, n: int) -> int:
    """digest is ID_DIGEST or 0.  Returns octets.hash22 of it."""
    out[0] = digest
    out[1] = n
    h = 0
    for i in range(n):
        out[2 + i] = buf[at + i]
        h = (h * 193 ^ buf[at + i]) & 0x3FFFFF
    return h


class Identity:
    def __init__(self):
        self.octets = bytearray(_SIZE)
        self.hash = self.id_hash = self.hw_hash = 0

    def set_hardware(self, htype, buf, at, n):
        """n octets at buf[at:]; over 16 count as 16."""
        self.hash = self.hw_hash = _put_hardware(self.octets, htype, buf, at, n)

    def set_identifier(self, buf, at, n):
        """n octets at buf[at:]; over 255 count as 255.  After set_hardware."""
        if n > ID_MAX:
            self._set_digest(buf, at, min(n, _LONGEST))
        else:
            self.id_hash = _put_identifier(self.octets, 0, buf, at, n)
        self.hash = self.id_hash if n else self.hw_hash

    def _set_digest(self, buf, at, n):
        digest = hashlib.sha256(memoryview(buf)[at : at + n]).digest()
        self.id_hash = _put_identifier(self.octets, ID_DIGEST, digest, 0, DIGEST)
