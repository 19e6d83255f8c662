"""A virtual board and a real client, step by step: obtain, renew, release, obtain again.

`Demo` is used by `twinlease demo` (`make run`) and by tests. It tells what happens through one function,
`tell(who, text)`, as it happens.
"""

from __future__ import annotations

import json
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from .. import serial_link
from ..errors import UserError
from .lan import Cable
from .process import Process

HERE = Path(__file__).parent
ADDRESS = "10.77.0.2/16"
Tell = Callable[[str, str], None]


class Demo:
    """A context manager: boots a board on a cable with a client; `steps` runs the client's life."""

    def __init__(self, folder: Path, config: Path, heap: str, tell: Tell) -> None:
        if shutil.which("udhcpc") is None:
            raise UserError("the DHCP client udhcpc is missing", "type: sudo apt-get install udhcpc")
        self.port = str(folder / "serial")
        self._folder = folder
        self._config = config
        self._heap = heap
        self._tell = tell
        self._cable = Cable()
        self._running: list[Process] = []

    def __enter__(self) -> Demo:
        self._cable.__enter__()
        try:
            self._boot()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in reversed(self._running):
            process.stop()
        self._cable.__exit__(kind, error, trace)

    def steps(self) -> None:
        """Obtain, renew, release and obtain again. Raises UserError, code 1, if something is not so."""
        self._tell("step", "a client without an address asks for one")
        client = self._start_client()
        first = _address(client.wait_line("bound:", 20))
        self._expect(first, "active")

        self._tell("step", "it renews its lease before half of it has passed")
        client.send(signal.SIGUSR1)
        if _address(client.wait_line("renew:", 20)) != first:
            raise UserError("the renewal brought another address", code=1)
        self._expect(first, "active")

        self._tell("step", "it gives the address back")
        client.send(signal.SIGUSR2)
        client.wait_line("deconfig:", 20)
        self._expect(first, "released", "free")

        self._tell("step", "it comes back, and should get the same address")
        client.send(signal.SIGUSR1)
        again = _address(client.wait_line("bound:", 20))
        if again != first:
            raise UserError(f"it got {again}, not {first}", code=1)
        self._expect(first, "active")
        self._tell("step", f"done: {first} obtained, renewed, released and obtained again")

    def leases(self) -> list[dict[str, Any]]:
        """The board's lease table, asked over its serial console."""
        found: list[dict[str, Any]] = json.loads(serial_link.ask(self.port, "show leases json").text)
        return sorted(found, key=lambda lease: [int(part) for part in lease["address"].split(".")])

    def serving(self) -> bool:
        """Tell whether the board's process runs."""
        return self._running[0].running()

    def _boot(self) -> None:
        where = ["--netns", self._cable.left, "--address", ADDRESS, "--config", str(self._config), "--heap", self._heap]
        words = [sys.executable, "-m", "twinlease_host", "vboard", "run", str(self._folder), *where]
        self._tell("step", f"power on: a board with {self._heap} of heap, {ADDRESS}, its flash in {self._folder}")
        board = Process("board", words, self._tell)
        self._running.append(board)
        end = time.monotonic() + 30
        while time.monotonic() < end and board.running():
            try:
                if Path(self.port).exists() and serial_link.ask(self.port, "show version json", 1).ok:
                    return
            except UserError:
                time.sleep(0.1)
        raise UserError("the board does not serve", "what it said is above", code=1)

    def _start_client(self) -> Process:
        words = [
            "udhcpc",
            "-f",
            "-i",
            "eth0",
            "-s",
            str(HERE / "udhcpc-event"),
            "-x",
            "hostname:laptop",
            "-t",
            "5",
            "-T",
            "2",
        ]
        client = Process("client", ["ip", "netns", "exec", self._cable.right, *words], self._tell)
        self._running.append(client)
        return client

    def _expect(self, address: str, *states: str) -> None:
        """The board's own table must agree; a release has no answer, so it may take a moment."""
        end = time.monotonic() + 5
        while True:
            state = next((lease["state"] for lease in self.leases() if lease["address"] == address), "free")
            if state in states:
                return
            if time.monotonic() > end:
                raise UserError(f"{address} is {state} in the board's table, not {' or '.join(states)}", code=1)
            time.sleep(0.05)


def _address(line: str) -> str:
    return line.split(": ")[1].split("/")[0]
