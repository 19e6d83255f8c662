"""The three clients that people run, behind one interface; each tells what its script was given.

Nothing of the machine is touched: addresses are set in the client's own namespace, the scripts are ours (none of them
writes /etc/resolv.conf), leases and pid files live in the test's folder, dhcpcd gets private folders under its fixed
paths.
"""

from __future__ import annotations

import signal
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from .daemon import Daemon
from .net import Host
from .tools import run
from .wait import wait_for

HOOK = """#!/bin/sh
# Keep what the client says, one file an event, named in order; then do to the interface what a client's script must do.
action="${{reason:-$1}}"
n=$(ls {events} | wc -l)
LAB_ACTION="$action" env -0 > {events}/.new
mv {events}/.new "$(printf '%s/%06d' {events} "$n")"
{body}
exit 0
"""

UDHCPC_BODY = """case "$action" in
  deconfig) ip -4 address flush dev "$interface"; ip link set "$interface" up ;;
  bound|renew) ip address replace "$ip/$mask" dev "$interface" ;;
esac"""

DHCLIENT_BODY = """case "$action" in
  BOUND|RENEW|REBIND|REBOOT) ip address replace "$new_ip_address/$new_subnet_mask" dev "$interface" ;;
  EXPIRE|FAIL|RELEASE|STOP) ip -4 address flush dev "$interface" ;;
esac"""


@dataclass(frozen=True)
class Event:
    """One call of the client's script."""

    action: str
    env: dict[str, str]


class Client(ABC):
    """A DHCP client on a host."""

    name: ClassVar[str]
    tool: ClassVar[str]
    body: ClassVar[str] = ":"
    bound: ClassVar[frozenset[str]]
    """The actions that mean: I hold a lease now."""
    address_key: ClassVar[str]

    def __init__(self, host: Host, where: Path, requests: tuple[str, ...] = ()) -> None:
        self.host = host
        self.where = where
        self.requests = requests
        self.events = where / "events"
        self.events.mkdir(parents=True)
        self.hook = where / "hook"
        self.hook.write_text(HOOK.format(events=self.events, body=self.body))
        self.hook.chmod(0o755)
        self.daemon: Daemon | None = None

    def __enter__(self) -> Client:
        """The context only sees to its end; `start` starts it, as often as the test likes."""
        return self

    def __exit__(self, *trouble: object) -> None:
        if self.daemon is not None:
            self.daemon.kill()

    @abstractmethod
    def argv(self) -> list[str | Path]:
        """The command that runs it in the foreground."""

    def start(self) -> None:
        """Start it; `wait` tells when it has something."""
        self.daemon = Daemon(self.name, self.argv(), self.where / "log", self.host, cwd=self.where)

    def seen(self) -> list[Event]:
        """The script's calls so far."""
        found = []
        for path in sorted(p for p in self.events.iterdir() if not p.name.startswith(".")):
            pairs = (item.partition("=") for item in path.read_bytes().decode(errors="replace").split("\0") if item)
            env = {key: value for key, _, value in pairs}
            found.append(Event(env["LAB_ACTION"], env))
        return found

    def wait(self, actions: frozenset[str] | None = None, after: int = 0, limit_s: float = 60.0) -> Event:
        """Wait for one of these actions (by default: a lease) among the calls after the first `after` ones."""
        wanted = self.bound if actions is None else actions

        def look() -> Event | None:
            return next((e for e in self.seen()[after:] if e.action in wanted), None)

        return wait_for(look, limit_s, f"{self.name} to say {' or '.join(sorted(wanted))}", self.tell)

    def tell(self) -> str:
        """What the client said, for error messages."""
        said = self.daemon.tail() if self.daemon else ""
        return f"script calls: {[e.action for e in self.seen()]}\n{said}"

    def address(self, event: Event) -> str:
        """The address that an event speaks of."""
        return event.env[self.address_key]

    def renew_now(self) -> None:  # noqa: B027  (dhclient cannot be asked)
        """Ask for a renewal now, where the client can be asked; else its T1 comes by itself."""

    @abstractmethod
    def release(self) -> None:
        """Give the address back and end."""


class Udhcpc(Client):
    """BusyBox's client."""

    name = tool = "udhcpc"
    body = UDHCPC_BODY
    bound = frozenset({"bound", "renew"})
    address_key = "ip"

    def argv(self) -> list[str | Path]:
        asks = [word for option in self.requests for word in ("-O", option)]
        return [
            "udhcpc",
            "-f",
            "-i",
            self.host.iface,
            "-s",
            self.hook,
            "-p",
            self.where / "pid",
            "-t",
            "5",
            "-T",
            "1",
            "-A",
            "1",
            "-x",
            "hostname:udhcpc-box",
            *asks,
        ]

    def renew_now(self) -> None:
        assert self.daemon is not None
        self.daemon.process.send_signal(signal.SIGUSR1)

    def release(self) -> None:
        assert self.daemon is not None
        before = len(self.seen())
        self.daemon.process.send_signal(signal.SIGUSR2)
        self.wait(frozenset({"deconfig"}), before)
        self.daemon.stop()


class Dhclient(Client):
    """ISC's client."""

    name = tool = "dhclient"
    body = DHCLIENT_BODY
    bound = frozenset({"BOUND", "RENEW", "REBIND", "REBOOT"})
    address_key = "new_ip_address"

    def files(self) -> list[str | Path]:
        """Its files, all in the test's folder."""
        conf = self.where / "dhclient.conf"
        asked = ", ".join(("subnet-mask", "routers", "domain-name-servers", *self.requests))
        conf.write_text(
            f'timeout 30;\nretry 5;\ninitial-interval 1;\nbackoff-cutoff 2;\nreboot 5;\nsend host-name "dhclient-box";\n'
            f"option rfc3442 code 121 = array of unsigned integer 8;\noption wpad code 252 = text;\nrequest {asked};\n"
        )
        leases = self.where / "leases"
        leases.touch()
        return ["-cf", conf, "-lf", leases, "-pf", self.where / "pid", "-sf", self.hook]

    def argv(self) -> list[str | Path]:
        return ["dhclient", "-4", "-d", *self.files(), self.host.iface]

    def release(self) -> None:
        """A second dhclient releases; it ends the first by its pid file, which is ours."""
        before = len(self.seen())
        run(["ip", "netns", "exec", self.host.netns, "dhclient", "-4", "-r", *self.files(), self.host.iface], 30)
        self.wait(frozenset({"RELEASE"}), before)
        if self.daemon is not None:
            self.daemon.stop()


class Dhcpcd(Client):
    """Roy Marples' client."""

    name = tool = "dhcpcd"
    bound = frozenset({"BOUND", "RENEW", "REBIND", "REBOOT"})
    address_key = "new_ip_address"

    def argv(self) -> list[str | Path]:
        """`ip netns exec` has made a private mount namespace: folders mounted there are seen by this dhcpcd only."""
        conf = self.where / "dhcpcd.conf"
        asks = "".join(f"option {name}\n" for name in ("subnet_mask", "routers", "domain_name_servers", *self.requests))
        conf.write_text(
            f"duid ll\npersistent\nnoarp\nipv4only\nnoipv4ll\nreboot 5\ntimeout 30\nhostname dhcpcd-box\nscript {self.hook}\n{asks}"
        )
        (self.where / "resolv.conf").touch()
        state = self.where / "state"
        state.mkdir(exist_ok=True)
        steps = [
            f"mount --bind {state} /var/lib/dhcpcd",
            "mount -t tmpfs none /run",
            "mkdir /run/dhcpcd",
            f"mount --bind {self.where / 'resolv.conf'} /etc/resolv.conf",
            f"exec dhcpcd -4 -B -d -f {conf} {self.host.iface}",
        ]
        command = " && ".join(steps)
        return ["sh", "-c", command]

    def renew_now(self) -> None:
        assert self.daemon is not None
        self.daemon.process.send_signal(signal.SIGUSR1)

    def release(self) -> None:
        assert self.daemon is not None
        before = len(self.seen())
        self.daemon.process.send_signal(signal.SIGALRM)
        self.wait(frozenset({"STOPPED"}), before)
        self.daemon.stop()


CLIENTS: list[type[Client]] = [Udhcpc, Dhclient, Dhcpcd]
