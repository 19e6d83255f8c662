"""The servers, behind one interface: start, stop, cut the power, start again with what is on disk."""

from __future__ import annotations

import json
import os
import re
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any, ClassVar

from .daemon import Daemon
from .net import Host, udp_port_is_open
from .tools import TWINLEASE, run
from .wait import wait_for

SERVER_CORE = 0
LOAD_CORE = 1


@dataclass(frozen=True)
class Plan:
    """What every server is told to serve, in a form that each can be told."""

    network: str = "10.77.0.0/16"
    address: str = "10.77.0.2"
    first: str = "10.77.1.0"
    count: int = 1000
    lease_s: int = 3600
    extra: str = ""
    """More statements for dhcpd.conf (dhcpd and Twinlease only), at the top."""

    @property
    def last(self) -> str:
        """The last address of the pool."""
        return str(IPv4Address(self.first) + self.count - 1)

    def dhcpd_conf(self) -> str:
        """The plan in dhcpd's language."""
        net = IPv4Network(self.network)
        return (
            f"authoritative;\nddns-update-style none;\nping-check false;\n"
            f"default-lease-time {self.lease_s};\nmax-lease-time {self.lease_s};\n{self.extra}\n"
            f"subnet {net.network_address} netmask {net.netmask} {{\n  range {self.first} {self.last};\n}}\n"
        )


@dataclass
class Server(ABC):
    """A server on a host. `config` (in dhcpd's language) replaces the plan where a server reads that language."""

    host: Host
    where: Path
    plan: Plan = field(default_factory=Plan)
    config: str | None = None
    core: int | None = SERVER_CORE
    daemon: Daemon | None = None

    name: ClassVar[str]
    tool: ClassVar[str]
    durability: ClassVar[str]
    says_ready: ClassVar[str]
    says_powered: ClassVar[str | None] = None
    """What the log says when the server itself begins to run; None if that is when the process is started."""
    ack_log: ClassVar[str] = r"DHCPACK on {address} to {mac}"

    def __post_init__(self) -> None:
        self.where.mkdir(parents=True, exist_ok=True)
        self.prepare()

    def __enter__(self) -> Server:
        self.start()
        return self

    def __exit__(self, *trouble: object) -> None:
        self.stop()

    def prepare(self) -> None:  # noqa: B027  (a server may have nothing to prepare)
        """Write what the server reads before its first start."""

    @abstractmethod
    def argv(self) -> list[str | Path]:
        """The command that runs it in the foreground, its log on its output."""

    def start(self, limit_s: float = 120.0) -> None:
        """Start it and wait until it serves."""
        self.daemon = self.launch()
        self.daemon.wait_log(self.says_ready, limit_s)
        wait_for(self._serves, limit_s, f"{self.name} on port 67", self.daemon.tail)

    def _serves(self) -> bool:
        """Tell whether it listens; if it has ended, say so at once."""
        if not self.live.running():
            raise RuntimeError(f"{self.name} ended with {self.live.process.returncode}; its log:\n{self.live.tail()}")
        return udp_port_is_open(self.host.netns, 67)

    def launch(self) -> Daemon:
        """Start the process."""
        return Daemon(self.name, self.argv(), self.where / "log", self.host, self.core, self.where, self.environment())

    def environment(self) -> dict[str, str]:
        """Environment variables that it needs."""
        return {}

    def stop(self) -> None:
        """End it in order."""
        if self.daemon is not None:
            self.daemon.stop()

    def cut_power(self) -> None:
        """End all of its processes at once; when this returns, the last of them is gone."""
        self.live.kill()
        netns = self.host.netns
        wait_for(lambda: not udp_port_is_open(netns, 67), 60, f"{self.name}'s port to close after SIGKILL of its group")

    @property
    def live(self) -> Daemon:
        """The running process."""
        if self.daemon is None:
            raise RuntimeError(f"{self.name} was not started: call start() first")
        return self.daemon


class Isc(Server):
    """ISC dhcpd, as Debian ships it."""

    name = "ISC dhcpd"
    tool = "dhcpd"
    durability = "fsync before each answer"
    says_ready = "Server starting service"

    def prepare(self) -> None:
        """A client that comes back early must be written like any other, or we would measure a cache: threshold 0."""
        (self.where / "dhcpd.conf").write_text(self.config or "dhcp-cache-threshold 0;\n" + self.plan.dhcpd_conf())
        (self.where / "dhcpd.leases").touch()

    def argv(self) -> list[str | Path]:
        return [
            "dhcpd",
            "-4",
            "-f",
            "-d",
            "-cf",
            self.where / "dhcpd.conf",
            "-lf",
            self.where / "dhcpd.leases",
            "-pf",
            self.where / "dhcpd.pid",
            self.host.iface,
        ]


class Kea(Server):
    """Kea with its default store, one thread (it gets one core), and no answers from its lease cache."""

    name = "Kea"
    tool = "kea-dhcp4"
    durability = "memfile, written but not synced"
    says_ready = "DHCP4_STARTED"

    def prepare(self) -> None:
        plan = self.plan
        config: dict[str, Any] = {
            "Dhcp4": {
                "interfaces-config": {"interfaces": [self.host.iface], "dhcp-socket-type": "raw"},
                "lease-database": {
                    "type": "memfile",
                    "persist": True,
                    "name": str(self.where / "leases.csv"),
                    "lfc-interval": 0,
                },
                "multi-threading": {"enable-multi-threading": False},
                "authoritative": True,
                "valid-lifetime": plan.lease_s,
                "cache-threshold": 0.00001,
                "subnet4": [{"id": 1, "subnet": plan.network, "pools": [{"pool": f"{plan.first} - {plan.last}"}]}],
                "loggers": [{"name": "kea-dhcp4", "severity": "INFO", "output_options": [{"output": "stdout"}]}],
            }
        }
        (self.where / "kea.json").write_text(json.dumps(config, indent=1))

    def argv(self) -> list[str | Path]:
        return ["kea-dhcp4", "-c", self.where / "kea.json"]

    def environment(self) -> dict[str, str]:
        return {"KEA_PIDFILE_DIR": str(self.where), "KEA_LOCKFILE_DIR": str(self.where)}


class Dnsmasq(Server):
    """dnsmasq without its DNS half."""

    name = "dnsmasq"
    tool = "dnsmasq"
    durability = "rewrites its file, not synced"
    says_ready = "DHCP, sockets bound exclusively|DHCP, IP range"

    def argv(self) -> list[str | Path]:
        plan = self.plan
        mask = IPv4Network(plan.network).netmask
        return [
            "dnsmasq",
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--port=0",
            "--log-facility=-",
            "--no-ping",
            "--dhcp-authoritative",
            "--user=root",
            f"--interface={self.host.iface}",
            "--bind-interfaces",
            "--no-hosts",
            "--no-resolv",
            f"--dhcp-range={plan.first},{plan.last},{mask},{plan.lease_s}",
            f"--dhcp-lease-max={plan.count}",
            f"--dhcp-leasefile={self.where / 'leases'}",
            f"--pid-file={self.where / 'pid'}",
        ]


@dataclass
class Twinlease(Server):
    """Our server on a virtual board."""

    heap: str = field(default_factory=lambda: os.environ.get("LAB_HEAP", "256K"))
    rom: bool = field(default_factory=lambda: "LAB_ROM" in os.environ)
    """Whether the firmware runs in flash (ROMFS)."""
    rtc: int | None = 0
    """Seconds by which the board's own clock is ahead of ours; None: it has no clock."""

    name = "Twinlease"
    tool = "twinlease"
    durability = "synced to its journal before each burst of answers"
    says_ready = "Server starting service"
    says_powered = "vboard: power on"

    def prepare(self) -> None:
        (self.where / "dhcpd.conf").write_text(self.config or self.plan.dhcpd_conf())

    @property
    def board(self) -> Path:
        """The folder that keeps the board: its flash and its serial port."""
        return self.where / "board"

    def argv(self) -> list[str | Path]:
        bits = IPv4Network(self.plan.network).prefixlen
        return [
            TWINLEASE,
            "vboard",
            "run",
            self.board,
            "--address",
            f"{self.plan.address}/{bits}",
            "--config",
            self.where / "dhcpd.conf",
            "--netns",
            self.host.netns,
            "--iface",
            self.host.iface,
            "--heap",
            self.heap,
            *(["--rom"] if self.rom else []),
            *(["--no-rtc"] if self.rtc is None else ["--rtc-offset", str(self.rtc)] if self.rtc else []),
        ]

    def launch(self) -> Daemon:
        """The board enters the namespace by itself."""
        return Daemon(self.name, self.argv(), self.where / "log", None, self.core, self.where)

    def ask(self, command: str) -> Any:
        """Ask the running board over its serial console; the command must be one that answers in JSON."""
        said = run([TWINLEASE, "console", self.board / "serial", "-c", command]).stdout
        found = re.search(r"^\s*[\[{].*[\]}]\s*$", said, re.DOTALL | re.MULTILINE)
        if found is None:
            raise RuntimeError(f"the board answered {command!r} without JSON:\n{said}")
        return json.loads(found.group(0))


KINDS: dict[str, type[Server]] = {"twinlease": Twinlease, "isc": Isc, "kea": Kea, "dnsmasq": Dnsmasq}
