"""CONNECT and CONNECTACK: who the partner is, whether we speak with it, and by which clock.  A layer of a Peer.  Pure.

The checks are link.py's; here is what follows from them.

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

from . import link as links
from . import states
from . import wire as w
from .exchange import NOBODY, Exchange
from .link import HELLO_SIZE, UP, VENDOR, put_hello

_SKEW_WORTH_A_LINE = const(5)
_UNACKED_MAX = const(32)
_WINDOW_TWIN = const(24)  # what two small TCP windows carry, so that neither side waits for the other to read

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


class Handshake(Exchange):
    def __init__(self, conf, index, table, pools, store):
        super().__init__(conf, index, table, pools, store)
        self.name = conf.name.encode()
        self.agree = b""  # our octets of AGREE (agree.py); set before start
        self.differences = ()
        self.partner_time = -1  # project seconds that a partner with a trusted clock has just told
        self._hello = bytearray(HELLO_SIZE)
        self._said_skew = 0

    def _say_hello(self):
        flags = links.NEVER_SERVED if states.never_served(self.record) else 0
        if self.store.server.trusted_time:
            flags |= links.CLOCK_TRUSTED
        if self.record.partner != states.UNKNOWN:
            flags |= links.HAD_PARTNER
        identity = self.store.identity
        put_hello(self._hello, flags, identity.board, identity.boots, self.partner_board or NOBODY)
        return self._hello

    def _limits(self):
        # An ISC dhcpd collects acknowledgements until it has half of what we take; updates.py has 32 on their way.
        return self.name, min(self.conf.max_unacked_updates, _UNACKED_MAX), self.conf.max_response_delay, VENDOR

    def _connect(self, link):
        link.writer.connect(self._header(), *self._limits(), self.record.mclt, self.hba, self._say_hello(), self.agree)

    def _connected(self, link):
        """CONNECT or CONNECTACK has come: it makes the link, or is refused (reference sections 2.2 and 2.3)."""
        m = self._message
        if link.state == UP:
            self._note("%s on a link that stands; it is closed" % w.MESSAGE_NAMES[m.type])
            self._end(link)
            return
        rejected = self.primary and m.where[w.RELATIONSHIP_NAME] and m.octet(w.REJECT_REASON) >= 0
        if rejected:
            self._rejected(link)
            return
        if not self.primary and m.type == w.CONNECTACK:
            return
        refusal = link.judge(m, self.name, self.primary, self.link, self._up)
        if refusal:
            self._refuse(link, refusal[0], refusal[1])
            return
        if self.link is not None:
            self._end(self.link)
        self._link_up(link)

    def _rejected(self, link):
        """Our CONNECT was rejected.  If for our clock, the reject tells the partner's: try again at once, in that."""
        m = self._message
        self._say("Failover CONNECT to %s rejected: %s", self._reason())
        before = self._shift()
        self._end(link)
        if m.octet(w.REJECT_REASON) == w.TIME_MISMATCH and not link.unsealed and 1 < m.sent_at < 0x3FFFFFFF:
            self.twin = False
            self._skew.start(m.sent_at, self._now, self._up)
            if self._shift() != before:
                self._dial_at = self._up

    def _refuse(self, link, reason, text):
        m, out = self._message, link.writer
        said = str(text, "utf-8") if _is_ascii(text) else "a name that cannot be shown"
        if self.primary and m.type == w.CONNECTACK:
            self._say("Failover CONNECTACK from %s: %s", said)
            out.disconnect(self._header(), reason, text)
        else:
            self._say("Failover CONNECT from %s: %s", said)
            self.store.say("failover: disconnect: " + said)
            if reason != w.DUPLICATE_CONNECTION or link.twin:  # ISC never sends this one, and would log an error
                self._reject_connect(link, reason, text)
        self._end(link)

    def _reject_connect(self, link, reason, text):
        """As ISC does: under the partner's name, and without limits, if that is not ours (reference section 2.2)."""
        m = self._message
        name, unacked, timer, vendor = self._limits()
        at, n = m.where[w.RELATIONSHIP_NAME], m.size[w.RELATIONSHIP_NAME]
        if at and bytes(m.buf[at : at + n]) != name:
            name, unacked, timer = bytes(m.buf[at : at + min(n, 255)]), -1, -1
        link.writer.connectack_reject(self._header(), m.buf, m.at + w.XID, name, unacked, timer, vendor, reason, text)

    def _link_up(self, link):
        m = self._message
        link.adopt(m, self.conf.max_response_delay, self._up)
        self.twin = link.twin
        self._skew.start(m.sent_at, self._now, self._up)
        self._tell_skew()
        self._dials = 0
        self.updates.window = min(link.max_unacked, _WINDOW_TWIN) if link.twin else link.max_unacked
        self._compare(link)
        self._meet(link)
        if not self.primary:
            self._adopt_primarys(link)
        self.link = link
        self.linked = True
        self._step(states.CONNECTED, 0)

    def _adopt_primarys(self, link):
        """The primary's MCLT and hash buckets are ours too; and it hears our consent."""
        m = self._message
        at = m.where[w.HASH_BUCKET_ASSIGNMENT]
        self.hba = bytes(m.buf[at : at + 32])
        if m.number(w.MCLT) != self.record.mclt:
            self.record = states.with_mclt(self.record, m.number(w.MCLT))
            self._persist(self.record)
        name, unacked, timer, vendor = self._limits()
        asked = m.where[w.TLS_REQUEST] > 0
        hello = self._say_hello() if link.twin else b""
        agree = self.agree if link.twin else b""
        link.writer.connectack(self._header(), m.buf, m.at + w.XID, name, unacked, timer, vendor, asked, hello, agree)

    def _compare(self, link):
        """What the two configurations do not agree on, in words."""
        m = self._message
        at, n = m.where[w.OWN + w.AGREE], m.size[w.OWN + w.AGREE]
        found = ()
        if link.twin and at and self.agree:
            from .agree import differences

            found = tuple(differences(self.agree, bytes(m.buf[at : at + n]), self.conf.name))
        if found != self.differences:
            for text in found:
                self._note(text)
        self.differences = found

    def _meet(self, link):
        """Who is there: the board that we know, another, or an ISC dhcpd."""
        if not link.twin:
            if states.never_served(self.record):
                # An ISC partner does not know of HELD, so the draft's wait stands, from when we began.
                self.record = states.may_have_served(self.record)
                self._persist(self.record)
            return
        known, never = self.record.partner != states.UNKNOWN, link.flags & links.NEVER_SERVED
        if never and known and not states.never_served(self.record):
            if not self._alone:
                self._note(
                    "the partner is a new board; what the one before it may have promised stays untouched for %d s"
                    % self.record.mclt
                )
            self._alone = True
            self._alone_until = self._now + self.record.mclt
        elif not never and link.is_new_board(self.partner_board or NOBODY):
            self._note("the partner is another board than before, and has served elsewhere: look at its leases")
        if self.partner_board != link.board:
            self.partner_board = bytes(link.board)
            self._persist(self.record)

    def _hear(self, link):
        """Of every message on the link: what the partner's clock says."""
        m = self._message
        if link.fresh:
            link.fresh = False
            self._skew.start(m.sent_at, self._now, self._up)
        else:
            self._skew.hear(m.sent_at, self._now, self._up, link.twin)
        self.partner_time = m.sent_at if not link.twin or link.flags & links.CLOCK_TRUSTED else -1

    def _tell_skew(self):
        s = self._skew.seconds
        if abs(s - self._said_skew) < _SKEW_WORTH_A_LINE:
            return
        self._said_skew = s
        if abs(s) < _SKEW_WORTH_A_LINE:
            self._note("the partner's clock agrees with ours again")
            return
        how = "times that cross the link are corrected" if self.twin else "we speak to it in its time"
        self._note("the partner's clock is %d s %s ours: %s" % (abs(s), "ahead of" if s > 0 else "behind", how))

    # For the log

    def _say(self, line, words):
        self.store.say(line % (self.conf.name, words))

    def _reason(self):
        """The reject reason of the message, in ISC dhcpd's words."""
        reason = self._message.octet(w.REJECT_REASON)
        return _REASONS.get(reason) or "reason %d" % reason


def _is_ascii(octets):
    for octet in octets:
        if not 32 <= octet < 127:
            return False
    return True
