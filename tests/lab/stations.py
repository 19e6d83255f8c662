"""Scripted DHCP clients on the two switches of a site: they ask, ask again after a while as real ones do, and keep their leases.

A client asks with broadcasts, renews with a unicast to the server that gave it the lease, and turns to everybody when that
one does not answer. What each was given stands in `leases`. One thread plays them all, so hundreds take seconds.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType, TracebackType

from . import packet
from .packet import ACK, DECLINE, DISCOVER, NAK, OFFER, RELEASE, REQUEST, Message, Options, ip4
from .raw import Raw
from .site import Site

RETRY_S = (1.0, 2.0, 4.0, 4.0)
"""After how long a client asks again, the first time, the second time …; the last one for ever."""
WINDOW = 16
NOBODY_WAITS: Mapping[int, float] = MappingProxyType({})


@dataclass(frozen=True)
class Lease:
    """What a client was given."""

    address: str
    server: str
    lease_s: int
    waited_s: float
    """From the client's first word to the ACK."""
    tries: int
    """How many times it had to begin anew or ask again."""
    asked_at: float
    """When it said its first word, as time.monotonic() has it."""


class Unanswered(AssertionError):
    """Clients got no lease, or not the one that they hold."""


@dataclass
class Talk:
    """One client's exchange with the servers."""

    number: int
    kind: str
    """What it is after: obtain, renew (unicast), rebind, reboot."""
    began: float
    due: float
    xid: int = 0
    tries: int = 0
    offer: Message | None = None


class Stations:
    """Clients 1, 2, 3 …; every third has a client identifier. A context manager that opens the sockets."""

    def __init__(self, site: Site, retry_s: Sequence[float] = RETRY_S, name: int = 0) -> None:
        self.site = site
        self.retry_s = retry_s
        self.leases: dict[int, Lease] = {}
        self.tells: dict[int, Options] = {}
        """What a client says of itself besides, by its number: a host name."""
        self.prefix = f"0200{name:02x}"
        self.macs = {ip: host.mac for host in site.servers.values() for ip in [host.addresses[0].split("/")[0]]}

    def __enter__(self) -> Stations:
        self.raws = {at: Raw(host) for at, host in self.site.clients.items()}
        for raw in self.raws.values():
            raw.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for raw in self.raws.values():
            raw.__exit__(kind, error, trace)

    def mac(self, number: int) -> bytes:
        """A client's hardware address."""
        return packet.mac(number, self.prefix)

    def identity(self, number: int) -> Options:
        """A client's identifier option, if it has one."""
        return [(packet.CLIENT_ID, b"\x00box-%d" % number)] if number % 3 == 0 else []

    def balance_key(self, number: int) -> bytes:
        """What RFC 3074 hashes of this client."""
        return self.identity(number)[0][1] if self.identity(number) else self.mac(number)

    # What clients do

    def obtain(
        self,
        numbers: Iterable[int],
        at: str = "a",
        limit_s: float = 60.0,
        window: int = WINDOW,
        start_s: Mapping[int, float] = NOBODY_WAITS,
    ) -> None:
        """These clients, who have no address (or forgot it), get a lease: DISCOVER, and so on.

        `start_s`: who begins how much later than the first; to be named in this order.
        """
        self._play("obtain", numbers, at, limit_s, window, start_s)

    def renew(self, numbers: Iterable[int], at: str = "a", limit_s: float = 60.0) -> None:
        """They renew with their server; if that does not answer within a second, with anybody."""
        self._play("renew", numbers, at, limit_s)

    def rebind(self, numbers: Iterable[int], at: str = "a", limit_s: float = 60.0) -> None:
        """They ask everybody to go on with their leases."""
        self._play("rebind", numbers, at, limit_s)

    def reboot(self, numbers: Iterable[int], at: str = "a", limit_s: float = 60.0) -> None:
        """They start again and ask everybody for the address that they had."""
        self._play("reboot", numbers, at, limit_s)

    def release(self, numbers: Iterable[int], at: str = "a") -> None:
        """They give their addresses back, to the server that gave them. Nobody answers a RELEASE."""
        for number in numbers:
            lease = self.leases.pop(number)
            message = self._message(RELEASE, number, [(packet.SERVER_ID, ip4(lease.server))], lease.address)
            self._unicast(self.raws[at], message, lease)
            self._disown(lease.address)

    def decline(self, numbers: Iterable[int], at: str = "a") -> None:
        """They find their addresses in use by somebody else."""
        for number in numbers:
            lease = self.leases.pop(number)
            told = [(packet.REQUESTED, ip4(lease.address)), (packet.SERVER_ID, ip4(lease.server))]
            message = self._message(DECLINE, number, told)
            message.xid = next(self.raws[at].xids)
            self.raws[at].send(message)
            self._disown(lease.address)

    def ask_in_vain(self, number: int, at: str = "a", for_s: float = 5.0) -> None:
        """A new client asks for so long, and must get nothing."""
        try:
            self.obtain([number], at, for_s)
        except Unanswered:
            return
        raise AssertionError(f"client {number} got {self.leases[number]}, and nobody was to serve it")

    # The play

    def _play(
        self,
        kind: str,
        numbers: Iterable[int],
        at: str,
        limit_s: float,
        window: int = WINDOW,
        start_s: Mapping[int, float] = NOBODY_WAITS,
    ) -> None:
        """Let so many clients at a time talk until all have what they want."""
        raw = self.raws[at]
        while raw.hear(0.0) is not None:
            pass  # answers to earlier plays
        waiting = list(numbers)
        talks: dict[int, Talk] = {}
        began = time.monotonic()
        end = began + limit_s
        while waiting or talks:
            now = time.monotonic()
            if now > end:
                missing = sorted([t.number for t in talks.values()] + waiting)
                raise Unanswered(f"{kind} at {at}: no answer within {limit_s:g} s for clients {missing}")
            while waiting and len(talks) < window and began + start_s.get(waiting[0], 0.0) <= now:
                self._say(raw, Talk(waiting.pop(0), kind, now, now), talks)
            for talk in [t for t in talks.values() if t.due <= now]:
                del talks[talk.xid]
                talk.tries += 1
                talk.offer = None
                self._say(raw, talk, talks)
            until = min((t.due for t in talks.values()), default=end)
            if waiting and len(talks) < window:
                until = min(until, began + start_s.get(waiting[0], 0.0))
            heard = raw.hear(max(0.0, min(until, end) - time.monotonic()))
            if heard is not None and heard.message.xid in talks:
                self._hear(raw, talks[heard.message.xid], heard.message, talks)

    def _say(self, raw: Raw, talk: Talk, talks: dict[int, Talk]) -> None:
        """Send what the client has to say next, and set when it will ask again."""
        now = time.monotonic()
        number = talk.number
        if talk.kind == "obtain" and talk.offer is None:
            message = self._message(DISCOVER, number, [])
        elif talk.kind == "obtain":
            assert talk.offer is not None
            chosen = [
                (packet.REQUESTED, ip4(talk.offer.yiaddr)),
                (packet.SERVER_ID, talk.offer.get(packet.SERVER_ID) or b""),
            ]
            message = self._message(REQUEST, number, chosen)
        elif talk.kind == "reboot":
            message = self._message(REQUEST, number, [(packet.REQUESTED, ip4(self.leases[number].address))])
        else:
            message = self._message(REQUEST, number, [], self.leases[number].address)
        message.secs = int(now - talk.began)
        if talk.offer is None:
            talk.xid = next(raw.xids)
        message.xid = talk.xid
        talk.due = now + self.retry_s[min(talk.tries, len(self.retry_s) - 1)]
        talks[talk.xid] = talk
        if talk.kind == "renew" and talk.tries == 0:
            self._unicast(raw, message, self.leases[number])
        else:
            raw.send(message, src=message.ciaddr)

    def _hear(self, raw: Raw, talk: Talk, message: Message, talks: dict[int, Talk]) -> None:
        """One answer: take an offer, keep an ACK, begin anew after a NAK."""
        if message.kind == OFFER and talk.kind == "obtain" and talk.offer is None:
            talk.offer = message
            self._say(raw, talk, talks)
        elif message.kind == ACK:
            del talks[talk.xid]
            self._keep(talk, message)
        elif message.kind == NAK:
            del talks[talk.xid]
            if talk.kind != "obtain":
                raise Unanswered(f"client {talk.number} was refused {self.leases[talk.number].address} ({talk.kind})")
            talk.offer = None
            talk.tries += 1
            self._say(raw, talk, talks)

    def _keep(self, talk: Talk, ack: Message) -> None:
        """The client has a lease."""
        server = packet.dotted(ack.get(packet.SERVER_ID) or bytes(4))
        lease_s = int.from_bytes(ack.get(packet.LEASE) or b"", "big")
        held = self.leases.get(talk.number)
        if held is not None and talk.kind != "obtain" and held.address != ack.yiaddr:
            raise Unanswered(f"client {talk.number} held {held.address} and was given {ack.yiaddr} ({talk.kind})")
        waited_s = time.monotonic() - talk.began
        self.leases[talk.number] = Lease(ack.yiaddr, server, lease_s, waited_s, talk.tries, talk.began)
        for raw in self.raws.values():
            raw.owned[ack.yiaddr] = self.mac(talk.number)

    def _disown(self, address: str) -> None:
        for raw in self.raws.values():
            raw.owned.pop(address, None)

    def _unicast(self, raw: Raw, message: Message, lease: Lease) -> None:
        message.xid = message.xid or next(raw.xids)
        raw.server_mac = self.macs[lease.server]
        raw.send(message, src=lease.address, dst=lease.server)

    def _message(self, kind: int, number: int, options: Options, ciaddr: str = "0.0.0.0") -> Message:
        wants = [] if kind in (RELEASE, DECLINE) else [(packet.PARAMETERS, bytes([1, 3, 6, 15]))]
        told = self.tells.get(number, []) if wants else []
        chosen = [(packet.TYPE, bytes([kind])), *options, *self.identity(number), *told, *wants]
        return Message(chaddr=self.mac(number), ciaddr=ciaddr, options=chosen)
