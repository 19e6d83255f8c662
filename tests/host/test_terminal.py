"""What a person at a terminal sees: Ctrl-C stops a board in order, and the demonstration ends with the lease table."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shutil
import struct
import subprocess
import termios
import time
from pathlib import Path

import pytest

from boards import TOOL, Board, tool


class Terminal:
    """A program in the foreground of a terminal of its own, and what it wrote there."""

    def __init__(self, *words: str) -> None:
        self.fd, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.process = subprocess.Popen(
            [*TOOL, *words],
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(inside)
        self.text = ""

    def wait(self, word: str | None, limit_s: float = 30) -> None:
        """Read until a word shows up, or (None) until the program closes its terminal."""
        end = time.monotonic() + limit_s
        while word is None or word not in self.text:
            assert time.monotonic() < end, f"no {word!r} in:\n{self.text}"
            if not select.select([self.fd], [], [], 0.1)[0]:
                continue
            try:
                data = os.read(self.fd, 4096)
            except OSError:
                data = b""
            if not data:
                assert word is None, f"it ended before {word!r}:\n{self.text}"
                return
            self.text += data.decode(errors="replace")

    def type(self, keys: bytes) -> None:
        os.write(self.fd, keys)


def test_ctrl_c_stops_a_board_in_order(board: Board) -> None:
    where = ["--netns", board.netns, "--address", "10.77.0.2/16", "--config", str(board.config)]
    terminal = Terminal("vboard", "run", str(board.folder), *where)
    terminal.wait("Server starting service")
    terminal.type(b"x\x03")
    terminal.wait(None)
    assert terminal.process.wait(10) == 0
    assert "Stopped:" in terminal.text, "the firmware had its say"
    assert not board.has_netns()


@pytest.fixture
def need_udhcpc(need_root: None) -> None:
    if shutil.which("udhcpc") is None:
        pytest.skip("missing: udhcpc (apt install udhcpc)")


def test_the_demonstration_goes_on_serving_until_ctrl_c(tmp_path: Path, need_udhcpc: None) -> None:
    terminal = Terminal("demo", "--dir", str(tmp_path / "board"))
    terminal.wait("leases on the board", 60)
    terminal.wait("│ laptop │")
    terminal.type(b"\x03")
    terminal.wait(None)
    assert terminal.process.wait(10) == 0 and "power off" in terminal.text


def test_the_demonstration_without_a_terminal_ends_by_itself(tmp_path: Path, need_udhcpc: None) -> None:
    done = tool("demo", "--dir", str(tmp_path / "board"))
    assert done.returncode == 0, done.stdout + done.stderr
    for word in (
        "DHCPOFFER on 10.77.1.10 to 02:00:00:00:00:10",
        "renew: 10.77.1.10/16",
        "DHCPRELEASE",
        "done: 10.77.1.10",
    ):
        assert word in done.stdout, done.stdout
    assert "\x1b" not in done.stdout, "plain when piped"


def test_the_demonstration_runs_without_rights_in_a_user_namespace(tmp_path: Path, need_udhcpc: None) -> None:
    """What privilege.need() runs for somebody who is not root, with the rights that root has inside."""
    inside = ["unshare", "--user", "--map-root-user", "--net", "--mount"]
    prepare = 'mount -t tmpfs tmpfs /run && ip link set lo up && exec "$@"'
    words = [*inside, "sh", "-c", prepare, "sh", *TOOL, "demo", "--once", "--dir", str(tmp_path / "board")]
    if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode:
        pytest.skip("missing: user namespaces (sysctl kernel.unprivileged_userns_clone=1)")
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
