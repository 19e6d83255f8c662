"""Network namespaces and wires between them. A Lan is a bridge in a namespace of its own; hosts are plugged into it."""

from __future__ import annotations

import ctypes
import itertools
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from .tools import run
from .wait import wait_for

T = TypeVar("T")

CLONE_NEWNET = 0x40000000
_serial = itertools.count()
_libc = ctypes.CDLL(None, use_errno=True)


def within(netns: str, job: Callable[[], T]) -> T:
    """Run a job in a namespace and return its result. A socket that the job opens stays in that namespace for good."""
    box: list[T] = []
    trouble: list[BaseException] = []

    def enter() -> None:
        try:
            with open(f"/run/netns/{netns}", "rb") as handle:
                if _libc.setns(handle.fileno(), CLONE_NEWNET) != 0:
                    raise OSError(ctypes.get_errno(), f"cannot enter namespace {netns}")
            box.append(job())
        except BaseException as error:  # handed to the caller's thread, below
            trouble.append(error)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    if trouble:
        raise trouble[0]
    return box[0]


def udp_port_is_open(netns: str, port: int) -> bool:
    """Tell whether some process has a UDP socket on this port in the namespace."""
    table = within(netns, lambda: Path("/proc/thread-self/net/udp").read_text())
    return any(line.split()[1].endswith(f":{port:04X}") for line in table.splitlines()[1:])


@dataclass
class Host:
    """One machine on the wire: a namespace and its interface eth0."""

    netns: str
    name: str
    addresses: tuple[str, ...] = ()
    mac_text: str | None = None
    iface: str = "eth0"
    port: str = ""
    """The bridge's end of its cable."""

    def ip(self, *words: str) -> str:
        """Run `ip` inside the host."""
        return run(["ip", "-n", self.netns, *words]).stdout

    @property
    def mac(self) -> bytes:
        """The interface's hardware address."""
        words = self.ip("-o", "link", "show", self.iface).split()
        return bytes.fromhex(words[words.index("link/ether") + 1].replace(":", ""))

    def set_up(self) -> None:
        """Give the interface its addresses and switch it on."""
        if self.mac_text is not None:
            self.ip("link", "set", self.iface, "address", self.mac_text)
        for address in self.addresses:
            self.ip("address", "add", address, "dev", self.iface, "broadcast", "+")
        self.ip("link", "set", "lo", "up")
        self.ip("link", "set", self.iface, "up")

    def wait_up(self) -> None:
        """Wait for the carrier."""
        wait_for(lambda: "LOWER_UP" in self.ip("-o", "link", "show", self.iface), 60, f"carrier on {self.name}")

    def has_address(self, address: str) -> bool:
        """Tell whether the interface carries this IPv4 address."""
        return f" {address}/" in self.ip("-4", "-o", "address", "show", "dev", self.iface)


@dataclass
class Lan:
    """A bridge and the hosts plugged into it; a context manager that removes all of it.

    A LAN with `direct=True` has two hosts and one cable between them, no bridge: the least work for the kernel.
    """

    direct: bool = False
    hosts: list[Host] = field(default_factory=list)
    _tag: str = field(default_factory=lambda: f"tl{os.getpid():x}{next(_serial):x}")

    def __enter__(self) -> Lan:
        self._hub = f"{self._tag}hub"
        self._namespace(self._hub)
        if not self.direct:
            self._hub_ip(
                "link", "add", "br0", "type", "bridge", "forward_delay", "0", "stp_state", "0", "mcast_snooping", "0"
            )
            self._hub_ip("link", "set", "br0", "up")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for netns in [h.netns for h in self.hosts] + [self._hub]:
            run(["ip", "netns", "del", netns], check=False)

    def _hub_ip(self, *words: str) -> None:
        run(["ip", "-n", self._hub, *words])

    @staticmethod
    def _namespace(name: str) -> None:
        """Make a namespace that speaks IPv4 only: no router solicitations in the captures."""
        run(["ip", "netns", "add", name])
        within(name, lambda: Path("/proc/sys/net/ipv6/conf/default/disable_ipv6").write_text("1"))

    def host(self, name: str, *addresses: str, mac: str | None = None) -> Host:
        """Add a host, with these addresses (each with its prefix length)."""
        host = Host(f"{self._tag}{name}", name, addresses, mac)
        self._namespace(host.netns)
        self.hosts.append(host)
        if not self.direct:
            host.port = f"p{len(self.hosts)}"
            host.ip("link", "add", "eth0", "type", "veth", "peer", "name", host.port, "netns", self._hub)
            self._hub_ip("link", "set", host.port, "master", "br0", "up")
            host.set_up()
            host.wait_up()
        elif len(self.hosts) == 2:
            self._lay_cable(*self.hosts)
        return host

    def plug(self, host: Host, iface: str, *addresses: str) -> None:
        """Plug a host of another LAN into this one too, with a second interface."""
        port = f"x{len(self.hosts)}{iface}"
        host.ip("link", "add", iface, "type", "veth", "peer", "name", port, "netns", self._hub)
        self._hub_ip("link", "set", port, "master", "br0", "up")
        for address in addresses:
            host.ip("address", "add", address, "dev", iface, "broadcast", "+")
        host.ip("link", "set", iface, "up")

    def unplug(self, host: Host) -> None:
        """Pull the host's cable: it loses its carrier."""
        self._hub_ip("link", "set", host.port, "down")

    def replug(self, host: Host) -> None:
        """Put the cable back, and wait for the carrier."""
        self._hub_ip("link", "set", host.port, "up")
        host.wait_up()

    def outside(self, host: Host) -> Host:
        """The bridge's end of the host's cable, to listen at: what comes in there is what the host sent."""
        return Host(self._hub, f"{host.name}'s port", iface=host.port)

    def join(self, other: Lan) -> None:
        """Lay a trunk to another bridge, so that the two are one LAN."""
        self._hub_ip("link", "add", "trunk", "type", "veth", "peer", "name", "trunk", "netns", other._hub)
        for lan in (self, other):
            lan._hub_ip("link", "set", "trunk", "master", "br0", "up")
        self._joined = other
        self._wait_trunk()

    def cut_trunk(self) -> None:
        """Pull the trunk: the LAN falls into two."""
        self._hub_ip("link", "set", "trunk", "down")

    def mend_trunk(self) -> None:
        """Make it one LAN again; when this returns, frames pass."""
        self._hub_ip("link", "set", "trunk", "up")
        self._wait_trunk()

    def _wait_trunk(self) -> None:
        """Wait until both ends carry frames."""
        for lan in (self, self._joined):
            show = ["ip", "-n", lan._hub, "-d", "-o", "link", "show", "trunk"]
            wait_for(lambda show=show: " state forwarding " in run(show).stdout, 60, "the trunk to carry frames")  # type: ignore[misc]

    @staticmethod
    def _lay_cable(one: Host, other: Host) -> None:
        """Join two hosts directly."""
        one.ip("link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", other.netns)
        for host in (one, other):
            host.set_up()
        for host in (one, other):
            host.wait_up()


def packet_socket(host: Host) -> socket.socket:
    """Open a socket that sends and sees whole Ethernet frames on the host's interface, other machines' included."""

    def make() -> socket.socket:
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
        sock.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE: a burst must not be lost on our side
        sock.bind((host.iface, 0x0003))
        return sock

    sock = within(host.netns, make)
    host.ip("link", "set", host.iface, "promisc", "on")
    return sock


def udp_socket(host: Host, address: str, port: int) -> socket.socket:
    """Open a bound UDP socket inside the host."""

    def make() -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        sock.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)
        sock.bind((address, port))
        return sock

    return within(host.netns, make)
