"""A Raspberry Pi: the firmware under CPython with systemd's socket, in a network namespace whose interface comes late and goes."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from boards import CONFIG

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
UNIT = Path(__file__).resolve().parents[2] / "boards" / "raspberry-pi" / "twinlease.service"
LIMIT_S = 60


class Pi:
    """A server that systemd would have started, and what it says, to its log and to systemd."""

    def __init__(self, folder: Path, netns: str) -> None:
        self.netns = netns
        self.folder = folder
        (folder / "files").mkdir()
        (folder / "files" / "dhcpd.conf").write_text(CONFIG)
        (folder / "settings.json").write_text(json.dumps({"dir": str(folder)}))
        self.systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.systemd.bind(str(folder / "notify"))
        self.systemd.settimeout(LIMIT_S)
        self.log = folder / "log"

    def start(self) -> subprocess.Popen[bytes]:
        words = ["ip", "netns", "exec", self.netns, sys.executable, str(FIRMWARE / "main.py")]
        with open(self.log, "ab") as log:
            return subprocess.Popen(
                [*words, "--settings", str(self.folder / "settings.json")],
                stderr=log,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "NOTIFY_SOCKET": str(self.folder / "notify")},
            )

    def ip(self, *words: str) -> None:
        subprocess.run(["ip", "-n", self.netns, *words], check=True)

    def plug(self, address: str) -> None:
        self.ip("link", "add", "usb0", "type", "veth", "peer", "name", "far")
        for name in ("usb0", "far"):
            self.ip("link", "set", name, "up")
        self.ip("address", "add", address, "dev", "usb0")

    def wait_said(self, text: str) -> None:
        end = time.monotonic() + LIMIT_S
        while text not in self.log.read_text():
            assert time.monotonic() < end, f"never said {text!r}:\n{self.log.read_text()}"
            time.sleep(0.05)


@pytest.fixture
def pi(tmp_path: Path, need_root: None) -> Iterator[Pi]:
    netns = f"twpi-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", netns], check=True)
    yield Pi(tmp_path, netns)
    subprocess.run(["ip", "netns", "del", netns], check=False)


def test_it_waits_for_an_address_tells_systemd_and_follows_its_interface(pi: Pi) -> None:
    process = pi.start()
    try:
        pi.wait_said("No interface has an address yet: waiting for one")
        pi.plug("10.77.0.2/16")
        pi.wait_said("Server starting service")
        assert pi.systemd.recv(100) == b"READY=1\nWATCHDOG=1"
        assert pi.systemd.recv(100) == b"WATCHDOG=1"
        pi.ip("address", "del", "10.77.0.2/16", "dev", "usb0")
        pi.ip("link", "set", "usb0", "down")
        assert pi.systemd.recv(100) == b"WATCHDOG=1", "neither stops it"
        pi.ip("link", "del", "usb0")
        pi.plug("10.77.0.2/16")
        assert process.wait(LIMIT_S) == 3, "systemd starts it again"
        pi.wait_said("reset: usb0 was made anew")
    finally:
        process.kill()
        process.wait()


def test_the_unit_is_one_that_systemd_takes(tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/twinlease/main.py", "/dev/null"))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    complaints = [line for line in done.stderr.splitlines() if UNIT.name in line]
    assert not complaints, complaints
