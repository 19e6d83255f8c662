"""The demonstration: two boards, a real client, a power cut. Its story, how it ends, and how it tells that it failed."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from terminals import Terminal
from twinlease_host.lab.demo import HERE

from boards import TOOL, tool

LIMIT_S = 120
Event = dict[str, Any]


@pytest.fixture(autouse=True)
def need_udhcpc(need_root: None) -> None:
    if shutil.which("udhcpc") is None:
        pytest.skip("missing: udhcpc (apt install udhcpc)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keeps the boards' compiled firmware from test to test; each begins with --fresh."""
    return tmp_path_factory.mktemp("demo") / "pair"


def demo(folder: Path, *words: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    command = [*before, *TOOL, "demo", "--once", "--fresh", "--dir", str(folder), *words]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )


def events(text: str) -> list[Event]:
    return [json.loads(line) for line in text.splitlines()]


def of_kind(kind: str, story: list[Event]) -> list[Event]:
    return [event for event in story if event["event"] == kind]


def variant(tmp_path: Path, old: str, new: str) -> Path:
    """The demonstration's dhcpd.conf with something replaced."""
    text = (HERE / "demo.conf").read_text()
    assert old in text
    path = tmp_path / "dhcpd.conf"
    path.write_text(text.replace(old, new))
    return path


def test_the_client_keeps_its_address_when_its_server_loses_power(folder: Path) -> None:
    done = demo(folder, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    story = events(done.stdout)
    assert [event["step"] for event in of_kind("step", story)] == [1, 2, 3, 4, 5]
    assert [event["s"] for event in story] == sorted(event["s"] for event in story)
    addresses = {event["board"]: event["address"] for event in of_kind("power-on", story)}
    (cut,) = of_kind("power-cut", story)
    survivor = next(address for board, address in addresses.items() if board != cut["board"])
    told = [event["text"] for event in story if event["who"] == "client"]
    told = [re.sub(r" for \d+ s| ?;.*", "", text) for text in told if text.startswith(("bound:", "renew:"))]
    address = told[0].split()[1]
    assert told == [f"bound: {address} from {cut['address']}", f"renew: {address} from {survivor}"]
    assert of_kind("done", story) and not of_kind("failed", story)


def test_piped_it_is_plain_and_kept_in_a_file(folder: Path) -> None:
    done = demo(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\x1b" not in done.stdout
    assert re.search(
        r"^ +\d+\.\d\d board A ▌ failover peer office: I move from \S+ to normal$", done.stdout, re.MULTILINE
    )
    shown = done.stdout.replace(" ▌ ", " | ")
    assert (folder / "timeline.log").read_text() == shown


def test_afterwards_both_boards_are_normal_and_know_the_lease(folder: Path) -> None:
    terminal = Terminal("demo", "--fresh", "--json", "--dir", str(folder))
    terminal.wait('"event": "look"', LIMIT_S)
    leases = []
    for board in ("board-a", "board-b"):
        port = str(folder / board / "serial")
        terminal.wait(f"console {port} -c 'show failover'")
        (facts,) = json.loads(tool("console", port, "-c", "show failover json").stdout)
        assert (facts["state"], facts["partner_state"], facts["linked"]) == ("normal", "normal", True)
        (lease,) = json.loads(tool("console", port, "-c", "show leases json").stdout)
        assert (lease["state"], lease["hardware"], lease["name"]) == ("active", "02:00:00:00:00:10", "laptop")
        leases.append(lease["address"])
    assert leases[0] == leases[1]
    terminal.type(b"\x03")
    terminal.wait(None)
    assert terminal.process.wait(10) == 0 and "power off" in terminal.text


def test_at_a_terminal_the_leases_of_both_are_on_screen_until_ctrl_c(folder: Path) -> None:
    terminal = Terminal("demo", "--fresh", "--dir", str(folder))
    terminal.wait("leases on the pair", LIMIT_S)
    terminal.wait("│ laptop │")
    assert "\x1b[" in terminal.text, "coloured"
    terminal.type(b"\x03")
    terminal.wait(None)
    assert terminal.process.wait(10) == 0 and "power off" in terminal.text


def test_a_step_that_fails_is_named_and_so_is_where_to_look(folder: Path, tmp_path: Path) -> None:
    config = variant(tmp_path, "deny dynamic", "deny unknown-clients; deny dynamic")
    done = demo(folder, "--json", "--config", str(config))
    assert done.returncode == 1
    (failed,) = of_kind("failed", events(done.stdout))
    assert failed["step"] == 2 and "leasefail" in failed["text"]
    assert "step 2 failed (a client without an address asks for one)" in done.stderr
    log = folder / "timeline.log"
    assert str(log) in done.stderr
    assert "board B: failover peer office: normal" in log.read_text(), "what show failover said"


def test_boards_that_are_no_pair_fail_the_first_step(folder: Path, tmp_path: Path) -> None:
    config = tmp_path / "dhcpd.conf"
    config.write_text("subnet 10.77.0.0 netmask 255.255.0.0 { range 10.77.1.10 10.77.1.59; }\n")
    done = demo(folder, "--config", str(config))
    assert done.returncode == 1
    assert "step 1 failed" in done.stderr and "no failover peer" in done.stderr


def test_when_the_other_board_dies_too_the_story_fails(folder: Path) -> None:
    words = [*TOOL, "demo", "--once", "--fresh", "--json", "--dir", str(folder)]
    running = subprocess.Popen(
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert running.stdout and running.stderr
    pids: dict[str, int] = {}
    for line in running.stdout:
        event = json.loads(line)
        if event["event"] == "power-on":
            pids[event["board"]] = event["pid"]
        if event["event"] == "power-cut":
            (other,) = pids.keys() - {event["board"]}
            os.killpg(pids[other], signal.SIGKILL)
    errors = running.stderr.read()
    assert running.wait(LIMIT_S) == 1
    assert "step 3 failed" in errors and "ended by itself" in errors, errors


def test_it_runs_without_rights_in_a_user_namespace(folder: Path) -> None:
    """What privilege.need() runs for somebody who is not root, with the rights that root has inside."""
    inside = ("unshare", "--user", "--map-root-user", "--net", "--mount")
    if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode:
        pytest.skip("missing: user namespaces (sysctl kernel.unprivileged_userns_clone=1)")
    prepare = 'mount -t tmpfs tmpfs /run && ip link set lo up && exec "$@"'
    done = demo(folder, before=(*inside, "sh", "-c", prepare, "sh"))
    assert done.returncode == 0, done.stdout + done.stderr
