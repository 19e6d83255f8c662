"""A watchdog that has been started cannot be stopped, and a soft reset leaves it running.

Here it is kept quiet while no server runs, as while mpremote copies files; for an hour, then the board starts again and
serves: nobody should be without DHCP for good because somebody left it at MicroPython's prompt.

    begin("rp2")     boot.py, and the end of the server: feed it by a timer; "esp32": let it wait
    end()            the service feeds it from now on
"""

import sys

from micropython import const

_HOUR_MS = const(3600000)
_EVERY_MS = const(2000)
_FEEDS = const(1800)
_MOST_MS = const(8388)
# RP2040 and RP2350: the watchdog's control register, and in it the bit that says it runs (data sheets, "Watchdog").
_RP2040, _RP2350 = const(0x40058000), const(0x400D8000)
_ENABLED = const(30)

_timer = None
_left = 0  # feeds


def begin(platform):
    import machine

    global _timer, _left
    if platform == "esp32":
        machine.WDT(timeout=_HOUR_MS)
    elif _timer is None:
        watchdog = machine.WDT(timeout=_MOST_MS)
        _left = _FEEDS
        _timer = machine.Timer(
            -1, period=_EVERY_MS, mode=machine.Timer.PERIODIC, callback=lambda timer: _feed(watchdog)
        )


def _feed(watchdog):
    global _left
    if _left > 0:
        _left -= 1
        watchdog.feed()


def end():
    global _timer
    if _timer is not None:
        _timer.deinit()
        _timer = None


def is_running():
    """Has a Pico's watchdog been started before this soft reset?"""
    import machine

    register = _RP2350 if "RP2350" in sys.implementation._machine else _RP2040
    return machine.mem32[register] >> _ENABLED & 1 == 1
