"""A resynchronisation: what is asked for, what is answered, and what helps when it stalls.  Pure.

Loaded when it is needed, and forgotten after that (overlay.py).

An ISC dhcpd that lost the link in RECOVER or PARTNER-DOWN while updates were on
their way never sends those again, nor anything more once max-unacked of them are
lost (reference section 5.8).  Who waits for them, waits for ever.  So if what we asked
for stalls, we reject each address that has not come, which frees its place at ISC
whatever its xid was, and ask again.
"""

from micropython import const

from ..lease.identity import Identity
from ..lease.row import ACKED, ACTIVE, EXPIRED, RELEASED, RESET
from . import endpoint, times
from . import wire as w
from .link import HAD_PARTNER, NEVER_SERVED
from .service import is_own_address

_NAG_ROOM = const(400)
_NOT_HEARD = b"not received, please send it again"
_NOBODY = bytes(6)
_ENDED = (EXPIRED, RELEASED, RESET)


def ask(peer, kind):
    """UPDREQ or UPDREQALL; only the answer to the latest counts."""
    if not peer.link:
        return
    out = peer.link.writer
    peer.asked = kind
    peer.asked_xid = out.xid
    peer.fed_at = peer.up
    peer.nag_at = -1
    for i in range(len(peer.came)):
        peer.came[i] = 0
    if not out.bare(kind, peer.header()):
        peer.broken = True
    every = " all" if kind == w.UPDREQALL else ""
    peer.store.say("Sent update request%s message to %s" % (every, peer.conf.name))


def begin(peer):
    """The operator: ask the partner for all that it has, and send it all that we have.  None, or why not."""
    if not peer.linked or peer.record.state not in endpoint.SERVING:
        return "failover peer %s: there is no partner to resynchronise with now" % peer.conf.name
    ask(peer, w.UPDREQALL)
    peer.updates.put_all(False)
    return None


def answer(peer, kind):
    """UPDREQ and UPDREQALL: all that is asked for is queued, UPDDONE follows (reference section 6.1).

    While a conflict is resolved every address: one that lost its data and was set to PARTNER-DOWN gets there
    without asking for all, and so does an ISC that lost its data.
    """
    m, every = peer.message, kind == w.UPDREQALL
    if every or peer.record.state in (endpoint.POTENTIAL_CONFLICT, endpoint.CONFLICT_DONE):
        peer.updates.put_all(peer.twin)
    else:
        peer.updates.put_pending()
    peer.updates.answer(m.buf, m.at + w.XID)
    what = "sending update" if peer.updates.due else "nothing pending"
    peer.store.say("Update request%s from %s: %s" % (" all" if every else "", peer.conf.name, what))


def done(peer, link):
    """UPDDONE.  False if it answers an earlier request."""
    if peer.asked_xid < 0 or peer.message.xid() != peer.asked_xid:
        return False
    peer.asked_xid = peer.nag_at = -1
    peer.store.say("failover peer %s: peer update completed." % peer.conf.name)
    if peer.record.state == endpoint.RECOVER and endpoint.never_served(peer.record):
        if link.twin and link.flags & (NEVER_SERVED | HAD_PARTNER) == HAD_PARTNER:
            peer.hold(peer.now + peer.record.mclt)
    return True


def keep_promises(peer):
    """The partner knows nothing of before: it is new, or has lost its data, or is an ISC dhcpd of which nobody can say.

    What it was before may have renewed each lease alone, for MCLT beyond what was agreed.  So each is ACTIVE that
    long, here, and for the partner as soon as it is told: nobody's consent frees it before.  The client is the same,
    unless the partner was told that the lease had ended: then somebody whom nobody knows may have the address.
    """
    t = peer.table
    for row in range(t.rows):
        state = t.state(row)
        if (state == ACTIVE or state in _ENDED) and peer.owns(row) and not is_own_address(t, row):
            promised = times.promised_until(t.tstp(row), t.tsfp(row))
            until = times.takeover_at(promised, peer.now, peer.record.mclt)
            if state != ACTIVE or t.ends(row) < until:
                _keep(peer, row, until)


def _keep(peer, row, until):
    t = peer.table
    if t.state(row) != ACTIVE:
        if t.rewind(row) != ACTIVE:
            t.clear_client(row)
            nobody = Identity()
            nobody.set_hardware(1, _NOBODY, 0, 6)
            t.set_client(row, nobody)
        t.set_state(row, ACTIVE)
    t.set_times(row, until, t.cltt(row))
    t.set_rewind(row, EXPIRED)  # so that the update has the row in flash before it leaves
    t.clear_flags(row, ACKED)
    peer.updates.put(row)


def stalled(peer):
    """What we asked for does not come."""
    if peer.nag_at < 0:
        peer.note("the partner does not send what we asked for; we ask again")
        if peer.twin:
            ask(peer, peer.asked)
            return
        peer.nag_at = 0
    _nag(peer)


def _nag(peer):
    """Reject what has not come, as far as there is room; at the end ask again."""
    t, out = peer.table, peer.link.writer
    address, nothing = bytearray(4), bytes(4)
    row = peer.nag_at
    while row < t.rows and len(out.buf) - out.end >= _NAG_ROOM:
        if peer.owns(row) and not peer.came[row >> 3] >> (row & 7) & 1:
            t.put_address(row, address, 0)
            out.bndack_reject(peer.header(), nothing, 0, address, 0, w.MISCELLANEOUS, _NOT_HEARD)
        row += 1
    peer.nag_at = row
    if row >= t.rows:
        ask(peer, peer.asked)
