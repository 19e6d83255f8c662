"""A crowd of made-up clients behind a relay agent, and a ledger of every promise that a server made to them."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from . import packet
from .packet import ACK, DISCOVER, NAK, OFFER, RELEASE, REQUEST, Message, Options, ip4
from .raw import Relay

PATIENCE_S = 1.0
"""After this long without an answer a client starts anew, as a real one would (later)."""


@dataclass(frozen=True)
class Promise:
    """An address that a server acknowledged."""

    address: str
    client: int
    ends_unix: float
    """The lease lasts at least until then: counted from when the client asked."""


class Broken(AssertionError):
    """A promise was not kept."""


@dataclass
class Ledger:
    """What has been acknowledged and not given back. It checks each new ACK against all others."""

    by_address: dict[str, Promise] = field(default_factory=dict)
    by_client: dict[int, Promise] = field(default_factory=dict)
    acks: int = 0

    def acknowledged(self, promise: Promise, now: float) -> None:
        """A client has received an ACK."""
        self.acks += 1
        other = self.by_address.get(promise.address)
        if other is not None and other.client != promise.client and other.ends_unix > now:
            raise Broken(
                f"{promise.address} acknowledged to client {promise.client} while client {other.client} holds it "
                f"for another {other.ends_unix - now:.0f} s"
            )
        mine = self.by_client.get(promise.client)
        if mine is not None and mine.address != promise.address and mine.ends_unix > now:
            raise Broken(f"client {promise.client} holds {mine.address} but was moved to {promise.address}: lost lease")
        self.by_address[promise.address] = self.by_client[promise.client] = promise

    def refused(self, client: int, now: float) -> None:
        """A client has received a NAK for its own address."""
        mine = self.by_client.get(client)
        if mine is not None and mine.ends_unix > now:
            raise Broken(
                f"client {client} was refused {mine.address}, which it holds for another {mine.ends_unix - now:.0f} s"
            )

    def given_back(self, client: int) -> None:
        """A client gives its address back; from now on nothing is promised about it."""
        mine = self.by_client.pop(client, None)
        if mine is not None:
            del self.by_address[mine.address]

    def promises(self) -> list[Promise]:
        """All that must hold now."""
        return list(self.by_address.values())


@dataclass
class _Waiting:
    """What a client waits for."""

    client: int
    asked_at: float
    asked_unix: float
    own: bool
    """It asked for the address that it holds: a NAK would break a promise."""


class Crowd:
    """Clients 0 … n-1. Every third one has a client identifier. What they do next is up to the seed."""

    def __init__(self, relay: Relay, count: int, chance: random.Random, ledger: Ledger, releases: bool = True) -> None:
        self.relay = relay
        self.chance = chance
        self.ledger = ledger
        self.idle = list(range(count))
        self.waiting: dict[int, _Waiting] = {}
        self.releases = releases
        self.unanswered = 0

    @staticmethod
    def hardware(client: int) -> bytes:
        """A client's hardware address."""
        return packet.mac(client + 1)

    @staticmethod
    def identity(client: int) -> Options:
        """A client's identifier option, if it has one."""
        return [(packet.CLIENT_ID, b"\x00box-%d" % client)] if client % 3 == 0 else []

    def message(self, kind: int, client: int, options: Options, ciaddr: str = "0.0.0.0") -> Message:
        """A client's message."""
        chosen = [(packet.TYPE, bytes([kind])), *options, *self.identity(client)]
        return Message(chaddr=self.hardware(client), ciaddr=ciaddr, options=chosen)

    def run(self, seconds: float, window: int = 12) -> None:
        """Let the crowd live for so long, with so many clients waiting for an answer at any time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._give_up_waiting()
            while self.idle and len(self.waiting) < window:
                self._act(self.idle.pop(self.chance.randrange(len(self.idle))))
            heard = self.relay.hear(min(0.05, max(0.0, end - time.monotonic())))
            if heard is not None:
                self._hear(heard.message)

    def forget_waiting(self) -> None:
        """The server has been off: nobody waits any more; answers that still come are read and count as promises."""
        while (heard := self.relay.hear(0.0)) is not None:
            self._hear(heard.message, go_on=False)
        self.idle += [w.client for w in self.waiting.values()]
        self.waiting.clear()

    def reclaim(self, clients: Iterable[int], limit_s: float = 60.0) -> None:
        """These clients, who hold addresses, reboot and ask for them, one by one; each must get its own."""
        for client in clients:
            mine = self.ledger.by_client[client]
            self.idle.remove(client)
            self._send(client, self.message(REQUEST, client, [(packet.REQUESTED, ip4(mine.address))]), own=True)
            end = time.monotonic() + limit_s
            while self.waiting:
                heard = self.relay.hear(max(0.0, end - time.monotonic()))
                if heard is None:
                    raise Broken(f"client {client} asked for its own {mine.address} and got no answer in {limit_s:g} s")
                self._hear(heard.message, go_on=False)

    def _give_up_waiting(self) -> None:
        """Clients that waited too long start anew."""
        limit = time.monotonic() - PATIENCE_S
        for xid in [x for x, w in self.waiting.items() if w.asked_at < limit]:
            self.idle.append(self.waiting.pop(xid).client)
            self.unanswered += 1

    def _act(self, client: int) -> None:
        """One client does something."""
        mine = self.ledger.by_client.get(client)
        draw = self.chance.random()
        if mine is None or draw < 0.2:
            self._send(client, self.message(DISCOVER, client, []))
        elif draw < 0.7:
            self._send(client, self.message(REQUEST, client, [], ciaddr=mine.address), own=True)
        elif draw < 0.92 or not self.releases:
            self._send(client, self.message(REQUEST, client, [(packet.REQUESTED, ip4(mine.address))]), own=True)
        else:
            self.ledger.given_back(client)
            server = [(packet.SERVER_ID, ip4(self.relay.server))]
            self.relay.send(self.message(RELEASE, client, server, ciaddr=mine.address))
            self.idle.append(client)

    def _send(self, client: int, message: Message, own: bool = False) -> None:
        """Send, and remember who waits."""
        asked_unix = time.time()
        self.relay.send(message)
        self.waiting[message.xid] = _Waiting(client, time.monotonic(), asked_unix, own)

    def _hear(self, heard: Message, go_on: bool = True) -> None:
        """An answer: accept an offer, enter an ACK into the ledger, or start anew."""
        waiting = self.waiting.pop(heard.xid, None)
        if waiting is None:
            return  # an answer to somebody who gave up
        client = waiting.client
        if heard.kind == OFFER and go_on:
            chosen = [(packet.REQUESTED, ip4(heard.yiaddr)), (packet.SERVER_ID, heard.get(packet.SERVER_ID) or b"")]
            self._send(client, self.message(REQUEST, client, chosen))
            return
        self.idle.append(client)
        if heard.kind == ACK:
            lease_s = int.from_bytes(heard.get(packet.LEASE) or b"", "big")
            promise = Promise(heard.yiaddr, client, waiting.asked_unix + lease_s)
            self.ledger.acknowledged(promise, time.time())
        elif heard.kind == NAK and waiting.own:
            self.ledger.refused(client, time.time())


__all__ = ["Broken", "Crowd", "Ledger", "Promise"]
