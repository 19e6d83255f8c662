"""The driver of the node: datagrams in; then persist, sync, send, in this order and nowhere else.

Of a burst of datagrams that wait, as many as the node has room for share one
sync of the journal; a lone one is answered at once.
"""

import asyncio
import gc

from micropython import const

from .sockets import Destination, Waiting, broadcast_socket, readable, source

_SERVER_PORT = const(67)
_RECEIVE = const(1500)
_BURSTS = const(8)  # before other tasks get a turn


class DhcpServer:
    """Serves DHCP on all links of `node`; `interfaces[i]` is the board's interface of links[i]."""

    def __init__(self, node, journal, clock, log, interfaces):
        self._node = node
        self._journal = journal
        self._clock = clock
        self._log = log
        self._interfaces = interfaces
        self._sockets = [broadcast_socket(i, _SERVER_PORT) for i in interfaces]
        self._view = memoryview(node.arena.buf)
        self._to = Destination()
        self.received = self.sent = self.unsent = self.starved = 0

    async def serve(self, index):
        """Serve link `index` until cancelled."""
        sock = self._sockets[index]
        waiting = Waiting(sock)
        bursts = 0
        while True:
            await readable(sock)
            try:
                self._burst(index, sock, waiting)
            except MemoryError:
                self._out_of_memory()
            bursts += 1
            if bursts == _BURSTS:
                bursts = 0
                await asyncio.sleep(0)

    def _burst(self, index, sock, waiting):
        node, clock, log = self._node, self._clock, self._log
        link = node.links[index]
        more = True
        while more:
            packet, sender = sock.recvfrom(_RECEIVE)
            self.received += 1
            reason = node.on_dhcp(packet, len(packet), index, clock.now)
            if reason:
                log.malformed(link, reason, source(sender))
            else:
                log.exchange(node, link)
            more = node.has_room() and waiting()
        self.flush()

    def _out_of_memory(self):
        """It costs the clients of this burst a retransmission, and nobody his lease."""
        self._node.drop_replies()
        gc.collect()
        self.starved += 1
        self._log.say("Out of memory: a burst of requests got no reply")

    def flush(self):
        """Carry out what the node has decided.  Raises OSError if the flash fails: then nothing has been sent."""
        node = self._node
        if node.n_rows:
            for i in range(node.n_rows):
                self._journal.put_row(node.rows[i])
            self._journal.sync()
        for i in range(node.sends):
            self._send(i)
        node.done()
        self._log.flush()

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
