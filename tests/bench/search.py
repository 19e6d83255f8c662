"""The highest rate that a server carries: doubling, then bisection; a step that fails is tried once more."""

from __future__ import annotations

from collections.abc import Callable

BOUNDS_WITHIN = 0.05
STEPS_AT_MOST = 16


def highest_rate(carries: Callable[[int], bool], first: int, settle: Callable[[], None]) -> float:
    """The highest rate, exchanges a second, of which `carries(rate)` is true; 0 if it carries none."""
    good, bad, rate = 0, 0, first
    for _ in range(STEPS_AT_MOST):
        if carries(rate) or carries(rate):  # a second chance: noise
            good, rate = rate, rate * 2 if not bad else (rate + bad) // 2
        else:
            bad, rate = rate, (good + rate) // 2
        if bad and (bad - good) <= max(BOUNDS_WITHIN * bad, 1):
            break
        settle()
    return float(good)
