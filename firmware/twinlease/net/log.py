"""The log, in ISC dhcpd's own wording, so that what people wrote to watch dhcpd keeps working.

    log.exchange(node, link)        one request and what became of it
    log.say("text")                 anything rare
    log.flush()                     one write for all lines of a burst, after the replies left

Lines are composed in one buffer by viper code: at full load a line costs two
microseconds and leaves nothing for the collector.
"""

import micropython
from micropython import const

from ..dhcp import request as _request
from ..dhcp import server as _server
from ..dhcp.request import CHADDR, CIADDR, GIADDR, HTYPE
from ..octets import copy

_SIZE = const(1280)
_LINE_MAX = const(320)
_NAME_MAX = const(64)


@micropython.viper
def _put_text(out: ptr8, at: int, text: ptr8, n: int) -> int:
    for i in range(n):
        out[at + i] = text[i]
    return at + n


@micropython.viper
def _put_printable(out: ptr8, at: int, text: ptr8, frm: int, n: int) -> int:
    """Names come from anybody: what is not plain ASCII is written as a dot."""
    for i in range(n):
        c = int(text[frm + i])
        if c < 33 or c > 126:
            c = 46
        out[at + i] = c
    return at + n


@micropython.viper
def _put_hex(out: ptr8, at: int, src: ptr8, frm: int, n: int) -> int:
    for i in range(frm, frm + n):
        high = int(src[i]) >> 4
        low = int(src[i]) & 15
        out[at] = high + (48 if high < 10 else 87)
        out[at + 1] = low + (48 if low < 10 else 87)
        out[at + 2] = 58
        at += 3
    return at - 1 if n else at


@micropython.viper
def _put_ip(out: ptr8, at: int, src: ptr8, frm: int) -> int:
    for i in range(frm, frm + 4):
        v = int(src[i])
        if v > 99:
            out[at] = 48 + v // 100
            at += 1
        if v > 9:
            out[at] = 48 + v // 10 % 10
            at += 1
        out[at] = 48 + v % 10
        out[at + 1] = 46
        at += 2
    return at - 1


# What ISC dhcpd adds to the request's line: a line for each note of dhcp/server.py, in their order.
_NOTES = (
    b"\n"  # SERVED
    b": unknown network segment\n"  # UNKNOWN_NETWORK
    b"\n"  # NO_FREE: names the network
    b": wrong network.\n"  # WRONG_NETWORK
    b": ignored (not authoritative).\n"  # NOT_AUTHORITATIVE
    b": lease unavailable.\n"  # UNAVAILABLE
    b": unknown lease.\n"  # UNKNOWN_LEASE
    b": the client chose another server.\n"  # OTHER_SERVER
    b": unknown client\n"  # UNKNOWN_CLIENT
    b": denied by the configuration\n"  # DENIED
    b": no room for its client identifier\n"  # NO_MEMORY
    b" (found)\n"  # FOUND
    b" (not found)\n"  # NOT_FOUND
    b": abandoned\n"  # NOW_ABANDONED
    b": no dynamic leases for BOOTP clients on this network\n"  # NO_BOOTP
    b": min-secs not reached\n"  # TOO_EARLY
    b": reclaiming an abandoned address\n"  # RECLAIMED
    b": \n"  # LEFT_TO_PARTNER: `share.words` go on
)
_MATTERS = bytes((_server.NO_FREE, _server.NO_MEMORY, _server.NOW_ABANDONED))

_REPLIES = {
    _request.OFFER: b"DHCPOFFER on ",
    _request.ACK: b"DHCPACK on ",
    _request.NAK: b"DHCPNAK on ",
    _server.BOOTREPLY: b"BOOTREPLY for ",
}


class Log:
    """stream: an object with write(octets); recorder: a Recorder, which keeps what is said."""

    def __init__(self, stream, recorder=None):
        self._stream = stream
        self._recorder = recorder
        self._buf = bytearray(_SIZE)
        self._view = memoryview(self._buf)
        self._at = 0

    def say(self, text):
        """One line of text."""
        if self._recorder and not self._recorder.keep(text):
            return
        self._text(text.encode()[: _LINE_MAX - 1])
        self._end()

    def malformed(self, link, reason, source):
        self.say("Dropped a packet from %s via %s: %s" % (source, link.name, _request.REASONS[reason]))

    def serious(self, node, link):
        """The same, of a request that somebody should look after; of others nothing."""
        if node.server.note in _MATTERS:
            self.exchange(node, link)

    def exchange(self, node, link):
        """The request that the node handled last, and its reply."""
        r, server = node.request, node.server
        if r.type == _request.INFORM:
            self._inform(r, link, server)
            return
        self._asked(r.type, r, server)
        self._client(r, link)
        if server.note:
            self._note(server.note)
            if server.note == _server.LEFT_TO_PARTNER:
                self._text(server.share.words)
            if server.note == _server.NO_FREE:
                self._no_free(server)
        self._end()
        if server.reply:
            self._text(_REPLIES[server.reply])
            self._ip(server.address(), 0)
            self._text(b" to ")
            self._client(r, link)
            self._end()

    def flush(self):
        """Write what has been composed."""
        if self._at:
            self._stream.write(self._view[: self._at])
            self._at = 0

    def _asked(self, kind, r, server):
        if kind == _request.DISCOVER:
            self._text(b"DHCPDISCOVER from ")
        elif kind == _request.REQUEST:
            self._text(b"DHCPREQUEST for ")
            self._ip(server.address(), 0)
            at = r.address(54)
            if at:
                self._text(b" (")
                self._ip(r.buf, at)
                self._text(b")")
            self._text(b" from ")
        elif kind == _request.BOOTP:
            self._text(b"BOOTREQUEST from ")
        else:
            self._text(b"DHCPRELEASE of " if kind == _request.RELEASE else b"DHCPDECLINE of ")
            self._ip(server.address(), 0)
            self._text(b" from ")

    def _inform(self, r, link, server):
        self._text(b"DHCPINFORM from ")
        self._ip(r.buf, CIADDR)
        self._text(b" via ")
        self._via(r, link)
        if not server.reply:
            self._note(server.note)
            self._end()
            return
        self._end()
        self._text(b"DHCPACK to ")
        self._ip(r.buf, CIADDR)
        self._text(b" (")
        self._at = _put_hex(self._buf, self._at, r.buf, CHADDR, r.hlen)
        self._text(b") via ")
        self._via(r, link)
        self._end()

    def _note(self, note):
        at = 0
        while note:
            at = _NOTES.find(b"\n", at) + 1
            note -= 1
        n = _NOTES.find(b"\n", at) - at
        copy(self._buf, self._at, _NOTES, at, n)
        self._at += n

    def _no_free(self, server):
        network = server.client.network
        self._text((": network %s: no free leases" % network.name).encode()[:100])

    def _client(self, r, link):
        """The hardware address, the host name in brackets, and where it came from."""
        if r.hlen and r.buf[HTYPE]:
            self._at = _put_hex(self._buf, self._at, r.buf, CHADDR, r.hlen)
        else:
            self._at = _put_hex(self._buf, self._at, r.buf, r.id_at, min(r.id_n, 20))
        if r.where[12] and r.size[12]:
            self._text(b" (")
            self._at = _put_printable(self._buf, self._at, r.buf, r.where[12], min(r.size[12], _NAME_MAX))
            self._text(b")")
        self._text(b" via ")
        self._via(r, link)

    def _via(self, r, link):
        if r.relayed:
            self._ip(r.buf, GIADDR)
        else:
            self._text(link.label)

    def _ip(self, buf, at):
        self._at = _put_ip(self._buf, self._at, buf, at)

    def _text(self, octets):
        self._at = _put_text(self._buf, self._at, octets, len(octets))

    def _end(self):
        self._buf[self._at] = 10
        self._at += 1
        if self._at > _SIZE - _LINE_MAX - 16:
            self.flush()
