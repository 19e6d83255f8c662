"""Asks the wire whether somebody uses an address, before a client asks for one.

ISC dhcpd pings when a DISCOVER comes in and lets the client wait a second.  Here
the next few free addresses of each pool are asked ahead of time and again every
minute, so that a DISCOVER finds one that is known to be quiet and is answered
at once.  If clients come faster than that, an address is offered unasked and
asked at the same moment: if somebody answers before the client's REQUEST, the
REQUEST gets a NAK and the address is abandoned.

On Linux an address on the link is asked by ARP (RFC 5227: hosts that drop pings
answer it too).  Elsewhere, and for networks behind a relay, by ICMP echo.  An
address that cannot be asked counts as quiet; where no question can be sent at all,
the log says so.
"""

import asyncio
import socket
import struct
import sys
import time

from micropython import const

from ..octets import equal
from ..overlay import load
from .sockets import Waiting, address, readable

_SOCK_RAW = const(3)
_ICMP = const(1)
_BATCH = const(16)
_ASKED_MAX = const(12)
_ROUND_MS = const(250)
_PAUSE_MS = const(1000)
_GLANCE_MS = const(100)
_IDENT = b"TL"


def checksum(octets):
    """The Internet checksum (RFC 1071) of an even number of octets."""
    total = 0
    for i in range(0, len(octets), 2):
        total += octets[i] << 8 | octets[i + 1]
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Ping:
    """ICMP echo from a raw socket (platform: MicroPython on ESP32, rp2 from 1.29, Linux with CAP_NET_RAW)."""

    rounds = 4

    def __init__(self):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, _ICMP)
        self.sock.setblocking(False)
        message = b"\x08\0\0\0" + _IDENT + b"\0\1twinlease."
        self._message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]

    def reaches(self, octets):
        return True

    def ask(self, octets):
        self.sock.sendto(self._message, address(octets, 0))

    def sender(self, packet):
        """Offset of the address that answered, 0 if this is no answer to us."""
        at = (packet[0] & 15) * 4
        if len(packet) < at + 8 or packet[at] or not equal(packet, at + 4, _IDENT, 0, 2):
            return 0
        return 12


class Prober:
    """Keeps the node's next addresses asked for.  `flush` carries out what the node decides."""

    def __init__(self, node, interfaces, flush, clock, log):
        self._node = node
        self._flush = flush
        self._clock = clock
        self._log = log
        self._ways = _ways(interfaces, log)
        self._asked = []
        self.conflicts = 0
        if self._ways:
            node.start_probing()

    async def run(self):
        """Ask, wait, tell the node, for ever."""
        await asyncio.gather(self._asking(), *[self._listen(way) for way in self._ways])

    async def _asking(self):
        while self._ways:
            self.ask()
            await _sleep_ms(_ROUND_MS)
            self._conclude()

    def ask(self):
        """Ask for what the node wants to know now: in each round, and at once when an address was offered unasked."""
        node = self._node
        while len(self._asked) < _ASKED_MAX:
            row = node.next_unprobed(self._clock.earliest)
            if row < 0:
                break
            octets = bytearray(4)
            node.table.put_address(row, octets, 0)
            self._asked.append([row, octets, self._ask(octets)])

    def _ask(self, octets):
        """Send one question; returns for how many rounds answers to it count."""
        for way in self._ways:
            if way.reaches(octets):
                try:
                    way.ask(bytes(octets))
                    return way.rounds
                except OSError:
                    continue  # no route, or the link is down: nobody there can be asked
        return 0

    async def _listen(self, way):
        waiting = Waiting(way.sock)
        while True:
            await readable(way.sock)
            if sys.platform == "rp2" and not waiting():  # its raw socket is ready at all times, by POLLHUP
                await _sleep_ms(_GLANCE_MS)
                continue
            try:
                self._hear(way, waiting)
            except (OSError, MemoryError):  # the link went down: the socket says so once, then works on
                await _sleep_ms(_PAUSE_MS)

    def _hear(self, way, waiting):
        for _ in range(_BATCH):
            packet = way.sock.recv(128)
            at = way.sender(packet)
            if at and self._asked:
                self._answered(packet, at)
            if not waiting():
                break

    def _answered(self, packet, at):
        for i in range(len(self._asked)):
            row, octets, _ = self._asked[i]
            if equal(packet, at, octets, 0, 4):
                self._asked.pop(i)
                self._tell(row, octets, True)
                return

    def _conclude(self):
        for question in self._asked:
            question[2] -= 1
            if question[2] < 0:
                self._tell(question[0], question[1], False)
        self._asked = [question for question in self._asked if question[2] >= 0]

    def _tell(self, row, octets, answered):
        if self._node.probed(row, answered, self._clock.earliest):
            self.conflicts += 1
            self._log.say("Abandoning IP address %d.%d.%d.%d: pinged before offer" % tuple(octets))
            self._flush()


def _ways(interfaces, log):
    ways = []
    try:
        if sys.platform == "linux":
            Arp = load("net.arp").Arp
            ways.extend([Arp(i) for i in interfaces if any(i.mac)])
        ways.append(Ping())
    except OSError as e:
        log.say("No raw socket (errno %s): addresses are offered without asking whether they are in use" % e.args[0])
    return ways


async def _sleep_ms(ms):
    if hasattr(time, "ticks_ms"):
        await asyncio.sleep_ms(ms)
    else:
        await asyncio.sleep(ms / 1000)
