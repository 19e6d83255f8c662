"""The TCP driver of failover: octets between each Peer and its partner; the Peers' timers.

    driver = Failover(pairs, flush, clock, board, say)      pairs of (Peer, its FailoverPeer)
    await driver.run(spawn)      for ever; spawn(coroutine) makes a task whose failure ends the server
    driver.send()                what Peers have to say, as far as connections take it; flush calls it, after its sync
    driver.stop()                an orderly stop: the partner hears that we pause

Both servers listen and both dial; of two connections one becomes the link
(reference section 1.1).  Which one, and what is said on it, the Peer decides.
Here nothing waits for a partner: what a connection does not take stays in the
Peer's Writer and is tried again with each flush, ten times a second at least.

Whoever is no partner by its address is closed at once, before anything is read.
A partner's address gets two connections; the Peer's timers end those that say nothing.

Each connection has a task that reads it, and alone closes it; whoever wants it closed
cancels that task.  Memory that is short costs a connection.  An error of the flash, which flush
raises, ends the server as it does for DHCP; so does a Peer's Unfinished.
"""

import asyncio
import gc

from micropython import const

from ..failover.evidence import CONNECTED, TURNED_AWAY
from ..overlay import load, unload
from . import tcp
from .sockets import readable, writable

_READ = const(1024)  # octets for each Peer: a dozen updates share one sync
_TICK_S = 0.1
_STUCK_S = 0.02
_PAUSE_S = 1
_REBIND_S = 90  # reference section 1.1
_DIAL_TENTHS = const(30)  # reference section 10, item 13
_CLOSING_TENTHS = const(20)  # a partner that does not read its last message does without
_COMPLAIN_TENTHS = const(600)


class Line:
    """A Peer and its connections, at most two; they share `buf`, and `holder` is who has octets left in it."""

    def __init__(self, peer, conf):
        self.peer = peer
        self.conf = conf
        self.buf = bytearray(_READ)
        self.holder = -1
        self.sockets = [None, None]
        self.tasks = [None, None]
        self.end_by = [-1, -1]  # `up` when it is closed in any case
        self.dialling = None
        self.dial_by = 0
        self.failed = 0  # errno of the last attempt to dial that is in the log


class Failover:
    """Drives the Peers: see the top of the file.  `up`: tenths of a second since the driver was made."""

    def __init__(self, pairs, flush, clock, board, say):
        self.lines = [Line(peer, conf) for peer, conf in pairs]
        self.up = 0
        self.strangers = self.starved = 0
        for line in self.lines:
            line.peer.on_link = self.look  # before the Peer loads what a link needs
        self._flush = flush
        self._clock = clock
        self._board = board
        self._say = say
        self._ticks = board.ticks_ms()
        self._ms = 0
        self._complained_at = -_COMPLAIN_TENTHS
        self._spawn = None
        self._stopping = False
        self.beats = None  # beat.py, which looks for partners, loaded while one is not linked
        self.identity = None  # this board's, which the beat tells
        self.catch_up = None  # brings `clock` up to date
        self.left = None  # left.py: the clients of a partner that is gone

    def time(self):
        """Bring `up` up to date; returns it."""
        ticks = self._board.ticks_ms()
        self._ms += self._board.ticks_diff(ticks, self._ticks)
        self._ticks = ticks
        tenths = self._ms // 100
        self._ms -= tenths * 100
        self.up += tenths
        if self.catch_up:
            self.catch_up()
        return self.up

    async def run(self, spawn):
        """Listen on each of the Peers' addresses, and let time pass."""
        self._spawn = spawn
        for own in {(line.conf.address, line.conf.port) for line in self.lines}:
            spawn(self._listen(own))
        while True:
            self.tick()
            await asyncio.sleep(_TICK_S)

    def tick(self):
        """Every tenth of a second: timers, dialling, what waits to be sent, connections that are to end."""
        up = self.time()
        for line in self.lines:
            try:
                line.peer.tick(self._clock.now, up)
                if line.dialling is None and not self._stopping and line.peer.wants_dial(up):
                    line.dial_by = up + _DIAL_TENTHS
                    line.dialling = self._spawn(self._dial(line))
            except MemoryError:
                self._out_of_memory()
                line.end_by[0] = line.end_by[1] = up
        try:
            self.look()
            if self.beats:
                self.beats.tick(self._clock.now, up)
            if self.left:
                self.left.tick()
            self._flush()
        except MemoryError:
            self._out_of_memory()  # rows and messages wait for the next flush
        for line in self.lines:
            self._end(line, up)

    def look(self):
        """See to it that partners that are not linked are looked for, and that this takes no memory when all are."""
        wanted = False
        for line in self.lines:
            wanted = wanted or (line.peer.alone_s is not None and not line.peer.linked)
        if wanted and self.beats is None:
            peers = [line.peer for line in self.lines if line.peer.alone_s is not None]
            self.beats = load("net.beat").begin(peers, self._board.interfaces, self.identity, self._say)
        elif self.beats and not wanted:
            self.beats.close()
            self.beats = None
            unload("net.beat", "failover.beat", "failover.evidence")

    def _end(self, line, up):
        """Cancel what is to be closed, or has dialled for too long."""
        if line.dialling and up >= line.dial_by:
            line.dialling.cancel()
        for c in range(2):
            if line.tasks[c] and self._is_over(line, c, up):
                line.tasks[c].cancel()

    def _is_over(self, line, c, up):
        if line.end_by[c] < 0:
            if not line.peer.closing[c]:
                return False
            line.end_by[c] = up + _CLOSING_TENTHS
        return up >= line.end_by[c] or line.peer.writers[c].end == 0

    def send(self):
        """Send what the Writers hold, as far as the sockets take it.  Everything in them is in flash by now."""
        for line in self.lines:
            for c in range(2):
                writer = line.peer.writers[c]
                if writer.end and line.sockets[c]:
                    n = tcp.write(line.sockets[c], writer.buf, writer.end)
                    if n == tcp.GONE:  # the reader is about to hear of it; it does not count on that
                        n = writer.end
                        line.end_by[c] = self.up
                    writer.sent(n)

    def stop(self):
        """Say that we pause, and close: an orderly stop, after the last client was answered."""
        self._stopping = True
        up = self.time()
        for line in self.lines:
            line.peer.stopping(self._clock.now, up)
        self._flush()
        for line in self.lines:
            for task in line.tasks + [line.dialling]:
                if task:
                    task.cancel()

    # Connections come about.

    async def _listen(self, own):
        octets, port = own
        name = "TCP port %d of %d.%d.%d.%d" % (port, octets[0], octets[1], octets[2], octets[3])
        while True:
            try:
                sock = tcp.listener(octets, port)
            except OSError as e:
                self._say(_cannot_listen(name, e.errno))
                await asyncio.sleep(_REBIND_S)
                continue
            self._say("Listening for failover on %s" % name)
            try:
                await self._accept(sock, own)
            finally:
                sock.close()

    async def _accept(self, sock, own):
        while True:
            await readable(sock)
            connection = None
            try:
                connection, who = tcp.accept(sock)
                line = self._line(own, who)
                if line:
                    self._spawn(self._carry(line, connection, False))
                else:
                    connection.close()
                    self._complain(who)
                continue
            except OSError:
                pass  # gone before it was accepted, or no room for another socket
            except MemoryError:
                self._out_of_memory()
                if connection:
                    connection.close()
            await asyncio.sleep(_PAUSE_S)

    def _line(self, own, who):
        for line in self.lines:
            if line.conf.peer_address == who and (line.conf.address, line.conf.port) == own and not all(line.sockets):
                return line
        return None

    def _complain(self, who):
        """One line a minute: whoever can connect must not fill the log."""
        self.strangers += 1
        up = self.time()
        if up - self._complained_at >= _COMPLAIN_TENTHS:
            self._complained_at = up
            self._say(
                "failover: closed a connection from %d.%d.%d.%d: not a peer address, or connected twice (%d so far)"
                % (who[0], who[1], who[2], who[3], self.strangers)
            )

    async def _dial(self, line):
        sock = None
        try:
            sock = tcp.dial(line.conf.address, line.conf.peer_address, line.conf.peer_port)
            await writable(sock)
            why = tcp.failed(sock)
        except OSError as e:
            why = e.errno
        except MemoryError:
            self._out_of_memory()
            why = -1
        except asyncio.CancelledError:
            why = -1
        line.dialling = None
        if not why and not self._stopping:
            line.failed = 0
            await self._carry(line, sock, True)
            return
        if sock:
            sock.close()
        line.peer.dial_failed(self.time())
        if why == tcp.ECONNREFUSED:
            self._sign(line, TURNED_AWAY)
        if line.failed != why:
            line.failed = why
            self._say("failover peer %s: no connection to the partner (%s)" % (line.conf.name, _in_words(why)))

    # A connection's life.

    async def _carry(self, line, sock, dialled):
        """From its first octet to its end."""
        peer = line.peer
        c = self._open(peer, dialled)
        if c < 0:
            sock.close()
            return
        line.sockets[c] = sock
        line.tasks[c] = asyncio.current_task()
        line.end_by[c] = -1
        try:
            self._sign(line, CONNECTED)
            self._flush()
            await self._read(line, c, sock)
        except asyncio.CancelledError:
            pass  # as somebody wished
        except MemoryError:
            self._out_of_memory()
        line.sockets[c] = line.tasks[c] = None
        if line.holder == c:
            line.holder = -1
        sock.close()
        try:
            peer.closed(c, self._clock.now, self.time())
            self._flush()
        except MemoryError:
            self._out_of_memory()  # what is not flushed waits for the next flush
            peer.closed(c, self._clock.now, self.up)

    def _open(self, peer, dialled):
        """The number that the Peer gives the connection; -1 if it wants none, or there is no memory for it."""
        try:
            up = self.time()
            return peer.opened(dialled, self._clock.now, up)
        except MemoryError:
            self._out_of_memory()
            return -1

    def _sign(self, line, what):
        """The partner's host lives: see failover/evidence.py."""
        if line.peer.evidence:
            line.peer.evidence.sign(what, self.up)

    async def _read(self, line, c, sock):
        """Hand in what arrives, until nothing can any more, or the Peer wants no more."""
        closing = line.peer.closing
        while not closing[c]:
            await readable(sock)
            while line.holder >= 0:
                await asyncio.sleep(_STUCK_S)
            n = tcp.read(sock, line.buf)
            if n == tcp.GONE:
                return
            await self._hand_in(line, c, n)
        while line.peer.writers[c].end:
            await asyncio.sleep(_STUCK_S)
            self._flush()

    async def _hand_in(self, line, c, n):
        """Octets to the Peer; what it does goes to flash and then out, and makes room for more."""
        peer, at = line.peer, 0
        line.holder = c
        while at < n and not peer.closing[c]:
            up = self.time()
            taken = peer.received(c, line.buf, n, at, self._clock.now, up)
            self._flush()
            at += taken
            if not taken:
                await asyncio.sleep(_STUCK_S)
        line.holder = -1

    def _out_of_memory(self):
        if self.left:
            self.left.forget()
        gc.collect()
        self.starved += 1
        if self.starved == 1:
            self._say("Out of memory: a failover connection is closed; show memory tells more")


def _cannot_listen(name, number):
    if number == tcp.IN_USE:
        advice = "another program has it: stop that (ss -tlpn shows it)"
    elif number == tcp.NOT_PERMITTED:
        advice = "it needs root, or CAP_NET_BIND_SERVICE"
    else:
        advice = "is it this board's address? Write its own as `address` or `peer address` (%s)" % _in_words(number)
    return "Cannot listen for failover on %s: %s. Next attempt in %d s" % (name, advice, _REBIND_S)


def _in_words(number):
    return "no answer" if number < 0 else "refused" if number == tcp.ECONNREFUSED else "errno %d" % number
