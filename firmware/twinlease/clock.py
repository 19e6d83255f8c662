"""The interval clock: what UTC can be, when a board has no battery clock.  Pure.

The driver hands in the milliseconds that have passed.

Times are project seconds, since 2020-01-01 UTC.  `now` is the best guess;
`earliest` and `latest` are what it can be, as far as we can know.

    source     earliest                     latest          trusted
    none       seconds since boot           FOREVER         no
    journal    last in flash + since boot   FOREVER         no
    rtc, partner, sntp   now - error        now + error     yes

How a node uses it.  What might have expired is judged by `earliest`: an
address goes to another client only when its lease has ended for certain.  What
a lease may promise to the partner is judged by `latest`.  Times stored with a
lease are `now`; while `trusted` is false such a lease carries PROVISIONAL,
because its times count from a guess.  When trusted time arrives, `discipline`
returns the step in seconds, and the node moves the provisional leases by it
(move.py), so that each ends as long after its ACK as was
promised.  DHCP's own times are relative: clients never notice.

The error grows by the crystal's drift from one `discipline` to the next.

A clock on the board is not always right: it may never have been set, or lag
until the network corrects it.  `hear` is the rule for it, and `now` never goes
back by it:

* Before 2026, or more than a few seconds behind `now`, it is not believed.  A
  clock that was believed is so no longer; time goes on from where it was (a partner's word is still believed).
* At boot it is believed at once otherwise.  One that has lost our belief must
  agree with itself in two readings a minute apart; until then leases are provisional.
* One that is believed and then jumps ahead was behind before, with all that it
  was asked.  When a second reading agrees, every lease moves by the jump, since
  nobody can tell which were given on the wrong time.  Some last longer than
  promised then; none ends early.
* It overrules a partner, also backwards: when two readings a minute apart agree with each other, and are not
  behind what was certain without the partner.

SNTP overrules everything, in both directions (stepping.py).  From then on the board's own clock is not heard any
more: our milliseconds, which the servers keep in step (ntp/), are better than its seconds.

A failover partner is believed only while nobody else has told the time, and only within two years (`credible`):
what a single word of it could push further would stand in the journal for ever.
"""

from micropython import const

FOREVER = const(0x3FFFFFFF)  # largest small int of a 32-bit board; year 2054
UNIX_2020 = const(1577836800)  # Unix time of project second 0

NONE = "none"
JOURNAL = "journal"
RTC = "rtc"
PARTNER = "partner"
SNTP = "sntp"

_BUILT = const(189388800)  # 2026-01-01: this firmware is not older
_AGREE_S = const(5)
RTC_ERROR_MS = const(1000)
_EVERY_S = const(60)
_DOUBLE_CHECK_S = const(10)
_PARTNER_S = const(63244800)  # two years: how far a partner's word may lead
_NOTHING = const(-0x3FFFFFFF)

_MAX_STEP_MS = const(0x1FFFFFFF)  # six days: ticks cannot tell longer ones apart


class Clock:
    """UTC as an interval; allocates nothing after __init__.

    drift_ppm  how far the crystal may be off, parts per million
    """

    def __init__(self, drift_ppm=50):
        self.source = NONE
        self.trusted = False
        self.now = 0
        self.ms = 0  # of that second, 0 … 999
        self._floor = 0
        self._drift_ppm = drift_ppm
        self._error_ms = 0
        self._since_s = 0  # seconds since the last discipline or floor, for the drift
        self._ahead = _NOTHING  # by how much the board's clock was ahead when it was last heard
        self.hear_at = 0  # when to call `hear` again

    def advance(self, elapsed_ms):
        """Let time pass: milliseconds since the last call, from the driver's ticks.  Returns `now`.

        Raises ValueError for a negative number: ticks_diff went wrong, and a
        clock that runs backwards would take leases away from their clients.
        """
        if elapsed_ms < 0 or elapsed_ms > _MAX_STEP_MS:
            raise ValueError("the clock cannot advance by %d ms; at most six days, and never back" % elapsed_ms)
        ms = self.ms + elapsed_ms
        if ms >= 1000:
            s = ms // 1000
            ms -= s * 1000
            self.now = min(self.now + s, FOREVER - 1)
            self._since_s = min(self._since_s + s, FOREVER)
        self.ms = ms
        return self.now

    @property
    def error_ms(self):
        """How far `now` may be off, milliseconds; −1 if nobody knows."""
        if not self.trusted:
            return -1
        return self._error_ms + self._drift_ms()

    def _drift_ms(self):
        # 1 ppm is 1 ms in 1,000 s; the thousands first, or the product outgrows a small int after some days.
        # The drift is counted on our own seconds, which drift themselves: s >> 18 is more than that is worth.
        s = self._since_s
        return (s // 1000) * self._drift_ppm + (s % 1000) * self._drift_ppm // 1000 + (s >> 18) + 2

    @property
    def earliest(self):
        """The earliest project second that it can be now."""
        if not self.trusted:
            return self._certain()
        return max(self.now - (self.error_ms + 999 - self.ms) // 1000, self._floor)

    def _certain(self):
        """It was the floor's time, and so many of our own seconds have passed for certain."""
        passed = self._since_s - (self._drift_ms() + 999 - self.ms) // 1000
        return min(self._floor + max(passed, 0), FOREVER)

    @property
    def latest(self):
        """The latest project second that it can be now; FOREVER if unknown."""
        if not self.trusted:
            return FOREVER
        return min(self.now + (self.error_ms + self.ms) // 1000, FOREVER)

    def set_floor(self, floor_s):
        """It is not earlier than `floor_s`: the latest time found in the journal, or the date of the build.

        Without better knowledge time goes on from there.  Never lowers.
        """
        if not self.trusted:
            if floor_s > self.earliest:
                self._floor = floor_s
                self._since_s = 0
            self.source = JOURNAL
            self.now = max(self.now, floor_s)
        self._floor = max(self._floor, floor_s)

    def plausible(self, told):
        """Can the board's own clock be right, if it says `told` (project seconds, or None)?"""
        since = self._certain() if self.source == PARTNER else self.now
        return told is not None and _BUILT <= told < FOREVER and told - since >= -_AGREE_S

    def credible(self, told):
        """Is a failover partner to be believed that says `told`, project seconds, while nobody has told us the time?"""
        return self.plausible(told) and told - max(self._certain(), _BUILT) <= _PARTNER_S

    def hear(self, told):
        """The board's own clock says `told`, project seconds, or None.  Returns the step if leases must move, else −1.

        Call it at `hear_at`.  If it returns a step, the caller calls `discipline` and moves the provisional leases by
        it, or all leases if the clock was trusted; if it cannot just now, the next call returns the step again.
        0: no lease moves, but `discipline` is due; `now` may go back by it, if it was a partner's.
        """
        self.hear_at = self.now + _EVERY_S
        if told is None or self.source == SNTP:
            return -1
        ahead = told - self.now
        agrees = abs(ahead - self._ahead) <= _AGREE_S
        self._ahead = ahead
        if not self.plausible(told):
            self._ahead = _NOTHING
            if self.trusted and self.source == RTC:
                self._floor = self.earliest
                self._since_s = 0
                self.trusted = False
                self.source = JOURNAL
            return -1
        steady = self.trusted and abs(ahead) <= _AGREE_S
        if not steady and not agrees:
            if self.trusted and ahead > 0:
                self.hear_at = self.now + _DOUBLE_CHECK_S
            return -1
        if steady:
            self.discipline(told, 0, RTC_ERROR_MS, RTC)
            return -1
        return max(ahead, 0)

    def discipline(self, utc_s, utc_ms, error_ms, source):
        """Somebody who knows says what time it is.  Returns the step in seconds, positive if our clock was slow.

        utc_s, utc_ms  project second and milliseconds within it (0 … 999)
        error_ms       how far that may be off, for example half the round trip
        source         RTC, PARTNER or SNTP

        This is the one way for `now` to go back (by `hear`, a few seconds at
        most, unless it was a partner's; by SNTP, as far as need be).  The floor is dropped when the time
        given is before it: whoever is trusted overrules a journal that was
        written by a clock nobody had set.
        """
        step = utc_s - self.now
        if utc_ms - self.ms >= 500:
            step += 1
        elif utc_ms - self.ms < -500:
            step -= 1
        if source == PARTNER:
            self._floor = self._certain()  # what it does not rest upon
        self.now = utc_s
        self.hear_at = min(self.hear_at, utc_s + _EVERY_S)
        self.ms = utc_ms
        self._error_ms = error_ms
        self._since_s = 0
        self._floor = min(self._floor, utc_s)
        self.source = source
        self.trusted = source != NONE and source != JOURNAL
        return step
