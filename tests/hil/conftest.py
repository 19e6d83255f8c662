"""Fixtures: board, pair, client, clock server, power; and the recorder that writes the report of a run.

Each is made once, in the order in which tests want them: a board is flashed before it is configured.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from lab.net import Host, Lan
from lab.timeservers import Chronyd, Mock
from lab.tools import REPOSITORY, missing
from twinlease_host import handlers
from twinlease_host.pair import push

from . import bench, report
from .bench import Board, Client, RealBoard, Uplink, VirtualBoard, Wire
from .plan import BadPlan, Plan, from_words

CLIENT = "10.77.0.9/16"
CLOCK_SERVER = "10.77.0.5"
CONFIG = Path(__file__).with_name("dhcpd.conf")
FOLDER = REPOSITORY / "build" / "hil"
MINUTES = 3  # a configuration that is not confirmed by then goes back


class Recorder:
    """Keeps what tests measured and how each ended; writes the page at the end."""

    def __init__(self, plan: Plan) -> None:
        self.record = report.Record.start(plan)
        self.pages: list[Path] = []
        self._begun = time.monotonic()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """How a test ended, and why."""
        reason = ""
        if report.skipped:
            reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
            reason = reason.removeprefix("Skipped: ")
        elif report.failed:
            reason = getattr(getattr(report.longrepr, "reprcrash", None), "message", None) or str(report.longrepr)
        self.record.ended(report.nodeid.rpartition("::")[2], report.outcome, report.duration, reason)

    def pytest_sessionfinish(self) -> None:
        """Whatever happened, there is a page."""
        self.record.took_s = time.monotonic() - self._begun
        if self.record.tests:
            self.pages = report.write(self.record, FOLDER)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Where it is."""
        for page in self.pages:
            terminalreporter.write_line(f"report: {os.path.relpath(page)}")


def pytest_configure(config: pytest.Config) -> None:
    """The words of `make hil` are read before anything is touched."""
    config.addinivalue_line("markers", "needs(*words): what a test needs of BOARD, POWER, IFACE on real boards")
    try:
        config.pluginmanager.register(Recorder(from_words(os.environ)), "hil-recorder")
    except BadPlan as bad:
        raise pytest.UsageError(str(bad)) from None


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test that real boards need more for is skipped, and says what."""
    plan = item.config.pluginmanager.get_plugin("hil-recorder").record.plan
    marker = item.get_closest_marker("needs")
    lacks = plan.lacking(*marker.args) if marker else ""
    tools = missing("ip", "udhcpc") if plan.virtual or "IFACE" in (marker.args if marker else ()) else []
    if lacks or tools:
        pytest.skip(lacks or "missing: " + "; ".join(tools))


@pytest.fixture(scope="session")
def record(request: pytest.FixtureRequest) -> report.Record:
    """What goes into the report."""
    return request.config.pluginmanager.get_plugin("hil-recorder").record


@pytest.fixture(scope="session")
def plan(record: report.Record, tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """What this run has; virtual boards get a stand-in for MicroPython's image."""
    plan = record.plan
    if not plan.virtual:
        return plan
    image = tmp_path_factory.mktemp("image") / "micropython.bin"
    subprocess.run([sys.executable, "-m", "twinlease_host", "vboard", "image", str(image)], check=True)
    return replace(plan, image=str(image))


@pytest.fixture(scope="session")
def wire(plan: Plan) -> Iterator[Wire]:
    """A bridge of ours, or the PC's interface."""
    with ExitStack() as stack:
        yield stack.enter_context(Lan()) if plan.virtual else stack.enter_context(Uplink(plan.iface))


@pytest.fixture(scope="session")
def boards(plan: Plan, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list]:
    """Two boards with power; what is in their flash is another matter."""
    handlers.use()
    if not plan.virtual:
        made: list[Board] = [RealBoard(number, plan) for number in range(2)]
        if plan.power:
            for board in made:
                board.power(True)
        yield made
        return
    folder, lan = tmp_path_factory.mktemp("boards"), request.getfixturevalue("wire")
    virtual = [VirtualBoard(number, lan, folder) for number in range(2)]
    try:
        for board in virtual:
            board.power(True)
        yield virtual
    finally:
        for board in virtual:
            board.stop()


@pytest.fixture(scope="session")
def flashed(boards: list[Board], plan: Plan) -> list:
    """The summaries of `twinlease flash`; none if the run names no BOARD, and what is there is taken."""
    return bench.flash(boards, plan) if plan.board else []


@pytest.fixture(scope="session")
def pair(boards: list[Board], flashed: list, record: report.Record) -> list[Board]:
    """Both boards serve by the bench's configuration, put there over their consoles, and are in NORMAL."""
    for board in boards:
        there = [str(one["address"]) for one in board.show("interfaces")["interfaces"]]
        assert any(address.startswith(f"{board.address}/") for address in there), (
            f"board {board.name} has {', '.join(there)}; this suite wants {board.address}/16: BOARD= has it flashed so"
        )
    told: list[str] = []
    push.push([board.console for board in boards], CONFIG.read_text(), MINUTES, told.append)
    record.versions = {board.name: board.show("version") for board in boards}
    bench.wait_settled(boards)
    return boards


@pytest.fixture(scope="session")
def clock_server(wire: Wire, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Tells this PC's time: chronyd, or ours where it is not installed. Its name."""
    host = wire.host("ntp", f"{CLOCK_SERVER}/16")
    if missing("chronyd"):
        mock = Mock(host, CLOCK_SERVER)
        yield "our responder"
        mock.close()
        return
    chronyd = Chronyd(host, tmp_path_factory.mktemp("chronyd")).start()
    yield "chronyd"
    chronyd.stop()


@pytest.fixture(scope="session")
def client(wire: Wire, clock_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """Real udhcpc on the boards' wire."""
    host: Host = wire.host("cli", CLIENT)
    made = Client(host, tmp_path_factory.mktemp("client"))
    yield made
    made.close()
