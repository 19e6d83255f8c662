"""What keeps a board alive, on a virtual one: button, LED, watchdog, links that go, starts that fail one after the other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from boards import CONFIG, Board

# Holds port 67 as another server would that does not share it: ours fails at every start.
HOLDER = "import socket, sys; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', 67)); print('held', flush=True); sys.stdin.read()"


@pytest.fixture
def holder(board: Board) -> Iterator[None]:
    words = ["ip", "netns", "exec", board.netns, sys.executable, "-c", HOLDER]
    subprocess.run(["ip", "netns", "add", board.netns], check=True)
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout and process.stdout.readline() == b"held\n"
        yield
        process.stdin.close()
    subprocess.run(["ip", "netns", "del", board.netns], check=False)


def led(board: Board, word: str) -> None:
    """Wait until the LED shows this."""
    end = time.monotonic() + 60
    while (board.folder / "led").read_text() != word + "\n":
        assert time.monotonic() < end, f"the LED shows {(board.folder / 'led').read_text()!r}, not {word!r}"
        time.sleep(0.05)


def interpreter(board: Board) -> int:
    """The process that is the board's processor."""
    for pid in board.family():
        if b"--settings" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return pid
    raise AssertionError("no processor")


def test_led_watchdog_button_and_a_link_that_goes(board: Board) -> None:
    board.boot("--watchdog", "8")
    assert "reset cause: power-on" in board.said()
    led(board, "normal")
    _pull_and_plug(board)
    os.kill(interpreter(board), signal.SIGSTOP)
    board.wait_said("the watchdog has not been fed in time")
    board.wait_said("reset cause: watchdog")
    board.wait_said("Server starting service", 2)
    led(board, "normal")
    board.stop()
    board.start("--no-config", "--hold-button", "2")
    board.wait_said("No service: the button was held")
    assert '"leases"' not in board.ask("show config json").stdout and board.ask("show version").returncode == 0
    assert (board.folder / "led").read_text() == "fault\n"
    board.stop()
    board.start("--no-config", "--hold-button", "12")
    board.wait_said("Everything that this board knew is gone")
    board.wait_said("No configuration in flash")


def _pull_and_plug(board: Board) -> None:
    """Neither cable nor address stops the service; with them it goes on."""
    ip = ["ip", "-n", board.netns]
    for down, up in (
        (["link", "set", "eth0", "down"], ["link", "set", "eth0", "up"]),
        (
            ["address", "del", "10.77.0.2/16", "dev", "eth0"],
            ["address", "add", "10.77.0.2/16", "brd", "+", "dev", "eth0"],
        ),
    ):
        subprocess.run([*ip, *down], check=True)
        assert board.ask("show version").returncode == 0
        subprocess.run([*ip, *up], check=True)
    assert "vboard: reset" not in board.said().split("Server starting service")[-1]


def test_a_server_that_fails_at_every_start_goes_back_and_then_waits_at_its_console(board: Board, holder: None) -> None:
    """With a configuration that never stayed up, and then with the one before it, which has another reason to fail."""
    board.start()
    board.wait_said("No service: the server failed 3 times in a row")
    assert "is taken: stop the other server first" in board.said() and "trying again in 10 minutes" in board.said()
    assert board.said().count("the server failed: OSError") == 3
    assert board.ask("show version").returncode == 0, "a person can get at it"
    mended = CONFIG.replace("10.77.1.20", "10.77.1.30")
    done = board.ask("show config json")
    assert done.returncode == 0 and "10.77.1.20" in done.stdout and mended not in done.stdout
