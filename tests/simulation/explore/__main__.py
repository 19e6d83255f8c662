"""`make explore DEPTH=n`: all worlds of n faults and acts of clients together, from each beginning."""

from __future__ import annotations

import argparse
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from .beginnings import plan, run


def main() -> int:
    words = argparse.ArgumentParser(prog="python -m tests.simulation.explore", description=__doc__)
    words.add_argument("--depth", type=int, default=2)
    words.add_argument("--both", action="store_true", help="messages of the two directions in every order")
    asked = words.parse_args()
    began = time.monotonic()
    bad = states = 0
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        jobs = [(what, pool.submit(run, what, asked.both)) for what in plan(asked.depth)]
        for what, job in jobs:
            found = job.result()
            states += found.states
            bad += bool(found.problem)
            print("%-60s %9d worlds, %9d ways" % (what, found.states, found.edges), flush=True)
            if found.problem:
                print(found.problem + "\n" + found.trace)
    print(
        "%d worlds in %.0f s, %d of %d explorations found something wrong"
        % (states, time.monotonic() - began, bad, len(jobs))
    )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
