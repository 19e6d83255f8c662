"""Where a pair of failover servers lives: one LAN of two switches with a trunk between them.

    clients "a" ── switch a ─── trunk ─── switch b ── clients "b"
                      │                      │
                   server a               server b

What can happen to it: the trunk is cut (each switch keeps a server and clients: a partition with both serving), a server's
cable is pulled, or the two servers lose each other while all clients reach both (a bad entry for the partner in each
server's neighbour table: what one sends to the other goes to a hardware address that nobody has, and no error tells).
"""

from __future__ import annotations

from types import TracebackType

from .net import Host, Lan

NOBODY = "02:00:00:de:ad:01"
NETWORK = "10.53.0.0/16"
ADDRESSES = {"a": "10.53.0.1", "b": "10.53.0.2"}
CLIENTS = {"a": "10.53.0.3", "b": "10.53.0.4"}


class Site:
    """The LAN; a context manager that makes it and removes it. `servers` and `clients` are its hosts, by switch."""

    def __enter__(self) -> Site:
        self.lans = {"a": Lan(), "b": Lan()}
        for lan in self.lans.values():
            lan.__enter__()
        self.lans["a"].join(self.lans["b"])
        self.servers = {at: self.lans[at].host("srv", f"{ADDRESSES[at]}/16") for at in "ab"}
        self.clients = {at: self.lans[at].host("cli", f"{CLIENTS[at]}/16") for at in "ab"}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for lan in self.lans.values():
            lan.__exit__(kind, error, trace)

    def outside(self, at: str) -> Host:
        """The switch's end of a server's cable."""
        return self.lans[at].outside(self.servers[at])

    def cut_trunk(self) -> None:
        """Part the switches."""
        self.lans["a"].cut_trunk()

    def mend_trunk(self) -> None:
        """Join the switches again."""
        self.lans["a"].mend_trunk()

    def pull_cable(self, at: str) -> None:
        """Unplug a server."""
        self.lans[at].unplug(self.servers[at])

    def put_cable(self, at: str) -> None:
        """Plug the server in again."""
        self.lans[at].replug(self.servers[at])

    def cut_link(self) -> None:
        """The servers lose each other, and nobody else."""
        for at, partner in (("a", "b"), ("b", "a")):
            self.servers[at].ip(
                "neigh", "replace", ADDRESSES[partner], "lladdr", NOBODY, "dev", "eth0", "nud", "permanent"
            )

    def cut_tcp(self) -> None:
        """The failover port is closed between the servers, as by a firewall that somebody changed; all else passes."""
        for at in "ab":
            for end in ("sport", "dport"):
                self.servers[at].ip("rule", "add", "pref", "1", "ipproto", "tcp", end, "647", "blackhole")

    def heal_tcp(self) -> None:
        """It is open again."""
        for at in "ab":
            for _ in range(2):
                self.servers[at].ip("rule", "del", "pref", "1")

    def heal_link(self) -> None:
        """They find each other again."""
        for at, partner in (("a", "b"), ("b", "a")):
            self.servers[at].ip("neigh", "del", ADDRESSES[partner], "dev", "eth0")
