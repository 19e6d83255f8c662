"""`twinlease top`: both boards, live, on the whole screen."""

from __future__ import annotations

import contextlib
import json
import os
import select
import sys
import time
from collections.abc import Callable, Iterator
from typing import Annotated

import typer
from rich.layout import Layout
from rich.live import Live

from ..errors import UserError
from ..output import out
from ..pair import screen
from . import ports
from .status import Svg, draw

_FRAME_S = 0.5
_PLAIN = (140, 40)  # of a frame that is not on a terminal: columns, rows


def top(
    boards: ports.Boards = None,
    every: Annotated[float, typer.Option(metavar="SECONDS", help="how often to ask")] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="one look, printed")] = False,
    svg: Svg = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object a line, a line a look")] = False,
) -> None:
    """Watch a board, or both of a pair: states, rates, pools, clock skew, flash wear, the latest leases, what happens.

    Somebody else may use a board's console meanwhile: the port is free between two looks. q or Ctrl-C ends.

    Example: twinlease top pair/board-a pair/board-b

    Exit codes: 0 ended by q or Ctrl-C, or --once, 2 no board could be asked.
    """
    events = screen.Events()
    watchers = [screen.Watcher(name, port, every, events.add) for name, port in ports.named(boards, 1, 2).items()]
    if once:
        _once(watchers, events, every, as_json, svg)
        return
    if as_json:
        _look(watchers)
    for watcher in watchers:
        watcher.start()
    with contextlib.suppress(KeyboardInterrupt):
        if as_json:
            while True:
                time.sleep(every)
                _print_json(watchers)
        _live(watchers, events)
    for watcher in watchers:
        watcher.stop()
    if svg:
        _draw(svg, watchers, events)


def _once(watchers: list[screen.Watcher], events: screen.Events, every: float, as_json: bool, svg: Svg) -> None:
    """Two looks, a moment apart, so that there are rates."""
    _look(watchers)
    time.sleep(every)
    for watcher in watchers:
        watcher.look()
    if as_json:
        _print_json(watchers)
    else:
        height = out.height if out.is_terminal else _PLAIN[1]
        out.print(_screen(watchers, events, height), height=height)
    if svg:
        _draw(svg, watchers, events)


def _look(watchers: list[screen.Watcher]) -> None:
    """A first one. Raises UserError if nobody answers."""
    for watcher in watchers:
        watcher.look()
    if all(watcher.sample().silent for watcher in watchers):
        raise UserError(watchers[0].sample().silent, f"twinlease doctor {watchers[0].port}")


def _live(watchers: list[screen.Watcher], events: screen.Events) -> None:
    if not out.is_terminal:
        raise UserError("top wants a terminal", "twinlease top --once, or --json")
    with _keys() as pressed, Live(console=out, screen=True, auto_refresh=False) as live:
        while True:
            live.update(_screen(watchers, events, out.height), refresh=True)
            if pressed(_FRAME_S) in ("q", "Q", "\x03"):
                return


def _screen(watchers: list[screen.Watcher], events: screen.Events, height: int) -> Layout:
    return screen.render([watcher.sample() for watcher in watchers], events, time.time(), height)


def _draw(svg: Svg, watchers: list[screen.Watcher], events: screen.Events) -> None:
    if svg:
        draw(svg, "twinlease top", _screen(watchers, events, _PLAIN[1]), *_PLAIN)


def _print_json(watchers: list[screen.Watcher]) -> None:
    told = list(screen.fields([watcher.sample() for watcher in watchers]))
    print(json.dumps({"at": round(time.time(), 3), "boards": told}), flush=True)


@contextlib.contextmanager
def _keys() -> Iterator[Callable[[float], str]]:
    """Keys as they are pressed, without Enter; where the terminal cannot do that, only Ctrl-C ends."""
    if os.name == "nt" or not sys.stdin.isatty():

        def wait(seconds: float) -> str:
            time.sleep(seconds)
            return ""

        yield wait
        return
    import termios
    import tty

    fd = sys.stdin.fileno()
    before = termios.tcgetattr(fd)
    tty.setcbreak(fd)

    def key(seconds: float) -> str:
        ready, _, _ = select.select([fd], [], [], seconds)
        return os.read(fd, 1).decode(errors="replace") if ready else ""

    try:
        yield key
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
