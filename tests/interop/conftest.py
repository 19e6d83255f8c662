"""Fixtures of the interoperability tests.

LAB_SERVER=isc runs them against ISC dhcpd: what fails there is the test's own fault. LAB_HEAP sets the board's heap.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lab import servers
from lab.net import Lan
from lab.tools import require


@pytest.fixture(scope="module")
def kind() -> type[servers.Server]:
    """The server under test."""
    chosen = servers.KINDS[os.environ.get("LAB_SERVER", "twinlease")]
    require(chosen.tool)
    return chosen


@pytest.fixture
def lan() -> Iterator[Lan]:
    """A wire for one test."""
    require()
    with Lan() as made:
        yield made
