"""A person at the serial console of a virtual board: every key and command through a real terminal program."""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pexpect
import pytest
from lab.clients import Udhcpc
from lab.net import Host, Lan
from lab.servers import Plan, Twinlease
from lab.tools import require
from lab.wait import wait_for as lab_wait_for

ADDRESS = "10.77.0.2"
CONFIG = "authoritative;\nsubnet 10.77.0.0 netmask 255.255.0.0 { range 10.77.1.1 10.77.1.20; }\n"
PROMPT = "twinlease> "
LIMIT_S = 90
FAILED_START_S = 2.5  # the third start in a row that ends so soon is taken for a board that cannot start


class Bare(Twinlease):
    """A board that is given no configuration by the tool: what is in its flash counts."""

    says_ready = "Twinlease "

    def prepare(self) -> None:
        pass

    def _serves(self) -> bool:
        return True

    def argv(self) -> list[str | Path]:
        words = super().argv()
        at = words.index("--config")
        return words[:at] + words[at + 2 :]


def wait_for(board: Twinlease, words: str, times: int = 1, limit_s: float = LIMIT_S) -> None:
    """Until the board's log has it so often."""
    board.live.wait_log(f"(?s)({re.escape(words)}.*){{{times}}}", limit_s, since=0)


class Person:
    """At a terminal, connected with the board's serial port."""

    def __init__(self, board: Twinlease) -> None:
        self.board = board
        words = ["-m", "twinlease_host", "console", str(board.board / "serial")]
        self.tty = pexpect.spawn(sys.executable, words, encoding="utf-8", timeout=LIMIT_S, dimensions=(40, 120))
        self.tty.delaybeforesend = None
        self.tty.expect("---")  # miniterm's greeting

    def sees(self, words: str) -> str:
        """Wait until these words show up; returns what came before them."""
        try:
            self.tty.expect(re.escape(words).replace("\r", "").replace("\\\n", "\r*\n"))
        except pexpect.TIMEOUT:
            log = "\n".join(self.board.live.log.read_text(errors="replace").splitlines()[-30:])
            raise AssertionError(
                f"{words!r} never came; last came {self.tty.before[-300:]!r}; the board's log:\n{log}"
            ) from None
        return str(self.tty.before).replace("\r", "")

    def types(self, keys: str) -> None:
        self.tty.send(keys)

    def asks(self, line: str) -> str:
        """Type a line, and return the answer."""
        self.types("\x15" + line + "\r")
        self.sees(line + "\n")
        return self.sees(PROMPT)

    def restarts_it(self, line: str) -> None:
        """Type a line after which the board starts again."""
        self.types("\x15" + line + "\r")
        self.sees("starts again")

    def leaves(self) -> None:
        self.types("\x1d")  # Ctrl-]
        self.tty.expect(pexpect.EOF)
        self.tty.close()


@pytest.fixture
def host(lan: Lan) -> Host:
    return lan.host("srv", f"{ADDRESS}/16")


@pytest.fixture
def board(host: Host, tmp_path: Path) -> Iterator[Twinlease]:
    with Twinlease(host, tmp_path / "server", Plan(network="10.77.0.0/16", address=ADDRESS), CONFIG) as made:
        yield made


@pytest.fixture
def person(board: Twinlease) -> Iterator[Person]:
    made = Person(board)
    made.types("\r")
    assert "20 addresses in use" in made.sees(PROMPT)
    yield made
    made.leaves()


def test_every_command_is_reached_by_its_help_and_answers(person: Person) -> None:
    said = person.asks("terminal length 0") + person.asks("help")
    commands = [line[:38].split() for line in said.splitlines() if re.match(r"[a-z]", line[:1])]
    commands = [words for words in commands if words and words[0] not in ("Words", "Add")]
    assert len(commands) > 30
    ends_it = {
        "reboot",
        "factory-reset",
        "commit",
        "configure",
        "setup",
        "password",
        "lock",
        "unlock",
        "terminal",
        "repl",
    }
    for words in commands:
        person.types("\x15" + " ".join(words[:-1]) + (" " if words[:-1] else "") + "?")
        assert words[-1] in person.sees(PROMPT), words
        if words[0] in ends_it or words[-1].isupper() or words[-1] == "follow":
            continue
        answer = person.asks(" ".join(words))
        assert "failed" not in answer and answer.strip(), words
    person.types("\x15")


def test_what_happened_in_the_night_is_told_in_the_morning(person: Person, lan: Lan, tmp_path: Path) -> None:
    require("udhcpc")
    lan.host("till", "10.77.0.9/16")
    person.asks("terminal length 0")
    assert "From now on packets are kept" in person.asks("capture")
    with Udhcpc(lan.host("cli"), tmp_path / "client") as client:
        client.start()
        address = client.address(client.wait())
    told = person.asks(f"why {address}")
    assert f"{address} is leased to " in told and f"asked for an address: offered {address}" in told
    assert "Last answered: " in told
    assert json.loads(person.asks(f"why {address} json"))["leases"][0]["address"] == address
    assert "DISCOVER" in person.asks("capture") and " ACK " in person.asks("capture 1")
    assert json.loads(person.asks("capture json"))[-1]["way"] == "out"
    assert "no packets are kept any more" in person.asks("capture off")
    told = person.asks("show log")
    assert "Server starting service" in told and f"took the offer of {address}" in told
    assert json.loads(person.asks("show log json"))["level"] == "info"
    person.types("log follow\r")
    person.sees("A key ends it.")
    person.types("q")
    person.sees(PROMPT)
    assert "4 sent, 4 answered" in person.asks("ping 10.77.0.9")
    assert "10.77.0.99: 4 sent, none answered" in person.asks("ping 10.77.0.99")
    assert "only errors are logged" in person.asks("log level error")
    assert "everything is logged but" in person.asks("log level info")


def test_keys_edit_complete_and_recall(person: Person) -> None:
    person.types("sh\tver\t\r")
    assert "interpreter" in person.sees(PROMPT)
    person.types("\x1b[A\r")
    assert "interpreter" in person.sees(PROMPT)
    person.types("version\x01show \x05\r")
    assert "interpreter" in person.sees(PROMPT)
    person.types("xshow versoon\x1b[D\x1b[D\x1b[D\x1b[3~i\x1b[H\x1b[3~\x05\r")
    assert "interpreter" in person.sees(PROMPT)
    person.types("show fish\r")
    assert "     ^ unknown word" in person.sees(PROMPT)
    person.types("help\r")
    for _ in range(2):
        person.sees("--more--")
        person.types(" ")
    assert "Add json" in person.sees(PROMPT)
    person.types("help\r")
    person.sees("--more--")
    person.types("q")
    assert "Add json" not in person.sees(PROMPT)


def test_a_long_paste_at_full_speed_arrives_whole_and_is_served(person: Person, board: Twinlease, lan: Lan) -> None:
    hosts = [f"host h{n} {{ hardware ethernet 2:0:0:0:1:{n:x}; fixed-address 10.77.2.{n}; }}" for n in range(1, 120)]
    options = [f"# line {n}, which says nothing but takes its room in the paste, as comments do" for n in range(80)]
    text = "\n".join([CONFIG.rstrip(), *options, *hosts[:60]]) + "\n"
    text += "subnet 10.78.0.0 netmask 255.255.0.0 {\n" + "  # and more\n" * 60 + "}\n"
    assert text.count("\n") >= 200
    person.types("configure load\r")
    person.sees("Ctrl-C: never mind)")
    person.types(text)
    person.types("\x04")
    assert f"{text.count(chr(10))} lines are being edited" in person.sees(PROMPT)
    person.asks("terminal length 0")
    listed = person.asks("configure list")
    assert [line[5:].rstrip() for line in listed.splitlines()] == text.rstrip("\n").splitlines()
    person.restarts_it("commit")
    wait_for(board, "Server starting service", 2)
    person.types("\r")
    assert "20 addresses in use" in person.sees(PROMPT)


def test_a_wrong_paste_is_served_by_nobody(person: Person, board: Twinlease, lan: Lan, tmp_path: Path) -> None:
    person.types("configure load\rsubnet 10.77.0.0 netmask 255.255.0.0 { rnge 10.77.1.1; }\r\x04")
    person.sees("1 lines are being edited")
    person.types("commit\r")
    wait_for(board, "back to the configuration before this one")
    wait_for(board, "Server starting service", 2)
    person.types("\r")
    person.sees(PROMPT)
    assert "range 10.77.1.1 10.77.1.20" in person.asks("show config")
    told = person.asks("configure check")
    assert "When it was last tried: dhcpd.conf line 1:" in told and "rnge" in told
    require("udhcpc")
    with Udhcpc(lan.host("cli"), tmp_path / "client") as client:
        client.start()
        assert client.address(client.wait()).startswith("10.77.1.")


def test_a_trial_that_is_confirmed_stays(person: Person, board: Twinlease) -> None:
    person.asks("configure delete 1")
    person.restarts_it("commit confirmed 5")
    person.sees("commit confirm")
    wait_for(board, "This configuration is on trial for 5 min")
    person.types("\r")
    person.sees(PROMPT)
    served_at = time.monotonic()
    assert "kept" in person.asks("commit confirm")
    lab_wait_for(lambda: time.monotonic() > served_at + FAILED_START_S, LIMIT_S, "a start to count as one")
    person.restarts_it("reboot")
    wait_for(board, "Server starting service", 3)
    person.types("\r")
    person.sees(PROMPT)
    assert "authoritative" not in person.asks("show config")
    assert "no configuration is on trial" in person.asks("commit confirm")


def test_a_trial_that_nobody_confirms_ends_by_itself(person: Person, board: Twinlease) -> None:
    """Takes the minute that is the shortest trial there is."""
    person.asks("configure delete 1")
    person.restarts_it("commit confirmed 1")
    wait_for(board, "This configuration is on trial for 1 min")
    wait_for(board, "the configuration was not confirmed", limit_s=90)
    wait_for(board, "Server starting service", 3)
    person.types("\r")
    person.sees(PROMPT)
    assert "authoritative" in person.asks("show config")
    assert "authoritative" not in person.asks("configure list")


@pytest.mark.parametrize("turn", range(6))
def test_a_power_cut_amid_a_commit_leaves_the_old_configuration_or_the_new(
    turn: int, host: Host, tmp_path: Path
) -> None:
    seed = 7000 + turn
    wait_ms = random.Random(seed).randrange(0, 60)
    print(f"seed {seed}: power goes {wait_ms} ms after Enter")
    old, new = CONFIG, CONFIG.replace("10.77.1.20", "10.77.1.30")
    plan = Plan(network="10.77.0.0/16", address=ADDRESS)
    with Twinlease(host, tmp_path / "server", plan, old) as board:
        person = Person(board)
        person.types("\r")
        person.sees(PROMPT)
        person.types("configure load\r" + new.replace("\n", "\r") + "\x04")
        person.sees("lines are being edited")
        person.types("commit\r")
        subprocess.run(["sleep", str(wait_ms / 1000)], check=True)  # the moment is what is drawn, not awaited
        board.cut_power()
        person.tty.close()
    with Bare(host, tmp_path / "server", plan) as board:
        wait_for(board, "Server starting service")
        served = board.ask("show config json")["text"]
        assert served in (old, new)


def test_a_lock_keeps_everybody_out_who_does_not_know_the_word(person: Person, board: Twinlease) -> None:
    person.types("password\r")
    person.sees("New password")
    person.types("correct horse\r")
    person.sees("Once more")
    person.types("correct horse\r")
    person.sees(PROMPT)
    person.asks("lock")
    assert "locked: type unlock" in person.asks("show config")
    person.types("unlock\r")
    person.sees("Password: ")
    person.types("wrong horse\r")
    assert "wrong password" in person.sees(PROMPT)
    person.types("unlock\r")
    person.sees("Password: ")
    person.types("correct horse\r")
    assert "unlocked" in person.sees(PROMPT)
    assert "authoritative" in person.asks("show config")
    person.restarts_it("reboot")
    wait_for(board, "Server starting service", 2)
    assert "locked: type unlock" in person.asks("show config")


def test_a_new_board_is_set_up_and_serves(host: Host, lan: Lan, tmp_path: Path) -> None:
    require("udhcpc")
    with Bare(host, tmp_path / "server", Plan(network="10.77.0.0/16", address=ADDRESS)) as board:
        wait_for(board, "serves nobody yet")
        person = Person(board)
        person.types("\r")
        person.sees("First address to lease [10.77.0.100]: ")
        person.types("10.77.3.10\r10.77.3.19\r\r10.77.0.53\roffice.example\r\r\r\r\r")
        person.sees("The board starts again and serves")
        wait_for(board, "Server starting service")
        with Udhcpc(lan.host("cli"), tmp_path / "client") as client:
            client.start()
            assert client.address(client.wait()) == "10.77.3.10"
        person.types("\r")
        assert "1 of 10 addresses in use" in person.sees(PROMPT)
        person.leaves()
