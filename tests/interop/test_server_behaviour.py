"""Twinlease answers as ISC dhcpd does: the same conversations with both, compared answer by answer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lab.capture import Capture, judge
from lab.difference import compare
from lab.net import Lan
from lab.play import Line, Play
from lab.raw import Raw
from lab.servers import Isc, Server, Twinlease
from lab.tools import require
from scenarios import SCENARIOS, Scenario

SERVER = "10.77.0.2"

OVERFLOW = "no end is no end: dhcpd's clock ends in 2038 and it promises what is left until then"
COOKIELESS = (
    "a client of RFC 951 does not read the vendor field; filling it needs no second template (always-reply-rfc1048)"
)
BOOT_SERVER = "RFC 951: the answering server is the boot server; dhcpd says so to reserved hosts only"
FREED = (
    "the client has moved to another address by INIT-REBOOT: the first is free, as the statement says; dhcpd keeps both"
)

DELIBERATE: dict[str, dict[str, str]] = {
    "a_client_that_chose_another_server": {
        "request to another server": "RFC 2131 4.3.2: naming another server declines our offer; dhcpd acknowledges"
    },
    "leases_for_ever": {
        "no wish: DISCOVER": OVERFLOW,
        "no wish: REQUEST": OVERFLOW,
        "for ever: DISCOVER": OVERFLOW,
        "for ever: REQUEST": OVERFLOW,
    },
    "bootp_clients_are_served": {
        "bootp without a cookie": COOKIELESS,
        "bootp, from the pool": BOOT_SERVER,
        "bootp, the same again": BOOT_SERVER,
    },
    "a_requested_address_is_given_if_it_is_free": {
        "a holder asks for another": "RFC 2131 4.3.1: a client's own lease comes before the address that it asks for"
    },
    "one_lease_per_client_frees_the_others": {
        "discover": FREED,
        "client 4": FREED,
    },
}
"""By scenario and step: why Twinlease's answer is another one than dhcpd's, on purpose."""

ANY_ORDER = frozenset({"no list: DISCOVER", "no list: REQUEST"})


def hold(scenario: Scenario, kind: type[Server], where: Path) -> tuple[list[Line], Path]:
    """Hold the conversation with one server; returns its transcript and the capture."""
    where.mkdir()
    pcap = where / "wire.pcap"
    with Lan() as lan:
        server_host, client_host = lan.host("srv", f"{SERVER}/16"), lan.host("cli")
        with (
            kind(server_host, where / "server", config=scenario.config) as server,
            Capture(client_host, pcap),
            Raw(client_host, server_host.mac) as raw,
        ):
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
    """Each server does what the scenario asserts, and their answers are equal but for deliberate differences."""
    require("dhcpd", "tshark")
    theirs, _ = hold(scenario, Isc, tmp_path / "isc")
    if os.environ.get("LAB_SERVER") == "isc":
        pytest.skip("LAB_SERVER=isc: held with dhcpd only")
    require("twinlease")
    ours, pcap = hold(scenario, Twinlease, tmp_path / "twinlease")
    differing = compare(ours, theirs, DELIBERATE.get(scenario.name, {}), ANY_ORDER)
    complaints = judge(pcap, SERVER).complaints
    assert not complaints, complaints
    assert not differing, f"other answers than dhcpd's, printed above: {differing}"
