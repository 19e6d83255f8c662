"""What crossed a failover link, as Wireshark's dissector reads it from a capture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .tools import run

_AS_FAILOVER = ("-d", "tcp.port==647,dhcpfo")
_WRONG = "dhcpfo && (_ws.malformed || _ws.short || _ws.expert.severity >= 8388608)"
_TYPES = {
    1: "POOLREQ",
    2: "POOLRESP",
    3: "BNDUPD",
    4: "BNDACK",
    5: "CONNECT",
    6: "CONNECTACK",
    7: "UPDREQALL",
    8: "UPDDONE",
    9: "UPDREQ",
    10: "STATE",
    11: "CONTACT",
    12: "DISCONNECT",
}


@dataclass(frozen=True)
class Passed:
    """One message: who sent it, over which connection."""

    stream: str
    source: str
    kind: str
    xid: int


@dataclass(frozen=True)
class Judgement:
    """What the dissector thinks."""

    complaints: list[str]
    types: set[str]


def messages(path: Path) -> Iterator[Passed]:
    """Every failover message of a capture, in order."""
    fields = ["tcp.stream", "ip.src", "dhcpfo.type", "dhcpfo.xid"]
    asked = [word for name in fields for word in ("-e", name)]
    said = run(["tshark", "-r", path, *_AS_FAILOVER, "-Y", "dhcpfo", "-T", "fields", *asked], 120).stdout
    for line in said.splitlines():
        stream, source, kinds, xids = line.split("\t")
        for kind, xid in zip(kinds.split(","), xids.split(",")):
            yield Passed(stream, source, _TYPES.get(int(kind, 0), kind), int(xid, 0))


def judge(path: Path) -> Judgement:
    """Let the dissector read a capture."""
    shown = run(["tshark", "-r", path, *_AS_FAILOVER, "-Y", _WRONG], 120).stdout
    return Judgement(shown.splitlines(), {passed.kind for passed in messages(path)})


def most_outstanding(path: Path, source: str) -> int:
    """The largest number of updates that a server had on their way at a time; a new connection begins at none."""
    most = 0
    stream = ""
    outstanding: set[int] = set()
    for passed in messages(path):
        if passed.stream != stream:
            stream, outstanding = passed.stream, set()
        if passed.kind == "BNDUPD" and passed.source == source:
            outstanding.add(passed.xid)
        elif passed.kind == "BNDACK" and passed.source != source:
            outstanding.discard(passed.xid)
        most = max(most, len(outstanding))
    return most
