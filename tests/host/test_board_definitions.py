"""boards/: every file can be read, tells what the board carries, and `config check --board` holds a file against it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from twinlease_host import boardfile, fit
from twinlease_host.errors import UserError

NAMES = (
    "esp32",
    "esp32-s3-psram",
    "esp32-s3-w5500",
    "esp32-w5500",
    "olimex-esp32-poe",
    "pico-2-w",
    "pico-w",
    "raspberry-pi",
    "virtual-esp32",
    "w5500-evb-pico",
    "wt32-eth01",
)
SUBNET = "subnet 10.0.0.0 netmask 255.255.248.0 {{ pool {{ {} range 10.0.1.0 10.0.{}.255; }} }}\n"
PEER = (
    'failover peer "p" { primary; address 10.0.0.2; peer address 10.0.0.3; mclt 60; split 128; '
    "load balance max seconds 3; }\n"
)


def check(tmp_path: Path, text: str, *words: str) -> subprocess.CompletedProcess[str]:
    file = tmp_path / "dhcpd.conf"
    file.write_text(text)
    command = [str(Path(".venv/bin/twinlease").resolve()), "config", "check", str(file), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_boards_that_are_promised_are_there() -> None:
    assert boardfile.names() == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_board_carries_is_what_its_heap_is_counted_to_hold(name: str) -> None:
    board = boardfile.load(name)
    if board.heap is None:
        assert board.leases is None and board.leases_with_failover is None
        return
    told = (board.leases, board.leases_with_failover)
    counted = tuple(fit.carries(board.limits, paired) for paired in (False, True))
    assert told == counted, f"write to boards/{name}.toml: alone = {counted[0]}, with-failover = {counted[1]}"


@pytest.mark.parametrize("name", NAMES)
def test_every_key_is_documented(name: str) -> None:
    import tomllib

    told = tomllib.loads((boardfile.folder() / f"{name}.toml").read_text())
    known = set(re.findall(r"^\| `([^`]+)`", (boardfile.folder() / "README.md").read_text(), re.M))
    keys = {f"{key}.{inner}" for key, table in told.items() if isinstance(table, dict) for inner in table}
    assert keys | {key for key, value in told.items() if not isinstance(value, dict)} <= known
    assert "heap" not in told or isinstance(told["heap"]["measured"], bool)


def test_a_board_that_nobody_knows() -> None:
    with pytest.raises(UserError, match="there is no board toaster") as told:
        boardfile.load("toaster")
    assert "pico-w" in told.value.hint


def test_config_check_holds_a_file_against_a_board(tmp_path: Path) -> None:
    small, large = SUBNET.format("", 1), SUBNET.format("", 4)
    assert check(tmp_path, large, "--board", "pico-2-w").returncode == 0
    assert check(tmp_path, small, "--board", "raspberry-pi").returncode == 0
    done = check(tmp_path, large, "--board", "pico-w")
    assert done.returncode == 1, done.stdout
    assert "a heap of 156 KiB (Raspberry Pi Pico W) is too little for 1024 addresses" in " ".join(done.stdout.split())
    assert check(tmp_path, small, "--board", "toaster").returncode == 2


def test_a_board_too_small_for_failover_says_by_how_much(tmp_path: Path) -> None:
    limits = fit.Limits(fit.BOARD.code + 64 * 300, 1 << 18, fit.BOARD, "a board")
    assert fit.carries(limits, False) == 300 and fit.carries(limits, True) == 0
    done = check(tmp_path, PEER + SUBNET.format('failover peer "p";', 1), "--board", "esp32", "--json")
    message, advice = json.loads(done.stdout)["too_large"][0].values()
    assert "too little for 256 addresses" in message and "larger heap" in advice
