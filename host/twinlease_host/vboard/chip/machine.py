"""The module `machine` of a virtual board: what the unix port has of it, and what programs on a PC ask a board for.

Runs on MicroPython, in the virtual board.
"""

import sys
import time

_path = sys.path[:]
sys.path[:] = []  # or this file would import itself
try:
    from machine import *  # noqa: F403
finally:
    sys.path[:] = _path

_RESET = 3  # the exit status by which the virtual board knows that it is to start again


def reset():
    """Start again, as with the button."""
    sys.exit(_RESET)


def unique_id():
    """Six octets that no other board has: the hardware address of the first interface."""
    with open("/sys/class/net/eth0/address") as f:
        return bytes([int(part, 16) for part in f.read().strip().split(":")])


class RTC:
    """The host's clock."""

    def datetime(self, told=None):
        """(year, month, day, weekday, hour, minute, second, 0); to set it is refused."""
        if told:
            raise OSError("this clock is the host's")
        year, month, day, hour, minute, second, weekday = time.gmtime()[:7]
        return (year, month, day, weekday, hour, minute, second, 0)
