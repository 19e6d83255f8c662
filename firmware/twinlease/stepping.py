"""Somebody with more authority than our clock says that it is wrong: it is set, and leases move as they must.

    by(app, offset_ms, error_ms, source)      offset_ms: positive if we are behind.  False: no memory, nothing done

Forward, every lease moves along if our clock was trusted, since nobody can tell which were given by it, else those that
are PROVISIONAL: some last longer than promised then.  Back, those move that were given since our clock was last set
(move.py): their clients were promised no more.  Within what the clock was known to be off by, none moves: nobody was
told an end that is nearer to the truth.

Loaded for the occasion, and forgotten after it (overlay.py).
"""

from micropython import const

_ROUNDING_MS = const(1000)  # leases are in whole seconds


def by(app, offset_ms, error_ms, source):
    clock = app.clock
    app.catch_up()
    step = -(-offset_ms // 1000)  # to the later second: no lease ends early
    if clock.trusted and abs(offset_ms) <= clock.error_ms + _ROUNDING_MS:
        step = 0
    was = clock.source
    ms = clock.ms + offset_ms
    s = ms // 1000
    if not app.set_clock(clock.now + s, ms - s * 1000, step, clock.trusted and step > 0, error_ms, source):
        return False
    app.tell_time()
    app.say("Time from %s%s; before: %s" % (source, _off(offset_ms), was))
    return True


def _off(ms):
    how = "later" if ms > 0 else "earlier"
    ms = abs(ms)
    if not ms:
        return ""
    if ms >= 10000:
        return ", %d s %s than we thought" % (ms // 1000, how)
    return ", %d.%03d s %s than we thought" % (ms // 1000, ms % 1000, how)
