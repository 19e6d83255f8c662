"""Sets the chip's own clock, which goes on through a reset: the board need not guess the time when it starts again.

    set(board, clock)     it is what the clock says

Done when time servers have told the time, and nobody else: a partner's word, kept by a chip, would pass for
its own knowledge.  Loaded for that (overlay.py).
"""

from .. import epoch


def set(board, clock):
    if board.name == "unix":
        return  # the host's, which has servers of its own
    import machine

    s, ms = clock.now, clock.ms
    if board.name == "rp2":  # whole seconds only: the nearest
        s, ms = s + (ms >= 500), 0
    year, month, day, hour, minute, second, weekday = epoch.calendar(s)[:7]
    machine.RTC().datetime((year, month, day, weekday, hour, minute, second, ms * 1000))
