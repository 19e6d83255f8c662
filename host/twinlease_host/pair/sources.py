"""Where a dhcpd.conf comes from: a file of this PC, with what it includes, or what a board serves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from .. import configfile, serial_link
from ..errors import UserError
from ..serial_link import port_of
from .facts import Facts, ask_all

_INCLUDE = re.compile(r'^[ \t]*include[ \t]+"([^"\n]+)"[ \t]*;[ \t]*(#.*)?$')
_DEEPEST = 8


def of_board(port: str, timeout_s: float) -> str:
    """What a board serves. Raises UserError; code 1 if it has none."""
    port = port_of(port)
    with serial_link.Link(port, timeout_s) as link:
        board = ask_all(Facts("", port), link.ask, asked=("config",))
    if board.config is None:
        said = board.refused["config"].partition(":")[0]
        raise UserError(f"the board at {port}: {said}", f"twinlease config push dhcpd.conf {port}", code=1)
    return board.config


@dataclass(frozen=True)
class Line:
    """A line of text, and where it comes from."""

    text: str
    file: str
    number: int


def of_file(path: Path) -> str:
    """A file, with the text of each `include "FILE";` that has a line of its own in its place. Raises UserError."""
    return "\n".join(line.text for line in lines_of(path)) + "\n"


def lines_of(path: Path, depth: int = 0) -> list[Line]:
    """The same, by line."""
    if depth > _DEEPEST:
        raise UserError(f"{path} includes itself", "take the include statement out")
    found: list[Line] = []
    for number, text in enumerate(configfile.read_text(path).splitlines(), 1):
        included = _INCLUDE.match(text)
        if included is None:
            found.append(Line(text, path.name, number))
        else:
            found.append(Line("# " + text.strip(), path.name, number))
            found += lines_of(path.parent / included[1], depth + 1)
    return found
