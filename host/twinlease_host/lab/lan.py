"""A LAN: a switch, and machines plugged into it, each a network namespace with an eth0."""

from __future__ import annotations

import os
import subprocess
from types import TracebackType

from ..errors import UserError

CLIENT_MAC = "02:00:00:00:00:10"  # always the same, so that a client that comes back tomorrow is known


class Lan:
    """A context manager: makes a switch and these machines, with a hardware address or None each; removes all."""

    def __init__(self, machines: dict[str, str | None]) -> None:
        self._tag = f"twinlease-{os.getpid()}"
        self._switch = f"{self._tag}-switch"
        self._machines = machines
        self._made: list[str] = []

    def __enter__(self) -> Lan:
        try:
            self._namespace(self._switch)
            ip("-n", self._switch, "link", "add", "br0", "type", "bridge", "stp_state", "0", "forward_delay", "0")
            ip("-n", self._switch, "link", "set", "br0", "up")
            for name, mac in self._machines.items():
                self._plug(name, mac)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while self._made:
            ip("netns", "del", self._made.pop())

    def netns(self, name: str) -> str:
        """The namespace of a machine."""
        return f"{self._tag}-{name}"

    def set_carrier(self, name: str, on: bool) -> None:
        """Whether the machine's port at the switch has a live cable; a machine without power has none."""
        ip("-n", self._switch, "link", "set", name, "up" if on else "down")

    def _namespace(self, netns: str) -> None:
        ip("netns", "add", netns)
        self._made.append(netns)
        ip("-n", netns, "link", "set", "lo", "up")

    def _plug(self, name: str, mac: str | None) -> None:
        netns = self.netns(name)
        self._namespace(netns)
        address = ["address", mac] if mac else []
        ip("link", "add", name, "netns", self._switch, "type", "veth", "peer", "name", "eth0", *address, "netns", netns)
        ip("-n", self._switch, "link", "set", name, "master", "br0", "up")
        ip("-n", netns, "link", "set", "eth0", "up")


def ip(*words: str) -> str:
    """Run `ip`; raises UserError with what it said."""
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise UserError(
            f"`ip {' '.join(words)}` failed: {done.stderr.strip()}", "may this user make network namespaces?"
        )
    return done.stdout
