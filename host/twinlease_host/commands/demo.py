"""`twinlease demo`: a pair of virtual boards serves a real client through a power cut, on screen."""

from __future__ import annotations

import json
import os
import shlex
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

from .. import configfile
from ..errors import UserError
from ..lab import demo as lab
from ..lab import privilege
from ..lab.board import Board
from ..lab.timeline import DONE, FAILED, SAID, STEP, STORY, Event, Timeline
from ..output import out
from ..vboard.board import parse_size
from .status import Svg, draw

_COLOURS = {"board A": "green", "board B": "yellow", "client": "blue"}
_STORY_COLOURS = {STEP: "bold magenta", DONE: "bold green", FAILED: "bold red"}
_STATES = {"active": "green", "released": "yellow", "expired": "yellow", "abandoned": "red"}
_LOG_LINES = 12
_PICTURE_WIDTH = 140


def demo(
    once: Annotated[bool, typer.Option("--once", help="end after the story")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="begin with boards whose flash is blank")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a line, for scripts")] = False,
    folder: Annotated[Path, typer.Option("--dir", help="keeps the boards; leases outlive the demonstration")] = Path(
        "pair"
    ),
    config: Annotated[Path, typer.Option(help="dhcpd.conf of both boards, 10.77.0.2 and 10.77.0.3")] = lab.HERE
    / "demo.conf",
    heap: Annotated[str, typer.Option(help="each board's heap")] = lab.DEFAULT_HEAP,
    svg: Svg = None,
) -> None:
    """Boot two virtual boards, failover partners; the one that served a real udhcpc loses power, the other goes on.

    Each line: seconds since the start, who said it, what. All of it is kept in DIR/timeline.log.

    Then the pair keeps serving, with its lease tables on screen, until Ctrl-C. When standard input is not a terminal it
    ends by itself.

    Example: twinlease demo --once

    Exit codes: 0 all as it should be, 1 something was not (it says which step, and where to look), 2 could not be done.
    """
    if svg and as_json:
        raise UserError("--svg and --json: there is no screen to draw", "leave one of them out")
    parse_size("--heap", heap)
    configfile.read_text(config)
    privilege.need("the demonstration needs network namespaces")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    folder.mkdir(parents=True, exist_ok=True)
    screen = _Json() if as_json else _Screen()
    timeline = Timeline(screen.show, folder / "timeline.log")
    try:
        with lab.Demo(folder.resolve(), config, heap, timeline) as running:
            if fresh:
                for board in running.boards:
                    board.blank_flash()
            running.steps()
            timeline.tell(STORY, "done: the client had its address all the time, and both boards are as before", DONE)
            if svg and isinstance(screen, _Screen):
                draw(svg, "make run", Group(*screen.picture), _PICTURE_WIDTH)
            if not once and sys.stdin.isatty():
                _keep_serving(running, screen)
    except KeyboardInterrupt:
        timeline.tell(STORY, "power off", STEP)


class _Json:
    """Events for scripts."""

    live = False

    def show(self, event: Event) -> None:
        """One event, one line."""
        print(json.dumps(event.fields()), flush=True)


class _Screen:
    """Lines for people: printed, or (`live`) kept for the view that is drawn anew each second."""

    def __init__(self) -> None:
        self.last: deque[Text] = deque(maxlen=_LOG_LINES)
        self.picture: list[Text] = []
        self.live = False

    def show(self, event: Event) -> None:
        """One event, one line."""
        style = _COLOURS.get(event.who) or _STORY_COLOURS.get(event.kind, "magenta")
        body = _logged(event.text) if event.kind == SAID else Text(event.text, style=style)
        who = "" if event.who == STORY else event.who
        line = Text.assemble((f"{event.at_s:6.2f} ", "dim"), (f"{who:>7} ▌ ", style), body)
        self.last.append(line)
        if not self.live:
            out.print(line)
            if _is_in_picture(event):
                self.picture.append(line)


def _is_in_picture(event: Event) -> bool:
    """All but what boards say of themselves: a page is not a screen that scrolls."""
    return event.who in (STORY, "client") or event.text.startswith("DHCP") or "I move from" in event.text


def _logged(text: str) -> Text:
    line = Text(text)
    line.highlight_regex(r"\bDHCP[A-Z]+\b|^\w+:|\bI move from .*|\bpeer moves from .*", "bold")
    line.highlight_regex(r"\b\d+\.\d+\.\d+\.\d+\b", "cyan")
    return line


def _keep_serving(running: lab.Demo, screen: _Json | _Screen) -> None:
    running.timeline.tell(STORY, "both go on serving; Ctrl-C switches them off. Ask them from another terminal:", STEP)
    for board in running.boards:
        running.timeline.tell(STORY, how_to_ask(board), "look")
    if isinstance(screen, _Screen) and out.is_terminal:
        _draw(running, screen)
    while running.serving():
        time.sleep(0.2)
    raise UserError("a board ended by itself", f"what it said is in {running.timeline.log}", code=1)


def _draw(running: lab.Demo, screen: _Screen) -> None:
    """The pair's leases and the last lines, until a board ends."""
    ways = [Text("    " + how_to_ask(board), style="dim") for board in running.boards]
    screen.live = True
    for board in running.boards:
        board.patience_s = 1.0  # somebody may be at its console
    try:
        with Live(console=out, auto_refresh=False) as live:
            while running.serving():
                live.update(Group(_table(running.boards), *ways, *screen.last), refresh=True)
                time.sleep(1)
    finally:
        screen.live = False


def how_to_ask(board: Board) -> str:
    """The command line that shows a board's failover state, to be typed in the folder that we were started in."""
    tool = Path(sys.executable).with_name("twinlease")
    words = [_short(tool)] if tool.exists() else [sys.executable, "-m", "twinlease_host"]
    rights = ["sudo"] if os.geteuid() == 0 and os.environ.get("SUDO_UID", "0") != "0" else []
    return shlex.join([*rights, *words, "console", _short(board.port), "-c", "show failover"])


def _short(path: Path) -> str:
    """As seen from here, if it is below."""
    near = os.path.relpath(path)
    return str(path) if near.startswith("..") else near


def _table(boards: list[Board]) -> Table:
    """What each board says of each address that somebody has, or had."""
    table = Table(title=f"leases on the pair, {time.strftime('%H:%M:%S')}", title_justify="left")
    for column in ("address", "hardware", "name"):
        table.add_column(column)
    rows: dict[str, dict[str, dict[str, Any]]] = {}
    for board in boards:
        title = str(board)
        try:
            title = f"{board}: {board.state()}"
            for lease in board.leases():
                rows.setdefault(lease["address"], {})[board.name] = lease
        except UserError:
            title = f"{board}: no answer; is its console in use?"
        table.add_column(title)
    for address in sorted(rows, key=lambda text: [int(part) for part in text.split(".")]):
        known = rows[address]
        one = next(iter(known.values()))
        told = [_state(known.get(board.name)) for board in boards]
        table.add_row(address, one["hardware"], one["name"], *told)
    return table


def _state(lease: dict[str, Any] | None) -> Text:
    if lease is None:
        return Text("-")
    state = lease["state"]
    if state != "active":
        return Text(state, style=_STATES.get(state, ""))
    ends = "for ever" if lease["ends"] is None else f"for {max(0, lease['ends'] - int(time.time()))} s"
    return Text(f"{state} {ends}", style=_STATES[state])
