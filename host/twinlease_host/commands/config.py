"""`twinlease config`: what a board would say about a dhcpd.conf."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from .. import configfile
from ..output import out

app = typer.Typer(no_args_is_help=True, help="Check configuration files.")


@app.callback()
def config() -> None:
    """Check configuration files."""


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="a dhcpd.conf")],
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object instead of text")] = False,
) -> None:
    """Tell whether a board would serve this file, and if not, what to write.

    Example: twinlease config check dhcpd.conf

    Exit codes: 0 it would (warnings are shown), 1 it has errors, 2 it cannot be read.
    """
    report = configfile.check(file)
    if as_json:
        problems = [asdict(p) for p in report.problems]
        typer.echo(json.dumps({"file": str(file), "ok": report.ok, "addresses": report.rows, "problems": problems}))
    else:
        for line in configfile.describe(report):
            out.print(line)
    if not report.ok:
        raise typer.Exit(1)
