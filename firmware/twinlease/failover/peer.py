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
MemoryError costs the caller the connection; Unfinished (exchange.py) ends the server.

Here are connections, what time brings, and what the operator says.  A Peer is
built in layers, a file each: service.py (what DHCP clients may be given),
exchange.py (what messages on the link do, and which state follows), this.  What is needed
seldom is loaded for the occasion (overlay.py): states.py, actions.py, handshake.py, resync.py, rebalance.py,
occasions.py, memory.py, words.py.  What ISC dhcpd logs is logged in its words.
"""

from micropython import const

from ..overlay import load, run, unload
from . import endpoint
from . import link as links
from . import wire as w
from .exchange import Exchange
from .link import CLOSED, CLOSING, UP, WAITING, Link

_ROOM = const(256)  # octets that what one message makes us say may need: STATE twice, UPDREQALL, an acknowledgement

# Tenths of a second.
_DIAL_SOON = const(5)
_DIAL_LATER = const(50)
_DIALS_SOON = const(10)

_HANDSHAKE = "failover.handshake"
_NOT_YET = (endpoint.UNKNOWN, endpoint.RECOVER, endpoint.RECOVER_WAIT, endpoint.RECOVER_DONE)


class Peer(Exchange):
    def __init__(self, conf, index, table, pools, store):
        super().__init__(conf, index, table, pools, store)
        self.name = conf.name.encode()
        self.agree = b""  # our octets of AGREE (agree.py); set before start
        self.partner_time = -1  # project seconds that a partner with a trusted clock has just told
        self.partner_owns = False  # that is not our own word
        self.said_skew = 0
        self.refused = self.refused_at = 0  # a bit for each reason that is in the log; `up` of the first
        if conf.key:
            from . import seal  # noqa: F401  it stays loaded, because Seals do
        self.links = (Link(), Link())
        self.links[0].make_buffers()  # the other gets some while there are two
        self.writers = (self.links[0].writer, self.links[1].writer)
        self.closing = [False, False]
        self.on_link = None  # called when there is one
        self.discipline = None  # called when something was heard: our clock may follow the partner's
        self.dial_at = self.dials = 0
        self._second = 0

    def start(self, saved, alive, now, up):
        """Take up what flash held.

        saved  octets of the record, or None
        alive  project seconds when this board was last known to be alive

        Raises MemoryError: the board is too small, and to start again would not help.
        """
        run("failover.occasions", "begin", self, saved, now, up)
        self._step(endpoint.START, alive)

    # What is to be told, to whom it concerns

    @property
    def skew(self):
        return self.partner_clock.seconds if self.partner_clock.known else None

    @property
    def unacked(self):
        return self.updates.out

    def due(self):
        return self.updates.due

    def clock_moved(self, step):
        """Our own clock was set: `now` counts `step` seconds later from now on."""
        run("failover.occasions", "clock_moved", self, step)

    def says(self, event, now, up):
        """The operator: endpoint.SAYS_PARTNER_DOWN, SAYS_PAUSE or SAYS_RESUME.  None, or why nothing came of it."""
        self.now, self.up = now, up
        was = self.record.state
        self.step(event, 0)
        return run("failover.words", "nothing_changes", self.conf.name, was) if self.record.state == was else None

    def resync(self, now, up):
        """Ask the partner for all that it has, and send it all that we have.  None, or why not."""
        self.now, self.up = now, up
        why_not = run("failover.resync", "begin", self)
        self._settle()
        return why_not

    def stopping(self, now, up):
        """An orderly stop: the partner hears PAUSED, and does not wait for us."""
        self.now, self.up = now, up
        self.step(endpoint.SAYS_PAUSE, 0)

    # Connections

    def wants_dial(self, up):
        """Dial now?  Soon after a failure at first, later as often as ISC dhcpd does."""
        if self.linked or up < self.dial_at:
            return False
        free = 0
        for link in self.links:
            if link.state == CLOSED:
                free += 1
            elif link.state != WAITING or not link.is_stuck(up):
                return False
        return free > 0

    def dial_failed(self, up):
        self.dial_at = up + (_DIAL_SOON if self.dials < _DIALS_SOON else _DIAL_LATER)
        self.dials += 1

    def opened(self, dialled, now, up):
        """A TCP connection with the partner's address stands: its number, or -1 if it is one too many.

        After a MemoryError it is closed.
        """
        self.now, self.up = now, up
        for c in range(2):
            link = self.links[c]
            if link.state == CLOSED and self._has_buffers(c):
                self._open(c, link)
                return c
        return -1

    def _open(self, c, link):
        try:
            link.open(self.up)
            self.closing[c] = False
            if self.primary:
                run(_HANDSHAKE, "connect", self, link)
        except MemoryError:
            self.closed(c, self.now, self.up)
            raise

    def _has_buffers(self, c):
        """Has the connection a Stream and a Writer to work with?  Those of the other, if that is closed."""
        link, other = self.links[c], self.links[1 - c]
        if other.state == CLOSED and other.has_buffers() and not link.has_buffers():
            link.stream.buf, link.writer.buf = other.stream.buf, other.writer.buf
            other.drop_buffers()
        try:
            link.make_buffers()
        except MemoryError:
            return False
        return True

    def closed(self, c, now, up):
        """The connection is gone."""
        self.now, self.up = now, up
        link = self.links[c]
        if link is self.link:
            self._lose()
        elif link.state == WAITING:
            self.dial_failed(up)
        link.state = CLOSED
        link.writer.clear()
        self.closing[c] = False
        if self.links[1 - c].has_buffers():
            link.drop_buffers()
            self.message.buf = b""

    def received(self, c, data, n, at, now, up):
        """Take octets of data[at:n]; returns how many.

        Fewer than all if flash or the Writer has no room for what the next message
        may lead to: flush, and go on.
        """
        self.now, self.up = now, up
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
        if self.discipline:
            self.discipline(self)  # before updates are written: they would promise by a clock that is not ours any more
        self._settle()
        return at - start

    def _has_room(self, link):
        return len(link.writer.buf) - link.writer.end >= _ROOM

    def _read(self, link):
        m = self.message
        reason = link.read(m, self.up)
        if reason == w.IGNORED:
            return
        if reason:
            self._break(link, reason)
        elif m.type == w.CONNECT or m.type == w.CONNECTACK:
            self._connected(link)
        elif m.type == w.DISCONNECT:
            run(_HANDSHAKE, "disconnected", self)
            self.end(link)
        elif link is self.link:
            self._hear(link)
            self._obey(link)
        # Before CONNECT nothing is obeyed.

    def _connected(self, link):
        takes = run(_HANDSHAKE, "takes", self, link)
        if takes:
            if self.link is not None:
                self.end(self.link)
            run(_HANDSHAKE, "link_up", self, link)
            if self.on_link:
                self.on_link()
            self.updates.bindings = load("failover.bindings")
            self.step(endpoint.CONNECTED, 0)
        elif takes is not None:
            self.end(link)

    def _hear(self, link):
        """Of every message on the link: what the partner's clock says."""
        m = self.message
        if link.fresh:
            link.fresh = False
            self.partner_clock.start(m.sent_at, self.now, self.up)
        else:
            self.partner_clock.hear(m.sent_at, self.now, self.up, link.twin)
        at = m.where[w.OWN + w.CLOCK]
        if at:
            link.flags = link.flags & ~links.CLOCK_FLAGS | m.buf[at] & links.CLOCK_FLAGS
        self.partner_time = m.sent_at if not link.twin or link.flags & links.CLOCK_TRUSTED else -1
        self.partner_owns = not link.twin or link.flags & links.CLOCK_OWN > 0

    def _break(self, link, reason):
        self.note(run("failover.words", "broken", reason))
        link.writer.clear()
        self.end(link)

    def end(self, link):
        """Close the connection as soon as what it still has to say has left."""
        if link is self.link:
            self._lose()
        link.state = CLOSING
        self.closing[self.links.index(link)] = True
        self.dial_failed(self.up)

    def _lose(self):
        """The link is gone, whatever becomes of its connection.  Nobody will say so again."""
        try:
            self._unlink()
        except MemoryError:
            self.tear()
        self.step(endpoint.LINK_LOST, 0)

    def _unlink(self):
        refused = self.link.fresh  # it has said no word after CONNECT
        self.link = None
        self.linked = self.quiet = False
        self.updates.bindings = None
        unload("failover.bindings")
        self.updates.window = 0
        self.asked_xid = self.nag_at = self.partner_time = -1
        self.dials = 0
        self.dial_at = self.up
        if not refused:
            self.store.say("peer %s: disconnected" % self.conf.name)

    # What time brings

    def tick(self, now, up):
        """Every tenth of a second."""
        if self.torn:
            self.tear()
        self.now, self.up = now, up
        for link in self.links:
            if link.state == WAITING or link.state == UP:
                self._watch_link(link)
        self._timers()
        if self.link:
            quiet = self.link.is_quiet(up)
            if quiet != self.quiet:
                self.quiet = quiet
                self.refresh()
            self._watch()
            self.updates.tick(now, up)
            if up - self._second >= 10:
                self._second = up
                self._plan_balance()
        elif self.takes_over:
            self._free_ended(now)
        self._settle()

    def _watch_link(self, link):
        what = link.timer(self.up)
        clock = links.clock_flags(self.store.server) if link.twin and link is self.link else -1
        news = clock != link.clock_told >= 0  # under load no CONTACT is due for long
        link.clock_told = clock
        if what == links.SPEAK or (news and not what):
            link.writer.bare(w.CONTACT, self.header(), clock)
            link.writer.wrote = False  # timer() has counted it
        elif what == links.SILENT:
            self.store.say("timeout waiting for failover peer %s" % self.conf.name)
            link.writer.clear()
            self.end(link)
        elif what == links.NEVER_CONNECTED:
            self.store.say("failover: link startup timeout")
            link.writer.clear()
            self.end(link)

    def _timers(self):
        now, up = self.now, self.up
        if 0 <= self.startup_at <= up:
            self.startup_at = -1
            self.step(endpoint.STARTUP_TIMEOUT, 0)
        if 0 <= self.auto_at <= up:
            self.auto_at = -1
            self.step(endpoint.AUTO_PARTNER_DOWN, 0)
        if 0 <= self.wait_until <= now:
            self.wait_until = -1
            self.step(endpoint.WAIT_OVER, 0)
        if self.alone and self.record.partner in _NOT_YET:
            self.alone_until = now + self.record.mclt  # it counts from when it has learned our table
        if self.alone and now >= self.alone_until:
            self.alone = False
            self.refresh()
        if self.held_until and now >= self.held_until and self._release_held():
            self.held_until = 0
            self.persist(self.record)

    def _settle(self):
        """Before the flush: updates that there is room for.  A link that had no room for what matters begins anew."""
        self.send(self.now)
        if self.broken:
            self.broken = False
            if self.link:
                self.note("no room for what is to be said; the connection is closed")
                self.link.writer.clear()
                self.end(self.link)
