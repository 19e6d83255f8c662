"""The reader of failover logs: it passes what is normal, and finds what is not. No root is needed."""

from __future__ import annotations

import pytest
from lab.failover_log import Explained, complaints

DUEL = "bind update on 10.53.1.7 from fo-lab rejected: incoming update is less critical than outgoing update\n"
OVERTAKEN = "bind update on 10.53.1.7 got ack from fo-lab: xid mismatch.\n"
NORMAL = "failover peer fo-lab: I move from recover-done to normal\n"
LOST = "peer fo-lab: disconnected\n"


def find(log: str, **known: object) -> list[str]:
    return complaints(log.encode(), Explained(**known))  # type: ignore[arg-type]


def test_what_is_normal() -> None:
    assert not find("failover peer fo-lab: I move from startup to potential-conflict\nDHCPACK on 10.53.1.7\n" + NORMAL)
    assert not find("Config file: /tmp/an-invalid-conflict/dhcpd.conf\n")
    assert not find("vboard: power on, eth0 10.53.0.1/16 in namespace n, console /tmp/an-invalid-conflict/serial\n")


@pytest.mark.parametrize(
    "line",
    [
        "bind update on 10.53.1.7 from fo-lab rejected: 10.53.1.7: invalid state transition: active to free\n",
        "bind update on 10.53.1.7 from fo-lab rejected: unknown IP address\n",
        "Failover CONNECT to fo-lab rejected: time offset too large\n",
        "failover peer fo-lab: Invalid state: 77\n",
        "timeout waiting for failover peer fo-lab\n",
        "Traceback (most recent call last):\n",
        "vboard: crash (exit status 1)\n",
        LOST,
    ],
)
def test_what_is_not(line: str) -> None:
    assert find(NORMAL + line) == [line.rstrip()]


def test_duels_of_a_cold_start_and_of_addresses_that_both_acknowledged() -> None:
    assert not find(DUEL + NORMAL)
    assert find(NORMAL + DUEL)
    assert not find(NORMAL + DUEL, heard_by_both={"10.53.1.7"})
    assert find(NORMAL + DUEL, heard_by_both={"10.53.1.8"})


def test_what_a_test_is_about() -> None:
    offset = "failover: disconnect: time offset too large\n"
    assert find(offset) and not find(offset, expected=["time offset too large"])
    assert find(offset + LOST, expected=["time offset too large"]) == [LOST.rstrip()]


def test_an_update_that_was_overtaken() -> None:
    assert find(NORMAL + OVERTAKEN)
    assert not find(NORMAL + OVERTAKEN, changed_twice={"10.53.1.7"})


def test_the_end_of_a_lease_that_the_partner_has_prolonged() -> None:
    stale = "bind update on 10.53.1.7 from fo-lab rejected: invalid state transition\n"
    assert find(NORMAL + stale)
    assert not find(NORMAL + stale, acknowledged_apart={"10.53.1.7"})


def test_a_lost_link_is_explained_while_there_is_trouble() -> None:
    log = NORMAL + LOST + NORMAL
    assert not find(log, troubles=[[len(NORMAL), len(NORMAL) + 1]])
    assert find(log, troubles=[[0, len(NORMAL)]])
    assert find(log, troubles=[[len(NORMAL) + 1, 9999]])
