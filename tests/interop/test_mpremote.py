"""The real mpremote at the serial port of a board that serves: it gets in, everything of it works, the service is back
after a reset, and the client that held a lease all the while still does.

One board for all: a test that takes it away from its client brings it back.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pexpect
import pytest
from lab.clients import Udhcpc
from lab.daemon import Daemon
from lab.net import Lan
from lab.servers import Plan, Twinlease
from lab.tools import require

LIMIT_S = 60
CONFIG = "authoritative;\nsubnet 10.77.0.0 netmask 255.255.0.0 { range 10.77.1.1 10.77.1.20; }\n"
SERVES = "Server starting service"
LEAVES = "The service stops: mpremote wants the REPL"


@dataclass
class Desk:
    """A board with a client, and the person who uses mpremote."""

    board: Twinlease
    client: Udhcpc
    folder: Path
    lan: Lan

    @property
    def port(self) -> Path:
        return self.board.board / "serial"

    def mpremote(self, *words: str, status: int = 0) -> str:
        """Run it on the board's port; returns what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "mpremote", "connect", str(self.port), *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        assert done.returncode == status, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr

    def gets_in_early(self) -> None:
        """While the board starts.  mpremote waits ten seconds for an answer, and a busy machine starts in more: once more then."""
        try:
            said = self.mpremote("exec", "print('early')")
        except AssertionError:
            said = self.mpremote("exec", "print('early')")
        assert said == "early\n"

    def said(self, words: str) -> int:
        """How often the board's log has it."""
        return (self.board.where / "log").read_text(errors="replace").count(words)

    def position(self) -> int:
        """Of the log's end."""
        return (self.board.where / "log").stat().st_size

    def serves_again(self, since: int) -> None:
        """Wait until the service has started since then; the client's lease is there, and is renewed."""
        self.board.live.wait_log(SERVES, LIMIT_S, since=since)
        (lease,) = self.board.ask("show leases json")
        seen = len(self.client.seen())
        self.client.renew_now()
        assert self.client.address(self.client.wait(after=seen)) == lease["address"]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    require("udhcpc")
    folder = tmp_path_factory.mktemp("desk")
    with Lan() as lan:
        host = lan.host("srv", "10.77.0.2/16")
        plan = Plan(network="10.77.0.0/16", address="10.77.0.2")
        client = Udhcpc(lan.host("cli"), folder / "client")
        with Twinlease(host, folder / "server", plan, CONFIG) as board, client:
            client.start()
            client.wait()
            yield Desk(board, client, folder, lan)


def test_it_gets_in_while_the_board_serves_and_everything_works(desk: Desk) -> None:
    starts = desk.said(SERVES)
    assert desk.mpremote("resume", "exec", "held = 6 * 7; print('in')") == "in\n"
    assert desk.said(LEAVES) == 1 and desk.said("Stopped: ") == 1, "it stopped in order, and said so"
    assert desk.mpremote("resume", "eval", "held") == "42\n", "it is the same interpreter still"

    octets = bytes(range(256)) * 3
    (desk.folder / "some.bin").write_bytes(octets)
    (desk.folder / "run.py").write_text("print('ran', 1 + 1)\n")
    shared = desk.folder / "shared"
    shared.mkdir()
    (shared / "fromhere.py").write_text("X = 'of the PC'\n")
    (shared / "some.bin").write_bytes(octets)
    assert desk.mpremote("run", "run.py") == "ran 2\n"
    said = desk.mpremote("fs", "ls", "+", "fs", "cat", ":dhcpd.conf")
    assert "dhcpd.conf" in said and CONFIG in said, "these are the board's files, not the PC's"
    desk.mpremote(
        "fs", "mkdir", "d", "+", "fs", "cp", "some.bin", ":d/some.bin", "+", "fs", "cp", ":d/some.bin", "back"
    )
    assert (desk.folder / "back").read_bytes() == octets
    assert "Up to date" in desk.mpremote("fs", "cp", "some.bin", ":d/some.bin")
    desk.mpremote("fs", "rm", ":d/some.bin")
    assert "some.bin" not in desk.mpremote("fs", "ls", ":d")
    code = "import fromhere; print(fromhere.X, len(open('some.bin', 'rb').read()))"
    assert "of the PC 768" in desk.mpremote("mount", "shared", "exec", code)
    assert "ZeroDivisionError" in desk.mpremote("exec", "1 / 0", status=1)

    desk.mpremote("soft-reset")
    assert desk.said(SERVES) == starts, "MicroPython runs no main.py when mpremote resets it softly"
    desk.mpremote("reset")
    desk.gets_in_early()
    since = desk.position()
    desk.mpremote("reset")
    desk.serves_again(since)


class Restless(Twinlease):
    """A board that stays at the REPL for three seconds, and not for an hour."""

    def launch(self) -> Daemon:
        return Daemon(self.name, self.argv(), self.where / "log", env={"REST_S": "3"})


def test_a_board_that_is_left_at_the_repl_serves_again_by_itself(desk: Desk, tmp_path: Path) -> None:
    plan = Plan(network="10.78.0.0/16", address="10.78.0.2", first="10.78.1.0", count=20)
    with Restless(desk.lan.host("left", "10.78.0.2/16"), tmp_path / "server", plan) as board:
        for times, words in ((1, ("resume", "exec", "pass")), (2, ("soft-reset",))):
            left = [sys.executable, "-m", "mpremote", "connect", str(board.board / "serial"), *words]
            with subprocess.Popen(left, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as mpremote:
                board.live.wait_log(f"(?s)({LEAVES}.*){{{times}}}{SERVES}", LIMIT_S, since=0)
                mpremote.kill()  # it may have been cut short, and wait


def test_its_terminal_shows_the_console_and_the_command_repl_asks_first(desk: Desk) -> None:
    starts = desk.said(SERVES)
    words = ["-m", "mpremote", "connect", str(desk.port), "repl"]
    tty = pexpect.spawn(sys.executable, words, encoding="utf-8", timeout=LIMIT_S, dimensions=(40, 120))
    tty.delaybeforesend = None
    tty.expect("Use Ctrl-")
    tty.send("\r\x03\x03\x03\r")
    tty.expect("twinlease> ")
    tty.send("repl\r")
    tty.expect("type yes: ")
    tty.send("no\r")
    tty.expect("nothing was changed")
    tty.send("repl\r")
    tty.expect("type yes: ")
    assert desk.said(SERVES) == starts and desk.said("somebody at the console") == 0
    tty.send("yes\r")
    tty.expect("\n>>> ")
    tty.send("print(6 * 7)\r")
    tty.expect("\n42")
    tty.expect(">>> ")
    since = desk.position()
    tty.send("\x04")
    tty.expect("soft reboot")
    desk_serves = re.escape("twinlease> ")
    desk.board.live.wait_log(SERVES, LIMIT_S, since=since)
    tty.send("\r")
    tty.expect(desk_serves)
    tty.send("\x1d")  # Ctrl-]
    tty.expect(pexpect.EOF)
    tty.close()
    desk.serves_again(since)
