"""`twinlease doctor` on what a pair of boards said (tests/data/pair.json), with one mistake put in at a time.

Each mistake must be the first thing that is named, with the command that mends it; and a pair without one is well.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from twinlease_host.pair import facts, findings
from twinlease_host.pair.facts import Facts
from twinlease_host.pair.findings import Finding
from typer.testing import CliRunner

from boards import CONFIG, Board, tool

RECORD = Path(__file__).parents[1] / "data" / "pair.json"


@pytest.fixture
def pair() -> list[Facts]:
    """Two boards in NORMAL, one lease, one dhcpd.conf."""
    found = facts.load(RECORD.read_text())
    for board in found:
        board.port = f"pair/board-{board.name.lower()}"
    return found


def first(boards: list[Facts], code: str) -> Finding:
    """The finding, which must be the first, for an error or warning that is not there without the mistake."""
    found = findings.look(boards)
    assert found and found[0].code == code, found
    return found[0]


def test_a_pair_that_is_well_has_no_findings(pair: list[Facts]) -> None:
    assert findings.look(pair) == []
    assert findings.look(pair[:1]) == []


def test_wrong_board(pair: list[Facts]) -> None:
    pair[1].interfaces[0]["address"] = "10.77.0.9/16"
    pair[1].told["failover"] = []
    told = first(pair, "wrong-board")
    assert "partner of board A is 10.77.0.3" in told.says and "10.77.0.9" in told.says
    assert "is pair/board-b the right board?" in told.mend


def test_a_board_that_is_neither_server_of_its_peer_block(pair: list[Facts]) -> None:
    pair[0].interfaces[0]["address"] = "10.77.0.9/16"
    told = first(pair[:1], "wrong-board")
    assert "neither" in told.says and "10.77.0.2 and 10.77.0.3" in told.says


def test_swapped_ports(pair: list[Facts]) -> None:
    pair.reverse()
    told = first(pair, "swapped-ports")
    assert told.mend == "twinlease doctor pair/board-a pair/board-b"


def test_the_same_port_twice(pair: list[Facts]) -> None:
    told = first([pair[0], copy.deepcopy(pair[0])], "same-board")
    assert "twinlease status" in told.mend


def test_both_primary(pair: list[Facts]) -> None:
    pair[1].peers[0]["role"] = "primary"
    for board in pair:
        board.peers[0].update(linked=False, state="communications-interrupted", partner=None)
    told = first(pair, "both-primary")
    assert "refuse each other" in told.says and "write secondary; in that of board B" in told.mend


def test_different_configurations(pair: list[Facts]) -> None:
    text = pair[1].config or ""
    pair[1].told["config"]["text"] = text.replace("10.77.0.53", "10.77.0.54")
    told = first(pair, "different-config")
    assert "line 8" in told.says and "domain-name-servers 10.77.0.53" in told.says
    assert told.mend.startswith("twinlease config diff pair/board-a pair/board-b")


def test_the_boards_own_complaint_about_a_difference(pair: list[Facts]) -> None:
    pair[0].peers[0]["differences"] = ["mclt differs: compare it in failover peer office"]
    assert "mclt differs" in first(pair, "differences").says


def test_wrong_netmask(pair: list[Facts]) -> None:
    pair[0].interfaces[0]["address"] = "10.77.0.2/24"
    told = first(pair[:1], "wrong-netmask")
    assert "255.255.255.0" in told.says and "netmask 255.255.0.0" in told.says and "10.77.0.2/16" in told.mend


def test_netmasks_of_a_pair_that_do_not_agree(pair: list[Facts]) -> None:
    pair[0].interfaces[0]["address"] = "10.77.0.2/25"
    for board in pair:
        board.told["config"]["text"] = ""
    told = [one for one in findings.look(pair) if one.code == "wrong-netmask"]
    assert told and "one of the two has the wrong netmask" in told[0].says


@pytest.mark.parametrize("days", [-1, 1])
def test_clock_off_by_a_day(pair: list[Facts], days: int) -> None:
    for board in pair:
        board.asked_at += days * 86400
    told = first(pair, "clock-off")
    assert f"24 hours {'behind' if days > 0 else 'ahead of'} this PC's" in told.says and "ntp server" in told.mend
    pair[0].clock["servers"] = [{"server": "10.0.0.5", "followed": False, "last": "no answer"}]
    assert "clock ask" in first(pair[:1], "clock-off").mend


def test_clocks_of_a_pair_that_are_apart(pair: list[Facts]) -> None:
    pair[0].peers[0]["skew"] = 86400
    pair[1].peers[0]["skew"] = -86400
    assert "24 hours ahead of that of board A" in first(pair, "clocks-apart").says


def test_cable_out(pair: list[Facts]) -> None:
    pair[1].interfaces[0]["connected"] = False
    for board in pair:
        board.peers[0].update(linked=False, state="communications-interrupted", partner_down_in=582)
    found = findings.look(pair)
    assert found[0].code == "cable-out" and found[0].who == "board B" and "plug the cable in" in found[0].mend
    away = [one for one in found if one.code == "partner-away" and one.who == "board A"]
    assert away and "takes over in 10 minutes" in away[0].says and "partner-down office yes" in away[0].mend


def test_flash_full(pair: list[Facts]) -> None:
    pair[0].flash["free_blocks"] = 0
    told = first(pair, "flash-full")
    assert told.severity == "error" and "ranges smaller" in told.mend


def test_flash_too_small_for_the_ranges(pair: list[Facts]) -> None:
    del pair[0].told["pools"], pair[0].told["failover"]
    pair[0].last_trial = "256 KiB of flash are too little for 4000 leases: they hold 1800; make the ranges smaller"
    assert "too little for 4000 leases" in first(pair[:1], "flash-full").says


def test_old_firmware_on_one_side(pair: list[Facts]) -> None:
    pair[0].told["version"]["version"] = "0.10.0"
    pair[1].told["version"]["version"] = "0.9.1"
    told = first(pair, "old-firmware")
    assert told.says == "board B has firmware 0.9.1, board A has 0.10.0" and "board A serves" in told.mend
    assert told.mend.startswith("stop the virtual board")
    pair[1].told["version"]["board"] = "esp32"
    assert first(pair, "old-firmware").mend.startswith("twinlease upgrade pair/board-a pair/board-b;")


def test_pool_exhausted(pair: list[Facts]) -> None:
    for board in pair:
        board.pools[0].update(free=0, backup=0, active=50)
    told = first(pair, "pool-exhausted")
    assert "no address of 50 is free" in told.says and "twinlease leases list" in told.mend


def test_an_own_share_that_is_used_up_while_the_partner_is_away(pair: list[Facts]) -> None:
    pair[0].pools[0].update(free=0, backup=24, active=26)
    pair[0].peers[0].update(linked=False, state="communications-interrupted")
    found = [one for one in findings.look(pair) if one.code == "share-exhausted"]
    assert [one.who for one in found] == ["board A"] and "partner-down office yes" in found[0].mend


def test_a_new_board(pair: list[Facts]) -> None:
    pair[0].told = {what: pair[0].told[what] for what in ("version", "interfaces", "clock", "flash", "memory")}
    assert first(pair[:1], "no-configuration").mend == "twinlease config push dhcpd.conf pair/board-a"


def test_a_configuration_that_the_board_cannot_read(pair: list[Facts]) -> None:
    del pair[0].told["pools"], pair[0].told["failover"]
    pair[0].told["config"]["text"] = "authoritative;\nsubnett 10.0.0.0 netmask 255.0.0.0 { }\n"
    assert "line 2" in first(pair[:1], "bad-configuration").says


def small(change: Callable[[Facts], object], board: Facts) -> list[str]:
    """The codes found after a change."""
    change(board)
    return [one.code for one in findings.look([board])]


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("on-trial", lambda board: board.told["config"].update(trial=5)),
        ("memory-short", lambda board: board.memory.update(free=3000)),
        ("unsent", lambda board: board.packets.update(sent=3, unsent=40)),
        ("paused", lambda board: board.peers[0].update(state="paused", serves=False)),
        ("pool-low", lambda board: board.pools[0].update(free=2, backup=1)),
        ("clock-guessed", lambda board: board.clock.update(trusted=False)),
        ("no-network", lambda board: board.told["interfaces"].update(interfaces=[])),
        ("wrong-subnet", lambda board: board.interfaces[0].update(address="192.168.1.2/24")),
        ("flash-worn", lambda board: board.flash.update(worn_most=90000)),
    ],
)
def test_lesser_things(pair: list[Facts], code: str, change: Callable[[Facts], object]) -> None:
    assert code in small(change, pair[0])


def test_the_command_replays_a_record(tmp_path: Path) -> None:
    from twinlease_host.cli import app

    done = CliRunner().invoke(app, ["doctor", "--replay", str(RECORD)])
    assert done.exit_code == 0 and "all is well" in done.stdout
    told = json.loads(RECORD.read_text())
    told["boards"][0]["told"]["interfaces"]["interfaces"][0]["connected"] = False
    broken = tmp_path / "pair.json"
    broken.write_text(json.dumps(told))
    done = CliRunner().invoke(app, ["doctor", "--replay", str(broken), "--json"])
    assert done.exit_code == 1
    assert [one["code"] for one in json.loads(done.stdout)["findings"]] == ["cable-out"]


def test_a_port_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = tool("doctor", str(tmp_path / "ttyUSB7"))
    assert done.returncode == 2 and "cannot open" in done.stderr and "twinlease status" in done.stderr


def test_a_real_board_with_a_wrong_netmask_and_a_clock_a_day_ahead(board: Board) -> None:
    board.config.write_text(CONFIG.replace("255.255.0.0", "255.255.254.0"))
    board.boot("--rtc-offset", "86400")
    done = tool("doctor", str(board.folder), "--json")
    found = {one["code"]: one for one in json.loads(done.stdout)["findings"]}
    assert done.returncode == 1 and set(found) == {"wrong-netmask", "clock-off"}, found
    assert "10.77.0.2/16" in found["wrong-netmask"]["says"] and "10.77.0.2/23" in found["wrong-netmask"]["mend"]
    assert "24 hours ahead of this PC's" in found["clock-off"]["says"]
