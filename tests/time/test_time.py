"""A board keeps time by servers that are real chronyds, or that fail in every way, and serves its clients all the while."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from conftest import BOARD, CLIENT, LEASE_S, SERVERS, TOLERANCE_MS, Board, Insistent, Office
from lab.daemon import Daemon
from lab.net import udp_port_is_open
from lab.timeservers import Chronyd, ask, best
from lab.tools import require, run
from lab.wait import wait_for

YEAR_S = 365 * 86400


def check_time(office: Office, board: Board) -> None:
    """The board's own figure, and what it tells an SNTP client, are within tolerance of this machine's clock."""
    clock = board.wait("little to correct", settled)
    assert clock["source"] == "sntp", clock
    told = best(office.client, BOARD)
    assert told.leap == 0 and abs(told.offset_ms) <= TOLERANCE_MS, (told, clock)
    within = told.root_delay_ms / 2 + told.root_dispersion_ms + told.delay_ms / 2 + 2
    assert abs(told.offset_ms) <= within, f"it claims to be better than it is: {told}"


def settled(clock: dict[str, Any]) -> bool:
    """It has found little to correct, and has corrected what it found before: a busy machine's first answers are slow."""
    return abs(clock["offset_ms"]) <= TOLERANCE_MS and abs(clock["slew_ms"]) <= TOLERANCE_MS // 4


def check_leases(board: Board) -> None:
    """Each lease lasts as long as its client was promised, by the clock as it is now."""
    now = run(["date", "+%s"]).stdout
    for lease in board.show("leases"):
        assert lease["state"] != "active" or 0 < lease["ends"] - int(now) <= LEASE_S + 2, lease


def test_a_board_without_a_clock_gets_the_time_and_tells_it(office: Office, insistent: Insistent) -> None:
    """Also by real clients: chronyd asks the board; and tshark finds nothing wrong with any of its packets."""
    office.chronyd("a", stratum=3)
    with office.capture() as capture, insistent:
        board = office.boot("a")
        clock = board.wait_followed("a")
        assert clock["stratum"] == 4 and clock["trusted"] and "before: none" in board.log()
        check_time(office, board)
        asked = run(
            ["ip", "netns", "exec", office.client.netns, "chronyd", "-Q", "-t", "20", f"server {BOARD} iburst"],
            check=False,
        )
        wrong = re.search(r"System clock wrong by (-?[0-9.]+) seconds", asked.stdout + asked.stderr)
        assert wrong and abs(float(wrong[1])) * 1000 <= TOLERANCE_MS, asked.stdout + asked.stderr
        check_leases(board)
        assert board.clock()["serves"]["answered"] >= 4
    packets = json.loads(
        run(["tshark", "-r", capture.path, "-Y", f"ntp && ip.src == {BOARD}", "-T", "json", "-V"]).stdout
    )
    assert len(packets) >= 8
    for one in packets:
        layers = one["_source"]["layers"]
        assert "_ws.malformed" not in layers and "_ws.expert" not in json.dumps(layers["ntp"]), layers
    modes = [one["_source"]["layers"]["ntp"]["ntp.flags_tree"]["ntp.flags.mode"] for one in packets]
    assert set(modes) == {"3", "4"}


@pytest.mark.parametrize("years", [1, -1])
def test_a_clock_wrong_by_a_year_is_set_right_and_so_are_its_leases(
    office: Office, insistent: Insistent, years: int
) -> None:
    with insistent:
        board = office.boot("a", rtc=years * YEAR_S)
        wait_for(lambda: len(insistent.addresses) > 2, 60, "the client to be served by the wrong clock")
        office.chronyd("a")
        board.ask("clock ask")
        board.wait_followed("a")
        check_time(office, board)
        check_leases(board)
        if years > 0:
            assert re.search(f"Time from sntp, {YEAR_S} s earlier .*before: rtc|{YEAR_S - 1} s earlier", board.log())


def test_servers_come_and_go(office: Office, insistent: Insistent) -> None:
    a, b = office.chronyd("a", stratum=2), office.chronyd("b", stratum=5)
    with insistent:
        board = office.boot("a b")
        board.wait("both to have answered", lambda c: all(s["reach"] for s in c["servers"]))
        gone = next(name for name in "ab" if board.clock()["servers"]["ab".index(name)]["followed"])
        left = "b" if gone == "a" else "a"
        {"a": a, "b": b}[gone].stop()
        for _ in range(2):
            board.ask("clock ask")
            board.wait("the round to be over", lambda c: not any(s["next_s"] < 3 for s in c["servers"]))
        board.wait("silence to be noticed", lambda c: any(s["last"] == "no answer" for s in c["servers"]))
        board.wait_followed(left)
        check_time(office, board)
        assert f"Time server {SERVERS[gone]}: no answer" in board.log()
        {"a": a, "b": b}[left].stop()
        board.ask("clock ask")
        board.wait("nobody to answer", lambda c: all(s["last"] == "no answer" for s in c["servers"]))
        check_time(office, board)  # it has its milliseconds still
        {"a": a, "b": b}[gone].start()
        board.ask("clock ask")
        board.wait_followed(gone)
        assert f"Time server {SERVERS[gone]}: answers again" in board.log()


def test_one_that_lies_is_outvoted_and_said_so(office: Office, insistent: Insistent) -> None:
    office.chronyd("a")
    office.chronyd("b")
    liar = office.mock("c")
    liar.ahead_s = 3600
    with insistent:
        board = office.boot("c a b")
        board.wait("the liar to be outvoted", lambda c: "disagrees" in c["servers"][0]["last"])
        check_time(office, board)
        liar.ahead_s = -YEAR_S
        board.ask("clock ask")
        board.wait(
            "another lie", lambda c: "disagrees" in c["servers"][0]["last"] or "cannot be" in c["servers"][0]["last"]
        )
        check_time(office, board)
        assert f"Time server {SERVERS['c']}: it disagrees with the others" in board.log()
        check_leases(board)


def test_a_lone_server_that_begins_to_lie_is_not_believed(office: Office, insistent: Insistent) -> None:
    lone = office.mock("a")
    with insistent:
        board = office.boot("a")
        board.wait_followed("a")
        check_time(office, board)
        lone.ahead_s = 7200
        board.ask("clock ask")
        board.wait("the jump to be refused", lambda c: "jumped" in c["servers"][0]["last"])
        check_time(office, board)
        lone.ahead_s = 0
        board.ask("clock ask")
        board.wait("it to be believed again", lambda c: c["servers"][0]["last"] == "good")
        check_time(office, board)


def test_answers_that_do_not_count_and_why(office: Office, insistent: Insistent) -> None:
    """A board without a clock stays without, says why, and tells its own clients that it has none."""
    server = office.mock("a")
    server.late_s = 3
    with insistent:
        board = office.boot("a")
        board.wait("a late answer", lambda c: "too late" in c["servers"][0]["last"])
        clock = board.clock()
        assert clock["source"] in ("none", "journal") and not clock["trusted"]
        told = ask(office.client, BOARD)
        assert (told.leap, told.stratum, told.reference) == (3, 0, b"INIT")
        server.late_s, server.forge_origin = 0, True
        board.ask("clock ask")
        board.wait("a forged answer", lambda c: "no question of ours" in c["servers"][0]["last"])
        server.forge_origin = False
        for first, stratum, reference, words in (
            (0xE4, 2, b"MOCK", "not synchronised"),
            (0x24, 16, b"MOCK", "stratum is 16"),
            (0x24, 0, b"STEP", "stratum 0"),
            (0x26, 2, b"MOCK", "none of a time server"),
            (0x24, 0, b"RATE", "less often"),
        ):
            server.first, server.stratum, server.reference = first, stratum, reference
            board.ask("clock ask")
            board.wait(words, lambda c, words=words: words in c["servers"][0]["last"])
        assert not board.clock()["trusted"]
        assert board.clock()["servers"][0]["next_s"] > 64, "it wants to be asked less often"


def test_one_that_does_not_want_to_be_asked_is_not_asked(office: Office) -> None:
    server = office.mock("a")
    server.stratum, server.reference = 0, b"DENY"
    office.chronyd("b", stratum=0)  # real, and not synchronised
    board = office.boot("a b")
    board.wait("both refusals", lambda c: "does not want" in c["servers"][0]["last"] and c["servers"][1]["reach"] == 0)
    board.wait("an unsynchronised chronyd", lambda c: "not synchronised" in c["servers"][1]["last"])
    assert board.clock()["servers"][0]["next_s"] is None and len(server.asked) == 1
    board.ask("clock ask")
    board.wait("another round", lambda c: c["servers"][1]["next_s"] > 10)
    assert len(server.asked) == 1 and not board.clock()["trusted"]


def test_a_server_known_by_its_name_is_looked_up(office: Office, insistent: Insistent) -> None:
    start_dns(office)
    office.chronyd("a")
    with insistent:
        board = office.boot("time.example", f"option domain-name-servers {CLIENT};")
        board.wait_followed("time.example")
        assert board.clock()["servers"][0]["address"] == SERVERS["a"]
        check_time(office, board)


def start_dns(office: Office) -> None:
    """A DNS server on the client's host that knows one name."""
    require("dnsmasq")
    words = ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root"]
    words += ["--log-facility=-", f"--address=/time.example/{SERVERS['a']}", f"--pid-file={office.where}/dns.pid"]
    daemon = Daemon("dnsmasq", words, office.where / "dns.log", office.client)
    office.at_end(daemon.stop)
    wait_for(lambda: udp_port_is_open(office.client.netns, 53), 60, "dnsmasq's port", daemon.tail)


def test_chronyds_own_word_for_an_unsynchronised_server(office: Office) -> None:
    """The yardstick of what we answer before we have the time: chronyd's own clients treat it like ours."""
    alone = Chronyd(office.hosts["a"], office.where / "alone", 0).start()
    try:
        assert ask(office.client, SERVERS["a"]).leap == 3
    finally:
        alone.stop()
