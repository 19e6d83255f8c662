"""The port's own clock in project seconds: ESP32 counts from 2000, the others from 1970, and only this file knows.

now()          project seconds, as good as that clock is
calendar(s)    (year, month, day, hour, minute, second, …) of a project second, UTC
"""

import time

from .clock import UNIX_2020

_UNIX_2000 = 946684800


def _begin():
    """The port's time at project second 0."""
    return UNIX_2020 - (_UNIX_2000 if time.gmtime(0)[0] == 2000 else 0)


def now():
    return time.time_ns() // 1000000000 - _begin()


def calendar(s):
    return time.gmtime(s + _begin())
