"""Two servers that share a pool, with Peers that know the rules of failover and no wire.  Both interpreters.

What the partner is to hear waits in `owed` until `exchange` carries it over and has it acknowledged.
"""

from leases import identity
from packets import HERE, Office
from twinlease.failover import balance, times
from twinlease.lease.table import (
    ABANDONED,
    ACKED,
    ACTIVE,
    BACKUP,
    EXPIRED,
    FREE,
    HELD,
    RELEASED,
    RESET,
)

THERE = b"\x0a\x4d\x00\x03"
MCLT = 60

SHARED = """
default-lease-time 300; max-lease-time 7200; min-lease-time 60; authoritative;
failover peer "p" { primary; address 10.77.0.2; peer address 10.77.0.3; mclt 60; split 128;
  load balance max seconds 3; max-response-delay 10; max-unacked-updates 10; }
subnet 10.77.0.0 netmask 255.255.0.0 {
  pool { failover peer "p"; range 10.77.1.1 10.77.1.50; }
}
subnet 10.88.0.0 netmask 255.255.255.0 { range 10.88.0.10 10.88.0.12; }
host printer { hardware ethernet 02:00:00:00:ff:01; fixed-address 10.77.0.50; }
"""


class Peer:
    """NORMAL with a partner in NORMAL, until a test says otherwise."""

    def __init__(self, office, primary, split=128, mclt=MCLT):
        self.table = office.table
        self.pools = [pool for pool in office.config.pools if pool.peer]
        self.conf = self.pools[0].peer
        self.primary = primary
        self.own = FREE if primary else BACKUP
        self.partners = BACKUP if primary else FREE
        self.mclt = mclt
        self.hba = balance.hba_of_split(split)
        self.serves = self.balances = self.linked = True
        self.differences = ()
        self.takes_over = False
        self.stos = 0
        self.started = 0
        self.why_silent = b""
        self.owed = []

    def silent(self, why):
        self.serves = self.balances = False
        self.why_silent = why

    def interrupted(self):
        self.balances = self.linked = False

    def partner_down(self, now):
        self.interrupted()
        self.takes_over = True
        self.stos = now

    def is_ours(self, bucket):
        return balance.is_ours(self.primary, self.hba, bucket)

    def partner_free(self, network):
        n = 0
        for pool in network.pools:
            if pool in self.pools:
                n += self.table.count(pool.index, self.partners)
        return n

    def _promised(self, row):
        return times.promised_until(self.table.tstp(row), self.table.tsfp(row))

    def may_allocate(self, row, now):
        t = self.table
        down = self.stos if self.takes_over else -1
        known = t.rewind(row) or FREE
        return not t.flags(row) & HELD and times.may_allocate(
            self.primary, t.state(row), known, self._promised(row), now, down, self.mclt
        )

    def agrees(self, row):
        return self.linked and not self.differences and not times.is_pending(self.table, row)

    def grant_s(self, row, want_s, now):
        return times.granted_s(want_s, self.table.tsfp(row), now, self.mclt)

    def granted(self, row, want_s, granted_s, now):
        t = self.table
        assert t.state(row) == ACTIVE
        tstp = times.tstp_of_grant(now, want_s, granted_s)
        t.set_tsfp(row, min(t.tsfp(row), t.tstp(row), tstp))
        t.set_tstp(row, tstp)
        self._owe(row)

    def released(self, row, now):
        assert self.table.state(row) == RELEASED and self.table.ends(row) <= now
        self.table.set_tstp(row, now)
        self._owe(row)

    def abandoned(self, row, now):
        assert self.table.state(row) == ABANDONED and self.table.ends(row) > now
        self._owe(row)

    def changed(self, row):
        self._owe(row)

    def expires_here(self, row):
        return self.primary or not self.linked or self.table.state(row) == ABANDONED

    def expired(self, row, now):
        t = self.table
        assert t.state(row) == ACTIVE
        if (t.rewind(row) or FREE) == self.own:
            t.set_state(row, self.own)
        else:
            t.set_state(row, EXPIRED)
        self._owe(row)

    def _owe(self, row):
        t = self.table
        if self.linked:
            t.set_rewind(row, t.state(row))
        t.clear_flags(row, ACKED)
        if row not in self.owed:
            self.owed.append(row)


def office(text=SHARED, primary=True, split=128, mclt=MCLT, now=100_000):
    """A server that shares its pool; the first half of the pool's free rows are the primary's."""
    o = Office(text, now, HERE if primary else THERE)
    o.peer = Peer(o, primary, split, mclt)
    o.node.start_failover([o.peer])
    shared = [row for row in range(o.table.rows) if o.config.pools[o.table.pool_of(row)].peer]
    for row in shared[len(shared) // 2 :]:
        o.table.set_state(row, BACKUP)
        o.table.set_rewind(row, BACKUP)
    return o


def pair(text=SHARED, split=128):
    return office(text, True, split), office(text, False, split)


def exchange(*offices):
    """Each tells the other what it owes, and is acknowledged."""
    for i in (0, 1):
        one, other = offices[i], offices[1 - i]
        for row in one.peer.owed:
            _carry(one.table, other.table, row)
        one.peer.owed = []


def _carry(mine, its, row):
    hw, identifier = bytearray(16), bytearray(255)
    hlen = mine.get_hw(row, hw, 0)
    n = mine.get_id(row, identifier, 0)
    assert its.set_client(row, identity(mine.htype(row), bytes(hw[:hlen]), bytes(identifier[:n])))
    its.set_times(row, mine.ends(row), mine.cltt(row))
    state = mine.state(row)
    for t in (mine, its):
        t.set_state(row, FREE if state in (EXPIRED, RELEASED, RESET) else state)
        t.set_rewind(row, t.state(row))
        t.set_tsfp(row, mine.tstp(row))
        t.set_flags(row, ACKED)


def grant(o, row, hw, ends, **more):
    """A row ACTIVE for a client without identifier, as if the partner had told of it."""
    octets = bytes([2, 0, 0, 0, hw >> 8, hw & 255])
    o.table.set_client(row, identity(1, octets))
    o.table.set_times(row, ends, o.now)
    o.table.set_state(row, more.get("state", ACTIVE))
    o.table.set_rewind(row, more.get("rewind", ACTIVE))
    o.table.set_tsfp(row, more.get("tsfp", 0))
