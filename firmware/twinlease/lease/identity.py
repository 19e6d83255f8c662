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

from micropython import const

from ..octets import copy, hash22
from .row import DIGEST, ID_DIGEST, ID_MAX

_ID = const(2)
_HTYPE = const(34)
_HLEN = const(35)
_HW = const(36)
_SIZE = const(52)
_HW_MAX = const(16)
_LONGEST = const(255)


class Identity:
    def __init__(self):
        self.octets = bytearray(_SIZE)
        self.hash = self.id_hash = self.hw_hash = 0

    def set_hardware(self, htype, buf, at, n):
        """n octets at buf[at:]; over 16 count as 16."""
        octets = self.octets
        if n > _HW_MAX:
            n = _HW_MAX
        octets[_HTYPE] = htype
        octets[_HLEN] = n
        copy(octets, _HW, buf, at, n)
        self.hash = self.hw_hash = hash22(octets, _HW, n, htype)

    def set_identifier(self, buf, at, n):
        """n octets at buf[at:]; over 255 count as 255.  After set_hardware."""
        octets = self.octets
        octets[0] = 0
        if n > ID_MAX:
            digest = hashlib.sha256(memoryview(buf)[at : at + min(n, _LONGEST)]).digest()
            octets[0] = ID_DIGEST
            buf, at, n = digest, 0, DIGEST
        octets[1] = n
        if n:
            copy(octets, _ID, buf, at, n)
            self.hash = self.id_hash = hash22(octets, _ID, n, 0)
