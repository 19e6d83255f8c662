"""What failover lets this server do for DHCP clients: the half of a Peer that dhcp/ and the node ask.  Pure.

May we answer at all, may this address be given away, for how long, and what the
partner is to hear of it: reference sections 4.7, 5.1 to 5.3, 5.6 and 7.2, by
what the record says now.  Allocates nothing after __init__.

A row's rewind state is the last that the partner may know.  0, where it was
never told anything, means FREE: that is what it takes the address for.

Not here: messages and states (peer.py), which client is asking (dhcp/share.py).
"""

from micropython import const

from ..lease.row import ABANDONED, ACKED, BACKUP, EXPIRED, FREE, HELD, RELEASED, RESET, USED
from . import balance, endpoint, times

_LOOK = const(64)  # rows looked at in one tick
_ENDED = (EXPIRED, RELEASED, RESET)


def is_own_address(table, row):
    """Is the row an address of this server itself (node.reserve_own)?"""
    return table.state(row) == RESET and not table.flags(row) & USED


class Service:
    """conf, table, pools: as a Peer is given them."""

    def __init__(self, conf, table, pools):
        self.conf = conf
        self.table = table
        self.pools = pools
        self.primary = conf.role == "primary"
        self.own = FREE if self.primary else BACKUP
        self.partners = BACKUP if self.primary else FREE
        self.record = None
        self.serves = self.balances = self.takes_over = self.linked = False
        self.differences = ()
        self.hba = balance.hba_of_split(0)
        if self.primary:
            self.hba = conf.hba or balance.hba_of_split(conf.split or 0)
        self.why_silent = b"not responding"  # for the log, in ISC dhcpd's words, while it does not serve (words.py)
        self.quiet = False
        self.alone = False  # the partner is a new board, and may not give away what is on its list yet, until …
        self.alone_until = -1
        self.held_until = 0
        self.release_at = -1  # next row to look at for HELD, -1 if there is nothing to do
        n = 1 + max([pool.index for pool in pools] + [-1])
        self._is_mine = bytearray(n)
        for pool in pools:
            self._is_mine[pool.index] = 1

    def owns(self, row):
        """Is the row in a pool of this relationship?"""
        pool = self.table.pool_of(row)
        return pool < len(self._is_mine) and self._is_mine[pool] == 1

    # May we

    def refresh(self):
        """After anything that the three attributes depend on."""
        record = self.record
        self.serves = endpoint.serves(record)
        self.takes_over = record.state == endpoint.PARTNER_DOWN
        shares = endpoint.balances(record) and self.conf.load_balance_max_seconds > 0
        self.balances = shares and not self.quiet and not self.alone

    def is_ours(self, bucket):
        """Is a client of this RFC 3074 bucket ours to answer?"""
        return balance.is_ours(self.primary, self.hba, bucket)

    def may_allocate(self, row, now):
        """May the address be given to a client that does not hold it?  Reference section 5.2.

        A HELD one not: the board that was replaced may have promised it to somebody.
        """
        t, record = self.table, self.record
        if t.flags(row) & HELD and now < self.held_until:
            return False
        promised = times.promised_until(t.tstp(row), t.tsfp(row))
        down_since = record.stos if record.state == endpoint.PARTNER_DOWN else -1
        if t.state(row) == ABANDONED and record.state != endpoint.NORMAL:
            return down_since >= 0 and now > times.takeover_at(promised, down_since, record.mclt)
        return times.may_allocate(self.primary, t.state(row), self._known(row), promised, now, down_since, record.mclt)

    def agrees(self, row):
        """Does the partner know the lease as it is, and answer its client as we do?  Without the time it gives MCLT."""
        if not self.linked or self.partner_time < 0 or self.differences:
            return False
        return not times.is_pending(self.table, row)

    def grant_s(self, row, want_s, now):
        """How long a lease may be, of the seconds that all other rules allow: the MCLT rule.

        By a clock that is a guess nobody knows how much is left of what was agreed before a power cut: nothing counts.
        Nor does more than tstp: of what is free the partner has been told no more, or is told so just now, and waits
        no longer.
        """
        t = self.table
        tsfp = min(t.tsfp(row), t.tstp(row)) if self.store.server.trusted_time else 0
        return times.granted_s(want_s, tsfp, now, self.record.mclt)

    def partner_free(self, network):
        """How many addresses of the network's pools are on the partner's list, and may be given away by it."""
        n = 0
        if self.alone:
            return 0
        for pool in network.pools:
            if pool in self.pools:
                n += self.table.count(pool.index, self.partners)
        return n

    def expires_here(self, row):
        """The lease, or the time of an ABANDONED address, is over: is it for us to say so?  Reference section 5.3.

        The partner may never have heard that an address was declined, and have renewed its lease: if it cannot be
        asked, the address waits like any that may be leased.

        In NORMAL the primary does.  A server that does not serve leaves leases as
        they are: it is about to hear what became of them.
        """
        state = self.record.state
        if self.table.state(row) == ABANDONED:
            return state == endpoint.NORMAL or self.may_allocate(row, self.now)
        return state in endpoint.SERVING and (state != endpoint.NORMAL or self.primary)

    # What has happened, with a row that is to be in flash before a client hears of it

    def granted(self, row, want_s, granted_s, now):
        """The row is bound to a client that wanted (and the configuration allows) want_s, and gets granted_s.

        now   the latest that it may be, as for grant_s: doubt_s later than our clock says
        """
        t = self.table
        tstp = times.tstp_of_grant(now, want_s, granted_s)
        t.set_tsfp(row, min(t.tsfp(row), t.tstp(row), tstp))
        t.set_tstp(row, tstp)
        self._owe(row, now - self.store.server.doubt_s)  # the partner reads our clock by what is said now

    def released(self, row, now):
        """The row is RELEASED: its client gave it back.  If the partner never knew of the lease, it is ours again."""
        t = self.table
        t.set_tstp(row, now)
        if self._known(row) == self.own:
            t.set_state(row, self.own)
        self._owe(row, now)

    def abandoned(self, row, now):
        """The row is ABANDONED: a client declined it, or it answered a probe."""
        self._owe(row, now)

    def changed(self, row):
        """Something else that the partner is to know: an ABANDONED row is FREE again, a client has another name."""
        if self.table.state(row) in (FREE, BACKUP):
            # What is free carries no time of the future (reference section 5.4), and not a later one than before:
            # in PARTNER-DOWN one of the partner's list would have to wait for MCLT anew.
            self.table.set_tstp(row, min(self.table.tstp(row) or 1, self.now))
        self._owe(row, self.now)

    def expired(self, row, now):
        """Set the state that follows the end of a lease, and queue it.

        Nobody waits for this record: after a power cut the lease ends again.
        """
        t = self.table
        if self._known(row) == self.own:
            t.set_tstp(row, min(t.ends(row), now))
            t.set_state(row, self.own)
        else:
            t.set_state(row, EXPIRED)
        self.store.save_later(row)
        self._queue(row, now)

    def _known(self, row):
        return self.table.rewind(row) or FREE

    def _owe(self, row, now):
        if self.linked:
            self.table.set_rewind(row, self.table.state(row))  # in the record that is about to be written in any case
        self._queue(row, now)

    def _queue(self, row, now):
        t = self.table
        t.clear_flags(row, ACKED)
        if not t.tstp(row):
            t.set_tstp(row, max(now, 1))  # or it would not be pending
        self.updates.put(row)
        if self.linked:
            self.send(now)

    # In PARTNER-DOWN

    def _free_ended(self, now):
        """What is EXPIRED, RELEASED or RESET becomes FREE by time alone, in PARTNER-DOWN only; a few rows a call."""
        t, left, record = self.table, _LOOK, self.record
        for pool in self.pools:
            for state in _ENDED:
                row = t.first(pool.index, state)
                while row >= 0 and left:
                    left -= 1
                    after = t.after(row)
                    promised = times.promised_until(t.tstp(row), t.tsfp(row))
                    over = max(times.takeover_at(promised, record.stos, record.mclt), t.ends(row))
                    if over < now and not is_own_address(t, row):
                        t.set_tstp(row, min(t.ends(row), now))
                        t.set_state(row, FREE)
                        t.clear_flags(row, ACKED)
                        self.store.save_later(row)
                    row = after

    # A board that was replaced

    def hold(self, until):
        """What is on our list stays untouched until then: all of it, for a restart does not know what came when.

        It is the record's held_until that outlasts a power cut, not the rows' flag.
        """
        t = self.table
        self.held_until = until
        self.release_at = 0
        for pool in self.pools:
            row = t.first(pool.index, self.own)
            while row >= 0:
                t.set_flags(row, HELD)
                row = t.after(row)

    def _release_held(self):
        """The time is over: a few rows a call.  True when none is left."""
        t = self.table
        end = min(self.release_at + _LOOK, t.rows)
        for row in range(self.release_at, end):
            if t.flags(row) & HELD and self.owns(row):
                t.clear_flags(row, HELD)
        self.release_at = end if end < t.rows else -1
        return self.release_at < 0
