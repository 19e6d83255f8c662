"""perfdhcp's load: nothing lost, nothing refused, no address given twice, and the heap as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab import perf
from lab.capture import Capture, acknowledged_twice, judge
from lab.net import Lan
from lab.servers import Plan, Server, Twinlease
from lab.tools import require

SERVER = "10.77.0.2"
FIRST_USE = 4096
"""Octets of heap that the first packets may cost for good: the template of the options that they ask for, and the like.
A thousand leases as objects would cost thirty times as much."""


def test_500_exchanges_a_second_for_30_s_lose_nothing(kind: type[Server], tmp_path: Path) -> None:
    """200 clients, every ACK written: no drop, no reject, no address twice; tshark finds nothing wrong."""
    require("perfdhcp", "tshark")
    pcap = tmp_path / "wire.pcap"
    with Lan(direct=True) as lan:
        server_host, load_host = lan.host("srv", f"{SERVER}/16"), lan.host("load", "10.77.0.3/16")
        with kind(server_host, tmp_path / "server", Plan(count=250, extra="dhcp-cache-threshold 0;")) as server:
            with Capture(load_host, pcap):
                report = perf.finish(perf.load(load_host, tmp_path, SERVER, clients=200, rate=500, seconds=30))
            cost = server.live.cost()
    print(f"\n{server.name}: {report}; CPU {cost.cpu_s:.1f} s, resident {cost.resident_kib} KiB")
    assert report.offer.sent >= 14000, "perfdhcp itself did not get up to 500 exchanges a second: is the machine busy?"
    assert (report.offer.drops, report.ack.drops) == (0, 0), report.text
    assert (report.offer.rejected, report.ack.rejected, report.malformed) == (0, 0, 0), report.text
    assert not acknowledged_twice(pcap, SERVER)
    assert not judge(pcap, SERVER).complaints


def test_1000_clients_fill_a_pool_of_1000_twice_over_on_a_small_heap(tmp_path: Path) -> None:
    """All 1,000 get an address of their own, come back for it, and cost the heap nothing."""
    require("perfdhcp", "twinlease")
    free: list[int] = []
    with Lan(direct=True) as lan:
        server_host, load_host = lan.host("srv", f"{SERVER}/16"), lan.host("load", "10.77.0.3/16")
        with Twinlease(server_host, tmp_path / "server", Plan(count=1000)) as server:
            free.append(free_heap(server))
            given = []
            for turn in (1, 2):
                pcap = tmp_path / f"turn{turn}.pcap"
                with Capture(load_host, pcap):
                    load = perf.load(load_host, tmp_path, SERVER, clients=1000, rate=250, exchanges=1000, extra=("-u",))
                    report = perf.finish(load)
                free.append(free_heap(server))
                given.append(report)
                print(f"\nturn {turn}: {report}; free heap {free[-2]} -> {free[-1]}")
                assert not acknowledged_twice(pcap, SERVER)
            leases = server.ask("show leases json")
    for report in given:
        assert (report.offer.drops, report.ack.drops, report.ack.rejected) == (0, 0, 0), report.text
        assert (report.ack.received, report.ack.repeated) == (1000, 0), report.text
    print(f"free heap: {free}")
    assert len(active(leases)) == 1000
    assert free[2] >= free[1], f"the second turn cost heap: {free}"
    assert free[1] >= free[0] - FIRST_USE, f"the first turn cost more than what is made once: {free}"


def free_heap(server: Twinlease) -> int:
    """Free bytes of the board's heap after a collection."""
    return int(server.ask("show memory json")["free"])


def active(leases: object) -> list[dict[str, object]]:
    """The active ones among the console's leases."""
    rows = leases["leases"] if isinstance(leases, dict) else leases
    assert isinstance(rows, list)
    return [row for row in rows if row["state"] == "active"]


def test_perfdhcps_report_is_read_right() -> None:
    """The numbers that the other tests judge by."""
    text = (
        "***Rate statistics***\nRate: 297.812 4-way exchanges/second, expected rate: 300\n\nMalformed packets: 3\n"
        "***Statistics for: DISCOVER-OFFER***\nsent packets: 200\nreceived packets: 199\ndrops: 1\norphans: 0\n"
        "rejected leases: 0\nnon unique addresses: 5\n\nmin delay: 0.124 ms\navg delay: 0.261 ms\nmax delay: 1.873 ms\n"
        "***Statistics for: REQUEST-ACK***\nsent packets: 199\nreceived packets: 190\ndrops: 9\norphans: 2\n"
        "rejected leases: 4\nnon unique addresses: 0\n\nmin delay: 0.1 ms\navg delay: 0.2 ms\nmax delay: 0.9 ms\n"
    )
    report = perf.parse(text)
    assert (report.rate, report.malformed, report.offer.drops, report.ack.rejected) == (297.812, 3, 1, 4)
    assert report.offer.delay_ms == (0.124, 0.261, 1.873) and report.ack.orphans == 2
    assert report.lost == pytest.approx(0.05)
