"""One half of a failover pair, dhcpd or a virtual board, behind one interface that hides which it is."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from twinlease_host import serial_link

from . import dhcpd_leases
from .net import Host
from .servers import Isc, Plan, Server, Twinlease
from .site import NETWORK
from .tools import run
from .wait import wait_for

NAME = "fo-lab"
OMAPI_PORT = 7911
_PARTNER_DOWN = 4  # in omshell, failover states go by their number on the wire
_MOVE = re.compile(rf"^failover peer {NAME}: I move from (\S+) to (\S+)", re.MULTILINE)
_PARTNER_MOVE = re.compile(rf"^failover peer {NAME}: peer moves from (\S+) to (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Bound:
    """An address in a server's database."""

    state: str
    hardware: str
    client_id: bytes
    ends: float
    """Unix seconds."""


class Side(ABC):
    """A server of the pair. `at` is its switch, `role` is "primary" or "secondary"."""

    kind: ClassVar[str]
    needs: ClassVar[tuple[str, ...]]

    def __init__(
        self, role: str, at: str, host: Host, address: str, where: Path, config: str, partners_config: str
    ) -> None:
        self.role = role
        self.at = at
        self.host = host
        self.address = address
        self.where = where
        self.hung = False
        self.server = self.prepare(config, partners_config)

    def __str__(self) -> str:
        return f"{self.role} ({self.kind})"

    @abstractmethod
    def prepare(self, config: str, partners_config: str) -> Server:
        """Lay out what it is started from."""

    # Power

    def launch(self) -> None:
        """Switch it on, and wait for nothing."""
        self.server.daemon = self.server.launch()

    def start(self) -> None:
        """Switch it on, and wait until it hears clients."""
        self.server.start()

    def stop(self) -> None:
        """End it in order, whatever it is doing."""
        if self.server.daemon is not None:
            self.resume()
            self.server.stop()

    def cut_power(self) -> None:
        """SIGKILL to all of its processes."""
        self.server.cut_power()
        self.hung = False

    def hang(self) -> None:
        """SIGSTOP to all of its processes: its kernel goes on acknowledging what comes in, it does nothing.

        For a board that is the interpreter and the host tool: a board that hangs says nothing on its serial port either.
        """
        os.killpg(self.server.live.pid, signal.SIGSTOP)
        self.hung = True

    def resume(self) -> None:
        """SIGCONT: it wakes up, and finds what it has missed."""
        if self.hung:
            os.killpg(self.server.live.pid, signal.SIGCONT)
            self.hung = False

    @abstractmethod
    def lose_database(self) -> None:
        """While it is off: forget every lease and the failover state."""

    # What it says

    def log(self, since: int | None = None) -> str:
        """Its log, of this start or since a mark of `mark`."""
        return self.server.live.text(since)

    def whole_log(self) -> str:
        """Its log since the test began."""
        return self.log(0) if self.server.daemon else ""

    def mark(self) -> int:
        """Where its log ends now."""
        return self.server.live.position()

    def moves(self, since: int | None = None) -> list[tuple[str, str]]:
        """Its changes of state, (from, to), of this start or since a mark."""
        return _MOVE.findall(self.log(since))

    def state(self) -> str | None:
        """The state that it last moved to; None before it has said any."""
        moves = self.moves()
        return moves[-1][1] if moves else None

    def partner_state(self) -> str | None:
        """The state that it last heard of its partner, in this start."""
        heard = _PARTNER_MOVE.findall(self.log())
        return heard[-1][1] if heard else None

    def wait_state(self, *wanted: str, limit_s: float = 60.0) -> str:
        """Wait until it is in one of these states, and return it."""

        wait_for(lambda: self.is_in(*wanted), limit_s, f"{self} to be in {' or '.join(wanted)}", self.server.live.tail)
        return str(self.state())

    def is_in(self, *wanted: str) -> bool:
        """Whether it is in one of these states; RuntimeError if it has ended."""
        running = self.server.live.running()
        if self.state() in wanted:
            return True
        if not running:
            raise RuntimeError(f"{self} has ended; its log:\n{self.server.live.tail()}")
        return False

    def wait_log(self, pattern: str, limit_s: float = 60.0, since: int | None = None) -> re.Match[str]:
        """Wait for a line."""
        return self.server.live.wait_log(pattern, limit_s, since)

    # What it knows and does

    @abstractmethod
    def partner_down(self) -> None:
        """Tell it, as its operator would, that the partner is down."""

    @abstractmethod
    def leases(self) -> dict[str, Bound]:
        """The addresses that have ever been leased, or are abandoned, as its database has them."""

    def unsettled(self) -> str:
        """What it says itself is not as it should be in NORMAL, with nothing left to do; "" if all is well."""
        return ""

    def clocks(self) -> str:
        """What it says of its clock and its partner's, for error messages."""
        return "no word about clocks"

    @abstractmethod
    def free_lists(self, size: int) -> tuple[int, int]:
        """How many of the pool's `size` addresses are FREE (the primary's to give) and BACKUP (the secondary's)."""


class IscSide(Side):
    """ISC dhcpd. Its database is what stands in dhcpd.leases."""

    kind = "ISC dhcpd"
    needs = ("dhcpd", "omshell")

    def prepare(self, config: str, partners_config: str) -> Server:
        return Isc(self.host, self.where, config=f"omapi-port {OMAPI_PORT};\n{config}", core=None)

    def lose_database(self) -> None:
        for path in self.where.glob("dhcpd.leases*"):
            path.unlink()
        (self.where / "dhcpd.leases").touch()

    def partner_down(self) -> None:
        script = self.where / "omshell-script"
        script.write_text(
            f'server 127.0.0.1\nport {OMAPI_PORT}\nconnect\nnew failover-state\nset name = "{NAME}"\nopen\n'
            f"set local-state = {_PARTNER_DOWN}\nupdate\n"
        )
        run(["ip", "netns", "exec", self.host.netns, "sh", "-c", f"omshell < {script}"])
        self.wait_state("partner-down", limit_s=60)

    def database(self) -> dhcpd_leases.Database:
        """What dhcpd.leases says now. dhcpd writes its changes out with the next answer or after two seconds."""
        return dhcpd_leases.load(self.where / "dhcpd.leases")

    def leases(self) -> dict[str, Bound]:
        found = self.database().leases.values()
        return {
            one.address: Bound(one.state, one.hardware, one.client_id, one.ends)
            for one in found
            if one.hardware or one.state not in ("free", "backup")
        }

    def unsettled(self) -> str:
        """Until an update of a lease is acknowledged it has no atsfp, and the client gets MCLT (reference, section 5.6)."""
        due = [
            one.address
            for one in self.database().leases.values()
            if one.state == "active" and one.tstp and not one.atsfp
        ]
        return f"not acknowledged: {' '.join(due)}" if due else ""

    def free_lists(self, size: int) -> tuple[int, int]:
        database = self.database()
        written = sum(lease.state != "free" for lease in database.leases.values())
        return size - written, database.count("backup")


PAIR_HEAP = "384K"
"""Failover and a thousand leases take 325 KB of a 64-bit heap; a board has 32-bit pointers."""


class BoardSide(Side):
    """A virtual board, asked on its serial console. Both boards get the primary's file, as one configuration for a pair."""

    kind = "board"
    needs = ("twinlease",)

    def prepare(self, config: str, partners_config: str) -> Server:
        shared = config if self.role == "primary" else partners_config
        plan = Plan(network=NETWORK, address=self.address)
        return Twinlease(self.host, self.where, plan, shared, None, heap=os.environ.get("LAB_HEAP", PAIR_HEAP))

    def ask(self, command: str) -> str:
        """One console command; RuntimeError if the board refuses it."""
        answer = serial_link.ask(str(self.board.board / "serial"), command, 10.0)
        if not answer.ok:
            raise RuntimeError(f"{self} refused {command!r}: {answer.text}")
        return answer.text

    @property
    def board(self) -> Twinlease:
        """The server, as what it is."""
        assert isinstance(self.server, Twinlease)
        return self.server

    def show(self, what: str) -> Any:
        """The answer to a show command, read as JSON."""
        return json.loads(self.ask(f"show {what} json"))

    def unsettled(self) -> str:
        facts = self.facts()
        wanted = {"state": "normal", "partner_state": "normal", "linked": True, "serves": True, "unacked": 0, "due": 0}
        wanted["differences"] = []
        return ", ".join(f"{key}: {facts[key]!r}" for key, value in wanted.items() if facts[key] != value)

    def clocks(self) -> str:
        return f"partner's clock ahead by {self.show('failover')[0]['skew']} s; {self.show('clock')}"

    def edit(self, old: str, new: str) -> None:
        """While it is off: somebody edits the dhcpd.conf that it is started with, which has `old` once."""
        path = self.where / "dhcpd.conf"
        text = path.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path}"
        path.write_text(text.replace(old, new))

    def facts(self) -> dict[str, Any]:
        """What `show failover` says of the pair."""
        return next(one for one in self.show("failover") if one["name"] == NAME)

    def lose_database(self) -> None:
        """A new board in the place of the old one: its flash is blank."""
        for path in self.board.board.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()

    def partner_down(self) -> None:
        self.ask(f"failover partner-down {NAME} yes")
        self.wait_state("partner-down", limit_s=60)

    def is_in(self, *wanted: str) -> bool:
        if "This board serves nobody" in self.log():
            raise RuntimeError(f"{self} cannot serve this configuration; its log:\n{self.server.live.tail()}")
        return super().is_in(*wanted)

    def leases(self) -> dict[str, Bound]:
        return {
            row["address"]: Bound(
                row["state"],
                row["hardware"],
                bytes.fromhex(row["client_id"]),
                dhcpd_leases.NEVER if row["ends"] is None else row["ends"] - (self.board.rtc or 0),
            )
            for row in self.show("leases")
        }

    def free_lists(self, size: int) -> tuple[int, int]:
        pools = self.show("pools")
        return sum(p["free"] for p in pools), sum(p["backup"] for p in pools)


SIDES: dict[str, type[Side]] = {"isc": IscSide, "board": BoardSide}
