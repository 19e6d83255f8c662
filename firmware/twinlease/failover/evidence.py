"""When may this board believe that its partner is down, although nobody has said so?  Pure.

    evidence = Evidence(peer, alone_s)
    evidence.sign(what, up)         a sign of life, on whichever way: the count starts anew
    evidence.tick(now, up)          about once a second; ends in the operator's event, SAYS_PARTNER_DOWN
    evidence.left_s()               seconds until then; None if it will not come by itself
    evidence.keep()                 the operator: not by itself, until there has been a link again

Two counts, never both, and only without a link:

    COMMUNICATIONS-INTERRUPTED   partner-down-after: 600 s where the partner is one of our boards; beside an ISC dhcpd
                                 only if the configuration says so
    a resolution broken off      the same: POTENTIAL-CONFLICT, RESOLUTION-INTERRUPTED, CONFLICT-DONE serve nobody.  ISC
                                 stays there for ever; where nothing is counted, the log says what to type
    RECOVER, RECOVER-DONE        serve-alone-after, or alone_s: the longest lease that anybody may have promised.
                                 A new board that has nobody to learn from serves when all of that is over

A partner that lives must never be taken for dead: both would give out the same addresses.  So
what counts is silence on every way at once: TCP (a refused connection comes from a host
that lives), the UDP beat (beat.py), ARP or ICMP.  A partner's host that answers without its server is for a
person to judge.  While our own cable is out, or we did not look, silence says nothing.

How long an address waits in PARTNER-DOWN is not decided here: times.may_allocate holds in every case.
"""

from micropython import const

from ..clock import FOREVER
from . import endpoint

# Signs of life, and what is none of its death.
CONNECTED = const(0)
TURNED_AWAY = const(1)
BEAT = const(2)
ANSWER = const(3)  # to ARP or ICMP
CUT_OFF = const(4)

_LIVES = "the partner's host answers, but not its failover port: PARTNER-DOWN only by command"
_TEXTS = (
    "the partner takes a connection, but no link comes about: PARTNER-DOWN only by command",
    _LIVES,
    "the partner's beat is heard, but no connection comes about: it is up, PARTNER-DOWN only by command",
    _LIVES,
    "our own cable is out: the partner's silence says nothing",
)
_START = "no sign of the partner on %s; PARTNER-DOWN in %d s; to cancel: failover keep %s"
_START_ALONE = (
    "no partner to %s, no sign of it on %s: nobody is served for %d s, then this board goes on alone; "
    "failover partner-down %s ends the wait, failover keep %s the countdown"
)
_NEVER_ALONE = "no partner to %s: nobody is served until it comes, or failover partner-down %s"
_LATER = "PARTNER-DOWN in %d s unless the partner is heard from; to cancel: failover keep %s"

_RESOLVING = bytes((endpoint.POTENTIAL_CONFLICT, endpoint.RESOLUTION_INTERRUPTED, endpoint.CONFLICT_DONE))

_DEFAULT_S = const(600)
_SURE_S = const(12)  # of silence before anything is said: a partner that refuses is dialled every five seconds
_LAST_S = const(60)
_AWAY = const(30)  # tenths


class Evidence:
    """peer: a Peer.  alone_s: the longest lease of its pools, FOREVER for one without an end."""

    def __init__(self, peer, alone_s):
        self._peer = peer
        self._alone_s = alone_s
        self.ways = "TCP or the LAN"  # where we look for it; the driver knows more
        self._wait = 0  # how long silence must last; 0: nothing is counted
        self._since = 0  # when the silence began
        self._next = -1  # with so many seconds left there is something to say
        self._told = 0  # signs that have been told since something was announced: a bit each
        self._kept = False
        self._up = 0

    @property
    def counting(self):
        return self._wait > 0

    def left_s(self):
        """Seconds until PARTNER-DOWN, None if it will not come by itself."""
        if not self._wait or self._kept or self._wait == FOREVER:
            return None
        return max(self._wait - (self._up - self._since) // 10, 0)

    def keep(self):
        """The operator knows better.  None, or why there is nothing to cancel."""
        if self._peer.linked:
            return "failover peer %s: the partner is connected" % self._peer.conf.name
        self._kept = True
        self._say("PARTNER-DOWN only by command, until the partner has been connected again")
        return None

    def sign(self, what, up):
        """CONNECTED, TURNED_AWAY, BEAT, ANSWER; CUT_OFF counts as one."""
        if not self._wait:
            return
        if not self._told >> what & 1 and not self._kept:
            for other in range(len(_TEXTS)):
                if _TEXTS[other] is _TEXTS[what]:
                    self._told |= 1 << other
            self._say(_TEXTS[what])
        self._begin(up)

    def tick(self, now, up):
        """About once a second."""
        away = up - self._up
        self._up = up
        wait = self._wait_s()
        if wait != self._wait:
            self._wait = wait
            self._told = 0
            self._begin(up)
        elif away > _AWAY:
            self._since += away - 10  # while nobody looked, nobody was silent
        if self._peer.linked:
            self._kept = False
        left = self.left_s()
        if wait == FOREVER:
            self._announce_never(up)
        elif left is not None:
            self._announce(left)
            if not left:
                self._say("no sign of the partner for %d s" % wait)
                self._peer.says(endpoint.SAYS_PARTNER_DOWN, now, up)

    def _wait_s(self):
        """How long silence must last in this state; FOREVER: only a person ends this; 0: there is no question."""
        peer = self._peer
        if peer.linked:
            return 0
        conf, record = peer.conf, peer.record
        if record.state == endpoint.COMMUNICATIONS_INTERRUPTED:
            return self._after_s()
        if record.state in _RESOLVING:
            return self._after_s() or FOREVER
        if record.resume == endpoint.RECOVER or record.resume == endpoint.RECOVER_DONE:
            return conf.serve_alone_after or self._alone_s
        return 0

    def _after_s(self):
        after = self._peer.conf.partner_down_after
        if after is None:
            return _DEFAULT_S if self._is_twin() else 0
        return after

    def _is_twin(self):
        """Was the partner one of our boards when it was seen last?"""
        peer = self._peer
        return peer.twin if peer.skew is not None else peer.partner_board is not None

    def _begin(self, up):
        self._since = up
        self._next = self._wait - min(_SURE_S, self._wait // 3)

    def _announce(self, left):
        """At the start, at half, in the last minute."""
        if left > self._next or self._next < 0:
            return
        name = self._peer.conf.name
        if self._next > self._wait // 2:
            self._told = 0
            if self._peer.record.state == endpoint.COMMUNICATIONS_INTERRUPTED:
                self._say(_START % (self.ways, left, name))
            else:
                self._say(_START_ALONE % (self._lack(), self.ways, left, name, name))
        else:
            self._say(_LATER % (left, name))
        half = self._wait // 2
        self._next = half if left > half else _LAST_S if left > _LAST_S else -1

    def _announce_never(self, up):
        if self._next >= 0 and up - self._since >= 10 * _SURE_S:
            self._next = -1
            self._say(_NEVER_ALONE % (self._lack(), self._peer.conf.name))

    def _lack(self):
        return "resolve conflicts with" if self._peer.record.state in _RESOLVING else "ask for its leases"

    def _say(self, text):
        self._peer.store.say("failover peer %s: %s" % (self._peer.conf.name, text))
