"""`twinlease upgrade`: new firmware for a pair that serves meanwhile."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Annotated

import typer

from .. import serial_link
from ..errors import UserError
from ..flash import board_files
from ..flash.board_files import Changes
from ..flash.show import Bars, Show
from ..output import err, out
from ..pair import facts, push
from ..pair import upgrade as rolling
from . import ports


def upgrade(
    boards: ports.Boards = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="say what would be done; the boards are only asked")
    ] = False,
    alone: Annotated[
        bool, typer.Option("--alone", help="a board without a partner; its clients get no answer meanwhile")
    ] = False,
    older: Annotated[bool, typer.Option("--older", help="also where a board runs a newer version")] = False,
    wait: Annotated[
        float, typer.Option(metavar="SECONDS", help="how long a board may take until it and its partner are in NORMAL")
    ] = 120.0,
    timeout: ports.Timeout = serial_link.PATIENCE_S,
    as_json: ports.AsJson = False,
) -> None:
    """Bring the firmware of this tool to both boards of a pair, one at a time; clients notice nothing.

    Example: twinlease upgrade /dev/ttyUSB0 /dev/ttyUSB1

    A board that is written serves nobody for about a minute: its partner does, and is in NORMAL before and after. The
    new firmware is written beside the old one, and takes its place when it is whole. Who does not come back with it, or
    not to NORMAL, gets the old one again, and the other board is not touched. Leases, settings and
    configuration stay.

    Broken off, even by force: run it again. A board that was left at MicroPython's prompt comes first; by itself it
    starts its old firmware within the hour. MicroPython itself is upgraded by `twinlease flash`, board by board.

    Exit codes: 0 both serve with it, in NORMAL; 1 a board has its old firmware again, or is not back; 2 could not be
    done: nothing was changed.
    """
    from twinlease import VERSION

    show: Show = Bars() if err.is_terminal and not as_json else Show()
    named = ports.named(boards, 1, 2)
    if len(set(named.values())) < len(named):
        raise UserError(f"both boards are the one at {named['A']}", "name the two boards of the pair")
    made = [_Serial(name, port, timeout, show) for name, port in named.items()]
    wish = rolling.Wish(VERSION, wait, alone, older)
    with show:
        work = rolling.Upgrade(made, wish, show.say, _Watch(show))
        if dry_run:
            order = work.plan()
            show.finish()
            if as_json:
                boards_to_be = [{"name": board.name, "port": board.port} for board in order]
                typer.echo(json.dumps({"version": VERSION, "boards": boards_to_be}))
                return
            for board in order:
                out.print(f"board {board.name} at {board.port}: firmware {VERSION}")
            return
        try:
            work.run()
        finally:
            if as_json:
                typer.echo(json.dumps({"version": VERSION, "boards": [done.fields() for done in work.done]}))
    if not as_json:
        out.print(f"both boards serve with {VERSION}" if len(made) > 1 else f"the board serves with {VERSION}")


class _Watch:
    """What is waited for: said when it is something new."""

    def __init__(self, show: Show) -> None:
        self._say = show.step if isinstance(show, Bars) else show.say
        self._said = ""

    def __call__(self, text: str) -> None:
        if text != self._said:
            self._said = text
            self._say(text)


@dataclass
class _Serial(push.Serial):
    """The board at a port."""

    show: Show = field(default_factory=Show)

    def look(self) -> facts.Facts | None:
        """See pair.upgrade.Board."""
        found = facts.Facts(self.name, self.port)
        try:
            with serial_link.Link(self.port, self.timeout_s) as link:
                return facts.ask_all(found, link.ask, asked=rolling.ASKED)
        except serial_link.Silent:
            return None

    def install(self) -> Changes:
        """See pair.upgrade.Board."""
        from ..flash import beside, job

        self.show.step(f"board {self.name}: its service ends")
        with board_files.opened(self.port) as files:
            about = files.about()
            job.check_interpreter(about)
            self.show.step(f"board {self.name}: compiling for {about.arch}")
            wanted = job.compiled(about.arch)
            self.show.step(f"board {self.name}: writing the firmware")
            changes = beside.install(files, wanted, self.show.progress)
            self.show.step(f"board {self.name}: it starts")
            files.reset()
        return changes

    def back(self) -> bool:
        """See pair.upgrade.Board."""
        from ..flash import beside

        with board_files.opened(self.port) as files:
            went = beside.back(files)
            files.reset()
        return went
