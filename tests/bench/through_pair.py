"""How many exchanges a second go through a pair of failover servers, ours beside ISC's; part of bench.py.

perfdhcp, as a relay agent with 600 clients, asks the primary, which has every client's hash bucket (split 256) and tells
its partner of each lease; both write it to disk. The primary has core 0; its partner shares core 1 with perfdhcp.
The rate is the highest at which under 2.5 % of the exchanges are lost and the pair is still in NORMAL afterwards.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from lab import perf
from lab.pair import Pair, Terms
from lab.servers import LOAD_CORE
from lab.site import ADDRESSES

from tests.bench.search import highest_rate

CLIENTS = 600  # of a pool of which the primary has half, as long as it is not balanced anew
LOST_AT_MOST = 0.025
STEP_S = 4
FIRST_RATE = 100
SETTLE_S = 2.0
RATE = "exchanges a second through the primary, each lease told to the partner"
MEAN_DELAY = "at 100 a second: mean delay of an ACK, ms"


class _Unwatched(Pair):
    """Nobody listens at its cables: that costs more than what is measured."""

    def _watch(self) -> None:
        pass

    def _print_logs(self) -> None:
        print(*(side.log()[-2000:] for side in self.sides), sep="\n--\n")


def measure(kinds: tuple[str, str], where: Path, note: Callable[[str], None]) -> dict[str, float]:
    """One pair from a fresh start."""
    terms = Terms(pool=2 * CLIENTS + 200, lease_s=3600, split=256, unacked=100)
    with _Unwatched(*kinds, where, terms).unjudged() as pair:
        pair.secondary.server.core = LOAD_CORE
        pair.launch()
        pair.wait_normal()
        host = pair.site.clients["a"]

        def offer(rate: int, **limits: int) -> perf.Report:
            return perf.finish(perf.load(host, where, ADDRESSES["a"], clients=CLIENTS, rate=rate, **limits))

        def carries(rate: int) -> bool:
            report = offer(rate, seconds=STEP_S)
            sent = report.offer.sent >= 0.9 * rate * STEP_S
            normal = all(side.is_in("normal") for side in pair.sides)
            note(f"{rate}/s: {report.lost:.1%} lost{'' if sent else ', perfdhcp could not send that fast'}")
            if not normal:
                note("not in NORMAL any more: " + ", ".join(str(side.state()) for side in pair.sides))
            return sent and normal and report.lost <= LOST_AT_MOST

        def settle() -> None:
            time.sleep(SETTLE_S)  # what a step has left in the queues of both

        offer(FIRST_RATE, exchanges=CLIENTS)  # from here on every client returns to its address
        settle()
        steady = offer(FIRST_RATE, seconds=STEP_S)
        delay = {MEAN_DELAY: steady.ack.delay_ms[1]} if steady.ack.delay_ms else {}
        settle()
        return {RATE: highest_rate(carries, FIRST_RATE, settle), **delay}


def in_a_folder(kinds: tuple[str, str], note: Callable[[str], None]) -> dict[str, float]:
    """The same in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="bench") as folder:
        return measure(kinds, Path(folder), note)
