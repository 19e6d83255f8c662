"""`twinlease migrate` says where a migration stands, what is waited for, and what comes next; on models of boards.

tests/failover/test_migration.py has it with two real dhcpds, clients and boards.
"""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from rich.console import Console
from twinlease_host.cli import app
from twinlease_host.commands import migrate
from twinlease_host.errors import UserError
from twinlease_host.isc.leases_file import Lease
from twinlease_host.pair import facts, migration, sources
from twinlease_host.pair.facts import Facts
from typer.testing import CliRunner

PRIMARY = """# office
omapi-port 7911;
failover peer "office" {
  primary; address 10.0.0.2; peer address 10.0.0.3;
  mclt 1800; split 128; load balance max seconds 3;
}
subnet 10.0.0.0 netmask 255.255.255.0 {
  option routers 10.0.0.1;
  pool { failover peer "office"; deny dynamic bootp clients; range 10.0.0.100 10.0.0.199; }
}
"""
SECONDARY = PRIMARY.replace(
    "  primary; address 10.0.0.2; peer address 10.0.0.3;\n  mclt 1800; split 128;",
    "  secondary; address 10.0.0.3; peer address 10.0.0.2;\n ",
)
UTC, UNIX = "2026-11-23 04:00:00", 1795406400
ALONE = {"state": "communications-interrupted", "linked": False, "partner": None}


def lines(text: str) -> list[sources.Line]:
    return [sources.Line(line, "dhcpd.conf", n) for n, line in enumerate(text.splitlines(), 1)]


def plan(text: str = PRIMARY, secondary: str | None = None) -> migration.Plan:
    return migration.plan(lines(text), lines(secondary) if secondary else None)


def new(name: str, address: str) -> Facts:
    """A board as it comes from `twinlease flash`."""
    board = Facts(name, f"board-{name.lower()}")
    board.told["interfaces"] = {"interfaces": [{"name": "eth0", "address": address + "/24", "connected": True}]}
    board.told["clock"] = {"utc": UTC, "ms": 0}
    return board


def loaded(name: str, address: str, active: int = 31, **peer: Any) -> Facts:
    """A board that serves by the configuration; in NORMAL with a dhcpd unless something else is said."""
    board = new(name, address)
    known = {"name": "office", "role": "primary" if address.endswith(".2") else "secondary", "state": "normal"}
    known |= {"partner_state": "normal", "linked": True, "partner": "ISC", "serves": True, "unacked": 0, "due": 0}
    board.told["failover"] = [{**known, "mclt": 1800, "since": UNIX - 600, **peer}]
    board.told["config"] = {"text": plan().text, "trial": -1}
    board.told["pools"] = [{"active": active}]
    return board


def states(standing: migration.Standing) -> str:
    """As in "done done now later", a letter each."""
    return "".join(step.state[0] for step in standing.steps)


def test_before_anything_is_done_it_says_which_dhcpd_to_stop() -> None:
    standing = migration.stand(plan(), [new("A", "10.0.0.3")])
    assert (standing.turn, standing.stop, states(standing)) == ("operator", "10.0.0.3", "nllllll")
    assert "stop dhcpd on 10.0.0.3" in standing.says and "dhcpd on 10.0.0.2 answers everybody" in standing.says


def test_a_board_is_loaded_only_when_its_dhcpd_is_off() -> None:
    board = new("A", "10.0.0.2")
    assert migration.stand(plan(), [board], ["10.0.0.3"]).turn == "operator"
    standing = migration.stand(plan(), [board], ["10.0.0.2"])
    assert (standing.turn, standing.load, states(standing)) == ("load", board, "dnlllll")


def test_a_board_without_its_cable_is_not_loaded() -> None:
    board = new("A", "10.0.0.2")
    board.interfaces[0]["connected"] = False
    standing = migration.stand(plan(), [board], ["10.0.0.2"])
    assert standing.turn == "wait" and "cable" in standing.says


def test_a_board_with_leases_of_something_else_is_not_loaded() -> None:
    board = loaded("A", "10.0.0.2", active=3)
    board.told["config"]["text"] = "subnet 10.9.0.0 netmask 255.255.0.0 { range 10.9.0.1 10.9.0.9; }\n"
    standing = migration.stand(plan(), [board], ["10.0.0.2"])
    assert standing.turn == "operator" and "factory-reset" in standing.says


def test_while_it_is_on_trial_it_does_not_count_as_served() -> None:
    board = loaded("A", "10.0.0.2")
    board.told["config"]["trial"] = 2
    assert not plan().is_served(board)


@pytest.mark.parametrize(
    ("peer", "words"),
    [
        ({"state": "recover", "linked": False}, "dhcpd on 10.0.0.3 to connect"),
        ({"state": "recover"}, "all leases to come from dhcpd on 10.0.0.3: 31 so far"),
        ({"state": "recover-wait"}, "MCLT to pass: all leases are here (31), and a dhcpd wants 1800 s"),
        ({"state": "recover-done", "partner_state": "partner-down"}, "recover-done, its partner partner-down"),
        ({"due": 4}, "4 updates to go"),
    ],
)
def test_it_says_what_it_waits_for(peer: dict[str, Any], words: str) -> None:
    standing = migration.stand(plan(), [loaded("A", "10.0.0.2", **peer)])
    assert (standing.turn, states(standing)) == ("wait", "ddnllll") and words in standing.says


def test_progress_is_seen_in_the_marks() -> None:
    one, two = (migration.stand(plan(), [loaded("A", "10.0.0.2", n, state="recover")]) for n in (31, 32))
    assert one.marks != two.marks and one.still_s == 0
    assert migration.stand(plan(), [loaded("A", "10.0.0.2", state="recover-wait")]).still_s == 1800


def test_the_boards_log_tells_how_long_the_wait_lasts() -> None:
    board = loaded("A", "10.0.0.2", state="recover-wait")
    assert migration.stand(plan(), [board]).left_s is None
    said = "failover peer office: I move from recover to recover-wait"
    board.told["log"] = {"lines": [{"at": UNIX - 600, "text": said}]}
    standing = migration.stand(plan(), [board])
    assert standing.left_s == 1200 and standing.says.endswith("1200 s are left at most")


def test_in_normal_with_the_other_dhcpd_that_one_is_next() -> None:
    boards = [loaded("A", "10.0.0.2"), new("B", "10.0.0.3")]
    for named in (boards, boards[:1], boards[::-1]):
        standing = migration.stand(plan(), named)
        assert (standing.turn, standing.stop, states(standing)) == ("operator", "10.0.0.3", "dddnlll")
        assert "stop dhcpd on 10.0.0.3, for good (board A answers" in standing.says


def test_a_dhcpd_that_is_gone_before_the_board_knows_all_must_come_back() -> None:
    """Neither its operator's word nor a second board helps: nobody else has the leases."""
    boards = [loaded("A", "10.0.0.2", state="recover", linked=False), new("B", "10.0.0.3")]
    standing = migration.stand(plan(), boards, ["10.0.0.3"])
    assert (standing.turn, states(standing)) == ("wait", "ddnllll")


def test_the_second_board_is_loaded_when_the_second_dhcpd_is_off() -> None:
    boards = [loaded("A", "10.0.0.2", **ALONE), new("B", "10.0.0.3")]
    standing = migration.stand(plan(), boards)
    assert standing.turn == "operator" and "dhcpd on 10.0.0.3 is not connected" in standing.says
    standing = migration.stand(plan(), boards, ["10.0.0.3"])
    assert (standing.turn, standing.load, states(standing)) == ("load", boards[1], "ddddnll")
    standing = migration.stand(plan(), boards[:1], ["10.0.0.3"])
    assert standing.turn == "operator" and "name the second board" in standing.says


def test_a_dhcpd_that_is_said_to_be_off_and_is_connected_is_not_believed_to_be() -> None:
    boards = [loaded("A", "10.0.0.2"), new("B", "10.0.0.3")]
    standing = migration.stand(plan(), boards, ["10.0.0.3"])
    assert (standing.turn, standing.load) == ("wait", None) and "still connected" in standing.says


def test_two_boards_end_with_equal_tables() -> None:
    twins = {"partner": "Twinlease"}
    boards = [loaded("A", "10.0.0.2", **twins), loaded("B", "10.0.0.3", **twins, state="recover")]
    assert states(migration.stand(plan(), boards)) == "dddddnl"
    boards[1].peers[0]["state"] = "normal"
    assert states(migration.stand(plan(), boards)) == "ddddddn"
    assert "2 leases are not yet" in migration.stand(plan(), boards, unequal=2).says
    done = migration.stand(plan(), boards, unequal=0)
    assert (done.turn, states(done)) == ("", "ddddddd") and "31" in done.steps[-1].says


def test_a_board_with_another_address_is_told_the_two() -> None:
    with pytest.raises(UserError, match=r"board A has 10\.0\.0\.9, and the servers of office are 10\.0\.0\.2 and 10"):
        migration.stand(plan(), [new("A", "10.0.0.9")])
    with pytest.raises(UserError, match="both boards have the address"):
        migration.stand(plan(), [new("A", "10.0.0.2"), new("B", "10.0.0.2")])


# The configuration


def test_the_text_is_one_for_both_and_what_is_left_out_is_told() -> None:
    made = plan(PRIMARY.replace("# office", "option foo.bar 3;"))
    assert (made.peer, made.mclt, made.rows) == ("office", 1800, 100)
    assert made.addresses == {"primary": "10.0.0.2", "secondary": "10.0.0.3"}
    assert [one.line for one in made.left if one.effect] == [1] and "mclt 1800" in made.text


def test_what_the_board_was_given_is_what_it_is_to_have() -> None:
    """A board takes no octets beyond ASCII; it must not be given the same again and again."""
    text = PRIMARY.replace("option routers", 'option domain-name "b\u00fcro";  # das B\u00fcro\n  option routers')
    made, board = plan(text), loaded("A", "10.0.0.2")
    board.told["config"]["text"] = made.text
    assert made.text.isascii() and made.is_served(board)


def test_the_secondarys_file_is_compared() -> None:
    assert plan(secondary=SECONDARY).differences == []
    found = plan(secondary=SECONDARY.replace("10.0.0.199", "10.0.0.198")).differences
    assert [one.statement.text.strip() for one in found] == [
        "range 10.0.0.100 10.0.0.199;",
        "range 10.0.0.100 10.0.0.198;",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (SECONDARY, "this is the secondary's"),
        ("subnet 10.0.0.0 netmask 255.255.255.0 { range 10.0.0.1 10.0.0.9; }", "no server of a pair"),
    ],
)
def test_a_file_by_which_nothing_can_be_migrated(text: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as told:
        plan(text)
    assert told.value.code == 1 and told.value.hint


def test_a_pool_that_is_not_in_the_pair_is_told() -> None:
    made = plan(PRIMARY + "subnet 10.1.0.0 netmask 255.255.0.0 { range 10.1.0.1 10.1.0.9; }\n")
    assert any("10.1.0.1 to 10.1.0.9" in one.text and "do not come over failover" in one.why for one in made.left)


# Leases


def lease(address: str = "10.0.0.100", **other: Any) -> dict[str, Any]:
    known = {"address": address, "state": "active", "hardware": "02:00:00:00:00:01", "client_id": "", "ends": UNIX + 60}
    return {**known, "cltt": UNIX, **other}


@pytest.mark.parametrize(
    ("other", "differs"),
    [
        (lease(), False),
        (lease(ends=UNIX + 62), False),
        (lease(ends=UNIX + 63), True),
        (lease(ends=None), True),
        (lease(hardware="02:00:00:00:00:02"), True),
        (lease(client_id="01"), True),
        (lease(state="expired"), True),
        (None, True),
    ],
)
def test_tables_are_compared_by_what_is_held(other: dict[str, Any] | None, differs: bool) -> None:
    assert migration.unequal([lease()], [other] if other else []) == ({"10.0.0.100"} if differs else set())


def test_who_held_a_free_address_last_does_not_matter() -> None:
    assert migration.unequal([lease(state="free")], [lease(state="backup", hardware="")]) == set()
    assert migration.unequal([lease(state="abandoned")], [lease(state="free")]) == {"10.0.0.100"}


HELD = Lease("10.0.0.100", "active", UNIX + 60, UNIX, hardware="02:00:00:00:00:01")


@pytest.mark.parametrize(
    ("told", "missing"),
    [
        ([lease()], ""),
        ([lease(ends=UNIX + 600, cltt=UNIX + 9)], ""),
        ([lease(state="released", cltt=UNIX + 9)], ""),
        ([lease(hardware="02:00:00:00:00:02", cltt=UNIX + 9)], ""),
        ([], "the board does not know that"),
        ([lease(state="free", hardware="", cltt=0)], "has it as free"),
        ([lease(hardware="02:00:00:00:00:02")], "has it as active, of 02:00:00:00:00:02"),
    ],
)
def test_a_lease_that_the_board_does_not_know_is_lost(told: list[dict[str, Any]], missing: str) -> None:
    found = migration.lost([HELD], told, UNIX)
    assert bool(found) == bool(missing) and all(missing in one for one in found)


def test_a_lease_that_is_over_cannot_be_lost() -> None:
    assert migration.lost([HELD], [], UNIX + 61) == []


# The command


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the command at these boards; time passes only while it waits."""
    file = tmp_path / "dhcpd.conf"
    file.write_text(PRIMARY)

    def go(boards: list[Facts], *words: str, after: Any = None, silent: Any = None) -> Result:
        clock = [0.0]

        def sleep(seconds: float) -> None:
            clock[0] += seconds
            if after:
                after(clock[0])

        monkeypatch.setattr(migrate.time, "monotonic", lambda: clock[0])
        monkeypatch.setattr(migrate.time, "sleep", sleep)

        def ask(self: Any, name: str, port: str) -> Facts:
            if silent and clock[0] in silent:
                clock[0] += 0.1
                raise UserError("the board at board-a did not answer in time")
            return next(board for board in boards if board.port == port)

        monkeypatch.setattr(migrate._Run, "_ask", ask)
        monkeypatch.setattr(migrate.leases, "ask", lambda port, timeout: [lease()])
        done = CliRunner().invoke(app, ["migrate", str(file), *[b.port for b in boards], *words])
        assert done.exception is None or isinstance(done.exception, (SystemExit, UserError)), done.exception
        return done

    return go


def test_it_ends_with_the_command_to_type_next(run: Any) -> None:
    done = run([new("A", "10.0.0.3")])
    assert done.exit_code == 1
    assert re.search(
        r"when that is done:\n +twinlease migrate \S+dhcpd.conf board-a --stopped 10.0.0.3\n$", done.stdout
    )
    done = run([loaded("A", "10.0.0.2", **ALONE)], "--json")
    assert json.loads(done.stdout)["next"].endswith("board-a B --stopped 10.0.0.3")


def test_mclt_is_waited_for_however_long_it_takes_and_a_dead_end_is_not(run: Any) -> None:
    board = loaded("A", "10.0.0.2", state="recover-wait")

    def after(now: float) -> None:
        if now > 1790:
            board.peers[0]["state"] = "normal"

    done = run([board], after=after)
    assert "dhcpd on 10.0.0.3 is next" not in done.stdout and "✓ board A is in normal" in done.stdout
    assert done.stderr.count("waiting for MCLT") == 1
    done = run([loaded("A", "10.0.0.2", state="recover", linked=False)], "--wait", "5")
    assert (
        done.exit_code == 1 and "waits for dhcpd on 10.0.0.3 to connect" in done.stdout and "to go on:" in done.stdout
    )


def test_on_a_terminal_the_wait_is_one_line_that_counts_down(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    board = loaded("A", "10.0.0.2", state="recover-wait")
    said = "failover peer office: I move from recover to recover-wait"
    board.told["log"] = {"lines": [{"at": UNIX - 600, "text": said}]}
    screen = io.StringIO()
    terminal = Console(file=screen, force_terminal=True, width=250)
    monkeypatch.setattr(migrate, "err", terminal)

    def after(now: float) -> None:
        board.told["clock"]["ms"] = int(now * 1000)
        if now > 3:
            board.peers[0]["state"] = "normal"

    shown: list[str] = []
    status = terminal.status

    def watched(text: str) -> Any:
        made = status(text)
        monkeypatch.setattr(made, "update", shown.append)
        return made

    monkeypatch.setattr(terminal, "status", watched)
    done = run([board], after=after)
    assert done.exit_code == 1 and "looking at the boards" in screen.getvalue()
    left = [int(found[1]) for line in shown if (found := re.search("MCLT .* ([0-9]+) s are left at most", line))]
    assert left[0] == 1200 and left[-1] == 1197 and left == sorted(left, reverse=True)


def test_a_board_that_is_silent_for_a_moment_does_not_end_a_long_wait(run: Any) -> None:
    board = loaded("A", "10.0.0.2", state="recover-wait")

    def after(now: float) -> None:
        if now > 600:
            board.peers[0]["state"] = "normal"

    done = run([board], after=after, silent=[100.0, 100.6])
    assert done.exit_code == 1 and "✓ board A is in normal" in done.stdout
    done = run([board], silent=[0.0])
    assert isinstance(done.exception, UserError) and done.exception.code == 2


def test_files_that_cannot_be_read_or_written_are_named(run: Any, tmp_path: Path) -> None:
    for words in (["--leases", str(tmp_path / "none")], ["--output", str(tmp_path / "none" / "x")]):
        done = run([loaded("A", "10.0.0.2")], *words)
        assert isinstance(done.exception, UserError) and words[1] in str(done.exception)


def test_the_whole_is_done_when_two_boards_agree(run: Any, tmp_path: Path) -> None:
    boards = [loaded(name, address, partner="Twinlease") for name, address in (("A", "10.0.0.2"), ("B", "10.0.0.3"))]
    done = run(boards, "--json", "--output", str(tmp_path / "boards.conf"))
    told = json.loads(done.stdout)
    assert done.exit_code == 0 and told["done"] and told["next"] == "twinlease doctor board-a board-b"
    assert (tmp_path / "boards.conf").read_text() == plan().text


def test_a_lost_lease_is_an_error_and_is_named(run: Any, tmp_path: Path) -> None:
    known = tmp_path / "dhcpd.leases"
    entry = "lease {} {{ starts 1 2026/11/23 04:00:00; ends never; binding state active; hardware ethernet 02:00:00:00:00:01; }}\n"
    known.write_text("".join(entry.format(address) for address in ("10.0.0.100", "10.0.0.101")))
    done = run([loaded("A", "10.0.0.2")], "--leases", str(known))
    assert done.exit_code == 1 and re.findall(r"lost: (\S+)", done.stdout) == ["10.0.0.101"]
    done = run([loaded("A", "10.0.0.2", state="recover")], "--leases", str(known), "--look")
    assert "lost:" not in done.stdout, "they are still to come"


def test_boards_are_asked_what_it_looks_at() -> None:
    assert set(migration.ASKED) <= set(facts.ASKED)
