"""The page of a run: one self-contained HTML file with plots in SVG, and the same as JSON. Pure but for `write`."""

from __future__ import annotations

import html
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .plan import Plan

NEVER_TRIED = (
    "The suite itself, on any real board: every run so far was on virtual ones.",
    "A chip's own loader, USB bridges and their reset lines; images of MicroPython from its site.",
    "Power cut by a hub or relay: a supply that sags, a flash chip that was programming.",
    "Ethernet and WiFi drivers, switches between the boards, links that come and go.",
    "A crystal's rate and its drift with temperature; the chip's own clock over a power cut.",
    "Wear of real flash; a soak of days.",
)
COLOURS = ("#0b6e99", "#d1671f")
_WIDTH, _HEIGHT = 460, 210
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 26, 38
_BINS = 16

Point = tuple[float, float]


@dataclass
class Outcome:
    """How a test ended: passed, failed, skipped; `saw` is what it found, `reason` why it did not pass."""

    name: str
    outcome: str = "passed"
    seconds: float = 0.0
    reason: str = ""
    saw: str = ""


@dataclass
class Record:
    """All that a run has to tell. What was not measured is empty."""

    plan: Plan
    started: str = ""
    took_s: float = 0.0
    tests: list[Outcome] = field(default_factory=list)
    versions: dict[str, dict[str, Any]] = field(default_factory=dict)
    lease_ms: dict[str, list[float]] = field(default_factory=dict)
    takeover: list[tuple[float, str]] = field(default_factory=list)  # seconds from the power cut, who gave an ACK
    gap_s: float | None = None
    normal_s: float | None = None
    boot_s: float | None = None
    offset_ms: dict[str, list[float]] = field(default_factory=dict)
    heap: dict[str, list[Point]] = field(default_factory=dict)  # seconds, KB free
    never_tried: tuple[str, ...] = NEVER_TRIED
    _saw: str = ""

    @classmethod
    def start(cls, plan: Plan) -> Record:
        """A run begins now."""
        return cls(plan, time.strftime("%Y-%m-%d %H:%M:%S %z"))

    def saw(self, text: str) -> None:
        """What the test that runs now found, in a sentence for people."""
        self._saw = text

    def ended(self, name: str, outcome: str, seconds: float, reason: str) -> None:
        """A phase of a test (set-up, call, tear-down) is over; the worst of them is the test's."""
        if not self.tests or self.tests[-1].name != name:
            self.tests.append(Outcome(name))
            self._saw = ""
        test = self.tests[-1]
        test.seconds += seconds
        test.saw = self._saw
        if outcome != "passed":
            test.outcome, test.reason = outcome, reason

    def fields(self) -> dict[str, Any]:
        """For JSON."""
        told = asdict(self)
        del told["_saw"]
        return {**told, "virtual": self.plan.virtual, "ok": self.ok}

    @property
    def ok(self) -> bool:
        """Tell whether nothing failed."""
        return all(test.outcome != "failed" for test in self.tests)


def median(values: Sequence[float]) -> float:
    """The middle one."""
    return sorted(values)[len(values) // 2]


def write(record: Record, folder: Path) -> list[Path]:
    """Write report.html and report.json; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = [folder / "report.html", folder / "report.json"]
    pages[0].write_text(page(record), encoding="utf-8")
    pages[1].write_text(json.dumps(record.fields(), indent=1) + "\n", encoding="utf-8")
    return pages


def page(record: Record) -> str:
    """The page as HTML."""
    where = "two virtual boards" if record.plan.virtual else f"real boards at {' and '.join(record.plan.ports)}"
    count = {word: sum(test.outcome == word for test in record.tests) for word in ("passed", "failed", "skipped")}
    verdict = ", ".join(f"{number} {word}" for word, number in count.items() if number)
    rows = "".join(_row(test) for test in record.tests)
    versions = "".join(
        f"<li>Board {html.escape(name)}: {html.escape(', '.join(f'{k} {v}' for k, v in told.items()))}</li>"
        for name, told in record.versions.items()
    )
    never = "".join(f"<li>{html.escape(text)}</li>" for text in record.never_tried)
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Twinlease on the bench, {html.escape(record.started)}</title>
<style>
body {{ font: 14px/1.45 system-ui, sans-serif; max-width: 980px; margin: 24px auto; padding: 0 16px; color: #222; background: #fff }}
h1 {{ font-size: 22px; margin: 0 }} h2 {{ font-size: 16px; margin: 20px 0 6px }} p {{ margin: 4px 0 }}
table {{ border-collapse: collapse; width: 100% }} td, th {{ text-align: left; padding: 3px 8px; border-bottom: 1px solid #ddd; vertical-align: top }}
.passed {{ color: #1a7f37 }} .failed {{ color: #b3261e; font-weight: bold }} .skipped {{ color: #7a6000 }}
.plots {{ display: flex; flex-wrap: wrap; gap: 12px }} svg {{ border: 1px solid #ddd }} svg text {{ font: 11px system-ui, sans-serif; fill: #444 }}
ul {{ margin: 4px 0; padding-left: 20px }} pre {{ margin: 0; white-space: pre-wrap }}
</style>
<h1>Twinlease on the bench: <span class="{"passed" if record.ok else "failed"}">{verdict or "nothing was run"}</span></h1>
<p>{html.escape(where)}, board type {html.escape(record.plan.board or "as found, not flashed")}; {html.escape(record.started)};
{record.took_s:.0f} s</p><ul>{versions}</ul>
<h2>Tests</h2>
<table><tr><th>test<th>result<th>seconds<th>what it saw, or why not</tr>{rows}</table>
<h2>Measured</h2><div class="plots">{"".join(_plots(record))}</div>
<h2>What was never tried on real hardware</h2><ul>{never}</ul>
</html>
"""


def _row(test: Outcome) -> str:
    name = test.name.removeprefix("test_").replace("_", " ")
    why = html.escape(test.saw if test.outcome == "passed" else test.reason)
    if test.outcome == "failed":
        why = f"<pre>{why}</pre>"
    return f'<tr><td>{html.escape(name)}<td class="{test.outcome}">{test.outcome}<td>{test.seconds:.1f}<td>{why}</tr>\n'


def _plots(record: Record) -> list[str]:
    """The plots of what was measured; a sentence where nothing was."""
    plots = []
    if record.lease_ms:
        plots.append(histogram("Lease latency", "ms", record.lease_ms))
    if record.takeover:
        names = sorted({name for _, name in record.takeover})
        dots = {
            f"ACK from {name}": [(at, i + 1.0) for at, who in record.takeover if who == name]
            for i, name in enumerate(names)
        }
        title = "Takeover" if record.gap_s is None else f"Takeover: {record.gap_s:.1f} s without an answer"
        plots.append(scatter(title, "s since the power cut", dots, mark=0.0, floor=0.0, lines=False, heights=False))
    if record.offset_ms:
        series = {
            f"board {n}": [(float(i + 1), v) for i, v in enumerate(values)] for n, values in record.offset_ms.items()
        }
        plots.append(scatter("Clock offset, ms", "answer", series))
    if record.heap:
        series = {f"board {name}": samples for name, samples in record.heap.items()}
        plots.append(scatter("Free heap over the soak, KB", "s", series, floor=0.0))
    return plots or ["<p>Nothing: the tests that measure did not run.</p>"]


def histogram(title: str, unit: str, series: dict[str, list[float]]) -> str:
    """How often each value came, for up to two series, in the same bins from zero."""
    top = max((v for values in series.values() for v in values), default=0.0) or 1.0
    counts = {}
    for name, values in series.items():
        counts[name] = [0] * _BINS
        for value in values:
            counts[name][min(int(value / top * _BINS), _BINS - 1)] += 1
    most = max((n for bins in counts.values() for n in bins), default=0) or 1
    frame = _Frame((0.0, top), (0.0, float(most)))
    wide = (frame.x(top) - frame.x(0)) / _BINS
    out = []
    for at, (name, bins) in enumerate(counts.items()):
        width = wide / len(counts)
        for i, n in enumerate(bins):
            if n:
                x, y = frame.x(0) + i * wide + at * width, frame.y(n)
                high = frame.y(0) - y
                label = html.escape(f"{name}: {n}")
                out.append(
                    f'<rect x="{x:.1f}" y="{y:.1f}" width="{max(width - 1, 1):.1f}" height="{high:.1f}" '
                    f'fill="{COLOURS[at % 2]}"><title>{label}</title></rect>'
                )
    return frame.svg(title, unit, list(counts), out)


def scatter(
    title: str,
    unit: str,
    series: dict[str, list[Point]],
    mark: float | None = None,
    floor: float | None = None,
    lines: bool = True,
    heights: bool = True,
) -> str:
    """Points by series, joined if `lines`; `mark` is a place on the x axis; the y axis begins at `floor` if given."""
    points = [point for values in series.values() for point in values] or [(0.0, 0.0)]
    xs, ys = [x for x, _ in points] + ([] if mark is None else [mark]), [y for _, y in points]
    least, most = min(ys) if floor is None else floor, max(ys)
    room = 0.1 * (most - least) or 1.0
    frame = _Frame((min(xs), max(xs)), (least if floor is not None else least - room, most + room), heights)
    out = []
    if mark is not None:
        x = frame.x(mark)
        out.append(f'<path d="M{x:.1f} {_TOP}V{_HEIGHT - _BOTTOM}" stroke="#b3261e" stroke-dasharray="4 3"/>')
    for at, values in enumerate(series.values()):
        places = [(frame.x(x), frame.y(y)) for x, y in values]
        if lines and len(places) > 1:
            way = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
            out.append(f'<polyline points="{way}" fill="none" stroke="{COLOURS[at % 2]}" stroke-width="1.5"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{COLOURS[at % 2]}"/>' for x, y in places]
    return frame.svg(title, unit, list(series), out)


class _Frame:
    """Axes: from values to places in the picture."""

    def __init__(self, xs: Point, ys: Point, heights: bool = True) -> None:
        self._xs = (xs[0], xs[1] if xs[1] > xs[0] else xs[0] + 1.0)
        self._ys = (ys[0], ys[1] if ys[1] > ys[0] else ys[0] + 1.0)
        self._heights = heights

    def x(self, value: float) -> float:
        low, high = self._xs
        return _LEFT + (value - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        low, high = self._ys
        return _HEIGHT - _BOTTOM - (value - low) / (high - low) * (_HEIGHT - _TOP - _BOTTOM)

    def svg(self, title: str, unit: str, names: list[str], drawn: list[str]) -> str:
        """The whole picture."""
        foot, out = _HEIGHT - _BOTTOM, [f'<text x="8" y="16" font-weight="bold">{html.escape(title)}</text>']
        out.append(f'<path d="M{_LEFT} {_TOP}V{foot}H{_WIDTH - _RIGHT}" fill="none" stroke="#888"/>')
        for n in range(5):
            value = self._xs[0] + n / 4 * (self._xs[1] - self._xs[0])
            out.append(f'<text x="{self.x(value):.1f}" y="{foot + 13}" text-anchor="middle">{value:.3g}</text>')
        for n in range(5) if self._heights else ():
            value = self._ys[0] + n / 4 * (self._ys[1] - self._ys[0])
            out.append(f'<text x="{_LEFT - 4}" y="{self.y(value) + 4:.1f}" text-anchor="end">{value:.3g}</text>')
        out.append(f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 8}" text-anchor="end">{html.escape(unit)}</text>')
        for n, name in enumerate(names):
            x = _LEFT + n * 150
            out.append(f'<rect x="{x}" y="{_HEIGHT - 16}" width="9" height="9" fill="{COLOURS[n % 2]}"/>')
            out.append(f'<text x="{x + 13}" y="{_HEIGHT - 8}">{html.escape(name)}</text>')
        size = f'width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        return f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size}>{"".join(out + drawn)}</svg>\n'
