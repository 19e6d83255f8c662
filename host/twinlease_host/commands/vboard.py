"""`twinlease vboard`: a board that is a process."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from .. import configfile, fit
from ..errors import UserError
from ..lab import privilege
from ..output import err, note
from ..vboard import board, wiring

app = typer.Typer(no_args_is_help=True, help="Run virtual boards.")


@app.callback()
def vboard() -> None:
    """Run virtual boards."""


@app.command()
def run(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="keeps the board: flash.bin, serial")],
    address: Annotated[str, typer.Option(help="of the board, with prefix length, as in 10.77.0.2/16")],
    config: Annotated[Path | None, typer.Option(help="dhcpd.conf; replaces what is in flash if it differs")] = None,
    netns: Annotated[str, typer.Option(help="network namespace  [default: made from the name of DIR]")] = "",
    iface: Annotated[str, typer.Option(help="network interface in it")] = "eth0",
    heap: Annotated[str, typer.Option(help="MicroPython's heap; pointers are twice a board's")] = "256K",
    no_rtc: Annotated[bool, typer.Option("--no-rtc", help="a board without a clock")] = False,
    rtc_offset: Annotated[
        int, typer.Option(metavar="SECONDS", help="how far its clock is ahead; behind if negative")
    ] = 0,
) -> None:
    """Power a virtual board on; it runs until SIGTERM or Ctrl-C.

    Its log goes to standard output. Namespace, interface and address are used as they are if they exist; what is
    missing is made, and removed at the end. SIGKILL to the process group is a power cut: run it again, and the
    leases are there.

    Example: twinlease vboard run board --address 10.77.0.2/16 --config dhcpd.conf

    Exit codes: 0 stopped as asked, 1 the configuration has errors or the firmware does not start, 2 could not be done.
    """
    if no_rtc and rtc_offset:
        raise UserError("--no-rtc and --rtc-offset: a board without a clock", "leave one of them out")
    heap = board.parse_size("--heap", heap)
    report = _checked(config, heap) if config else None
    spec = board.Spec(
        folder=folder.resolve(),
        address=wiring.parse_address(address),
        netns=netns or wiring.default_netns(folder),
        iface=iface,
        heap=heap,
        rtc=None if no_rtc else rtc_offset,
        install={**report.files, board.CONFIG_NAME: report.path.resolve()} if report else {},
        make_image=partial(configfile.image, report) if report else None,
    )
    privilege.need("a virtual board needs a network namespace of its own")
    raise typer.Exit(board.run(spec, note))


def _checked(config: Path, heap: str) -> configfile.Report:
    """What a board thinks of the configuration; refuses what it would not serve."""
    report = configfile.check(config, fit.Limits(fit.octets(heap), fit.octets(fit.DEFAULT_FLASH)))
    if report.problems or report.unfit:
        for line in configfile.describe(report):
            err.print(line)
    if not report.ok:
        raise UserError("the board was not started", f"mend {config} and run this again", code=1)
    return report
