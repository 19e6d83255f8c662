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
    assert fresh.from_power_on_s >= fresh.from_serving_s


@pytest.mark.parametrize("fault", ["hang", "cable"])
def test_new_clients_are_served_while_the_partner_is_gone(kinds: tuple[str, str], tmp_path: Path, fault: str) -> None:
    waits = failover_times.new_clients_after(fault, *kinds, tmp_path)
    print(waits)
    assert len(waits.seconds) == 20


def test_as_many_clients_as_addresses_are_all_served(kinds: tuple[str, str], tmp_path: Path) -> None:
    waits = failover_times.as_many_clients_as_addresses(*kinds, tmp_path)
    print(waits)
    assert len(waits.seconds) == 50
