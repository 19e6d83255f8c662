"""Fixtures of the failover tests: pairs of servers, one of each kind at a time.

A pair of two dhcpds is the yardstick for the tests themselves; it runs with --yardstick.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lab.pair import Pair, Terms
from lab.sides import Side
from lab.tools import require

YARDSTICK = ("isc", "isc")
KINDS = [("isc", "board"), ("board", "isc"), ("board", "board")]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--yardstick", action="store_true", help="failover tests: two ISC dhcpds too")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Each test that takes a pair runs with every kind: primary first."""
    if "kinds" in metafunc.fixturenames:
        chosen = ([YARDSTICK] if metafunc.config.getoption("--yardstick", False) else []) + KINDS
        metafunc.parametrize("kinds", chosen, ids=["-".join(kinds) for kinds in chosen])


@pytest.fixture
def pair_of(kinds: tuple[str, str], tmp_path: Path) -> Callable[..., Pair]:
    """Makes the pair under test, on the terms that are given: `with pair_of(mclt_s=10) as pair`."""
    require()
    return lambda **terms: Pair(*kinds, tmp_path, Terms(**terms))


@pytest.fixture(params=["primary", "secondary"])
def role(request: pytest.FixtureRequest) -> str:
    """Which of the two the fault happens to."""
    return str(request.param)


@pytest.fixture
def victim(role: str) -> Callable[[Pair], tuple[Side, Side]]:
    """Gives, of a pair, the side that the fault happens to, and the other one."""
    return lambda pair: pair.sides if role == "primary" else (pair.secondary, pair.primary)
