"""What went over the wire: a capture into a pcap file, and a judge that lets tshark read every packet of our server."""

from __future__ import annotations

import json
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from . import packet
from .net import Host, packet_socket
from .tools import run


class Capture:
    """Writes all frames that one host sees to a pcap file while the context is open.

    It listens before `with` enters its body, and what has arrived when the body ends is in the file: nothing to wait for.
    """

    def __init__(self, host: Host, path: Path) -> None:
        self.host = host
        self.path = path

    def __enter__(self) -> Capture:
        self._socket = packet_socket(self.host)
        self._socket.settimeout(0.05)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._copy)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._socket.close()

    def _copy(self) -> None:
        """Copy frames until told that it is over and nothing is left to read."""
        with open(self.path, "wb", buffering=0) as out:  # a test may read it while it grows
            out.write(struct.pack("!IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
            while True:
                try:
                    data = self._socket.recv(65535)
                except TimeoutError:
                    if self._over.is_set():
                        return
                    continue
                now = time.time()
                out.write(struct.pack("!IIII", int(now), int(now % 1 * 1e6), len(data), len(data)) + data)


@dataclass(frozen=True)
class Seen:
    """One DHCP datagram of a capture."""

    at_s: float
    datagram: packet.Datagram
    message: packet.Message


def frames(path: Path) -> Iterator[tuple[float, bytes]]:
    """The frames of a capture and their times."""
    data = path.read_bytes()
    at = 24
    while at + 16 <= len(data):
        seconds, micros, size, _ = struct.unpack_from("!IIII", data, at)
        if at + 16 + size > len(data):
            return
        yield seconds + micros / 1e6, data[at + 16 : at + 16 + size]
        at += 16 + size


def dhcp(path: Path) -> Iterator[Seen]:
    """The DHCP datagrams of a capture."""
    for at_s, data in frames(path):
        datagram = packet.read_frame(data)
        if datagram is not None and {datagram.sport, datagram.dport} & {67, 68}:
            yield Seen(at_s, datagram, packet.decode(datagram.payload))


@dataclass(frozen=True)
class Verdict:
    """What tshark thinks of a server's packets."""

    packets: int
    complaints: list[str]


def judge(path: Path, server: str) -> Verdict:
    """Let tshark dissect every DHCP packet that came from this address; list what it finds malformed, wrong or suspicious.

    Checksums are not looked at: between two namespaces the kernel leaves them to hardware that is not there.
    """
    mine = f"ip.src == {server} && dhcp"
    count = run(["tshark", "-r", path, "-Y", mine, "-T", "fields", "-e", "frame.number"], 300).stdout.split()
    bad = f"{mine} && (_ws.malformed || _ws.expert.severity >= 6291456 || _ws.short || dhcp.option.end == 0)"
    found = run(
        ["tshark", "-r", path, "-Y", bad, "-T", "json", "-J", "frame dhcp _ws.expert _ws.malformed"], 300
    ).stdout
    complaints = [_complaint(entry) for entry in json.loads(found or "[]")]
    return Verdict(len(count), complaints)


def _complaint(entry: dict[str, object]) -> str:
    """One line about a packet that tshark does not like."""
    texts: list[str] = []

    def search(node: object, inside: bool) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                if key.startswith(("_ws.expert.message", "_ws.malformed")):
                    texts.append(str(value))
                search(value, inside)
        elif isinstance(node, list):
            for value in node:
                search(value, inside)

    search(entry, False)
    layers = entry["_source"]["layers"]  # type: ignore[index]
    return f"frame {layers['frame'].get('frame.number')}: {'; '.join(texts) or 'malformed'}"


def acknowledged_twice(path: Path, server: str) -> list[str]:
    """Addresses that the server acknowledged to more than one client, by hardware address."""
    holder: dict[str, bytes] = {}
    twice: list[str] = []
    for seen in dhcp(path):
        if seen.datagram.src == server and seen.message.kind == packet.ACK and seen.message.yiaddr != "0.0.0.0":
            first = holder.setdefault(seen.message.yiaddr, seen.message.chaddr)
            if first != seen.message.chaddr:
                twice.append(f"{seen.message.yiaddr}: {first.hex(':')} and {seen.message.chaddr.hex(':')}")
    return twice
