"""Time servers for boards: real chronyds that serve the machine's clock, one that lies, and a look at a board from outside.

chronyd runs with -x: it tells the time of this machine and never sets it. What chronyd cannot be made to say comes from
`Mock`, a responder in Python whose reference identifier is MOCK.
"""

from __future__ import annotations

import struct
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from .daemon import Daemon
from .net import Host, udp_port_is_open, udp_socket
from .wait import wait_for

UNIX_1900 = 2208988800
PORT = 123


class Chronyd:
    """A chronyd on a host: start, stop, start again."""

    def __init__(self, host: Host, where: Path, stratum: int = 3, directives: str = "") -> None:
        self.host = host
        self.where = where
        self.where.mkdir(parents=True, exist_ok=True)
        source = f"local stratum {stratum}\n" if stratum else ""
        (where / "chrony.conf").write_text(f"{source}allow all\ncmdport 0\npidfile {where}/pid\n{directives}\n")
        self.daemon: Daemon | None = None

    def start(self) -> Chronyd:
        """It answers when this returns."""
        words: list[str | Path] = ["chronyd", "-x", "-d", "-u", "root", "-f", self.where / "chrony.conf"]
        self.daemon = Daemon("chronyd", words, self.where / "log", self.host)
        wait_for(lambda: udp_port_is_open(self.host.netns, PORT), 60, "chronyd's port", self.daemon.tail)
        return self

    def stop(self) -> None:
        """Nobody answers any more."""
        if self.daemon:
            self.daemon.stop()
            self.daemon = None


class Mock:
    """Answers questions as it is told; attributes may change while it runs.

    ahead_s   by how much it lies
    late_s    how long it thinks
    asked     the questions, as they came
    """

    def __init__(self, host: Host, address: str) -> None:
        self.ahead_s = 0.0
        self.late_s = 0.0
        self.first = 0x24
        self.stratum = 2
        self.reference = b"MOCK"
        self.forge_origin = False
        self.asked: list[bytes] = []
        self._sock = udp_socket(host, address, PORT)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """It is gone."""
        self._sock.close()

    def _serve(self) -> None:
        self._sock.settimeout(0.2)
        while True:
            try:
                question, sender = self._sock.recvfrom(512)
            except TimeoutError:
                continue
            except OSError:
                return
            self.asked.append(question)
            received = self._stamp()
            threading.Timer(self.late_s, self._answer, (question, sender, received)).start()

    def _stamp(self) -> bytes:
        now = time.time() + self.ahead_s + UNIX_1900
        return struct.pack("!II", int(now) & 0xFFFFFFFF, int(now % 1 * 2**32))

    def _answer(self, question: bytes, sender: tuple[str, int], received: bytes) -> None:
        origin = bytes(8) if self.forge_origin else question[40:48]
        head = struct.pack("!BBbbII4s", self.first, self.stratum, 6, -20, 0, 1 << 8, self.reference)
        stamp = self._stamp()
        try:
            self._sock.sendto(head + stamp + origin + received + stamp, sender)
        except OSError:
            pass  # it was closed meanwhile


@dataclass(frozen=True)
class Told:
    """What a time server answered, and how far its clock is from this machine's."""

    leap: int
    stratum: int
    reference: bytes
    root_delay_ms: float
    root_dispersion_ms: float
    offset_ms: float
    delay_ms: float


def ask(host: Host, server: str, limit_s: float = 2.0) -> Told:
    """Ask a server from this host, by the machine's own clock; TimeoutError if it is silent."""
    sock = udp_socket(host, "0.0.0.0", 0)
    try:
        sock.settimeout(limit_s)
        nonce = struct.pack("!d", time.time())
        left = time.time()
        sock.sendto(b"\x23" + bytes(39) + nonce, (server, PORT))
        while True:
            octets, sender = sock.recvfrom(512)
            came = time.time()
            if sender == (server, PORT) and octets[24:32] == nonce:
                break
    finally:
        sock.close()
    first, stratum, _, _, delay, dispersion, reference = struct.unpack("!BBbbII4s", octets[:16])
    received, sent = (_seconds(octets[at : at + 8]) for at in (32, 40))
    offset = ((received - left) + (sent - came)) / 2
    took = (came - left) - (sent - received)
    return Told(first >> 6, stratum, reference, delay / 65.536, dispersion / 65.536, 1000 * offset, 1000 * took)


def _seconds(stamp: bytes) -> float:
    whole, part = struct.unpack("!II", stamp)
    return (whole - UNIX_1900) % 2**32 + part / 2**32


def best(host: Host, server: str, times: int = 4) -> Told:
    """The quickest of several answers: a busy machine holds single ones up."""
    return min((ask(host, server) for _ in range(times)), key=lambda told: told.delay_ms)
