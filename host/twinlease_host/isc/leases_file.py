"""dhcpd.leases, the lease database of ISC dhcpd (dhcpd.leases(5)): read, and written so that dhcpd reads it again.

The file is a log: what stands last for an address counts. A last entry that is not closed is still being written, and
is left out. Times of the file are UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

STATES = ("free", "active", "expired", "released", "abandoned", "reset", "backup")
ETHERNET = 1
_HTYPES = {"ethernet": ETHERNET, "token-ring": 6, "fddi": 8, "infiniband": 32}
_HTYPE_NAMES = {number: name for name, number in _HTYPES.items()}
_TOKEN = re.compile(r'#[^\n]*|"(?:[^"\\]|\\.)*"|[{};]|[^\s{};"#]+', re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-7]{3}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_AGENT = {"agent.circuit-id": 1, "agent.remote-id": 2, "agent.link-selection": 5}
_PAST = 0  # an entry without a time

Block = tuple[list[str], list[list[str]], int]


@dataclass(frozen=True)
class Lease:
    """One address as it stands. Times are Unix seconds, `ends` None for never; `line` of the file, 0 if it has none."""

    address: str
    state: str
    ends: int | None = _PAST
    cltt: int = _PAST
    starts: int = _PAST
    hardware: str = ""
    htype: int = ETHERNET
    client_id: bytes = b""
    name: str = ""
    agent: bytes = b""
    line: int = 0

    @classmethod
    def from_board(cls, told: dict[str, Any]) -> Lease:
        """Of one object of a board's `show leases json`."""
        return cls(
            told["address"],
            told["state"],
            told["ends"],
            told["cltt"],
            told["cltt"],
            told["hardware"],
            ETHERNET,
            bytes.fromhex(told["client_id"]),
            told["name"],
            bytes.fromhex(told.get("agent", "")),
        )


@dataclass
class Database:
    """What a file says: the leases by address, and what of it could not be understood, with its line."""

    leases: dict[str, Lease] = field(default_factory=dict)
    problems: list[tuple[int, str]] = field(default_factory=list)


def parse(text: str) -> Database:
    """Read the file's text."""
    found = Database()
    for head, body, line in _blocks(text):
        if head[:1] == ["lease"] and len(head) == 2:
            try:
                found.leases[head[1]] = _lease(head[1], body, line)
            except ValueError as bad:
                found.problems.append((line, f"lease {head[1]}: {bad}"))
        elif head[:1] not in (["failover"], ["server-duid"], ["host"], ["group"], ["class"], ["subclass"]) and head:
            found.problems.append((line, f"{' '.join(head)}: what is this?"))
    return found


def write(leases: Iterable[Lease], who: str) -> Iterator[str]:
    """The file's text by the piece. Raises nothing: what dhcpd has no word for is left out."""
    yield f"# Lease database of ISC dhcpd, dhcpd.leases(5), exported from {who}\nauthoring-byte-order little-endian;\n"
    for lease in leases:
        yield "\n" + "\n".join(_entry(lease)) + "\n"


def _entry(lease: Lease) -> Iterator[str]:
    yield f"lease {lease.address} {{"
    yield f"  starts {_date(lease.starts)};"
    yield f"  ends {'never' if lease.ends is None else _date(lease.ends)};"
    yield f"  cltt {_date(lease.cltt)};"
    yield f"  binding state {lease.state};"
    if lease.state == "active":
        yield "  next binding state free;"
    if lease.hardware:
        yield f"  hardware {_HTYPE_NAMES.get(lease.htype, 'ethernet')} {lease.hardware};"
    if lease.client_id:
        yield f"  uid {_quoted(lease.client_id)};"
    if lease.name:
        yield f"  client-hostname {_quoted(lease.name.encode())};"
    for code, octets in _suboptions(lease.agent):
        name = next((name for name, number in _AGENT.items() if number == code), None)
        if name == "agent.link-selection" and len(octets) == 4:
            yield f"  option {name} {'.'.join(str(octet) for octet in octets)};"
        elif name in ("agent.circuit-id", "agent.remote-id"):
            yield f"  option {name} {octets.hex(':')};"
    yield "}"


def _lease(address: str, body: list[list[str]], line: int) -> Lease:
    said: dict[str, Any] = {"address": address, "state": "", "line": line}
    agent: dict[int, bytes] = {}
    for words in body:
        name, values = words[0], words[1:]
        if name in ("starts", "cltt"):
            said[name] = _time(values) or _PAST
        elif name == "ends":
            said["ends"] = _time(values)
        elif name == "binding" and values[:1] == ["state"]:
            said["state"] = values[1]
        elif name == "abandoned":
            said["state"] = "abandoned"
        elif name == "hardware":
            said["htype"] = _HTYPES.get(values[0], ETHERNET)
            said["hardware"] = ":".join(f"{int(part, 16):02x}" for part in values[1].split(":"))
        elif name == "uid":
            said["client_id"] = _octets(values)
        elif name == "client-hostname":
            said["name"] = _octets(values).decode(errors="replace")
        elif name == "option" and values[0] in _AGENT:
            agent[_AGENT[values[0]]] = _agent_value(values[0], values[1:])
    said["agent"] = b"".join(bytes((code, len(octets))) + octets for code, octets in sorted(agent.items()))
    if not said["state"]:  # as dhcpd before 3.0 wrote it
        said["state"] = "active" if said.get("hardware") else "free"
    if said["state"] not in STATES:
        raise ValueError(f"the binding state {said['state']} is unknown")
    said.setdefault("cltt", said.get("starts", _PAST))
    return Lease(**said)


def _agent_value(name: str, values: list[str]) -> bytes:
    if name == "agent.link-selection":
        return bytes(int(part) for part in values[0].split("."))
    return _octets(values)


def _time(values: list[str]) -> int | None:
    """Unix seconds; None for never."""
    if values[:1] == ["never"]:
        return None
    if values[:1] == ["epoch"] and len(values) == 2:
        return int(values[1])
    if len(values) < 3:
        raise ValueError(f"`{' '.join(values)}` is no time")
    told = datetime.strptime(f"{values[1]} {values[2]}", "%Y/%m/%d %H:%M:%S")
    return int(told.replace(tzinfo=UTC).timestamp())


def _date(seconds: int) -> str:
    told = datetime.fromtimestamp(max(seconds, 0), UTC)
    return f"{told.isoweekday() % 7} {told:%Y/%m/%d %H:%M:%S}"


def _octets(values: list[str]) -> bytes:
    """A quoted string with escapes, or hexadecimal octets between colons."""
    value = "".join(values)
    if not value.startswith('"'):
        return bytes(int(part, 16) for part in value.split(":")) if value else b""

    def plain(found: re.Match[bytes]) -> bytes:
        told = found[1]
        if len(told) == 3 and told[:1] != b"x":
            return bytes((int(told, 8) & 255,))
        if len(told) == 3:
            return bytes((int(told[1:], 16),))
        return {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b"}.get(told, told)

    return _ESCAPE.sub(plain, value[1:-1].encode(errors="surrogateescape"))


def _quoted(octets: bytes) -> str:
    shown = [chr(octet) if 32 <= octet < 127 and octet not in b'"\\' else f"\\{octet:03o}" for octet in octets]
    return '"' + "".join(shown) + '"'


def _suboptions(octets: bytes) -> Iterator[tuple[int, bytes]]:
    while len(octets) >= 2 and len(octets) >= 2 + octets[1]:
        yield octets[0], octets[2 : 2 + octets[1]]
        octets = octets[2 + octets[1] :]


def _blocks(text: str) -> Iterator[Block]:
    """Each closed `WORDS { statement; ... }` of the top level: its words, its statements, its line.

    Blocks in it, `on expiry { ... }`, are passed over.
    """
    head: list[str] = []
    body: list[list[str]] = []
    words: list[str] = []
    depth = line = 0
    lines = _Lines(text)
    for found in _TOKEN.finditer(text):
        token = found[0]
        if token.startswith("#"):
            continue
        if depth == 0 and not words:
            line = lines.at(found.start())
        if token == "{":
            depth += 1
            if depth == 1:
                head, body = words, []
            words = []
        elif token == "}":
            depth -= 1
            words = []
            if depth == 0:
                yield head, body, line
            depth = max(depth, 0)
        elif token == ";":
            if depth == 1 and words:
                body.append(words)
            words = []
        else:
            words.append(token)


class _Lines:
    """Line numbers of ascending places."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1

    def at(self, place: int) -> int:
        self._line += self._text.count("\n", self._at, place)
        self._at = place
        return self._line
