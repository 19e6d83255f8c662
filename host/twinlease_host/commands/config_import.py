"""`twinlease config import`: from ISC dhcpd, or dnsmasq, to a board."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from .. import boardfile, configfile, fit
from ..errors import UserError
from ..isc import carry, dnsmasq, journal_image, leases_file
from ..output import out
from ..pair import sources
from ..vboard import board

_CONFIG, _LEASES = "dhcpd.conf", "leases.bin"
_PICO_PAGE = 256


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="dhcpd.conf of ISC dhcpd, or dnsmasq.conf")],
    leases: Annotated[
        Path | None, typer.Option(metavar="FILE", help="dhcpd.leases, or dnsmasq.leases: no client notices the move")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="where the results go")] = Path(
        "imported"
    ),
    flash: Annotated[str, typer.Option(help="the board's flash for leases")] = fit.DEFAULT_FLASH,
    board_name: Annotated[str, typer.Option("--board", help="take that from boards/: pico-w …")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object instead of text")] = False,
) -> None:
    """Make a dhcpd.conf that a board serves, and the leases as its flash, of what another server has.

    DIR/dhcpd.conf is the old file; a statement that a board has nothing for is a comment in it, and is told here with
    its line, and what to write instead. DIR/leases.bin is what a board without leases is to have in its flash: with it
    every client keeps its address, its lease and its name. Stop the old server before, so that no lease is missing.

    Example: twinlease config import /etc/dhcp/dhcpd.conf --leases /var/lib/dhcp/dhcpd.leases -o office

    Then, for a virtual board: twinlease leases install office/leases.bin board
    For an ESP32: twinlease flash esp32 --config office/dhcpd.conf --leases office/leases.bin …

    Exit codes: 0 all of it is carried over, 1 something is not (it is told; the results are there all the same),
    2 nothing was made.
    """
    lines = sources.lines_of(file)
    done = _carried(lines)
    output.mkdir(parents=True, exist_ok=True)
    target = output / _CONFIG
    target.write_text(done.text)
    size, unit = _flash(board_name, flash)
    report = configfile.check(target, fit.Limits(None, size))
    if report.config is None:
        for line in configfile.describe(report):
            out.print(line)
        raise UserError(f"what became of it is no configuration: {target}", f"mend {target} by hand", code=1)
    image = _leases(leases, report.config, size, unit) if leases else None
    if image is not None:
        (output / _LEASES).write_bytes(image.octets)
    lost = sum(one.effect for one in done.left) + (len(image.left) if image else 0)
    if as_json:
        typer.echo(json.dumps(_fields(done, image, report.rows, output)))
    else:
        for shown in _describe(done, image, leases):
            out.print(shown)
        out.print(f"{target}: {report.rows} dynamic addresses; {_count(lost, 'thing')} could not be carried over")
    if lost:
        raise typer.Exit(1)


def _carried(lines: list[sources.Line]) -> carry.Carried:
    text = "\n".join(line.text for line in lines)
    if not dnsmasq.is_dnsmasq(text):
        return carry.over(lines)
    converted = dnsmasq.convert(text, lines[0].file)
    made = [sources.Line(line, _CONFIG, n) for n, line in enumerate(converted.text.splitlines(), 1)]
    done = carry.over(made)
    return carry.Carried(done.text, sorted(converted.left, key=lambda one: one.line) + done.left)


def _flash(board_name: str, flash: str) -> tuple[int, int]:
    """Octets of the flash for leases, and its program unit."""
    if not board_name:
        return fit.octets(board.parse_size("--flash", flash)), 1
    definition = boardfile.load(board_name)
    return definition.flash, _PICO_PAGE if definition.port == "rp2" else 1


def _leases(path: Path, config: Any, size: int, unit: int) -> journal_image.Image:
    text = configfile.read_text(path, "give the path of your dhcpd.leases, or dnsmasq.leases")
    read = leases_file.parse(text) if "{" in text else dnsmasq.leases(text)
    image = journal_image.make(config, read.leases.values(), int(time.time()), size, unit)
    image.left += read.problems
    return image


def _describe(done: carry.Carried, image: journal_image.Image | None, leases: Path | None) -> Iterator[Text]:
    for one in done.left:
        place = f"{one.file}:{one.line}: " if one.line else f"{one.file}: "
        what = ("not carried over: ", "bold red") if one.effect else ("note: ", "yellow")
        yield Text.assemble((place, "bold"), what, one.text)
        yield Text(f"    {one.why}" + (f"; {one.advice}" if one.advice else ""), style="cyan")
    if image is None or leases is None:
        return
    for line, why in image.left:
        yield Text.assemble((f"{leases.name}:{line}: ", "bold"), ("not carried over: ", "bold red"), why)
    yield Text(
        f"{_LEASES}: {_count(image.active, 'lease')}, {image.remembered} free addresses whose clients are remembered, "
        f"{image.abandoned} abandoned"
    )


def _fields(done: carry.Carried, image: journal_image.Image | None, rows: int, output: Path) -> dict[str, Any]:
    told: dict[str, Any] = {
        "config": str(output / _CONFIG),
        "addresses": rows,
        "left": [one.fields() for one in done.left],
        "leases": None,
    }
    if image is not None:
        told["leases"] = {
            "image": str(output / _LEASES),
            "active": image.active,
            "remembered": image.remembered,
            "abandoned": image.abandoned,
            "left": [{"line": line, "why": why} for line, why in image.left],
        }
    return told


def _count(n: int, what: str) -> str:
    return f"{n} {what}" + ("" if n == 1 else "s")
