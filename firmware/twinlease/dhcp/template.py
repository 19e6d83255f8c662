"""The options of a reply, encoded once and copied for every client that asks for the same ones.

Which options a reply carries, and in which order, depends on the settings of its
scope, on the client's parameter request list (RFC 2132 section 9.8) and on how
large a message it takes (section 9.10).  Real offices have a handful of such
combinations, so each is built once and kept; what differs from reply to reply
(message type, server identifier, lease time, option 82) is not in here.
"""

from micropython import const

from ..octets import equal

_FILE_ROOM = const(127)  # 128 octets less the End option
_SNAME_ROOM = const(63)
_MASK = const(1)
_ROUTERS = const(3)
_OVERLOAD = const(3)  # the octets of option 52 itself

# Written by reply.py, or never sent by a server: RFC 2132 sections 9.1 to 9.8, RFC 3046.
_NOT_HERE = (0, 50, 51, 52, 53, 54, 55, 57, 61, 82, 255)
# RFC 2132 section 9.11 and 9.12: of use only if nothing crowds them out.
_FIRST = (58, 59)
# Without a list from the client: what every client needs, then the rest by number.
_NO_LIST = (1, 3, 6, 12, 15)


def order(options, wanted, with_mask):
    """Codes to send, in order.

    options    {code: octets} as configured
    wanted     the client's parameter request list, empty for none
    with_mask  the subnet mask goes last even unasked: clients rely on it
    """
    codes = list(_FIRST)
    if wanted:
        codes.extend(wanted)
        if with_mask:
            codes.append(_MASK)
    else:
        codes.extend(_NO_LIST)
        codes.extend(sorted(options))
    chosen = []
    for code in codes:
        if code in options and code not in _NOT_HERE and code not in chosen:
            chosen.append(code)
    if _MASK in chosen and _ROUTERS in chosen and chosen.index(_MASK) > chosen.index(_ROUTERS):
        # RFC 2132 section 3.3: the mask must come first, whatever the client's list says.
        chosen.remove(_MASK)
        chosen.insert(chosen.index(_ROUTERS), _MASK)
    return chosen


def encoded(code, value):
    """One option on the wire; a value of over 255 octets in pieces (RFC 3396 section 5)."""
    out = b""
    while len(value) > 255:
        out += bytes((code, 255)) + value[:255]
        value = value[255:]
    return out + bytes((code, len(value))) + value


class Template:
    """wanted, room, with_mask   what it was made for
    main, file, sname         octets to copy into the fields of these names
    overload                  option 52's value, 0 for none

    An option that finds no room in any field is left out; those asked for first find it first.
    """

    def __init__(self, options, wanted, room, with_mask, file_free, sname_free):
        self.wanted = bytes(wanted)
        self.room = room
        self.with_mask = with_mask
        self.file = self.sname = b""
        self.overload = 0
        pieces = [encoded(code, options[code]) for code in order(options, wanted, with_mask)]
        if sum([len(p) for p in pieces]) <= room:
            self.main = b"".join(pieces)
        else:
            self._spread(pieces, room - _OVERLOAD, file_free, sname_free)

    def is_for(self, request, room, with_mask):
        n = request.size[55] if request.where[55] else 0
        if room != self.room or with_mask != self.with_mask or n != len(self.wanted):
            return False
        return equal(request.buf, request.where[55], self.wanted, 0, n)

    def _spread(self, pieces, room, file_free, sname_free):
        """Fill the options field, then `file`, then `sname` (RFC 2131 section 4.1, RFC 3396 section 5)."""
        main = []
        for piece in pieces:
            if len(piece) <= room:
                main.append(piece)
                room -= len(piece)
            elif file_free and len(piece) <= _FILE_ROOM - len(self.file):
                self.file += piece
            elif sname_free and len(piece) <= _SNAME_ROOM - len(self.sname):
                self.sname += piece
        self.main = b"".join(main)
        self.overload = (1 if self.file else 0) | (2 if self.sname else 0)
