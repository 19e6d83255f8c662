"""Judges from outside: what servers say to clients and to each other is held against the safety properties.

The properties are those of the design, by its numbers; README.md says how each is seen, and what is excused.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

PARTNER_DOWN = 4

DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)
_BNDUPD, _BNDACK = 3, 4
_ADDRESS, _REJECT, _POTENTIAL = 2, 21, 18

SLACK_MS = 0
"""By which a lease may be over early: none."""
MCLT_SLACK_MS = 8000
"""A clock that is believed is followed by five seconds without a lease moving; and servers count in whole seconds."""


_HOLD_MS = 120_000  # so long an offer is held, and a client counts that was left to the partner
_AGAIN_MS = 2000  # who asks again after that was not answered, as far as a server knows,
_AGAIN_END_MS = 17_000  # up to this; then it begins anew


_CLOCKS_DIFFER_S = 60
_WHOLE_SECONDS_MS = 2000  # so much of our lease may be left when we believe a partner that it is over (bindings._OFF_S)


@dataclass
class Promise:
    """A client may use the address until then, by an ACK that has left a server."""

    until: int
    server: str
    excused: bool
    """It was given while the partner was in PARTNER-DOWN: what the draft (9.4.2) says must not be; or by a dhcpd, in doubt."""


@dataclass(frozen=True)
class Known:
    """A potential expiry, true ms, as a server has learned it: by a clock that was so much ahead, in that run."""

    potential: int
    ahead_s: int
    incarnation: int


def _known(server: Any, potential: int) -> Known:
    return Known(potential, server.ahead_s, server.incarnation)


class Stream:
    """Cuts one direction of a failover connection into messages."""

    def __init__(self) -> None:
        self._octets = bytearray()

    def messages(self, octets: bytes) -> list[bytes]:
        found = []
        self._octets += octets
        while len(self._octets) >= 12:
            n = self._octets[0] << 8 | self._octets[1]
            if n < 12 or len(self._octets) < n:
                break
            found.append(bytes(self._octets[:n]))
            del self._octets[:n]
        return found


def options_of(message: bytes) -> dict[int, bytes]:
    found, at = {}, message[3]
    while at + 4 <= len(message):
        code, n = int.from_bytes(message[at : at + 2], "big"), int.from_bytes(message[at + 2 : at + 4], "big")
        found[code] = message[at + 4 : at + 4 + n]
        at += 4 + n
    return found


class Judge:
    def __init__(self, world: Any, mclt: int, shared: set[bytes], lease_max: int) -> None:
        self.world = world
        self.loop = world.loop
        self.mclt = mclt
        self.lease_max = lease_max
        self.shared = shared
        """Addresses of pools that the two servers share, four octets each."""
        self.promises: dict[bytes, dict[bytes, Promise]] = {}
        self.contested: dict[bytes, int] = {}
        """Addresses about which an excused promise has collided with another: until when nothing is said of them."""
        self.agreed: dict[str, dict[bytes, Known]] = {}
        """By server and address: the latest potential expiry that both know, true ms."""
        self.told: dict[str, dict[bytes, Known]] = {}
        """The same, as the partner has said it: it may be in flash although the BNDACK was lost with the power."""
        self.offers: dict[tuple[str, bytes], int] = {}
        """By server and client: when it was offered something last, ms."""
        self.discovers: dict[bytes, tuple[list[int], int, str]] = {}
        """By client: when it has asked of late, the seconds that it says to have tried, and where."""
        self.weaknesses: Counter[str] = Counter()
        """What a dhcpd is known for, and is excused: how often, by the name that README.md has."""
        self.acks = self.excused = self.naks = 0

    # Servers to clients

    def replied(self, server: Any, kind: int, address: bytes, client: bytes, seconds: int, late: bool = False) -> None:
        """An OFFER, ACK or NAK has left a server.  For a NAK, `address` is what the client asked for.

        late: the client has declined or released the address since it asked, so it takes this ACK for none.
        """
        if kind == OFFER:
            self._offered(server, address, client)
        elif kind == ACK and seconds >= 0:
            self._acknowledged(server, address, client, seconds, late)
        elif kind == NAK:
            self.naks += 1
            promise = self.promises.get(address, {}).get(client)
            if promise and promise.until > self.loop.now and not promise.excused and not self._is_contested(address):
                self.world.violated(
                    "S6",
                    "%s refuses %s to %s, which holds it for another %.1f s"
                    % (server.name, dotted(address), client.hex(":"), (promise.until - self.loop.now) / 1000),
                )

    def _offered(self, server: Any, address: bytes, client: bytes) -> None:
        """In NORMAL a server leaves its partner's clients to it, unless it has to help."""
        now = self.loop.now
        before = self.offers.get((server.name, client), -_HOLD_MS)
        self.offers[server.name, client] = now
        asked = self.discovers.get(client)
        if address not in self.shared or asked is None or now - before < _HOLD_MS:
            return
        times, secs, place = asked
        limit_s = self.world.setting.load_balance_s
        if secs > limit_s or now - times[0] >= _AGAIN_MS or not server.leaves_to_partner(client):
            return
        waiting = sum(1 for began, _, _ in self.discovers.values() if now - began[0] < _HOLD_MS)
        free = self.world.other(server).free(place)
        if len(free) > waiting:
            self.world.violated(
                "S4",
                "%s offers %s to %s, whom its partner is to answer, with %d free addresses"
                % (server.name, dotted(address), client.hex(":"), len(free)),
            )

    def discovered(self, client: bytes, secs: int, place: str) -> None:
        """A client asks for an address, for the first time or again."""
        before = self.discovers.get(client, ([], 0, ""))[0]
        times = [at for at in before if self.loop.now - at <= _AGAIN_END_MS]
        self.discovers[client] = ([*times, self.loop.now], secs, place)

    def _acknowledged(self, server: Any, address: bytes, client: bytes, seconds: int, late: bool) -> None:
        now = self.loop.now
        self.acks += 1
        who = "%s acknowledges %s to %s for %d s" % (server.name, dotted(address), client.hex(":"), seconds)
        excused = address in self.shared and self.world.other(server).state == PARTNER_DOWN
        self.excused += excused
        doubt = server.in_doubt(address)
        if doubt and not excused:
            excused = True
            self.weaknesses[doubt] += 1
        held = self.promises.setdefault(address, {})
        for other, promise in list(held.items()):
            if other != client and promise.until > now + SLACK_MS:
                if excused or promise.excused:
                    self.contested[address] = max(self.contested.get(address, 0), promise.until, now + 1000 * seconds)
                elif not self._is_contested(address):
                    left = (promise.until - now) / 1000
                    self.world.violated(
                        "S1",
                        "%s while %s holds it from %s for another %.1f s" % (who, other.hex(":"), promise.server, left),
                    )
            if promise.until <= now:
                del held[other]
        held[client] = Promise(server.promised_until(seconds), server.name, excused)
        if self._is_contested(address):
            self.contested[address] = max(self.contested[address], now + 1000 * seconds)
        for elsewhere, others in self.promises.items():
            if elsewhere != address and not late:
                others.pop(client, None)
        if address in self.shared:
            self._is_within_mclt(server, address, client, seconds, who)
        self._is_durable(server, address, client, seconds, who)
        if late:
            del held[client]

    def _is_contested(self, address: bytes) -> bool:
        return self.contested.get(address, 0) > self.loop.now

    def _is_within_mclt(self, server: Any, address: bytes, client: bytes, seconds: int, who: str) -> None:
        now = self.loop.now
        agreed = now
        for known in (self.agreed, self.told):
            if address in known.get(server.name, {}):
                agreed = max(agreed, self._as_it_knows(server, known[server.name][address]))
        over = now + 1000 * seconds - agreed - 1000 * self.mclt
        by_itself, weakness = server.agreed_by_itself(address)
        if over > MCLT_SLACK_MS and over <= by_itself - agreed + MCLT_SLACK_MS:
            self.weaknesses[weakness] += 1
            self.promises[address][client].until -= over
        elif over > MCLT_SLACK_MS:
            self.world.violated("S3", "%s: %.1f s beyond MCLT after what the partner agreed to" % (who, over / 1000))
        if seconds > self.lease_max:
            self.world.violated("S3", "%s, more than the configuration allows" % who)

    @staticmethod
    def _as_it_knows(server: Any, known: Known) -> int:
        """The potential expiry, later if the server's clock was set back over a restart, which it cannot know."""
        back_s = known.ahead_s - server.ahead_s
        if server.incarnation == known.incarnation or back_s <= 0:
            return known.potential
        return known.potential + 1000 * min(back_s, _CLOCKS_DIFFER_S)

    def _is_durable(self, server: Any, address: bytes, client: bytes, seconds: int, who: str) -> None:
        kept = server.kept(address)
        if kept is None:
            return
        state, hardware, ends = kept
        if state != 2 or hardware != client or ends < server.project_s + seconds - 1:
            self.world.violated(
                "S2",
                "%s; in flash it is in state %d, of %s until %d, now %d"
                % (who, state, hardware.hex(":"), ends, server.project_s),
            )

    def shortened(self, server: Any, address: bytes, until: int, weakness: str) -> None:
        """A dhcpd forgets, as it is known to, that it has given the address for longer than until then, true ms."""
        for promise in self.promises.get(address, {}).values():
            if promise.server == server.name and promise.until > max(until, self.loop.now):
                promise.until = until
                self.weaknesses[weakness] += 1

    def is_over(self, address: bytes, weakness: str) -> None:
        """A dhcpd says that a lease is over, by two clocks that are read in whole seconds: what is left of these is excused."""
        for promise in self.promises.get(address, {}).values():
            if 0 < promise.until - self.loop.now <= _WHOLE_SECONDS_MS:
                promise.until = self.loop.now
                self.weaknesses[weakness] += 1

    # Clients

    def gave_up(self, client: bytes, address: bytes | None = None) -> None:
        """The client has begun anew, or released or declined its address."""
        for elsewhere, held in self.promises.items():
            if address is None or elsewhere == address:
                held.pop(client, None)

    def holds(self, client: bytes, address: bytes) -> bool:
        promise = self.promises.get(address, {}).get(client)
        return promise is not None and promise.until > self.loop.now

    # Servers to each other

    def said(self, end: Any, octets: bytes) -> None:
        """Octets that a server has written to its connection."""
        notes = end.notes
        if notes is None:
            notes = end.notes = Notes()
        for message in notes.said.messages(octets):
            kind = message[2]
            if kind == _BNDUPD:
                told = options_of(message)
                # In the sender's time, which its header tells: its clock may have been set since it wrote this.
                left = int.from_bytes(told.get(_POTENTIAL, b""), "big") - int.from_bytes(message[4:8], "big")
                true = self.loop.now + 1000 * left
                notes.updates[message[8:12]] = (told.get(_ADDRESS, b""), true)
            elif kind == _BNDACK and _REJECT not in options_of(message):
                self._agree(end.server, end.other, message)
            elif kind == _BNDACK and message[8:12] in notes.before:
                address, known = notes.before.pop(message[8:12])
                self.told[end.server.name][address] = known  # what it has refused changes nothing

    def heard(self, end: Any, octets: bytes) -> None:
        """Octets that a server has read from its connection."""
        notes = end.notes
        if notes is None:
            notes = end.notes = Notes()
        for message in notes.heard.messages(octets):
            if message[2] == _BNDACK and _REJECT not in options_of(message):
                self._agree(end.server, end, message)
            elif message[2] == _BNDUPD and end.other.notes is not None and message[8:12] in end.other.notes.updates:
                address, potential = end.other.notes.updates[message[8:12]]
                told = self.told.setdefault(end.server.name, {})
                notes.before[message[8:12]] = address, told.get(address, _known(end.server, 0))
                told[address] = _known(end.server, potential)

    def _agree(self, server: Any, teller: Any, ack: bytes) -> None:
        if teller.notes is not None and ack[8:12] in teller.notes.updates:
            address, potential = teller.notes.updates[ack[8:12]]
            self.agreed.setdefault(server.name, {})[address] = _known(server, potential)

    def is_corrected(self, seconds: int) -> None:
        """A clock was set forward, and its board ends before it has noticed: its leases then look so much older."""
        for held in self.promises.values():
            for promise in held.values():
                promise.until -= 1000 * seconds

    def lost_data(self, server: Any) -> None:
        self.agreed.pop(server.name, None)
        self.told.pop(server.name, None)


class Notes:
    """What one end of a connection has said and heard."""

    def __init__(self) -> None:
        self.said = Stream()
        self.heard = Stream()
        self.updates: dict[bytes, tuple[bytes, int]] = {}
        """By xid: the address, and its potential expiry, true ms."""
        self.before: dict[bytes, tuple[bytes, Known]] = {}
        """By xid, of what was heard: the address, and what was known before."""


def dotted(address: bytes) -> str:
    return ".".join(str(octet) for octet in address)
