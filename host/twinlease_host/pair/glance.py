"""A board in a dozen lines: for `twinlease status`, and for one half of `twinlease top`. Pure: facts in, texts out."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from rich.table import Table
from rich.text import Text

from . import findings
from .facts import Facts, Json

_GOOD, _BAD, _ODD, _DIM = "green", "bold red", "yellow", "dim"
_STATES = {"normal": _GOOD, "communications-interrupted": _ODD, "partner-down": _ODD, "paused": _ODD}
_ERASES = 100_000  # what a data sheet promises of one block
_WARNING = 4  # RFC 5424 section 6.2.1
_YEAR_S = 365.25 * 86400


def table(boards: list[Facts], found: list[findings.Finding]) -> Table:
    """Boards side by side, a line for each thing, and what is wrong with each."""
    shown = Table(box=None, pad_edge=False)
    shown.add_column("")
    for board in boards:
        shown.add_column(f"board {board.name}", overflow="fold")
    columns = [dict(rows(board, found)) for board in boards]
    for label in dict.fromkeys(label for column in columns for label in column):
        shown.add_row(Text(label, style=_DIM), *[column.get(label, Text("-")) for column in columns])
    return shown


def rows(board: Facts, found: list[findings.Finding]) -> Iterator[tuple[str, Text]]:
    """Label and value."""
    yield "state", _state(board)
    for peer in board.peers:
        yield "failover", Text(f"{peer['role']} of {peer['name']}, {peer['address']} with {peer['peer_address']}")
        yield "partner", _partner(peer)
        yield "skew", _skew(peer)
        yield "updates", Text(f"{peer['unacked']} on their way, {peer['due']} to be sent")
    for pool in board.pools:
        yield f"pool {pool['pool']}", _pool(pool)
    yield "network", _network(board)
    yield "clock", _clock(board)
    yield "flash", _flash(board)
    yield "memory", _memory(board)
    yield "firmware", Text(f"{board.version} on {board.runs_on}" + (", configuration on trial" * (board.trial > 0)))
    yield "last fault", _fault(board, found)


def bar(used: int, size: int, width: int = 10) -> Text:
    """How much of something is used."""
    if not size:
        return Text("-")
    filled = min(width, -(-used * width // size)) if used else 0
    style = _BAD if used >= size else _ODD if used * 10 >= size * 9 else _GOOD
    return Text.assemble(("█" * filled, style), ("░" * (width - filled), _DIM), f" {100 * used // size:3}%")


def log_lines(told: Any) -> list[tuple[float, str]]:
    """The lines of a board's `show log json`: Unix seconds and text; none of firmware without that command."""
    lines = told.get("lines", []) if isinstance(told, dict) else []
    return [(float(line["at"]), str(line["text"])) for line in lines]


def _state(board: Facts) -> Text:
    if not board.serves:
        return Text("serves nobody: no configuration that it could serve by", style=_BAD)
    if not board.peers:
        return Text("serves, alone", style=_GOOD)
    peer = board.peers[0]
    since = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(peer["since"]))
    text = Text(peer["state"], style=_STATES.get(peer["state"], _ODD))
    text.append(f" since {since}", style=_DIM)
    if not peer["serves"]:
        text.append(f"; serves nobody: {peer['why'] or peer['state']}", style=_BAD)
    return text


def _partner(peer: Json) -> Text:
    if peer["linked"]:
        return Text(f"{peer['partner_state']}, connected ({peer['partner']})")
    text = Text(f"{peer['partner_state']} when last heard, not connected", style=_ODD)
    if peer["partner_down_in"] is not None:
        text.append(f"; takes over in {findings.amount(peer['partner_down_in'])}")
    return text


def _skew(peer: Json) -> Text:
    if peer["skew"] is None:
        return Text("never compared", style=_DIM)
    return Text(f"{peer['skew']:+d} s", style=_ODD if abs(peer["skew"]) >= 5 else "")


def _pool(pool: Json) -> Text:
    free = pool["free"] + pool["backup"]
    text = bar(pool["size"] - free, pool["size"])
    text.append(f"  {pool['network']}: {pool['active']} leased, {free} free of {pool['size']}")
    if pool["backup"]:
        text.append(f" ({pool['free']} + {pool['backup']})", style=_DIM)
    if pool["abandoned"]:
        text.append(f", {pool['abandoned']} abandoned", style=_ODD)
    return text


def _network(board: Facts) -> Text:
    text = Text()
    for one in board.interfaces:
        text.append(f"{one['name']} {one['address']} ")
        text.append("" if one["connected"] else "no cable ", style=_BAD)
    packets = board.packets
    if packets:
        text.append(f"{packets['received']} packets in, {packets['sent']} out", style=_DIM)
    return text


def _clock(board: Facts) -> Text:
    ahead = board.ahead_s
    if ahead is None:
        return Text("-")
    text = Text(f"{board.clock['utc']} UTC, from {board.clock['source']}")
    if abs(ahead) >= 2:
        text.append(f", {findings.amount(ahead)} {'ahead of' if ahead > 0 else 'behind'} this PC", style=_ODD)
    if not board.clock.get("trusted", True):
        text.append(", a guess", style=_ODD)
    return text


def _flash(board: Facts) -> Text:
    told = board.flash
    if not told:
        return Text("-")
    free = told.get("free_blocks")
    text = Text("" if free is None else f"{free} blocks ready, ")
    return text.append(f"{told['erases']} erases and {told['programmed']} octets since its start")


def wear(before: Facts, after: Facts) -> Text:
    """How long its flash will last at the rate between two looks."""
    seconds = after.asked_at - before.asked_at
    erases = after.flash.get("erases", 0) - before.flash.get("erases", 0)
    programmed = after.flash.get("programmed", 0) - before.flash.get("programmed", 0)
    if seconds <= 0 or programmed < 0:
        return Text("-")
    text = Text(f"{programmed / seconds:.0f} octets/s")
    if erases > 0:
        blocks = 64  # of a partition of 256 KiB, erased in turn
        text.append(f", {erases} erases in {findings.amount(seconds)}: ")
        text.append(f"{blocks * _ERASES / (erases / seconds) / _YEAR_S:.0f} years at this rate")
    return text


def _memory(board: Facts) -> Text:
    free, used = board.memory.get("free", 0), board.memory.get("allocated", 0)
    if not used:
        return Text("no bound")
    return Text.assemble(bar(used, free + used), f"  {free // 1024} KiB free of {(free + used) // 1024}")


def _fault(board: Facts, found: list[findings.Finding]) -> Text:
    mine = [one for one in found if one.who in (str(board), findings.PAIR) and one.severity != findings.NOTE]
    if mine:
        style = _BAD if mine[0].severity == findings.ERROR else _ODD
        return Text(mine[0].says, style=style)
    from twinlease.net import severity

    faults = [line for line in log_lines(board.told.get("log")) if severity.of(line[1]) <= _WARNING]
    if faults:
        at, text = faults[-1]
        when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(at))
        return Text.assemble("none now; ", (f"{when}: {text}", _DIM))
    return Text("none", style=_GOOD)
