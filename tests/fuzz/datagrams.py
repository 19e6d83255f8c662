"""DHCP datagrams from ordinary to garbage.  CPython and MicroPython, the same octets on both.

    author = Author(Dice(seed), addresses)
    octets = author.next()
    author.told(client, address)       what a reply gave; later requests go on from there

Most datagrams are one or two steps away from something real, because pure
garbage ends at the first check.
"""

COOKIE = b"\x63\x82\x53\x63"
LARGEST = 1500  # what the driver reads at most
CLIENTS = 48

_KINDS = (1, 1, 1, 1, 3, 3, 3, 3, 3, 3, 4, 7, 7, 8, None, 0, 2, 5, 6, 9, 255)
_ORDINARY_KINDS = (1, 1, 1, 3, 3, 3, 3, 3, 7, 4, 8, None)
_SIZES = (b"\0\0", b"\0\1", b"\0\x64", b"\2\x40", b"\5\xdc", b"\xff\xff", b"\4\0", b"\2", b"\2\x40\0", b"")
_CLASSES = (b"PXEClient:Arch:00007", b"PHONE-42", b"MSFT 5.0", b"android-dhcp-14", b"", b"\0", b"\xff\xfe")
_NAMES = (b"till-7", b"till-7\0", b"\xff\xfe\xfd", b"\0\0\0\0", b"", b"\0", b"a" * 63, b"b" * 64, b"%s%n\r\n\x1b[2J")
_TIMES = (
    b"\0\0\0\0",
    b"\0\0\0\1",
    b"\0\0\2\x58",
    b"\0\0\x0e\x10",
    b"\x3f\xff\xff\xff",
    b"\x40\0\0\0",
    b"\xff\xff\xff\xff",
    b"\1",
)
_PLACES = (
    b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x7f\0\0\1", b"\xe0\0\0\1", b"\0\0\0\1", b"\xc0\0\2\1",
    b"\x0a\x4d\0\0", b"\x0a\x4d\xff\xff", b"\x0a\x4d\0\2", b"\x0a\x4d\0\1", b"\x0a\x58\0\0", b"\x0a\x58\0\1", b"\x0a\x58\0\xff",
    b"\x0a\x63\0\1", b"\x0a\x63\0\0",
)  # fmt: skip
_SERVERS = (
    b"\x0a\x4d\0\2",
    b"\x0a\x4d\0\2",
    b"\x0a\x4d\0\2",
    b"\x0a\x58\0\1",
    b"\x0a\x4d\0\x63",
    b"\0\0\0\0",
    b"\x0a\x4d\0",
)
_LISTS = (
    b"\1\3\6\x0f",
    b"\1\3\6\x0f\x2b\x7d\x0c\x42\x43",
    bytes(range(255)),
    b"\6" * 255,
    b"",
    b"\x52\x35\x36\0\xff\x34",
)


class Dice:
    """The same numbers on every interpreter; xorshift of 32 bits."""

    def __init__(self, seed):
        self.x = seed * 2654435761 % 0xFFFFFFFB + 1
        for _ in range(4):
            self.below(2)

    def below(self, n):
        x = self.x
        x ^= x << 13 & 0xFFFFFFFF
        x ^= x >> 17
        x ^= x << 5 & 0xFFFFFFFF
        self.x = x
        return (x >> 3) % n

    def one_in(self, n):
        return self.below(n) == 0

    def pick(self, choices):
        return choices[self.below(len(choices))]

    def octets(self, n):
        return bytes([self.below(256) for _ in range(n)])

    def stretch(self, n):
        """Any n octets, quickly: a few random ones repeated."""
        some = self.octets(min(n, 7))
        return (some * (n // 7 + 1))[:n]


class Identity:
    """One of the clients that the author plays: odd ones among them, but each stays the same."""

    def __init__(self, n):
        dice = Dice(1000 + n)
        self.n = n
        self.htype = 1 if n < 36 else (6, 32, 0, 255)[n % 4]
        self.hlen = 6 if n < 36 else (16, 0, 8, 7)[n // 4 % 4]
        self.hw = (bytes((2 if n % 3 else 0, 0, 0, 0, n // 2 if n < 12 else n, 7)) + dice.octets(10))[: self.hlen]
        way = n % 6
        self.id = None
        if way == 1:
            self.id = bytes((self.htype,)) + self.hw
        elif way == 2:
            self.id = b"\xff" + dice.octets(1 + dice.below(31))
        elif way == 3:
            self.id = dice.stretch((33, 64, 254, 255, 300)[n // 6 % 5])
        elif way == 4 and n % 4 == 0:
            self.id = bytes(n % 2)
        if self.hlen == 0 and not self.id:
            self.id = b"\xffid-%d" % n


class Author:
    """addresses   four octets each: what the network under test leases, reserves and routes"""

    def __init__(self, dice, addresses):
        self.dice = dice
        self.addresses = addresses
        self.clients = [Identity(n) for n in range(CLIENTS)]
        self.held = {}
        self.client = self.clients[0]

    def told(self, address):
        """The reply to the last datagram offered or gave this address."""
        self.held[self.client.n] = address

    def next(self):
        """The next datagram; `client` is who it comes from, as far as that survives."""
        dice = self.dice
        self.client = dice.pick(self.clients)
        odd = not dice.one_in(3)
        octets = self._message(odd)
        if odd and dice.one_in(3):
            octets = self._spoil(octets)
        return octets[:LARGEST]

    def _place(self):
        dice = self.dice
        if dice.one_in(3):
            return dice.pick(_PLACES)
        return dice.octets(4) if dice.one_in(8) else dice.pick(self.addresses)

    def _message(self, odd):
        dice, client = self.dice, self.client
        kind = dice.pick(_KINDS if odd else _ORDINARY_KINDS)
        held = self.held.get(client.n, b"\0\0\0\0") if not dice.one_in(4) else self._place()
        options = [] if kind is None else [(53, bytes((kind,)))]
        ciaddr = bytes(4)
        if kind == 3 and not dice.one_in(3):
            options.append((50, held))
            if dice.one_in(2):
                options.append((54, dice.pick(_SERVERS)))
        elif kind in (3, 7, 8):
            ciaddr = held
        elif kind in (1, 4) and dice.one_in(2):
            options.append((50, held))
        if client.id is not None:
            options.append((61, client.id))
        giaddr = bytes(4)
        if dice.one_in(4):
            giaddr = dice.pick((b"\x0a\x58\0\1", b"\x0a\x63\0\1", b"\x0a\x4d\0\1")) if dice.below(4) else self._place()
        for _ in range(dice.below(4)):
            options.append(self._option())
        head = self._head(odd, ciaddr, giaddr)
        return head + self._encode(options, odd)

    def _head(self, odd, ciaddr, giaddr):
        dice, client = self.dice, self.client
        op, htype, hlen, hops = 1, client.htype, client.hlen, 0
        secs, flags, hw = 0, 0, client.hw
        if odd:
            way = dice.below(24)
            if way == 0:
                op = dice.pick((0, 2, 3, 255))
            elif way == 1:
                htype = dice.pick((0, 255, 6, 32))
            elif way == 2:
                hlen = dice.pick((0, 1, 5, 7, 15, 16, 17, 255))
            elif way == 3:
                hops = dice.pick((1, 16, 255))
            elif way == 4:
                hw = dice.octets(16)
            elif way == 5:
                ciaddr = self._place()
            secs = dice.pick((0, 0, 4, 0x400, 0xFFFF))
            flags = dice.pick((0, 0, 128, 255))
        yiaddr = self._place() if odd and dice.one_in(16) else bytes(4)
        head = bytes((op, htype, hlen, hops)) + dice.octets(4) + bytes((secs >> 8, secs & 255, flags, 0))
        head += ciaddr + yiaddr + bytes(4) + giaddr + (hw + bytes(16))[:16]
        if odd and dice.one_in(12):
            return head + self._area(64) + self._area(128) + COOKIE
        return head + bytes(192) + COOKIE

    def _area(self, n):
        """`sname` or `file` with options in it, for option 52."""
        out = b""
        for _ in range(self.dice.below(4)):
            code, value = self._option()
            out += bytes((code, len(value) & 255)) + value[:255]
        return (out + b"\xff" + bytes(n))[:n]

    def _encode(self, options, odd):
        dice = self.dice
        if odd and dice.one_in(4) and options:
            options.append(options.pop(0))
        out = b""
        for code, value in options:
            if odd and dice.one_in(8):
                out += bytes(dice.below(5))
            while len(value) > 255:
                out += bytes((code, 255)) + value[:255]
                value = value[255:]
            if odd and value and dice.one_in(16):
                cut = dice.below(len(value))
                out += bytes((code, cut)) + value[:cut]
                value = value[cut:]
            out += bytes((code, len(value))) + value
        if odd and dice.one_in(12):
            return out
        return out + b"\xff" + (bytes(dice.below(40)) if odd else b"")

    def _option(self):
        dice = self.dice
        way = dice.below(16)
        if way == 0:
            return 12, dice.pick(_NAMES) if dice.below(3) else dice.stretch(dice.below(256))
        if way == 1:
            return 55, dice.pick(_LISTS) if dice.below(3) else dice.octets(dice.below(24))
        if way == 2:
            return 57, dice.pick(_SIZES)
        if way in (3, 4):
            return 82, self._agent()
        if way == 5:
            return 60, dice.pick(_CLASSES) if dice.below(3) else dice.octets(dice.below(40))
        if way == 6:
            return 51, dice.pick(_TIMES)
        if way == 7:
            return 52, dice.pick((b"\1", b"\2", b"\3", b"\3", b"\0", b"\4", b"", b"\1\1"))
        if way == 8:
            return 81, dice.pick(
                (b"\0\0\0.", b"\4\0\0", b"", b"\4\0\0\x40" + b"x" * 80, b"\4\0\0\xc0\0", b"\0\0\0a..b")
            )
        if way == 9:
            return 118, self._place() if dice.below(4) else dice.octets(dice.below(6))
        if way == 10:
            return 61, dice.stretch(dice.pick((0, 1, 2, 7, 32, 33, 254, 255)))
        if way == 11:
            return dice.pick((77, 93, 43, 124, 125, 97, 80, 116)), dice.octets(dice.below(20))
        if way == 12:
            return 77, dice.stretch(dice.pick((1, 100, 200, 255)))
        if way == 13:
            return dice.pick((50, 54)), self._place()
        return 1 + dice.below(254), dice.stretch(dice.pick((0, 1, 2, 4, 8, 100, 255)))

    def _agent(self):
        """Relay agent information, whole or not."""
        dice = self.dice
        out = b""
        for _ in range(dice.below(4)):
            sub = dice.pick((1, 2, 5, 5, 11, 151, 0, 255))
            value = self._place() if sub in (5, 11) else dice.octets(dice.below(12))
            n = len(value) if not dice.one_in(6) else dice.below(256)
            out += bytes((sub, n)) + value
        if dice.one_in(20):
            out += b"\1" + bytes((120,)) + dice.stretch(120) + b"\2" + bytes((100,)) + dice.stretch(100)
        return out[:255]

    def _spoil(self, octets):
        dice = self.dice
        octets = bytearray(octets)
        for _ in range(1 + dice.below(3)):
            n = len(octets)
            if n < 8:
                break
            at = dice.below(n) if dice.one_in(3) or n < 242 else 240 + dice.below(n - 240)
            way = dice.below(8)
            if way == 0:
                octets = octets[:at]
            elif way == 1:
                octets = octets[:at] + dice.octets(dice.below(30)) + octets[at:]
            elif way == 2:
                octets = octets[:at] + octets[at + dice.below(20) :]
            elif way == 3:
                octets = octets[:at] + octets[240:]
            elif way == 4 and dice.one_in(4):
                octets[236:240] = dice.pick((b"\0\0\0\0", b"\x63\x82\x53\x64", b"\xff\xff\xff\xff"))
            elif way == 5:
                octets[at] = dice.pick((0, 1, 255, 254, 128, 53, 52, 61, 82))
            elif way == 6 and dice.one_in(8):
                octets += dice.stretch(LARGEST)
            else:
                octets[at] ^= 1 << dice.below(8)
        return bytes(octets)
