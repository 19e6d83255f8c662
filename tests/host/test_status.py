"""`twinlease status` and `twinlease top` on what a pair of boards said (tests/data/pair.json)."""

from __future__ import annotations

import copy
import io
import json
from pathlib import Path

import pytest
from rich.console import Console, RenderableType
from twinlease_host import serial_link
from twinlease_host.cli import app
from twinlease_host.errors import UserError
from twinlease_host.pair import facts, findings, glance, screen
from twinlease_host.pair.facts import Facts
from typer.testing import CliRunner

RECORD = Path(__file__).parents[1] / "data" / "pair.json"
NOW = 1795400000.0


@pytest.fixture
def pair() -> list[Facts]:
    return facts.load(RECORD.read_text())


def shown(what: RenderableType, width: int = 160, height: int = 40) -> str:
    console = Console(file=io.StringIO(), width=width, height=height, highlight=False)
    console.print(what)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


class Asked:
    """Answers of a recorded board, in the place of its serial port."""

    def __init__(self, boards: dict[str, Facts]) -> None:
        self.boards = boards
        self.leases: list[dict[str, object]] = []
        self.log: str | None = None

    def __call__(self, port: str, timeout_s: float = 5.0) -> Asked:
        self.port = port
        return self

    def __enter__(self) -> Asked:
        if self.port not in self.boards:
            raise UserError(f"cannot open {self.port}", "no such port")
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def ask(self, command: str) -> serial_link.Answer:
        _, what, *_ = command.split()
        if what == "leases":
            return serial_link.Answer(json.dumps(self.leases), True)
        if what == "log":
            return serial_link.Answer(self.log or "unknown word\n", self.log is not None)
        board = self.boards[self.port]
        return serial_link.Answer(json.dumps(board.told[what]), True)


@pytest.fixture
def asked(pair: list[Facts], monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Boards `one` and `two` answer, with clocks that are right; `three` is not there."""
    monkeypatch.setattr(facts.time, "time", lambda: pair[0].asked_at)
    found = Asked(dict(zip(("one", "two"), pair, strict=True)))
    monkeypatch.setattr(serial_link, "Link", found)
    return found


def lease(address: str, cltt: int, state: str = "active") -> dict[str, object]:
    told: dict[str, object] = {"address": address, "state": state, "hardware": "02:00:00:00:00:10", "name": "laptop"}
    return {**told, "client_id": "", "agent": "", "ends": cltt + 600, "cltt": cltt}


def test_a_pair_at_a_glance(asked: Asked) -> None:
    done = CliRunner().invoke(app, ["status", "one", "two"])
    assert done.exit_code == 0, done.output
    for word in ("board A", "board B", "normal since", "primary of office", "connected (Twinlease)", "none"):
        assert word in done.stdout


def test_what_is_wrong_is_named_and_the_exit_code_says_so(asked: Asked) -> None:
    asked.boards["two"].interfaces[0]["connected"] = False
    done = CliRunner().invoke(app, ["status", "one", "two", "--json"])
    answer = json.loads(done.stdout)
    assert done.exit_code == 1 and not answer["ok"] and [one["code"] for one in answer["findings"]] == ["cable-out"]
    assert "no cable" in CliRunner().invoke(app, ["status", "two"]).stdout


def test_of_a_pair_of_which_one_is_silent_the_other_is_shown(asked: Asked) -> None:
    done = CliRunner().invoke(app, ["status", "one", "three"])
    assert done.exit_code == 2 and "normal since" in done.stdout and "board B: cannot open three" in done.output


def test_a_board_that_serves_nobody_says_so(pair: list[Facts]) -> None:
    pair[0].told = {"version": pair[0].told["version"]}
    assert "serves nobody" in shown(glance.table(pair[:1], findings.look(pair[:1])))


def test_how_full_something_is() -> None:
    assert glance.bar(0, 0).plain == "-"
    assert glance.bar(1, 100).plain == "█░░░░░░░░░   1%" and glance.bar(100, 100).plain == "██████████ 100%"
    assert "red" in str(glance.bar(100, 100).spans[0].style) and "green" in str(glance.bar(50, 100).spans[0].style)


def test_the_last_fault_is_one_of_now_or_the_logs_last(pair: list[Facts]) -> None:
    assert dict(glance.rows(pair[0], []))["last fault"].plain == "none"
    lines = [{"at": NOW, "text": "peer office: disconnected"}, {"at": NOW + 9, "text": "Both servers normal"}]
    pair[0].told["log"] = {"level": "info", "lines": lines, "syslog": None}
    told = dict(glance.rows(pair[0], []))["last fault"].plain
    assert told == "none now; 2026-11-23 02:13:20 UTC: peer office: disconnected"
    pair[0].interfaces[0]["connected"] = False
    assert dict(glance.rows(pair[0], findings.look(pair)))["last fault"].plain.startswith("no cable")


def test_rates_and_wear_are_between_two_looks(pair: list[Facts]) -> None:
    later = copy.deepcopy(pair[0])
    later.asked_at += 10
    later.packets.update(received=pair[0].packets["received"] + 25, unsent=5)
    later.flash.update(erases=pair[0].flash["erases"] + 1, programmed=pair[0].flash["programmed"] + 1000)
    assert screen.rates(screen.Sample(later, pair[0])).plain == "2.5/s received, 0.0/s sent, 0.5/s unsent"
    assert screen.rates(screen.Sample(later)).plain == "…"
    assert glance.wear(pair[0], later).plain == "100 octets/s, 1 erases in 10 s: 2 years at this rate"


def test_the_screen_has_both_boards_their_leases_and_what_happened(pair: list[Facts]) -> None:
    events = screen.Events()
    events.add("A", "10.77.1.18 renewed")
    events.add("B", "10.77.1.18 renewed")  # what both tell stands once
    old, new = lease("10.77.1.9", 1795390000), lease("10.77.1.18", 1795399990)
    samples = [screen.Sample(board, first=board, leases=[old, new], log=[(NOW, "from the log")] * 3) for board in pair]
    text = shown(screen.render(samples, events, NOW, 40))
    for word in ("board A", "board B", "normal since", "wear", "from the log", "all is well", "0:09:50"):
        assert word in text, word
    assert text.count("10.77.1.18 renewed") == 1
    assert text.index("10.77.1.18  ") < text.index("10.77.1.9  ")  # the latest first


def test_the_screen_says_what_is_wrong_and_who_is_silent(pair: list[Facts]) -> None:
    pair[0].pools[0].update(free=0, backup=0)
    samples = [screen.Sample(pair[0]), screen.Sample(pair[1], silent="it went away")]
    text = shown(screen.render(samples, screen.Events(), NOW, 40))
    assert "is used up" in text.splitlines()[0] and "it went away" in text
    text = shown(screen.render([screen.Sample(Facts("A", "one"), silent="asking")], screen.Events(), NOW, 24), 80, 24)
    assert len(text.splitlines()) == 24 and "asking" in text


def test_a_watcher_tells_changes_silence_and_return(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "_LEASES_SHARE", 0)
    told: list[str] = []
    watcher = screen.Watcher("A", "one", 0.0, lambda who, text: told.append(f"{who} {text}"))
    asked.leases = [lease("10.77.1.9", 1795390000)]
    watcher.look()
    assert told == [] and watcher.sample().leases and not watcher.sample().silent
    asked.leases = [lease("10.77.1.9", 1795390000, "released")]
    asked.boards["one"] = copy.deepcopy(asked.boards["one"])
    asked.boards["one"].peers[0]["state"] = "communications-interrupted"
    watcher.look()
    board = asked.boards.pop("one")
    watcher.look()
    watcher.look()
    assert watcher.sample().silent == "cannot open one" and watcher.sample().now.told
    asked.boards["one"] = board
    watcher.look()
    assert told == [
        "A failover peer office: from normal to communications-interrupted",
        "A 10.77.1.9 released 02:00:00:00:00:10 laptop",
        "A does not answer: cannot open one",
        "A answers again",
    ]


def test_one_look_is_printed_drawn_and_told_as_json(asked: Asked, tmp_path: Path) -> None:
    asked.log = '{"level": "info", "lines": [{"at": 1795400000, "text": "a line of the log"}]}'
    picture = tmp_path / "top.svg"
    done = CliRunner().invoke(app, ["top", "one", "two", "--once", "--every", "0", "--svg", str(picture)])
    assert done.exit_code == 0 and "a line of the log" in done.stdout and "<svg" in picture.read_text()
    done = CliRunner().invoke(app, ["top", "one", "--once", "--every", "0", "--json"])
    assert [board["board"] for board in json.loads(done.stdout)["boards"]] == ["A"]
    done = CliRunner().invoke(app, ["top", "three", "--once", "--every", "0"])
    assert isinstance(done.exception, UserError) and "cannot open three" in str(done.exception)


def test_without_a_terminal_the_live_view_says_what_to_type(asked: Asked) -> None:
    done = CliRunner().invoke(app, ["top", "one"])
    assert isinstance(done.exception, UserError) and "--once" in done.exception.hint
