"""Two boards without a clock: one server for both, or for one only, or for none; their skew is shown, and small."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from lab.pair import Pair, Terms
from lab.sides import BoardSide, Side
from lab.timeservers import Chronyd, best
from lab.tools import require
from lab.wait import wait_for

SERVER = "10.53.0.3"  # the host of the clients at switch a
UNIX_2020 = 1577836800
TOLERANCE_MS = 20


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """Two boards without a clock that are told of a time server, and serve time."""
    require("chronyd")
    monkeypatch.setenv("LAB_HEAP", "448K")
    terms = Terms(pool=20, mclt_s=10, top=f"ntp server {SERVER};\nntp serve true;")
    with Pair("board", "board", tmp_path, terms) as made:
        for side in made.sides:
            board(side).board.rtc = None
        yield made


@pytest.fixture
def chronyd(pair: Pair, tmp_path: Path) -> Iterator[Chronyd]:
    """On the clients' host; not yet running."""
    made = Chronyd(pair.site.clients["a"], tmp_path / "chronyd")
    yield made
    made.stop()


def board(side: Side) -> BoardSide:
    assert isinstance(side, BoardSide)
    return side


def clock(side: Side) -> dict[str, Any]:
    return board(side).show("clock")


def wait_clock(side: Side, what: str, look: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    def seen() -> dict[str, Any] | None:
        now = clock(side)
        return now if look(now) else None

    return wait_for(seen, 60, f"{what} at {side}", lambda: json.dumps(clock(side)), glance_s=0.3)


def settled(clock: dict[str, Any]) -> bool:
    """It has found little to correct, and has corrected what it found before: a busy machine's first answers are slow."""
    return abs(clock["offset_ms"]) <= TOLERANCE_MS and abs(clock["slew_ms"]) <= TOLERANCE_MS // 4


def off_s(side: Side) -> float:
    """By how much the board's clock is ahead of this machine's."""
    told = clock(side)
    return time.mktime(time.strptime(told["utc"] + " UTC", "%Y-%m-%d %H:%M:%S %Z")) - time.timezone - time.time()


def test_two_boards_without_a_clock_that_have_a_server(pair: Pair, chronyd: Chronyd) -> None:
    chronyd.start()
    pair.start()
    for side, address in zip(pair.sides, ("10.53.0.1", "10.53.0.2"), strict=True):
        wait_clock(side, "time from the server", lambda c: c["source"] == "sntp")
        board(side).ask("clock ask")
        wait_clock(side, "the quickest of its answers", settled)
        told = best(pair.site.clients["b"], address)
        assert told.leap == 0 and abs(told.offset_ms) <= TOLERANCE_MS, told
    for side in pair.sides:
        wait_clock(side, "clocks that agree", lambda c: [p["skew"] for p in c["partners"]] == [0])
        assert board(side).facts()["skew"] == 0
    pair.clients.obtain(range(1, 9))


def test_one_that_has_no_server_takes_its_partners_time_and_follows_it(pair: Pair, chronyd: Chronyd) -> None:
    """The time comes when the link stands for long: no hand-shake tells of it. Until then both go on without."""
    pair.site.servers["b"].ip("rule", "add", "pref", "1", "ipproto", "udp", "dport", "123", "blackhole")
    pair.start()
    for side in pair.sides:
        assert clock(side)["source"] in ("none", "journal")
    pair.clients.obtain(range(1, 5))
    chronyd.start()
    board(pair.primary).ask("clock ask")
    wait_clock(pair.primary, "time from the server", lambda c: c["source"] == "sntp")
    found = wait_clock(pair.secondary, "the partner's word", lambda c: c["source"] == "partner")
    assert found["servers"][0]["last"] in ("there is no way to it", "no answer")
    assert abs(off_s(pair.secondary)) < 4
    wait_clock(pair.secondary, "clocks that agree", lambda c: abs(c["partners"][0]["skew"]) <= 2)
    pair.clients.obtain(range(5, 9))
    pair.wait_agreed()
    leases = [one for side in pair.sides for one in side.leases().values() if one.state == "active"]
    assert len(leases) == 16 and all(0 < one.ends - time.time() < 310 for one in leases)
    assert best(pair.site.clients["a"], "10.53.0.2").leap == 3, "a partner's word is none to pass on"
