"""The network of a virtual board: what is there is used as it is, what is missing is made and later removed.

What was made is written to a file of the board: one that was killed and started again still knows what to remove.
"""

from __future__ import annotations

import json
import re
import subprocess
import zlib
from dataclasses import dataclass, field
from ipaddress import IPv4Interface
from pathlib import Path

from ..errors import UserError

NAMESPACES = Path("/run/netns")
_NAME_LIMIT = 15  # of an interface, in the Linux kernel


def parse_address(text: str) -> IPv4Interface:
    """Read an address with its prefix length."""
    try:
        address = IPv4Interface(text)
    except ValueError as bad:
        raise UserError(f"--address {text}: {bad}", "write it as in 10.77.0.2/16") from None
    if "/" not in text:
        raise UserError(f"--address {text}: the prefix length is missing", f"write it as in {text}/24")
    if address.network.prefixlen < 31 and address.ip in (
        address.network.network_address,
        address.network.broadcast_address,
    ):
        raise UserError(
            f"--address {text}: that is the network's own or its broadcast address",
            f"take one in between, as in {address.network.network_address + 2}/{address.network.prefixlen}",
        )
    return address


def default_netns(folder: Path) -> str:
    """The name of a board's namespace when none is given."""
    return "twinlease-" + (re.sub(r"[^A-Za-z0-9_-]", "-", folder.resolve().name) or "board")


@dataclass
class Wiring:
    """One interface of a board; `undo` is what to run, last first, to remove what was made."""

    netns: str
    iface: str
    address: IPv4Interface | None  # None: the board sees to that
    record: Path
    undo: list[list[str]] = field(default_factory=list)

    def connect(self) -> None:
        """Make what is missing, and switch the interface on."""
        if not re.fullmatch(r"[^/\s]{1,15}", self.iface):
            raise UserError(f"--iface {self.iface!r} is no name for an interface", "write one as in eth0")
        self.undo = json.loads(self.record.read_text()) if self.record.exists() else []
        if not (NAMESPACES / self.netns).exists():
            self.undo = []  # whatever an earlier run made went with the namespace
            self._make(["ip", "netns", "add", self.netns], ["ip", "netns", "del", self.netns])
            self._ip("link", "set", "lo", "up")
        if not self._found("link", "show", "dev", self.iface):
            self._add_interface()
        if not self._has_address():
            to = [str(self.address), "dev", self.iface]
            self._make(
                ["ip", "-n", self.netns, "address", "add", *to, "broadcast", "+"],
                ["ip", "-n", self.netns, "address", "del", *to],
            )
        self._ip("link", "set", self.iface, "up")

    def remove(self) -> None:
        """Remove what this board made, in the opposite order; what is gone already is gone."""
        for words in reversed(self.undo):
            subprocess.run(words, capture_output=True, check=False)
        self.undo = []
        self.record.unlink(missing_ok=True)

    @property
    def plug(self) -> str:
        """The far end of a cable that we make: an interface in the namespace that vboard was started in."""
        return f"twin{zlib.crc32(f'{self.netns}/{self.iface}'.encode()):08x}"[:_NAME_LIMIT]

    def _add_interface(self) -> None:
        cable = ["type", "veth", "peer", "name", self.iface, "netns", self.netns]
        self._make(["ip", "link", "add", self.plug, *cable], ["ip", "link", "del", self.plug])
        _run(["ip", "link", "set", self.plug, "up"])

    def _has_address(self) -> bool:
        if self.address is None:
            return True
        told = self._ip("-j", "-4", "address", "show", "dev", self.iface)
        return any(a["local"] == str(self.address.ip) for link in json.loads(told) for a in link.get("addr_info", []))

    def _found(self, *words: str) -> bool:
        done = subprocess.run(["ip", "-n", self.netns, *words], capture_output=True, check=False)
        return done.returncode == 0

    def _ip(self, *words: str) -> str:
        return _run(["ip", "-n", self.netns, *words])

    def _make(self, words: list[str], undo: list[str]) -> None:
        _run(words)
        self.undo.append(undo)
        self.record.write_text(json.dumps(self.undo))


def _run(words: list[str]) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise UserError(
            f"`{' '.join(words)}` failed: {done.stderr.strip()}",
            "are you root, and is the name in use by something else?",
        )
    return done.stdout
