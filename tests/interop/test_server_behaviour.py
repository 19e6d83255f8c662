"""Twinlease answers as ISC dhcpd does: the same conversations with both, compared answer by answer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from scenarios import SCENARIOS, Scenario

from lab.capture import Capture, judge
from lab.net import Lan
from lab.play import Line, Play
from lab.raw import Raw
from lab.servers import Isc, Server, Twinlease
from lab.tools import require

SERVER = "10.77.0.2"

DELIBERATE: dict[tuple[str, str], str] = {}
"""(scenario, step): why Twinlease's answer is another one than dhcpd's, on purpose. A star for the step means all."""


def hold(scenario: Scenario, kind: type[Server], where: Path) -> tuple[list[Line], Path]:
    """Hold the conversation with one server; returns its transcript and the capture."""
    where.mkdir()
    pcap = where / "wire.pcap"
    with Lan() as lan:
        server_host, client_host = lan.host("srv", f"{SERVER}/16"), lan.host("cli")
        with kind(server_host, where / "server", config=scenario.config) as server, Capture(client_host, pcap):
            with Raw(client_host, server_host.mac) as raw:
                play = Play(raw, SERVER)
                try:
                    scenario.tell(play)
                except BaseException:
                    print(f"--- {kind.name}\n" + "\n".join(f"{line.step}: {line.answer}" for line in play.lines))
                    print(server.live.tail(20))
                    raise
    return play.lines, pcap


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[s.name for s in SCENARIOS])
def test_twinlease_and_dhcpd_agree(scenario: Scenario, tmp_path: Path) -> None:
    """Each server by itself does what the scenario asserts; then their answers are equal, but for deliberate differences."""
    require("dhcpd", "tshark")
    theirs, _ = hold(scenario, Isc, tmp_path / "isc")
    if os.environ.get("LAB_SERVER") == "isc":
        pytest.skip("LAB_SERVER=isc: held with dhcpd only")
    require("twinlease")
    ours, pcap = hold(scenario, Twinlease, tmp_path / "twinlease")
    differing = []
    for our, their in zip(ours, theirs, strict=True):
        if our.answer == their.answer:
            continue
        why = DELIBERATE.get((scenario.name, our.step)) or DELIBERATE.get((scenario.name, "*"))
        print(f"{our.step}\n  Twinlease: {our.answer}\n  dhcpd:     {their.answer}\n  why: {why or 'NOT KNOWN'}")
        if why is None:
            differing.append(our.step)
    complaints = judge(pcap, SERVER).complaints
    assert not complaints, complaints
    assert not differing, f"other answers than dhcpd's, printed above: {differing}"
