"""`twinlease demo`: a virtual board serves a real client, on screen."""

from __future__ import annotations

import signal
import sys
import time
from collections import deque
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ..errors import UserError
from ..lab import demo as lab
from ..lab import privilege
from ..output import out

_COLOURS = {"board": "green", "client": "blue", "step": "bold magenta"}
_STATES = {"active": "green", "released": "yellow", "expired": "yellow", "abandoned": "red"}
_LOG_LINES = 12


def demo(
    once: Annotated[bool, typer.Option("--once", help="end after the client's steps")] = False,
    folder: Annotated[Path, typer.Option("--dir", help="keeps the board; leases outlive the demonstration")] = Path(
        "board"
    ),
    config: Annotated[Path, typer.Option(help="dhcpd.conf for 10.77.0.0/16")] = lab.HERE / "demo.conf",
    heap: Annotated[str, typer.Option(help="the board's heap")] = "256K",
) -> None:
    """Boot a virtual board and let a real udhcpc obtain, renew, release and re-obtain an address.

    Then it keeps serving, with the lease table on screen, until Ctrl-C. When standard input is not a terminal it ends
    by itself.

    Example: twinlease demo --once

    Exit codes: 0 all as it should be, 1 something was not, 2 could not be done.
    """
    privilege.need("the demonstration needs network namespaces")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    story = Story()
    try:
        with lab.Demo(folder.resolve(), config, heap, story.tell) as running:
            running.steps()
            if not once and sys.stdin.isatty():
                _keep_serving(running, story)
    except KeyboardInterrupt:
        story.tell("step", "power off")


def _keep_serving(running: lab.Demo, story: Story) -> None:
    story.tell("step", "the board goes on serving; Ctrl-C switches it off")
    if not out.is_terminal:
        while running.serving():
            time.sleep(0.2)
        raise UserError("the board ended by itself", "what it said is above", code=1)
    story.quiet = True
    try:
        with Live(console=out, auto_refresh=False) as live:
            while running.serving():
                live.update(Group(_table(running.leases()), *story.last), refresh=True)
                time.sleep(1)
    finally:
        story.quiet = False
    raise UserError("the board ended by itself", "what it said is above", code=1)


class Story:
    """What happened, line by line: printed, or kept for the live view."""

    def __init__(self) -> None:
        self.last: deque[Text] = deque(maxlen=_LOG_LINES)
        self.quiet = False

    def tell(self, who: str, text: str) -> None:
        """One line from the board, the client, or about what comes next."""
        style = _COLOURS[who]
        body = Text(text, style=style) if who == "step" else _logged(text)
        line = Text.assemble((f"{'' if who == 'step' else who:>6} ", style), ("▌ ", style), body)
        self.last.append(line)
        if not self.quiet:
            out.print(line)


def _logged(text: str) -> Text:
    line = Text(text)
    line.highlight_regex(r"\bDHCP[A-Z]+\b|^\w+:", "bold")
    line.highlight_regex(r"\b\d+\.\d+\.\d+\.\d+\b", "cyan")
    return line


def _table(leases: list[dict[str, Any]]) -> Table:
    table = Table(title=f"leases on the board, {time.strftime('%H:%M:%S')}", title_justify="left")
    for column in ("address", "state", "ends in", "hardware", "name"):
        table.add_column(column)
    for lease in leases:
        ends = "never" if lease["ends"] is None else f"{max(0, lease['ends'] - int(time.time()))} s"
        state = Text(lease["state"], style=_STATES.get(lease["state"], ""))
        table.add_row(
            lease["address"], state, ends if lease["state"] == "active" else "-", lease["hardware"], lease["name"]
        )
    return table
