"""The page with the failover state diagram is what its tables say."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from lab.failover_diagram import PAGE, draw


def test_the_diagram_is_not_stale():
    assert PAGE.read_text() == draw(), "draw it again: python -m tests.lab.failover_diagram"
