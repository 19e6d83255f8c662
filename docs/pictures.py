"""Draws the pictures of README.md: what `make run`, `twinlease status` and `twinlease top` show of a pair that runs.

Run it as root from the repository, after a change of what is shown:  make pictures

For the first the demonstration runs as `make run ONCE=1` does. For the others two virtual boards start with the leases
of an office (imported, as `twinlease config import` does), then a real client comes; nothing is painted by hand.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from twinlease import conf
from twinlease_host.isc import journal_image
from twinlease_host.isc.leases_file import Lease
from twinlease_host.lab.board import Board, Make
from twinlease_host.lab.demo import ADDRESSES, HERE, PREFIX
from twinlease_host.lab.lan import CLIENT_MAC, Lan
from twinlease_host.lab.timeline import Timeline

DOCS = Path(__file__).resolve().parent
STORY = {"run.svg": ("demo", "--once", "--fresh")}
OFFICE = {"status.svg": ("status",), "top.svg": ("top", "--once")}
NAMES = (
    "till-1",
    "till-2",
    "printer",
    "phone-reception",
    "phone-lab",
    "laptop-anna",
    "scanner",
    "display",
    "camera-door",
)
_PATIENCE_S = 120


def office(now: int) -> list[Lease]:
    """Who has leases when the pair takes over."""
    found = []
    for n, name in enumerate(NAMES):
        hardware, at = f"02:00:00:00:01:{n:02x}", now - 97 * n
        found.append(Lease(f"10.77.1.{10 + n}", "active", at + 3600, at, hardware=hardware, name=name))
    return found


def main() -> None:
    """Start, look, draw."""
    now = int(time.time())
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        for picture, words in STORY.items():
            _tool(*words, "--dir", "story", "--svg", str(DOCS / picture))
        folder = Path("pair")
        folder.mkdir()
        config = HERE / "demo.conf"
        boards = [Board(one, address + PREFIX, folder, Make(config, "320K")) for one, address in ADDRESSES.items()]
        image = journal_image.make(conf.load(config.read_text()), office(now), now, 256 * 1024)
        for board in boards:
            journal_image.install(image.octets, board.folder)
        timeline = Timeline(lambda event: print(event.plain()), folder / "timeline.log")
        with Lan({**{board.machine: None for board in boards}, "client": CLIENT_MAC}) as lan:
            try:
                for board in boards:
                    board.power_on(lan, timeline)
                for board in boards:
                    board.wait_serving(lan)
                if not timeline.until(lambda: all(board.settled() for board in boards), _PATIENCE_S):
                    sys.exit("the two did not come to normal: see above")
                _client(lan)
                timeline.until(lambda: all(board.settled() for board in boards), _PATIENCE_S)
                for picture, words in OFFICE.items():
                    _tool(*words, *(str(board.folder) for board in boards), "--svg", str(DOCS / picture))
            finally:
                for board in boards:
                    board.ask_to_stop()
                for board in boards:
                    board.power_off()


def _client(lan: Lan) -> None:
    inside = ["ip", "netns", "exec", lan.netns("client")]
    words = ["udhcpc", "-q", "-n", "-i", "eth0", "-s", str(HERE / "udhcpc-event"), "-x", "hostname:laptop"]
    subprocess.run([*inside, *words], check=True)


def _tool(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "twinlease_host", *words], check=True)


if __name__ == "__main__":
    main()
