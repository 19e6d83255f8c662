"""A failover endpoint: one relationship, this server's side of it.  Messages and ticks in; octets and rows out.  Pure.

    peer = Peer(conf, index, table, pools, store)     conf a FailoverPeer, turned the way of this board (orient.py)
    peer.start(saved, alive, now, up)
    c = peer.opened(dialled, now, up); taken = peer.received(c, data, n, at, now, up); peer.closed(c, now, up)
    peer.tick(now, up)                                every tenth of a second
    peer.writers[c], peer.closing[c]                  what to send after the next sync; to be closed after that

docs/failover-next.md has all of it.  `now` is project seconds, `up` tenths of a second since boot.
What `store` is given to persist is in flash before any octet that was
written here leaves: so a state is durable before it is announced (draft section
9.2), and a binding before it is acknowledged.  Nothing a partner sends raises.

Here is how a connection becomes the link and ends, what time brings, and what
the operator says.  A Peer is built in layers, a file each: service.py (what DHCP
clients may be given), exchange.py (what messages on the link do, and which state
follows), this.  What ISC dhcpd logs is logged in its words.

A board in the place of one that died (reference section 10, items 6 and 7, and
what we do better): it can prove that it never served in this pair, so it need not
wait in RECOVER-WAIT once it has our table.  But its predecessor may have promised
addresses of its list in its last moments, for up to MCLT, and nobody knows
which.  So it keeps its hands off that list for MCLT (HELD), and its partner answers
everybody meanwhile.
"""

from micropython import const

from ..lease.row import USED
from . import link as links
from . import memory, states
from . import wire as w
from .exchange import Exchange
from .link import CLOSED, CLOSING, HELLO_SIZE, UP, VENDOR, WAITING, Link, put_hello

_ROOM = const(256)  # octets that what one message makes us say may need: STATE twice, UPDREQALL, an acknowledgement

# Tenths of a second.
_DIAL_SOON = const(5)
_DIAL_LATER = const(50)
_DIALS_SOON = const(10)

_SKEW_WORTH_A_LINE = const(5)
_UNACKED_MAX = const(32)
_WINDOW_TWIN = const(24)  # what two small TCP windows carry, so that neither side waits for the other to read

_NOBODY = bytes(8)
_NOT_YET = (states.UNKNOWN, states.RECOVER, states.RECOVER_WAIT, states.RECOVER_DONE)

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


class Peer(Exchange):
    def __init__(self, conf, index, table, pools, store):
        super().__init__(conf, index, table, pools, store)
        self.name = conf.name.encode()
        self.agree = b""  # our octets of AGREE (agree.py); set before start
        self.differences = ()
        self.partner_time = -1  # project seconds that a partner with a trusted clock has just told
        self.links = (Link(), Link())
        self.writers = (self.links[0].writer, self.links[1].writer)
        self.closing = [False, False]
        self._hello = bytearray(HELLO_SIZE)
        self._said_skew = 0
        self._dial_at = self._dials = 0
        self._second = 0
        self._started = 0  # project seconds

    def start(self, saved, alive, now, up):
        """Take up what flash held.

        saved  octets of the record, or None
        alive  project seconds when this board was last known to be alive
        """
        self._now, self._up = now, up
        self._dial_at = up
        if self.conf.key:
            self._put_seals()
        told = memory.decode(saved, self.primary)
        mclt = self.conf.mclt
        if told is None:
            served = 0 if self._never_served() else None
            self.record = states.first(self.primary, mclt, now, served)
        else:
            self.record, board, held_until = told
            if board != _NOBODY:
                self.partner_board = board
            if self.primary:
                self.record = states.with_mclt(self.record, mclt)
            if held_until > now:
                self._hold(held_until)
        self._persist(self.record)
        self._step(states.START, alive)

    def _put_seals(self):
        from .seal import Seal

        identity = self.store.identity
        salt = identity.board + identity.boots.to_bytes(4, "big") + bytes((self.index,))
        for c in range(2):
            self.links[c].put_seal(Seal(self.conf.key, self.name, self.primary, salt + bytes((c,))))

    def _never_served(self):
        """Can this board prove that it never answered a client?  Its flash is as it came, and so is the table."""
        return self.store.identity.boots == 1 and self.table.next_flagged(0, USED) < 0

    # What is to be told, to whom it concerns

    @property
    def skew(self):
        return self._skew.seconds if self._skew.known else None

    @property
    def unacked(self):
        return self.updates.out

    def due(self):
        return self.updates.due

    def clock_moved(self, step):
        """Our own clock was set: `now` counts `step` seconds later from now on.

        Times of this run move along.  Those of before it were told by a clock that was right, or are
        older than that: they stay, and what counts from them ends no earlier than it should.
        """
        self._skew.moved(step)
        since = self._started
        self._now += step
        self._started += step
        for at in ("_alone_until", "_balance_at", "_balanced_at", "held_until"):
            if getattr(self, at) >= max(since, 1):
                setattr(self, at, max(getattr(self, at) + step, 1))
        self.record = states.moved(self.record, since, step)
        if self._wait_until >= 0:
            self._wait_until = states.wait_until(self.record)

    def says(self, event, now, up):
        """The operator: states.SAYS_PARTNER_DOWN, SAYS_PAUSE or SAYS_RESUME.  None, or why nothing came of it."""
        self._now, self._up = now, up
        was = self.record.state
        self._step(event, 0)
        if self.record.state == was:
            return "failover peer %s: in state %s that changes nothing" % (self.conf.name, states.NAMES[was])
        return None

    def resync(self, now, up):
        """Ask the partner for all that it has, and send it all that we have.  None, or why not."""
        self._now, self._up = now, up
        if not self.linked or self.record.state not in states.SERVING:
            return "failover peer %s: there is no partner to resynchronise with now" % self.conf.name
        self._ask(w.UPDREQALL)
        self.updates.put_all(False)
        self._settle()
        return None

    def stopping(self, now, up):
        """An orderly stop: the partner hears PAUSED, and does not wait for us."""
        self._now, self._up = now, up
        self._step(states.SAYS_PAUSE, 0)

    # Connections

    def wants_dial(self, up):
        """Dial now?  Soon after a failure at first, later as often as ISC dhcpd does."""
        if self.linked or up < self._dial_at:
            return False
        free = 0
        for link in self.links:
            if link.state == CLOSED:
                free += 1
            elif link.state != WAITING or not link.is_stuck(up):
                return False
        return free > 0

    def dial_failed(self, up):
        self._dial_at = up + (_DIAL_SOON if self._dials < _DIALS_SOON else _DIAL_LATER)
        self._dials += 1

    def opened(self, dialled, now, up):
        """A TCP connection with the partner's address stands: its number, or -1 if it is one too many."""
        self._now, self._up = now, up
        for c in range(2):
            link = self.links[c]
            if link.state == CLOSED:
                link.open(up)
                self.closing[c] = False
                if self.primary:
                    self._connect(link)
                return c
        return -1

    def closed(self, c, now, up):
        """The connection is gone."""
        self._now, self._up = now, up
        link = self.links[c]
        if link is self.link:
            self._lose()
        elif link.state == WAITING:
            self.dial_failed(up)
        link.state = CLOSED
        link.writer.clear()
        self.closing[c] = False

    def received(self, c, data, n, at, now, up):
        """Take octets of data[at:n]; returns how many.

        Fewer than all if flash or the Writer has no room for what the next message
        may lead to: flush, and go on.
        """
        self._now, self._up = now, up
        link = self.links[c]
        start = at
        while at < n and self.store.has_room() and self._has_room(link):
            if link.state != WAITING and link.state != UP:
                return n - start
            at += link.stream.feed(data, min(n, at + link.stream.lacks()), at)
            what = link.stream.next()
            if what == w.MESSAGE:
                self._read(link)
            elif what == w.BAD_STREAM:
                self._break(link, w.BAD_LENGTH)
        self._settle()
        return at - start

    def _has_room(self, link):
        return len(link.writer.buf) - link.writer.end >= _ROOM

    def _read(self, link):
        m = self._message
        reason = link.read(m, self._up)
        if reason == w.IGNORED:
            return
        if reason:
            self._break(link, reason)
        elif m.type == w.CONNECT or m.type == w.CONNECTACK:
            self._connected(link)
        elif m.type == w.DISCONNECT:
            self._say("Failover DISCONNECT from %s: %s", self._reason())
            self._end(link)
        elif link is self.link:
            self._hear(link)
            self._obey(link)
        # Before CONNECT nothing is obeyed.

    def _break(self, link, reason):
        self._note("%s; the connection is closed" % w.REASONS[reason])
        link.writer.clear()
        self._end(link)

    def _end(self, link):
        """Close the connection as soon as what it still has to say has left."""
        if link is self.link:
            self._lose()
        link.state = CLOSING
        self.closing[self.links.index(link)] = True
        self.dial_failed(self._up)

    def _lose(self):
        """The link is gone, whatever becomes of its connection."""
        self.link = None
        self.linked = self._quiet = False
        self.updates.window = 0
        self._asked_xid = self._nag_at = -1
        self._dials = 0
        self._dial_at = self._up
        self.store.say("peer %s: disconnected" % self.conf.name)
        self._step(states.LINK_LOST, 0)

    # CONNECT and CONNECTACK

    def _say_hello(self):
        flags = links.NEVER_SERVED if states.never_served(self.record) else 0
        if self.trusted:
            flags |= links.CLOCK_TRUSTED
        if self.record.partner != states.UNKNOWN:
            flags |= links.HAD_PARTNER
        identity = self.store.identity
        put_hello(self._hello, flags, identity.board, identity.boots, self.partner_board or _NOBODY)
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
        elif not never and link.is_new_board(self.partner_board or _NOBODY):
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

    # What time brings

    def tick(self, now, up):
        """Every tenth of a second."""
        self._now, self._up = now, up
        for link in self.links:
            if link.state == WAITING or link.state == UP:
                self._watch_link(link)
        self._timers()
        if self.link:
            quiet = self.link.is_quiet(up)
            if quiet != self._quiet:
                self._quiet = quiet
                self._refresh()
            self._watch()
            self.updates.tick(now, up)
            if up - self._second >= 10:
                self._second = up
                self._plan_balance()
        elif self.takes_over:
            self._free_ended(now)
        self._settle()

    def _watch_link(self, link):
        what = link.timer(self._up)
        if what == links.SPEAK:
            link.writer.bare(w.CONTACT, self._header())
            link.writer.wrote = False  # timer() has counted it
        elif what == links.SILENT:
            self.store.say("timeout waiting for failover peer %s" % self.conf.name)
            link.writer.clear()
            self._end(link)
        elif what == links.NEVER_CONNECTED:
            self.store.say("failover: link startup timeout")
            link.writer.clear()
            self._end(link)

    def _timers(self):
        now, up = self._now, self._up
        if 0 <= self._startup_at <= up:
            self._startup_at = -1
            self._step(states.STARTUP_TIMEOUT, 0)
        if 0 <= self._auto_at <= up:
            self._auto_at = -1
            self._step(states.AUTO_PARTNER_DOWN, 0)
        if 0 <= self._wait_until <= now:
            self._wait_until = -1
            self._step(states.WAIT_OVER, 0)
        if self._alone and self.record.partner in _NOT_YET:
            self._alone_until = now + self.record.mclt  # it counts from when it has learned our table
        if self._alone and now >= self._alone_until:
            self._alone = False
            self._refresh()
        if self.held_until and now >= self.held_until and self._release_held():
            self.held_until = 0
            self._persist(self.record)

    def _settle(self):
        """Before the flush: updates that there is room for.  A link that had no room for what matters begins anew."""
        self._send(self._now)
        if self._broken:
            self._broken = False
            if self.link:
                self._note("no room for what is to be said; the connection is closed")
                self.link.writer.clear()
                self._end(self.link)

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
