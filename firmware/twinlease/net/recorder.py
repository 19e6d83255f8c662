"""The flight recorder: what became of the last requests, beside the last lines of the log; for `why` and `show log`.

    recorder = Recorder(lines)                   in place of those
    recorder.start(node, records)                from now on requests too
    recorder.exchange(packet, link, reason)          one that the node has just handled, or could not read

A client that asks the same again, with the same result, is counted and takes no second record; else the oldest record
gives way. A refusal stays for four times as long, so that a night of renewals does not push out the one that somebody
asks about in the morning.

`events` is words of 32 bits. The first eight are the head: 0 how many words there are, 1 the number of the latest
record. A record:

    word  bits
    0     0 … 23   its number: the order of what happened, with `stays` added   24 … 31  how many times, at most 255
    1              when last, project seconds
    2     0 … 21   Identity.hash of the client   22 … 25  the message (below)   26 … 30  Server.note
    3              without a note: seconds of the lease;  with one:
          0 … 5    index of the network, 63 none or a later one    6 … 9  `words`    10 … 24  name_mark(host name)
    4              the address that it was about
    5              relay agent, 0 none; of a request for another server that one
    6     hardware address, first four octets
    7     16 … 31  its other two   0 … 3  Server.reply   4  MCLT: the lease would be longer if the partner had agreed

A message is one of RFC 2132's, RENEWS or REBOOTS. `words`: of note LEFT_TO_PARTNER an index of `said`; of NO_FREE 1 if
addresses were free, but in pools that are closed to this client.

Nothing here allocates for a request that has been answered. Not here: what is made of it (console/why.py, log.py).
"""

from array import array

import micropython
from micropython import const

from ..dhcp.server import LEFT_TO_PARTNER, NO_FREE
from ..lease.table import FREE
from .lines import Lines

RENEWS = const(9)
REBOOTS = const(10)
HEAD = const(8)
SIZE = const(8)
_SAID = const(16)


@micropython.viper
def _slot(events: ptr32) -> int:
    """Where the head's record belongs: over one that is like it, else over the oldest.  Writes word 0."""
    key = int(events[2])
    end = int(events[0])
    number = (events[1] + 1) & 0xFFFFFF
    events[1] = number
    stays = end >> 1
    latest = number + stays
    slot = at = 8
    oldest = -1
    times = 1
    while at < end:
        if events[at + 2] == key and events[at + 4] == events[3]:
            slot = at
            times = (int(events[at]) >> 24 & 0xFF) + 1
            break
        age = (latest - int(events[at])) & 0xFFFFFF
        if age > oldest:
            oldest = age
            slot = at
        at += 8
    note = key >> 26
    if note != 0 and note != 17:
        number = latest & 0xFFFFFF
    if times > 255:
        times = 255
    events[slot] = number | times << 24
    return slot


@micropython.viper
def name_mark(buf: ptr8, at: int, n: int) -> int:
    mark = 0
    end = at + n
    while at < end:
        mark = (mark * 193 ^ buf[at]) & 0x7FFF
        at += 1
    return mark


class Recorder(Lines):
    def __init__(self, lines):
        """lines: the Lines until now, which the Recorder takes over."""
        super().__init__(lines.clock, lines.lines)
        self.end = lines.end
        self._node = self._about = None

    def start(self, node, records):
        """Record what this node decides. The lines until now are the boot's."""
        self._node = node
        self._about = node.server.address()
        self.events = array("I", bytes(4 * (HEAD + SIZE * records)))
        self.events[0] = len(self.events)
        if self.end < len(self.lines) // 2:
            self.first = self.end

    @micropython.viper
    def exchange(self, packet, link: int, reason: int):
        """A packet that came in on this link; reason is 0, or why it was not read."""
        node = self._node
        if self.capture:
            self.capture.take(node, packet, link, reason)
        if reason:
            return
        r = node.request
        server = node.server
        buf = ptr8(r.buf)  # the packet, or a longer copy of it
        about = ptr8(self._about)
        events = ptr32(self.events)
        kind = int(r.type)
        note = int(server.note)
        reply = int(server.reply)
        at = 0
        other = 24
        if kind == 3:
            kind = 9
            if (buf[12] | buf[13] | buf[14] | buf[15]) == 0:
                at = int(ptr16(r.where)[54])
                kind = 3 if at else 10
                if note == 7:
                    other = at
                at = 0
        elif kind < 2 and reply == 0:  # nothing was decided about any address
            about = buf
            at = 20  # siaddr, which no client fills in
        events[2] = int(r.who.hash) | kind << 22 | note << 26
        events[3] = about[at] << 24 | about[at + 1] << 16 | about[at + 2] << 8 | about[at + 3]
        to = int(_slot(self.events))
        events[to + 1] = int(self.clock.now)
        events[to + 2] = events[2]
        why = 0
        if note:
            why = int(self._why(r, server))
        elif reply:
            why = int(server.lease_s)
            if why < int(server.want_s):
                reply |= 16
        events[to + 3] = why
        events[to + 4] = events[3]
        events[to + 5] = buf[other] << 24 | buf[other + 1] << 16 | buf[other + 2] << 8 | buf[other + 3]
        events[to + 6] = buf[28] << 24 | buf[29] << 16 | buf[30] << 8 | buf[31]
        events[to + 7] = buf[32] << 24 | buf[33] << 16 | reply

    def _why(self, r, server):
        """Word 3 of a request with a note."""
        network = server.client.network
        bits = 63
        if network:
            bits = min(network.index, 63)
        if server.note == LEFT_TO_PARTNER:
            bits |= self._index(server.share.words) << 6
        elif server.note == NO_FREE and self._has_free(network.pools):
            bits |= 1 << 6
        if r.where[12]:
            bits |= name_mark(r.buf, r.where[12], r.size[12]) << 10
        return bits

    def _index(self, words):
        """Which of `said` these words are, at most 15."""
        said = self.said
        if words not in said and len(said) < _SAID:
            said.append(words)
        return said.index(words) if words in said else _SAID - 1

    def _has_free(self, pools):
        for pool in pools:
            if self._node.table.count(pool.index, FREE):
                return True
        return False
