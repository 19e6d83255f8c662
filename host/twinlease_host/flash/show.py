"""What a person sees while a board is flashed; json and tests take the quiet one."""

from __future__ import annotations

from typing import Self

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from ..output import err, note


class Show:
    """Steps, one after the other, and how far the present one is."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *trouble: object) -> None:
        self.finish()

    def step(self, what: str) -> None:
        """A new step begins."""

    def progress(self, done: int, of: int) -> None:
        """How much of it is done."""

    def say(self, text: str) -> None:
        """A line that stays, as what a person is to do now."""
        note(text)

    def finish(self) -> None:
        """The last step is over, or something went wrong."""


class Bars(Show):
    """On a terminal: a bar a step."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description:<46}"), BarColumn(30), TextColumn("{task.percentage:>3.0f}%"))
        self._bars = Progress(*columns, TimeElapsedColumn(), console=err)
        self._bar: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def step(self, what: str) -> None:
        self._complete()
        self._bar = self._bars.add_task(what, total=None)

    def progress(self, done: int, of: int) -> None:
        if self._bar is not None:
            self._bars.update(self._bar, completed=done, total=of or None)

    def say(self, text: str) -> None:
        self._bars.console.print(text, style="dim")

    def finish(self) -> None:
        self._complete()
        self._bars.stop()

    def __exit__(self, *trouble: object) -> None:
        if trouble[0] is not None:
            self._bar = None
        self.finish()

    def _complete(self) -> None:
        if self._bar is not None:
            self._bars.update(self._bar, completed=1, total=1)
            self._bar = None
