"""`twinlease upgrade` takes a pair from an older firmware to this one, and the clients, who renew all the while, do not
notice: also where it is killed in the middle, and where the firmware that it brings is bad.

The boards are virtual ESP32s: the firmware is in their flash, where real mpremote's transport writes it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from lab.daemon import Daemon
from lab.pair import Terms
from lab.renewing import AT_FIRST, Renewing
from lab.sides import PAIR_HEAP
from lab.site import ADDRESSES, Site
from lab.tools import REPOSITORY, TWINLEASE, require
from lab.verdict import Rules, Verdict
from lab.wait import wait_for
from lab.witness import Witness
from twinlease import VERSION
from twinlease_host import serial_link
from twinlease_host.errors import UserError
from twinlease_host.flash import partition_table
from twinlease_host.pair import facts
from twinlease_host.vboard import esp32, stand_in

TERMS = Terms(pool=100, lease_s=30, mclt_s=10)
ROLES = {"a": "primary", "b": "secondary"}
LIMIT_S = 180.0
GLANCE_S = 0.02
BEFORE, BAD = "0.0.9", "9.9.9"


def firmware(where: Path, version: str, broken: str = "") -> Path:
    """The sources of another version; `broken` is put where the service begins."""
    where.mkdir()
    (where / "boards").symlink_to(REPOSITORY / "boards")
    where /= "firmware"
    shutil.copytree(REPOSITORY / "firmware", where, ignore=shutil.ignore_patterns("__pycache__"))
    about = where / "twinlease" / "__init__.py"
    text = about.read_text()
    assert f'VERSION = "{VERSION}"' in text
    about.write_text(text.replace(f'VERSION = "{VERSION}"', f'VERSION = "{version}"'))
    if broken:
        main = where / "main.py"
        main.write_text(main.read_text().replace("\nimport sys\n", f"\nimport sys\n{broken}\n", 1))
    return where


def twinlease(sources: Path, *words: str | Path) -> subprocess.Popen[str]:
    """The command of a tool that brings this firmware."""
    return subprocess.Popen(
        [sys.executable, "-m", "twinlease_host", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(sources)},
    )


class Office:
    """Two virtual ESP32s with an older firmware, in NORMAL; their clients, and a witness at both cables."""

    def __init__(self, where: Path) -> None:
        self.where = where
        self.silent: dict[str, list[list[float]]] = {address: [] for address in ADDRESSES.values()}
        """From when to when nobody at an address need answer: as the boards' logs tell."""
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._follow)

    def __enter__(self) -> Office:
        with ExitStack() as stack:
            self.site = stack.enter_context(Site())
            self.witness = stack.enter_context(Witness({at: self.site.outside(at) for at in "ab"}))
            self.daemons = {at: self._power_on(at) for at in "ab"}
            for daemon in self.daemons.values():
                stack.callback(daemon.kill)
            self.clients = stack.enter_context(Renewing(self.site))
            stack.callback(self.clients.end)
            self._write(firmware(self.where / "before", BEFORE))
            wait_for(lambda: all(self.settled(at) for at in "ab"), LIMIT_S, "both boards to be in NORMAL", self.logs)
            self._watch.start()
            stack.callback(self._watch.join)
            stack.callback(self._over.set)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *trouble: Any) -> None:
        self._stack.close()

    def _follow(self) -> None:
        """Which board is away, from when to when; from its start on it may hear from its partner, and soon serves."""
        seen = {at: len(daemon.text()) for at, daemon in self.daemons.items()}
        while not self._over.wait(GLANCE_S):
            for at, daemon in self.daemons.items():
                text = daemon.text()
                for word in re.findall(r"^(Stopped: |Twinlease |Server starting)", text[seen[at] :], re.MULTILINE):
                    spans = self.silent[ADDRESSES[at]]
                    if word == "Stopped: ":
                        self.witness.parted()
                        spans.append([time.time()])
                    elif word == "Twinlease ":
                        self.witness.united()
                    elif spans:
                        spans[-1].append(time.time())
                seen[at] = text.rfind("\n") + 1

    def folder(self, at: str) -> Path:
        return self.where / f"board-{at}"

    def _power_on(self, at: str) -> Daemon:
        folder, host = self.folder(at), self.site.servers[at]
        folder.mkdir()
        octets = bytearray(b"\xff" * esp32.SIZE)
        image, table = stand_in.image(), partition_table.encode(partition_table.with_leases(esp32.SIZE, 0x40000))
        octets[0x1000 : 0x1000 + len(image)] = image
        octets[partition_table.AT : partition_table.AT + len(table)] = table
        (folder / "flash.bin").write_bytes(octets)
        words: list[str | Path] = [TWINLEASE, "vboard", "run", folder, "--esp32", "--heap", PAIR_HEAP]
        daemon = Daemon(f"board {at}", [*words, "--netns", host.netns, "--iface", host.iface], folder / "log")
        daemon.wait_log("power on", LIMIT_S)
        return daemon

    def _write(self, sources: Path) -> None:
        """As their owner did, some time ago."""
        running = []
        for at in "ab":
            config = self.where / f"dhcpd-{at}.conf"
            config.write_text(TERMS.config(ROLES[at]))
            words = ["virtual-esp32", "--no-micropython", "--port", self.folder(at) / "serial", "--config", config]
            running.append(twinlease(sources, "flash", *words, "--address", f"{ADDRESSES[at]}/16"))
        for command in running:
            out, err = command.communicate(timeout=LIMIT_S)
            assert command.returncode == 0, out + err + self.logs()

    def upgrade(self, sources: Path, *more: str) -> subprocess.Popen[str]:
        """The command, that begins."""
        return twinlease(sources, "upgrade", self.folder("a"), self.folder("b"), *more)

    def ends(self, command: subprocess.Popen[str]) -> tuple[int, str, str]:
        """How it did."""
        out, err = command.communicate(timeout=LIMIT_S)
        print(f"exit {command.returncode}\n{out}{err}")
        return command.returncode, out, " ".join(err.split())

    def version(self, at: str) -> str:
        return self._look(at).version

    def settled(self, at: str) -> bool:
        try:
            return self._look(at).settled
        except UserError:
            return False

    def _look(self, at: str) -> facts.Facts:
        with serial_link.Link(str(self.folder(at) / "serial")) as link:
            return facts.ask_all(facts.Facts(at, ""), link.ask, asked=("version", "pools", "failover"))

    def logs(self) -> str:
        return "\n".join(f"--- board {at}\n{daemon.tail(40)}" for at, daemon in self.daemons.items())


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    require("twinlease")
    with Office(tmp_path) as made:
        yield made


def test_no_client_notices_an_upgrade_killed_and_run_again_nor_a_bad_one(office: Office, tmp_path: Path) -> None:
    office.clients.begin()
    assert [office.version(at) for at in "ab"] == [BEFORE, BEFORE]

    bad = firmware(tmp_path / "bad", BAD, "raise RuntimeError('a bad build')")
    code, _, said = office.ends(office.upgrade(bad, "--wait", "10"))
    assert code == 1 and f"board A has its old firmware again ({BEFORE})" in said, said
    assert [office.version(at) for at in "ab"] == [BEFORE, BEFORE] and "board B" not in said
    office.clients.more()

    here = REPOSITORY / "firmware"
    daemon = office.daemons["a"]
    mark = daemon.log.stat().st_size
    killed = office.upgrade(here)
    daemon.wait_log("The serial line is MicroPython's now", LIMIT_S, since=mark)
    killed.kill()
    killed.communicate()
    office.clients.more()
    assert not office.settled("a") and office.version("b") == BEFORE

    code, out, said = office.ends(office.upgrade(here, "--json"))
    assert code == 0, said + office.logs()
    told = json.loads(out)["boards"]
    assert [(board["before"], board["after"]) for board in told] == [("", VERSION), (BEFORE, VERSION)]
    assert all(board["files"]["changed"] for board in told)
    assert [office.version(at) for at in "ab"] == [VERSION, VERSION]
    assert all(office.settled(at) for at in "ab")

    office.clients.more()
    office.clients.end()
    clients = office.clients
    assert clients.trouble is None
    assert clients.first == {number: lease.address for number, lease in clients.leases.items()}
    assert len(set(clients.first.values())) == len(clients.first) == AT_FIRST + 9
    assert not clients.unanswered(office.witness, office.silent)
    violations = Verdict(Rules(TERMS.lease_s, TERMS.mclt_s), office.witness.separations).judge(office.witness.heard())
    assert not violations, "\n".join(violations)
