"""What failover asks of each request: may this server answer it, or does the partner?  Reference sections 4.7 and 7.

    share = Share(config, table, client, choice, peers)     only where pools have a failover peer
    share.look(secs, now)           once per DISCOVER or BOOTP request
    share.leaves(row)               is the request, for which we have `row`, to be left unanswered?  `words` say why
    share.refuses(row)              the same for a REQUEST
    share.silences(row)             the same for whatever else is about the row

ISC dhcpd lets a client wait when its own server has offered all it has, or when
the other one believes that it has not ("peer holds all free leases").  Here a
server counts along: `partner_answers` takes the partner's free addresses less the
clients that it is answering right now.  Those are the ones that we left to it
within the time that an offer is held, and that have no lease yet.  Both servers
count the same clients, so one of them answers.  If they should disagree, a client that
asks again was answered by nobody, and is answered by whoever can.

Allocates nothing after __init__.
"""

from array import array

from micropython import const

from ..failover.balance import client_bucket
from ..lease.table import ABANDONED, ACTIVE, EXPIRED, RELEASED, RESET
from .request import CHADDR

_WAITING = const(64)
_MARK = const(1 << 22)  # above the hash: this entry is in use
_HOLD_S = const(120)  # as long as a server holds an offer
_AGAIN_S = const(3)  # longer than a datagram and a dhcpd that pings take, in whole seconds
_AGAIN_END_S = const(15)  # later than that, the client begins anew
_SAID_S = const(60)


class Share:
    """peers: the failover Peers that pools name."""

    def __init__(self, config, table, client, choice, peers):
        self._table = table
        self._pools = config.pools
        self._client = client
        self._choice = choice
        self._to_partner = [(peer, b"load balance to peer " + peer.conf.name.encode()) for peer in peers]
        self._hash = array("I", bytes(4 * _WAITING))
        self._since = array("H", bytes(2 * _WAITING))
        self._network = bytearray(_WAITING)
        self._next = 0
        self._lost = self._lost_at = 0
        self._said = array("I", bytes(4 * len(config.networks)))
        self._now = self._secs = 0
        self.words = b""

    def look(self, secs, now):
        """secs: how long the client says that it has been trying."""
        self._secs = secs
        self._now = now

    # May we answer

    def silences(self, row):
        """Nothing that concerns the row is answered now: we are recovering, or resolving a conflict."""
        peer = self._pools[self._table.pool_of(row)].failover
        if peer is None or peer.serves:
            return False
        self.words = peer.why_silent
        return True

    def refuses(self, row):
        """A REQUEST for the row is not ours to answer, be it with an ACK or a NAK: reference section 7.3."""
        if self.silences(row):
            return True
        choice = self._choice
        peer = self._pools[self._table.pool_of(row)].failover
        state = self._table.state(row)
        if peer is not None and state == ACTIVE:
            return self._may_have_ended(row, peer)
        if peer is None or state == RESET or choice.holds(row):
            return False
        if peer.may_allocate(row, choice.now) and (peer.linked or choice.was_selected() or choice.may_take(row)):
            return False  # what is on offer to another the partner may have leased to this one, taking us for down
        if state == EXPIRED:
            self.words = b"lease in transition state expired"
        elif state == RELEASED:
            self.words = b"lease in transition state released"
        else:
            self.words = b"lease owned by peer"
        # One that was abandoned after we had offered it is refused by us; nobody else was asked.
        return state != ABANDONED or not choice.was_selected()

    def _may_have_ended(self, row, peer):
        """The row is ACTIVE, but need not be: a partner that took us for down may have given it to who asks now.

        Certain is what was leased in this run and lasts: after a start, what had ended meanwhile becomes EXPIRED
        little by little; and a lease from before it may have been moved with the clock, and seem to last.
        """
        t = self._table
        if peer.linked or (t.cltt(row) > peer.started and t.ends(row) > self._choice.now):
            return False
        if self._choice.holds(row) or self._choice.was_selected():
            return False
        self.words = b"lease may have ended"
        return True

    def leaves(self, row):
        """A DISCOVER or BOOTP request, for which we would offer the row: reference section 7.2."""
        if self.silences(row):
            return True
        choice, t = self._choice, self._table
        pool = self._pools[t.pool_of(row)]
        peer = pool.failover
        if peer is None or not peer.balances or self._is_ours(peer):
            return False
        offered = t.state(row) != ACTIVE and t.offered(row, choice.hash(), self._now) == 1
        if offered or not self.partner_answers(pool):
            self._forget()
            return False
        self._note()
        self.words = self._balanced(peer)
        return True

    def _is_ours(self, peer):
        r = self._client.request
        id_n = r.size[61] if r.where[61] else 0
        return peer.is_ours(client_bucket(r.buf, r.where[61], id_n, r.buf, CHADDR, r.hlen))

    def _balanced(self, peer):
        for known, words in self._to_partner:
            if known is peer:
                return words
        return b""

    def nothing_left(self):
        """There is no row for this client: True if `words` say more than that, see `leaves`."""
        holder = None
        for pool in self._client.network.pools:
            peer = pool.failover
            if peer is None or not self._client.may_use(pool):
                continue
            if not peer.serves:
                self.words = peer.why_silent
                return True
            if self._table.count(pool.index, peer.partners):
                holder = peer
        if holder is None:
            return False
        self._note()
        return self._says_who_holds(holder)

    def _says_who_holds(self, peer):
        """dhcpd's line, which monitors take for an error, once in a while only: most likely the partner answers."""
        network = self._client.network.index
        if not self._said[network] or self._now - self._said[network] >= _SAID_S:
            self._said[network] = self._now
            self.words = b"peer holds all free leases"
            return True
        self.words = self._balanced(peer)
        return peer.balances

    # Does the partner

    def partner_answers(self, pool):
        """Is the pool's partner there for this client, with an address to offer that no other client waits for?"""
        peer = pool.failover
        if not peer.balances or self._secs > peer.conf.load_balance_max_seconds or self._asks_again():
            return False
        free = self._partner_free(peer)
        return free > 0 and (free > self._waiting(False) or free > self._waiting(True))

    def _partner_free(self, peer):
        client = self._client
        n = 0
        for pool in client.network.pools:
            if pool.failover is peer and client.may_use(pool):
                n += self._table.count(pool.index, peer.partners)
        return min(n, peer.partner_free(client.network)) if n else 0

    # Clients that were left to the partner

    def _age(self, i):
        """Seconds since the client of entry i was first left to the partner; -1 if it does not count any more."""
        if not self._hash[i]:
            return -1
        age = self._now - self._since[i] & 0xFFFF
        if age > _HOLD_S:
            self._hash[i] = 0
            return -1
        return age

    def _waiting(self, carefully):
        """How many others the partner is answering on this network; carefully: without those that have a lease."""
        n = 0
        own = self._choice.hash() | _MARK
        network = self._client.network.index & 0xFF
        for i in range(_WAITING):
            if self._network[i] == network and self._age(i) >= 0 and self._hash[i] != own:
                if carefully and self._table.bound(self._hash[i] & _MARK - 1) >= 0:
                    self._hash[i] = 0
                else:
                    n += 1
        if self._lost and self._now - self._lost_at > _HOLD_S:
            self._lost = 0
        return n + self._lost

    def _own(self):
        own = self._choice.hash() | _MARK
        network = self._client.network.index & 0xFF
        for i in range(_WAITING):
            if self._hash[i] == own and self._network[i] == network and self._age(i) >= 0:
                return i
        return -1

    def _asks_again(self):
        """The client was left to the partner a moment ago, and has no lease since."""
        i = self._own()
        if i < 0:
            return False
        age = self._age(i)
        row = self._table.bound(self._choice.hash())
        return _AGAIN_S <= age <= _AGAIN_END_S and (row < 0 or self._now - self._table.cltt(row) > age)

    def _forget(self):
        i = self._own()
        if i >= 0:
            self._hash[i] = 0

    def _note(self):
        i = self._own()
        if i < 0:
            i = self._room()
        elif self._age(i) <= _AGAIN_END_S:
            return
        self._hash[i] = self._choice.hash() | _MARK
        self._network[i] = self._client.network.index & 0xFF
        self._since[i] = self._now & 0xFFFF

    def _room(self):
        """The oldest entry.  If its client still waits it counts on, unnamed: rather answer too often than not."""
        i = self._next
        self._next = (i + 1) % _WAITING
        if self._age(i) >= 0 and self._table.bound(self._hash[i] & _MARK - 1) < 0:
            self._lost += 1
            self._lost_at = self._now
        return i
