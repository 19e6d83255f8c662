"""An office that must not notice what is done to its servers: clients that renew all the while, in a thread of their own."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from .packet import ACK
from .site import Site
from .stations import Stations, Talk
from .wait import wait_for
from .witness import Witness

AT_FIRST = 24
EVERY_S = 0.3
LIMIT_S = 120.0
LAST_S = 1.0  # who asks a server so shortly before its end may get no answer any more


class Renewing(Stations):
    """They renew again and again while some more come; each try is remembered."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self.first: dict[int, str] = {}
        """The address that each was given first."""
        self.tries: list[tuple[float, int, int, int, str]] = []
        """Of renewals: Unix seconds, client, how many tries before, xid, the server that the first try goes to."""
        self.rounds = 0
        self.trouble: BaseException | None = None
        self._wanted = AT_FIRST
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._live)

    def begin(self) -> None:
        """They get their leases, and begin to renew them."""
        self._come()
        self._thread.start()

    def more(self, n: int = 3) -> None:
        """So many others come, and two rounds of renewals begin and end after that."""
        self._wanted += n
        wanted, rounds = self._wanted, self.rounds + 3
        wait_for(lambda: self.trouble or (len(self.leases) == wanted and self.rounds >= rounds), LIMIT_S, "renewals")
        assert self.trouble is None, self.trouble

    def end(self) -> None:
        """A last round, and no more."""
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()

    def unanswered(self, witness: Witness, silent: Mapping[str, Sequence[Sequence[float]]]) -> list[str]:
        """Tries to renew that got no answer although a server was there: a first one goes to one server, others to all.

        `silent`: from when to when nobody need answer at a server's address; without an end, it still lasts.
        """
        answered = {(e.message.xid, e.message.chaddr) for e in witness.answers(ACK)}

        def excused(at: float, tries: int, server: str) -> bool:
            return tries == 0 and any(
                span[0] - LAST_S <= at and (len(span) < 2 or at <= span[1]) for span in silent[server]
            )

        return [
            f"{at:.2f}: client {number}, try {tries + 1}, first to {server}"
            for at, number, tries, xid, server in self.tries
            if (xid, self.mac(number)) not in answered and not excused(at, tries, server)
        ]

    def _live(self) -> None:
        try:
            while not self._over.wait(EVERY_S):
                self._come()
                self.renew(sorted(self.leases))
                self.rounds += 1
        except BaseException as bad:
            self.trouble = bad

    def _come(self) -> None:
        self.obtain(range(len(self.leases) + 1, self._wanted + 1))
        for number, lease in self.leases.items():
            self.first.setdefault(number, lease.address)

    def _say(self, raw: Any, talk: Talk, talks: dict[int, Talk]) -> None:
        super()._say(raw, talk, talks)
        if talk.kind == "renew":
            server = self.leases[talk.number].server
            self.tries.append((time.time(), talk.number, talk.tries, talk.xid, server))
