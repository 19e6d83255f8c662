"""DHCP clients: most do as RFC 2131 section 4.4 says, some do not.

A client is a small state machine on the loop's timers; what it sends goes to `place`, a network of the World.
"""

from __future__ import annotations

import struct
from typing import Any

from .judge import ACK, DECLINE, DISCOVER, NAK, OFFER, RELEASE, REQUEST, dotted

_COOKIE = bytes((99, 130, 83, 99))
_HEAD = struct.Struct("!BBBB4sHH4s4s4s4s")
_NOBODY = bytes(4)
_RETRIES_S = (4, 8, 16, 32, 64)

OFF, SELECTING, REQUESTING, REBOOTING, BOUND, RENEWING, REBINDING = range(7)
_NAMES = ("off", "selecting", "requesting", "rebooting", "bound", "renewing", "rebinding")


def message(
    kind: int,
    hardware: bytes,
    xid: bytes,
    options: bytes = b"",
    secs: int = 0,
    ciaddr: bytes = _NOBODY,
    giaddr: bytes = _NOBODY,
) -> bytes:
    head = _HEAD.pack(
        1, 1, len(hardware), 1 if giaddr != _NOBODY else 0, xid, min(secs, 65535), 0, ciaddr, _NOBODY, _NOBODY, giaddr
    )
    return b"".join((head, hardware, bytes(208 - len(hardware)), _COOKIE, bytes((53, 1, kind)), options, b"\xff"))


def option(code: int, value: bytes) -> bytes:
    return bytes((code, len(value))) + value


class Reply:
    """A server's datagram, taken apart as far as it matters."""

    __slots__ = ("address", "client", "kind", "seconds", "server", "xid")

    def __init__(self, octets: bytes) -> None:
        self.xid = octets[4:8]
        self.address = octets[16:20]
        self.client = octets[28 : 28 + octets[2]]
        self.kind = 0
        self.seconds = -1
        self.server = _NOBODY
        at = 240
        while octets[at] != 255:
            code, n = octets[at], octets[at + 1]
            if code == 53:
                self.kind = octets[at + 2]
            elif code == 51:
                self.seconds = int.from_bytes(octets[at + 2 : at + 6], "big")
            elif code == 54:
                self.server = octets[at + 2 : at + 6]
            at += 2 + n


class Client:
    """A host that wants an address.  Habits are probabilities, drawn once."""

    def __init__(self, world: Any, number: int, place: str, identifier: bytes | None) -> None:
        rng = world.rng
        self.world = world
        self.loop = world.loop
        self.rng = rng
        self.place = place
        self.hardware = bytes((2, 0, 0, 0, number >> 8, number & 255))
        self.name = "client %d" % number
        self.key = self.hardware if identifier is None else identifier
        """By which load is balanced: RFC 3074."""
        self.options = b"" if identifier is None else option(61, identifier)
        if rng.random() < 0.5:
            self.options += option(12, b"host-%d" % number)
        self.wish = option(51, struct.pack("!I", rng.choice((30, 120, 600, 86400)))) if rng.random() < 0.2 else b""
        self.state = OFF
        self.address = _NOBODY
        self.server = _NOBODY
        self.wanted_since = 0
        self.expires = 0
        self.releases = rng.random() < 0.3
        self.forgets = rng.random() < 0.3
        """Comes back with DISCOVER, not with the address that it had."""
        self.stays_s = rng.choice((300, 1800, 7200, 100000))
        self.is_back_after_s = rng.choice((5, 60, 600, 3600))
        self.declines = 0.02 if rng.random() < 0.15 else 0.0
        self.takes_last_offer = rng.random() < 0.2
        self.asleep = False
        self.asked_for = _NOBODY
        self.requests: dict[bytes, bytes] = {}
        """By xid: the address that was asked for.  A datagram may be late."""
        self._given_up: set[bytes] = set()
        self._xid = b""
        self._offer: Reply | None = None
        self._tries = 0
        self._sent = 0
        self._began = 0
        self._timer: Any = None
        self._leaving: Any = None

    @property
    def is_bound(self) -> bool:
        return self.state in (BOUND, RENEWING, REBINDING) and self.expires > self.loop.now

    def _set_timer(self, ms: int, call: Any) -> None:
        self.loop.drop(self._timer)
        self._timer = self.loop.after(ms, call)

    def has_given_up(self, xid: bytes) -> bool:
        """Has it declined or released since what it asked for by this xid?"""
        return xid in self._given_up

    # Coming and going

    def switch_on(self) -> None:
        if self.state != OFF:
            return
        self.wanted_since = self.loop.now
        self._leaving = self.loop.after(self.rng.randint(1, 2 * self.stays_s) * 1000, self.leave)
        if self.address != _NOBODY and not self.forgets:
            self._reboot()
        else:
            self.begin()

    def leave(self) -> None:
        if self.world.is_calm:
            return  # nobody goes or comes while the World waits for everybody to be served
        released = self.releases and self.is_bound
        if released:
            self._release()
        self.switch_off()
        wait_s = self.rng.randint(1, 2 * self.is_back_after_s)
        self._leaving = self.loop.after(1000 * max(wait_s, 4), self.switch_on)

    def switch_off(self) -> None:
        self.state = OFF
        self.loop.drop(self._timer)
        self.loop.drop(self._leaving)
        self._timer = None

    def _release(self) -> None:
        self.world.note(self.name, "releases %s" % dotted(self.address))
        self.world.judge.gave_up(self.hardware, self.address)
        self._send(RELEASE, option(54, self.server), to=self.server, ciaddr=self.address)
        self.address = _NOBODY

    # To an address

    def begin(self) -> None:
        """INIT."""
        self.world.judge.gave_up(self.hardware)
        self.state = SELECTING
        self._tries = 0
        self._began = self.loop.now
        self._new_xid()
        self._discover()

    def _discover(self) -> None:
        self.state = SELECTING
        self._offer = None
        self.world.judge.gave_up(self.hardware)
        asked = option(50, self.address) if self.address != _NOBODY and not self.forgets else b""
        self._send(DISCOVER, asked + self.wish)
        self._set_timer(self._retry_ms(), self._discover)
        self._tries += 1

    def _retry_ms(self) -> int:
        return 1000 * _RETRIES_S[min(self._tries, len(_RETRIES_S) - 1)] + self.rng.randint(-1000, 1000)

    def _select(self) -> None:
        offer = self._offer
        assert offer is not None
        if self.state != REQUESTING:
            self.state = REQUESTING
            self._tries = 0
        if self._tries == 3:
            self.begin()
            return
        self._ask(offer.address, option(50, offer.address) + option(54, offer.server))
        self._set_timer(self._retry_ms(), self._select)
        self._tries += 1

    def _reboot(self) -> None:
        """INIT-REBOOT."""
        if self.state != REBOOTING:
            self.state = REBOOTING
            self._tries = 0
            self._began = self.loop.now
            self._new_xid()
        if self._tries == 3:
            if self.expires > self.loop.now and self.rng.random() < 0.5:
                self._go_on()  # section 3.2: it may use the address for the rest of its lease
            else:
                self.begin()
            return
        self._ask(self.address, option(50, self.address))
        self._set_timer(self._retry_ms(), self._reboot)
        self._tries += 1

    def _go_on(self) -> None:
        self.state = BOUND
        self._set_timer(max((self.expires - self.loop.now) // 2, 1000), self._renew)

    def _ask(self, address: bytes, options: bytes, to: bytes = _NOBODY, ciaddr: bytes = _NOBODY) -> None:
        self.asked_for = address
        self.requests[self._xid] = address
        self._sent = self.loop.now
        self._send(REQUEST, options + self.wish, to, ciaddr)

    # Keeping it

    def _renew(self) -> None:
        """From T1 on; again at half of what is left until T2."""
        now = self.loop.now
        t2 = self._sent_bound + 875 * self.seconds
        if now >= t2:
            self._rebind()
            return
        if self.state != RENEWING:
            self.state = RENEWING
            self._new_xid()
        self._ask(self.address, b"", self.server, self.address)
        self._set_timer(max((t2 - now) // 2, 2000), self._renew)

    def _rebind(self) -> None:
        """From T2 on, whoever hears it; at the end of the lease the address is given up."""
        now = self.loop.now
        if now >= self.expires:
            self.world.note(self.name, "has lost %s: its lease is over" % dotted(self.address))
            self.wanted_since = now
            self.begin()
            return
        if self.state != REBINDING:
            self.state = REBINDING
            self._new_xid()
        self._ask(self.address, b"", _NOBODY, self.address)
        self._set_timer(min(max((self.expires - now) // 2, 2000), self.expires - now), self._rebind)

    # What comes in

    def hear(self, octets: bytes) -> None:
        reply = Reply(octets)
        if reply.xid != self._xid or self.state == OFF:
            return
        if reply.kind == OFFER and self.state == SELECTING:
            if self._offer is None:
                self._offer = reply
                self._set_timer(300 if self.takes_last_offer else 1, self._select)
            elif self.takes_last_offer:
                self._offer = reply
        elif reply.kind == NAK and self.state in (REQUESTING, REBOOTING, RENEWING, REBINDING):
            self.world.note(self.name, "is refused %s" % dotted(self.asked_for))
            self.address = _NOBODY
            self.loop.drop(self._timer)
            self.state = SELECTING
            self.world.judge.gave_up(self.hardware)
            self._set_timer(self.rng.randint(1, 1000), self.begin)
        elif reply.kind == ACK and self.state in (REQUESTING, REBOOTING, RENEWING, REBINDING):
            self._bound(reply)

    def _bound(self, reply: Reply) -> None:
        if reply.address != self.asked_for:
            return
        self.address, self.server, self.seconds = reply.address, reply.server, reply.seconds
        self._sent_bound = self._sent
        self.expires = self._sent + 1000 * self.seconds
        self.state = BOUND
        if self.declines and not self.world.is_calm and self.rng.random() < self.declines:
            self._decline()
            return
        self._set_timer(max(self._sent + 500 * self.seconds - self.loop.now, 1), self._renew)

    def _decline(self) -> None:
        self.world.note(self.name, "declines %s" % dotted(self.address))
        self.world.judge.gave_up(self.hardware, self.address)
        self._send(DECLINE, option(50, self.address) + option(54, self.server))
        self.address = _NOBODY
        self.state = SELECTING
        self._set_timer(10_000, self.begin)

    # Datagrams

    def _new_xid(self) -> None:
        self._xid = self.rng.getrandbits(32).to_bytes(4, "big")

    def _send(self, kind: int, options: bytes, to: bytes = _NOBODY, ciaddr: bytes = _NOBODY) -> None:
        if kind in (RELEASE, DECLINE):
            self._given_up.add(self._xid)
            self._new_xid()
        secs = (self.loop.now - self._began) // 1000 if kind in (DISCOVER, REQUEST) and to == _NOBODY else 0
        giaddr = self.world.relay_of(self.place) if to == _NOBODY else _NOBODY
        octets = message(kind, self.hardware, self._xid, self.options + options, secs, ciaddr, giaddr)
        if kind == DISCOVER:
            self.world.judge.discovered(self.hardware, secs, self.place)
        self.world.request(self, octets, to, kind)

    def __str__(self) -> str:
        return "%s (%s) %s %s" % (self.name, self.hardware.hex(":"), _NAMES[self.state], dotted(self.address))
