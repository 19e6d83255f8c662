"""Worlds that once found something, and a pair of Worlds that must be the same to the last word.

What each has found is in README.md, with the unit test that stands for it: a World changes with whatever is changed
in the simulator, so these alone would not keep a bug out.
"""

import pytest

from .isc_server import mixed
from .world import run

FOUND = (9, 14, 21, 43, 52, 117, 1015, 1037, 2020, 2022, 4011, 4024)
FOUND += (500206, 100058, 100137, 100565, 100812, 100979, 101068, 102136, 102251, 102266, 102583, 103587)
FOUND += (602294, 603397, 631045)

FOUND_BESIDE_A_DHCPD = (182, 348, 354, 400163, 600931, 602135, 631315, 632591)


@pytest.mark.parametrize("seed", FOUND)
def test_a_world_that_found_something_once(seed: int) -> None:
    result = run(seed)
    assert not result.violations, "\n".join([result.about, *result.trace[-60:]])


@pytest.mark.parametrize("seed", FOUND_BESIDE_A_DHCPD)
def test_a_mixed_world_that_found_something_once(seed: int) -> None:
    result = run(seed, mixed)
    assert not result.violations, "\n".join([result.about, *result.trace[-60:]])


def test_the_same_seed_is_the_same_world() -> None:
    def told(seed: int) -> tuple[object, ...]:
        result = run(seed)
        return result.virtual_s, result.acks, result.naks, result.faults, result.restarts, result.settled_s

    assert told(11) == told(11) != told(12)
