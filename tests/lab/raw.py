"""A scripted client and a scripted relay agent: they send what the test says, and hear everything.

How silence is heard without waiting for luck: after the message, a client that always gets an answer (the fence) asks
twice. Servers answer in order; when both fences have been answered and the message has not, there is no answer.
"""

from __future__ import annotations

import itertools
import select
import socket
import time
from dataclasses import dataclass
from types import TracebackType

from . import packet
from .net import Host, packet_socket, udp_socket
from .packet import Datagram, Message

EVERYONE = b"\xff" * 6
ANYWHERE = "255.255.255.255"
FENCE_MAC = bytes.fromhex("02fe00000001")
FENCE = f"host fence {{ hardware ethernet {FENCE_MAC.hex(':')}; fixed-address 10.77.0.250, 10.78.0.250; }}\n"
"""Belongs into every configuration that a `Raw` is used with."""


@dataclass(frozen=True)
class Heard:
    """An answer, and how it came."""

    datagram: Datagram
    message: Message


class Raw:
    """Clients on one wire, any number of hardware addresses, sending frames as they like."""

    def __init__(self, host: Host, server_mac: bytes = EVERYONE) -> None:
        self.host = host
        self.server_mac = server_mac
        self.xids = itertools.count(0x51000000)
        self.owned: dict[str, bytes] = {}
        """Addresses that we answer ARP for, and with which hardware address."""

    def __enter__(self) -> Raw:
        self.socket = packet_socket(self.host)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(
        self, message: Message, src: str = "0.0.0.0", dst: str = ANYWHERE, size: int = 300, sport: int = 68
    ) -> None:
        """Put one message on the wire, as its client would."""
        to = EVERYONE if dst == ANYWHERE else self.server_mac
        hardware = message.chaddr[:6].ljust(6, b"\0")
        self.socket.send(packet.frame(message.encode(size), hardware, to, src, dst, sport, 67))

    def hear(self, limit_s: float) -> Heard | None:
        """The next answer of any server, or None at the limit; ARP is answered on the way."""
        end = time.monotonic() + limit_s
        while True:
            ready, _, _ = select.select([self.socket], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                return None
            data = self.socket.recv(65535)
            self._answer_arp(data)
            datagram = packet.read_frame(data)
            if datagram is not None and datagram.sport == 67 and datagram.dport in (67, 68):
                message = packet.decode(datagram.payload)
                if message.op == 2:
                    return Heard(datagram, message)

    def _answer_arp(self, data: bytes) -> None:
        """Answer as the owner of an address would."""
        if data[12:14] == b"\x08\x06" and data[20:22] == b"\0\x01" and packet.dotted(data[38:42]) in self.owned:
            mine = self.owned[packet.dotted(data[38:42])]
            asker = data[22:32]
            self.socket.send(asker[:6] + mine + b"\x08\x06\0\x01\x08\0\x06\x04\0\x02" + mine + data[38:42] + asker)

    def ask(self, message: Message, limit_s: float = 10.0, **how: object) -> Heard | None:
        """Send a message and return its answer, None if there is none."""
        message.xid = message.xid or next(self.xids)
        self.send(message, **how)  # type: ignore[arg-type]
        answer: Heard | None = None
        for _ in range(2):
            answer = self._until_fence(message.xid, limit_s) or answer
        return answer

    def _until_fence(self, xid: int, limit_s: float) -> Heard | None:
        """Let the fence ask, and listen until it is answered."""
        fence = Message(chaddr=FENCE_MAC, xid=next(self.xids), options=[(packet.TYPE, bytes([packet.DISCOVER]))])
        self.send(fence)
        answer: Heard | None = None
        while (heard := self.hear(limit_s)) is not None:
            if heard.message.xid == fence.xid:
                return answer
            if heard.message.xid == xid:
                answer = answer or heard
        raise TimeoutError(f"the fence got no answer within {limit_s:g} s: does the server serve at all?")


class Relay:
    """A relay agent for made-up clients: plain UDP between its address (giaddr) and the server.

    It hears the answers to all of its host's addresses, so a message may name another of them as giaddr.
    """

    def __init__(self, host: Host, address: str, server: str) -> None:
        self.host = host
        self.address = address
        self.server = server
        self.xids = itertools.count(0x52000000)

    def __enter__(self) -> Relay:
        self.socket: socket.socket = udp_socket(self.host, "0.0.0.0", 67)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, message: Message) -> None:
        """Pass a client's message on."""
        message.giaddr = self.address if message.giaddr == "0.0.0.0" else message.giaddr
        message.hops = 1
        message.xid = message.xid or next(self.xids)
        self.socket.sendto(message.encode(), (self.server, 67))

    def hear(self, limit_s: float) -> Heard | None:
        """The next message from the server, None at the limit. ICMP errors of a server that is off are no answer."""
        end = time.monotonic() + limit_s
        while select.select([self.socket], [], [], max(0.0, end - time.monotonic()))[0]:
            try:
                data, (source, port) = self.socket.recvfrom(65535)
            except ConnectionRefusedError:
                continue
            return Heard(Datagram(b"", b"", source, self.address, port, 67, data), packet.decode(data))
        return None

    def ask(self, message: Message, limit_s: float = 10.0, **how: object) -> Heard | None:
        """Pass a message on and return its answer, None if there is none: two fences tell."""
        self.send(message)
        answer: Heard | None = None
        for _ in range(2):
            fence = Message(chaddr=FENCE_MAC, options=[(packet.TYPE, bytes([packet.DISCOVER]))])
            self.send(fence)
            while (heard := self.hear(limit_s)) is not None and heard.message.xid != fence.xid:
                if heard.message.xid == message.xid:
                    answer = answer or heard
            if heard is None:
                raise TimeoutError(f"the fence got no answer within {limit_s:g} s: does the server serve at all?")
        return answer
