"""Cuts the power amid operations of an office's day, and has each board that comes back judged.

    .venv/bin/python tests/power/cuts.py [SEED]       every operation of two days (one alone, one of a pair), every way

A run on every core replays the same day, which is cheap, and cuts the operations of its share.
"""

import multiprocessing
import os
import sys
import time
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / name) for name in ("lab", "unit", "power")]
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "firmware"))

import forks  # noqa: E402
import office  # noqa: E402
from nor import KINDS, Dice  # noqa: E402


class Cutter:
    """Looks at every operation of a day's flash; `chosen(n, is_erase)` are the ways in which the n-th is cut."""

    def __init__(self, day, chosen, told=None):
        self.day = day
        self.chosen = chosen
        self.told = told
        self.operations = self.erases = self.cuts = 0
        self.dice = Dice(day.seed + 77)
        day.flash.hook = self.look

    def look(self, flash, operation):
        n = self.operations
        self.operations += 1
        erase = len(operation[2]) == flash.block_size
        self.erases += erase
        for kind in self.chosen(n, erase):
            where = "seed %d%s operation %d %s" % (self.day.seed, " paired" * self.day.paired, n, kind)
            after = office.Recovered(flash.after_cut(kind, self.dice.below(1 << 28), operation), self.day.a.config)
            office.judge(self.day.a, after, kind, where)
            self.cuts += 1
        if self.told:
            self.told()


def run(day, chosen, told=None):
    """Play the day with its cuts; the Cutter."""
    cutter = Cutter(day, chosen, told)
    with forks.remembered():
        day.run()
    return cutter


def _share(day, part, parts, counter, results):
    def told():
        with counter.get_lock():
            counter.value += 1

    def chosen(n, erase):
        if n % parts != part:
            return ()
        return KINDS

    try:
        cutter = run(day, chosen, told)
        results.put((part, cutter.operations, cutter.erases, cutter.cuts, ""))
    except BaseException as error:
        results.put((part, 0, 0, 0, repr(error)))


def whole(seed, paired):
    """Every operation, every way.  Prints what was done; False if a promise was broken."""
    from rich.progress import Progress

    context = multiprocessing.get_context("fork")
    parts = os.cpu_count() or 1
    began = time.monotonic()
    day = office.Day(seed, paired)
    counter, results = context.Value("i", 0), context.Queue()
    workers = [context.Process(target=_share, args=(day, part, parts, counter, results)) for part in range(parts)]
    for worker in workers:
        worker.start()
    # How many operations the day has is known when it is over; about so many.
    expected = parts * (4600 if paired else 2200)
    with Progress() as bar:
        task = bar.add_task("pair's day" if paired else "day", total=expected)
        while any(worker.is_alive() for worker in workers) and results.qsize() < parts:
            bar.update(task, completed=counter.value)
            workers[0].join(0.5)
        bar.update(task, completed=expected)
    told = [results.get() for _ in workers]
    for worker in workers:
        worker.join()
    failures = [error for *_, error in told if error]
    for error in failures:
        print(error)
    print(
        "seed %d, %s: %d operations on flash (%d of them erases), %d cuts, %s, %.0f s"
        % (
            seed,
            "a pair's primary" if paired else "alone",
            told[0][1],
            told[0][2],
            sum(one[3] for one in told),
            "FAILED" if failures else "nothing promised was lost",
            time.monotonic() - began,
        )
    )
    return not failures


if __name__ == "__main__":
    chosen_seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    sys.exit(0 if min([whole(chosen_seed, paired) for paired in (False, True)]) else 1)
