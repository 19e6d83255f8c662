"""How long clients and operators wait for a pair of failover servers: ours, ISC's, and one of each; part of bench.py.

Same LAN, same scripted clients (they ask again after 4, 8 and 16 s, as RFC 2131 has it), same mclt, split and lease
times; what dhcpd needs to be at its best is in tests/lab/failover_times.py. Then how many exchanges
a second go through each pair: through_pair.py. Repeats go round the pairs, so that what
else the machine does meets all of them.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from lab import failover_times
from rich.console import Console
from rich.table import Table

from tests.bench import through_pair

Kinds = tuple[str, str]
Sample = dict[str, float]

USUAL = "board-board,isc-isc,board-isc"
KINDS = ("board", "isc")
HEAP = "LAB_HEAP"

FRESH = "two fresh servers to both NORMAL, s"
FRESH_SERVING = "two fresh servers to both NORMAL from when both listen, s"
JOINED = "the primary, with 1,000 active leases, gets a partner: to both NORMAL, s"
JOINED_SERVING = "the primary, with 1,000 active leases, gets a partner: to both NORMAL from when both listen, s"
RESTARTED = "both, with these 1,000 leases, start again: to both NORMAL, s"
MEDIAN, WORST = ": median", ": worst"
FAULTS = {"hang": "partner hangs", "cable": "partner's cable is pulled"}
LAST = 5


@dataclass
class Figures:
    """Of one pair: what was measured, a list of values each; one a repeat, for FRESH two."""

    kinds: Kinds
    measured: dict[str, list[float]] = field(default_factory=dict)

    def add(self, sample: Sample) -> None:
        """One more value of each."""
        for what, value in sample.items():
            self.measured.setdefault(what, []).append(round(value, 4))

    @property
    def name(self) -> str:
        """Primary first."""
        return "-".join(self.kinds)


def chosen(names: str) -> list[Kinds]:
    """The pairs to measure."""
    found = [tuple(name.split("-")) for name in names.split(",")]
    for kinds in found:
        if len(kinds) != 2 or not set(kinds) <= set(KINDS):
            sys.exit(f"no pair {'-'.join(kinds)!r}: two of {', '.join(KINDS)}, the primary first, as in {USUAL}")
    return [(kinds[0], kinds[1]) for kinds in found]


def measure(chosen: list[Kinds], repeats: int, console: Console) -> list[Figures]:
    """Every point of every pair, so many times."""
    results = [Figures(kinds) for kinds in chosen]
    for turn in range(repeats):
        for figures in results:
            for name, point in POINTS.items():
                console.print(f"  [dim]{figures.name}, repeat {turn + 1}: {name}[/]", highlight=False)
                with tempfile.TemporaryDirectory(prefix="bench") as folder:
                    for sample in point(figures.kinds, Path(folder)):
                        figures.add(sample)
            figures.add(through_pair.in_a_folder(figures.kinds, lambda text: console.print(f"  [dim]{text}[/]")))
    return results


def _fresh(kinds: Kinds, where: Path) -> Iterable[Sample]:
    for one in failover_times.fresh_to_normal(*kinds, where):
        yield {FRESH: one.from_power_on_s, FRESH_SERVING: one.from_serving_s}


def _leases(kinds: Kinds, where: Path) -> Iterable[Sample]:
    joined, restarted = failover_times.leases_to_normal(*kinds, where)
    yield {
        JOINED: joined.from_power_on_s,
        JOINED_SERVING: joined.from_serving_s,
        RESTARTED: restarted.from_power_on_s,
    }


def _orphans(fault: str) -> Callable[[Kinds, Path], Iterable[Sample]]:
    def point(kinds: Kinds, where: Path) -> Iterable[Sample]:
        orphans = failover_times.new_clients_after(fault, *kinds, where)
        sample = {f"{FAULTS[fault]}: noticed after, s": orphans.noticed_s}
        for later in (False, True):
            for of_victim in (False, True):
                waits = [
                    one.waited_s
                    for one in orphans.clients
                    if one.of_victim == of_victim and (one.asked_s >= failover_times.LATER_S) == later
                ]
                when = f"{failover_times.LATER_S:g} s later" if later else "at that moment"
                whose = "the partner's" if of_victim else "own"
                who = f"{FAULTS[fault]}: {len(waits)} clients of {whose} buckets who ask {when} wait, s"
                sample |= {who + MEDIAN: statistics.median(waits), who + WORST: max(waits)}
        yield sample

    return point


def _crowded(kinds: Kinds, where: Path) -> Iterable[Sample]:
    crowded = failover_times.as_many_clients_as_addresses(*kinds, where)
    who = f"{len(crowded.seconds)} clients, as many addresses: "
    yield {
        f"{who}wait, s{MEDIAN}": statistics.median(crowded.seconds),
        f"{who}wait, s{WORST}": crowded.seconds[-1],
        f"{who}the last {LAST} wait at least, s": crowded.seconds[-LAST],
        f"{who}who had to ask again": crowded.asked_again,
        f"{who}lines 'peer holds all free leases'": crowded.held_by_peer,
        f"{who}other complaints in the logs": crowded.complaints,
    }


POINTS: dict[str, Callable[[Kinds, Path], Iterable[Sample]]] = {
    "two fresh servers": _fresh,
    "1,000 leases": _leases,
    "partner hangs": _orphans("hang"),
    "partner's cable": _orphans("cable"),
    "as many clients as addresses": _crowded,
}


def table(results: list[Figures]) -> Table:
    """The results for people."""
    shown = Table(title="pairs of failover servers, primary first: median (least … greatest) of the repeats")
    shown.add_column("")
    for figures in results:
        shown.add_column(figures.name)
    for what in results[0].measured:
        if not what.endswith(WORST):
            shown.add_row(what.removesuffix(MEDIAN), *(_cell(figures.measured, what) for figures in results))
    return shown


def _cell(measured: dict[str, list[float]], what: str) -> str:
    """Of a median, with the worst."""
    cell = _median_and_spread(measured[what])
    if not what.endswith(MEDIAN):
        return cell
    return f"{cell}, worst {_median_and_spread(measured[what.removesuffix(MEDIAN) + WORST])}"


def _median_and_spread(values: list[float]) -> str:
    """With decimals where something was not counted."""
    digits = 0 if all(float(value).is_integer() for value in values) else 2
    middle, least, greatest = (f"{v:.{digits}f}" for v in (statistics.median(values), min(values), max(values)))
    return middle if least == greatest else f"{middle} ({least} … {greatest})"


def record(results: list[Figures]) -> dict[str, object]:
    """For history.jsonl."""
    heap = os.environ.get(HEAP, "256K")
    return {"board_heap": heap, "pairs": [{"pair": figures.name, "measured": figures.measured} for figures in results]}
