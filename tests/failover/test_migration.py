"""Two dhcpds become two boards by `twinlease migrate`, and the clients, who renew all the while, do not notice.

A dhcpd is stopped by its operator (the test), a new board takes its address, the command does the rest; then the same
with the other. Judged from the clients' side: by what each was given, and by what passed the servers' cables.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from lab.net import Host
from lab.pair import Terms
from lab.renewing import AT_FIRST, Renewing
from lab.servers import Isc, Plan, Server, Twinlease
from lab.sides import NAME, PAIR_HEAP
from lab.site import ADDRESSES, NETWORK, Site
from lab.tools import require
from lab.verdict import Rules, Verdict
from lab.wait import wait_for
from lab.witness import Witness
from twinlease_host import serial_link
from twinlease_host.cli import app
from twinlease_host.errors import UserError
from typer.testing import CliRunner

TERMS = Terms(pool=100, lease_s=30, mclt_s=10)
ROLES = {"a": "primary", "b": "secondary"}
LIMIT_S = 120.0


class NewBoard(Twinlease):
    """A board as it comes from `twinlease flash`: firmware, an address, and no dhcpd.conf."""

    def argv(self) -> list[str | Path]:
        words = super().argv()
        at = words.index("--config")
        return words[:at] + words[at + 2 :]

    def start(self, limit_s: float = LIMIT_S) -> None:
        """Switch it on, and wait until its console answers."""
        self.daemon = self.launch()
        wait_for(self._answers, limit_s, f"the console of {self.board}", self.daemon.tail)

    def _answers(self) -> bool:
        assert self.live.running(), self.live.tail()
        try:
            return (self.board / "serial").exists() and serial_link.ask(str(self.board / "serial"), "show version").ok
        except UserError:
            return False


class Office:
    """Two dhcpds in NORMAL, their clients, and a witness at both cables."""

    def __init__(self, where: Path) -> None:
        self.where = where
        self.silent: dict[str, list[list[float]]] = {address: [] for address in ADDRESSES.values()}
        """From when to when nobody at an address need answer."""

    def __enter__(self) -> Office:
        with ExitStack() as stack:
            self.site = stack.enter_context(Site())
            self.witness = stack.enter_context(Witness({at: self.site.outside(at) for at in "ab"}))
            self.dhcpds = {at: self._dhcpd(at) for at in "ab"}
            self.boards = {at: self._board(at, self.site.servers[at]) for at in "ab"}
            for server in (*self.dhcpds.values(), *self.boards.values()):
                stack.callback(server.stop)
            self.clients = stack.enter_context(Renewing(self.site))
            stack.callback(self.clients.end)
            for server in self.dhcpds.values():
                server.daemon = server.launch()
            for server in self.dhcpds.values():
                server.live.wait_log(f"failover peer {NAME}: Both servers normal", LIMIT_S)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *trouble: Any) -> None:
        self._stack.close()

    def _dhcpd(self, at: str) -> Server:
        return Isc(self.site.servers[at], self.where / f"dhcpd-{at}", config=TERMS.config(ROLES[at]), core=None)

    def _board(self, at: str, host: Host) -> NewBoard:
        plan = Plan(network=NETWORK, address=ADDRESSES[at])
        return NewBoard(host, self.where / f"board-{at}", plan, "", None, heap=PAIR_HEAP)

    def migrate(self, *more: str, boards: str = "ba") -> tuple[int, dict[str, Any]]:
        """The command: its exit code, and what it says."""
        files = [str(self.where / "dhcpd-a" / "dhcpd.conf"), "--secondary", str(self.where / "dhcpd-b" / "dhcpd.conf")]
        named = [str(self.boards[at].board) for at in boards]
        done = CliRunner().invoke(app, ["migrate", *files, *named, "--wait", str(LIMIT_S), "--json", *more])
        if isinstance(done.exception, UserError):
            raise AssertionError(f"migrate: {done.exception} ({done.exception.hint})\n{done.stderr}")
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        told = json.loads(done.stdout)
        self.progress = done.stderr
        print(done.stderr, *(f"  {step['state']:5} {step['says']}" for step in told["steps"]), sep="\n")
        return done.exit_code, told

    def replace(self, at: str, boards: str) -> tuple[int, dict[str, Any]]:
        """Stop this dhcpd, and do what the command says."""
        address = ADDRESSES[at]
        self.silent[address].append([time.time()])
        self.dhcpds[at].stop()
        self.witness.parted()
        self.clients.more()
        known = self.where / f"copy-{at}.leases"
        shutil.copy(self.where / f"dhcpd-{at}" / "dhcpd.leases", known)
        self.witness.united()
        done = self.migrate("--stopped", address, "--leases", str(known), boards=boards)
        self.silent[address][-1].append(time.time())
        self.clients.more()
        return done


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    require("dhcpd", "twinlease")
    with Office(tmp_path) as made:
        yield made


def test_no_client_notices_that_two_dhcpds_become_two_boards(office: Office) -> None:
    office.clients.begin()
    for board in office.boards.values():
        board.start()
    code, told = office.migrate("--look", boards="b")
    assert (code, told["turn"], told["differences"], told["left"]) == (1, "operator", [], [])
    assert f"stop dhcpd on {ADDRESSES['b']}" in told["says"] and f"--stopped {ADDRESSES['b']}" in told["next"]

    code, told = office.replace("b", "b")
    done = [step["key"] for step in told["steps"] if step["state"] == "done"]
    assert (code, told["turn"], done) == (1, "operator", ["stop-1", "load-1", "join-1"])
    assert f"stop dhcpd on {ADDRESSES['a']}" in told["says"] and told["lost"] == []
    assert "waiting for MCLT to pass" in office.progress

    code, told = office.replace("a", "ba")
    assert (code, told["done"], told["lost"]) == (0, True, [])
    assert office.migrate()[0] == 0, "again is nothing new"

    office.clients.more()
    office.clients.end()
    clients = office.clients
    assert clients.trouble is None
    assert clients.first == {number: lease.address for number, lease in clients.leases.items()}
    assert len(set(clients.first.values())) == len(clients.first) == AT_FIRST + 15
    assert not clients.unanswered(office.witness, office.silent)
    violations = Verdict(Rules(TERMS.lease_s, TERMS.mclt_s), office.witness.separations).judge(office.witness.heard())
    assert not violations, "\n".join(violations)
    found = CliRunner().invoke(app, ["doctor", *(str(office.boards[at].board) for at in "ab")])
    assert found.exit_code == 0, found.stdout
