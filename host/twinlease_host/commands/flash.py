"""`twinlease flash`: from a new board to one that serves."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from .. import boardfile
from ..errors import UserError
from ..flash.show import Bars, Show
from ..output import err, out
from ..serial_link import port_of

if TYPE_CHECKING:
    from ..flash.job import Summary


def flash(
    board: Annotated[str, typer.Argument(metavar="BOARD", help="as boards/ names it: esp32, pico-w …")],
    port: Annotated[str, typer.Option(help="its serial port  [default: the only board that is plugged in]")] = "",
    image: Annotated[
        Path | None, typer.Option(help="MicroPython's image  [default: from micropython.org, kept]")
    ] = None,
    sha256: Annotated[str, typer.Option(help="that the image must have")] = "",
    config: Annotated[Path | None, typer.Option(help="dhcpd.conf for it  [default: what is there stays]")] = None,
    leases: Annotated[
        Path | None, typer.Option(help="ESP32: leases.bin of `twinlease config import`, for a board that has none")
    ] = None,
    address: Annotated[str, typer.Option(help="of the board, as in 10.77.0.2/16")] = "",
    router: Annotated[str, typer.Option(help="its way to other networks, as in 10.77.0.1")] = "",
    host_name: Annotated[str, typer.Option(help="its name")] = "",
    wifi: Annotated[str, typer.Option(help="name of the WiFi network")] = "",
    wifi_password: Annotated[str, typer.Option(help="its password", envvar="TWINLEASE_WIFI_PASSWORD")] = "",
    country: Annotated[str, typer.Option(help="where the radio is used: DE, US …")] = "",
    drive: Annotated[
        Path | None, typer.Option(help="Pico: where its loader's disk is mounted  [default: found]")
    ] = None,
    micropython: Annotated[
        bool, typer.Option("--micropython/--no-micropython", help="write MicroPython too, or our files only")
    ] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="say what would be done; the board is not touched")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object instead of text")] = False,
) -> None:
    """Put MicroPython, Twinlease, its settings and its configuration on a board, and see it start.

    Example: twinlease flash esp32 --port /dev/ttyUSB0 --address 10.77.0.2/16 --config dhcpd.conf

    Running it again is an upgrade: what is right already stays as it is, and so do leases, settings and configuration.
    It also mends whatever a run left that was broken off. The service stops meanwhile; a partner is told.

    Exit codes: 0 the board is up; 1 it is written and does not answer, or dhcpd.conf does not fit it; 2 could not be
    done.
    """
    from ..flash import job  # brings esptool, which takes its time, and all other commands can do without

    settings = _settings(address, router, host_name, wifi, wifi_password, country)
    order = job.Order(board, port_of(port) if port else "", image, sha256, config, settings, drive, micropython, leases)
    show: Show = Bars() if err.is_terminal and not as_json else Show()
    if config and not config.exists():
        raise UserError(f"there is no file {config}", "give the path of your dhcpd.conf")
    with show:
        work = job.Job(order, show)
        plan = work.plan()
        if dry_run:
            show.finish()
            for line in plan:
                out.print(line)
            return
        if not order.port and work.chip.is_esp:
            order.port = work.done.port = job.one_port(work.chip)
        done = work.run()
    if as_json:
        typer.echo(done.as_json())
    else:
        _tell(done)


def _settings(
    address: str, router: str, host_name: str, wifi: str, wifi_password: str, country: str
) -> dict[str, list[str]]:
    """As statements of board.conf; raises UserError for an address that is none."""
    from twinlease.board import settings

    told = {"address": [address], "router": [router], "host-name": [host_name], "country": [country]}
    told["wifi"] = [wifi, wifi_password] if wifi and wifi_password else [wifi]
    try:
        if address:
            settings.address([address])
        if router:
            settings.octets(router)
    except ValueError as bad:
        raise UserError(str(bad), "correct --address or --router") from None
    return {name: words for name, words in told.items() if words[0]}


def _tell(done: Summary) -> None:
    title = boardfile.load(done.board).title
    table = Table(title=f"{title} at {done.port}", title_justify="left", show_header=False, box=None)
    files = f"{done.files.changed} written, {done.files.unchanged} unchanged, {done.files.removed} removed"
    rows = {
        "chip": f"{done.chip}  {done.mac}".strip(),
        "written": ", ".join(done.written) or "nothing: it is there",
        "leases": done.leases,
        "MicroPython": done.micropython,
        "files": files,
        "board.conf": done.settings,
        "dhcpd.conf": done.config,
    }
    for name, text in rows.items():
        if text and not (name == "written" and not done.image):
            table.add_row(f"[bold]{name}[/]", text)
    out.print(table, width=shutil.get_terminal_size().columns)
    out.print(f"The board says: {done.says}")
