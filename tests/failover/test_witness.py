"""The witness and the judge at work on real servers: two dhcpds that share a range, and do not know of each other."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from lab.packet import NAK
from lab.servers import Isc
from lab.site import Site
from lab.stations import Stations, Unanswered
from lab.tools import require
from lab.verdict import Rules, Verdict
from lab.wait import wait_for
from lab.witness import Witness

CONFIG = """authoritative;
ddns-update-style none;
ping-check false;
default-lease-time 300;
max-lease-time 300;
subnet 10.53.0.0 netmask 255.255.0.0 { range 10.53.1.0 10.53.1.7; }
"""


def test_two_servers_that_do_not_speak_are_caught(tmp_path: Path) -> None:
    """An address for two clients, a client refused what it holds, a lease that no partner has agreed to: all are seen."""
    require("dhcpd")
    with Site() as site, Witness({at: site.outside(at) for at in "ab"}) as witness, Stations(site) as clients:
        site.cut_trunk()
        one, other = (Isc(site.servers[at], tmp_path / at, config=CONFIG, core=None) for at in "ab")
        with one, other:
            clients.obtain([1, 2], at="a")
            clients.obtain([3, 4], at="b")
            site.mend_trunk()
            with suppress(Unanswered):  # whichever it hears first
                clients.reboot([1])
            wait_for(
                lambda: bool(witness.answers(NAK)), 10, "a NAK by the server that gave the address to somebody else"
            )
        address = clients.leases[1].address
    said = Verdict(Rules(lease_s=300, mclt_s=60)).judge(witness.heard())
    assert any("holds it for another" in line for line in said), said
    assert any(f"refused {address}" in line for line in said), said
    assert any("at most 60.0 s are allowed" in line for line in said), said
