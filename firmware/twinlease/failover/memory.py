"""What a Peer remembers over a restart: its octets in flash.  Pure.

    octets = encode(record, board, held_until)      28 of them
    told = decode(octets, primary)                  (Record, board, held_until), or None
    record = first(primary, mclt, now)              of one that remembers nothing
    record = moved(record, since, step)             our clock was set

At most 64 octets fit (journal.put_meta).  What cannot be read, and what was written
in the other role, is as if nothing were there: the Peer then begins in RECOVER, and learns
everything from its partner.
"""

import struct

from .endpoint import RECOVER, STARTUP, STATES, UNKNOWN, Record, altered

_VERSION = 1
_META = 2  # journal keys 2 … 5
_FORM = ">BBBBiii8si"


def keep(peer, record):
    """Have it written before anything leaves that was said after this."""
    octets = encode(record, peer.partner_board or bytes(8), peer.held_until)
    peer.store.persist_meta(_META + peer.index, octets)


def encode(record, board, held_until):
    """record: an endpoint.Record; board: the partner's, 8 octets; held_until: see peer.py."""
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
    if version != _VERSION or role & 1 != primary or state not in STATES or state == STARTUP:
        return None
    if (partner != UNKNOWN and partner not in STATES) or min(stos, served_until, mclt, held_until) < 0:
        return None
    record = Record(primary, mclt, state, state, stos, partner, served_until, False, 0, role > 1)
    return record, board, held_until


def first(primary, mclt, now, served_until=None):
    """The record of a server that remembers nothing: RECOVER, since `now` (reference section 4.4).

    served_until  when it may last have served as half of this pair.  Unknown,
                  it is `now`; 0 for a server that can prove it never did, which
                  spares it RECOVER-WAIT.
    """
    served = now if served_until is None else served_until
    return Record(primary, mclt, RECOVER, RECOVER, now, UNKNOWN, served, False, 0, False)


def moved(record, since, now, step):
    """The record after our clock was set, by `step` seconds: times of this run, from `since` to `now`, move along.

    A later one was told by a clock that was right, before one without the time began anew.
    """
    stos, served = record.stos, record.served_until
    return altered(
        record,
        stos=max(stos + step, 0) if since < stos <= now else stos,
        served_until=max(served + step, 1) if max(since, 0) < served <= now else served,
    )
