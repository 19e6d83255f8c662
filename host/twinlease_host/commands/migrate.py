"""`twinlease migrate`: from a pair of ISC dhcpds to two boards, while they serve."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from .. import serial_link
from ..errors import UserError
from ..isc import leases_file
from ..output import err, note, out
from ..pair import configs, facts, leases, migration, push, sources
from ..pair.migration import OPERATOR, WAIT, Plan, Standing
from . import ports

_GLANCE_S = 0.5
_SIGNS = {migration.DONE: ("✓", "green"), migration.NOW: ("→", "bold yellow"), migration.LATER: ("·", "dim")}


def migrate(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="dhcpd.conf of the pair's primary")],
    boards: ports.Boards = None,
    stopped: Annotated[
        list[str] | None,
        typer.Option("--stopped", metavar="ADDRESS", help="of a dhcpd that you have stopped, and that stays off"),
    ] = None,
    secondary: Annotated[
        Path | None, typer.Option(metavar="FILE", help="dhcpd.conf of the secondary: is it the same but for its view?")
    ] = None,
    lease_file: Annotated[
        Path | None,
        typer.Option(
            "--leases", metavar="FILE", help="a dhcpd.leases of either server: does the board know each lease?"
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE", help="write the boards' dhcpd.conf here, too")
    ] = None,
    look: Annotated[
        bool, typer.Option("--look", help="tell where it stands; change nothing, wait for nothing")
    ] = False,
    wait: Annotated[
        float, typer.Option(metavar="SECONDS", help="how long nothing may change before it ends; MCLT is not counted")
    ] = 60.0,
    minutes: Annotated[int, typer.Option(min=1, max=60, help="how long a board tries the configuration")] = 3,
    timeout: ports.Timeout = serial_link.PATIENCE_S,
    as_json: ports.AsJson = False,
) -> None:
    """Replace a failover pair of ISC dhcpds by two boards, one server at a time; clients notice nothing.

    Run it again whenever you like: it looks where the migration stands, does what it can, waits for what takes its
    time, and says what you do next, with the command to type after it. It speaks with the boards, over their serial
    ports; dhcpd is yours: it says when to stop one, and never logs in there.

    Example: twinlease migrate /etc/dhcp/dhcpd.conf /dev/ttyUSB0 /dev/ttyUSB1

    A board has the address of the dhcpd that it replaces. Stop that one (and it stays off), then plug the board in and
    say so with --stopped: the board gets the configuration, and learns all leases from the dhcpd that is left, which
    wants MCLT to pass before it shares with it. That one is next, at once or days later; a second board that
    is new need not wait. Start with either server; one board is enough for the first half.

    --leases is for certainty: copy dhcpd.leases from the server that still runs, and each lease in it is looked up.
    Host names are not in what dhcpd tells its partner; a board learns them when the clients renew.

    Exit codes: 0 two boards are in NORMAL with the same leases, 1 not yet: what is next, or what went wrong, is told,
    2 a board did not answer, or a file could not be read.
    """
    plan = migration.plan(sources.lines_of(file), sources.lines_of(secondary) if secondary else None)
    held = _held(lease_file) if lease_file else None
    if output:
        _write(output, plan.text)
    run = _Run(plan, ports.named(boards, 1, 2), list(stopped or ()), minutes, timeout)
    standing = run.look() if look else run.go_on(wait)
    missing = run.lost(held) if held else []
    again = run.next_command(file, boards or [], standing)
    if as_json:
        typer.echo(json.dumps(_fields(plan, run, standing, missing, again)))
    else:
        for line in _describe(plan, standing, missing, again):
            out.print(line)
    if standing.turn or missing:
        raise typer.Exit(1)


@dataclass
class _Run:
    """One run: looks, loads boards, waits."""

    plan: Plan
    named: dict[str, str]
    stopped: list[str]
    minutes: int
    timeout: float
    boards: list[facts.Facts] = field(default_factory=list)
    apart: set[str] | None = None  # of two boards in NORMAL: addresses that were never seen to be the same yet

    def look(self) -> Standing:
        """Ask the boards, and see where it stands. Raises UserError."""
        self.boards = [self._ask(name, port) for name, port in self.named.items()]
        standing = migration.stand(self.plan, self.boards, self.stopped)
        if standing.steps[-1].key == "equal" and standing.steps[-1].state == migration.NOW:
            one, two = (leases.ask(board.port, self.timeout) for board in self.boards)
            found = migration.unequal(one, two)
            self.apart = found if self.apart is None else self.apart & found
            standing = migration.stand(self.plan, self.boards, self.stopped, len(self.apart))
        return standing

    def go_on(self, patience_s: float) -> Standing:
        """Do what can be done, wait for what comes by itself; until it is an operator's turn, or nothing changes."""
        standing = self.look()
        end = time.monotonic() + patience_s
        told, marks = "", ()
        with err.status("looking at the boards") if err.is_terminal else nullcontext() as spinner:
            while True:
                if standing.load is not None:
                    self._load(standing.load)
                    standing = self._look_again(end)
                    continue
                now = time.monotonic()
                if standing.marks != marks:
                    marks, end = standing.marks, now + standing.still_s + patience_s
                if standing.turn != WAIT or now > end:
                    return standing
                said = f"waiting for {standing.says}"
                if spinner is not None:
                    spinner.update(said)
                elif _without_numbers(said) != told:
                    told = _without_numbers(said)
                    note(said)
                time.sleep(_GLANCE_S)
                standing = self._look_again(end)

    def _look_again(self, end: float) -> Standing:
        """A look that bears with a board that starts again, or whose port somebody else has, until then."""
        while True:
            try:
                return self.look()
            except UserError as bad:
                if bad.code == 1 or time.monotonic() > end:
                    raise
                time.sleep(_GLANCE_S)

    def lost(self, held: leases_file.Database) -> list[str]:
        """Leases of the file that the board that is in the pair does not know; none while it is still to learn them."""
        standing = migration.stand(self.plan, self.boards, self.stopped)
        joined = [step for step in standing.steps if step.key == "join-1" and step.state == migration.DONE]
        if not joined:
            return []
        first = next(board for board in self.boards if self.plan.is_served(board))
        return migration.lost(held.leases.values(), leases.ask(first.port, self.timeout), time.time())

    def next_command(self, file: Path, boards: Sequence[str], standing: Standing) -> str:
        """What to type when the operator has done his part, or to go on."""
        if not standing.turn:
            return shlex.join(["twinlease", "doctor", *boards])
        more = ["--stopped", standing.stop] if standing.stop else []
        second = ["B"] if standing.stop and len(boards) == 1 and self._joined(standing) else []
        return shlex.join(["twinlease", "migrate", str(file), *boards, *second, *more])

    def _joined(self, standing: Standing) -> bool:
        return any(step.key == "join-1" and step.state == migration.DONE for step in standing.steps)

    def _ask(self, name: str, port: str) -> facts.Facts:
        with serial_link.Link(port, self.timeout) as link:
            board = facts.ask_all(facts.Facts(name, port), link.ask, asked=migration.ASKED)
            if self.plan.waits(board):
                facts.ask_all(board, link.ask, asked=("log",))
            return board

    def _load(self, board: facts.Facts) -> None:
        """It serves by the configuration; if it cannot, it goes back, and UserError says why."""
        push.push([push.Serial(board.name, board.port, self.timeout)], self.plan.text, self.minutes, note)


def _held(path: Path) -> leases_file.Database:
    try:
        held = leases_file.parse(path.read_text(errors="replace"))
    except OSError as bad:
        raise UserError(
            f"{path} cannot be read: {bad.strerror}", "copy dhcpd.leases from a server of the pair"
        ) from None
    for line, why in held.problems:
        note(f"{path}:{line}: {why}")
    return held


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as bad:
        raise UserError(f"{path} cannot be written: {bad.strerror}", "choose another -o FILE") from None
    note(f"what the boards serve by is in {path}")


def _describe(plan: Plan, standing: Standing, missing: list[str], again: str) -> Iterator[Text]:
    for one in plan.left:
        what = ("not carried over: ", "bold red") if one.effect else ("note: ", "yellow")
        place = f"{one.file}:{one.line}: " if one.line else f"{one.file}: "
        yield Text.assemble((place, "bold"), what, one.text)
        yield Text(f"    {one.why}" + (f"; {one.advice}" if one.advice else ""), style="cyan")
    if plan.differences:
        yield Text("the two servers' files do not agree; the boards serve by the primary's:", style="bold yellow")
        yield from configs.describe(plan.differences, "primary", "secondary")
    servers = " and ".join(plan.addresses.values())
    yield Text(f"failover peer {plan.peer} of {servers}: {plan.rows} dynamic addresses, mclt {plan.mclt} s")
    for step in standing.steps:
        sign, style = _SIGNS[step.state]
        yield Text.assemble((f"  {sign} ", style), (step.says, "dim" if step.state == migration.LATER else ""))
    for sentence in missing:
        yield Text.assemble(("lost: ", "bold red"), sentence)
    if missing:
        yield Text("    leave the dhcpd that has them running, and: twinlease console BOARD -c 'failover resync NAME'")
    if not standing.turn:
        yield Text("two boards serve; what else to look at:")
    elif standing.turn == OPERATOR:
        yield Text("when that is done:")
    else:
        yield Text("it is not there yet; to go on:")
    yield Text(f"    {again}", style="cyan")


def _fields(plan: Plan, run: _Run, standing: Standing, missing: list[str], again: str) -> dict[str, Any]:
    return {
        "done": not standing.turn,
        "peer": plan.peer,
        "servers": plan.addresses,
        "mclt": plan.mclt,
        "addresses": plan.rows,
        "left": [one.fields() for one in plan.left],
        "differences": [one.fields() for one in plan.differences],
        "steps": [step.fields() for step in standing.steps],
        "turn": standing.turn or None,
        "says": standing.says,
        "left_s": standing.left_s,
        "lost": missing,
        "leases": {board.name: sum(pool["active"] for pool in board.pools) for board in run.boards},
        "next": again,
    }


def _without_numbers(text: str) -> str:
    return "".join(char for char in text if not char.isdigit())
