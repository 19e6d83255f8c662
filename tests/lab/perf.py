"""perfdhcp: the load, and its report as numbers."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .daemon import Daemon
from .net import Host
from .servers import LOAD_CORE


@dataclass(frozen=True)
class Half:
    """One half of the exchange: DISCOVER-OFFER or REQUEST-ACK."""

    sent: int
    received: int
    drops: int
    orphans: int
    rejected: int
    repeated: int
    """Addresses that perfdhcp had seen before; with returning clients that is no fault."""
    delay_ms: tuple[float, float, float] | None
    """Least, mean and greatest delay."""


@dataclass(frozen=True)
class Report:
    """What perfdhcp saw."""

    rate: float
    malformed: int
    offer: Half
    ack: Half
    text: str

    @property
    def lost(self) -> float:
        """The share of exchanges begun that did not end with an ACK."""
        return 1 - self.ack.received / self.offer.sent if self.offer.sent else 1.0

    def __str__(self) -> str:
        def half(name: str, h: Half) -> str:
            delays = " / ".join(f"{d:.2f}" for d in h.delay_ms) + " ms" if h.delay_ms else "-"
            counts = f"sent {h.sent}, received {h.received}, drops {h.drops}, rejects {h.rejected}"
            return f"{name}: {counts}, delay min/mean/max {delays}"

        return f"{self.rate:.0f} exchanges/s; {half('OFFER', self.offer)}; {half('ACK', self.ack)}"


def parse(text: str) -> Report:
    """Read perfdhcp's report."""
    rate = re.search(r"^Rate: ([\d.]+)", text, re.MULTILINE)
    if rate is None:
        raise RuntimeError(f"perfdhcp gave no report:\n{text}")
    malformed = re.search(r"Malformed packets: (\d+)", text)
    parts = re.split(r"\*\*\*Statistics for: ", text)
    halves = {part.split("*", 1)[0]: _half(part) for part in parts[1:]}
    return Report(
        float(rate.group(1)),
        int(malformed.group(1)) if malformed else 0,
        halves["DISCOVER-OFFER"],
        halves["REQUEST-ACK"],
        text,
    )


def _half(text: str) -> Half:
    """Read one half's numbers."""

    def number(label: str) -> int:
        found = re.search(rf"^{label}: (\d+)", text, re.MULTILINE)
        return int(found.group(1)) if found else 0

    delays = [re.search(rf"^{which} delay: ([\d.]+) ms", text, re.MULTILINE) for which in ("min", "avg", "max")]
    known = tuple(float(d.group(1)) for d in delays if d)
    return Half(
        number("sent packets"),
        number("received packets"),
        number("drops"),
        number("orphans"),
        number("rejected leases"),
        number("non unique addresses"),
        (known[0], known[1], known[2]) if len(known) == 3 else None,
    )


def load(
    host: Host,
    where: Path,
    server: str,
    *,
    clients: int,
    rate: int | None = None,
    seconds: int | None = None,
    exchanges: int | None = None,
    base_mac: str = "00:0c:01:02:03:04",
    wait_ms: int = 1000,
    core: int | None = LOAD_CORE,
    extra: tuple[str, ...] = (),
) -> Daemon:
    """Start perfdhcp, a relay agent's worth of clients, for so many seconds or exchanges; `finish` reads its report."""
    words = ["perfdhcp", "-4", "-R", str(clients), "-b", f"mac={base_mac}", "-W", str(wait_ms * 1000)]
    words += ["-r", str(rate)] if rate else []
    words += ["-p", str(seconds)] if seconds else []
    words += ["-n", str(exchanges)] if exchanges else []
    where.mkdir(parents=True, exist_ok=True)
    return Daemon("perfdhcp", [*words, *extra, server], where / "perfdhcp.log", host, core)


def finish(daemon: Daemon, limit_s: float = 120.0) -> Report:
    """Wait for perfdhcp's end and read its report (its exit code only tells whether anything was lost)."""
    try:
        daemon.process.wait(limit_s)
    except subprocess.TimeoutExpired:
        daemon.kill()
        raise RuntimeError(f"perfdhcp did not end within {limit_s:g} s:\n{daemon.tail()}") from None
    return parse(daemon.text())
