"""Two failover servers and all that watches them: start them, do something to them, and have it judged at the end.

    with Pair("isc", "board", folder, Terms(mclt_s=10)) as pair:
        pair.start()                 both reach NORMAL
        ...                          faults, clients
                                     at the end: both back in NORMAL, databases agree, nobody was told anything wrong,
                                     no server complained about anything that was not done to it

The primary lives on switch a, the secondary on switch b (site.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from . import failover_log
from .capture import Capture
from .sides import NAME, SIDES, Bound, Side
from .site import ADDRESSES, Site
from .stations import RETRY_S, Stations
from .tools import require
from .verdict import Rules, Verdict
from .wait import wait_for
from .witness import Witness

FIRST = "10.53.1.0"
AGREE_S = 60.0
"""dhcpd sends its acknowledgements, and writes its database, up to two seconds late; then the other side may follow."""

ENDS_APART_S = 2
"""A board's clock is read in whole seconds, and the difference of two clocks is measured in whole seconds too."""


@dataclass(frozen=True)
class Terms:
    """What both servers are told."""

    pool: int = 100
    lease_s: int = 300
    mclt_s: int = 60
    split: int = 128
    unacked: int = 10
    response_delay_s: int = 6
    extra: str = ""
    """More statements inside the failover peer block of both."""
    top: str = ""
    """More statements at the top of the file of both."""

    def config(self, role: str) -> str:
        """dhcpd.conf of one of them, as dhcpd wants it."""
        at, partner = ("a", "b") if role == "primary" else ("b", "a")
        shares = f"mclt {self.mclt_s}; split {self.split};" if role == "primary" else ""
        last = f"10.53.{1 + (self.pool - 1) // 256}.{(self.pool - 1) % 256}"
        return f"""authoritative;
ddns-update-style none;
ping-check false;
dhcp-cache-threshold 0;
default-lease-time {self.lease_s};
max-lease-time {self.lease_s};
{self.top}
failover peer "{NAME}" {{
  {role};
  address {ADDRESSES[at]};
  port 647;
  peer address {ADDRESSES[partner]};
  peer port 647;
  max-response-delay {self.response_delay_s};
  max-unacked-updates {self.unacked};
  {shares}
  load balance max seconds 3;
  {self.extra}
}}
subnet 10.53.0.0 netmask 255.255.0.0 {{
  option routers 10.53.0.254;
  pool {{
    failover peer "{NAME}";
    deny dynamic bootp clients;
    range {FIRST} {last};
  }}
}}
"""


class Pair:
    """`primary` and `secondary`, the `site` that they live in, `clients`, and a `witness`."""

    def __init__(
        self, primary: str, secondary: str, where: Path, terms: Terms, retry_s: tuple[float, ...] = RETRY_S
    ) -> None:
        self.kinds = (primary, secondary)
        self.where = where
        self.terms = terms
        self.retry_s = retry_s
        self._judged = True
        self.troubles: dict[str, list[list[int]]] = {"a": [], "b": []}
        """Between which positions of each side's log a fault lasted; the last may be open."""
        self.expected: list[str] = []
        """Patterns of lines that the test makes the servers say, and has an eye on itself."""

    def __enter__(self) -> Self:
        for kind in self.kinds:
            require(*SIDES[kind].needs)
        self._stack = ExitStack()
        try:
            self.site = self._stack.enter_context(Site())
            self.primary = self._side("primary", "a")
            self.secondary = self._side("secondary", "b")
            self._watch()
            self.clients = self._stack.enter_context(Stations(self.site, self.retry_s))
            self._stack.callback(self.stop)
        except BaseException:
            self._stack.close()
            raise
        return self

    def _watch(self) -> None:
        """Listen at the cables of both, and keep what passes that of one."""
        self.witness = self._stack.enter_context(Witness({at: self.site.outside(at) for at in "ab"}))
        self.capture = self._stack.enter_context(Capture(self.site.servers["a"], self.where / "a.pcap"))

    def unjudged(self) -> Self:
        """For measurements, and for runs that end in the middle of something: nothing is asked at the end."""
        self._judged = False
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None and self._judged:
                self.judge()
        except BaseException:
            self._print_logs()
            raise
        finally:
            if error is not None:
                self._print_logs()
            self._stack.close()

    def _side(self, role: str, at: str) -> Side:
        own, other = (self.terms.config(r) for r in ((role, "secondary") if role == "primary" else (role, "primary")))
        made = SIDES[self.kinds[role == "secondary"]]
        return made(role, at, self.site.servers[at], ADDRESSES[at], self.where / role, own, other)

    @property
    def sides(self) -> tuple[Side, Side]:
        """Both, the primary first."""
        return self.primary, self.secondary

    @property
    def boards_only(self) -> bool:
        """Whether both are boards, who may do better than what ISC knows."""
        return self.kinds == ("board", "board")

    def partner(self, side: Side) -> Side:
        """The other one."""
        return self.secondary if side is self.primary else self.primary

    # What happens to them. While the servers cannot speak with each other, the witness knows.

    def launch(self) -> None:
        """Switch both on at once."""
        for side in self.sides:
            side.launch()

    def start(self) -> None:
        """Switch both on, and wait for NORMAL and until each has got its share of the addresses."""
        self.launch()
        self.wait_normal()
        self.wait_agreed(60)

    def stop(self) -> None:
        """End both in order."""
        for side in self.sides:
            side.stop()

    def cut_power(self, side: Side) -> None:
        """SIGKILL."""
        with self._fault():
            side.cut_power()

    def power_on(self, side: Side) -> None:
        """The same server again, with what is on its disk or in its flash."""
        self.witness.united()
        side.launch()

    def hang(self, side: Side) -> None:
        """SIGSTOP."""
        with self._fault():
            side.hang()

    def resume(self, side: Side) -> None:
        """SIGCONT."""
        self.witness.united()
        side.resume()

    def cut_link(self) -> None:
        """The servers lose each other, and nobody else."""
        with self._fault():
            self.site.cut_link()

    def heal_link(self) -> None:
        """They find each other again."""
        self.witness.united()
        self.site.heal_link()

    def cut_trunk(self) -> None:
        """Each keeps the clients of its own switch."""
        with self._fault():
            self.site.cut_trunk()

    def mend_trunk(self) -> None:
        """One LAN again."""
        self.witness.united()
        self.site.mend_trunk()

    def pull_cable(self, side: Side) -> None:
        """A server without its LAN."""
        with self._fault():
            self.site.pull_cable(side.at)

    def put_cable(self, side: Side) -> None:
        """It is back on its LAN."""
        self.witness.united()
        self.site.put_cable(side.at)

    @contextmanager
    def _fault(self) -> Iterator[None]:
        """While a fault is made: what the logs say from now on may come of it; what clients are told after it, one server knows."""
        for side in self.sides:
            spans = self.troubles[side.at]
            if not spans or len(spans[-1]) == 2:
                spans.append([side.mark()])
        yield
        self.witness.parted()

    # What is waited for

    def wait_normal(self, limit_s: float = 60.0) -> None:
        """Wait until both are in NORMAL, and know it of each other."""
        wait_for(
            self._normal,
            limit_s,
            "both to be in normal",
            lambda: "\n".join(f"{side}: {side.state()}, its partner {side.partner_state()}" for side in self.sides),
        )
        for side in self.sides:
            for span in self.troubles[side.at]:
                if len(span) == 1:
                    span.append(side.mark())

    def _normal(self) -> bool:
        """Whether both are; RuntimeError if one has ended. Who was restarted need not say that the partner is still in it."""
        inside = [side.is_in("normal") and side.partner_state() in (None, "normal") for side in self.sides]
        return all(inside)

    def wait_agreed(self, limit_s: float = AGREE_S) -> dict[str, Bound]:
        """Wait until both databases say the same about every address, and return it."""
        self._seen: list[str] = []
        wait_for(self._agreed, limit_s, "both databases to agree", lambda: "\n".join(self._seen[-12:]), glance_s=0.3)
        return self.primary.leases()

    def _agreed(self) -> bool:
        """Compare them; what differs is kept for the error message."""
        ours, theirs = (side.leases() for side in self.sides)
        self._seen = [
            f"{address}: primary {ours.get(address)}, secondary {theirs.get(address)}"
            for address in sorted(ours.keys() | theirs.keys())
            if not _same(ours.get(address), theirs.get(address))
        ]
        if self._seen:
            self._seen.append(f"{len(self._seen)} addresses differ")
        lists = [side.free_lists(self.terms.pool) for side in self.sides]
        if lists[0] != lists[1]:
            self._seen.append(f"(free, backup): primary {lists[0]}, secondary {lists[1]}")
        self._seen += [f"{side} says: {said}" for side in self.sides if (said := side.unsettled())]
        if self._seen:
            self._seen += [f"{side}: {side.clocks()}" for side in self.sides]
        return not self._seen

    # The judgement

    def judge(self) -> None:
        """After the run: normal, of one mind, nobody told anything wrong, no complaint that is not explained."""
        self.witness.united()
        self.wait_normal()
        self.wait_agreed()
        assert not self.witness.malformed, self.witness.malformed
        verdict = Verdict(Rules(self.terms.lease_s, self.terms.mclt_s), self.witness.separations)
        violations = verdict.judge(self.witness.heard())
        assert not violations, "what clients were told:\n" + "\n".join(violations)
        for side in self.sides:
            complaints = self._complaints(side)
            assert not complaints, f"{side} complains:\n" + "\n".join(complaints)

    def _complaints(self, side: Side) -> list[str]:
        """What a server logged that nothing explains."""
        known = failover_log.Explained(
            heard_by_both=self.witness.heard_by_both() | self._logged_by_both(),
            acknowledged_apart=self.witness.acknowledged_apart(),
            changed_twice=self.witness.changed_twice(),
            troubles=self.troubles[side.at],
            expected=self.expected,
        )
        return failover_log.complaints(side.server.live.log.read_bytes(), known)

    def _logged_by_both(self) -> set[str]:
        """Addresses that both have acknowledged, seen from inside: Linux has so many neighbours for all namespaces
        together, and when several tests of 200 clients have used them up it sends no more unicast answers.
        """
        logs = [side.server.live.log.read_text(errors="replace") for side in self.sides]
        return set.intersection(*(set(re.findall(r"^DHCPACK on (\S+) ", log, re.MULTILINE)) for log in logs))

    def _print_logs(self) -> None:
        """For whoever reads why it failed."""
        for side in self.sides:
            lines = [
                line
                for line in side.whole_log().splitlines()
                if not line.startswith("DHCP") and "less critical" not in line
            ]
            print(f"\n--- {side}, without what it said about clients and duels\n" + "\n".join(lines[-80:]))
        for at, side in zip("ab", self.sides):
            last = [f"{e.at:.2f} {e.message}" for e in self.witness.heard() if e.from_server and e.server == at][-8:]
            print(f"\n--- last answers of {side}\n" + "\n".join(last))


def _same(one: Bound | None, other: Bound | None) -> bool:
    """Whether two databases say the same about an address. Who had it last, and until when, binds only while it is bound."""
    if one is None or other is None:
        known = one or other
        return known is None or known.state in ("free", "backup")
    if one.state != other.state:
        return False
    if one.state != "active":
        return True
    if (one.hardware, one.client_id) != (other.hardware, other.client_id):
        return False
    return one.ends == other.ends or abs(one.ends - other.ends) <= ENDS_APART_S
