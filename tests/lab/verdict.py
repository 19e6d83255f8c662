"""Judges what a pair of DHCP servers has told its clients, from outside: no server is asked, no log is read.

The rules are those that must hold whatever happens to the pair:

- an address that one client holds is not acknowledged to another. A client holds what was acknowledged to it until the
  lease ends, or until its RELEASE or DECLINE has passed the cable of a server;
- no NAK for an address that the client holds;
- a client that holds an address is not moved to another one;
- no lease is longer than configured, or than MCLT allows: at most MCLT beyond what the partner can have agreed to. What it
  can have agreed to is seen from outside: each ACK offers it a potential expiry (grant + wanted time + half of the granted
  time, failover reference 5.6), and that counts from the ACK if the servers can speak with each other, otherwise from when
  they can again. An address that was never acknowledged before gets at most MCLT;
- no lease is shorter than both MCLT and what is configured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from . import packet
from .packet import ACK, DECLINE, NAK, RELEASE, REQUEST, Message
from .witness import Event

ROUNDING_S = 2
"""Servers count in whole seconds, and a board reads its clock once a second."""


@dataclass(frozen=True)
class Rules:
    """What the configuration says, in seconds."""

    lease_s: int
    mclt_s: int


@dataclass
class Address:
    """What is known from outside about one address."""

    client: bytes = b""
    ends: float = 0.0
    agreed: float = 0.0
    """The latest potential expiry that both servers can know."""
    untold: list[tuple[float, float]] = field(default_factory=list)
    """Potential expiries that the other server cannot know yet: (Unix seconds from when it can, potential expiry)."""

    def agreed_at(self, now: float) -> float:
        """The latest potential expiry that both can know by now."""
        self.agreed = max([self.agreed] + [expiry for since, expiry in self.untold if since <= now])
        self.untold = [one for one in self.untold if one[0] > now]
        return self.agreed


@dataclass
class Verdict:
    """Goes through the events in their order; `violations` are sentences."""

    rules: Rules
    separations: Sequence[Sequence[float]] = ()
    violations: list[str] = field(default_factory=list)
    acks: int = 0
    addresses: dict[str, Address] = field(default_factory=dict)
    promised: dict[bytes, tuple[str, float]] = field(default_factory=dict)
    """What each client was told last: its address, and until when, Unix seconds."""
    asked: dict[tuple[int, bytes], str] = field(default_factory=dict)
    """The address of each REQUEST, by transaction and client."""

    def judge(self, events: Sequence[Event]) -> list[str]:
        """Judge a whole run."""
        for event in events:
            message = event.message
            if not event.from_server:
                self._client(message)
            elif message.kind == ACK and message.yiaddr != "0.0.0.0" and message.get(packet.LEASE) is not None:
                self._acknowledged(event, message)
            elif message.kind == NAK:
                self._refused(event, message)
        return self.violations

    def _client(self, message: Message) -> None:
        """A client's word on its way to a server."""
        address = message.ciaddr
        if address == "0.0.0.0":
            address = packet.dotted(message.get(packet.REQUESTED) or bytes(4))
        if message.kind == REQUEST:
            self.asked[message.xid, message.chaddr] = address
        elif message.kind in (RELEASE, DECLINE):
            known = self.addresses.get(address)
            if known is not None and known.client == message.chaddr:
                known.ends = 0.0
            if self.promised.get(message.chaddr, ("",))[0] == address:
                del self.promised[message.chaddr]

    def _acknowledged(self, event: Event, message: Message) -> None:
        self.acks += 1
        known = self.addresses.setdefault(message.yiaddr, Address())
        who = f"{event.at:.2f} {event.server}: {message.yiaddr} acknowledged to {message.chaddr.hex(':')}"
        if known.client != message.chaddr and known.ends > event.at + ROUNDING_S:
            self._violated(f"{who} while {known.client.hex(':')} holds it for another {known.ends - event.at:.1f} s")
        before, ends = self.promised.get(message.chaddr, ("", 0.0))
        if before != message.yiaddr and ends > event.at + ROUNDING_S:
            self._violated(f"{who}, which holds {before} for another {ends - event.at:.1f} s")
        granted = int.from_bytes(message.get(packet.LEASE) or b"", "big")
        self._lease_time(event, known, granted, who)
        potential = event.at + self.rules.lease_s + granted / 2
        known.untold.append((self._told_at(event.at), potential))
        known.client, known.ends = message.chaddr, event.at + granted
        self.promised[message.chaddr] = (message.yiaddr, known.ends)

    def _lease_time(self, event: Event, known: Address, granted: int, who: str) -> None:
        """The MCLT rule, and that nobody gets less than it allows."""
        wanted, mclt = self.rules.lease_s, self.rules.mclt_s
        most = min(wanted, max(known.agreed_at(event.at) - event.at, 0) + mclt)
        if granted > most + (ROUNDING_S if most < wanted else 0):
            self._violated(f"{who} for {granted} s, at most {most:.1f} s are allowed (MCLT {mclt})")
        if granted < min(wanted, mclt):
            self._violated(f"{who} for {granted} s, less than MCLT and what is configured")

    def _refused(self, event: Event, message: Message) -> None:
        address = self.asked.get((message.xid, message.chaddr), "")
        held, ends = self.promised.get(message.chaddr, ("", 0.0))
        if address == held and ends > event.at + ROUNDING_S:
            who = f"{event.at:.2f} {event.server}: {message.chaddr.hex(':')} refused {address}"
            self._violated(f"{who}, which it holds for another {ends - event.at:.1f} s")

    def _told_at(self, now: float) -> float:
        """From when on the other server can know what this one says now."""
        for begin, *end in self.separations:
            if begin <= now and (not end or now < end[0]):
                return end[0] if end else float("inf")
        return now

    def _violated(self, sentence: str) -> None:
        self.violations.append(sentence)
