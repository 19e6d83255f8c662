"""The virtual board as its user sees it: wires, log, serial port, configuration in flash, power on, off and cut."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from datetime import datetime
from pathlib import Path

import pytest

from boards import CONFIG, LIMIT_S, Board, tool


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--address", "10.77.0.2"], "the prefix length is missing"),
        (["--address", "10.77.0/16"], "Expected 4 octets"),
        (["--address", "10.77.0.2/33"], "/33"),
        (["--address", "10.77.0.0/16"], "network's own or its broadcast address"),
        (["--address", "10.77.255.255/16"], "take one in between"),
        (["--address", "10.77.0.2/16", "--heap", "lots"], "write it as in 256K"),
        (["--address", "10.77.0.2/16", "--config", "/nonexistent/dhcpd.conf"], "there is no file"),
        (["--address", "10.77.0.2/16", "--iface", "name with spaces"], "no name for an interface"),
        ([], "Missing option"),
    ],
)
def test_wrong_options_are_explained_before_anything_is_made(
    tmp_path: Path, need_root: None, words: list[str], says: str
) -> None:
    done = tool("vboard", "run", str(tmp_path / "board"), *words)
    assert done.returncode == 2
    assert says in done.stderr.replace("\n", " "), done.stderr
    assert not Path("/run/netns/twinlease-board").exists()


def test_a_configuration_with_errors_is_shown_and_nothing_boots(board: Board) -> None:
    board.config.write_text("subnet 10.77.0.0 netmask 255.255.0.0 { rnge 10.77.1.1; }\n")
    board.start()
    assert board.process is not None and board.process.wait(20) == 1
    assert "dhcpd.conf:1:" in board.said() and "^" in board.said() and "the board was not started" in board.said()
    assert not board.folder.exists() and not board.has_netns()


def test_it_boots_answers_and_stops_without_a_trace(board: Board) -> None:
    board.boot()
    assert board.has_netns() and board.serial.is_symlink()
    assert not str(board.serial).startswith("/dev/pts")
    version = board.ask("show version json")
    assert version.returncode == 0 and json.loads(version.stdout)["interpreter"].startswith("micropython")
    assert version.stdout.count("\n") == 1 and version.stderr == "", "the answer and nothing else"
    assert board.stop() == 0
    assert "Stopped:" in board.said() and "flash:" in board.said()
    assert not board.has_netns() and not board.serial.is_symlink() and board.family() == []


def test_firmware_in_rom_serves_the_same_from_half_of_the_heap(board: Board) -> None:
    def taken() -> int:
        assert "configuration read" not in board.said(), "the image that the PC made was not believed"
        return int(json.loads(board.ask("show memory json").stdout)["allocated"])

    board.boot()
    stock = taken()
    assert board.stop() == 0
    board.boot("--rom")
    assert taken() < 0.72 * stock
    assert board.stop() == 0
    board.boot()
    assert taken() > 0.95 * stock, "without --rom it is the board that it was"


def test_a_refused_command_shows_in_the_exit_status(board: Board) -> None:
    board.boot()
    done = board.ask("show fish")
    assert done.returncode == 1 and "^ unknown word" in done.stdout


def test_what_exists_is_used_and_left(board: Board) -> None:
    for words in (
        ["netns", "add", board.netns],
        ["-n", board.netns, "link", "add", "lan7", "type", "veth", "peer", "name", "far"],
        ["-n", board.netns, "address", "add", "10.77.0.2/16", "dev", "lan7"],
    ):
        subprocess.run(["ip", *words], check=True)
    board.boot("--iface", "lan7")
    board.stop()
    left = subprocess.run(["ip", "-n", board.netns, "-4", "address"], capture_output=True, text=True, check=True).stdout
    assert "10.77.0.2/16" in left and "lan7" in left


def wait_gone(pids: list[int]) -> None:
    end = time.monotonic() + LIMIT_S
    while left := [pid for pid in pids if Path(f"/proc/{pid}").exists()]:
        assert time.monotonic() < end, f"processes {left} are still there"
        time.sleep(0.01)


def test_a_power_cut_ends_all_of_it_and_the_next_run_cleans_up(board: Board) -> None:
    board.boot()
    group = board.family()
    assert len(group) >= 2, "the tool and the interpreter"
    board.cut_power()
    wait_gone(group)
    assert board.has_netns(), "nobody was left to remove it"
    board.boot()
    assert "replaced" not in board.said(), "the configuration is in flash already"
    assert board.stop() == 0 and not board.has_netns()


def test_the_interpreter_does_not_outlive_a_tool_that_is_killed_alone(board: Board) -> None:
    board.boot()
    assert board.process is not None
    others = [pid for pid in board.family() if pid != board.process.pid]
    board.process.kill()
    board.process.wait()
    wait_gone(others)


def test_another_configuration_replaces_what_is_in_flash_and_says_so(board: Board) -> None:
    board.boot()
    assert "dhcpd.conf in flash replaced" in board.said()
    board.stop()
    board.config.write_text(CONFIG.replace("10.77.1.20", "10.77.1.30"))
    board.boot()
    assert "dhcpd.conf in flash replaced" in board.said()
    assert json.loads(board.ask("show pools json").stdout)[0]["size"] == 30


def test_more_hosts_than_a_board_could_read_are_served(board: Board) -> None:
    one = "host h%d { hardware ethernet 02:00:00:00:00:%x; fixed-address 10.77.2.%d; }\n"
    board.config.write_text(CONFIG + "".join(one % (i, i, i) for i in range(100)))
    board.boot()
    assert json.loads(board.ask("show memory json").stdout)["free"] > 4000
    assert "vboard: reset" not in board.said(), "the board had to read the text"


def test_what_does_not_fit_the_board_is_refused_before_boot(board: Board) -> None:
    board.config.write_text("subnet 10.77.0.0 netmask 255.255.0.0 { range 10.77.1.1 10.77.8.200; }\n")
    board.start()
    assert board.process is not None and board.process.wait(20) == 1
    assert "1992 addresses" in board.said() and "room for about " in board.said()


def test_what_does_not_fit_a_board_that_has_it_already_is_no_reset_loop(board: Board) -> None:
    board.config.write_text("subnet 10.77.0.0 netmask 255.255.0.0 { range 10.77.1.1 10.77.8.200; }\n")
    board.boot("--heap", "1M")
    board.stop()
    board.start("--no-config")
    said = board.wait_said("serves nobody until it has a smaller configuration")
    assert said.count("Twinlease ") == 1 and "not enough memory for 1992 addresses" in said
    assert board.ask("show version").returncode == 0
    assert board.stop() == 0


def test_an_included_file_comes_along(board: Board) -> None:
    board.config.write_text('include "parts/office.conf";\n')
    (board.config.parent / "parts").mkdir()
    (board.config.parent / "parts" / "office.conf").write_text(CONFIG)
    board.boot()
    assert json.loads(board.ask("show pools json").stdout)[0]["size"] == 20


def test_ctrl_c_and_noise_on_the_line_do_not_stop_the_service(board: Board) -> None:
    board.boot()
    with open(board.serial, "wb", buffering=0) as line:
        line.write(b"\x03\x03show\x03\x04\x1b[A\xff\x00" + b"x" * 5000 + b"\r\n\x03")
    assert board.ask("show memory json").returncode == 0
    assert board.said().count("Server starting service") == 1


def test_a_reader_that_stalls_stalls_nobody(board: Board) -> None:
    board.boot()
    fd = os.open(board.serial, os.O_RDWR | os.O_NOCTTY)
    try:
        for _ in range(400):
            os.write(fd, b"help\r")  # some 200,000 octets of answers that nobody reads
            time.sleep(0.002)
    finally:
        os.close(fd)
    assert board.ask("show version").returncode == 0


def test_no_board_no_answer(tmp_path: Path) -> None:
    done = tool("console", str(tmp_path / "serial"), "-c", "help")
    assert done.returncode == 2 and "cannot open" in done.stderr and "hint:" in done.stderr


def test_sigint_is_a_clean_stop_too(board: Board) -> None:
    board.boot()
    assert board.process is not None
    board.process.send_signal(signal.SIGINT)
    assert board.process.wait(20) == 0 and "Stopped:" in board.said()


def test_a_board_without_a_clock_serves(board: Board) -> None:
    board.boot("--no-rtc")
    assert json.loads(board.ask("show clock json").stdout)["source"] in ("none", "journal")


def test_a_board_whose_clock_is_off(board: Board) -> None:
    board.boot("--rtc-offset", "-86400")
    told = json.loads(board.ask("show clock json").stdout)
    assert told["source"] == "rtc" and told["trusted"]
    says = datetime.fromisoformat(told["utc"] + "+00:00").timestamp()
    assert abs(says - (time.time() - 86400)) < 60


def test_a_board_without_a_clock_has_none_that_is_off(tmp_path: Path) -> None:
    done = tool("vboard", "run", str(tmp_path), "--address", "10.77.0.2/16", "--no-rtc", "--rtc-offset", "90")
    assert done.returncode == 2 and "a board without a clock" in done.stderr and "hint:" in done.stderr
