"""DISCOVERs left to a failover partner a moment ago: if it turns out to be gone, they are answered after all.

    left = Left(peers, node, hand_in, board)    hand_in(packet, link): the driver's
    left.look(packet, link)     a packet that got no reply has just been handed to the node
    left.tick()                 ten times a second; then flush
    left.forget()               memory is short

A client asks again after four seconds (RFC 2131 section 4.1), and a partner that has died is found out
in half a second: the client need not wait for more than that.  If the partner has
answered it meanwhile, the second offer is one that it ignores.

Packets are kept as they came, a dozen at most and two seconds at most; none over 600 octets, where
RFC 2131 section 2 counts on 576: a dozen of the largest, from whoever likes, would be too much of the heap.
"""

from micropython import const

from ..dhcp.request import DISCOVER
from ..dhcp.server import LEFT_TO_PARTNER

_KEPT = const(12)
_MAX_MS = const(2000)
_MAX_OCTETS = const(600)


class Left:
    def __init__(self, peers, node, hand_in, board):
        self._peers = peers
        self._node = node
        self._hand_in = hand_in
        self._board = board
        self._packets = [None] * _KEPT
        self._links = bytearray(_KEPT)
        self._since = [0] * _KEPT
        self._next = 0
        self._balanced = 0

    def look(self, packet, link):
        node = self._node
        if len(packet) > _MAX_OCTETS:
            return
        if self._balanced and node.server.note == LEFT_TO_PARTNER and node.request.type == DISCOVER:
            i = self._next
            self._next = (i + 1) % _KEPT
            self._packets[i] = packet
            self._links[i] = link
            self._since[i] = self._board.ticks_ms()

    def forget(self):
        for i in range(_KEPT):
            self._packets[i] = None

    def tick(self):
        balanced = 0
        for peer in self._peers:
            balanced += peer.balances
        gone, self._balanced = balanced < self._balanced, balanced
        for i in range(_KEPT):
            packet = self._packets[i]
            if packet and gone and not self._node.has_room():
                self._balanced += 1  # the rest with the next tick
                return
            if packet and (gone or self._is_old(i)):
                self._packets[i] = None
                if not self._is_old(i):
                    self._hand_in(packet, self._links[i])

    def _is_old(self, i):
        return self._board.ticks_diff(self._board.ticks_ms(), self._since[i]) > _MAX_MS
