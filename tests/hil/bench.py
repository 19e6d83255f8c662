"""The bench: two boards, the wire, a client and a clock server. Virtual and real boards are driven the same way,
over their serial ports; only power, and where the wire comes from, differ.
"""

from __future__ import annotations

import json
import os
import selectors
import shlex
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lab.daemon import Daemon
from lab.net import Host, Lan, packet_socket
from lab.packet import ACK, CLIENT_ID, DISCOVER, OFFER, REQUEST, Malformed, decode, read_frame
from lab.tools import TWINLEASE, run
from lab.wait import wait_for
from twinlease_host.errors import UserError
from twinlease_host.pair import facts
from twinlease_host.pair.push import Serial

from .plan import ADDRESSES, NAMES, PREFIX, Plan

LIMIT_S = 180.0
PATIENCE_S = 15.0
_SO_TIMESTAMPNS = 35
_HEAP = "384K"  # of a 64-bit interpreter
_SCRIPT = '#!/bin/sh\n[ "$1" = bound ] && echo "bound $ip $serverid"\nexit 0\n'


class Wire(Protocol):
    """Where machines of the test are plugged in."""

    def host(self, name: str, *addresses: str) -> Host:
        """A machine with these addresses."""


class Uplink:
    """The wire of real boards: each host is a macvlan on the PC's interface, which keeps its own addresses."""

    def __init__(self, iface: str) -> None:
        self._iface = iface
        self._made: list[str] = []

    def __enter__(self) -> Uplink:
        return self

    def __exit__(self, *trouble: object) -> None:
        for netns in self._made:
            run(["ip", "netns", "del", netns], check=False)

    def host(self, name: str, *addresses: str) -> Host:
        """See Wire."""
        netns = f"hil{os.getpid():x}{name}"
        Lan._namespace(netns)
        self._made.append(netns)
        made = Host(netns, name, addresses)
        kind = ["type", "macvlan", "mode", "bridge"]
        run(["ip", "link", "add", "link", self._iface, "name", made.iface, "netns", netns, *kind])
        made.set_up()
        made.wait_up()
        return made


class Board:
    """One board, by its serial port. `number` is 0 or 1."""

    def __init__(self, number: int, port: str) -> None:
        self.number = number
        self.name = NAMES[number]
        self.address = ADDRESSES[number]
        self.port = port
        self.flash_port = port

    @property
    def console(self) -> Serial:
        """As `twinlease config push` has it."""
        return Serial(self.name, self.port, PATIENCE_S)

    def show(self, what: str) -> Any:
        """Its answer to `show … json`. Raises UserError if it does not answer."""
        answer = self.console.ask(f"show {what} json")
        assert answer.ok, f"board {self.name}, show {what}: {answer.text}"
        return json.loads(answer.text)

    def facts(self) -> facts.Facts | None:
        """What it says of itself; None while it does not answer."""
        try:
            return facts.gather(self.name, self.port, PATIENCE_S)
        except UserError:
            return None

    def settled(self) -> bool:
        """Tell whether it is in NORMAL with its partner, and nothing is on its way."""
        now = self.facts()
        return now is not None and bool(now.peers) and now.settled

    def answers(self) -> bool:
        """Tell whether clients get an answer from it."""
        now = self.facts()
        return now is not None and now.answers

    def power(self, on: bool) -> None:
        """Give it power, or cut it."""
        raise NotImplementedError

    def describe(self) -> str:
        """For an error message."""
        now = self.facts()
        return f"board {self.name}: " + ("no answer" if now is None else f"{now.peers} {now.refused}")


class RealBoard(Board):
    """On a desk; its power is switched by a command."""

    def __init__(self, number: int, plan: Plan) -> None:
        super().__init__(number, plan.ports[number])
        self._plan = plan

    def power(self, on: bool) -> None:
        """See Board."""
        command = self._plan.power_command(self.number, "on" if on else "off")
        done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=LIMIT_S, check=False)
        assert done.returncode == 0, f"POWER: `{command}` failed: {done.stdout}{done.stderr}"


class VirtualBoard(Board):
    """A virtual ESP32, new: nothing is in its flash."""

    def __init__(self, number: int, lan: Lan, folder: Path) -> None:
        self._folder = folder / f"board-{NAMES[number].lower()}"
        self._folder.mkdir(parents=True)
        super().__init__(number, str(self._folder / "serial"))
        self._lan = lan
        self._host = lan.host(f"brd{number}")
        self._daemon: Daemon | None = None

    def power(self, on: bool) -> None:
        """See Board. Without power its cable is dead: the namespace would answer ARP by itself."""
        if not on:
            self._lan.unplug(self._host)
            self.stop()
            return
        self._lan.replug(self._host)
        words: list[str | Path] = [TWINLEASE, "vboard", "run", self._folder, "--esp32", "--rfc2217", "0"]
        words += ["--netns", self._host.netns, "--iface", self._host.iface, "--heap", _HEAP]
        self._daemon = Daemon(f"board {self.name}", words, self._folder / "log")
        self._daemon.wait_log("power on", LIMIT_S)
        self.flash_port = (self._folder / "serial.url").read_text().strip()

    def stop(self) -> None:
        """No farewell."""
        if self._daemon is not None:
            self._daemon.kill()
            self._daemon = None

    def describe(self) -> str:
        """See Board."""
        return super().describe() + "\n" + (self._daemon.tail(60) if self._daemon else "it is off")


@dataclass(frozen=True)
class Lease:
    """What a client got. `at` is this PC's clock when the ACK came; the rest in milliseconds."""

    client: int
    address: str
    server: str
    at: float
    offer_ms: float
    ack_ms: float


class Client:
    """Real udhcpc, started anew for each exchange, as so many machines as there are numbers."""

    def __init__(self, host: Host, folder: Path) -> None:
        self.host = host
        self._script = folder / "udhcpc-script"
        self._script.write_text(_SCRIPT)
        self._script.chmod(0o755)
        self._ear = packet_socket(host)
        self._ear.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self._ear.setblocking(False)
        self.said = ""

    def close(self) -> None:
        """It is gone."""
        self._ear.close()

    def exchange(self, number: int, tries: int = 4) -> Lease | None:
        """DISCOVER to ACK; None if nobody answers, about a second for each try."""
        self._heard()
        identity = f"01{number:012x}"
        words = ["udhcpc", "-f", "-n", "-q", "-C", "-t", str(tries), "-T", "1", "-i", self.host.iface]
        words += ["-s", str(self._script), "-x", f"0x3d:{identity}"]
        done = run(["ip", "netns", "exec", self.host.netns, *words], LIMIT_S, check=False)
        self.said = done.stdout + done.stderr
        bound = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("bound ")]
        if not bound:
            return None
        address, server = bound[0]
        return self._timed(Lease(number, address, server, 0, 0, 0), bytes.fromhex(identity))

    def must(self, number: int) -> Lease:
        """The same, and it has to succeed."""
        lease = self.exchange(number, tries=20)
        assert lease is not None, f"client {number} was not served:\n{self.said}"
        return lease

    def _timed(self, lease: Lease, identity: bytes) -> Lease:
        """By the kernel's time stamps: from the last question to its answer by this server."""
        asked: dict[tuple[int, int], float] = {}
        waits = {OFFER: 0.0, ACK: 0.0}
        came = 0.0
        for at, octets in self._heard():
            datagram = read_frame(octets)
            if datagram is None or {datagram.sport, datagram.dport} != {67, 68}:
                continue
            try:
                message = decode(datagram.payload)
            except Malformed:
                continue
            if message.op == 1 and message.get(CLIENT_ID) == identity:
                asked[message.xid, message.kind] = at
            before = asked.get((message.xid, {OFFER: DISCOVER, ACK: REQUEST}.get(message.kind, 0)))
            if message.op == 2 and before is not None and message.yiaddr == lease.address:
                waits[message.kind] = 1000 * (at - before)
                came = at
        assert came, f"no ACK for {lease} was seen on the wire"
        return Lease(lease.client, lease.address, lease.server, came, waits[OFFER], waits[ACK])

    def _heard(self) -> list[tuple[float, bytes]]:
        """Frames since the last call, with when they passed."""
        found = []
        while True:
            try:
                octets, extra, _, _ = self._ear.recvmsg(2048, 64)
            except BlockingIOError:
                return found
            stamps = [data for _, kind, data in extra if kind == _SO_TIMESTAMPNS]
            seconds, rest = struct.unpack("@ll", stamps[0][:16]) if stamps else (time.time(), 0)
            found.append((seconds + rest / 1e9, octets))


def wait_settled(boards: list[Board], what: str = "both boards to be in NORMAL") -> float:
    """Wait for it; returns seconds."""
    start = time.monotonic()
    wait_for(
        lambda: all(board.settled() for board in boards),
        LIMIT_S,
        what,
        lambda: "\n".join(board.describe() for board in boards),
        glance_s=0.2,
    )
    return time.monotonic() - start


def flash(boards: list[Board], plan: Plan) -> list[dict[str, Any]]:
    """`twinlease flash` on both at once: its summaries."""
    running = []
    for board in boards:
        words = [sys.executable, "-m", "twinlease_host", "flash", plan.board, "--port", board.flash_port, "--json"]
        words += ["--address", board.address + PREFIX, "--host-name", f"hil-{board.name.lower()}"]
        words += (["--image", plan.image] if plan.image else []) + shlex.split(plan.more)
        running.append(subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    told = []
    for board, process in zip(boards, running, strict=True):
        out, err = process.communicate(timeout=LIMIT_S)
        assert process.returncode == 0, f"board {board.name} was not flashed:\n{out}{err}\n{board.describe()}"
        told.append(json.loads(out))
    return told


def while_running(words: list[str], turn: Callable[[], None], limit_s: float) -> tuple[int, str]:
    """Run a command, and meanwhile `turn` again and again: its exit status, and what it said."""
    end = time.monotonic() + limit_s
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    assert process.stdout is not None
    said = b""
    os.set_blocking(process.stdout.fileno(), False)
    with selectors.DefaultSelector() as ready:
        ready.register(process.stdout, selectors.EVENT_READ)
        while process.poll() is None:
            if time.monotonic() > end:
                process.kill()
            turn()
            said += process.stdout.read() or b"" if ready.select(0) else b""
    said += process.stdout.read() or b""
    return process.wait(), said.decode(errors="replace")
