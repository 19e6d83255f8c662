"""What the lab needs from the machine, and how a test says that it is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
TWINLEASE = REPOSITORY / ".venv" / "bin" / "twinlease"

PACKAGES = {
    "dhcpd": "isc-dhcp-server",
    "omshell": "isc-dhcp-server",
    "dhclient": "isc-dhcp-client",
    "udhcpc": "udhcpc",
    "dhcpcd": "dhcpcd-base",
    "perfdhcp": "kea-admin",
    "kea-dhcp4": "kea-dhcp4-server",
    "dnsmasq": "dnsmasq-base",
    "tshark": "tshark",
    "chronyd": "chrony",
    "ip": "iproute2",
    "taskset": "util-linux",
}
"""The Debian package that brings each tool."""


def missing(*tools: str) -> list[str]:
    """Say which of these tools (and root) are not at hand, each with what to install."""
    lacks = [] if os.geteuid() == 0 else ["root (namespaces and raw sockets need it: run the tests with sudo)"]
    for tool in tools:
        if tool == "twinlease":
            if not TWINLEASE.exists():
                lacks.append("twinlease in .venv (make it with: make test)")
        elif shutil.which(tool) is None:
            lacks.append(f"{tool} (install: apt install {PACKAGES.get(tool, tool)})")
    return lacks


def require(*tools: str) -> None:
    """Skip the calling test, by name, if something that it needs is missing."""
    lacks = missing("ip", *tools)
    if lacks:
        pytest.skip("missing: " + "; ".join(lacks))


def run(argv: Sequence[str | Path], limit_s: float = 60.0, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; on failure show what it said."""
    done = subprocess.run(
        [str(a) for a in argv], capture_output=True, text=True, errors="replace", timeout=limit_s, check=False
    )
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, argv))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done
