"""The totals that were recorded last: the firmware may not grow beyond them unnoticed.

record.json has octets of heap by "leases, failover peers", of a stock image and with the firmware in flash. It is
written on purpose, by `make footprint RECORD=1`.
"""

from __future__ import annotations

import json
from pathlib import Path

from .measure import BUDGETS

Setting = tuple[int, int]
WAYS = ("stock", "in ROM")
FILE = Path(__file__).with_name("record.json")
MARGIN = 2048  # octets, under 1 %: names come and go, and their pool grows in leaps


def read(way: str) -> dict[Setting, int]:
    """Octets by (leases, peers); `way` is one of WAYS."""
    recorded = json.loads(FILE.read_text())[way]
    return {tuple(map(int, key.split(", "))): octets for key, octets in recorded.items()}  # type: ignore[misc]


def write(totals: dict[str, dict[Setting, int]]) -> None:
    told = {way: {f"{n}, {peers}": octets for (n, peers), octets in all_.items()} for way, all_ in totals.items()}
    FILE.write_text(json.dumps(told, indent=2) + "\n")


def complaint(setting: Setting, way: str, octets: int, recorded: int) -> str:
    """What is wrong with a total, and what to do, or nothing."""
    leases, peers = setting
    what = f"a board ({way}) with {leases} leases and {peers} failover peers takes {octets:,} octets of heap"
    budget = BUDGETS.get(setting)
    if budget is not None and recorded <= budget < octets:
        return f"{what}: over its budget of {budget:,}. See where it goes with: make footprint"
    if octets > recorded + MARGIN:
        return f"{what}, {octets - recorded:,} more than recorded. If that is worth it: make footprint RECORD=1"
    return ""
