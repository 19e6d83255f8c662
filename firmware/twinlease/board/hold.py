"""A button that is held when the board is switched on.

    held 1 s, let go within 10 s      safe mode: the console, and no service
    held 10 s, let go within 20 s     factory reset: configuration, leases, passwords, address
    longer                            it is stuck, or a wire is: nothing happens

The LED tells when to let go: slow, then fast, then dark.
"""

import sys

from micropython import const

SAFE, FACTORY = "safe", "factory"

_STEP_MS = const(50)
_SAFE_MS = const(1000)
_FACTORY_MS = const(10000)
_STUCK_MS = const(20000)
_BOOT_MS = const(1500)


def wish(ms):
    """What somebody wants who held it so long: SAFE, FACTORY or ""."""
    if ms < _SAFE_MS or ms >= _STUCK_MS:
        return ""
    return FACTORY if ms >= _FACTORY_MS else SAFE


def held(words, sleep_ms, lamp):
    """For how long the button of `button 34`, `button 34 high` or `button bootsel` is held from now on, in ms.

    BOOTSEL, and BOOT on GPIO0 of an ESP32, held while the power comes on start the chip's own loader: for those
    there is a moment to press them.
    """
    pressed, wait = _button(words)
    while wait > 0 and not pressed():
        sleep_ms(_STEP_MS)
        wait -= _STEP_MS
    ms = 0
    while ms < _STUCK_MS and pressed():
        if lamp:
            lamp.put(ms // (100 if ms >= _FACTORY_MS else 500) % 2)
        sleep_ms(_STEP_MS)
        ms += _STEP_MS
    if lamp:
        lamp.put(0)
    return ms


def _button(words):
    if words[0] == "bootsel":
        import rp2

        return rp2.bootsel_button, _BOOT_MS
    from machine import Pin

    n = int(words[0])
    wait = _BOOT_MS if n == 0 and sys.platform == "esp32" else 0
    if len(words) > 1 and words[1] == "high":
        pin = Pin(n, Pin.IN) if _only_in(n) else Pin(n, Pin.IN, Pin.PULL_DOWN)
        return pin.value, wait
    pin = Pin(n, Pin.IN) if _only_in(n) else Pin(n, Pin.IN, Pin.PULL_UP)
    return lambda: not pin.value(), wait


def _only_in(n):
    """GPIO 34 to 39 of the first ESP32 have no pull-up: the board must have one."""
    return sys.platform == "esp32" and 34 <= n <= 39
