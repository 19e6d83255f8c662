"""The pure node: packets and ticks in; rows to persist, then datagrams to send, out.

    node.on_dhcp(packet, length, link, now)   a datagram from a client or a relay agent
    node.on_tick(earliest, now)               about once a second
    node.ready()                              True if something waits to be carried out:
        node.rows[0 : node.n_rows]            1. lease rows that must be in the journal, synced, before …
        node.metas                               and small values, [(key, octets)]
        node.sends, node.send_…               2. … these datagrams leave; and what failover has to say
        node.lines                            3. for the log
    node.done()                               it is carried out

`now` is project seconds, the clock's best guess; `earliest` is what it is at least: leases
end by that.  The driver may hand in several packets before it syncs
(group commit) while `has_room()` holds; a lone packet is answered at once.
Nothing here allocates for a client that renews.

The node is the store of the failover Peers: persist, persist_meta, save_later, say, identity,
has_room (ARCHITECTURE.md, Failover).

Not here: what a request gets (dhcp/server.py), sockets, flash, the clock.
"""

from array import array

from micropython import const

from .dhcp.reply import Arena
from .dhcp.request import ACK, CIADDR, GIADDR, INFORM, OFFER, Request
from .dhcp.server import Server
from .lease.table import ABANDONED, BACKUP, FREE, PROBED, QUIET, RESET, UNSAVED
from .octets import copy, fill, is_zero

_SERVER_PORT = const(67)
_CLIENT_PORT = const(68)
_ROWS_MAX = const(64)
_EXPIRE_PER_TICK = const(64)
_QUIET_S = const(60)
_QUIET_MAX = const(256)
_STILL_S = const(30)
_LATER_S = const(30)
_ABANDON_S = const(86400)
_URGENT_MAX = const(16)
_AHEAD = const(8)
_LINES_MAX = const(16)
_SAVED_PER_TICK = const(8)
NONE = const(0xFFFF)


class Link:
    """A network interface as the node sees it: name, own address (4 octets), the network it is on (or None)."""

    def __init__(self, name, address, network):
        self.name = name
        self.label = name.encode()
        self.address = address
        self.network = network


class Node:
    """burst: how many replies one sync may serve; each may need up to 1472 octets of the arena, most take 300."""

    def __init__(self, config, table, links, burst=8, arena_size=4096):
        self.config = config
        self.table = table
        self.links = links
        self.request = Request()
        self.server = Server(config, table)
        self.arena = Arena(arena_size)
        self.rows = array("H", bytes(2 * _ROWS_MAX))
        self.n_rows = 0
        self._burst = burst
        self.sends = 0
        self.send_at = array("H", bytes(2 * burst))
        self.send_size = array("H", bytes(2 * burst))
        self.send_to = bytearray(4 * burst)
        self.send_port = array("H", bytes(2 * burst))
        self.send_link = bytearray(burst)
        self.malformed = 0
        self.failover = ()  # the Peers
        self.identity = None  # of this board, for them
        self.metas = []
        self.lines = []
        self._unsaved_at = -1  # where to look for the next row that is UNSAVED; -1: nowhere
        self.unprobed = array("H", bytes(2 * _URGENT_MAX))
        self.n_unprobed = 0
        self._probed_pools = ()
        self._quiet_rows = self._quiet_until = ()
        self._quiet_next = self._pool_next = 0

    def reserve_own(self, address):
        """Keep the server's own address (4 octets) from being leased.  True if it was in a range and free."""
        row = self.table.row_of(address, 0)
        if row < 0 or not self._is_unused(row):
            return False
        self.table.set_state(row, RESET)
        return True

    def has_room(self):
        """True if another packet may be handed in before the driver syncs and sends."""
        return self.sends < self._burst and self.n_rows + 8 < _ROWS_MAX and self.arena.has_room()

    def ready(self):
        return self.sends > 0 or self.n_rows > 0 or len(self.metas) > 0 or len(self.lines) > 0

    def done(self):
        self.sends = self.n_rows = 0
        self.arena.drop()
        if self.metas:
            self.metas = []
        if self.lines:
            self.lines = []

    def drop_replies(self):
        """Something failed: send nothing of this burst.  Its rows stay, for the next one's sync."""
        self.sends = 0
        self.arena.drop()

    def on_dhcp(self, packet, length, link, now):
        """One datagram that came in on links[link].  Returns 0, or why it was not read (dhcp/request.py)."""
        request, server = self.request, self.server
        reason = request.parse(packet, length)
        if reason:
            self.malformed += 1
            server.reply = 0
            return reason
        try:
            server.handle(request, self.links[link], now, self.arena)
        finally:  # what has changed in RAM must reach the journal, even if the memory did not suffice for a reply
            for i in range(server.n_changed):
                self.persist(server.changed[i])
        if server.reply:
            self._send(link)
            if server.reply == OFFER and self._probed_pools:
                self._note_unprobed(server.row)
        return 0

    def on_tick(self, earliest, now=-1):
        """Leases end, abandoned addresses come back, quiet ones are due for a probe.  True if more is due at once.

        Offers end by `now`, by which they were made; without it by `earliest`.
        """
        table = self.table
        row = -1
        for _ in range(_EXPIRE_PER_TICK):
            if not self.has_room():
                break
            row = table.due(earliest, now)
            if row < 0:
                break
            self._ended(row, earliest)
        if self._unsaved_at >= 0:
            self._save_some()
        self._forget_quiet(earliest)
        return (row >= 0 or table.more_due) and self.has_room()

    def _ended(self, row, now):
        """A lease is over, or the time of an abandoned address; with a partner, the Peer says what becomes of it."""
        table = self.table
        peer = self.config.pools[table.pool_of(row)].failover
        if peer is None:
            table.set_state(row, FREE)
        elif table.state(row) == ABANDONED:
            if peer.expires_here(row):
                table.set_state(row, FREE)
                peer.changed(row)
                self.persist(row)
            else:
                table.set_times(row, now + _LATER_S, table.cltt(row))
        elif peer.expires_here(row):
            peer.expired(row, now)
        else:
            table.defer(row)

    # Failover

    def start_failover(self, peers):
        """From now on the Peers say what this server may do with the rows of their `pools`."""
        from .dhcp.share import Share

        server = self.server
        for peer in peers:
            for pool in peer.pools:
                pool.failover = peer
        self.failover = tuple(peers)
        server.share = Share(self.config, self.table, server.client, server.choice, peers)
        server.choice.share = server.share

    def persist_meta(self, key, octets):
        """A small value that must be in the journal before anything leaves; the latest of a key counts."""
        self.metas = [meta for meta in self.metas if meta[0] != key]
        self.metas.append((key, octets))

    def save_later(self, row):
        """The row is worth a record, but nobody waits for it: a few are written with each tick."""
        self.table.set_flags(row, UNSAVED)
        self._unsaved_at = max(self._unsaved_at, 0)

    def _save_some(self):
        table = self.table
        row = self._unsaved_at
        for _ in range(_SAVED_PER_TICK):
            row = table.next_flagged(row, UNSAVED)
            if row < 0 or not self.has_room():
                break
            self.persist(row)
        if row < 0 and self._unsaved_at == 0:
            self._unsaved_at = -1
        else:
            self._unsaved_at = max(row, 0)

    def say(self, text):
        """A line for the log; of very many at once the last ones are dropped."""
        if len(self.lines) < _LINES_MAX:
            self.lines.append(text)

    # Probing ahead: the next addresses of each pool are known to be quiet before a client asks.

    def wants_probing(self):
        """True if `ping-check` is on for any pool (its default)."""
        return any(pool.scope.param("ping-check", True) for pool in self.config.pools)

    def start_probing(self):
        """There is a prober: from now on offer addresses that it found quiet, where `ping-check` is on."""
        self._probed_pools = [pool for pool in self.config.pools if pool.scope.param("ping-check", True)]
        self.server.choice.probed_pools = self._probed_pools
        n = min(_AHEAD * len(self._probed_pools), _QUIET_MAX)
        self._quiet_rows = array("H", [NONE] * n)
        self._quiet_until = array("H", bytes(2 * n))

    def next_unprobed(self, now):
        """A row that the prober should ask for next: one just offered, else one that comes up soon; -1 for none.

        Not one that was in use a moment ago: a client that released its address may still
        answer.  The row is marked as asked for; the finding goes to `probed`.
        """
        table = self.table
        if self.n_unprobed:
            self.n_unprobed -= 1
            table.set_flags(self.unprobed[self.n_unprobed], PROBED)
            return self.unprobed[self.n_unprobed]
        for _ in range(len(self._probed_pools)):
            self._pool_next = (self._pool_next + 1) % len(self._probed_pools)
            pool = self._probed_pools[self._pool_next]
            peer = pool.failover
            if peer is not None and not peer.serves:
                continue  # what looks free may be leased: we are about to hear of it
            row = self._next_of(pool, FREE if peer is None else peer.own, now)
            if row < 0 and peer is not None and peer.takes_over:
                row = self._next_of(pool, peer.partners, now)
            if row >= 0:
                table.set_flags(row, PROBED)
                return row
        return -1

    def _next_of(self, pool, state, now):
        """Of the first few rows of a queue, one that nothing is known about; -1 for none."""
        table = self.table
        row = table.first(pool.index, state)
        for _ in range(_AHEAD):
            if row < 0:
                break
            if not table.flags(row) & (QUIET | PROBED) and table.ends(row) + _STILL_S <= now:
                return row
            row = table.after(row)
        return -1

    def _is_unused(self, row):
        state = self.table.state(row)
        return state == FREE or state == BACKUP

    def probed(self, row, answered, now):
        """The prober's finding.  An address in use is abandoned; one that was leased meanwhile is its client's."""
        table = self.table
        table.clear_flags(row, PROBED)
        if not self._is_unused(row):
            return False
        if answered:
            self.server.n_changed = 0
            self.server.abandon(row, now, self._abandon_s(row))
            self.persist(row)
            return True
        i = self._quiet_next
        if self._quiet_rows[i] != NONE:
            table.clear_flags(self._quiet_rows[i], QUIET)
        table.set_flags(row, QUIET)
        self._quiet_rows[i] = row
        self._quiet_until[i] = now + _QUIET_S & 0xFFFF
        self._quiet_next = (i + 1) % len(self._quiet_rows)
        return False

    def _abandon_s(self, row):
        return self.config.pools[self.table.pool_of(row)].scope.param("abandon-lease-time", _ABANDON_S)

    def _forget_quiet(self, now):
        for i in range(len(self._quiet_rows)):
            row = self._quiet_rows[i]
            if row != NONE and now - self._quiet_until[i] & 0xFFFF < 0x8000:
                self.table.clear_flags(row, QUIET)
                self._quiet_rows[i] = NONE

    def _note_unprobed(self, row):
        table = self.table
        if row < 0 or self.server.choice.is_client(row):
            return  # its own address, as far as we know: asking would find the client itself
        if self._is_unused(row) and not table.flags(row) & (QUIET | PROBED):
            if self.n_unprobed < _URGENT_MAX and self.config.pools[table.pool_of(row)] in self._probed_pools:
                self.unprobed[self.n_unprobed] = row
                self.n_unprobed += 1

    def persist(self, row):
        """The row must be in the journal, synced, before anything that is decided from now on leaves."""
        self.table.clear_flags(row, UNSAVED)
        for i in range(self.n_rows):
            if self.rows[i] == row:
                return
        self.rows[self.n_rows] = row
        self.n_rows += 1

    def _send(self, link):
        """Queue the reply for where RFC 2131 section 4.1 says; by broadcast to a client that has no address yet."""
        i, request = self.sends, self.request
        self.send_at[i] = self.arena.at
        self.send_size[i] = self.server.size
        self.send_link[i] = link
        self.send_port[i] = _CLIENT_PORT
        renewing = not is_zero(request.buf, CIADDR, 4) and self.server.reply == ACK
        if request.relayed and not (renewing and request.type == INFORM):
            copy(self.send_to, 4 * i, request.buf, GIADDR, 4)
            self.send_port[i] = _SERVER_PORT
        elif renewing:
            copy(self.send_to, 4 * i, request.buf, CIADDR, 4)
        else:
            fill(self.send_to, 4 * i, 4, 255)
        self.arena.at += self.server.size
        self.sends = i + 1
