"""Which row of the lease table a client may have: its own, the one it asks for, or the one longest out of use.

    choice = Choice(table, pools, client)
    choice.look(request, now)            once per request, after client.look
    choice.own(), .asked(), .oldest()    a row, or -1

RFC 2131 section 4.3.1 sets the order.  In a pool with a failover partner the Peer
says which rows are this server's to give (reference section 5.2); without one, those that
are FREE.  Changes nothing in the table but the order of a queue: what may not be given yet
goes to its end.
"""

from array import array

from micropython import const

from ..lease.table import ABANDONED, ACTIVE, BACKUP, EXPIRED, FREE, NONE, QUIET, RELEASED, RESET

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
        self._request = self._who = None
        self.now = 0
        self._pressure_until = 0
        self._recent = array("H", [NONE] * _RECENT)
        self.probed_pools = ()
        self.share = None  # dhcp/share.py, where there is failover
        for pool in pools:
            pool.failover = None  # or the Peer, from Node.start_failover on

    def look(self, request, now):
        self._request = request
        self._who = request.who
        self.now = now

    def hash(self):
        """The client's identity as a number, for offers."""
        return self._who.hash

    def note_offer(self, row):
        """Remember which row this client was offered, so that it is offered the same when it asks again."""
        self._recent[self.hash() % _RECENT] = row

    def offered_before(self):
        """The row that is held for this client since its last DISCOVER, or -1."""
        row = self._recent[self.hash() % _RECENT]
        if row == NONE or self._table.offered(row, self.hash(), self.now) != 1:
            return -1
        return row if self._is_free_for_client(row) else -1

    def is_client(self, row):
        """The row is bound, or was last bound, to exactly this client."""
        return self._table.is_client(row, self._who)

    def own(self):
        """The row that this client holds on its network, or held last (RFC 2131 section 4.3.1)."""
        t, who = self._table, self._who
        best = -1
        row = t.first_by_id(who)
        while row >= 0:
            if self._is_better_own(row, best):
                best = row
            row = t.next_by_id(row, who)
        if best < 0:
            row = t.first_by_hw(who)
            while row >= 0:
                if not t.has_id(row) and self._is_better_own(row, best):
                    best = row
                row = t.next_by_hw(row, who)
        return best

    def _is_better_own(self, row, best):
        t = self._table
        state = t.state(row)
        if state != ACTIVE and not self.is_open(row):
            return False
        pool = self._pools[t.pool_of(row)]
        if pool.network is not self._client.network or not self._client.may_use(pool):
            return False
        if state != ACTIVE and t.offered(row, self.hash(), self.now) == 2:
            return False
        return best < 0 or (state == ACTIVE) > (t.state(best) == ACTIVE) or t.ends(row) > t.ends(best)

    def asked(self):
        """The free row whose address the client asks for (option 50), -1 if it cannot have it."""
        at = self._request.address(50)
        row = self._table.row_of(self._request.buf, at) if at else -1
        return row if row >= 0 and self._is_free_for_client(row) else -1

    def is_ours(self, row):
        """May this server give the row, which is nobody's, to any client?

        Not one that is RESET: the Peer makes it FREE in time, unless it is this server's own
        address.  An abandoned one is a case of its own.
        """
        state = self._table.state(row)
        peer = self._pools[self._table.pool_of(row)].failover
        if peer is None:
            return state == FREE
        return state != ABANDONED and state != RESET and peer.serves and peer.may_allocate(row, self.now)

    def is_open(self, row):
        """May it give the row to the client that had it last?

        Also if the lease ended and the partner still knows it ACTIVE: nobody else gets it (rewind, section 5.1).
        """
        t = self._table
        if self.is_ours(row):
            return True
        state = t.state(row)
        return (state == EXPIRED or state == RELEASED) and t.rewind(row) == ACTIVE

    def _is_free_for_client(self, row):
        t = self._table
        pool = self._pools[t.pool_of(row)]
        return (
            self.is_ours(row)
            and not self._wants_probe(row, pool)
            and pool.network is self._client.network
            and t.offered(row, self.hash(), self.now) < 2
            and self._client.may_use(pool)
        )

    def oldest(self):
        """The free row that has been out of use for longest; an abandoned one if nothing else is left.

        With a partner: of our own list; then, when it is down for long enough, of its list.
        """
        best = self._oldest_in_state(FREE, True)
        if best < 0 and self.share is not None:
            best = self._oldest_in_state(BACKUP, True)
        if best < 0:
            best = self._oldest_in_state(FREE, False)
            if best >= 0:
                self._pressure_until = self.now + _PRESSURE_S
        if best < 0:
            best = self._oldest_in_state(ABANDONED, False)
        return best

    def _oldest_in_state(self, state, respect_offers):
        t = self._table
        best = -1
        for pool in self._client.network.pools:
            queue = state if pool.failover is None else self._list(pool, state, respect_offers)
            if t.count(pool.index, queue) and self._client.may_use(pool):
                row = self._head(pool, queue, respect_offers)
                if row >= 0 and (best < 0 or t.ends(row) < t.ends(best)):
                    best = row
        return best

    def _list(self, pool, state, respect_offers):
        """Which queue is meant where there is a partner: FREE is our list, BACKUP its.  0, which is empty: none."""
        peer = pool.failover
        if not peer.serves or (not respect_offers and self.share.partner_answers(pool)):
            return 0
        if state == FREE:
            return peer.own
        return state if state == ABANDONED else peer.partners if peer.takes_over else 0

    def _wants_probe(self, row, pool):
        """The row is taken over from a partner that is down and may be in use although nobody told us: probed first."""
        t, peer = self._table, pool.failover
        if peer is None or t.state(row) != peer.partners or pool not in self.probed_pools:
            return False
        return not t.flags(row) & QUIET

    def _head(self, pool, state, respect_offers):
        """The first row of a queue; with a prober, the first of the next few that is known to be quiet."""
        t = self._table
        row = t.first(pool.index, state)
        peer = pool.failover
        if not respect_offers and peer is None:
            return row
        first = -1
        probing = pool in self.probed_pools
        left = _LOOK_AHEAD if self.now < self._pressure_until else _LOOK_FAR
        if peer is not None:
            left = min(left, t.count(pool.index, state))
        while row >= 0 and left:
            left -= 1
            after = t.after(row)
            if peer is not None and not peer.may_allocate(row, self.now):
                t.touch(row)
            elif not respect_offers:
                return row
            elif t.offered(row, self.hash(), self.now) < 2:
                if not probing or t.flags(row) & QUIET:
                    return row
                if first < 0 and not self._wants_probe(row, pool):
                    first = row
                    left = min(left, _LOOK_AHEAD)
            row = after
        return first

    def holds(self, row):
        """The row is bound to this client, or was before the client had an identifier (a PXE ROM, then its system)."""
        t = self._table
        if t.state(row) != ACTIVE and (not self.is_open(row) or t.offered(row, self.hash(), self.now) == 2):
            return False
        return self.is_client(row) or (not t.has_id(row) and self._has_hardware(row))

    def _has_hardware(self, row):
        t, who = self._table, self._who
        found = t.first_by_hw(who)
        while found >= 0 and found != row:
            found = t.next_by_hw(found, who)
        return found == row

    def may_take(self, row):
        """A free row goes to whoever asks, unless it is held for another; under a flood of offers to the first to ask.

        An abandoned one too, to a client that comes back to it: most likely it was the one that answered
        the probe (as ISC dhcpd has it).  Not to one that was just offered it: then somebody else did.
        """
        t = self._table
        if not self.is_ours(row):
            return t.state(row) == ABANDONED and not self.was_selected()
        return t.offered(row, self.hash(), self.now) < 2 or self.now < self._pressure_until

    def was_selected(self):
        """The client answers an offer, and names the server that made it."""
        return self._request.where[54] != 0

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
                row = t.first(pool.index, FREE if pool.failover is None else self._list(pool, FREE, True))
                while row >= 0 and not (self.takes_bootp(row) and self._is_free_for_client(row)):
                    row = t.after(row)
                if row >= 0:
                    return row
        return -1
