"""CONNECT, CONNECTACK and DISCONNECT: who the partner is, whether we speak with it, and by which clock.  Pure.

    connect(peer, link)             the primary's first word
    takes(peer, link)               CONNECT or CONNECTACK has come: is it to make the link?
    link_up(peer, link)             it makes the link
    disconnected(peer)              DISCONNECT has come, for the log

Loaded when a connection comes about, and forgotten when it is the link (overlay.py).

The checks, their order and their texts are ISC dhcpd's (reference sections 2.2 to 2.4),
but for three.  A clock that differs is no reason to refuse: the skew is
measured and corrected for; only one outside of what we can reckon with is.  A
CONNECT to a primary is refused, where ISC answers it and both are primary from then on.  And
of two of our own boards, one that has restarted or accepts a second connection
cannot have the first any more: the new one becomes the link.

Our boards know each other by the option HELLO in CONNECT and CONNECTACK:

    version 1, flags 1, board 8, boots 4, partner's board as remembered 8, 2 octets of 0

An ISC dhcpd rejects a partner whose clock differs by more than a minute, and
corrects no time that it is told.  So we speak to it in its time, from the first
message if it has told us (be it in a reject), and correct what we hear.  Two of our boards
each speak in their own time, and both correct.

A board in the place of one that died (reference section 10, item 6, and what we
do better): it can prove that it never served in this pair, so it need not wait in
RECOVER-WAIT once it has our table.  But its predecessor may have promised addresses
of its list in its last moments, for up to MCLT, and nobody knows which.  So it
keeps its hands off that list for MCLT (HELD), and its partner answers everybody
meanwhile.  An ISC partner knows nothing of that; beside it the wait stands.
"""

from micropython import const

from ..octets import copy, equal, get32, is_zero, put32
from . import endpoint, memory
from . import link as links
from . import wire as w
from .link import UP

VENDOR = b"twinlease"

HELLO_SIZE = const(24)
_HELLO_VERSION = const(1)
_AT_BOARD = const(2)
_AT_BOOTS = const(10)
_AT_REMEMBERED = const(14)

_SKEW_WORTH_A_LINE = const(5)
_REFUSAL_TENTHS = const(600)
_UNACKED_MAX = const(32)
_MCLT_MAX = const(30 * 86400)  # no lease could begin with 0; with far more than this, none is ever taken over
_WINDOW_TWIN = const(24)  # what two small TCP windows carry, so that neither side waits for the other to read
_NOBODY = bytes(8)

# What ISC dhcpd calls the reject reasons that it sends in CONNECTACK and DISCONNECT (reference section 2.4).
_REASONS = {
    w.TIME_MISMATCH: "Connection rejected, time mismatch too great.",
    w.INVALID_MCLT: "Connection rejected, invalid MCLT.",
    w.DUPLICATE_CONNECTION: "Connection rejected, duplicate connection.",
    w.INVALID_PARTNER: "Connection rejected, invalid failover partner.",
    w.HBA_CONFLICT: "Hash bucket assignment conflict.",
    20: "Message digest failed to compare.",  # both from one of ours with a key, see seal.py
    21: "Missing message digest.",
}


# What we say


def connect(peer, link):
    link.writer.connect(peer.header(), *_limits(peer), peer.record.mclt, peer.hba, _hello(peer), peer.agree)


def _hello(peer):
    flags = links.clock_flags(peer.store.server)
    if endpoint.never_served(peer.record):
        flags |= links.NEVER_SERVED
    if peer.record.partner != endpoint.UNKNOWN:
        flags |= links.HAD_PARTNER
    out = bytearray(HELLO_SIZE)
    put_hello(out, flags, peer.store.identity.board, peer.store.identity.boots, peer.partner_board or _NOBODY)
    return out


def put_hello(out, flags, board, boots, remembered):
    """Fill the 24 octets of HELLO.  board, remembered: 8 octets each."""
    out[0] = _HELLO_VERSION
    out[1] = flags
    copy(out, _AT_BOARD, board, 0, 8)
    put32(out, _AT_BOOTS, boots)
    copy(out, _AT_REMEMBERED, remembered, 0, 8)
    out[22] = out[23] = 0


def _limits(peer):
    # An ISC dhcpd collects acknowledgements until it has half of what we take; updates.py has 32 on their way.
    return peer.name, min(peer.conf.max_unacked_updates, _UNACKED_MAX), peer.conf.max_response_delay, VENDOR


# What we hear


def takes(peer, link):
    """Is the CONNECT or CONNECTACK to make this connection the link?  Reference sections 2.2 and 2.3.

    If not, the partner has been told why where it is to know, and the connection is to be closed, unless there
    is nothing to it: None.
    """
    m = peer.message
    if link.state == UP:
        what = "CONNECT" if m.type == w.CONNECT else "CONNECTACK"
        peer.note("%s on a link that stands; it is closed" % what)
        return False
    if peer.primary and m.where[w.RELATIONSHIP_NAME] and m.octet(w.REJECT_REASON) >= 0:
        _rejected(peer, link)
        return None
    if not peer.primary and m.type == w.CONNECTACK:
        return None
    refusal = judge(link, m, peer.name, peer.primary, peer.link, peer.up)
    if refusal:
        _refuse(peer, link, refusal[0], refusal[1])
    return not refusal


def disconnected(peer):
    reason = peer.message.octet(w.REJECT_REASON)
    if reason > 0 and _is_news(peer, reason):
        _say(peer, "Failover DISCONNECT from %s: %s", _reason(peer))


def _rejected(peer, link):
    """Our CONNECT was rejected.  If for our clock, the reject tells the partner's: try again at once, in that."""
    m = peer.message
    if _is_news(peer, m.octet(w.REJECT_REASON)):
        _say(peer, "Failover CONNECT to %s rejected: %s", _reason(peer))
    before = peer.shift()
    peer.end(link)
    if m.octet(w.REJECT_REASON) == w.TIME_MISMATCH and not link.unsealed and 1 < m.sent_at < 0x3FFFFFFF:
        peer.twin = False
        peer.partner_clock.start(m.sent_at, peer.now, peer.up)
        if peer.shift() != before:
            peer.dial_at = peer.up


def _refuse(peer, link, reason, text):
    m = peer.message
    said = str(text, "utf-8")
    news = _is_news(peer, reason)
    if peer.primary and m.type == w.CONNECTACK:
        if news:
            _say(peer, "Failover CONNECTACK from %s: %s", said)
        link.writer.disconnect(peer.header(), reason, text)
        return
    if news:
        _say(peer, "Failover CONNECT from %s: %s", said)
        peer.store.say("failover: disconnect: " + said)
    if reason != w.DUPLICATE_CONNECTION or link.twin:  # ISC never sends this one, and would log an error
        _reject_connect(peer, link, reason, text)


def _reject_connect(peer, link, reason, text):
    """As ISC does: under the partner's name, and without limits, if that is not ours (reference section 2.2)."""
    m = peer.message
    name, unacked, timer, vendor = _limits(peer)
    at, n = m.where[w.RELATIONSHIP_NAME], m.size[w.RELATIONSHIP_NAME]
    if at and bytes(m.buf[at : at + n]) != name:
        name, unacked, timer = bytes(m.buf[at : at + min(n, 255)]), -1, -1
    link.writer.connectack_reject(peer.header(), m.buf, m.at + w.XID, name, unacked, timer, vendor, reason, text)


def judge(link, message, name, primary, standing, up):
    """May this CONNECT (to a secondary) or CONNECTACK (to a primary) be accepted?  None, or (reason, text).

    name      the relationship's, octets
    standing  the Link that is up, or None
    """
    if link.unsealed:
        return link.unsealed, link.seal.why(link.unsealed)
    at = message.where[w.RELATIONSHIP_NAME]
    n = message.size[w.RELATIONSHIP_NAME]
    if not at:
        return w.INVALID_PARTNER, b"missing relationship-name"
    if n != len(name) or not equal(message.buf, at, name, 0, n):
        return w.INVALID_PARTNER, _wrong_name(message, primary)
    if message.type == w.CONNECT and primary:
        return w.INVALID_PARTNER, b"both servers are primary"
    _read_hello(link, message)
    taken = standing is not None and not (link.twin and _supersedes(link, standing, primary, up))
    if primary and taken:
        return w.DUPLICATE_CONNECTION, b"already connected"
    if not link.twin and not 1 < message.sent_at < 0x3FFFFFFF:
        return w.TIME_MISMATCH, b"time offset too large"
    if primary:
        return None
    if message.size[w.HASH_BUCKET_ASSIGNMENT] != 32:
        return w.HBA_CONFLICT, b"invalid HBA"
    if taken:
        return w.DUPLICATE_CONNECTION, b"already connected"
    if not message.where[w.MCLT]:
        return w.INVALID_MCLT, b"no MCLT provided"
    if not 1 <= message.number(w.MCLT) <= _MCLT_MAX:
        return w.INVALID_MCLT, b"MCLT out of range"
    return None


def _wrong_name(message, primary):
    if not primary:
        return b"unknown failover relationship name"
    at = message.where[w.RELATIONSHIP_NAME]
    n = min(message.size[w.RELATIONSHIP_NAME], 255)
    name = bytes(message.buf[at : at + n])
    return b"remote failover relationship name %s does not match" % (name if _is_ascii(name) else b"?")


def _supersedes(link, standing, primary, up):
    """Is the link that is up dead, because one of our boards would not say this otherwise?

    It accepts one connection at a time; and one that has restarted has lost all.  But a CONNECT
    can be repeated by somebody who has recorded it: it does not end a link on which the partner is heard.
    """
    if standing is link or not standing.twin:
        return False
    return primary or (standing.is_quiet(up) and (link.boots != standing.boots or link.board != standing.board))


def _read_hello(link, message):
    at = message.where[w.OWN + w.HELLO]
    buf = message.buf
    link.twin = at > 0 and message.size[w.OWN + w.HELLO] >= HELLO_SIZE and buf[at] == _HELLO_VERSION
    if link.twin:
        link.flags = buf[at + 1]
        copy(link.board, 0, buf, at + _AT_BOARD, 8)
        copy(link.remembers, 0, buf, at + _AT_REMEMBERED, 8)
        link.boots = get32(buf, at + _AT_BOOTS) if buf[at + _AT_BOOTS] < 0x40 else 0


# The link


def link_up(peer, link):
    m = peer.message
    link.adopt(m, peer.conf.max_response_delay, peer.up)
    peer.twin = link.twin
    peer.partner_clock.start(m.sent_at, peer.now, peer.up)
    _tell_skew(peer)
    peer.dials = 0
    peer.updates.isc_since = -1 if link.twin else peer.now
    peer.updates.window = min(link.max_unacked, _WINDOW_TWIN) if link.twin else link.max_unacked
    _compare(peer, link)
    _meet(peer, link)
    if not peer.primary:
        _adopt_primarys(peer, link)
    peer.link = link
    peer.linked = True


def _adopt_primarys(peer, link):
    """The primary's MCLT and hash buckets are ours too; and it hears our consent."""
    m = peer.message
    at = m.where[w.HASH_BUCKET_ASSIGNMENT]
    peer.hba = bytes(m.buf[at : at + 32])
    if m.number(w.MCLT) != peer.record.mclt:
        _record(peer, endpoint.altered(peer.record, mclt=m.number(w.MCLT)))
    name, unacked, timer, vendor = _limits(peer)
    asked = m.where[w.TLS_REQUEST] > 0
    hello = _hello(peer) if link.twin else b""
    agree = peer.agree if link.twin else b""
    link.writer.connectack(peer.header(), m.buf, m.at + w.XID, name, unacked, timer, vendor, asked, hello, agree)


def _record(peer, record):
    peer.record = record
    memory.keep(peer, record)


def _compare(peer, link):
    """What the two configurations do not agree on, in words."""
    m = peer.message
    at, n = m.where[w.OWN + w.AGREE], m.size[w.OWN + w.AGREE]
    found = ()
    if link.twin and at and peer.agree and bytes(m.buf[at : at + n]) != peer.agree:
        from .differences import differences

        found = tuple(differences(peer.agree, bytes(m.buf[at : at + n]), peer.conf.name))
    if found != peer.differences:
        for text in found:
            peer.note(text)
    peer.differences = found


def _meet(peer, link):
    """Who is there: the board that we know, another, or an ISC dhcpd."""
    record = peer.record
    known = record.partner != endpoint.UNKNOWN
    new = endpoint.never_served(record)
    # Beside a board a new one need not: the partner has it hold what is in doubt.  A dhcpd does not know of HELD.
    if (not known or (new and not record.served_until)) and not (new and link.twin):
        # Whom we replace may have served until now, however long ago we were made ready.
        record = endpoint.altered(record, served_until=max(record.served_until, peer.now, 1))
        _record(peer, record)
    if not link.twin:
        return
    never = link.flags & links.NEVER_SERVED
    remembered = peer.partner_board or _NOBODY
    if never and known and not endpoint.never_served(record):
        if not peer.alone:
            peer.note(
                "the partner is a new board; what the one before it may have promised stays untouched for %d s"
                % record.mclt
            )
        peer.alone = True
        peer.alone_until = peer.now + record.mclt
    elif not never and not is_zero(remembered, 0, 8) and remembered != link.board:
        peer.note("the partner is another board than before, and has served elsewhere: look at its leases")
    if peer.partner_board != link.board:
        peer.partner_board = bytes(link.board)
        memory.keep(peer, record)


# For the log


def _tell_skew(peer):
    s = peer.partner_clock.seconds
    if abs(s - peer.said_skew) < _SKEW_WORTH_A_LINE:
        return
    peer.said_skew = s
    if abs(s) < _SKEW_WORTH_A_LINE:
        peer.note("the partner's clock agrees with ours again")
        return
    how = "times that cross the link are corrected" if peer.twin else "we speak to it in its time"
    peer.note("the partner's clock is %d s %s ours: %s" % (abs(s), "ahead of" if s > 0 else "behind", how))


def _is_news(peer, reason):
    """Is this reason worth a line?  Once a minute: who is refused dials again and again."""
    if peer.up - peer.refused_at >= _REFUSAL_TENTHS:
        peer.refused_at, peer.refused = peer.up, 0
    bit = 1 << min(reason, 28)
    news = not peer.refused & bit
    peer.refused |= bit
    return news


def _say(peer, line, words):
    peer.store.say(line % (peer.conf.name, words))


def _reason(peer):
    """The reject reason of the message, in ISC dhcpd's words."""
    reason = peer.message.octet(w.REJECT_REASON)
    return _REASONS.get(reason) or "reason %d" % reason


def _is_ascii(octets):
    for octet in octets:
        if not 32 <= octet < 127:
            return False
    return True
