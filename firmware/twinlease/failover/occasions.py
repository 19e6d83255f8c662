"""What happens to a Peer once, or hardly ever: it begins, its clock is set.  Pure.

Loaded for the occasion, and forgotten after it (overlay.py).
"""

from ..lease.row import USED
from . import endpoint, memory


def begin(peer, saved, now, up):
    """Take up what flash held: see Peer.start."""
    peer.now, peer.up = now, up
    peer.dial_at = up
    peer.started = now
    if peer.conf.key:
        _put_seals(peer)
    told = memory.decode(saved, peer.primary)
    mclt = peer.conf.mclt
    if told is None:
        served = 0 if _never_served(peer) else None
        peer.record = memory.first(peer.primary, mclt, now, served)
        peer.started = now - 1
    else:
        peer.record, board, held_until = told
        if board != bytes(8):
            peer.partner_board = board
        if peer.primary:
            peer.record = endpoint.altered(peer.record, mclt=mclt)
        if held_until > now:
            peer.hold(min(held_until, now + peer.record.mclt))  # more is left only by a clock that begins anew
    memory.keep(peer, peer.record)


def _put_seals(peer):
    from .seal import Seal

    identity = peer.store.identity
    salt = identity.board + identity.boots.to_bytes(4, "big") + bytes((peer.index,))
    for c in range(2):
        peer.links[c].put_seal(Seal(peer.conf.key, peer.name, peer.primary, salt + bytes((c,))))


def _never_served(peer):
    """Can this board prove that it never answered a client?  Its flash is as it came, and so is the table."""
    return peer.store.identity.boots == 1 and peer.table.next_flagged(0, USED) < 0


def clock_moved(peer, step):
    """Our own clock was set: `now` counts `step` seconds later from now on.

    Times of this run move along.  Those of before it were told by a clock that was right, or are
    older than that: they stay, and what counts from them ends no earlier than it should.
    """
    peer.partner_clock.moved(step)
    since, now = peer.started, peer.now
    peer.now += step
    peer.started += step
    for at in ("alone_until", "balance_at", "balanced_at", "held_until"):
        if getattr(peer, at) > max(since, 0):  # 0 is no time, also in a run that began at 0
            setattr(peer, at, max(getattr(peer, at) + step, 1))
    peer.record = memory.moved(peer.record, since, now, step)
    if peer.wait_until >= 0:
        peer.wait_until = endpoint.wait_until(peer.record)
    memory.keep(peer, peer.record)
