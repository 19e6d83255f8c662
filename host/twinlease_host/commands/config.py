"""`twinlease config`: what a board would say about a dhcpd.conf."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from .. import boardfile, configfile, fit
from ..errors import UserError
from ..output import out
from ..vboard import board

app = typer.Typer(no_args_is_help=True, help="Check configuration files.")


@app.callback()
def config() -> None:
    """Check configuration files."""


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="a dhcpd.conf")],
    heap: Annotated[str, typer.Option(help="the board's heap for Python")] = fit.DEFAULT_HEAP,
    flash: Annotated[str, typer.Option(help="the board's flash for leases")] = fit.DEFAULT_FLASH,
    board_name: Annotated[str, typer.Option("--board", help="its heap and flash, as boards/ tells: pico-w …")] = "",
    rom: Annotated[
        bool,
        typer.Option("--rom", help="a virtual board that runs in flash, see `twinlease vboard run --help`"),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object instead of text")] = False,
) -> None:
    """Tell whether a board would serve this file, and if not, what to write.

    Example: twinlease config check dhcpd.conf --board pico-w

    It also has to fit the board: without --board, a virtual one. What has room there is estimated, on the safe side.

    Exit codes: 0 it would (warnings are shown), 1 it has errors or is too large, 2 it cannot be read.
    """
    if board_name and rom:
        raise UserError("--board and --rom: what is measured in ROM is the virtual board", "leave one of them out")
    if board_name:
        limits = boardfile.load(board_name).limits
    else:
        sizes = board.parse_size("--heap", heap), board.parse_size("--flash", flash)
        needs = fit.VIRTUAL_IN_ROM if rom else fit.VIRTUAL
        limits = fit.Limits(fit.octets(sizes[0]), fit.octets(sizes[1]), needs)
    report = configfile.check(file, limits)
    if as_json:
        told = {
            "file": str(file),
            "ok": report.ok,
            "addresses": report.rows,
            "problems": [asdict(p) for p in report.problems],
            "too_large": [{"message": message, "advice": advice} for message, advice in report.unfit],
        }
        typer.echo(json.dumps(told))
    else:
        for line in configfile.describe(report):
            out.print(line)
    if not report.ok:
        raise typer.Exit(1)
