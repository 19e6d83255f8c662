"""The server's decisions: what a request gets, by RFC 2131 section 4.3 and as ISC dhcpd 4.4.3 does it.

    server = Server(config, table)
    server.handle(request, link, now, arena)

`handle` changes the lease table and may begin and fill one reply in the arena.  What
it did is in its attributes until the next call: `reply` (0 or the message type
sent), `size` (octets of the reply), `row` (the row concerned, -1), `note` (why, for the
log), `address()` (the one it is about), and `changed`: rows that must be in the
journal before the reply may leave.

`handle` never looks at a clock: `now` is project seconds, the best guess; `doubt_s`
is how much later it may be, since a client counts from the latest (leases end by
the earliest, see node.on_tick).  It allocates nothing for a client that renews.

Not here: where the reply goes and when (node.py), the lease table (lease/), what a
failover partner answers instead (share.py).
"""

from array import array

from micropython import const

from ..clock import FOREVER
from ..lease.table import (
    ABANDONED,
    ACTIVE,
    BACKUP,
    FREE,
    ITEM_AGENT_INFO,
    ITEM_HOST_NAME,
    OFFERED,
    PROVISIONAL,
    QUIET,
    RELEASED,
    USED,
)
from ..lease.table import BOOTP as BOOTP_LEASE
from ..octets import equal, is_zero
from .choice import Choice
from .client import ClientView
from .request import (
    ACK,
    CIADDR,
    DECLINE,
    DISCOVER,
    FILE,
    FLAGS,
    INFORM,
    NAK,
    OFFER,
    RELEASE,
    REQUEST,
    SECS,
    SIADDR,
    SNAME,
    YIADDR,
)

# What the log adds to the line of a request that got no reply, or got a NAK.
SERVED = const(0)
UNKNOWN_NETWORK = const(1)
NO_FREE = const(2)
WRONG_NETWORK = const(3)
NOT_AUTHORITATIVE = const(4)
UNAVAILABLE = const(5)
UNKNOWN_LEASE = const(6)
OTHER_SERVER = const(7)
UNKNOWN_CLIENT = const(8)
DENIED = const(9)
NO_MEMORY = const(10)
FOUND = const(11)
NOT_FOUND = const(12)
NOW_ABANDONED = const(13)
NO_BOOTP = const(14)
TOO_EARLY = const(15)
RECLAIMED = const(16)
LEFT_TO_PARTNER = const(17)  # failover: `share.words` tell

BOOTREPLY = const(9)  # `reply` for a BOOTP client: no DHCP message type has this number

_ITEM_MAX = const(63)
OFFER_HOLD_S = const(120)  # as ISC dhcpd holds an offer
_CHANGED_MAX = const(8)
_BESIDE_ID = const(11)  # octets of a small message that an echoed identifier must leave: its own head, 118, 52


class Server:
    def __init__(self, config, table):
        self._config = config
        self._table = table
        self._pools = config.pools
        self.client = ClientView(config)
        self.choice = Choice(table, config.pools, self.client)
        self.share = None  # where there is failover
        self.changed = array("H", bytes(2 * _CHANGED_MAX))
        self.n_changed = 0
        self.reply = 0
        self.size = 0
        self.row = -1
        self.note = SERVED
        self.lease_s = 0
        self.trusted_time = True
        self.own_time = True  # it is not a failover partner's word
        self.doubt_s = 0
        self._stashes = config.uses_agent and config.scope.param("stash-agent-options", True)
        self._address = bytearray(4)
        self._agent = bytearray(_ITEM_MAX + 1)
        self._request = None
        self._arena = None
        self._now = 0
        self._pool = self._subnet = self._settings = None  # of the address that the reply is about
        self._renewing = False
        self.want_s = 0  # how long the lease would be if the partner had agreed to it

    def handle(self, request, link, now, arena):
        self.n_changed = self.reply = self.size = 0
        self.note = SERVED
        self.row = -1
        self._request = request
        self._arena = arena
        self._now = now
        self.choice.look(request, now)
        if self._stashes:
            self.client.stash = self._stashed()
        self.client.look(request, link, now)
        kind = request.type
        if kind == DISCOVER:
            self._discover()
        elif kind == REQUEST:
            self._requested()
        elif kind == RELEASE:
            self._release()
        elif kind == DECLINE:
            self._decline()
        elif kind == INFORM:
            self._inform()
        else:
            self._bootp()

    # DISCOVER

    def _discover(self):
        client = self.client
        if client.network is None:
            self.note = UNKNOWN_NETWORK
            return
        if not self._may_boot(client.global_settings()):
            return
        fixed = client.fixed()
        if fixed:
            self._answer_fixed(OFFER, fixed)
            return
        if self.share is not None:
            self.share.look(self._secs(client.global_settings()), self._now)
        choice = self.choice
        row = choice.own()
        if row < 0:
            row = choice.asked()
        if row < 0:
            row = choice.offered_before()
        if row < 0:
            row = choice.oldest()
        if row < 0:
            self.note = LEFT_TO_PARTNER if self.share is not None and self.share.nothing_left() else NO_FREE
        elif self.share is not None and self.share.leaves(row):
            self.note = LEFT_TO_PARTNER
        else:
            self._offer(row)

    def _may_boot(self, settings):
        if settings.allow_booting != "allow":
            self.note = DENIED
        elif self.client.host is None and settings.allow_unknown != "allow":
            self.note = UNKNOWN_CLIENT
        elif settings.min_secs and self._secs(settings) < settings.min_secs:
            self.note = TOO_EARLY
        return self.note == SERVED

    def _secs(self, settings):
        """Seconds the client has been trying; some clients swap the two octets (check-secs-byte-order)."""
        high, low = self._request.buf[SECS], self._request.buf[SECS + 1]
        return high if settings.check_secs and high and not low else high << 8 | low

    def _offer(self, row):
        t = self._table
        self.row = row
        if t.state(row) == ABANDONED:
            self.note = RECLAIMED
            self._reclaim(row)
        if t.state(row) != ACTIVE:
            t.offer(row, self.choice.hash(), self._now + OFFER_HOLD_S)
            self.choice.note_offer(row)
        t.put_address(row, self._address, 0)
        self._aim(row, self.client.subnet_of(self._address, 0))
        self._write_answer(OFFER, self._lease_seconds(t.state(row) == ACTIVE))

    # REQUEST

    def _requested(self):
        r = self._request
        asked_at = r.address(50)
        at = asked_at or CIADDR
        self._take_address(r.buf, at)
        subnet = self.client.subnet_of(r.buf, at)
        self._renewing = not is_zero(r.buf, CIADDR, 4)
        if self._is_not_for_us(subnet, at) or self._is_astray(subnet, asked_at):
            return
        if subnet is None:
            self.note = UNKNOWN_LEASE
            return
        self.client.relocate(subnet.network)
        fixed = self.client.fixed()
        if fixed:
            self._grant_fixed(fixed)
        else:
            self._grant(subnet)

    def _is_not_for_us(self, subnet, at):
        client = self.client
        if client.network is None and (subnet is None or self._request.relayed):
            self.note = UNKNOWN_NETWORK
            return True
        settings = client.global_settings()
        if self._chose_another(subnet, at, settings):
            self.note = OTHER_SERVER
        elif settings.allow_booting != "allow":
            self.note = DENIED
        elif client.host is None and settings.allow_unknown != "allow":
            self.note = UNKNOWN_CLIENT
        return self.note != SERVED

    def _chose_another(self, subnet, at, settings):
        server_at = self._request.address(54)
        if not server_at:
            return False
        settings = self._settings_at(subnet, at) or settings
        return not self.client.answers_to(server_at, settings)

    def _settings_at(self, subnet, at):
        """Settings for the address in the request at `at`: its pool may have a server-identifier of its own."""
        if subnet is None:
            return None
        row = self._table.row_of(self._request.buf, at)
        return self.client.settings(self._pools[self._table.pool_of(row)] if row >= 0 else None, subnet)

    def _is_astray(self, subnet, asked_at):
        """The client is on another network than its address (RFC 2131 section 4.3.2); sends the NAK where we may.

        A client that renews by unicast through a router looks local: for it the
        address tells the network (what ISC dhcpd does, and why it cannot NAK it).
        """
        network = self.client.network
        if not self._request.relayed and (self._renewing or not asked_at):
            return False
        if subnet is not None and subnet.network is network:
            return False
        judge = self.client.settings(None, subnet) if network is None else self.client.global_settings()
        if judge.authoritative:
            self._nak(WRONG_NETWORK)
        else:
            self.note = NOT_AUTHORITATIVE
        return True

    def _grant_fixed(self, fixed):
        if equal(fixed, 0, self._address, 0, 4):
            self._answer_fixed(ACK, fixed)
        else:
            self._nak(UNAVAILABLE)

    def _grant(self, subnet):
        """Acknowledge the address that the client asks for, refuse it, or stay silent."""
        t = self._table
        row = t.row_of(self._address, 0)
        if row < 0:
            self.note = UNKNOWN_LEASE
            return
        self.row = row
        if self.share is not None and self.share.refuses(row):
            self.note = LEFT_TO_PARTNER
        elif not self.client.may_use(self._pools[t.pool_of(row)]):
            self._nak(UNAVAILABLE)
        elif self.choice.holds(row) or self.choice.may_take(row):
            self._aim(row, subnet)
            self._acknowledge(row)
        else:
            self._nak(UNAVAILABLE)

    def _aim(self, row, subnet):
        """The reply will be about this row (-1: an address without one), in this subnet."""
        self.row = row
        self._pool = self._pools[self._table.pool_of(row)] if row >= 0 else None
        self._subnet = subnet
        self._settings = self.client.settings(self._pool, subnet)

    def _acknowledge(self, row):
        t = self._table
        if t.state(row) == ABANDONED:
            self.note = RECLAIMED
        held = t.state(row) == ACTIVE and self.choice.is_client(row)
        seconds = self._lease_seconds(held)
        if held and self._is_fresh(row, seconds):
            self.want_s = seconds = t.ends(row) - self._now - self.doubt_s if t.ends(row) < FOREVER else FOREVER
        elif not self._bind(row, seconds):
            self.note = NO_MEMORY
            return
        elif not held and not self._renewing:
            self._drop_others(row)
        self._write_answer(ACK, seconds)

    def _is_fresh(self, row, seconds):
        """The lease has hardly aged: repeat what is left and spare the flash (dhcp-cache-threshold, dhcpd.conf(5))."""
        percent = self._settings.cache_percent
        if not percent or self._table.ends(row) - self._now - self.doubt_s > seconds or self._name_differs(row):
            return False
        if self._table.flags(row) & PROVISIONAL and self.trusted_time:
            return False
        if self._pool.failover is not None and not self._pool.failover.agrees(row):
            return False  # what the partner has heard, or answers by what it knows, must not seem later than this
        started = self._table.cltt(row)
        length = self._table.ends(row) - started
        fresh = length // 100 * percent + length % 100 * percent // 100
        return 0 <= self._now - started <= fresh

    def _bind(self, row, seconds):
        """Give the row to the client until now + seconds; False if there is no room for its identifier."""
        t = self._table
        if not t.set_client(row, self._request.who):
            return False
        now = self._now + self.doubt_s
        t.set_times(row, FOREVER if seconds >= FOREVER - now else now + seconds, self._now)
        if t.state(row) != ACTIVE:
            t.set_state(row, ACTIVE)
        t.clear_flags(row, OFFERED | QUIET | BOOTP_LEASE | PROVISIONAL)
        t.set_flags(row, USED if self.trusted_time else USED | PROVISIONAL)
        self._keep_items(row)
        if self._pool.failover is not None:
            self._pool.failover.granted(row, self.want_s, seconds, now)
        self._change(row)
        return True

    def _keep_items(self, row):
        r = self._request
        n = self._name_size()
        if n:
            self._table.put_item(row, ITEM_HOST_NAME, r.buf, r.where[12], n)
        if self._stashes and r.relayed and r.agent_n:
            n = min(r.agent_n, _ITEM_MAX)
            self._table.put_item(row, ITEM_AGENT_INFO, r.buf, r.agent_at, n)

    def _stashed(self):
        """What the relay agent said when this client's lease was made: a unicast renewal does not pass the relay.

        Classes and pools that go by the agent's options would lose the client halfway
        through its lease (stash-agent-options in dhcpd.conf(5), on by default).
        """
        r, t = self._request, self._table
        if r.relayed or r.agent_n or r.type != REQUEST:
            return b""
        row = t.row_of(r.buf, CIADDR)
        if row < 0 or t.state(row) != ACTIVE or not self.choice.is_client(row):
            return b""
        n = t.get_item(row, ITEM_AGENT_INFO, self._agent, 0)
        return bytes(self._agent[:n])

    def _name_size(self):
        """Octets of the client's host name, without the zeros that some clients end it with; 0 for none."""
        r = self._request
        at = r.where[12]
        if not at:
            return 0
        n = min(r.size[12], _ITEM_MAX)
        while n and r.buf[at + n - 1] == 0:
            n -= 1
        return n

    def _name_differs(self, row):
        n = self._name_size()
        return n > 0 and not self._table.item_is(row, ITEM_HOST_NAME, self._request.buf, self._request.where[12], n)

    def _drop_others(self, row):
        """The client has taken this address: what else it holds here is free again (RFC 2131 section 4.3.2)."""
        t, who = self._table, self._request.who
        everywhere = self._settings.one_lease
        others_too = everywhere or (self._settings.allow_duplicates != "allow" and self.client.host is not None)
        other = t.first_by_id(who)
        while other >= 0:
            self._drop(other, row, everywhere)
            other = t.next_by_id(other, who)
        if others_too or not self._request.id_n:
            other = t.first_by_hw(who)
            while other >= 0:
                if others_too or not t.has_id(other):
                    self._drop(other, row, everywhere)
                other = t.next_by_hw(other, who)

    def _drop(self, other, row, everywhere):
        t = self._table
        if other == row or t.state(other) != ACTIVE or self.n_changed >= _CHANGED_MAX:
            return
        pool = self._pools[t.pool_of(other)]
        if pool.failover is not None and not pool.failover.serves:
            return
        if everywhere or pool.network is self.client.network:
            self.free(other, self._now)
            self._change(other)

    def free(self, row, now):
        """The row is free from now on, last in its queue, still remembering its client; or when the partner agrees."""
        peer = self._pools[self._table.pool_of(row)].failover
        self._take_back(row, FREE if peer is None else RELEASED, now)
        if peer is not None:
            peer.released(row, now)

    def _reclaim(self, row):
        """Nothing but this abandoned row is left: perhaps it is in order again."""
        peer = self._pools[self._table.pool_of(row)].failover
        self._take_back(row, FREE, self._now)
        if peer is not None:
            peer.changed(row)
            self._change(row)

    def _take_back(self, row, state, now):
        t = self._table
        t.set_times(row, min(t.ends(row), now), t.cltt(row))
        t.clear_flags(row, OFFERED | QUIET | BOOTP_LEASE)
        t.set_state(row, state)

    def _change(self, row):
        if self.n_changed < _CHANGED_MAX:
            self.changed[self.n_changed] = row
            self.n_changed += 1

    # How long

    def _lease_seconds(self, held):
        """Seconds for this client: its wish (option 51) or the default, within min and max, as ISC dhcpd has it."""
        settings, pool = self._settings, self._pool
        seconds = self._request.number(51)
        if seconds < 0:
            seconds = settings.default_s if settings.default_s >= 0 else FOREVER
        if 0 <= settings.max_s < seconds:
            seconds = settings.max_s
        if pool is not None and (settings.adaptive_percent or settings.guest_s >= 0):
            seconds = self._shorter_when_full(held, seconds)
        if seconds < settings.min_s:
            seconds = settings.min_s
        self.want_s = seconds
        if pool is not None and pool.failover is not None:
            seconds = pool.failover.grant_s(self.row, seconds, self._now + self.doubt_s)
        return seconds

    def _shorter_when_full(self, held, seconds):
        settings, pool = self._settings, self._pool
        used = pool.size - self._table.count(pool.index, FREE) - self._table.count(pool.index, BACKUP)
        if used * 100 < pool.size * (settings.adaptive_percent or 50):
            return seconds
        if settings.guest_s >= 0 and self._request.is_guest():
            return min(seconds, settings.guest_s)
        if not settings.adaptive_percent:
            return seconds
        remaining = self._table.ends(self.row) - self._now if held else 0
        return min(seconds, max(settings.min_s, remaining))

    # RELEASE, DECLINE, INFORM, BOOTP

    def _release(self):
        """RFC 2131 section 4.3.4.  The address is in ciaddr; no reply."""
        t = self._table
        self._take_address(self._request.buf, CIADDR)
        row = t.row_of(self._request.buf, CIADDR)
        self.note = NOT_FOUND
        if row >= 0 and t.state(row) == ACTIVE and self.choice.holds(row):
            self.row = row
            if self._is_silenced(row):
                return
            self.note = FOUND
            self.free(row, self._now)
            self._change(row)

    def _decline(self):
        """RFC 2131 section 4.3.3: somebody else uses the address; leave it alone for a day."""
        r, t = self._request, self._table
        at = r.address(50)
        row = t.row_of(r.buf, at) if at else -1
        self.note = NOT_FOUND
        self._take_address(r.buf, at or CIADDR)
        if row < 0:
            return
        held = t.state(row) == ACTIVE and self.choice.holds(row)
        free = t.state(row) == FREE or t.state(row) == BACKUP
        if not held and not (free and t.offered(row, self.choice.hash(), self._now) == 1):
            return
        self.row = row
        if self._is_silenced(row):
            return
        settings = self.client.settings(self._pools[t.pool_of(row)], self.client.subnet_of(r.buf, at))
        if settings.allow_declines != "allow":
            self.note = DENIED
            return
        self.note = NOW_ABANDONED
        self.abandon(row, self._now, settings.abandon_s)

    def abandon(self, row, now, seconds):
        """Take the row out of use for so many seconds: a client declined it, or a probe was answered."""
        t = self._table
        t.clear_client(row)
        t.set_times(row, now + seconds if 0 <= seconds < FOREVER - now else FOREVER, now)
        t.clear_flags(row, OFFERED | QUIET)
        t.set_state(row, ABANDONED)
        peer = self._pools[t.pool_of(row)].failover
        if peer is not None:
            peer.abandoned(row, now)
        self._change(row)

    def _is_silenced(self, row):
        if self.share is not None and self.share.silences(row):
            self.note = LEFT_TO_PARTNER
            return True
        return False

    def _inform(self):
        """RFC 2131 section 4.3.5: options only, to a client that has its address from elsewhere."""
        r = self._request
        if is_zero(r.buf, CIADDR, 4):
            self.note = UNKNOWN_NETWORK
            return
        self._take_address(r.buf, CIADDR)
        subnet = self.client.subnet_of(r.buf, CIADDR)
        if subnet is None:
            self.note = UNKNOWN_NETWORK
            return
        self._aim(-1, subnet)
        settings = self._settings
        if not settings.authoritative:
            self.note = NOT_AUTHORITATIVE
            return
        self._begin(ACK, settings)
        self._arena.option8(53, ACK)
        self._put_server_id(settings)
        self._put_options(False)
        self._end(ACK)

    def _bootp(self):
        client = self.client
        if client.network is None:
            self.note = UNKNOWN_NETWORK
            return
        settings = client.global_settings()
        if settings.allow_bootp != "allow":
            self.note = DENIED
            return
        if not self._may_boot(settings):
            return
        fixed = client.fixed()
        if fixed:
            self._answer_fixed(BOOTREPLY, fixed)
            return
        if self.share is not None:
            self.share.look(self._secs(settings), self._now)
        row = self.choice.own()
        if row < 0 or not self.choice.takes_bootp(row):
            row = self.choice.oldest_bootp()
        if row < 0:
            self.note = NO_BOOTP
            return
        if self.share is not None and self.share.leaves(row):
            self.note = LEFT_TO_PARTNER
            return
        t = self._table
        t.put_address(row, self._address, 0)
        self._aim(row, client.subnet_of(self._address, 0))
        held = t.state(row) == ACTIVE and t.ends(row) == FOREVER and self.choice.is_client(row)
        if not held:
            self.want_s = FOREVER
            if not self._bind(row, FOREVER):
                self.note = NO_MEMORY
                return
            t.set_flags(row, BOOTP_LEASE)
        self._write_answer(BOOTREPLY, FOREVER)

    # Replies

    def _take_address(self, buf, at):
        address = self._address
        for i in range(4):
            address[i] = buf[at + i]

    def address(self):
        """Four octets: the address that the last request was about."""
        return self._address

    def _answer_fixed(self, kind, fixed):
        """A fixed-address has no row: the declaration is the lease."""
        self._take_address(fixed, 0)
        self._aim(-1, self.client.subnet_of(fixed, 0))
        self._write_answer(kind, FOREVER if kind == BOOTREPLY else self._lease_seconds(False))

    def _write_answer(self, kind, seconds):
        arena, settings = self._arena, self._settings
        if settings.dynamic:
            self.client.leased(bytes(self._address), seconds, settings)
            settings = self._settings = self.client.settings(self._pool, self._subnet)
        self.lease_s = seconds
        self._begin(kind, settings)
        arena.put_address(YIADDR, self._address, 0)
        if kind != BOOTREPLY:
            arena.option8(53, kind)
            self._put_server_id(settings)
            if seconds >= FOREVER:
                arena.option_forever(51)
            else:
                arena.option32(51, seconds)
        self._put_options(kind != BOOTREPLY)
        self._end(kind)

    def _begin(self, kind, settings):
        arena, r = self._arena, self._request
        arena.start(r)
        if kind == ACK:
            arena.put_address(CIADDR, r.buf, CIADDR)
        arena.put_address(SIADDR, settings.next_server, 0)
        if kind == BOOTREPLY and is_zero(settings.next_server, 0, 4):
            # RFC 951 section 4: the server that answers is where the boot file is, unless it names another.
            arena.put_address(SIADDR, self.client.link.address, 0)
        if settings.server_name:
            arena.text(SNAME, settings.server_name, FILE - SNAME)
        if settings.filename:
            arena.text(FILE, settings.filename, 128)
        if settings.always_broadcast:
            arena.buf[arena.at + FLAGS] |= 0x80

    def _put_server_id(self, settings):
        override = self.client.server_override()
        if override:
            self._arena.option(54, self._request.buf, override, 4)
        else:
            self._arena.option(54, settings.server_id or self.client.link.address, 0, 4)

    def _put_options(self, with_mask):
        r, arena = self._request, self._arena
        if self._settings.echo_client_id and r.id_n and r.id_n <= 255 and r.id_n + _BESIDE_ID <= arena.room():
            arena.option(61, r.buf, r.id_at, r.id_n)
        subnet_at = r.address(118)
        if subnet_at:  # RFC 3011 section 2.1: a server that heeds it returns it
            arena.option(118, r.buf, subnet_at, 4)
        self._put_template(with_mask)

    def _put_template(self, with_mask):
        arena = self._arena
        arena.template(self._settings.template(self._request, arena.room(), with_mask))

    def _end(self, kind):
        self.size = self._arena.finish(self._request)
        self.reply = kind

    def _nak(self, note):
        """RFC 2131 section 4.3.2 and table 3; through a relay it must be broadcast."""
        arena, r = self._arena, self._request
        row = self._table.row_of(self._address, 0)
        if row >= 0 and self._is_silenced(row):
            return
        self.note = note
        arena.start(r)
        if r.relayed:
            arena.buf[arena.at + FLAGS] |= 0x80
        arena.option8(53, NAK)
        self._put_server_id(self.client.global_settings())
        self._end(NAK)
