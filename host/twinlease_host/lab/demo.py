"""A pair of virtual boards and a real client: a lease, a power cut, a renewal with the other board, power again.

`Demo` is used by `twinlease demo` (`make run`, `make demo`). What happens goes to a Timeline as it happens.
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType

from ..errors import UserError
from .board import Board, Make
from .lan import CLIENT_MAC, Lan
from .process import Process
from .timeline import FAILED, SEEN, STEP, STORY, Timeline

HERE = Path(__file__).parent
CLIENT = "client"
PREFIX = "/16"
DEFAULT_HEAP = "320K"
ADDRESSES = {"A": "10.77.0.2", "B": "10.77.0.3"}

_NORMAL_S = 30.0
_CLIENT_S = 40.0
_ENDS_APART_S = 2  # each board's clock is read in whole seconds


class Demo:
    """A context manager: a LAN with two boards that are off, and a client. `steps` tells their story."""

    def __init__(self, folder: Path, config: Path, heap: str, timeline: Timeline) -> None:
        if shutil.which("udhcpc") is None:
            raise UserError("the DHCP client udhcpc is missing", "type: sudo apt-get install udhcpc")
        self.timeline = timeline
        make = Make(config, heap)
        self.boards = [Board(letter, address + PREFIX, folder, make) for letter, address in ADDRESSES.items()]
        self._lan = Lan({**{board.machine: None for board in self.boards}, CLIENT: CLIENT_MAC})
        self._stack = ExitStack()
        self._number = 0

    def __enter__(self) -> Demo:
        self._stack.enter_context(self._lan)
        self._stack.callback(self._power_off)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def steps(self) -> None:
        """The whole story. Raises UserError, code 1, that names the step at which something is not as it should be."""
        with self._step("power on: two boards with one dhcpd.conf look for each other"):
            for board in self.boards:
                board.power_on(self._lan, self.timeline)
            self._see("firmware that has changed is compiled first, which takes some seconds")
            for board in self.boards:
                board.wait_serving(self._lan)
            self._wait_normal()

        with self._step("a client without an address asks for one"):
            client = self._start_client()
            address, server = _told(client.wait_line(("bound:", "leasefail:"), _CLIENT_S))
            serving, other = self._by_address(server)
            self._see(f"{serving} gave it {address}")
            promised = self._wait_known(address)
            self._see(f"{other} knows of it too")

        with self._step(f"{serving}, which gave the lease, loses power"):
            serving.cut_power(self._lan, self.timeline)
            self._wait(lambda: other.state() == "communications-interrupted", 15, f"{other} never noticed")
            self._see(f"{other} has noticed, and goes on alone")

        with self._step(f"the client renews; only {other} is there to answer"):
            client.send(signal.SIGUSR1)
            renewed, server = _told(client.wait_line(("renew:", "bound:", "deconfig:", "leasefail:"), _CLIENT_S))
            if (renewed, server) != (address, other.address):
                raise UserError(f"it had {address}, and has {renewed} from {server} now", code=1)
            self._see(f"it keeps {address}, by {other}'s leave")

        with self._step(f"{serving} has power again"):
            serving.power_on(self._lan, self.timeline)
            serving.wait_serving(self._lan)
            self._wait_normal()
            self._wait_known(address, before=promised)
            self._see(f"{serving} has learnt of the renewal")

    def serving(self) -> bool:
        """Tell whether both boards run."""
        return all(board.running() for board in self.boards)

    @contextmanager
    def _step(self, title: str) -> Iterator[None]:
        self._number += 1
        step = self._number
        self.timeline.tell(STORY, title, STEP, step=step)
        try:
            yield
        except UserError as bad:
            for board in self.boards:
                for line in board.describe():
                    self.timeline.tell(STORY, f"{board}: {line}", SEEN)
            failed = f"step {step} failed ({title}): {bad}"
            self.timeline.tell(STORY, failed, FAILED, step=step)
            look = f"look at {self.timeline.log}: what everybody said, and at its end what `show failover` said"
            raise UserError(failed, look, code=1) from bad

    def _see(self, text: str) -> None:
        self.timeline.tell(STORY, text, SEEN)

    def _wait(self, holds: Callable[[], bool], limit_s: float, otherwise: str) -> None:
        if not self.timeline.until(holds, limit_s):
            raise UserError(f"{otherwise} within {limit_s:g} s", code=1)

    def _wait_normal(self) -> None:
        self._wait(lambda: all(board.settled() for board in self.boards), _NORMAL_S, "the two were not both in normal")
        self._see("both are in normal")

    def _wait_known(self, address: str, before: Sequence[int] = (0, 0)) -> list[int]:
        """Wait until both have the client's lease, to the same end, later than before; return what each says."""
        ends: list[int] = []

        def known() -> bool:
            leases = [board.lease(address) for board in self.boards]
            if any(one is None or (one["state"], one["hardware"]) != ("active", CLIENT_MAC) for one in leases):
                return False
            ends[:] = [one["ends"] for one in leases if one]
            return abs(ends[0] - ends[1]) <= _ENDS_APART_S and all(e > b for e, b in zip(ends, before, strict=True))

        self._wait(known, 15, f"the two did not agree on who has {address}, and until when,")
        return ends

    def _by_address(self, server: str) -> tuple[Board, Board]:
        """The board of this address, and the other one."""
        one, two = self.boards
        if server not in (one.address, two.address):
            raise UserError(f"the client was served by {server}, which is neither board", code=1)
        return (one, two) if server == one.address else (two, one)

    def _start_client(self) -> Process:
        words = ["udhcpc", "-f", "-i", "eth0", "-s", str(HERE / "udhcpc-event"), "-x", "hostname:laptop"]
        patience = ["-t", "5", "-T", "2"]  # a renewal goes to the old server alone at first, then to all
        inside = ["ip", "netns", "exec", self._lan.netns(CLIENT)]
        client = Process(CLIENT, [*inside, *words, *patience], self.timeline.tell)
        self._stack.callback(client.stop)
        return client

    def _power_off(self) -> None:
        for board in self.boards:
            board.ask_to_stop()
        for board in self.boards:
            board.power_off()


def _told(line: str) -> tuple[str, str]:
    """Address and server in a line of udhcpc-event."""
    what, _, rest = line.partition(": ")
    if what not in ("bound", "renew"):
        raise UserError(f"the client has no lease: {line}", code=1)
    return rest.split("/")[0], rest.partition(" from ")[2].split(";")[0]
