"""Reads dhcpd.leases, the lease database of ISC dhcpd (dhcpd.leases(5); failover reference, section 8.2).

The file is a log: what stands last for an address, or for a failover peer, counts. A last entry that is not closed is
still being written, and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

NEVER = float("inf")
_TOKEN = re.compile(r'#[^\n]*|"(?:[^"\\]|\\.)*"|[{};]|[^\s{};"#]+')
_TIMES = ("starts", "ends", "tstp", "tsfp", "atsfp", "cltt")
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)


@dataclass(frozen=True)
class Lease:
    """One address as it stands. Times are Unix seconds, NEVER for an infinite one, 0 where the file has none."""

    address: str
    state: str
    next_state: str
    rewind_state: str
    hardware: str = ""
    """As in 02:00:00:00:00:01, "" for an address without a client."""
    client_id: bytes = b""
    name: str = ""
    starts: float = 0
    ends: float = 0
    tstp: float = 0
    tsfp: float = 0
    atsfp: float = 0
    cltt: float = 0
    reserved: bool = False


@dataclass(frozen=True)
class Peer:
    """A failover peer's state block: both states, when each was entered, and mclt (the secondary's file has it, else 0)."""

    name: str
    mine: str
    mine_since: float
    partner: str
    partner_since: float
    mclt: int = 0


@dataclass
class Database:
    """What the file says."""

    leases: dict[str, Lease] = field(default_factory=dict)
    peers: dict[str, Peer] = field(default_factory=dict)

    def count(self, state: str) -> int:
        """How many addresses are in this state. Never-used FREE ones are not in the file."""
        return sum(lease.state == state for lease in self.leases.values())


def load(path: Path) -> Database:
    """Read the file."""
    return parse(path.read_text(errors="surrogateescape"))


def parse(text: str) -> Database:
    """Read the file's text."""
    found = Database()
    for head, body in _blocks(text):
        if head[:1] == ["lease"] and len(head) == 2:
            found.leases[head[1]] = _lease(head[1], body)
        elif head[:2] == ["failover", "peer"] and head[3:] == ["state"]:
            found.peers[_plain(head[2])] = _peer(_plain(head[2]), body)
    return found


def _blocks(text: str) -> Iterator[tuple[list[str], list[list[str]]]]:
    """Each closed block of the top level: its head, and its statements without their semicolons. Inner blocks are skipped."""
    depth = 0
    words: list[str] = []
    head: list[str] = []
    body: list[list[str]] = []
    for token in _TOKEN.findall(text):
        if token.startswith("#"):
            continue
        if token == "{":
            depth += 1
            if depth == 1:
                head, body = words, []
            words = []
        elif token == "}":
            depth -= 1
            words = []
            if depth == 0:
                yield head, body
        elif token == ";":
            if depth == 1:
                body.append(words)
            words = []
        else:
            words.append(token)


def _lease(address: str, body: list[list[str]]) -> Lease:
    """The lease that these statements describe."""
    states: dict[str, str] = {}
    times: dict[str, float] = {}
    hardware = name = ""
    client_id = b""
    for words in body:
        match words:
            case ["binding", "state", state]:
                states["binding"] = state
            case [("next" | "rewind") as which, "binding", "state", state]:
                states[which] = state
            case [which, *when] if which in _TIMES:
                times[which] = _time(when)
            case ["hardware", _, octets]:
                hardware = octets
            case ["uid", text]:
                client_id = _octets(text)
            case ["client-hostname", text]:
                name = _octets(text).decode(errors="replace")
    state = states.get("binding", "unknown")
    return Lease(
        address,
        state,
        states.get("next", state),
        states.get("rewind", state),
        hardware,
        client_id,
        name,
        reserved=["reserved"] in body,
        **times,
    )


def _peer(name: str, body: list[list[str]]) -> Peer:
    """The state block that these statements make."""
    states = {"my": ("unknown-state", 0.0), "partner": ("unknown-state", 0.0)}
    mclt = 0
    for words in body:
        match words:
            case [("my" | "partner") as whose, "state", state, *since]:
                states[whose] = (state, _time(since[1:]))
            case ["mclt", number]:
                mclt = int(number)
    return Peer(name, *states["my"], *states["partner"], mclt)


def _time(words: list[str]) -> float:
    """`4 2026/11/19 10:00:00` (weekday, date, UTC), `epoch 1795347443`, or `never`."""
    match words:
        case ["never"]:
            return NEVER
        case ["epoch", seconds]:
            return float(seconds)
        case [_, date, clock]:
            return datetime.strptime(f"{date} {clock}", "%Y/%m/%d %H:%M:%S").replace(tzinfo=UTC).timestamp()
        case []:
            return 0.0
    raise ValueError(f"no time of dhcpd.leases: {' '.join(words)}")


def _plain(text: str) -> str:
    return _octets(text).decode(errors="replace")


def _octets(text: str) -> bytes:
    """A string with octal escapes, or octets in hex with colons."""
    if not text.startswith('"'):
        return bytes(int(octet, 16) for octet in text.split(":")) if ":" in text else text.encode()
    raw = text[1:-1].encode("utf-8", "surrogateescape")

    def plain(found: re.Match[bytes]) -> bytes:
        code = found.group(1)
        return (
            bytes([int(code, 8) & 255]) if len(code) == 3 else {b"n": b"\n", b"t": b"\t", b"r": b"\r"}.get(code, code)
        )

    return _ESCAPE.sub(plain, raw)
