"""`twinlease status`: a pair at a glance."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Annotated

import typer
from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console, RenderableType
from rich.text import Text

from .. import serial_link
from ..errors import UserError
from ..output import err, out
from ..pair import facts, findings, glance
from . import ports

Svg = Annotated[Path | None, typer.Option("--svg", metavar="FILE", help="draw it into a picture, too")]


def status(
    boards: ports.Boards = None,
    timeout: ports.Timeout = serial_link.PATIENCE_S,
    svg: Svg = None,
    as_json: ports.AsJson = False,
) -> None:
    """Show how a board does, or both of a pair side by side: states, clocks, pools, flash, and what is wrong.

    Example: twinlease status pair/board-a pair/board-b

    Exit codes: 0 all is well, 1 something is wrong (`twinlease doctor` says what mends it), 2 a board did not answer.
    """
    looked, silent = [], []
    for name, port in ports.named(boards, 1, 2).items():
        try:
            looked.append(facts.gather(name, port, timeout, also=("log",)))
        except UserError as bad:
            silent.append((name, bad))
    if not looked:
        raise silent[0][1]
    found = findings.look(looked)
    wrong = any(one.severity != findings.NOTE for one in found)
    if as_json:
        told = {one.name: one.told for one in looked}
        problems = [one.fields() for one in found]
        typer.echo(json.dumps({"ok": not wrong and not silent, "boards": told, "findings": problems}))
    else:
        out.print(glance.table(looked, found))
        if wrong:
            words = " ".join(one.port for one in looked)
            out.print(Text(f"what mends it: twinlease doctor {words}", style="cyan"))
    if svg:
        draw(svg, "twinlease status", glance.table(looked, found))
    for name, why in silent:
        err.print(Text.assemble(("error: ", "bold red"), f"board {name}: {why}"))
        err.print(Text(f"  hint: {why.hint}"))
    if silent:
        raise typer.Exit(2)
    if wrong:
        raise typer.Exit(1)


_SVG = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
"""A picture fetches no fonts from anywhere."""


def draw(path: Path, title: str, shown: RenderableType, width: int = 120, height: int = 40) -> None:
    """A picture of what the screen shows."""
    with open(os.devnull, "w") as nowhere:
        canvas = Console(record=True, width=width, height=height, file=nowhere, force_terminal=True, highlight=False)
        canvas.print(shown)
        canvas.save_svg(str(path), title=title, code_format=_SVG)
