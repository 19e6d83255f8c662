"""Which row of the lease table a client may have: its own, the one it asks for, or the one longest out of use.

    choice = Choice(table, pools, client)
    choice.look(request, now)            once per request, after client.look
    choice.own(), .asked(), .oldest()    a row, or -1

Reads the table and changes nothing.  RFC 2131 section 4.3.1 sets the order.
"""

from array import array

from micropython import const

from ..lease.table import ABANDONED, ACTIVE, FREE, NONE, QUIET
from .request import CHADDR, HTYPE

_PRESSURE_S = const(10)
_LOOK_AHEAD = const(8)
_LOOK_FAR = const(256)  # past offered rows, for one that was freed after they were offered
_RECENT = const(64)


class Choice:
    """probed_pools: pools whose free addresses a prober asks for ahead of time."""

    def __init__(self, table, pools, client):
        self._table = table
        self._pools = pools
        self._client = client
        self._request = None
        self._now = 0
        self._hash = -1
        self._pressure_until = 0
        self._recent = array("H", [NONE] * _RECENT)
        self.probed_pools = ()

    def look(self, request, now):
        self._request = request
        self._now = now
        self._hash = -1

    def hash(self):
        """The client's identity as a number, for offers."""
        if self._hash < 0:
            r = self._request
            self._hash = self._table.hash_of(r.buf, r.id_at, r.id_n, r.buf[HTYPE], r.buf, CHADDR, r.hlen)
        return self._hash

    def note_offer(self, row):
        """Remember which row this client was offered, so that it is offered the same when it asks again."""
        self._recent[self.hash() % _RECENT] = row

    def offered_before(self):
        """The row that is held for this client since its last DISCOVER, or -1."""
        row = self._recent[self.hash() % _RECENT]
        if row == NONE or self._table.offered(row, self.hash(), self._now) != 1:
            return -1
        return row if self._is_free_for_client(row) else -1

    def is_client(self, row):
        """The row is bound, or was last bound, to exactly this client."""
        r = self._request
        return self._table.is_client(row, r.buf, r.id_at, r.id_n, r.buf[HTYPE], r.buf, CHADDR, r.hlen)

    def own(self):
        """The row that this client holds on its network, or held last (RFC 2131 section 4.3.1)."""
        r, t = self._request, self._table
        best = -1
        if r.id_n:
            row = t.first_by_id(r.buf, r.id_at, r.id_n)
            while row >= 0:
                if self._is_better_own(row, best):
                    best = row
                row = t.next_by_id(row, r.buf, r.id_at, r.id_n)
        if best < 0 and r.hlen:
            row = t.first_by_hw(r.buf[HTYPE], r.buf, CHADDR, r.hlen)
            while row >= 0:
                if not t.has_id(row) and self._is_better_own(row, best):
                    best = row
                row = t.next_by_hw(row, r.buf[HTYPE], r.buf, CHADDR, r.hlen)
        return best

    def _is_better_own(self, row, best):
        t = self._table
        state = t.state(row)
        if state != ACTIVE and state != FREE:
            return False
        pool = self._pools[t.pool_of(row)]
        if pool.network is not self._client.network or not self._client.may_use(pool):
            return False
        if state == FREE and t.offered(row, self.hash(), self._now) == 2:
            return False
        return best < 0 or (state == ACTIVE) > (t.state(best) == ACTIVE) or t.ends(row) > t.ends(best)

    def asked(self):
        """The free row whose address the client asks for (option 50), -1 if it cannot have it."""
        at = self._request.address(50)
        row = self._table.row_of(self._request.buf, at) if at else -1
        return row if row >= 0 and self._is_free_for_client(row) else -1

    def _is_free_for_client(self, row):
        t = self._table
        pool = self._pools[t.pool_of(row)]
        return (
            t.state(row) == FREE
            and pool.network is self._client.network
            and t.offered(row, self.hash(), self._now) < 2
            and self._client.may_use(pool)
        )

    def oldest(self):
        """The free row that has been out of use for longest; an abandoned one if nothing else is left."""
        best = self._oldest_in_state(FREE, True)
        if best < 0:
            best = self._oldest_in_state(FREE, False)
            if best >= 0:
                self._pressure_until = self._now + _PRESSURE_S
        if best < 0:
            best = self._oldest_in_state(ABANDONED, False)
        return best

    def _oldest_in_state(self, state, respect_offers):
        t = self._table
        best = -1
        for pool in self._client.network.pools:
            if t.count(pool.index, state) and self._client.may_use(pool):
                row = self._head(pool, state, respect_offers)
                if row >= 0 and (best < 0 or t.ends(row) < t.ends(best)):
                    best = row
        return best

    def _head(self, pool, state, respect_offers):
        """The first row of a queue; with a prober, the first of the next few that is known to be quiet."""
        t = self._table
        row = t.first(pool.index, state)
        if not respect_offers:
            return row
        first = -1
        probing = pool in self.probed_pools
        left = _LOOK_AHEAD if self._now < self._pressure_until else _LOOK_FAR
        while row >= 0 and left:
            left -= 1
            if t.offered(row, self.hash(), self._now) < 2:
                if not probing or t.flags(row) & QUIET:
                    return row
                if first < 0:
                    first = row
                    left = min(left, _LOOK_AHEAD)
            row = t.after(row)
        return first

    def holds(self, row):
        """The row is bound to this client, or was before the client had an identifier (a PXE ROM, then its system)."""
        t = self._table
        state = t.state(row)
        if state != ACTIVE and (state != FREE or t.offered(row, self.hash(), self._now) == 2):
            return False
        return self.is_client(row) or (not t.has_id(row) and self._has_hardware(row))

    def _has_hardware(self, row):
        r, t = self._request, self._table
        found = t.first_by_hw(r.buf[HTYPE], r.buf, CHADDR, r.hlen) if r.hlen else -1
        while found >= 0 and found != row:
            found = t.next_by_hw(found, r.buf[HTYPE], r.buf, CHADDR, r.hlen)
        return found == row

    def may_take(self, row):
        """A free row goes to whoever asks, unless it is held for another; under a flood of offers to the first to ask.

        An abandoned one too, to a client that comes back to it: most likely it was the one that answered
        the probe (as ISC dhcpd has it).  Not to one that was just offered it: then somebody else did.
        """
        t = self._table
        if t.state(row) != FREE:
            return t.state(row) == ABANDONED and not self._request.where[54]
        return t.offered(row, self.hash(), self._now) < 2 or self._now < self._pressure_until

    def takes_bootp(self, row):
        """The row is in a `range dynamic-bootp`."""
        for rng in self._pools[self._table.pool_of(row)].ranges:
            if rng.dynamic_bootp and rng.first_row <= row < rng.first_row + rng.count:
                return True
        return False

    def oldest_bootp(self):
        """The row longest out of use that a BOOTP client may have for ever, or -1."""
        t = self._table
        for pool in self._client.network.pools:
            denied = pool.scope.param("allow-dynamic-bootp", "allow") != "allow"
            if not denied and self._client.may_use(pool) and any(rng.dynamic_bootp for rng in pool.ranges):
                row = t.first(pool.index, FREE)
                while row >= 0 and not (self.takes_bootp(row) and t.offered(row, self.hash(), self._now) < 2):
                    row = t.after(row)
                if row >= 0:
                    return row
        return -1
