"""The driver of the node: datagrams in; then persist, sync, send, in this order and nowhere else.

Of a burst of datagrams that wait, as many as the node has room for share one
sync of the journal; a lone one is answered at once.
"""

import asyncio
import gc

from micropython import const

from .sockets import Destination, Waiting, broadcast_socket, hear_again, readable, source

_SERVER_PORT = const(67)
_RECEIVE = const(1472)  # the most that one Ethernet frame carries
_DATAGRAMS = const(32)  # of one burst: rubbish that gets no reply must not keep others waiting
_BURSTS = const(8)  # before other tasks get a turn
_PAUSE_S = 0.05  # after an error of the socket, or of memory: whatever it was must not become a busy loop
_STARVED_MAX = const(100)  # bursts in a row without memory: then a fresh start is the better service
_COMPLAINTS = const(5)  # lines a second about packets that cannot be read


class DhcpServer:
    """Serves DHCP on all links of `node`; `interfaces[i]` is the board's interface of links[i]."""

    def __init__(self, node, journal, clock, log, interfaces):
        self._node = node
        self._journal = journal
        self._clock = clock
        self._log = log
        self.tell = log.exchange  # or only what is serious
        self._interfaces = interfaces
        self._sockets = [broadcast_socket(i, _SERVER_PORT) for i in interfaces]
        self._view = memoryview(node.arena.buf)
        self._to = Destination()
        self.received = self.sent = self.unsent = self.errors = self.starved = 0
        self._starving = self._complaints = 0
        self.prober = None
        self.recorder = None
        self.catch_up = None  # brings the clock up to date, where it is compared with another server's
        self.left = None  # left.py, where pools have a failover partner
        self.after_flush = []  # called when the replies are sent: failover says what waited for the sync

    async def serve(self, index):
        """Serve link `index` until cancelled."""
        sock = self._sockets[index]
        waiting = Waiting(sock)
        bursts = 0
        while True:
            await readable(sock)
            try:
                well = self._burst(index, sock, waiting)
                self._starving = 0
            except MemoryError:
                well = False
                self._out_of_memory(sock)
            if not well:
                await asyncio.sleep(_PAUSE_S)
            bursts += 1
            if bursts == _BURSTS:
                bursts = 0
                await asyncio.sleep(0)

    def _burst(self, index, sock, waiting):
        """Hand in what waits, then carry out what the node decided.  False if the socket reported an error."""
        node = self._node
        well = True
        if self.catch_up:
            self.catch_up()
        for _ in range(_DATAGRAMS):
            try:
                packet, sender = sock.recvfrom(_RECEIVE)
            except OSError:  # a datagram with a wrong checksum, or a link that went down
                self.errors += 1
                well = False
                break
            self.received += 1
            if not packet:
                hear_again(sock, _SERVER_PORT)
            reason = self.hand_in(packet, index)
            if reason:
                self._complain(node.links[index], reason, sender)
            if not node.has_room() or not waiting():
                break
        self.flush()
        if node.n_unprobed and self.prober:
            self.prober.ask()
        return well

    def hand_in(self, packet, index):
        """Let the node handle a datagram that came in on link `index`.  Returns 0, or why it cannot be read."""
        node = self._node
        reason = node.on_dhcp(packet, len(packet), index, self._clock.now)
        if not reason:
            self.tell(node, node.links[index])
            if self.left and not node.server.reply:
                self.left.look(packet, index)
        if self.recorder:
            self.recorder.exchange(packet, index, reason)
        return reason

    def _complain(self, link, reason, sender):
        self._complaints += 1
        if self._complaints <= _COMPLAINTS:
            self._log.malformed(link, reason, source(sender))

    def tick(self):
        """Once a second: carry out what ticks decided, and sum up what was not worth a line each."""
        if self._complaints > _COMPLAINTS:
            self._log.say("Dropped %d more packets that cannot be read" % (self._complaints - _COMPLAINTS))
        self._complaints = 0
        self.flush()

    def _out_of_memory(self, sock):
        """It costs the clients of this burst a retransmission, and nobody his lease.

        The datagram that found no room still waits, and would again: it is taken out.
        """
        self._node.drop_replies()
        self._node.server.client.release()
        if self.left:
            self.left.forget()
        if self.recorder:
            self.recorder.capture = None
        gc.collect()
        self.starved += 1
        self._starving += 1
        if self._starving == 1:
            self._log.say("Out of memory: requests get no reply; show memory tells more")
            self._log.flush()
        if self._starving > _STARVED_MAX:
            raise MemoryError("no memory for requests any more")
        try:
            if not sock.recv(1):
                hear_again(sock, _SERVER_PORT)
        except OSError:
            pass  # it was not the datagram

    def flush(self):
        """Carry out what the node has decided.  Raises OSError if the flash fails: then nothing has been sent."""
        # Its parts are functions of their own, or the frame would be borrowed from the heap: ARCHITECTURE.md, Frames.
        node = self._node
        if node.n_rows or node.metas:
            self._persist()
        i = 0
        while i < node.sends:
            self._send(i)
            i += 1
        if node.lines:
            self._say_lines()
        node.done()
        if self.after_flush:
            self._tell_failover()
        self._log.flush()

    def _persist(self):
        node = self._node
        i = 0
        while i < node.n_rows:
            self._journal.put_row(node.rows[i])
            i += 1
        if node.metas:
            self._persist_metas()
        self._journal.sync()

    def _persist_metas(self):
        for key, octets in self._node.metas:
            self._journal.put_meta(key, octets)

    def _say_lines(self):
        for line in self._node.lines:
            self._log.say(line)

    def _tell_failover(self):
        for send in self.after_flush:
            send()

    def _send(self, i):
        node = self._node
        at = node.send_at[i]
        to = self._to.to(node.send_to, 4 * i, node.send_port[i])
        try:
            self._sockets[node.send_link[i]].sendto(self._view[at : at + node.send_size[i]], to)
            self.sent += 1
        except OSError as e:
            self.unsent += 1
            self._log.say("Could not send a reply via %s: errno %s" % (node.links[node.send_link[i]].name, e.args[0]))

    def close(self):
        for sock in self._sockets:
            sock.close()
