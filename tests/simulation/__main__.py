"""`make sim`: runs Worlds on all cores, with a progress bar; ends with status 1 if one is violated.

python -m tests.simulation --seeds 1000 --first 0
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from itertools import islice
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from .isc_server import mixed
from .world import Result, World, run

_CHUNK = 8
_TRACE_LINES = 60
_TOLD_EVERY = 500


def main() -> int:
    words = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    words.add_argument("--seeds", type=int, default=100)
    words.add_argument("--first", type=int, default=None, help="the first seed; without it fresh ones are drawn")
    words.add_argument("--seconds", type=float, default=0, help="begin no World after so long")
    words.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    words.add_argument("--keep-going", action="store_true", help="do not end with the first violation")
    words.add_argument(
        "--pair",
        choices=("drawn", "boards", "isc"),
        default="drawn",
        help="two boards; a board and a model of ISC dhcpd; drawn: that in each fourth World (3, 7, 11 ...)",
    )
    asked = words.parse_args()
    first = asked.first if asked.first is not None else int.from_bytes(os.urandom(4), "big") * 1000
    if asked.seeds == 1:
        return _one(first, asked.pair)
    return _many(first, asked)


def servers_of(seed: int, pair: str) -> Callable[[World, str], Any] | None:
    """What makes the servers of this World: see World."""
    return mixed if pair == "isc" or (pair == "drawn" and seed % 4 == 3) else None


def _one(seed: int, pair: str) -> int:
    result = run(seed, servers_of(seed, pair))
    _tell(result, pair)
    print(_summary([result], 0.0))
    return 1 if result.violations else 0


def _many(first: int, asked: argparse.Namespace) -> int:
    console = Console(stderr=True)
    began = time.monotonic()
    results: list[Result] = []
    columns = (
        TextColumn("seeds from %d" % first),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[told]}"),
        TimeRemainingColumn(),
    )
    bad: list[Result] = []
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("", total=asked.seeds, told="")
        hours = 0.0
        for result in _results(first, asked.seeds, asked.jobs, asked.seconds, asked.pair):
            hours += result.virtual_s / 3600
            result.about = result.about if result.violations else ""
            results.append(result)
            if result.violations:
                bad.append(result)
                progress.console.print(
                    "seed %d: %s" % (result.seed, result.violations[0].split("\n")[0]), markup=False, highlight=False
                )
                if not asked.keep_going:
                    break
            progress.update(bar, advance=1, told="%d virtual hours" % hours)
            if not console.is_terminal and len(results) % _TOLD_EVERY == 0:  # a log has no bar
                progress.console.print("%d of %d Worlds, %d virtual hours" % (len(results), asked.seeds, hours))
    for result in bad[:1]:
        _tell(result, asked.pair)
    print(_summary(results, time.monotonic() - began))
    # A line that .ci/run adds up.
    print(
        "%d passed%s in %.1fs"
        % (len(results) - len(bad), ", %d failed" % len(bad) if bad else "", time.monotonic() - began)
    )
    for result in bad:
        print(_replay(result.seed, asked.pair))
    return 1 if bad else 0


def _results(first: int, seeds: int, jobs: int, seconds: float, pair: str) -> Iterator[Result]:
    """In the order in which they end."""
    until = time.monotonic() + seconds if seconds else float("inf")
    with ProcessPoolExecutor(jobs) as pool:
        waiting = iter(range(first, first + seeds))
        running = {pool.submit(run, seed, servers_of(seed, pair)) for seed in islice(waiting, _CHUNK * jobs)}
        try:
            while running:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()
                    seed = next(waiting, None)
                    if seed is not None and time.monotonic() < until:
                        running.add(pool.submit(run, seed, servers_of(seed, pair)))
        finally:
            pool.shutdown(cancel_futures=True)


def _replay(seed: int, pair: str) -> str:
    return "to replay: make sim SEEDS=1 SEED0=%d%s" % (seed, "" if pair == "drawn" else " PAIR=" + pair)


def _tell(result: Result, pair: str) -> None:
    if result.violations:
        print("\n%s\n\nThe last events:\n%s\n" % (result.about, "\n".join(result.trace[-_TRACE_LINES:])))
        print("VIOLATED: %s" % result.violations[0])
        print(_replay(result.seed, pair))


def _summary(results: list[Result], seconds: float) -> str:
    hours = sum(result.virtual_s for result in results) / 3600
    numbers = (
        len(results),
        sum(1 for result in results if result.mixed),
        hours,
        seconds,
        sum(result.acks for result in results),
        sum(result.faults for result in results),
        sum(result.restarts for result in results),
        sum(result.excused for result in results),
        sum(1 for result in results if result.contested),
    )
    return (
        "%d Worlds, %d of them of a board and a dhcpd, %.0f virtual hours in %.0f s: %d leases acknowledged, %d faults, %d servers that ended in the middle of it; "
        "%d leases excused, given while the partner was in PARTNER-DOWN, which collided with others in %d Worlds; "
        "a dhcpd excused: %s" % (*numbers, _named(sum((result.weaknesses for result in results), Counter())))
    )


def _named(counts: Counter[str]) -> str:
    return ", ".join("%d times %s" % (n, name) for name, n in sorted(counts.items())) or "nothing"


if __name__ == "__main__":
    sys.exit(main())
