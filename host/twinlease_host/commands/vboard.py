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
from ..vboard import board, stand_in, wiring

app = typer.Typer(no_args_is_help=True, help="Run virtual boards.")


@app.callback()
def vboard() -> None:
    """Run virtual boards."""


@app.command()
def run(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="keeps the board: flash.bin, serial")],
    address: Annotated[str, typer.Option(help="of the board, with prefix length, as in 10.77.0.2/16")] = "",
    config: Annotated[Path | None, typer.Option(help="dhcpd.conf; replaces what is in flash if it differs")] = None,
    netns: Annotated[str, typer.Option(help="network namespace  [default: made from the name of DIR]")] = "",
    iface: Annotated[str, typer.Option(help="network interface in it")] = "eth0",
    heap: Annotated[str, typer.Option(help="MicroPython's heap; pointers are twice a board's")] = "256K",
    rom: Annotated[
        bool,
        typer.Option("--rom", help="the firmware runs in flash (ROMFS), as on a board with such an image; see below"),
    ] = False,
    chip: Annotated[
        bool, typer.Option("--esp32", help="an ESP32 that starts what is in its flash: see `twinlease flash`")
    ] = False,
    rfc2217: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            min=0,
            max=65535,
            help="its serial port with reset lines, on TCP; 0: any, told by DIR/serial.url",
        ),
    ] = None,
    no_rtc: Annotated[bool, typer.Option("--no-rtc", help="a board without a clock")] = False,
    rtc_offset: Annotated[
        int, typer.Option(metavar="SECONDS", help="how far its clock is ahead; behind if negative")
    ] = 0,
    hold_button: Annotated[
        float,
        typer.Option(metavar="SECONDS", help="hold its button at power-on: 2 is safe mode, 12 a factory reset"),
    ] = 0,
    watchdog: Annotated[
        float, typer.Option(metavar="SECONDS", help="reset it when its service stands still for so long; 0: never")
    ] = 0,
) -> None:
    """Power a virtual board on; it runs until SIGTERM or Ctrl-C.

    Its log goes to standard output, its LED is a word in DIR/led. Namespace, interface and address are used as they
    are if they exist; what is missing is made, and removed at the end. SIGKILL to the process group is a power cut:
    run it again, and the leases are there.

    Without --rom a board loads the firmware from its file system into the heap, as the MicroPython images do that
    micropython.org has for download. --rom is a board whose image was built with a ROMFS partition (RP2040 and
    RP2350: MICROPY_HW_ROMFS_BYTES; ESP32: MICROPY_VFS_ROM and a partition named romfs; MicroPython 1.25 or later):
    bytecode and texts stay in flash, which the processor reads like memory. Failover with 1,000 leases fits a
    heap of 256K then. The ROM's image, made by the same tool as for a board, is DIR/rom.bin.

    --esp32 is a new chip, with nothing in its flash: `twinlease flash` writes a stand-in for MicroPython (`twinlease
    vboard image`), partition table, firmware and settings over its serial port. With --rfc2217 that port has the lines
    by which esptool resets a board; else SIGUSR2 to this process is its reset button with BOOT held, SIGUSR1 without.

    Example: twinlease vboard run board --address 10.77.0.2/16 --config dhcpd.conf

    Exit codes: 0 stopped as asked, 1 the configuration has errors or the firmware does not start, 2 could not be done.
    """
    if no_rtc and rtc_offset:
        raise UserError("--no-rtc and --rtc-offset: a board without a clock", "leave one of them out")
    if chip and (config or rom):
        raise UserError(
            "--esp32: what it runs is in its flash", "leave --config and --rom out; `twinlease flash` writes both"
        )
    if not address and not chip:
        raise UserError("Missing option --address", "write it as in --address 10.77.0.2/16")
    if rfc2217 is not None and not chip:
        raise UserError("--rfc2217: only an ESP32 has reset lines", "add --esp32")
    heap = board.parse_size("--heap", heap)
    report = _checked(config, heap, rom) if config else None
    spec = board.Spec(
        folder=folder.resolve(),
        address=wiring.parse_address(address) if address else None,
        netns=netns or wiring.default_netns(folder),
        iface=iface,
        heap=heap,
        rom=rom,
        rtc=None if no_rtc else rtc_offset,
        hold_ms=int(hold_button * 1000),
        watchdog_s=watchdog,
        install={**report.files, board.CONFIG_NAME: report.path.resolve()} if report else {},
        chip=chip,
        tcp_port=rfc2217,
        make_image=partial(configfile.image, report, in_rom=rom) if report else None,
    )
    privilege.need("a virtual board needs a network namespace of its own")
    raise typer.Exit(board.run(spec, note))


@app.command()
def image(
    file: Annotated[Path, typer.Argument(help="to write, as in micropython.bin")],
    version: Annotated[str, typer.Option(help="that it claims to be")] = stand_in.VERSION,
) -> None:
    """Write a stand-in for MicroPython's image of an ESP32, for `twinlease flash` and a virtual ESP32.

    Example: twinlease vboard image micropython.bin

    Exit codes: 0 it is written.
    """
    file.write_bytes(stand_in.image(version=version))


def _checked(config: Path, heap: str, rom: bool) -> configfile.Report:
    """What a board thinks of the configuration; refuses what it would not serve."""
    needs = fit.VIRTUAL_IN_ROM if rom else fit.VIRTUAL
    report = configfile.check(config, fit.Limits(fit.octets(heap), fit.octets(fit.DEFAULT_FLASH), needs))
    if report.problems or report.unfit:
        for line in configfile.describe(report):
            err.print(line)
    if not report.ok:
        raise UserError("the board was not started", f"mend {config} and run this again", code=1)
    return report
