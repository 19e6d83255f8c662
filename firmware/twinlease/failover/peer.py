"""A failover endpoint: one relationship, this server's side of it.  Messages and ticks in; octets and rows out.  Pure.

    peer = Peer(conf, index, table, pools, store)     conf a FailoverPeer, turned the way of this board (orient.py)
    peer.start(saved, alive, now, up)
    c = peer.opened(dialled, now, up); taken = peer.received(c, data, n, at, now, up); peer.closed(c, now, up)
    peer.tick(now, up)                                every tenth of a second
    peer.writers[c], peer.closing[c]                  what to send after the next sync; to be closed after that

ARCHITECTURE.md (Failover) has all of it.  `now` is project seconds, `up` tenths of a second since boot.
What `store` is given to persist is in flash before any octet that was
written here leaves: so a state is durable before it is announced (draft section
9.2), and a binding before it is acknowledged.  Nothing a partner sends raises.

Here are connections, what time brings, and what the operator says.  A Peer is
built in layers, a file each: service.py (what DHCP clients may be given),
exchange.py (what messages on the link do, and which state follows), handshake.py
(who the partner is), this.  What ISC dhcpd logs is logged in its words.
"""

from micropython import const

from ..lease.row import USED
from . import link as links
from . import memory, states
from . import wire as w
from .handshake import NOBODY, Handshake
from .link import CLOSED, CLOSING, UP, WAITING, Link

_ROOM = const(256)  # octets that what one message makes us say may need: STATE twice, UPDREQALL, an acknowledgement

# Tenths of a second.
_DIAL_SOON = const(5)
_DIAL_LATER = const(50)
_DIALS_SOON = const(10)

_NOT_YET = (states.UNKNOWN, states.RECOVER, states.RECOVER_WAIT, states.RECOVER_DONE)


class Peer(Handshake):
    def __init__(self, conf, index, table, pools, store):
        super().__init__(conf, index, table, pools, store)
        self.links = (Link(), Link())
        self.writers = (self.links[0].writer, self.links[1].writer)
        self.closing = [False, False]
        self._dial_at = self._dials = 0
        self._second = 0
        self._started = 0  # project seconds: what is later was told by the clock of this run

    def start(self, saved, alive, now, up):
        """Take up what flash held.

        saved  octets of the record, or None
        alive  project seconds when this board was last known to be alive
        """
        self._now, self._up = now, up
        self._dial_at = up
        self._started = now
        if self.conf.key:
            self._put_seals()
        told = memory.decode(saved, self.primary)
        mclt = self.conf.mclt
        if told is None:
            served = 0 if self._never_served() else None
            self.record = states.first(self.primary, mclt, now, served)
            self._started = now - 1
        else:
            self.record, board, held_until = told
            if board != NOBODY:
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
            if getattr(self, at) > since:
                setattr(self, at, max(getattr(self, at) + step, 1))
        self.record = states.moved(self.record, since, step)
        if self._wait_until >= 0:
            self._wait_until = states.wait_until(self.record)
        self._persist(self.record)

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
            if m.octet(w.REJECT_REASON) > 0:
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
