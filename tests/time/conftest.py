"""Fixtures of the tests of time: a board in an office with time servers, and a client that keeps asking for its lease."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lab.capture import Capture
from lab.net import Lan
from lab.servers import Plan, Twinlease
from lab.timeservers import Chronyd, Mock
from lab.tools import require, run
from lab.wait import wait_for
from twinlease_host import serial_link

BOARD = "10.77.0.2"
SERVERS = {"a": "10.77.0.5", "b": "10.77.0.6", "c": "10.77.0.7"}
CLIENT = "10.77.0.9"
LEASE_S = 600
TOLERANCE_MS = 20


class Insistent:
    """A machine that runs udhcpc again and again, and must get its lease each time: always the same address."""

    def __init__(self, office: Office) -> None:
        self.host = office.client
        self.where = office.where
        self.addresses: list[str] = []
        self.failures: list[str] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._insist)

    def __enter__(self) -> Insistent:
        script = self.where / "udhcpc-script"
        script.write_text('#!/bin/sh\n[ "$1" = bound ] && echo "bound $ip"\nexit 0\n')
        script.chmod(0o755)
        self._script = script
        self._thread.start()
        return self

    def __exit__(self, kind: object, *trouble: object) -> None:
        try:
            if kind is None:
                wait_for(lambda: len(self.addresses) > 3, 60, "the client to have asked some more times")
        finally:
            self._over.set()
            self._thread.join()

    def _insist(self) -> None:
        words = ["udhcpc", "-f", "-n", "-q", "-t", "4", "-T", "2", "-i", self.host.iface, "-s", self._script]
        while not self._over.is_set():
            done = run(["ip", "netns", "exec", self.host.netns, *words], check=False)
            bound = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("bound ")]
            if bound:
                self.addresses.append(bound[0])
            elif self.addresses:  # before the board is on, nobody answers
                self.failures.append(done.stdout + done.stderr)
            self._over.wait(0.3)

    def check(self) -> None:
        """It was served all the while."""
        assert not self.failures, self.failures[0]
        assert len(set(self.addresses)) == 1, self.addresses


class Office:
    """One board, three hosts for time servers ("a", "b", "c"), and a client host; all on one LAN."""

    def __init__(self, lan: Lan, where: Path) -> None:
        self.lan = lan
        self.where = where
        self.host = lan.host("brd", f"{BOARD}/16")
        self.hosts = {name: lan.host(name, f"{address}/16") for name, address in SERVERS.items()}
        self.client = lan.host("cli", f"{CLIENT}/16")
        self._ends: list[Callable[[], None]] = []

    def at_end(self, end: Callable[[], None]) -> None:
        """Call this when the test is over."""
        self._ends.append(end)

    def close(self) -> None:
        """All that was started ends, the latest first."""
        for end in reversed(self._ends):
            end()

    def chronyd(self, name: str, stratum: int = 3) -> Chronyd:
        """A chronyd on that host, running."""
        made = Chronyd(self.hosts[name], self.where / f"chronyd-{name}", stratum)
        self.at_end(made.stop)
        return made.start()

    def mock(self, name: str) -> Mock:
        """A responder that says it is a mock, and does as the test wants."""
        made = Mock(self.hosts[name], SERVERS[name])
        self.at_end(made.close)
        return made

    def boot(self, servers: str, extra: str = "", rtc: int | None = None) -> Board:
        """Switch the board on: servers by the names of their hosts, "a b"."""
        named = ", ".join(SERVERS.get(name, f'"{name}"') for name in servers.split())
        plan = Plan(lease_s=LEASE_S, count=50, extra=f"ntp server {named};\nntp serve true;\n{extra}")
        where = self.where / "board"
        server = Twinlease(self.host, where, plan, None, None, heap="288K", rtc=rtc)
        board = Board(server)
        self.at_end(server.stop)
        server.start(limit_s=90)
        return board

    def capture(self) -> Capture:
        """Of all that the board sends and hears."""
        return Capture(self.host, self.where / "board.pcap")


class Board:
    """The board under test, by its console."""

    def __init__(self, server: Twinlease) -> None:
        self.server = server

    def ask(self, command: str) -> str:
        answer = serial_link.ask(str(self.server.board / "serial"), command, 15.0)
        assert answer.ok, f"{command}: {answer.text}"
        return answer.text

    def show(self, what: str) -> Any:
        return json.loads(self.ask(f"show {what} json"))

    def log(self) -> str:
        return self.server.live.text(0)

    def clock(self) -> dict[str, Any]:
        return self.show("clock")

    def said_of(self, name: str) -> str:
        """What `show clock` says of the last answer of the server on this host."""
        return next(one["last"] for one in self.clock()["servers"] if one["server"] == SERVERS.get(name, name))

    def wait(self, what: str, look: Callable[[dict[str, Any]], Any], limit_s: float = 60.0) -> dict[str, Any]:
        """Wait until `show clock` is as wanted, and return it."""

        def seen() -> dict[str, Any] | None:
            clock = self.clock()
            return clock if look(clock) else None

        return wait_for(seen, limit_s, what, lambda: f"{self.clock()}\n{self.server.live.tail()}", glance_s=0.3)

    def wait_followed(self, name: str) -> dict[str, Any]:
        """Wait until the clock follows the server on this host."""
        address = SERVERS.get(name, name)
        return self.wait(
            f"{name} to be followed", lambda c: any(s["followed"] and s["server"] == address for s in c["servers"])
        )


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A LAN for one test."""
    require("chronyd", "udhcpc")
    with Lan() as lan:
        made = Office(lan, tmp_path)
        try:
            yield made
        finally:
            made.close()


@pytest.fixture
def insistent(office: Office) -> Iterator[Insistent]:
    """A client that asks all the while; the test's end judges how it was served."""
    client = Insistent(office)
    yield client
    client.check()
