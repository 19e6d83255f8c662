"""What commands about boards have in common: their ports, how they are completed, and what is said without any."""

from __future__ import annotations

import glob
import os
import re
from typing import Annotated

import typer
from serial.tools import list_ports

from ..errors import UserError
from ..serial_link import port_of

_NAMES = ("A", "B")


def complete(incomplete: str) -> list[str]:
    """For the shell: serial ports of this PC, and virtual boards below this folder that run."""
    found = [port.device for port in list_ports.comports() if port.hwid != "n/a"]  # a PC names ports that it has not
    for pattern in ("*/serial", "*/*/serial"):
        found += [os.path.dirname(path) for path in sorted(glob.glob(pattern)) if os.path.exists(path)]
    return [name for name in found if name.startswith(incomplete)]


Boards = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="A [B]",
        autocompletion=complete,
        help="the boards: serial ports, /dev/ttyUSB0 …, or folders of virtual boards",
        show_default=False,
    ),
]
Timeout = Annotated[float, typer.Option(help="seconds for which a board may be silent")]
AsJson = Annotated[bool, typer.Option("--json", help="one JSON object instead of text")]


def named(boards: list[str] | None, least: int, most: int) -> dict[str, str]:
    """The ports of boards A and B. Raises UserError if there are too few or too many."""
    given = boards or []
    if not least <= len(given) <= most:
        wanted = f"{least}" if least == most else f"{least} or {most}"
        raise UserError(
            f"{len(given)} boards are given, and {wanted} wanted",
            "ports of this PC: " + (", ".join(complete("")) or "none; plug a board in, or: twinlease demo"),
        )
    return {name: port_of(board) for name, board in zip(_NAMES, given, strict=False)}


def is_board(name: str) -> bool:
    """Tell a board from a file."""
    if "://" in name or name.startswith("/dev/") or re.fullmatch(r"COM\d+", name):
        return True
    return os.path.exists(name) and not os.path.isfile(name)
