"""What a reply must be, whatever was asked.  Reads datagrams with a parser of its own.  CPython and MicroPython.

The rules are RFC 2131's (section 4.1, table 3), 3046, 3396, and what a server
owes its clients: an address that it has promised to one goes to no other.
"""

from .datagrams import COOKIE

OFFER, ACK, NAK = 2, 5, 6
_SIZES = {1: 4, 51: 4, 53: 1, 54: 4, 52: 1, 57: 2, 58: 4, 59: 4, 118: 4}
_LARGEST = 1472
_SMALLEST = 548
_BOOTP = 300
_FOREVER = 0x3FFFFFFF


class Wrong(Exception):
    """A reply that must not be."""


def _require(holds, what):
    if not holds:
        raise Wrong(what)


def _area(octets, at, end, found, order, strict):
    while at < end:
        code = octets[at]
        if code == 255:
            _require(not strict or not any(octets[at + 1 : end]), "something follows the end of the options")
            return True
        if code == 0:
            at += 1
            continue
        whole = at + 1 < end and at + 2 + octets[at + 1] <= end
        _require(whole, "option %d runs past its field" % code)
        order.append(code)
        found[code] = found.get(code, b"") + bytes(octets[at + 2 : at + 2 + octets[at + 1]])
        at += 2 + octets[at + 1]
    return not strict


def _first(octets, code):
    """The value of the first such option: what tells how to read the rest cannot come in pieces."""
    at = 240
    while at + 1 < len(octets) and octets[at] not in (code, 255):
        at += 2 + octets[at + 1] if octets[at] else 1
    return bytes(octets[at + 2 : at + 2 + octets[at + 1]]) if at + 1 < len(octets) and octets[at] == code else b""


def options_of(octets, strict):
    """{code: octets} and the codes in their order; strict is for replies, which must be without blemish."""
    found, order = {}, []
    if bytes(octets[236:240]) != COOKIE:
        return found, order
    _require(_area(octets, 240, len(octets), found, order, strict), "no end of options")
    overload = _first(octets, 52)
    overload = overload[0] if len(overload) == 1 and overload[0] < 4 else 0
    if overload & 1:
        _require(_area(octets, 108, 236, found, order, strict), "no end of options in `file`")
    if overload & 2:
        _require(_area(octets, 44, 108, found, order, strict), "no end of options in `sname`")
    return found, order


def identity(octets):
    """(client identifier or None, hardware) of a request; identifiers of a length that RFC 2132 forbids are none."""
    asked, _ = options_of(octets, False)
    id = asked.get(61, b"")
    hlen = min(octets[2], 16)
    return (id[:255] if len(id) >= 2 else None, bytes(octets[1:2]) + bytes(octets[28 : 28 + hlen]) if hlen else None)


def _is_same(one, holder):
    """May client `one` use what `holder` holds: same identifier; or the holder has none and the hardware is the same."""
    if one[0] is not None and one[0] == holder[0]:
        return True
    return holder[0] is None and holder[1] is not None and one[1] == holder[1]


class Judge:
    """ranges   conf.model's Range objects
    fixed    set of addresses that hosts have for themselves
    """

    def __init__(self, ranges, fixed):
        self._ranges = [(bytes(r.first), bytes(r.last)) for r in ranges]
        self._fixed = fixed
        self.promises = {}  # address: (identity, until, asked how)

    def reply(self, asked, reply, to, port, now):
        """Look at a reply; returns its type, 0 for BOOTP."""
        _require(_BOOTP <= len(reply) <= _LARGEST, "a reply of %d octets" % len(reply))
        wanted, _ = options_of(asked, False)
        found, order = options_of(reply, True)
        kind = found[53][0] if 53 in found else 0
        self._head(asked, reply, kind)
        for code in found:
            _require(code not in _SIZES or len(found[code]) == _SIZES[code], "option %d is of a wrong length" % code)
            _require(code not in (50, 55), "option %d is a client's" % code)
        self._size(wanted, found, len(reply), kind)
        self._relay(asked, wanted, found, order, kind, to, port)
        if kind:
            _require(54 in found, "no server identifier")
            _require(kind in (OFFER, ACK, NAK), "type %d is not a server's" % kind)
            timed = kind == OFFER or (kind == ACK and wanted[53][0] != 8)
            _require((51 in found) == timed, "a lease time, or none, with type %d" % kind)
        self._address(asked, reply, found, kind, wanted, now)
        return kind

    def _head(self, asked, reply, kind):
        _require(reply[0] == 2 and bytes(reply[236:240]) == COOKIE, "not a reply")
        same = ((1, 3), (4, 8), (24, 44))
        for a, b in same:
            _require(bytes(asked[a:b]) == bytes(reply[a:b]), "octets %d to %d are not the request's" % (a, b))
        _require(reply[10] | 128 == asked[10] | 128, "the flags are not the request's")
        _require(reply[3] == 0 and not any(reply[8:10]), "hops or secs in a reply")
        if kind == NAK:
            _require(not any(reply[12:24]), "an address in a NAK")

    def _size(self, wanted, found, n, kind):
        limit = _SMALLEST if kind else _BOOTP
        size = wanted.get(57, b"")
        if kind and len(size) == 2:
            limit = max(limit, (size[0] << 8 | size[1]) - 28)
        room = len(found[82]) + 2 if 82 in found else 0
        _require(n <= max(limit + room, _BOOTP), "%d octets, the client takes %d" % (n, limit))

    def _relay(self, asked, wanted, found, order, kind, to, port):
        if 0 < len(wanted.get(82, b"")) <= 255:
            _require(found.get(82) == wanted[82] and order.count(82) == 1, "option 82 did not come back as it was")
        else:
            _require(82 not in found, "an option 82 that nobody sent")
        giaddr, ciaddr = bytes(asked[24:28]), bytes(asked[12:16])
        renewing = any(ciaddr) and kind == ACK
        inform = kind == ACK and wanted[53][0] == 8
        if any(giaddr) and not inform:
            _require((to, port) == (giaddr, 67), "a relay agent's reply went elsewhere")
        else:
            _require((to, port) == (ciaddr if renewing else b"\xff\xff\xff\xff", 68), "a reply to the wrong place")

    def _is_leasable(self, address):
        return any(first <= address <= last for first, last in self._ranges)

    def _address(self, asked, reply, found, kind, wanted, now):
        address = bytes(reply[16:20])
        if kind == NAK or (kind == ACK and wanted[53][0] == 8):
            _require(not any(address), "an address where none belongs")
            return
        _require(self._is_leasable(address) or address in self._fixed, "address %s is none of ours" % _dotted(address))
        if kind == OFFER or address in self._fixed:
            return
        client = identity(asked)
        held = self.promises.get(address)
        if held and held[1] > now:
            _require(
                _is_same(client, held[0]), "%s is promised to %r, given to %r" % (_dotted(address), held[0], client)
            )
        for other in list(self.promises):
            if other != address and self._may_lose(client, self.promises[other][0]):
                del self.promises[other]
        seconds = int.from_bytes(found[51], "big") if 51 in found else _FOREVER
        self.promises[address] = (client, min(now + seconds, _FOREVER))

    def _may_lose(self, client, holder):
        """A client that takes one address may give up its others."""
        return (client[0] is not None and client[0] == holder[0]) or (client[1] is not None and client[1] == holder[1])

    def given_up(self, asked, address, now):
        """The server took a RELEASE or a DECLINE of this address for good."""
        held = self.promises.get(address)
        if held and held[1] > now:
            _require(_is_same(identity(asked), held[0]), "%s was given up by a stranger" % _dotted(address))
            del self.promises[address]


def _dotted(octets):
    return "%d.%d.%d.%d" % (octets[0], octets[1], octets[2], octets[3])
