"""The measurements of the bench work, with every kind of pair. What they measure is printed, not judged: -s shows it."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab import failover_times
from lab.tools import require


@pytest.fixture(autouse=True)
def root() -> None:
    require("dhcpd", "omshell", "twinlease")


def test_two_fresh_servers_reach_normal(kinds: tuple[str, str], tmp_path: Path) -> None:
    fresh = failover_times.fresh_to_normal(*kinds, tmp_path)
    print(fresh)
    assert all(one.from_power_on_s >= one.from_serving_s for one in fresh)


def test_a_server_with_leases_gets_a_partner(kinds: tuple[str, str], tmp_path: Path) -> None:
    joined, restarted = failover_times.leases_to_normal(*kinds, tmp_path, leases=50)
    print(joined, restarted)
    assert joined.from_power_on_s >= joined.from_serving_s


@pytest.mark.parametrize("fault", ["hang", "cable"])
def test_new_clients_are_served_while_the_partner_is_gone(kinds: tuple[str, str], tmp_path: Path, fault: str) -> None:
    orphans = failover_times.new_clients_after(fault, *kinds, tmp_path)
    print(orphans)
    assert sum(one.of_victim for one in orphans.clients) == 20
    assert sum(one.asked_s >= failover_times.LATER_S for one in orphans.clients) == 20


def test_as_many_clients_as_addresses_are_all_served(kinds: tuple[str, str], tmp_path: Path) -> None:
    crowded = failover_times.as_many_clients_as_addresses(*kinds, tmp_path)
    print(crowded)
    assert len(crowded.seconds) == 50
