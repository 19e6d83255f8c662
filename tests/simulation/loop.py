"""Virtual time, and an asyncio for it: the firmware's own drivers run on this loop, as fast as the machine can.

    loop = Loop()
    entry = loop.at(1500, callback, argument)     in 1.5 virtual seconds from the start
    loop.spawn(owner, coroutine)                  a task; `owner.failed(task, error)` hears what ends it
    loop.run_until(60_000, stop=…)

Time is whole milliseconds.  What happens at the same moment happens in the order in which it was asked for.
One world runs in a process at a time: `use` says which loop the firmware's drivers mean.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Coroutine, Iterator
from typing import Any


class Cancelled(BaseException):
    """What a task finds where it waited, when somebody has cancelled it."""


class Loop:
    def __init__(self) -> None:
        self.now = 0
        self.task: Task | None = None
        self._heap: list[list[Any]] = []
        self._count = 0

    def at(self, when: int, call: Callable[..., Any], *args: Any) -> list[Any]:
        """Call then; returns what `drop` takes."""
        self._count += 1
        entry = [when if when > self.now else self.now, self._count, call, args]
        heapq.heappush(self._heap, entry)
        return entry

    def after(self, ms: int, call: Callable[..., Any], *args: Any) -> list[Any]:
        return self.at(self.now + ms, call, *args)

    @staticmethod
    def drop(entry: list[Any] | None) -> None:
        """It is not to be called after all."""
        if entry is not None:
            entry[2] = None

    def run_until(self, when: int, stop: Callable[[], bool] | None = None) -> None:
        """Let everything happen up to this time, or until stop() holds after an event."""
        heap = self._heap
        while heap and heap[0][0] <= when:
            entry = heapq.heappop(heap)
            if entry[2] is None:
                continue
            self.now = entry[0]
            entry[2](*entry[3])
            if stop is not None and stop():
                return
        self.now = max(self.now, when)

    def spawn(self, owner: Any, coroutine: Coroutine[Any, Any, Any], paced: bool = False) -> Task:
        """A task of this owner.  paced: its sleeps are as long as owner.pace(ms) says."""
        task = Task(self, owner, coroutine, paced)
        owner.tasks.append(task)
        task.wake_at(self.now)
        return task


class Task:
    """Cancel it with `cancel`; `throw_away` ends it without another word, as a power cut does."""

    def __init__(self, loop: Loop, owner: Any, coroutine: Coroutine[Any, Any, Any], paced: bool) -> None:
        self.loop = loop
        self.owner = owner
        self.coroutine = coroutine
        self.paced = paced
        self.nominal = 0
        """How long it would have slept if it were not paced, ms; 0 while it does not sleep."""
        self.entry: list[Any] | None = None
        self.waits_for: Any = None
        self.done = False

    def wake_at(self, when: int) -> None:
        self.entry = self.loop.at(when, self.step)

    def hurry(self) -> None:
        """Its owner's pace has changed: a sleep that was stretched ends when it would have."""
        if self.nominal and self.entry is not None:
            due = self.loop.now + self.nominal
            if self.entry[0] > due:
                self.loop.drop(self.entry)
                self.wake_at(due)

    def cancel(self) -> None:
        if self.done:
            return
        self._stop_waiting()
        self.entry = self.loop.at(self.loop.now, self.step, Cancelled())

    def throw_away(self) -> None:
        if not self.done:
            self.done = True
            self._stop_waiting()
            self.coroutine.close()

    def _stop_waiting(self) -> None:
        self.loop.drop(self.entry)
        self.entry = None
        if self.waits_for is not None:
            self.waits_for.waiter = None
            self.waits_for = None

    def step(self, error: BaseException | None = None) -> None:
        loop = self.loop
        self.entry = None
        self.nominal = 0
        self.waits_for = None
        before, loop.task = loop.task, self
        try:
            awaited = self.coroutine.send(None) if error is None else self.coroutine.throw(error)
        except (StopIteration, Cancelled):
            self._end(None)
            return
        except Exception as e:
            self._end(e)
            return
        finally:
            loop.task = before
        if not self.done:
            awaited.park(self)

    def _end(self, error: Exception | None) -> None:
        self.done = True
        self.owner.ended(self, error)


class Sleep:
    def __init__(self, ms: int) -> None:
        self.ms = ms

    def __await__(self) -> Iterator[Sleep]:
        yield self

    def park(self, task: Task) -> None:
        ms = self.ms
        if task.paced and ms:
            task.nominal = ms
            ms = task.owner.pace(ms)
        task.wake_at(task.loop.now + ms)


class Until:
    """Waits until source.is_ready() holds; the source calls `wake(source)` when it may."""

    def __init__(self, source: Any) -> None:
        self.source = source

    def __await__(self) -> Iterator[Until]:
        if not self.source.is_ready():
            yield self

    def park(self, task: Task) -> None:
        self.source.waiter = task
        task.waits_for = self.source


def wake(source: Any) -> None:
    """Whoever waits for this source goes on, now."""
    task = source.waiter
    if task is not None and source.is_ready():
        source.waiter = None
        task.step()


_used: Loop | None = None


def use(loop: Loop) -> None:
    """From now on the firmware's drivers mean this loop."""
    global _used
    _used = loop


def used() -> Loop:
    assert _used is not None
    return _used


class Asyncio:
    """Stands in for the module asyncio where drivers import it."""

    CancelledError = Cancelled

    @staticmethod
    def sleep(seconds: float) -> Sleep:
        return Sleep(round(seconds * 1000))

    @staticmethod
    def current_task() -> Task | None:
        return used().task

    class Event:
        """Only what the drivers use."""

        def __init__(self) -> None:
            self.waiter: Any = None
            self._is_set = False

        def is_ready(self) -> bool:
            return self._is_set

        def set(self) -> None:
            self._is_set = True
            wake(self)

        async def wait(self) -> None:
            await Until(self)

    @staticmethod
    async def gather(*coroutines: Coroutine[Any, Any, Any]) -> None:
        """Of coroutines that never end: the first runs here, the others beside it."""
        loop = used()
        assert loop.task is not None
        for coroutine in coroutines[1:]:
            loop.spawn(loop.task.owner, coroutine)
        await coroutines[0]
