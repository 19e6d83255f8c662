"""A pair of virtual boards under load for as long as it takes: no lease is lost, no memory leaks.

    .venv/bin/python -m tests.bench.soak [EXCHANGES]        20,000 unless told; root

Made-up clients obtain, renew, reboot and release without pause, through a relay agent that asks both boards; renewals go
to the board that gave the lease, and to both when that one is silent. Spread over the run the power of one board is cut
four times (SIGKILL), the primary's and the secondary's in turns; the other serves alone, then the power comes back.

An exchange is a REQUEST that a client had an ACK for, with a DISCOVER and an OFFER before it or without. What is asked:

* no client is told anything wrong: the ledger of the clients, and a verdict over all that passes the boards' cables
  (two holders of one address, a NAK for a valid lease, times beyond MCLT, or too short);
* after each loss, once both are in NORMAL, and at the end: both tables are equal and hold every promise;
* free heap is flat. It is asked for (after a collection) every few seconds, of boards in NORMAL. Within each life of a
  board, from one power on to the next, the median of the last third of the samples is held against the median of the
  first third, start left out: it may be lower by at most 1,024 octets, a figure that does not grow with the run. The
  same for the last life of each board against its first. A sample alone says less: what is being served right then
  counts as used.

The figures are appended to soak.jsonl.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[0]))
sys.path.insert(0, str(HERE.parents[1]))

from lab import packet  # noqa: E402
from lab.crowd import Broken, Crowd, Ledger, Promise  # noqa: E402
from lab.judge import Judge  # noqa: E402
from lab.packet import ACK, DISCOVER, OFFER, RELEASE, REQUEST, Message, ip4  # noqa: E402
from lab.pair import ENDS_APART_S, Pair, Terms  # noqa: E402
from lab.raw import Relay  # noqa: E402
from lab.sides import BoardSide, Bound  # noqa: E402
from lab.site import ADDRESSES, CLIENTS  # noqa: E402
from lab.tools import require  # noqa: E402
from lab.verdict import Rules  # noqa: E402
from lab.wait import wait_for  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn  # noqa: E402
from twinlease_host.errors import UserError  # noqa: E402

from tests.bench.bench import circumstances  # noqa: E402

EXCHANGES = 20_000
LOSSES = 4
TERMS = Terms(pool=500, lease_s=900, mclt_s=120)
BOXES = 400
WINDOW = 48
PATIENCE_S = 1.0
LATE_S = 6.0
"""After so long no answer comes any more."""
UNTOLD_S = 15.0
"""Leases that only a board that is off knows must be younger: updates are lazy, but not that lazy."""
SAMPLE_S = 5.0
FEWEST = 6
"""Samples of a life that say something of its heap."""
SLACK = 1024
ROUNDING_S = 2 + ENDS_APART_S
"""A board counts whole seconds from when it last read its clock, and its partner's by a difference in whole seconds."""
LOG_MOST = 32 << 20
TROUBLE = re.compile(r"Traceback|MemoryError|ut of memory|Recovered \d+ leases.*\([1-9]\d* damaged", re.MULTILINE)


class Helpers(Relay):
    """A relay agent with two servers; a message goes to both, or to the one that it is for."""

    to: str | None = None

    def send(self, message: Message) -> None:
        message.giaddr = self.address if message.giaddr == "0.0.0.0" else message.giaddr
        message.hops = 1
        message.xid = message.xid or next(self.xids)
        octets = message.encode()
        for server in (self.to,) if self.to else ADDRESSES.values():
            self.socket.sendto(octets, (server, 67))


class Boxes(Crowd):
    """A crowd before two servers: who holds a lease speaks with the server that gave it, until that is silent."""

    relay: Helpers

    def __init__(self, relay: Helpers, chance: random.Random, ledger: Ledger) -> None:
        super().__init__(relay, BOXES, chance, ledger)
        self.server: dict[int, str] = {}
        self.told_at: dict[int, float] = {}
        """When each had its last ACK, Unix seconds."""
        self.asked_both_at: dict[int, float] = {}
        self.gone_at: dict[int, float] = {}
        """When each gave its address back."""
        self.untold: set[int] = set()
        """Whose lease only a board that is off knows: it holds on to it, and takes no other."""
        self.resting: deque[tuple[float, int]] = deque()
        """Until when, by time.monotonic(), and who."""
        self.broken: list[str] = []
        self.obtained = 0

    def run_until(self, done: object, acks: int) -> None:
        """Live until the ledger has so many ACKs, or done() says so."""
        while self.ledger.acks < acks and not done():  # type: ignore[operator]
            self.run(0.25, WINDOW)

    def drain(self) -> None:
        """Hear what is still on its way; then nobody waits."""
        end = time.monotonic() + PATIENCE_S
        while self.waiting and time.monotonic() < end:
            heard = self.relay.hear(0.05)
            if heard is not None:
                self._hear(heard.message)
        self.forget_waiting()

    def _act(self, client: int) -> None:
        mine = self.ledger.by_client.get(client)
        draw = self.chance.random()
        # Who has just got a lease knows that; a board that is behind in its updates might not.
        settled = client not in self.untold and time.time() - self.told_at.get(client, 0.0) > LATE_S
        if mine is None or (draw < 0.2 and settled):
            self._send(client, self.message(DISCOVER, client, []))
        elif draw < 0.7:
            self._to_own(client, self.message(REQUEST, client, [], ciaddr=mine.address))
        elif draw < 0.92:
            self._send(client, self.message(REQUEST, client, [(packet.REQUESTED, ip4(mine.address))]), own=True)
        elif time.time() - self.asked_both_at.get(client, 0.0) < LATE_S:
            # The slower board may be about to acknowledge what the other one has; it must not come after the RELEASE.
            self._to_own(client, self.message(REQUEST, client, [], ciaddr=mine.address))
        else:
            self._give_back(client, mine)

    def _send(self, client: int, message: Message, own: bool = False) -> None:
        if own and self.relay.to is None:
            self.asked_both_at[client] = time.time()
        super()._send(client, message, own)

    def _to_own(self, client: int, message: Message) -> None:
        """To its own server, the one that answered last; to both if that did not."""
        self.relay.to = self.server.get(client)
        self._send(client, message, own=True)
        self.relay.to = None

    def _give_back(self, client: int, mine: Promise) -> None:
        self.ledger.given_back(client)
        self.gone_at[client] = time.time()
        self.relay.to = self.server.get(client)
        server = [(packet.SERVER_ID, ip4(self.relay.to or self.relay.server))]
        self.relay.send(self.message(RELEASE, client, server, ciaddr=mine.address))
        self.relay.to = None
        self.idle.append(client)

    def _give_up_waiting(self) -> None:
        limit = time.monotonic() - PATIENCE_S
        for xid in [xid for xid, w in self.waiting.items() if w.asked_at < limit]:
            waiting = self.waiting.pop(xid)
            self.server.pop(waiting.client, None)
            self.unanswered += 1
            if waiting.own:
                self.idle.append(waiting.client)
            else:  # an ACK may still be on its way: it does not begin anew and take another lease besides
                self.resting.append((time.monotonic() + LATE_S, waiting.client))
        while self.resting and self.resting[0][0] < time.monotonic():
            self.idle.append(self.resting.popleft()[1])

    def forget_waiting(self) -> None:
        while (heard := self.relay.hear(0.0)) is not None:
            self._hear(heard.message, go_on=False)
        self.resting.extend((time.monotonic() + LATE_S, w.client) for w in self.waiting.values())
        self.waiting.clear()

    def _hear(self, heard: Message, go_on: bool = True) -> None:
        waiting = self.waiting.get(heard.xid)
        if heard.kind == ACK:
            client = int.from_bytes(heard.chaddr[3:], "big") - 1
            self.server[client] = packet.dotted(heard.get(packet.SERVER_ID) or bytes(4))
            self.told_at[client] = time.time()
            if waiting is None:
                self._heard_late(client, heard)
            else:
                self.obtained += not waiting.own
        elif waiting is not None and waiting.client in self.untold and heard.kind == OFFER:
            mine = self.ledger.by_client.get(waiting.client)
            go_on = mine is None or heard.yiaddr == mine.address
        try:
            super()._hear(heard, go_on)
        except Broken as broken:  # noted; the run goes on, for what else there may be
            self.broken.append(f"exchange {self.ledger.acks}: {broken}")

    def _heard_late(self, client: int, heard: Message) -> None:
        """An ACK for somebody who has given up waiting: it has the address all the same, if it does not know of any."""
        now = time.time()
        if client not in self.ledger.by_client and now - self.gone_at.get(client, 0.0) > LATE_S:
            lease_s = int.from_bytes(heard.get(packet.LEASE) or b"", "big")
            self.ledger.acknowledged(Promise(heard.yiaddr, client, now + lease_s - LATE_S), now)


@dataclass
class Life:
    """A board from one power on to the next: its free heap, and how many exchanges there had been."""

    side: str
    samples: list[tuple[int, int]] = field(default_factory=list)

    @property
    def free(self) -> list[int]:
        return [free for _, free in self.samples[1:]]

    @property
    def early(self) -> float:
        """The median of the first third, the very first sample left out."""
        return statistics.median(self.free[: max(len(self.free) // 3, 1)])

    @property
    def late(self) -> float:
        """The median of the last third."""
        return statistics.median(self.free[-max(len(self.free) // 3, 1) :])

    def record(self) -> dict[str, object]:
        told = [free for _, free in self.samples]
        return {
            "board": self.side,
            "from": self.samples[0][0] if told else None,
            "to": self.samples[-1][0] if told else None,
            "samples": len(told),
            "free": self.samples,
            "least": min(told, default=None),
            "greatest": max(told, default=None),
            "early": self.early if len(told) > 1 else None,
            "late": self.late if len(told) > 1 else None,
        }


class WatchedPair(Pair):
    """Two boards before a judge that keeps nothing, without a capture: a run may be as long as it likes."""

    judge_of_all: Judge

    def _watch(self) -> None:
        ports = {at: self.site.outside(at) for at in "ab"}
        self.witness = self.judge_of_all = Judge(ports, Rules(self.terms.lease_s, self.terms.mclt_s))
        self._stack.enter_context(self.witness)


class Soak:
    """One run. `exchanges` of them, `where` for the boards' files."""

    def __init__(self, exchanges: int, where: Path, seed: int, console: Console) -> None:
        self.exchanges = exchanges
        self.where = where
        self.seed = seed
        self.console = console
        self.ledger = Ledger()
        self.lives = {"primary": Life("primary"), "secondary": Life("secondary")}
        self.ended: list[Life] = []
        self.losses: list[dict[str, object]] = []
        self.violations: list[str] = []
        self.trouble: list[str] = []
        self.served_s = 0.0
        self.sampled_at = 0.0
        self.oldest = 0.0
        """Seconds since the ACK of the oldest lease that a survivor had not been told of."""

    def run(self) -> dict[str, object]:
        """All of it; what is to be recorded. Raises Broken, AssertionError or TimeoutError at the first thing that is wrong."""
        with WatchedPair("board", "board", self.where, TERMS).unjudged() as self.pair:
            relay_host = self.pair.site.clients["a"]
            with Helpers(relay_host, CLIENTS["a"].split("/")[0], ADDRESSES["a"]) as relay, self._progress():
                self.boxes = Boxes(relay, random.Random(self.seed), self.ledger)
                self.pair.start()
                for loss in range(LOSSES):
                    self._serve(self.exchanges * (loss + 1) // (LOSSES + 1))
                    self._lose(self.pair.sides[loss % 2], loss)
                self._serve(self.exchanges)
                promised = self._check("end")
            for side in self.pair.sides:
                self._trim(side, 0)
        self.ended += self.lives.values()
        self.violations = self.boxes.broken + self.pair.judge_of_all.judge()
        return self._judged() | {"promised_at_the_end": promised}

    # Load

    def _serve(self, acks: int, done: object = lambda: False) -> None:
        """Serve until there have been so many exchanges, or done(); a look at heap and logs every few seconds."""
        began = time.monotonic()

        def look() -> bool:
            self.bar.update(self.task, completed=self.ledger.acks)
            if time.monotonic() - self.sampled_at >= SAMPLE_S:
                self._sample()
            return bool(done())  # type: ignore[operator]

        self.boxes.run_until(look, acks)
        self.served_s += time.monotonic() - began

    def _lose(self, victim: BoardSide, loss: int) -> None:
        """Cut the power of one amid the load; the other serves alone; then both again."""
        before, began = self.ledger.acks, time.monotonic()
        self.bar.update(self.task, description=f"without the {victim.role}")
        survivor = self.pair.partner(victim)
        self.pair.cut_power(victim)
        self.ended.append(self.lives[victim.role])
        self.lives[victim.role] = Life(victim.role)
        untold = self._untold(survivor)
        wanted = before + max(500, self.exchanges // 100)
        self._serve(wanted)
        alone, alone_s = self.ledger.acks - before, time.monotonic() - began
        state = facts(survivor).get("state")
        assert state == "communications-interrupted", f"{survivor} is {state} while its partner is off"
        on = time.monotonic()
        self.pair.power_on(victim)
        self._serve(sys.maxsize, lambda: self._normal() or time.monotonic() > on + 120)
        normal_s = time.monotonic() - on
        promised = self._check(f"loss {loss + 1}")
        self.boxes.untold.clear()
        self.losses.append(
            {
                "lost": victim.role,
                "at": before,
                "untold": untold,
                "alone": alone,
                "alone_s": round(alone_s, 1),
                "to_normal_s": round(normal_s, 1),
                "promised": promised,
            }
        )
        told = self.losses[-1]
        self.console.print(
            f"loss {loss + 1}: the {victim.role} at exchange {before:,}; {alone:,} exchanges alone in {alone_s:.1f} s; both normal "
            f"{normal_s:.1f} s after power on, under load; tables equal, {told['promised']} promises in both; {told['untold']} leases had not been told to the partner when it was left",
            highlight=False,
        )
        self.bar.update(self.task, description="both serve")

    def _untold(self, survivor: BoardSide) -> int:
        """How many leases the survivor has not heard of; those of the last moments may be among them."""
        self.boxes.forget_waiting()
        now = time.time()
        table = survivor.leases()
        for promise in self.ledger.promises():
            try:
                kept(promise, table.get(promise.address), str(survivor), short=True)
            except Broken as broken:
                age = now - self.boxes.told_at[promise.client]
                self.oldest = max(self.oldest, age)
                if age > UNTOLD_S:
                    raise Broken(f"acknowledged {age:.1f} s ago, and the partner has not been told: {broken}") from None
                self.boxes.untold.add(promise.client)
        return len(self.boxes.untold)

    def _normal(self) -> bool:
        return all(facts(side).get("state") == "normal" and facts(side).get("linked") for side in self.pair.sides)

    # Looks

    def _check(self, what: str) -> int:
        """Pause the load; both boards settle; equal tables that hold every promise. How many promises."""
        self.boxes.drain()
        wait_for(
            self._settled, 120, f"both boards to agree ({what})", lambda: "\n".join(self._seen[-12:]), glance_s=0.5
        )
        now = time.time()
        promises = [one for one in self.ledger.promises() if one.ends_unix > now]
        for promise in promises:
            for side in self.pair.sides:
                kept(promise, self.tables[side.role].get(promise.address), f"{what}, {side}")
        return len(promises)

    def _settled(self) -> bool:
        """Whether both have nothing left to tell each other, and their tables say the same."""
        self._seen = [f"{side}: {said}" for side in self.pair.sides if (said := unsettled(side))]
        if self._seen:
            return False
        self.tables = {side.role: side.leases() for side in self.pair.sides}
        ours, theirs = self.tables["primary"], self.tables["secondary"]
        for address in sorted(ours.keys() | theirs.keys()):
            if not same(ours.get(address), theirs.get(address)):
                self._seen.append(f"{address}: primary {ours.get(address)}, secondary {theirs.get(address)}")
        return not self._seen

    def _sample(self) -> None:
        """Free heap of both boards, if both are in NORMAL; and logs that have grown long are read and cut."""
        self.sampled_at = time.monotonic()
        if self._normal():
            for side in self.pair.sides:
                try:
                    free = int(side.show("memory")["free"])
                except (UserError, RuntimeError, OSError, json.JSONDecodeError):
                    continue
                self.lives[side.role].samples.append((self.ledger.acks, free))
        for side in self.pair.sides:
            self._trim(side, LOG_MOST)

    def _trim(self, side: BoardSide, most: int) -> None:
        """A log that is longer is looked through for trouble and begun anew: it has some lines for each exchange."""
        log = self.where / side.role / "log"
        if log.stat().st_size > most:
            text = log.read_text(errors="replace")
            self.trouble += [f"{side}: {text[m.start() : m.start() + 1500]}" for m in TROUBLE.finditer(text)]
            os.truncate(log, 0)
            side.server.live.mark = 0

    @contextmanager
    def _progress(self) -> Iterator[None]:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f} of {task.total:,.0f} exchanges"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self.console, refresh_per_second=2) as self.bar:
            self.task = self.bar.add_task("both serve", total=self.exchanges)
            yield

    # Judgement

    def _judged(self) -> dict[str, object]:
        heap = self._heap_faults()
        return {
            "exchanges": self.ledger.acks,
            "obtained": self.boxes.obtained,
            "unanswered": self.boxes.unanswered,
            "seed": self.seed,
            "heap": os.environ.get("LAB_HEAP", "as in tests/lab/sides.py"),
            "seconds": round(self.served_s, 1),
            "rate": round(self.ledger.acks / self.served_s, 1),
            "oldest_untold_s": round(self.oldest, 2),
            "losses": self.losses,
            "lives": [life.record() for life in self.ended],
            "violations": self.violations[:10],
            "malformed": self.pair.witness.malformed[:10],
            "trouble": self.trouble[:10],
            "heap_faults": heap,
        }

    def _heap_faults(self) -> list[str]:
        """In sentences; see the top of the file."""
        faults = []
        known = [life for life in self.ended if len(life.samples) >= FEWEST]
        for life in known:
            if life.early - life.late > SLACK:
                faults.append(f"{life.side}, one life: {life.early:.0f} octets free early, {life.late:.0f} late")
        for role in self.lives:
            own = [life for life in known if life.side == role]
            if len(own) > 1 and own[0].late - own[-1].late > SLACK:
                faults.append(
                    f"{role}: {own[0].late:.0f} octets free in its first life, {own[-1].late:.0f} in its last"
                )
        return faults


def facts(side: BoardSide) -> dict[str, object]:
    """What a board says of the pair; nothing while it is off, or not there yet."""
    try:
        return side.facts()
    except (UserError, RuntimeError, OSError, StopIteration, json.JSONDecodeError):
        return {}


def unsettled(side: BoardSide) -> str:
    try:
        return side.unsettled()
    except (UserError, RuntimeError, OSError, json.JSONDecodeError) as error:
        return str(error)


def same(one: Bound | None, other: Bound | None) -> bool:
    """Whether both tables say the same of an address that is bound in one of them."""
    if "active" not in {bound.state for bound in (one, other) if bound}:
        return True
    if one is None or other is None or one.state != other.state:
        return False
    return (one.hardware, one.client_id) == (other.hardware, other.client_id) and abs(
        one.ends - other.ends
    ) <= ENDS_APART_S


def kept(promise: Promise, bound: Bound | None, where: str, short: bool = False) -> None:
    """The table holds the promise; where `short`, it may end it sooner. Raises Broken."""
    identity = b"".join(value for _, value in Crowd.identity(promise.client))
    if bound is None or bound.state != "active":
        raise Broken(f"{where}: {promise}, but the table has {bound}")
    if bound.hardware != Crowd.hardware(promise.client).hex(":") or bound.client_id != identity:
        raise Broken(f"{where}: {promise}, but the table gives it to {bound}")
    if not short and bound.ends < promise.ends_unix - ROUNDING_S:
        raise Broken(
            f"{where}: {promise}, but the table ends it {promise.ends_unix - bound.ends:.0f} s earlier: {bound}"
        )


def main() -> None:
    """Run, show, record; exit status 1 if anything is wrong."""
    require("twinlease")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the boards and their namespaces go with us
    exchanges = int(sys.argv[1].replace(",", "").replace("_", "")) if len(sys.argv) > 1 else EXCHANGES
    seed = int(os.environ.get("TWINLEASE_SEED", random.randrange(1 << 32)))
    console = Console(width=max(140, Console().width))
    console.print(f"TWINLEASE_SEED={seed}, {BOXES} clients, {LOSSES} losses of power", highlight=False)
    known = circumstances() | {"asked": exchanges}
    with tempfile.TemporaryDirectory(prefix="soak") as folder:
        soak = Soak(exchanges, Path(folder), seed, console)
        try:
            found = soak.run()
        except (AssertionError, TimeoutError, RuntimeError) as error:
            console.print(f"[bold red]after {soak.ledger.acks:,} exchanges, TWINLEASE_SEED={seed}:[/] {error}")
            sys.exit(1)
    with open(HERE / "soak.jsonl", "a") as history:
        history.write(json.dumps(known | found) + "\n")
    for life in soak.ended:
        told = life.record()
        console.print(
            f"{told['board']}, exchanges {told['from']} to {told['to']}: {told['samples']} samples, free early {told['early']}, "
            f"late {told['late']} (least {told['least']}, greatest {told['greatest']})",
            highlight=False,
        )
    wrong = [name for name in ("violations", "malformed", "trouble", "heap_faults") if found[name]]
    for name in wrong:
        console.print(f"[bold red]{name}:[/] {found[name]}")
    console.print(
        f"{found['exchanges']:,} exchanges ({found['obtained']:,} from DISCOVER on) in {found['seconds']:.0f} s, {found['rate']:.0f} a second; "
        f"{found['unanswered']:,} unanswered; {found['promised_at_the_end']} promises, all in both tables; "
        + ("FAILED" if wrong else "no lease lost, heap flat")
    )
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
