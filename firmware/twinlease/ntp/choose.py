"""Which answers count: of one server the quickest, of several servers those that agree (RFC 5905 section 11.2.1).

Each server's answer says that the true offset lies within `distance` of the one it gave.  What most of them
agree on is the truth; who does not overlap with that tells lies, and is outvoted.
"""

from micropython import const

_SAMPLES = const(4)
_AGE_S = const(20)  # in so many seconds an answer becomes worse by a millisecond: 50 ppm
_JUMP_MS = const(100)
_SLACK_MS = const(5)  # our milliseconds, the other's, and what the task switch took


def add(source, offset, delay, up):
    """A good answer: what it said, and how long it took, ms.  One that contradicts the earlier ones ends them."""
    if abs(offset - source.offset) > (delay + source.delay) // 2 + _JUMP_MS:
        source.samples = []
    if len(source.samples) == _SAMPLES:
        source.samples.pop(0)
    source.samples.append((offset, delay, up))
    best = None
    for sample in source.samples:  # late ones first, where they are equal
        cost = sample[1] + 2 * ((up - sample[2]) // _AGE_S)
        if best is None or cost <= best:
            best = cost
            source.offset, source.delay, source.at = sample


def moved(sources, by):
    """Our clock was, or will be, corrected by `by` milliseconds: what was said before counts from there."""
    for source in sources:
        source.offset -= by
        source.samples = [(offset - by, delay, up) for offset, delay, up in source.samples]


def distance(source, up):
    """How far from the truth its offset may be, ms."""
    age = (up - source.at) // _AGE_S
    return (source.delay + source.root_delay + 1) // 2 + source.root_dispersion + age + _SLACK_MS


def choose(sources, up, own_error):
    """The sources that agree, the nearest first of those that answered last time; [] if there is no majority.

    own_error  how far our own clock may be off, ms, if servers have set it before; −1.  Where servers disagree and
               none has the majority, those are right that agree with it.
    """
    heard = [source for source in sources if source.reach and source.samples]
    spans = [(s.offset - distance(s, up), s.offset + distance(s, up), s) for s in heard]
    best = _largest(spans, None)
    if 2 * len(best) <= len(heard):
        best = [] if own_error < 0 else _largest(spans, own_error)
    best.sort(key=lambda source: (source.reach & 1 == 0, distance(source, up)))
    return best


def _largest(spans, within):
    """The most sources whose spans share a point, or a point that is no more than `within` away from our own time."""
    best = []
    points = [span[0] for span in spans] + [span[1] for span in spans]
    if within is not None:
        points = [point for point in points + [0, within, -within] if -within <= point <= within]
    for point in points:
        found = [source for low, high, source in spans if low <= point <= high]
        if len(found) > len(best):
            best = found
    return best
