"""The leases of a board, or of both of a pair side by side, and how they are written down."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address
from typing import Any

from rich.table import Table
from rich.text import Text

from .. import serial_link
from ..errors import UserError
from ..isc import leases_file
from .facts import check_unlocked

Lease = dict[str, Any]
FORMATS = ("json", "csv", "dhcpd")
COLUMNS = ("address", "state", "ends", "hardware", "name", "client_id", "cltt", "agent")
_STYLES = {"active": "green", "released": "yellow", "expired": "yellow", "abandoned": "red"}


def ask(port: str, timeout_s: float, which: str = "") -> list[Lease]:
    """What a board says: every address that somebody has or had, ascending. Raises UserError."""
    with serial_link.Link(port, timeout_s) as link:
        return ask_on(link, which)


def ask_on(link: serial_link.Link, which: str = "") -> list[Lease]:
    """The same, over a port that is open."""
    answer = link.ask(" ".join(["show leases", *which.split(), "json"]))
    if not answer.ok:
        check_unlocked(link.port, answer)
        raise UserError(
            f"the board at {link.port} has no leases to tell: {answer.text.strip()}",
            f"twinlease doctor {link.port}",
            code=1,
        )
    found: list[Lease] = json.loads(answer.text)
    return sorted(found, key=by_address)


def by_address(lease: Lease) -> int:
    """To sort by."""
    return int(IPv4Address(lease["address"]))


def dump(leases: Sequence[Lease], form: str, who: str) -> str:
    """As a text in one of FORMATS."""
    if form == "json":
        return json.dumps(leases, indent=1) + "\n"
    if form == "csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(leases)
        return text.getvalue()
    return "".join(leases_file.write([leases_file.Lease.from_board(lease) for lease in leases], who))


def table(told: dict[str, list[Lease]], now: float) -> Table:
    """By address. Of two boards: what the second says, where it says something else."""
    names = list(told)
    first = {lease["address"]: lease for lease in told[names[0]]}
    second = {lease["address"]: lease for lease in told[names[1]]} if len(names) > 1 else {}
    shown = Table(box=None, pad_edge=False)
    for column in ("address", "state", "ends", "hardware", "name"):
        shown.add_column(column)
    if len(names) > 1:
        shown.add_column(f"board {names[1]}")
    for address in sorted({**first, **second}, key=lambda text: int(IPv4Address(text))):
        lease = first.get(address) or second[address]
        mine = first.get(address)
        row = [
            Text(address),
            _state(mine),
            Text(ends(mine, now)),
            Text(lease["hardware"]),
            Text(lease["name"]),
        ]
        if len(names) > 1:
            row.append(_other(mine, second.get(address), now))
        shown.add_row(*row)
    return shown


def ends(lease: Lease | None, now: float) -> str:
    """When it ends, as people say it."""
    if lease is None:
        return ""
    if lease["ends"] is None:
        return "never"
    left = int(lease["ends"] - now)
    if lease["state"] == "active" and 0 <= left < 86400:
        return f"in {left // 3600}:{left // 60 % 60:02}:{left % 60:02}"
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(lease["ends"]))


def changes(before: dict[str, Lease], after: dict[str, Lease]) -> Iterator[tuple[str, Lease]]:
    """What happened between two looks: (what, the lease as it is now)."""
    for address, lease in after.items():
        was = before.get(address)
        if was is None or was["state"] != lease["state"]:
            yield lease["state"] if was or lease["state"] != "active" else "new", lease
        elif (was["hardware"], was["client_id"]) != (lease["hardware"], lease["client_id"]):
            yield "new", lease
        elif was["ends"] != lease["ends"]:
            yield "renewed", lease
    for address in before.keys() - after.keys():
        yield "gone", before[address]


def _state(lease: Lease | None) -> Text:
    return Text("-") if lease is None else Text(lease["state"], style=_STYLES.get(lease["state"], ""))


def _other(mine: Lease | None, other: Lease | None, now: float) -> Text:
    if other is None:
        return Text("does not know it", style="yellow")
    if mine is None or mine["state"] != other["state"] or mine["hardware"] != other["hardware"]:
        return Text(f"{other['state']} {ends(other, now)}", style="yellow")
    return Text("the same", style="dim")
