"""What becomes of an offset: slew, step, or wait; and what it tells of our crystal.

* Up to an eighth of a second is slewed, more is stepped.  What the first burst finds after its first answer is stepped
  too: that one may have been a slow one, and nobody has relied on it yet.
* A board that no server has told the time believes what they agree on, in any year that can be.
* One that is in step believes a jump when it lasts a burst of answers; one of a minute and more only of two servers
  that agree, or of one that has none against it and stays with it for a quarter of an hour: clocks that are right do
  not jump, but a router that was switched on in the night may have been wrong until now.
"""

from micropython import const

from .source import POLL_MAX, POLL_MIN
from .trim import RATE_MAX

WAIT = const(0)
SLEW = const(1)
STEP = const(2)
ABSURD = const(3)

_BEGIN_S = const(20)  # as long as the first burst, if its answers are slow
_BEGIN_MS = const(8)
_STEP_MS = const(128)  # RFC 5905 section 11.3
_ABSURD_MS = const(60000)
_LASTS_S = const(4)
_LASTS_ALONE_S = const(900)
_SAME_MS = const(1000)
_CALM_MS = const(10)
_CALM_S = const(32)
_UNREST_MS = const(40)
_LEARN_S = const(900)
_LEARN_SOON_S = const(128)
_LEARN_SOON_MS = const(20)
_RATE = const(16000)  # one millisecond in one second, in Trim's units


def decide(state, offset, n_agree, up, trusted):
    """offset: of the server that we follow, ms; n_agree: how many agree with it; trusted: is our clock."""
    if state.synced_at < 0:
        return STEP if not trusted or abs(offset) >= _STEP_MS else SLEW
    if abs(offset) < _STEP_MS:
        state.large_since = -1
        return STEP if abs(offset) >= _BEGIN_MS and up - state.began_at < _BEGIN_S else SLEW
    if state.large_since < 0 or abs(offset - state.large) > _SAME_MS:
        state.large_since, state.large = up, offset
        return WAIT
    alone = abs(offset) >= _ABSURD_MS and n_agree < 2
    if up - state.large_since >= (_LASTS_ALONE_S if alone else _LASTS_S):
        return STEP
    return ABSURD if alone else WAIT


def slewed(state, trim, offset, up):
    """The clock is being corrected by `offset` ms: what that tells of the crystal, and when to ask again."""
    if abs(offset) <= _CALM_MS:
        if up - state.synced_at >= _CALM_S:  # and not of one burst
            state.poll = min(state.poll + 1, POLL_MAX)
    elif abs(offset) >= _UNREST_MS:
        state.poll = max(state.poll - 1, POLL_MIN)
    if state.learn_since < 0:
        state.learn_since, state.learnt = up, 0
        return
    state.learnt += offset
    s = up - state.learn_since
    if s >= _LEARN_S or (s >= _LEARN_SOON_S and abs(state.learnt) >= _LEARN_SOON_MS):
        trim.rate = min(max(trim.rate + state.learnt * _RATE // s, -RATE_MAX), RATE_MAX)
        state.learn_since, state.learnt = up, 0


def stepped(state, trim, offset):
    """The clock was set: nothing that was measured before tells of the crystal."""
    trim.slew = 0
    state.stepped_ms = offset
    state.large_since = state.learn_since = -1
    state.poll = POLL_MIN
