"""`twinlease leases`: who has which address."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from .. import serial_link
from ..errors import UserError
from ..isc import journal_image
from ..output import note, out
from ..pair import leases
from . import ports

app = typer.Typer(no_args_is_help=True, help="List, watch and export leases.")

_Which = Annotated[str, typer.Option("--which", help="only this address, hardware address, state, or start of a name")]


@app.callback()
def callback() -> None:
    """List, watch and export leases."""


@app.command("list")
def list_(
    boards: ports.Boards = None,
    which: _Which = "",
    timeout: ports.Timeout = serial_link.PATIENCE_S,
    as_json: ports.AsJson = False,
) -> None:
    """Show every address that somebody has or had; of two boards, also where they do not agree.

    Example: twinlease leases list pair/board-a pair/board-b

    Exit codes: 0 shown, 1 a board serves nobody and has none, 2 a board could not be asked.
    """
    told = {name: leases.ask(port, timeout, which) for name, port in ports.named(boards, 1, 2).items()}
    if as_json:
        typer.echo(json.dumps({"boards": told}))
    else:
        out.print(leases.table(told, time.time()))


@app.command()
def watch(
    boards: ports.Boards = None,
    every: Annotated[float, typer.Option(metavar="SECONDS", help="how often to look")] = 2.0,
    count: Annotated[int, typer.Option(metavar="N", help="end after so many changes; 0: with Ctrl-C")] = 0,
    which: _Which = "",
    timeout: ports.Timeout = serial_link.PATIENCE_S,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a line")] = False,
) -> None:
    """Print a line for each change: new, renewed, released, expired …

    It looks every few seconds, so of what happened in between it sees the outcome. One board is enough: it knows what
    its partner gave.

    Example: twinlease leases watch /dev/ttyUSB0 --json

    Exit codes: 0 ended by Ctrl-C or --count, 1 the board serves nobody, 2 it could not be asked.
    """
    (port,) = ports.named(boards, 1, 1).values()
    seen = {lease["address"]: lease for lease in leases.ask(port, timeout, which)}
    note(f"{len(seen)} leases; waiting for changes, Ctrl-C ends")
    told = 0
    try:
        while not count or told < count:
            time.sleep(every)
            now = {lease["address"]: lease for lease in leases.ask(port, timeout, which)}
            for what, lease in leases.changes(seen, now):
                told += 1
                _tell_change(what, lease, as_json)
            seen = now
    except KeyboardInterrupt:
        return


@app.command()
def export(
    boards: ports.Boards = None,
    form: Annotated[str, typer.Option("--format", help="json, csv, or dhcpd (ISC's dhcpd.leases)")] = "dhcpd",
    output: Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="instead of the screen")] = None,
    timeout: ports.Timeout = serial_link.PATIENCE_S,
) -> None:
    """Write the leases of a board down: for a spreadsheet, for a program, or for ISC dhcpd.

    What --format dhcpd writes, dhcpd takes as its lease file: dhcpd -T -cf dhcpd.conf -lf dhcpd.leases checks it.

    Example: twinlease leases export /dev/ttyUSB0 --format dhcpd -o dhcpd.leases

    Exit codes: 0 written, 1 the board serves nobody and has none, 2 it could not be asked, or the file not written.
    """
    if form not in leases.FORMATS:
        raise UserError(f"there is no format {form}", "formats: " + ", ".join(leases.FORMATS))
    (port,) = ports.named(boards, 1, 1).values()
    found = leases.ask(port, timeout)
    text = leases.dump(found, form, f"the Twinlease board at {port}")
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text)
    except OSError as bad:
        raise UserError(f"{output} cannot be written: {bad.strerror}", "choose another -o FILE") from None
    note(f"{len(found)} leases are in {output}")


@app.command()
def install(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="leases.bin of `twinlease config import`")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="a virtual board that is off")],
) -> None:
    """Give a board that has no leases yet those of the server that it replaces.

    An ESP32 gets them when it is flashed: twinlease flash BOARD --leases leases.bin

    Example: twinlease leases install office/leases.bin board

    Exit codes: 0 it has them, 2 it runs, or has leases already, or the image cannot be read or is none.
    """
    try:
        octets = image.read_bytes()
    except OSError as bad:
        made = "make it: twinlease config import dhcpd.conf --leases FILE"
        raise UserError(f"{image} cannot be read: {bad.strerror}", made) from None
    if _runs(folder):
        raise UserError(f"the board in {folder} runs", "stop it first: Ctrl-C where it runs")
    journal_image.install(octets, folder)
    note(f"the board in {folder} starts with these leases")


def _runs(folder: Path) -> bool:
    port = folder / "serial"
    if not port.exists():
        return False
    try:
        serial_link.ask(str(port), "show version", 1.0)
    except UserError:
        return False
    return True


def _tell_change(what: str, lease: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps({"at": int(time.time()), "change": what, **lease}), flush=True)
        return
    when = time.strftime("%H:%M:%S")
    until = leases.ends(lease, time.time()) if lease["state"] == "active" else ""
    line = f"{lease['address']:15} {lease['hardware']:17} {lease['name']} {'ends ' + until if until else ''}"
    out.print(Text.assemble((when + " ", "dim"), (f"{what:9} ", "bold"), line.rstrip()))
