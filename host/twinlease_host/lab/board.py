"""A virtual board of the demonstration: its power switch, and what it says when asked."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

from .. import serial_link
from ..errors import UserError
from .lan import Lan
from .process import Process
from .timeline import STORY, Timeline

_BOOT_S = 180.0  # the first start compiles the firmware, perhaps on a machine that has much else to do
_LAST_WORDS_S = 0.3  # its port goes a little before it does
_POWER = "vboard: power on"
_STARTED = "Server starting service"
_REFUSED = ("serves nobody", "the board was not started", "the firmware ended")


@dataclass(frozen=True)
class Make:
    """What each board is started with."""

    config: Path
    heap: str


class Board:
    """`folder` is what remains of it without power."""

    def __init__(self, letter: str, interface: str, folder: Path, make: Make) -> None:
        self.name = f"board {letter}"
        self.machine = f"board-{letter.lower()}"
        self.address = str(IPv4Interface(interface).ip)
        self.folder = folder / self.machine
        self.port = self.folder / "serial"
        self._interface = interface
        self._make = make
        self._process: Process | None = None
        self.patience_s = 5.0
        """How long an answer of its console may take, somebody else's use of it included."""

    def __str__(self) -> str:
        return self.name

    def blank_flash(self) -> None:
        """A new board, while it is off. The compiled firmware is kept, to save the time."""
        for path in self.folder.glob("*"):
            if path.name == "firmware":
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()

    def power_on(self, lan: Lan, timeline: Timeline) -> None:
        """It boots with what its flash holds; nothing is waited for."""
        self.port.unlink(missing_ok=True)  # a power cut leaves the name of a port that may be somebody else's by now
        where = ["--netns", lan.netns(self.machine), "--address", self._interface]
        what = ["--config", str(self._make.config), "--heap", self._make.heap]
        words = [sys.executable, "-m", "twinlease_host", "vboard", "run", str(self.folder), *where, *what]
        self._process = Process(self.name, words, timeline.tell)
        timeline.tell(STORY, f"{self}: {self.address}, {self._make.heap} of heap", "power-on", **self._facts())

    def wait_serving(self, lan: Lan) -> None:
        """Wait until it has booted. Its namespace would answer ARP without it: its cable is live once it has power."""
        for word in (_POWER, _STARTED):
            line = self._live.wait_line((word, *_REFUSED), _BOOT_S)
            if word not in line:
                raise UserError(f"{self} does not serve: {line}", code=1)
            lan.set_carrier(self.machine, True)

    def wait_started(self) -> None:
        """Wait until it has started again by itself, and serves or has nothing to serve by."""
        self._live.wait_line((_STARTED, *_REFUSED), _BOOT_S)

    def cut_power(self, lan: Lan, timeline: Timeline) -> None:
        """Without a farewell: nothing that it would still say leaves it."""
        lan.set_carrier(self.machine, False)
        self._live.kill()
        timeline.tell(STORY, f"{self} is off: SIGKILL, and no carrier on its cable", "power-cut", **self._facts())

    def ask_to_stop(self) -> None:
        """As Ctrl-C at its terminal would: it stops in order."""
        if self._process is not None:
            self._process.ask_to_stop()

    def power_off(self) -> None:
        """Wait until it has stopped in order."""
        if self._process is not None:
            self._process.stop()

    def running(self) -> bool:
        """Tell whether it has power and has not ended."""
        return self._process is not None and self._process.running()

    def ask(self, command: str) -> str:
        """One console command. Raises UserError if it is refused, or if nobody answers."""
        try:
            answer = serial_link.ask(str(self.port), command, self.patience_s)
        except UserError:
            if self._process is None or self._process.ends_within(_LAST_WORDS_S):
                raise UserError(f"{self} ended by itself", code=1) from None
            raise
        if not answer.ok:
            raise UserError(f"{self} refused {command!r}: {answer.text.strip()}", code=1)
        return answer.text

    def failover(self) -> dict[str, Any]:
        """What it says of itself and its partner."""
        peers: list[dict[str, Any]] = json.loads(self.ask("show failover json"))
        return peers[0]

    def state(self) -> str:
        """Its failover state, in ISC's words."""
        return str(self.failover()["state"])

    def settled(self) -> bool:
        """Tell whether both are in NORMAL as it knows, and it has nothing left to tell its partner."""
        facts = self.failover()
        wanted = {"state": "normal", "partner_state": "normal", "linked": True, "serves": True, "unacked": 0, "due": 0}
        return all(facts[key] == value for key, value in wanted.items())

    def leases(self) -> list[dict[str, Any]]:
        """Its lease table: the addresses that somebody has, or had."""
        found: list[dict[str, Any]] = json.loads(self.ask("show leases json"))
        return found

    def lease(self, address: str) -> dict[str, Any] | None:
        """The row of this address, if it is in the table."""
        return next((lease for lease in self.leases() if lease["address"] == address), None)

    def describe(self) -> list[str]:
        """What it has to say when something went wrong, in lines."""
        if not self.running():
            return ["it is off"]
        try:
            return self.ask("show failover").splitlines() + self.ask("show leases").splitlines()
        except UserError as bad:
            return [str(bad)]

    @property
    def _live(self) -> Process:
        assert self._process is not None, "it was never switched on"
        return self._process

    def _facts(self) -> dict[str, Any]:
        """For scripts."""
        return {"board": self.machine, "address": self.address, "pid": self._live.popen.pid, "port": str(self.port)}
