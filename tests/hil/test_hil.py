"""Two boards on a bench, from an empty flash to a soak. Tests run in this order; each says what real boards need for it."""

from __future__ import annotations

import sys
import time

import pytest
from lab.timeservers import ask
from lab.wait import wait_for
from twinlease import VERSION

from .bench import LIMIT_S, Board, Client, Lease, wait_settled, while_running
from .plan import Plan
from .report import Record, median

EXCHANGES = 24
TOLERANCE_MS = 50
OFFSETS = 12
SOAK_CLIENTS = 30
UPGRADE = [sys.executable, "-m", "twinlease_host", "upgrade"]


def board_of(boards: list[Board], lease: Lease) -> tuple[Board, Board]:
    """Who gave it, and the other."""
    one, two = boards
    assert lease.server in (one.address, two.address), f"{lease} is from neither board"
    return (one, two) if lease.server == one.address else (two, one)


def holds(board: Board, lease: Lease) -> bool:
    """Tell whether the board has this address as somebody's."""
    return any(row["address"] == lease.address and row["state"] == "active" for row in board.show("leases"))


@pytest.mark.needs("BOARD")
def test_flash(boards: list[Board], flashed: list, record: Record) -> None:
    """Both boards are written by `twinlease flash`, start, and say which firmware they run."""
    for board, told in zip(boards, flashed, strict=True):
        assert told["version"] == VERSION == board.show("version")["version"]
        assert told["files"]["changed"] + told["files"]["unchanged"] > 20, told["files"]
    first = flashed[0]
    record.saw(f"{first['chip'] or first['board']}, MicroPython {first['micropython']}; leases: {first['leases']}")


def test_set_up(pair: list[Board], record: Record) -> None:
    """One dhcpd.conf goes to both over their consoles; they take opposite roles and reach NORMAL."""
    peers = [board.show("failover")[0] for board in pair]
    assert [peer["state"] for peer in peers] == ["normal", "normal"]
    assert {peer["role"] for peer in peers} == {"primary", "secondary"}
    assert all(board.show("config")["trial"] <= 0 for board in pair), "kept, not on trial"
    record.saw(f"pushed, confirmed, {len(pair)} boards in NORMAL")


@pytest.mark.needs("IFACE")
def test_lease(pair: list[Board], client: Client, record: Record) -> None:
    """Real udhcpc, as many machines: each gets an address of its own, and both boards know of each."""
    leases = [client.must(number) for number in range(1, EXCHANGES + 1)]
    assert len({lease.address for lease in leases}) == EXCHANGES
    wait_settled(pair)
    for board in pair:
        wait_for(
            lambda b=board: all(holds(b, one) for one in leases[-3:]), LIMIT_S, "both to know", board.describe, 0.2
        )
    record.lease_ms = {
        "DISCOVER to OFFER": [lease.offer_ms for lease in leases],
        "REQUEST to ACK": [lease.ack_ms for lease in leases],
    }
    shares = [sum(board_of(pair, lease)[0] is board for lease in leases) for board in pair]
    record.saw(
        f"{EXCHANGES} clients; OFFER in {median(record.lease_ms['DISCOVER to OFFER']):.1f} ms, "
        f"ACK in {median(record.lease_ms['REQUEST to ACK']):.1f} ms (medians); A gave {shares[0]}, B {shares[1]}"
    )


@pytest.mark.needs("IFACE")
def test_time(pair: list[Board], clock_server: str, client: Client, record: Record) -> None:
    """Both boards follow the clock server, and tell the time right to whoever asks them."""
    for board in pair:
        board.console.ask("clock ask")

        def right(b: Board = board) -> bool:
            clock = b.show("clock")
            left = (clock["offset_ms"], clock["slew_ms"])
            return clock["source"] == "sntp" and all(ms is not None and abs(ms) <= TOLERANCE_MS / 4 for ms in left)

        wait_for(right, LIMIT_S, f"board {board.name} to have the time", lambda b=board: str(b.show("clock")), 0.3)
        told = [ask(client.host, board.address, 10) for _ in range(OFFSETS)]
        record.offset_ms[board.name] = [one.offset_ms for one in told]
        best = min(told, key=lambda one: one.delay_ms)
        assert best.leap == 0 and abs(best.offset_ms) <= TOLERANCE_MS, best
    middle = {name: median(values) for name, values in record.offset_ms.items()}
    record.saw(
        f"{clock_server}; " + ", ".join(f"{name} is {ms:+.1f} ms off" for name, ms in middle.items()) + " (medians)"
    )


@pytest.mark.needs("IFACE", "POWER")
def test_takeover(pair: list[Board], client: Client, record: Record) -> None:
    """The board that serves a client loses its power: the other gives it the same address, and new clients theirs."""
    lease = client.must(1)
    wait_settled(pair)
    lost, other = board_of(pair, lease)
    zero = time.time()
    lost.power(False)
    record.takeover = [(lease.at - zero, lost.name)]

    def served(number: int) -> Lease | None:
        got = client.exchange(number, tries=1)
        if got is not None:
            assert got.server == other.address, f"{got}: that board is off"
            record.takeover.append((got.at - zero, other.name))
        return got

    try:
        again = wait_for(lambda: served(1), LIMIT_S, f"board {other.name} to take over", other.describe)
        assert again.address == lease.address, f"{again}, and it had {lease}"
        wait_for(lambda: other.show("failover")[0]["state"] == "communications-interrupted", LIMIT_S, "it to notice")
        for number in (2, 3, 101, 102, 103, 104):
            wait_for(lambda n=number: served(n), LIMIT_S, f"client {number} to be served", other.describe)
    finally:
        lost.power(True)
    record.gap_s = record.takeover[1][0]
    record.normal_s = wait_settled(pair)
    record.saw(
        f"board {lost.name} off; first ACK from {other.name} after {record.gap_s:.1f} s; "
        f"NORMAL {record.normal_s:.1f} s after power came back"
    )


@pytest.mark.needs("IFACE", "POWER")
def test_power_cut(pair: list[Board], client: Client, record: Record) -> None:
    """Both lose their power at once, right after an ACK: every client has its address again afterwards."""
    before = [client.must(number) for number in range(201, 209)]
    for board in pair:
        board.power(False)
    assert client.exchange(299, 1) is None, "a board without power answered"
    start = time.monotonic()
    for board in pair:
        board.power(True)
    for board in pair:
        wait_for(board.answers, LIMIT_S, f"board {board.name} to serve again", board.describe, 0.1)
    record.boot_s = time.monotonic() - start
    kept = [client.must(lease.client) for lease in before]
    assert [lease.address for lease in kept] == [lease.address for lease in before]
    wait_settled(pair)
    record.saw(
        f"{len(before)} of {len(before)} clients kept their address; both serve {record.boot_s:.1f} s after power"
    )


@pytest.mark.needs("IFACE")
def test_upgrade(pair: list[Board], client: Client, record: Record) -> None:
    """`twinlease upgrade` goes over the pair; clients that ask all the while are all served, with what they had."""
    had = {number: client.must(number).address for number in range(1, 5)}
    served: list[Lease] = []

    def turn() -> None:
        got = client.must(1 + len(served) % len(had))
        assert got.address == had[got.client], f"{got}, and it had {had[got.client]}"
        served.append(got)

    status, said = while_running([*UPGRADE, *(board.port for board in pair)], turn, 2 * LIMIT_S)
    assert status == 0, said
    wait_settled(pair)
    assert [board.show("version")["version"] for board in pair] == [VERSION, VERSION]
    record.saw(f"{len(served)} exchanges meanwhile, none refused, none with another address")


@pytest.mark.needs("IFACE")
def test_soak(pair: list[Board], client: Client, plan: Plan, record: Record) -> None:
    """Clients come and renew for SOAK= minutes: none is refused, no address changes, nobody restarts, the heap holds."""
    had: dict[int, str] = {}
    count = 0
    heard = {board.name: 0 for board in pair}
    start = time.monotonic()
    while time.monotonic() - start < plan.soak_s:
        lease = client.must(301 + count % SOAK_CLIENTS)
        assert had.setdefault(lease.client, lease.address) == lease.address, f"{lease} had {had[lease.client]}"
        count += 1
        if count % 10 == 1:
            for board in pair:
                free = board.show("memory")["free"]
                record.heap.setdefault(board.name, []).append((time.monotonic() - start, free / 1024))
                now = board.show("interfaces")["packets"]["received"]
                assert now >= heard[board.name], f"board {board.name} has started again"
                heard[board.name] = now
    assert len(set(had.values())) == len(had)
    wait_settled(pair)
    least = {name: min(free for _, free in samples) for name, samples in record.heap.items()}
    record.saw(f"{count} exchanges; least free heap " + ", ".join(f"{name} {kb:.0f} KB" for name, kb in least.items()))
