"""Hears every DHCP datagram of two servers from outside, at the switches' ends of their cables. verdict.py judges it."""

from __future__ import annotations

import selectors
import socket
import struct
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType

from . import packet
from .net import Host, packet_socket
from .packet import Malformed, Message

_SO_TIMESTAMPNS = 35
_PACKET_OUTGOING = 4


@dataclass(frozen=True)
class Event:
    """One datagram at a server's cable: when the kernel saw it (Unix seconds), whose cable, and which way."""

    at: float
    server: str
    from_server: bool
    message: Message


class Witness:
    """Listens while its context is open. `ports` are the switches' ends of the cables, by server."""

    def __init__(self, ports: Mapping[str, Host]) -> None:
        self.ports = ports
        self.events: list[Event] = []
        self.malformed: list[str] = []
        self.separations: list[list[float]] = []
        """From when to when the servers could not tell each other anything, Unix seconds; the last may be open."""

    def __enter__(self) -> Witness:
        self._over = threading.Event()
        self._ears = selectors.DefaultSelector()
        for server, port in self.ports.items():
            ear = packet_socket(port)
            ear.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            ear.setblocking(False)
            self._ears.register(ear, selectors.EVENT_READ, server)
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        for key in list(self._ears.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._ears.close()

    def parted(self) -> None:
        """From now on the servers cannot tell each other anything. Call it after the fault has been made."""
        if not self.separations or len(self.separations[-1]) == 2:
            self.separations.append([time.time()])

    def united(self) -> None:
        """From now on they can. Call it before the fault is mended."""
        if self.separations and len(self.separations[-1]) == 1:
            self.separations[-1].append(time.time())

    def heard(self) -> list[Event]:
        """All events so far, in order of time."""
        return sorted(self.events, key=lambda event: event.at)

    def answers(self, kind: int, server: str | None = None) -> list[Event]:
        """What servers (or this one) have sent of one kind, so far."""
        return [e for e in self.heard() if e.from_server and e.message.kind == kind and server in (None, e.server)]

    def heard_by_both(self) -> set[str]:
        """Addresses that both servers have acknowledged, or whose client both have heard decline them."""
        found: dict[str, set[str]] = {server: set() for server in self.ports}
        for event in self.heard():
            message = event.message
            if event.from_server and message.kind == packet.ACK:
                found[event.server].add(message.yiaddr)
            elif not event.from_server and message.kind == packet.DECLINE:
                found[event.server].add(packet.dotted(message.get(packet.REQUESTED) or bytes(4)))
        return set.intersection(*found.values())

    def acknowledged_apart(self) -> set[str]:
        """Addresses that were acknowledged while the servers could not speak with each other."""

        def apart(at: float) -> bool:
            return any(begin <= at and (not end or at < end[0]) for begin, *end in self.separations)

        return {e.message.yiaddr for e in self.answers(packet.ACK) if apart(e.at)}

    def changed_twice(self, within_s: float = 5.0) -> set[str]:
        """Addresses that were acknowledged or released twice within so long a time: longer than an update is on its way."""
        last: dict[str, float] = {}
        found = set()
        for event in self.heard():
            message = event.message
            if event.from_server and message.kind == packet.ACK:
                address = message.yiaddr
            elif not event.from_server and message.kind == packet.RELEASE:
                address = message.ciaddr
            else:
                continue
            if event.at - last.get(address, 0.0) < within_s:
                found.add(address)
            last[address] = event.at
        return found

    def _listen(self) -> None:
        """Read until told that it is over and nothing is left to read."""
        while True:
            ready = self._ears.select(0.05)
            if not ready and self._over.is_set():
                return
            for key, _ in ready:
                self._hear(key.fileobj, key.data)  # type: ignore[arg-type]

    def _hear(self, ear: socket.socket, server: str) -> None:
        """Read one frame, keep it if it is DHCP."""
        try:
            data, told, _, where = ear.recvmsg(65535, 64)
        except OSError:
            return  # the interface went down; what it hears later is read later
        datagram = packet.read_frame(data)
        if datagram is None or not {datagram.sport, datagram.dport} & {67, 68} or not self._wanted(datagram.payload):
            return
        at = next((_unix(value) for level, kind, value in told if kind == _SO_TIMESTAMPNS), time.time())
        from_server = where[2] != _PACKET_OUTGOING
        try:
            message = packet.decode(datagram.payload)
        except Malformed as bad:
            if from_server:
                self.malformed.append(f"{server}: {bad}")
            return
        self._keep(Event(at, server, from_server, message))

    def _wanted(self, payload: bytes) -> bool:
        """Whether to look into this datagram."""
        return True

    def _keep(self, event: Event) -> None:
        """One more event."""
        self.events.append(event)


def _unix(timespec: bytes) -> float:
    seconds, nanos = struct.unpack("@ll", timespec)
    return float(seconds) + nanos / 1e9
