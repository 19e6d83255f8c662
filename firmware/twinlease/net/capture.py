"""The last packets, kept while somebody wants to see them: in and out, without what nobody fills in.

    capture = Capture(octets, clock, names)      octets: of memory; names: of the links
    capture.take(node, packet, link, reason)     what came in on a link, and what the node answers
    capture.found()                              (project seconds, link, 0 in or 1 out, reason, length, octets) of each
    capture.live = function                      called with each as text (decode.py), or None

Kept are the head up to chaddr, then cookie and options: `sname` and `file`, 192 octets, are left out, and of long
options the end.
"""

from micropython import const

from ..octets import copy, get16, get32, put16, put32

_HEAD = const(44)
_COOKIE = const(236)
_MOST = const(260)  # of a packet
_TOLD = const(12)  # octets before each


class Capture:
    def __init__(self, octets, clock, names):
        self.live = None
        self.names = names
        self._buf = bytearray(octets)
        self._end = 0
        self._clock = clock

    def take(self, node, packet, link, reason):
        self._put(packet, 0, len(packet), link, reason << 1)
        if not reason and node.server.reply:
            i = node.sends - 1
            self._put(node.arena.buf, node.send_at[i], node.send_size[i], link, 1)

    def _put(self, packet, at, length, link, flags):
        head = min(length, _HEAD)
        rest = max(min(length - _COOKIE, _MOST - head), 0)
        n = _TOLD + head + rest
        self._make_room(n)
        buf, to = self._buf, self._end
        put16(buf, to, n)
        buf[to + 2] = flags
        buf[to + 3] = link
        put32(buf, to + 4, self._clock.now)
        put16(buf, to + 8, length)
        copy(buf, to + _TOLD, packet, at, head)
        copy(buf, to + _TOLD + head, packet, at + _COOKIE, rest)
        self._end = to + n
        if self.live:
            self.live(self._told(to))

    def _make_room(self, n):
        cut = 0
        while self._end - cut + n > len(self._buf):
            cut += get16(self._buf, cut)
        if cut:
            self._end -= cut
            copy(self._buf, 0, self._buf, cut, self._end)

    def found(self):
        at = 0
        while at < self._end:
            yield self._told(at)
            at += get16(self._buf, at)

    def _told(self, at):
        buf = self._buf
        flags = buf[at + 2]
        octets = bytes(buf[at + _TOLD : at + get16(buf, at)])
        return get32(buf, at + 4), self.names[buf[at + 3]], flags & 1, flags >> 1, get16(buf, at + 8), octets
