"""`twinlease doctor`: what is wrong with a board or a pair, and what mends it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from .. import serial_link
from ..errors import UserError
from ..output import note, out
from ..pair import facts, findings
from . import ports

_STYLES = {findings.ERROR: "bold red", findings.WARNING: "yellow", findings.NOTE: "dim"}


def doctor(
    boards: ports.Boards = None,
    timeout: ports.Timeout = serial_link.PATIENCE_S,
    record: Annotated[Path | None, typer.Option(metavar="FILE", help="keep what the boards said")] = None,
    replay: Annotated[Path | None, typer.Option(metavar="FILE", help="look at a record instead of boards")] = None,
    as_json: ports.AsJson = False,
) -> None:
    """Look at a board, or at both of a pair, and say what is wrong and what mends it.

    It asks over the serial console and changes nothing. Clocks are compared with this PC's.

    Example: twinlease doctor pair/board-a pair/board-b

    Exit codes: 0 nothing is wrong (notes are shown), 1 something is, 2 no board could be asked.
    """
    if replay:
        looked = facts.load(_read(replay))
        found: list[findings.Finding] = []
    else:
        looked, found = _ask(ports.named(boards, 1, 2), timeout)
    if record:
        record.write_text(json.dumps({"boards": [one.fields() for one in looked]}, indent=1) + "\n")
        note(f"what the boards said is in {record}")
    found += findings.look(looked)
    if as_json:
        typer.echo(json.dumps({"findings": [one.fields() for one in found]}))
    else:
        _tell(found, looked)
    if any(one.severity != findings.NOTE for one in found):
        raise typer.Exit(1)


def _ask(named: dict[str, str], timeout: float) -> tuple[list[facts.Facts], list[findings.Finding]]:
    """What each says; one that does not answer is a finding, as long as another does."""
    looked, found = [], []
    for name, port in named.items():
        try:
            looked.append(facts.gather(name, port, timeout))
        except UserError as bad:
            if name == list(named)[-1] and not looked:
                raise
            found.append(findings.Finding(findings.ERROR, "no-answer", f"board {name}", str(bad), bad.hint))
    return looked, found


def _tell(found: list[findings.Finding], looked: list[facts.Facts]) -> None:
    for one in found:
        out.print(Text.assemble((f"{one.severity}: ", _STYLES[one.severity]), (f"{one.who}: ", "bold"), one.says))
        out.print(Text("    " + one.mend, style="cyan"))
    wrong = sum(one.severity != findings.NOTE for one in found)
    names = " and ".join(f"{board} ({board.port})" for board in looked)
    verdict = "1 thing is wrong" if wrong == 1 else f"{wrong} things are wrong"
    out.print(f"{names}: {verdict if wrong else 'all is well'}")


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as bad:
        raise UserError(
            f"{path} cannot be read: {bad.strerror}", "make one: twinlease doctor A B --record FILE"
        ) from None
