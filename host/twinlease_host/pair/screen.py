"""`twinlease top`: what both boards say, gathered in the background, and the screen that is made of it.

A Watcher asks one board again and again, in a thread of its own, so that a board that is silent holds nobody up. Its
Samples are what `render` draws; render is pure.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from .. import serial_link
from ..errors import UserError
from . import findings, glance, leases
from .facts import Facts, ask_all

_OFTEN = ("interfaces", "clock", "flash", "pools", "failover")
_SELDOM = ("version", "memory", "config")  # `show memory` collects garbage, the configuration is long
_SELDOM_EVERY = 15  # looks
_LEASES_SHARE = 5  # a table that takes a second to come is asked for every five
_EVENTS = 200
_PACKETS = ("received", "sent", "unsent", "errors")


@dataclass
class Sample:
    """What is known of a board now, and what was a while ago; `silent` says why it does not answer."""

    now: Facts
    before: Facts | None = None
    first: Facts | None = None
    leases: list[leases.Lease] = field(default_factory=list)
    log: list[tuple[float, str]] = field(default_factory=list)
    silent: str = ""


class Watcher:
    """Asks a board until `stop`. `sample` may be called from another thread."""

    def __init__(self, name: str, port: str, every_s: float, event: Callable[[str, str], None]) -> None:
        self.name, self.port = name, port
        self._every_s = every_s
        self._event = event
        self._lock = threading.Lock()
        self._sample = Sample(Facts(name, port), silent="asking")
        self._stop = threading.Event()
        self._looks = 0
        self._leases_at = 0.0
        self._has_log = True
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, without waiting for an answer that does not come."""
        self._stop.set()

    def sample(self) -> Sample:
        """As it is now."""
        with self._lock:
            return self._sample

    def look(self) -> None:
        """Ask once."""
        old = self.sample()
        new = Sample(Facts(self.name, self.port), old.now if old.now.told else None, old.first, old.leases, old.log)
        try:
            self._ask(old, new)
        except UserError as bad:
            if not old.silent:
                self._event(self.name, f"does not answer: {bad}")
            new = Sample(old.now, old.before, old.first, old.leases, old.log, str(bad))
        with self._lock:
            self._sample = new

    def _run(self) -> None:
        while not self._stop.is_set():
            self.look()
            self._stop.wait(self._every_s)

    def _ask(self, old: Sample, new: Sample) -> None:
        with serial_link.Link(self.port, max(2.0, self._every_s)) as link:
            seldom = _SELDOM if self._looks % _SELDOM_EVERY == 0 else ()
            new.now.told = {what: old.now.told[what] for what in _SELDOM if what in old.now.told}
            ask_all(new.now, link.ask, asked=(*seldom, *_OFTEN))
            self._looks += 1
            if new.now.serves and time.monotonic() >= self._leases_at:
                began = time.monotonic()
                new.leases = leases.ask_on(link)
                took = time.monotonic() - began
                self._leases_at = time.monotonic() + max(self._every_s, _LEASES_SHARE * took)
            if self._has_log:
                ask_all(new.now, link.ask, asked=("log",))
                self._has_log = "log" in new.now.told
                new.log = glance.log_lines(new.now.told.get("log"))
        new.first = old.first or new.now
        self._tell_changes(old, new)

    def _tell_changes(self, old: Sample, new: Sample) -> None:
        if old.silent and old.now.told:
            self._event(self.name, "answers again")
        for was, now in zip(old.now.peers, new.now.peers, strict=False):
            if was["state"] != now["state"]:
                self._event(self.name, f"failover peer {now['name']}: from {was['state']} to {now['state']}")
        if not old.leases:
            return
        before, after = ({one["address"]: one for one in sample.leases} for sample in (old, new))
        for what, lease in leases.changes(before, after):
            self._event(self.name, f"{lease['address']} {what} {lease['hardware']} {lease['name']}".rstrip())


class Events:
    """The last things that happened, of all boards; what two boards tell of one lease stands once."""

    def __init__(self) -> None:
        self._lines: deque[tuple[float, str, str]] = deque(maxlen=_EVENTS)
        self._lock = threading.Lock()

    def add(self, who: str, text: str) -> None:
        """Something happened now."""
        with self._lock:
            recent = [line for line in self._lines if line[2] == text and time.time() - line[0] < 10]
            if not recent or recent[-1][1] == who:
                self._lines.append((time.time(), who, text))

    def last(self, n: int) -> list[tuple[float, str, str]]:
        """The newest n, oldest first."""
        with self._lock:
            return list(self._lines)[-n:] if n > 0 else []


def render(samples: Sequence[Sample], events: Events, now: float, height: int) -> Layout:
    """The whole screen."""
    found = findings.look([sample.now for sample in samples if sample.now.told and not sample.silent])
    boards = Layout(name="boards")
    boards.split_row(*[Layout(_board(sample, found)) for sample in samples])
    below = Layout(name="below")
    lines = max(4, (height - 2) // 2 - 4)
    below.split_row(
        Layout(Panel(_leases(samples, now, lines), title="latest leases", title_align="left"), ratio=3),
        Layout(Panel(_events(samples, events, lines + 1), title="log", title_align="left"), ratio=2),
    )
    screen = Layout()
    screen.split_column(Layout(_head(samples, found, now), size=1), boards, below)
    return screen


def rates(sample: Sample) -> Text:
    """DHCP packets a second since the look before."""
    before, now = sample.before, sample.now
    if before is None or not before.packets or not now.packets:
        return Text("…", style="dim")
    seconds = now.asked_at - before.asked_at
    if seconds <= 0:
        return Text("…", style="dim")
    told = [(name, (now.packets[name] - before.packets[name]) / seconds) for name in _PACKETS]
    return Text(", ".join(f"{rate:.1f}/s {name}" for name, rate in told if rate > 0 or name in ("received", "sent")))


def _head(samples: Sequence[Sample], found: list[findings.Finding], now: float) -> Text:
    text = Text.assemble(("twinlease top ", "bold"), time.strftime("%H:%M:%S  ", time.localtime(now)))
    wrong = [one for one in found if one.severity != findings.NOTE]
    silent = [sample for sample in samples if sample.silent]
    if wrong:
        text.append(f"{wrong[0].who}: {wrong[0].says}", style="bold red")
    elif silent:
        text.append(f"board {silent[0].now.name}: {silent[0].silent}", style="bold red")
    else:
        text.append("all is well", style="green")
    text.append("   q: quit", style="dim")
    text.truncate(400)
    return text


def _board(sample: Sample, found: list[findings.Finding]) -> RenderableType:
    title = f"board {sample.now.name}  {sample.now.port}"
    grid = Table.grid(padding=(0, 1))
    grid.add_column(style="dim", no_wrap=True, min_width=10)
    grid.add_column(overflow="ellipsis", no_wrap=True)
    if sample.now.told:
        for label, value in glance.rows(sample.now, found):
            grid.add_row(label, value)
            if label == "network":
                grid.add_row("packets", rates(sample))
            elif label == "flash" and sample.first is not None:
                grid.add_row("wear", glance.wear(sample.first, sample.now))
    if sample.silent:
        return Panel(Group(Text(sample.silent, style="bold red"), grid), title=title, title_align="left")
    return Panel(grid, title=title, title_align="left")


def _leases(samples: Sequence[Sample], now: float, n: int) -> Table:
    """Those that changed last."""
    told = {lease["address"]: lease for sample in reversed(samples) for lease in sample.leases}
    latest = sorted(told.values(), key=lambda lease: (-lease["cltt"], leases.by_address(lease)))[:n]
    shown = Table(box=None, pad_edge=False, expand=True)
    for column, width in (("address", 15), ("state", 9), ("ends", 9), ("name", 5), ("hardware", None)):
        shown.add_column(column, no_wrap=True, min_width=width)
    for lease in latest:
        ends = leases.ends(lease, now)
        shown.add_row(lease["address"], lease["state"], ends, Text(lease["name"]), lease["hardware"])
    return shown


def _events(samples: Sequence[Sample], events: Events, n: int) -> Group:
    """What the boards' logs say, where they can be asked for them, and what was seen to change; in order."""
    told = [(at, sample.now.name, text) for sample in samples for at, text in sample.log]
    lines: list[Text] = []
    for at, who, text in sorted(told + events.last(n), key=lambda line: line[0])[-n:]:
        when = time.strftime("%H:%M:%S", time.localtime(at))
        line = Text.assemble((f"{when} ", "dim"), (f"{who} ", "bold"), text)
        line.no_wrap, line.overflow = True, "ellipsis"
        lines.append(line)
    return Group(*lines)


def fields(samples: Sequence[Sample]) -> Iterator[dict[str, object]]:
    """For --json: a board each."""
    for sample in samples:
        yield {
            "board": sample.now.name,
            "port": sample.now.port,
            "silent": sample.silent,
            "told": {what: told for what, told in sample.now.told.items() if what != "config"},
            "leases": len(sample.leases),
        }
