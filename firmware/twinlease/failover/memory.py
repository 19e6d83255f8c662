"""What a Peer remembers over a restart: its octets in flash.  Pure.

    octets = encode(record, board, held_until)      28 of them
    told = decode(octets, primary)                  (Record, board, held_until), or None

At most 64 octets fit (journal.put_meta).  What cannot be read, and what was written
in the other role, is as if nothing were there: the Peer then begins in RECOVER, and learns
everything from its partner.
"""

import struct

from . import states

_VERSION = 1
_FORM = ">BBBBiii8si"


def encode(record, board, held_until):
    """record: a states.Record; board: the partner's, 8 octets; held_until: see peer.py."""
    return struct.pack(
        _FORM,
        _VERSION,
        record.resume,
        record.partner,
        record.primary + 2 * record.asked_all,
        record.stos,
        record.served_until,
        record.mclt,
        bytes(board),
        held_until,
    )


def decode(octets, primary):
    """The Record as START wants it, the partner's board and held_until; None if there is nothing to go by."""
    if octets is None or len(octets) != struct.calcsize(_FORM):
        return None
    version, state, partner, role, stos, served_until, mclt, board, held_until = struct.unpack(_FORM, octets)
    if version != _VERSION or role & 1 != primary or state not in states.STATES or state == states.STARTUP:
        return None
    if partner not in states.NAMES or min(stos, served_until, mclt, held_until) < 0:
        return None
    record = states.Record(primary, mclt, state, state, stos, partner, served_until, False, 0, role > 1)
    return record, board, held_until
