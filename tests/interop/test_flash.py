"""A virtual ESP32 from the factory: the real esptool writes it through `make flash`, its power goes in the middle, and it
is written again; then it serves a real client, and once more, and the client's lease is still there.
"""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import serial
from lab.clients import Udhcpc
from lab.daemon import Daemon
from lab.net import Host, Lan
from lab.tools import REPOSITORY, TWINLEASE, require
from lab.wait import wait_for
from twinlease_host.flash import esp_image

LIMIT_S = 180
CONFIG = "authoritative;\nsubnet 10.77.0.0 netmask 255.255.0.0 { range 10.77.1.1 10.77.1.20; }\n"
ROW = struct.Struct("<2sBBLL16sL")


class Chip:
    """A virtual ESP32 at a wire; `url` is its serial port, with reset lines."""

    def __init__(self, host: Host, folder: Path) -> None:
        self.host = host
        self.folder = folder
        self.daemon: Daemon | None = None

    def power_on(self, **environment: str) -> str:
        words = [TWINLEASE, "vboard", "run", self.folder / "board", "--esp32", "--rfc2217", "0"]
        words += ["--netns", self.host.netns, "--iface", self.host.iface]
        self.daemon = Daemon("vboard", words, self.folder / "log", None, None, self.folder, environment)
        self.daemon.wait_log("power on", LIMIT_S)
        return (self.folder / "board" / "serial.url").read_text().strip()

    def flash(self) -> bytes:
        return (self.folder / "board" / "flash.bin").read_bytes()


@pytest.fixture
def chip(lan: Lan, tmp_path: Path) -> Iterator[Chip]:
    made = Chip(lan.host("srv"), tmp_path)
    yield made
    if made.daemon is not None:
        made.daemon.kill()


def make_flash(port: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """As README has it. The virtual environment is there: it is not made again for a newer pyproject.toml."""
    words = ["make", "-s", "-C", str(REPOSITORY), "-o", ".venv/.installed", "flash", "BOARD=virtual-esp32"]
    words += [f"PORT={port}", f"IMAGE={folder / 'micropython.bin'}", f"CONFIG={folder / 'dhcpd.conf'}"]
    words += ["ADDRESS=10.77.0.2/16", "MORE=--host-name till"]
    return subprocess.run(words, capture_output=True, text=True, timeout=LIMIT_S, check=False)


def flash(*words: str | Path) -> str:
    """`twinlease flash` that fails: what it says."""
    done = subprocess.run([TWINLEASE, "flash", *words], capture_output=True, text=True, timeout=LIMIT_S, check=False)
    assert done.returncode == 2 and "hint:" in done.stderr, done.stdout + done.stderr
    return " ".join(done.stderr.split())


def rows(flash: bytes) -> dict[str, tuple[int, int, int, int]]:
    """The partition table: type, subtype, start and size by name."""
    found = {}
    for at in range(0x8000, 0x8C00, ROW.size):
        magic, kind, subtype, start, size, name, _ = ROW.unpack_from(flash, at)
        if magic != b"\xaa\x50":
            break
        found[name.rstrip(b"\0").decode()] = (kind, subtype, start, size)
    return found


def test_a_new_chip_is_flashed_cut_off_flashed_serves_and_keeps_its_leases(
    chip: Chip, lan: Lan, tmp_path: Path
) -> None:
    require("udhcpc")
    (tmp_path / "dhcpd.conf").write_text(CONFIG)
    subprocess.run([TWINLEASE, "vboard", "image", tmp_path / "micropython.bin"], check=True)

    port = chip.power_on(CUT_AFTER="150000")
    assert chip.daemon is not None
    chip.daemon.wait_log("nothing to start in flash: no loader at 0x1000")
    done = make_flash(port, tmp_path)
    assert done.returncode != 0 and "error:" in done.stderr and "hint:" in done.stderr, done.stdout + done.stderr
    wait_for(lambda: not chip.daemon.running(), LIMIT_S, "the power to be gone")
    assert chip.flash()[0x10000] == 0xE9 and b"leases" not in chip.flash()[0x8000:0x8C00]

    port = chip.power_on()
    chip.daemon.wait_log("nothing to start in flash: no partition table")
    done = make_flash(port, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 of 20 addresses in use" in done.stdout and ", till" in done.stdout
    assert rows(chip.flash()) == {
        "nvs": (1, 0x02, 0x9000, 0x6000),
        "phy_init": (1, 0x01, 0xF000, 0x1000),
        "factory": (0, 0x00, 0x10000, 0x1F0000),
        "leases": (1, 0x06, 0x200000, 0x40000),
        "vfs": (1, 0x81, 0x240000, 0x1C0000),
    }
    with Udhcpc(lan.host("cli"), tmp_path / "client") as client:
        client.start()
        address = client.address(client.wait())
        done = make_flash(port, tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "nothing: it is there" in done.stdout and "1 of 20 addresses in use" in done.stdout
        assert "0 written, " in done.stdout and "Recovered 1 leases from" in chip.daemon.text()
        serving = chip.daemon.text().split("DHCPACK", 1)[1]
        assert "Stopped: " in serving.split("reset line", 1)[0], "it stops in order before the chip is reset"
        seen = len(client.seen())
        client.renew_now()
        assert client.address(client.wait(after=seen)) == address

        of_s3 = esp_image.make("esp32s3", bytes(9000)).ljust(0x10000, b"\xff") + esp_image.make("esp32s3", bytes(9000))
        (tmp_path / "s3.bin").write_bytes(of_s3)
        said = flash("esp32-s3-psram", "--port", port, "--image", tmp_path / "s3.bin")
        assert "has an ESP32" in said and "not an esp32s3" in said
        pty = chip.folder / "board" / "serial"
        with serial.Serial(str(pty), exclusive=True):
            assert "not in use by another program" in flash("virtual-esp32", "--no-micropython", "--port", pty)
        seen = len(client.seen())
        client.renew_now()
        assert client.address(client.wait(after=seen)) == address, "the board that was refused serves again"
