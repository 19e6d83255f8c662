"""A scripted conversation with a server, written down so that two servers' answers can be laid side by side."""

from __future__ import annotations

from dataclasses import dataclass, field

from . import packet
from .packet import ACK, DISCOVER, Message, Options
from .raw import Heard, Raw, Relay

ASK_ALL = bytes([1, 3, 6, 15, 51, 54, 58, 59])


@dataclass(frozen=True)
class Line:
    """One step: what was asked and what came."""

    step: str
    answer: str
    """The answer as it is compared: message, address, fields, options in order."""


@dataclass
class Play:
    """Clients who speak to one server. Every `say` becomes a line of the transcript."""

    raw: Raw | Relay
    server: str = "10.77.0.2"
    lines: list[Line] = field(default_factory=list)

    def say(self, step: str, message: Message, **how: object) -> Message | None:
        """Send a message; its answer is written down, and returned."""
        heard = self.raw.ask(message, **how)  # type: ignore[arg-type]
        self.lines.append(Line(step, self.write(heard)))
        return heard.message if heard else None

    @staticmethod
    def write(heard: Heard | None) -> str:
        """An answer in words. Where the frame went is left out: only one of the servers has raw frames."""
        return str(heard.message) if heard else "(silence)"

    def message(self, kind: int, hardware: bytes, *options: tuple[int, bytes], **fields: object) -> Message:
        """A client's message with the usual options: type, ours, and a parameter request list if there is none."""
        chosen: Options = [(packet.TYPE, bytes([kind])), *options]
        if kind in (packet.DISCOVER, packet.REQUEST, packet.INFORM) and not any(
            c == packet.PARAMETERS for c, _ in options
        ):
            chosen.append((packet.PARAMETERS, ASK_ALL))
        return Message(chaddr=hardware, options=chosen, **fields)  # type: ignore[arg-type]

    def own(self, address: str, hardware: bytes) -> None:
        """From now on a client of ours uses this address; on the wire itself somebody must answer ARP for it."""
        if isinstance(self.raw, Raw):
            self.raw.owned[address] = hardware

    def discover(self, step: str, hardware: bytes, *options: tuple[int, bytes], **fields: object) -> Message | None:
        """DISCOVER."""
        return self.say(step, self.message(DISCOVER, hardware, *options, **fields))

    def select(self, step: str, offer: Message, *options: tuple[int, bytes]) -> Message | None:
        """REQUEST the offered address from the server that offered it."""
        chosen = [(packet.REQUESTED, packet.ip4(offer.yiaddr)), (packet.SERVER_ID, offer.get(packet.SERVER_ID) or b"")]
        return self.say(step, self.message(packet.REQUEST, offer.chaddr, *chosen, *options))

    def obtain(self, step: str, hardware: bytes, *options: tuple[int, bytes]) -> Message:
        """The four-way exchange; must end with an ACK."""
        offer = self.discover(f"{step}: DISCOVER", hardware, *options)
        assert offer is not None and offer.kind == packet.OFFER, f"{step}: no OFFER but {offer}"
        ack = self.select(f"{step}: REQUEST", offer, *(o for o in options if o[0] != packet.REQUESTED))
        assert ack is not None and ack.kind == ACK, f"{step}: no ACK but {ack}"
        assert ack.yiaddr == offer.yiaddr
        return ack

    def reboot(self, step: str, hardware: bytes, address: str, *options: tuple[int, bytes]) -> Message | None:
        """INIT-REBOOT: is this still mine?"""
        return self.say(step, self.message(packet.REQUEST, hardware, (packet.REQUESTED, packet.ip4(address)), *options))

    def renew(self, step: str, hardware: bytes, address: str, *options: tuple[int, bytes]) -> Message | None:
        """RENEWING, by unicast."""
        self.own(address, hardware)
        ask = self.message(packet.REQUEST, hardware, *options, ciaddr=address)
        return self.say(step, ask, src=address, dst=self.server)

    def rebind(self, step: str, hardware: bytes, address: str, *options: tuple[int, bytes]) -> Message | None:
        """REBINDING, to everybody."""
        self.own(address, hardware)
        return self.say(step, self.message(packet.REQUEST, hardware, *options, ciaddr=address), src=address)

    def inform(self, step: str, hardware: bytes, address: str, *options: tuple[int, bytes]) -> Message | None:
        """INFORM: I have an address, tell me the rest."""
        self.own(address, hardware)
        return self.say(step, self.message(packet.INFORM, hardware, *options, ciaddr=address), src=address)

    def decline(self, step: str, ack: Message, *options: tuple[int, bytes]) -> Message | None:
        """DECLINE: somebody else has this address."""
        chosen = [(packet.REQUESTED, packet.ip4(ack.yiaddr)), (packet.SERVER_ID, packet.ip4(self.server))]
        return self.say(step, self.message(packet.DECLINE, ack.chaddr, *chosen, *options))

    def release(self, step: str, ack: Message, *options: tuple[int, bytes]) -> Message | None:
        """RELEASE, by unicast."""
        chosen = ((packet.SERVER_ID, packet.ip4(self.server)), *options)
        ask = self.message(packet.RELEASE, ack.chaddr, *chosen, ciaddr=ack.yiaddr)
        return self.say(step, ask, src=ack.yiaddr, dst=self.server)
