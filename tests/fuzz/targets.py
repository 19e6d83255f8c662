"""One input, whatever its octets, to one thing that reads: what coverage-guided fuzzing calls again and again.  CPython.

    target = TARGETS[name]()
    target(octets)               raises for what must not be
    target.seeds(dice)           inputs to begin with

Nothing that one call leaves behind changes the next, so that an input does the same wherever it stands.
"""

import contextlib

from failover_pair import A, B
from leases import check, small
from nor import Nor
from twinlease import conf
from twinlease.conf import image, image_writer
from twinlease.failover import balance
from twinlease.failover.link import UP, WAITING
from twinlease.failover.writer import Writer
from twinlease.lease import record
from twinlease.lease.journal import Journal
from twinlease.lease.ring import Ring
from twinlease.ntp import dns, packet
from twinlease.ntp.answer import Answerer
from twinlease.ntp.source import GOOD

from . import keyboard, networks, texts
from .datagrams import Author
from .exchange import Exchange
from .siege import FILE, ROWS, Server
from .streams import EPOCH, NAME, Player, message, options_of, recorded

_UP = 100
_LINK, _FRAMED = 2, 4  # bits of the first octet of an input for failover; 1: the server is the primary
_PIECES = (4096, 1, 7, 64)
_ROWS = 12


class Failover:
    """how 1, then a stream; or messages as (type 1, length 1, options), whose headers are right."""

    def __init__(self):
        file = FILE % ""
        self._servers = [Server(file, A, b"board--A"), Server(file, B, b"board--B")]
        self._writer = Writer(2048)

    def __call__(self, octets):
        how = octets[0] if octets else 0
        server = self._servers[0 if how & 1 else 1]
        server.boots, server.kept, server.nor = 0, 0, Nor(16, block_size=1024)
        server.start(_UP)
        c = server.peer.opened(False, server.now(_UP), _UP)
        server.flush()
        if how & _LINK:
            self._hand_in(server, c, self._greeting(server, c))
        stream = self._framed(octets[1:], server) if how & _FRAMED else octets[1:]
        n = _PIECES[how >> 3 & 3]
        up = _UP
        for at in range(0, len(stream), n):
            if not self._hand_in(server, c, stream[at : at + n]):
                break
            up += 1
            server.peer.tick(server.now(up), up)
            server.flush()
        server.heard(c)
        server.peer.closed(c, server.now(up), up)
        server.flush()
        check(server.table)

    def _greeting(self, server, c):
        """The partner's CONNECT, or its answer to ours, and its state: NORMAL."""
        out, now = self._writer, server.now(_UP)
        out.clear()
        heard = server.heard(c)
        if heard:
            out.connectack(now, heard[0], 8, NAME, 10, 10, b"fuzz")
        else:
            out.connect(now, NAME, 10, 10, b"fuzz", 60, balance.hba_of_split(128))
        out.state(now, 2, 0, now - 100)
        return bytes(out.buf[: out.end])

    def _framed(self, octets, server):
        unix, at, stream = server.now(_UP) + EPOCH, 0, b""
        while at + 2 <= len(octets) and at < 2000:
            n = octets[at + 1]
            body = octets[at + 2 : at + 2 + n]
            head = message(octets[at] % 13, at, unix, ())
            stream += (12 + len(body)).to_bytes(2, "big") + head[2:] + body
            at += 2 + n
        return stream

    def _hand_in(self, server, c, octets):
        at = idle = 0
        while at < len(octets):
            if server.peer.closing[c] or server.peer.links[c].state not in (WAITING, UP):
                return False
            taken = server.peer.received(c, octets, len(octets), at, server.now(_UP), _UP)
            server.flush()
            at += taken
            idle = 0 if taken else idle + 1
            assert idle < 3, "octets that are never taken"
        return True

    def seeds(self, dice):
        addresses = [bytes((10, 53, 0, 100 + i)) for i in range(ROWS)]
        for primary in (True, False):
            for words in recorded(not primary):
                yield bytes((primary,)) + b"".join(words[:6])[:900]
            player = Player(dice, not primary, b"", addresses)
            player.now = self._servers[0].now(_UP)
            for _ in range(40):
                framed = b""
                for octets in [player._word() for _ in range(1 + dice.below(4))]:
                    if len(octets) < 12 + 256 and options_of(octets) is not None:
                        framed += bytes((octets[2] % 13, len(octets) - 12)) + octets[12:]
                yield bytes((primary | _LINK | _FRAMED | dice.below(4) << 3,)) + framed


class Dhcp:
    """configuration 1, then datagrams as (length 2, octets): DISCOVER and REQUEST are two."""

    def __init__(self):
        self._configs = [conf.load(text) for text in networks.ALL]

    def __call__(self, octets):
        if not octets:
            return
        exchange = Exchange("", 100000, self._configs[octets[0] % len(self._configs)])
        at = 1
        for _ in range(4):
            n = int.from_bytes(octets[at : at + 2], "big")
            datagram = octets[at + 2 : at + 2 + n][:1500]
            at += 2 + n
            if not datagram:
                break
            exchange.send(datagram)
            exchange.flush()
            exchange.later(1)
        exchange.check()

    def seeds(self, dice):
        for k in range(len(self._configs)):
            exchange = Exchange("", 100000, self._configs[k])
            author = Author(dice, exchange.addresses())
            for _ in range(40):
                octets = bytes((k,))
                for _ in range(1 + dice.below(3)):
                    datagram = author.next()[:700]
                    octets += len(datagram).to_bytes(2, "big") + datagram
                yield octets


class Conf:
    """A dhcpd.conf; what is accepted comes back from its image."""

    def __call__(self, octets):
        config = texts.load(octets[:4096])
        if config is not None:
            again = image.load(b"".join(image_writer.dump(config, [])))
            for what in ("networks", "pools", "hosts", "classes", "ranges", "subnets", "peers"):
                assert len(getattr(again, what)) == len(getattr(config, what)), what

    def seeds(self, dice):
        for tokens in texts.corpus():
            text = "".join(tokens).encode()
            if len(text) < 1200:
                yield text


def _plausible(kind, body):
    """What a right sum stands for: a binding state that exists, times of ours, as much hardware address as there is."""
    body = bytearray(body)
    hlen = {record.FULL: 16, record.FULL_PARTNER: 24}.get(kind, 0)
    if kind < record.VALUE and len(body) > 4:
        body[4] = body[4] & 0x77 or 1
        body[4] |= not body[4] & 15
        for at in (7, 11, 15, 19) if kind in (record.FULL_PARTNER, record.RENEWAL_PARTNER) else (7, 11):
            if at < len(body):
                body[at] &= 0x3F
    if hlen and len(body) > hlen:
        body[hlen] = min(body[hlen], 6)
    return bytes(body)


class Flash:
    """Records of a journal as (kind 1, length 1, body), each with its right sum; then patches (place 2, octet 1)."""

    def __call__(self, octets):
        flash = Nor(8, block_size=1024)
        n = octets[0] if octets else 0
        at = self._write(flash, octets, 1, n)
        for i in range(at, min(len(octets) - 2, at + 60), 3):
            place = int.from_bytes(octets[i : i + 2], "big") % flash.size
            flash.data[place] = octets[i + 2]
        table = small(_ROWS)
        journal = Journal(flash.reboot(), table)
        journal.recover()
        check(table)
        for row in range(_ROWS):
            journal.put_row(row)
        journal.sync()
        again = small(_ROWS)
        Journal(journal._ring.region.reboot(), again).recover()
        check(again)
        for row in range(_ROWS):
            assert (again.state(row), again.ends(row)) == (table.state(row), table.ends(row)), "row %d was lost" % row

    def _write(self, flash, octets, at, n):
        ring = Ring(flash)
        ring.format(4)
        out = bytearray(record.LONGEST)
        with contextlib.suppress(OSError):  # full
            for _ in range(n):
                if at + 2 > len(octets):
                    break
                body = octets[at + 2 : at + 2 + octets[at + 1]]
                body = _plausible(octets[at], body)
                units = max((2 + len(body) + 4 + 7) // 8, 1)
                out[: units * 8] = bytes((octets[at], units)) + body + bytes(units * 8 - 2 - len(body))
                ring.append(out, units * 8, record.seal)
                at += 2 + len(body)
        ring.sync()
        return at

    def seeds(self, dice):
        for _ in range(60):
            octets, n = b"", dice.below(8)
            for _ in range(n):
                row = bytes((10, 0, 0, 10 + dice.below(_ROWS + 2)))
                body = row + bytes((dice.pick((1, 2, 2, 5, 7, 0x12)),)) + dice.octets(2) + bytes(2) + dice.octets(6)
                kind = dice.pick((1, 1, 2, 3, 4, 5))
                body += dice.octets(8) if kind in (2, 4) else b""
                if kind in (1, 2):
                    body += b"\1\6\2\0\0\0\0" + dice.octets(1) + b"\2\7\1\2\0\0\0\0" + dice.octets(1)
                else:
                    body += dice.octets(2)
                octets += bytes((kind, len(body))) + body
            yield bytes((n,)) + octets + dice.octets(3 * dice.below(3))


class Sntp:
    """which 1, then an SNTP answer, a DNS answer or a question to us."""

    _asked = dns.question("time.example", b"\1\2")

    def __call__(self, octets):
        which, octets = octets[:1], octets[1:]
        if which == b"d":
            found = dns.address(self._asked + octets, self._asked)
            assert found is None or len(found) == 4
        elif which == b"q":
            answerer = Answerer()
            if answerer.receive(octets, 217_000_000, 5):
                answerer.tell(None, -1, 0)
                answerer.send(217_000_000, 6)
                assert len(answerer.buf) == 48 and answerer.buf[24:32] == octets[40:48]
        elif packet.judge(octets) == GOOD:
            packet.origin(octets)
            assert packet.received(octets) <= packet.transmitted(octets)
            assert packet.root_delay(octets) // 2 + packet.root_dispersion(octets) < 1500

    def seeds(self, dice):
        yield b"a\x24\2\6\xec" + bytes(8) + b"\x0a\0\0\x09" + dice.octets(36)
        yield b"q\x23" + bytes(39) + dice.octets(8)
        yield b"d" + b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4\x0a\0\0\1"


class Console:
    """files 1, then what is typed."""

    def __init__(self):
        self._app = keyboard.new_app(1)

    def __call__(self, octets):
        if octets:
            keyboard.new_board(self._app, octets[0] & 1)
            keyboard.press(self._app, octets[1:2000])

    def seeds(self, dice):
        for _ in range(80):
            yield bytes((dice.below(2),)) + keyboard._typed(dice)[:300]


TARGETS = {"failover": Failover, "dhcp": Dhcp, "conf": Conf, "flash": Flash, "sntp": Sntp, "console": Console}
