"""The simulator finds what it is for: each deliberate bug, by the property that it violates."""

import pytest

from .bugs import BUGS, Bug
from .world import run

_WORLDS = 60


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_some_world_finds(bug: Bug) -> None:
    found = []
    with bug.inside():
        for seed in range(bug.first, bug.first + _WORLDS):
            result = run(seed)
            found.extend(result.violations)
            if any(sentence.startswith(bug.violates) for sentence in result.violations):
                return
    raise AssertionError("%d Worlds did not find that %s; but: %s" % (_WORLDS, bug.name, found))
