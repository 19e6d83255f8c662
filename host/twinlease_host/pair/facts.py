"""What a board says of itself: its answers to `show ... json`, as they came, and what follows from them.

`Facts` can be written to a file and read again, so that a pair can be looked at later, and somewhere else.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Interface
from typing import Any

from .. import serial_link
from ..errors import UserError

ASKED = ("version", "interfaces", "clock", "flash", "memory", "pools", "failover", "config")
_LOCKED = "this console is locked"
_TRIED = "When it was last tried: "

Json = dict[str, Any]
Ask = Callable[[str], serial_link.Answer]


@dataclass
class Facts:
    """A board's answers by what was asked; what it refused to tell, and in which words. `asked_at`: this PC's clock."""

    name: str
    port: str
    asked_at: float = 0.0
    told: dict[str, Any] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    last_trial: str = ""  # why the configuration that was tried last was given up

    def __str__(self) -> str:
        return f"board {self.name}"

    @property
    def version(self) -> str:
        """Of its firmware."""
        return str(self._object("version").get("version", ""))

    @property
    def runs_on(self) -> str:
        """The kind of board, as its port names itself."""
        return str(self._object("version").get("board", ""))

    @property
    def interfaces(self) -> list[Json]:
        """Each: name, address with prefix, hardware, connected."""
        found: list[Json] = self._object("interfaces").get("interfaces", [])
        return found

    @property
    def addresses(self) -> list[IPv4Interface]:
        """Its own, with their networks."""
        return [IPv4Interface(one["address"]) for one in self.interfaces]

    @property
    def packets(self) -> Json:
        """DHCP packets since it started: received, sent, unsent, errors, starved."""
        found: Json = self._object("interfaces").get("packets", {})
        return found

    @property
    def clock(self) -> Json:
        """As `show clock` has it."""
        return self._object("clock")

    @property
    def flash(self) -> Json:
        """Counters since its start, free_blocks."""
        return self._object("flash")

    @property
    def memory(self) -> Json:
        """Free and allocated octets."""
        return self._object("memory")

    @property
    def pools(self) -> list[Json]:
        """Each: pool, network, size, and how many addresses are in each state. Empty if it serves nobody."""
        found: list[Json] = self.told.get("pools") or []
        return found

    @property
    def peers(self) -> list[Json]:
        """Its failover relationships; a pair has one."""
        found: list[Json] = self.told.get("failover") or []
        return found

    @property
    def config(self) -> str | None:
        """The dhcpd.conf that it serves, or is to serve; None if it has none."""
        told = self.told.get("config")
        return None if told is None else str(told["text"])

    @property
    def trial(self) -> int:
        """Minutes for which its configuration is on trial; not above 0: it is not."""
        return int(self._object("config").get("trial", -1))

    @property
    def serves(self) -> bool:
        """Tell whether it has a configuration that it serves by; failover may still keep it silent."""
        return "pools" in self.told

    @property
    def answers(self) -> bool:
        """Tell whether clients that ask it now get an answer."""
        return self.serves and all(peer["serves"] for peer in self.peers)

    @property
    def settled(self) -> bool:
        """Tell whether it and its partners are in NORMAL, and nothing is on its way."""
        wanted = {"state": "normal", "partner_state": "normal", "linked": True, "serves": True, "unacked": 0, "due": 0}
        return self.serves and all(peer[key] == value for peer in self.peers for key, value in wanted.items())

    @property
    def unix_time(self) -> float | None:
        """What its clock says."""
        utc = self.clock.get("utc")
        if not utc:
            return None
        told = datetime.strptime(utc, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        return told.timestamp() + float(self.clock.get("ms", 0)) / 1000

    @property
    def ahead_s(self) -> float | None:
        """How far its clock is ahead of this PC's."""
        told = self.unix_time
        return None if told is None else told - self.asked_at

    def fields(self) -> Json:
        """For a file."""
        return asdict(self)

    def _object(self, what: str) -> Json:
        found: Json = self.told.get(what) or {}
        return found


def gather(name: str, port: str, timeout_s: float = serial_link.PATIENCE_S, also: tuple[str, ...] = ()) -> Facts:
    """Ask a board all of it. Raises UserError if it does not answer, or if its console is locked."""
    with serial_link.Link(port, timeout_s) as link:
        return ask_all(Facts(name, port), link.ask, also)


def ask_all(facts: Facts, ask: Ask, also: tuple[str, ...] = (), asked: tuple[str, ...] = ASKED) -> Facts:
    """Ask each of these, and put it into `facts`."""
    for what in (*asked, *also):
        if what == "clock":
            facts.asked_at = time.time()
        answer = ask(f"show {what} json")
        if answer.ok:
            facts.told[what] = _parsed(facts.port, what, answer.text)
        else:
            check_unlocked(facts.port, answer)
            facts.refused[what] = answer.text.strip()
    if "pools" not in facts.told and "pools" in asked:
        facts.last_trial = why_given_up(ask)
    return facts


def why_given_up(ask: Ask) -> str:
    """Why the board went back from the configuration that was tried last; "" if it did not."""
    text = ask("configure check").text
    if not text.startswith(_TRIED):
        return ""
    return text[len(_TRIED) :].partition("\n")[0].strip()


def check_unlocked(port: str, answer: serial_link.Answer) -> None:
    """Raise UserError if this answer is a lock's."""
    if not answer.ok and answer.text.startswith(_LOCKED):
        raise UserError(f"the console of the board at {port} is locked", f"twinlease console {port}, and type: unlock")


def load(path_text: str) -> list[Facts]:
    """What `fields` were written of; raises UserError."""
    try:
        return [Facts(**one) for one in json.loads(path_text)["boards"]]
    except (ValueError, KeyError, TypeError) as bad:
        raise UserError(f"this is no record of a pair: {bad}", "make one: twinlease doctor A B --record FILE") from None


def _parsed(port: str, what: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise UserError(
            f"the board at {port} answered `show {what} json` with something else: {text[:60]!r}",
            "is another program reading the same port? close it, and try again",
        ) from None
