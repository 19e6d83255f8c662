"""`twinlease console`: talk to a board over its serial port."""

from __future__ import annotations

import subprocess
import sys
from typing import Annotated

import typer

from .. import serial_link
from . import ports


def console(
    port: Annotated[
        str,
        typer.Argument(
            help="serial port: /dev/ttyUSB0 …, or the folder of a virtual board", autocompletion=ports.complete
        ),
    ],
    command: Annotated[str, typer.Option("-c", "--command", help="run one command, print its answer, end")] = "",
    timeout: Annotated[float, typer.Option(help="seconds to wait for the answer")] = 5.0,
) -> None:
    """Open a board's console, or run one command on it.

    Example: twinlease console board/serial -c 'show leases json'

    Exit codes with -c: 0 the command worked, 1 the board refused it, 2 no board answered.
    """
    port = serial_link.port_of(port)
    if not command:
        words = [sys.executable, "-m", "serial.tools.miniterm", "--raw", "--eol", "CR", port, str(serial_link.BAUD)]
        raise typer.Exit(subprocess.call(words))
    answer = serial_link.ask(port, command, timeout)
    typer.echo(answer.text, nl=False)
    if not answer.ok:
        raise typer.Exit(1)
