"""`twinlease config`: what a board would say about a dhcpd.conf."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from .. import configfile, fit
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
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object instead of text")] = False,
) -> None:
    """Tell whether a board would serve this file, and if not, what to write.

    Example: twinlease config check dhcpd.conf

    It also has to fit the board; what a board of that heap has room for is estimated, on the safe side.

    Exit codes: 0 it would (warnings are shown), 1 it has errors or is too large, 2 it cannot be read.
    """
    limits = fit.Limits(fit.octets(board.parse_size("--heap", heap)), fit.octets(board.parse_size("--flash", flash)))
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
