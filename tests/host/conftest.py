"""Fixtures: a board that is not started yet, and what the machine must have."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from boards import Board


@pytest.fixture
def need_root() -> None:
    """Skip where network namespaces cannot be made."""
    if os.geteuid() != 0:
        pytest.skip("missing: root (network namespaces; run with sudo)")
    if shutil.which("ip") is None:
        pytest.skip("missing: ip (apt install iproute2)")


@pytest.fixture
def board(tmp_path: Path, need_root: None) -> Iterator[Board]:
    """A board that is not started yet; whatever the test leaves is removed."""
    made = Board(tmp_path / "board")
    yield made
    if made.process is not None and made.process.poll() is None:
        made.stop()
    if made.has_netns():
        subprocess.run(["ip", "netns", "del", made.netns], check=False)
