"""One line of time for all who say something: the boards, the client, and the story that is told of them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

STORY = "story"
SAID, STEP, SEEN, DONE, FAILED = "said", "step", "seen", "done", "failed"

_GLANCE_S = 0.25


@dataclass(frozen=True)
class Event:
    """Something said: `at_s` seconds since the start; `who` is "board A", "board B", "client" or the story itself.

    kind: said (a line of output), step (what comes next), seen (what a step found to be so), done, failed.
    """

    at_s: float
    who: str
    kind: str
    text: str
    facts: dict[str, Any] = field(default_factory=dict)

    def plain(self) -> str:
        """The event as a line of text."""
        who = "" if self.who == STORY else self.who
        return f"{self.at_s:6.2f} {who:>7} | {self.text}"

    def fields(self) -> dict[str, Any]:
        """The event for scripts."""
        return {"s": round(self.at_s, 3), "who": self.who, "event": self.kind, "text": self.text, **self.facts}


class Timeline:
    """Takes events in from several threads, passes each on to `show`, and keeps all of them in a file."""

    def __init__(self, show: Callable[[Event], None], log: Path) -> None:
        self.log = log
        self._show = show
        self._start = time.monotonic()
        self._count = 0
        self._news = threading.Condition()
        log.write_text("")

    def tell(self, who: str, text: str, kind: str = SAID, **facts: Any) -> None:
        """Something happens now."""
        with self._news:
            event = Event(time.monotonic() - self._start, who, kind, text, facts)
            with self.log.open("a") as log:
                log.write(event.plain() + "\n")
            self._show(event)
            self._count += 1
            self._news.notify_all()

    def until(self, holds: Callable[[], bool], limit_s: float) -> bool:
        """Wait until this holds: asked again when anybody has said something, and now and then, as not all is said."""
        end = time.monotonic() + limit_s
        while True:
            seen = self._count
            if holds():
                return True
            left = end - time.monotonic()
            if left <= 0:
                return False
            with self._news:
                self._news.wait_for(lambda seen=seen: self._count != seen, min(left, _GLANCE_S))  # type: ignore[misc]
