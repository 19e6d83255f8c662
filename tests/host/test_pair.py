"""The commands about a pair on a real one: two virtual boards, started once, with leases that were imported.

The tests go in order, each leaves the pair as it found it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from terminals import Terminal
from twinlease import conf
from twinlease_host.cli import app
from twinlease_host.errors import UserError
from twinlease_host.isc import journal_image
from twinlease_host.isc.leases_file import Lease
from twinlease_host.lab.board import Board, Make
from twinlease_host.lab.demo import ADDRESSES, HERE, PREFIX
from twinlease_host.lab.lan import Lan
from twinlease_host.lab.timeline import Timeline
from typer.testing import CliRunner

from boards import TOOL

_LIMIT_S = 180
ADDRESS, HARDWARE = "10.77.1.15", "02:00:00:00:00:15"


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


class Pair:
    """Two boards on a LAN, and the words that name them."""

    def __init__(self, folder: Path, lan: Lan, boards: list[Board]) -> None:
        self.folder, self.lan, self.boards = folder, lan, boards
        self.a, self.b = (str(board.folder) for board in boards)
        self.timeline = Timeline(lambda _: None, folder / "timeline.log")

    def tool(self, *words: str) -> Done:
        """A command, in this process: starting Python each time takes longer than the boards do."""
        done = CliRunner().invoke(app, list(words), env={"COLUMNS": "200"})
        if isinstance(done.exception, UserError):
            return Done(done.exception.code, done.stdout, f"{done.stderr}{done.exception}")
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
        return Done(done.exit_code, done.stdout, done.stderr)

    def settle(self) -> None:
        self.until(lambda: all(board.settled() for board in self.boards))

    def until(self, holds: Callable[[], bool]) -> None:
        assert self.timeline.until(holds, _LIMIT_S), (self.folder / "timeline.log").read_text()[-3000:]

    def codes(self) -> list[str]:
        told = json.loads(self.tool("doctor", self.a, self.b, "--json").stdout)
        return [one["code"] for one in told["findings"]]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("missing: root, or ip (network namespaces; run with sudo)")
    folder = tmp_path_factory.mktemp("pair")
    config = folder / "dhcpd.conf"
    config.write_text((HERE / "demo.conf").read_text())
    boards = [Board(one, address + PREFIX, folder, Make(config, "320K")) for one, address in ADDRESSES.items()]
    now = int(time.time())
    lease = Lease(ADDRESS, "active", now + 86400, now - 60, hardware=HARDWARE, name="till")
    image = journal_image.make(conf.load(config.read_text()), [lease], now, 256 * 1024)
    for board in boards:
        journal_image.install(image.octets, board.folder)
    with Lan({board.machine: None for board in boards}) as lan:
        made = Pair(folder, lan, boards)
        try:
            for board in boards:
                board.power_on(lan, made.timeline)
            for board in boards:
                board.wait_serving(lan)
            made.settle()
            yield made
        finally:
            for board in boards:
                board.ask_to_stop()
            for board in boards:
                board.power_off()


def test_a_pair_that_starts_with_imported_leases_agrees_on_them(pair: Pair) -> None:
    known = [board.lease(ADDRESS) for board in pair.boards]
    assert [one and (one["state"], one["hardware"], one["name"]) for one in known] == [("active", HARDWARE, "till")] * 2
    assert known[0] and known[1] and known[0]["ends"] == known[1]["ends"]
    done = pair.tool("leases", "list", pair.a, pair.b)
    assert done.returncode == 0 and ADDRESS in done.stdout and "the same" in done.stdout, done.stdout + done.stderr


def test_doctor_and_status_find_nothing_wrong(pair: Pair) -> None:
    done = pair.tool("doctor", pair.a, pair.b)
    assert done.returncode == 0 and "all is well" in done.stdout, done.stdout + done.stderr
    done = pair.tool("status", pair.a, pair.b)
    assert done.returncode == 0 and done.stdout.count("normal since") == 2, done.stdout + done.stderr


def test_ports_that_are_swapped_or_the_same_are_named(pair: Pair) -> None:
    assert "swapped" in pair.tool("doctor", pair.b, pair.a).stdout
    done = pair.tool("doctor", pair.a, pair.a)
    assert done.returncode == 1 and "are the same board" in done.stdout


def test_a_change_of_a_lease_is_seen(pair: Pair) -> None:
    words = ["leases", "watch", pair.a, "--json", "--count", "1", "--every", "0.2"]
    watching = subprocess.Popen([*TOOL, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert watching.stderr and "waiting for changes" in watching.stderr.readline()
        pair.boards[1].ask(f"release {ADDRESS}")  # at the other board
        told = json.loads(watching.communicate(timeout=_LIMIT_S)[0])
    finally:
        watching.kill()
    assert (
        told["address"] == ADDRESS and told["change"] in ("released", "free", "backup") and told["name"] in ("till", "")
    )
    pair.settle()


def test_top_shows_both_and_ends_by_q(pair: Pair) -> None:
    terminal = Terminal("top", pair.a, pair.b)
    try:
        terminal.wait("all is well", _LIMIT_S)
        terminal.wait(ADDRESS, _LIMIT_S)
        terminal.type(b"q")
        terminal.wait(None, _LIMIT_S)
        assert terminal.process.wait(_LIMIT_S) == 0
    finally:
        terminal.process.kill()


def test_a_configuration_is_pushed_to_both_pulled_and_compared(pair: Pair) -> None:
    new = pair.folder / "new.conf"
    new.write_text((pair.folder / "dhcpd.conf").read_text().replace("10.77.0.53", "10.77.0.54"))
    dry = pair.tool("config", "push", "--dry-run", str(new), pair.a, pair.b)
    assert dry.returncode == 0 and dry.stdout.count("+   8 option domain-name-servers 10.77.0.54;") == 2
    done = pair.tool("config", "push", str(new), pair.a, pair.b, "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["changed"] == ["A", "B"], done.stdout + done.stderr
    for board in pair.boards:
        served = json.loads(board.ask("show config json"))
        assert "10.77.0.54" in served["text"] and served["trial"] <= 0
    pulled = pair.folder / "pulled.conf"
    done = pair.tool("config", "pull", pair.a, pair.b, "-o", str(pulled))
    assert done.returncode == 0 and pulled.read_text() == new.read_text(), done.stderr
    assert pair.tool("config", "diff", pair.a, str(new)).returncode == 0
    done = pair.tool("config", "diff", pair.b, str(pair.folder / "dhcpd.conf"))
    assert done.returncode == 1 and "+   8 option domain-name-servers 10.77.0.53;" in done.stdout
    pair.settle()


def test_a_file_with_errors_is_not_sent_and_by_force_the_board_goes_back(pair: Pair) -> None:
    before = [board.ask("show config") for board in pair.boards]
    bad = pair.folder / "bad.conf"
    bad.write_text("authoritatively;\n" + before[0])
    done = pair.tool("config", "push", str(bad), pair.a, pair.b)
    assert done.returncode == 1 and "nothing was changed" in done.stderr and "authoritatively" in done.stderr
    done = pair.tool("config", "push", str(bad), pair.a, pair.b, "--force")
    assert done.returncode == 1 and "board A went back to what it served before" in done.stderr, done.stderr
    assert "authoritatively" in done.stderr
    assert [board.ask("show config") for board in pair.boards] == before
    pair.settle()


def test_different_configurations_are_found_and_one_file_for_both_mends_it(pair: Pair) -> None:
    text = pair.boards[0].ask("show config")
    other, same = pair.folder / "other.conf", pair.folder / "same.conf"
    same.write_text(text)
    other.write_text(text.replace("office.example", "branch.example"))
    assert pair.tool("config", "push", str(other), pair.b).returncode == 0
    assert pair.codes() == ["different-config"]
    assert pair.tool("config", "check", pair.a, pair.b).returncode == 1
    done = pair.tool("config", "pull", pair.a, pair.b)
    assert done.returncode == 1 and "none was fetched" in done.stderr
    done = pair.tool("config", "push", str(same), pair.a, pair.b, "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["changed"] == ["B"], done.stderr
    pair.settle()
    assert pair.codes() == []


def test_a_cable_that_is_out_is_named_first(pair: Pair) -> None:
    one, two = pair.boards
    pair.lan.set_carrier(two.machine, False)
    try:
        pair.until(lambda: not one.failover()["linked"])
        assert pair.codes()[0] == "cable-out"
        done = pair.tool("doctor", pair.a, pair.b)
        assert "board B: no cable at eth0" in done.stdout and "plug the cable in" in done.stdout
    finally:
        pair.lan.set_carrier(two.machine, True)
    pair.settle()
    assert pair.codes() == []
