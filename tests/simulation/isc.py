"""A model of ISC dhcpd 4.4.3-P1 as a failover partner: what it says and does, its faults included.  No sockets.

    dhcpd = Dhcpd(primary, name, mclt, hba, addresses, rng)
    dhcpd.start(now); c = dhcpd.opened(now); dhcpd.hear(c, message, now); dhcpd.closed(c, now); dhcpd.tick(now)
    c.out, c.closing            messages to send; to be closed when they have left
    dhcpd.granted(…)            what its DHCP half (isc_server.py) does to leases

Made from the reference (a description of what that dhcpd was seen to do, and of its source), section by section as
the comments say, and held against captures of real ones (test_isc.py).  Times are Unix seconds, by its own clock.

Raises Exited where its process ends.  Nothing here is shared with the firmware but the arithmetic of RFC 3074.

Left out: BOOTP, reservations in pools, several relationships, OMAPI but for set_state, its log.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from twinlease.failover import balance

from tests.unit.failover_tables import ISC_RUNNING, ISC_STARTUP

POOLREQ, POOLRESP, BNDUPD, BNDACK, CONNECT, CONNECTACK, UPDREQALL, UPDDONE, UPDREQ, STATE, CONTACT, DISCONNECT = range(
    1, 13
)
ST, N, CI, PD, PC, R, PA, SD, RD, RI, CD, RW = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 254
_EXIT, _ASK, _ASK_ALL = 99, 252, 253
FREE, ACTIVE, EXPIRED, RELEASED, ABANDONED, RESET, BACKUP = range(1, 8)
ENDED = (EXPIRED, RELEASED, RESET)

# Options: reference section 1.5.
MOVED, ADDRESS, STATUS, CLIENT_ID, CHADDR, CLTT, HBA, FLAGS, ENDS, MAX_UNACKED, MCLT, TEXT = (
    1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16,
)  # fmt: skip
POTENTIAL, RECEIVE_TIMER, VERSION, REJECT, NAME, SERVER_FLAGS, SERVER_STATE, STOS, TLS_REPLY, TLS_REQUEST, VENDOR = (
    18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28,
)  # fmt: skip
_LONGEST = 29
_DDNS = 9
_ACCEPTED = {
    POOLRESP: {MOVED},
    BNDUPD: {ADDRESS, STATUS, CLIENT_ID, CHADDR, CLTT, 7, 8, _DDNS, FLAGS, ENDS, POTENTIAL, STOS},
    BNDACK: {ADDRESS, STATUS, CLIENT_ID, CHADDR, CLTT, 7, 8, _DDNS, FLAGS, ENDS, POTENTIAL, STOS, TEXT, REJECT},
    CONNECT: {HBA, MAX_UNACKED, MCLT, RECEIVE_TIMER, VERSION, NAME, TLS_REQUEST, VENDOR},
    CONNECTACK: {MAX_UNACKED, TEXT, RECEIVE_TIMER, VERSION, REJECT, NAME, TLS_REPLY, VENDOR},
    STATE: {SERVER_FLAGS, SERVER_STATE, STOS},
    DISCONNECT: {TEXT, REJECT},
}
_SIZES = {
    MOVED: 4, ADDRESS: 4, STATUS: 1, CLTT: 4, FLAGS: 2, ENDS: 4, MAX_UNACKED: 4, MCLT: 4, POTENTIAL: 4, RECEIVE_TIMER: 4,
    VERSION: 1, REJECT: 1, SERVER_FLAGS: 1, SERVER_STATE: 1, STOS: 4, TLS_REPLY: 1, TLS_REQUEST: 1,
}  # fmt: skip
_VENDOR = b"isc-4.4.3-P1"
_INFINITE = 0x7FFFFFFF
_VETOES = (PD, PC, CD, RI)


class Exited(Exception):
    """Its process has ended, by a partner's word."""


class BadMessage(Exception):
    """A protocol error: it closes the link."""


@dataclass
class Message:
    kind: int
    time: int
    xid: int
    options: dict[int, bytes]

    def number(self, code: int, without: int = 0) -> int:
        value = self.options.get(code)
        return without if value is None else int.from_bytes(value, "big")


def encode(kind: int, time: int, xid: int, options: Iterable[tuple[int, int | bytes]] = ()) -> bytes:
    """An option's value is octets, or a number of the size that the option has."""
    body = b""
    for code, value in options:
        octets = value.to_bytes(_SIZES[code], "big") if isinstance(value, int) else value
        body += code.to_bytes(2, "big") + len(octets).to_bytes(2, "big") + octets
    return (
        (12 + len(body)).to_bytes(2, "big")
        + bytes((kind, 12))
        + time.to_bytes(4, "big")
        + xid.to_bytes(4, "big")
        + body
    )


def decode(octets: bytes) -> Message | None:
    """Reference section 1.3; None for what it ignores.  Raises BadMessage."""
    kind, at = octets[2], octets[3]
    if at < 12:
        raise BadMessage("payload offset")
    options: dict[int, bytes] = {}
    while at < len(octets):
        code, n = int.from_bytes(octets[at : at + 2], "big"), int.from_bytes(octets[at + 2 : at + 4], "big")
        value = octets[at + 4 : at + 4 + n]
        if len(octets) - at < 4 or len(value) < n:
            raise BadMessage("past the end")
        if kind > DISCONNECT:
            raise BadMessage("unknown type with an option")
        at += 4 + n
        if code > _LONGEST:
            continue
        if code in options:
            raise BadMessage("option twice")
        if code not in _ACCEPTED.get(kind, ()):
            continue
        if code == _DDNS or len(value) != _SIZES.get(code, len(value)):
            raise BadMessage("option %d" % code)
        options[code] = value
    if kind > DISCONNECT:
        return None
    return Message(kind, int.from_bytes(octets[4:8], "big"), int.from_bytes(octets[8:12], "big"), options)


@dataclass
class Lease:
    """An address; tstp, tsfp, atsfp as in reference section 5.6."""

    address: bytes
    state: int = FREE
    rewind: int = FREE
    starts: int = 0
    ends: int = 0
    cltt: int = 0
    tstp: int = 0
    tsfp: int = 0
    atsfp: int = 0
    raised: int = 0
    """What tsfp is now, later than both have agreed to, until somebody else sets it; and why, by the judge's name."""
    raised_by: str = ""
    doubt: str = ""
    """Why the partner may still have it leased, although it is to be had here, by the judge's name: until they have talked."""
    chaddr: bytes = b""
    client_id: bytes = b""

    @property
    def used(self) -> bool:
        return self.ends != 0

    @property
    def pending(self) -> bool:
        return self.tstp > self.atsfp


@dataclass
class Record:
    """The state block of the lease file."""

    state: int = R
    stos: int = 0
    partner: int = 0
    mclt: int = 0
    hba: bytes = bytes(32)


@dataclass(eq=False)
class Connection:
    opened_at: int
    out: list[bytes] = field(default_factory=list)
    closing: bool = False
    xid: int = 0
    said_at: int = 0
    heard_at: int = 0
    said_anything: bool = False


class Dhcpd:
    def __init__(
        self,
        primary: bool,
        name: bytes,
        mclt: int,
        hba: bytes,
        addresses: Iterable[Iterable[bytes]],
        rng: random.Random,
        max_response_delay: int = 10,
        max_unacked: int = 10,
        misbalance: int = 15,
        ownership: int = 10,
        min_balance: int = 60,
        max_balance: int = 3600,
    ) -> None:
        """addresses: of each pool.  mclt, hba: the primary's; a secondary learns them."""
        self.primary = primary
        self.name = name
        self.rng = rng
        self.pools = [list(pool) for pool in addresses]
        self.max_response_delay = max_response_delay
        self.max_unacked = max_unacked
        self.misbalance, self.ownership, self.min_balance, self.max_balance = (
            misbalance, ownership, min_balance, max_balance,
        )  # fmt: skip
        self.own, self.partners = (FREE, BACKUP) if primary else (BACKUP, FREE)
        self._configured = Record(mclt=mclt if primary else 0, hba=hba if primary else bytes(32))
        self.disk: dict[bytes, Lease] = {}
        self._dirty: set[bytes] = set()
        self.disk_record: Record | None = None
        self.told: set[bytes] = set()
        """Of which addresses the partner has been told that they are ACTIVE: what it does not know itself after a power cut."""
        self.now = 0
        self.link: Connection | None = None
        self.connections: list[Connection] = []
        self.peer_max_unacked = self.peer_receive_timer = 0
        self.ends_early: Callable[[bytes, int, str], None] = lambda address, until, weakness: None
        """Called when it lets a lease end that runs, or may run for the rest of a second: its address, until when, why."""

    # Start and disk

    def start(self, now: int) -> None:
        """The process begins, with what is in the lease file: section 4.4."""
        self.now = now
        for address in self._dirty & self.disk.keys():
            kept = self.disk[address]
            if (
                kept.tsfp > self.leases[address].tsfp
            ):  # it had agreed to less, and that was not on disk yet: section 5.1
                kept.raised, kept.raised_by = kept.tsfp, "rewind"
        self.leases = {a: replace(self.disk[a]) if a in self.disk else Lease(a) for pool in self.pools for a in pool}
        self.queues = {a: i for i, pool in enumerate(self.pools) for a in pool}
        self._order = {a: n for n, a in enumerate(a for pool in self.pools for a in pool)}
        self._clock = len(self._order)
        self.record = replace(self.disk_record) if self.disk_record else replace(self._configured, stos=now)
        if self.primary:
            self.record.mclt, self.record.hba = self._configured.mclt, self._configured.hba
        self.saved = self.record.state
        self.state = ST
        self.startup_until = now + 15
        self.link = None
        self.connections = []
        self.peer_max_unacked = self.peer_receive_timer = 0
        self._forget_queues()
        self.asked_all = False
        self.last_balance = 0
        self.balance_at = -1
        self.conflicts = 0
        self._dirty.clear()

    def _forget_queues(self) -> None:
        self.updates: dict[bytes, int] = {}  # address: the status fixed when it was queued (section 5.8)
        self.unacked: dict[bytes, tuple[int, int]] = {}  # address: xid, status
        self.outstanding = 0
        self.acks: list[tuple[int, bytes]] = []
        self.acks_at = -1
        self.done_xid = -1
        self.done_after: bytes | None = None

    def lose_data(self) -> None:
        self.disk, self.disk_record, self.told = {}, None, set()

    def commit(self) -> None:
        """Write the lease file, and fsync."""
        for address in self._dirty:
            self.disk[address] = replace(self.leases[address])
        self._dirty.clear()
        self.disk_record = replace(self.record)

    def _changed(self, lease: Lease) -> None:
        self._dirty.add(lease.address)

    # Connections: sections 1.1 and 2

    def opened(self, now: int) -> Connection:
        self.now = now
        c = Connection(now)
        self.connections.append(c)
        if self.primary:
            self._say(
                c,
                CONNECT,
                (
                    *self._limits(), (TLS_REQUEST, 0), (MCLT, self.record.mclt), (HBA, self.record.hba),
                ),
            )  # fmt: skip
        return c

    def _limits(self) -> tuple[tuple[int, int | bytes], ...]:
        return (
            (NAME, self.name),
            (MAX_UNACKED, self.max_unacked),
            (RECEIVE_TIMER, self.max_response_delay),
            (VENDOR, _VENDOR),
            (VERSION, 1),
        )

    def closed(self, c: Connection, now: int) -> None:
        """The connection is gone."""
        self.now = now
        if c in self.connections:
            self.connections.remove(c)
        if c is self.link:
            self.link = None
            self._link_lost()

    def _close(self, c: Connection) -> None:
        c.closing = True
        if c is self.link:
            self.link = None
            self._link_lost()

    def _say(self, c: Connection, kind: int, options: Iterable[tuple[int, int | bytes]] = (), xid: int = -1) -> int:
        if xid < 0:
            if kind == BNDUPD and not c.xid:
                c.xid = 1
            xid = c.xid
            c.xid += 1
        c.out.append(encode(kind, self.now, xid, options))
        c.said_at = self.now
        c.said_anything = True
        return xid

    def hear(self, c: Connection, octets: bytes, now: int) -> None:
        """A whole message."""
        self.now = now
        if c.closing:
            return
        c.heard_at = now
        try:
            m = decode(octets)
        except BadMessage:
            self._close(c)
            return
        if m is None:
            return
        if m.kind == CONNECT:
            self._connect(c, m)
        elif m.kind == CONNECTACK:
            self._connectack(c, m)
        elif m.kind == STATE:
            self._heard_state(m)  # also before CONNECT: section 2.3, security note
        elif m.kind == BNDUPD:
            self._bndupd(c, m)
        elif m.kind == DISCONNECT:
            self._close(c)
        elif c is self.link:
            self._linked(c, m)

    def _linked(self, c: Connection, m: Message) -> None:
        if m.kind == BNDACK:
            self._bndack(m)
        elif m.kind in (UPDREQ, UPDREQALL):
            self._asked_for(m)
        elif m.kind == UPDDONE:
            self._upddone()
        elif m.kind == POOLREQ:
            moved = self._balance(False) if self.state == N else 0
            self._say(c, POOLRESP, ((MOVED, moved),), m.xid)
            self._send_updates()

    def _connect(self, c: Connection, m: Message) -> None:
        """A CONNECT: section 2.2.  There is no check of the role."""
        reject = self._objection(m)
        if reject:
            unknown = reject == 8 and NAME in m.options
            limits = [o for o in self._limits() if not (unknown and o[0] in (MAX_UNACKED, RECEIVE_TIMER))]
            if unknown:
                limits[0] = (NAME, m.options[NAME])
            text = {4: b"time offset too large", 8: b"unknown failover relationship name", 18: b"invalid HBA"}[reject]
            if reject == 8 and not unknown:
                text = b"missing relationship-name"
            self._say(c, CONNECTACK, (*limits, *self._tls(m), (REJECT, reject), (TEXT, text)), m.xid)
            c.closing = True
            return
        self.record.hba = m.options[HBA]
        if self.link is not None or MCLT not in m.options:
            c.closing = True
            return
        self.record.mclt = m.number(MCLT)
        self._adopt(c, m)
        self._say(c, CONNECTACK, (*self._limits(), *self._tls(m)), m.xid)
        self._say_state()

    @staticmethod
    def _tls(m: Message) -> tuple[tuple[int, int], ...]:
        return ((TLS_REPLY, 0),) if TLS_REQUEST in m.options else ()

    def _objection(self, m: Message) -> int:
        if m.options.get(NAME) != self.name:
            return 8
        if abs(m.time - self.now) > 60:
            return 4
        return 0 if len(m.options.get(HBA, b"")) == 32 else 18

    def _connectack(self, c: Connection, m: Message) -> None:
        """Section 2.3."""
        if NAME in m.options and REJECT in m.options:
            c.closing = True
            return
        reason, text = 0, b""
        if NAME not in m.options:
            reason, text = 8, b"missing relationship-name"
        elif m.options[NAME] != self.name:
            reason, text = 8, b"remote failover relationship name %s does not match" % m.options[NAME]
        elif self.link is not None:
            reason, text = 7, b"already connected"
        elif abs(m.time - self.now) > 60:
            reason, text = 4, b"time offset too large"
        if reason:
            self._say(c, DISCONNECT, ((REJECT, reason), (TEXT, text)))
            c.closing = True
            return
        self._adopt(c, m)
        self._say_state()

    def _adopt(self, c: Connection, m: Message) -> None:
        self.link = c
        c.heard_at = self.now
        self.peer_max_unacked = m.number(MAX_UNACKED, self.peer_max_unacked)
        self.peer_receive_timer = m.number(RECEIVE_TIMER, self.peer_receive_timer)

    # States: sections 4.2 to 4.6

    def _say_state(self) -> None:
        if self.link is None:
            return
        starting = self.state == ST and self.record.partner not in _VETOES
        state = self.saved if self.state == ST else self.state
        self._say(self.link, STATE, ((SERVER_STATE, state), (SERVER_FLAGS, int(starting)), (STOS, self.record.stos)))

    def set_state(self, state: int) -> None:
        """As the machine does, or OMAPI; section 4.2."""
        was = self.state
        if state == _EXIT:
            raise Exited("heard %d in %d" % (self.record.partner, was))
        if was in (N, PC, PD):
            self._rescind()
        if state != RW and was != ST:
            self.record.stos = self.now
        if was == SD and state == R and self.record.partner == PD and not self.updates and not self.unacked:
            self.record.stos = self.now - self.record.mclt
        self.state = self.saved = self.record.state = state
        self.commit()
        if state == N and self.link:
            self._queue_pending()
            self._send_updates()
        self._say_state()
        if state == N:
            self._balance(False)
            self._queue_pending()
            self._send_updates()
        elif state == PD:
            for lease in self.leases.values():
                if lease.state in ENDED:
                    if lease.tsfp > self.record.stos + self.record.mclt:
                        lease.doubt = "stos + MCLT"
                    lease.tsfp = lease.raised = self.record.stos + self.record.mclt
                    lease.raised_by = "MCLT twice"
        elif state == PC and (self.primary or self.record.partner == CD):
            self._ask()
        elif state == R and self.link:
            self._ask_all()
        elif state == RW and self.record.stos + self.record.mclt <= self.now:
            self.set_state(RD)

    def _heard_state(self, m: Message) -> None:
        partner, starting = m.number(SERVER_STATE), bool(m.number(SERVER_FLAGS) & 1)
        was, self.record.partner = self.record.partner, partner
        self.commit()
        if partner not in ISC_RUNNING[N] and partner not in (0, 1):
            self.set_state(SD)
            return
        own = self.saved
        if self.state == ST:
            cell = own
            if own in (PA, SD):
                pass
            elif partner == was:  # the shortcut
                cell = PC if own == RI else own
            elif not (own == PD and starting):
                cell = ISC_STARTUP[own][partner]
            self.set_state(cell)
            return
        if partner == was and own in (N, PC, RW, RD, PA, SD):
            return
        if own == PD and starting:
            return
        cell = ISC_RUNNING[own][partner]
        if cell == _ASK_ALL:
            self._ask_all()
        elif cell == _ASK:
            if was == PC:
                self._ask()
        elif cell != own:
            self.set_state(cell)

    def _link_lost(self) -> None:
        self.acks = []
        if self.state == CD:
            self._rescind()
        self._leave_for({N: CI, PC: RI})

    def _leave_for(self, table: dict[int, int]) -> None:
        target = table.get(self.saved, self.saved)
        if target != self.state:
            self.set_state(target)

    def _ask(self) -> None:
        if self.link:
            self._say(self.link, UPDREQALL if self.asked_all else UPDREQ)

    def _ask_all(self) -> None:
        if self.link:
            self.asked_all = True
            self._say(self.link, UPDREQALL)

    def _upddone(self) -> None:
        """Section 4.5."""
        self.asked_all = False
        if self.state == R:
            waits = self.record.stos + self.record.mclt > self.now and self.record.partner not in (R, RD)
            self.set_state(RW if waits else RD)
        elif self.state == PC:
            if self.primary:
                self.set_state(SD if self.record.partner == CD else CD)
            elif self.record.partner == CD:
                self.set_state(N)

    @property
    def serves(self) -> bool:
        """Section 4.7; the partner's state vetoes also without a link."""
        return self.state in (N, CI, PD) and self.record.partner not in _VETOES

    # Updates: sections 5.4 to 5.8

    def _rescind(self) -> None:
        again = {address: self.leases[address].state for address in self.unacked}
        self.updates = {**again, **{a: s for a, s in self.updates.items() if a not in again}}
        self.unacked = {}
        self.outstanding = 0

    def _queue(self, lease: Lease, at_once: bool = True) -> None:
        if lease.address in self.unacked:
            del self.unacked[lease.address]
            self.outstanding -= 1
        self.updates[lease.address] = lease.state
        if at_once:
            self._send_updates()

    def _in_order(self) -> list[Lease]:
        lists = (FREE, ACTIVE, EXPIRED, RELEASED, RESET, ABANDONED, BACKUP)
        return sorted(self.leases.values(), key=lambda lease: (lists.index(lease.state), self._order[lease.address]))

    def _queue_pending(self) -> None:
        for lease in self._in_order():
            if (lease.pending or lease.state in ENDED) and lease.address not in self.unacked:
                self.updates.setdefault(lease.address, lease.state)

    def _asked_for(self, m: Message) -> None:
        """Section 6.1: the mark is a single address."""
        for lease in self._in_order():
            if m.kind == UPDREQALL or lease.pending or lease.state in ENDED:
                if lease.address in self.unacked:
                    continue
                self.updates.setdefault(lease.address, lease.state)
        self.done_xid = m.xid
        self.done_after = next(reversed(self.updates), None) or next(reversed(self.unacked), None)
        self._done_if(None)
        self._send_updates()

    def _done_if(self, address: bytes | None) -> None:
        if self.done_xid >= 0 and self.done_after == address and self.link:
            self._say(self.link, UPDDONE, (), self.done_xid)
            self.done_xid, self.done_after = -1, None

    def _send_updates(self) -> None:
        link = self.link
        if link is None or self.state == ST:
            return
        while self.updates and self.outstanding < self.peer_max_unacked:
            self._flush_acks()
            address, status = next(iter(self.updates.items()))
            del self.updates[address]
            lease = self.leases[address]
            lease.rewind = lease.state
            self._changed(lease)
            options: list[tuple[int, int | bytes]] = [(ADDRESS, address), (STATUS, status)]
            if status != ABANDONED:
                options += [(CLIENT_ID, lease.client_id)] * bool(lease.client_id)
                options += [(CHADDR, lease.chaddr)] * bool(lease.chaddr)
            options += [(ENDS, lease.ends), (POTENTIAL, lease.tstp), (STOS, lease.starts)]
            options += [(CLTT, lease.cltt)] * bool(lease.cltt)
            self.unacked[address] = (self._say(link, BNDUPD, options), status)
            if status == ACTIVE:
                self.told.add(address)
            self.outstanding += 1

    def _bndupd(self, c: Connection, m: Message) -> None:
        """The checks of section 5.4, in order."""
        address, status = m.options.get(ADDRESS, bytes(4)), m.number(STATUS)
        lease = self.leases.get(address)
        reject = 0
        text = b""
        if ADDRESS not in m.options or STATUS not in m.options:
            reject, text = 3, b"binding update lacks required options"
        elif lease is None:
            reject, text = 1, b"unknown IP address"
        elif not FREE <= status <= BACKUP:
            if self.state == N:
                raise Exited("binding-status %d" % status)
            reject, text = 6, b"invalid binding-status"
        else:
            reject, text = self._judge(lease, status, m)
        if reject:
            if c is self.link:
                self._say(c, BNDACK, ((ADDRESS, address), (REJECT, reject), (TEXT, text)), m.xid)
            return
        assert lease is not None
        self._take(lease, status, m)
        if c is not self.link:
            return
        self.acks.append((m.xid, address))
        self.acks_at = self.now + 2
        if 2 * len(self.acks) >= self.peer_max_unacked:
            self._flush_acks()
        if lease.state == FREE and status in ENDED:
            self._affinity(lease)
        self._send_updates()

    def _judge(self, lease: Lease, status: int, m: Message) -> tuple[int, bytes]:
        if lease.address in self.unacked:
            if not self._partner_wins(lease, status, m):
                return 16, b"incoming update is less critical than outgoing update"
            del self.unacked[lease.address]
            self.outstanding -= 1
            self._done_if(lease.address)
        if status == ABANDONED and (CHADDR in m.options or CLIENT_ID in m.options):
            return 6, b"BNDUPD to ABANDONED with a %s" % (b"CHADDR" if CHADDR in m.options else b"client-id")
        if len(m.options.get(CHADDR, b"")) > 21:
            return 6, b"chaddr too long"
        if status in (ACTIVE, EXPIRED, RELEASED) and CHADDR not in m.options:
            return 3, b"BNDUPD without CHADDR"
        if m.number(FLAGS) & 1 and lease.state == self.own:
            return 19, b"Address is not reserved."
        if not self._may_become(lease, status, m):
            return 2, b"%s: invalid state transition: %d to %d" % (lease.address.hex().encode(), lease.state, status)
        return 0, b""

    def _partner_wins(self, lease: Lease, status: int, m: Message) -> bool:
        """A duel: section 5.5.  Its own state is the one that it has sent."""
        own = self.unacked[lease.address][1]
        if own != ACTIVE:
            return status == ACTIVE or not self.primary
        if status == ACTIVE:
            theirs = m.number(CLTT)
            return theirs > lease.cltt if theirs != lease.cltt else not self.primary
        return status == EXPIRED or not self.primary

    def _may_become(self, lease: Lease, status: int, m: Message) -> bool:
        own = lease.state
        past = m.number(POTENTIAL, lease.tsfp) <= self.now
        over = lease.ends - 65 <= self.now
        if own == ACTIVE:
            if status in (ACTIVE, ABANDONED, RELEASED):
                return True
            if self.state != N:
                return status == RESET or (status == EXPIRED and over)
            if self.primary:
                return False
            return past if status in (FREE, BACKUP) else over if status == EXPIRED else True
        if self.state == N and own in (EXPIRED, RESET) and status in (FREE, BACKUP):
            return past
        return True

    def _take(self, lease: Lease, status: int, m: Message) -> None:
        keeps = status in (FREE, BACKUP, RESET)
        if status == ABANDONED:
            lease.chaddr = lease.client_id = b""
        else:
            if CLIENT_ID in m.options or not keeps:
                lease.client_id = m.options.get(CLIENT_ID, b"")
            lease.chaddr = m.options.get(CHADDR, lease.chaddr)
        if lease.state == ACTIVE and lease.ends > self.now:
            if status == EXPIRED:
                self.ends_early(lease.address, self.now, "65 s")
            elif status == ACTIVE and m.number(ENDS) < lease.ends:
                self.ends_early(lease.address, m.number(ENDS), "ACTIVE over ACTIVE")
        lease.ends = m.number(ENDS, lease.ends)
        lease.starts = m.number(STOS, lease.starts)
        if POTENTIAL in m.options:
            lease.tstp = lease.tsfp = lease.atsfp = m.number(POTENTIAL)
            lease.raised = 0
        self._becomes(lease, FREE if status in ENDED else status)
        lease.rewind = lease.state
        self._have_talked(lease, status)

    def _have_talked(self, lease: Lease, status: int) -> None:
        lease.doubt = ""
        if status != ACTIVE:
            self.told.discard(lease.address)

    def _becomes(self, lease: Lease, state: int) -> None:
        """To the tail of that state's list."""
        lease.state = state
        self._clock += 1
        self._order[lease.address] = self._clock
        self._changed(lease)
        self.plan_balance()

    def _flush_acks(self) -> None:
        if not self.acks or self.link is None:
            return
        self.commit()
        acks, self.acks = self.acks, []
        for xid, address in acks:
            self._say(self.link, BNDACK, ((ADDRESS, address),), xid)

    def _bndack(self, m: Message) -> None:
        """Section 5.7."""
        address = m.options.get(ADDRESS, bytes(4))
        lease = self.leases.get(address)
        if lease is None or address not in self.unacked:
            return
        xid, status = self.unacked[address]
        if REJECT in m.options:
            del self.unacked[address]
            self.outstanding -= 1
            self._done_if(address)
            self._send_updates()
            return
        if xid != m.xid:
            return
        del self.unacked[address]
        self.outstanding -= 1
        agreed = lease.tstp
        if CLIENT_ID in m.options:  # the mask slip
            agreed = m.number(POTENTIAL)
        lease.tsfp = lease.atsfp = agreed
        lease.raised = 0
        self._have_talked(lease, status)
        self._changed(lease)
        if status in ENDED:  # whatever it is by now: section 10, item 4
            lease.tstp = lease.ends
            self._becomes(lease, FREE)
            lease.rewind = FREE
            self._affinity(lease)
        self._done_if(address)
        self._send_updates()

    # Lists: sections 5.3 and 6

    def counts(self, pool: list[bytes]) -> tuple[int, int]:
        states = [self.leases[a].state for a in pool]
        return states.count(FREE), states.count(BACKUP)

    def bucket(self, chaddr: bytes, client_id: bytes) -> int:
        return int(balance.client_bucket(client_id, 0, len(client_id), chaddr, 1, len(chaddr) - 1))

    def is_ours(self, chaddr: bytes, client_id: bytes) -> bool:
        b = self.bucket(chaddr, client_id)
        return bool(self.record.hba[b >> 3] >> (b & 7) & 1) == self.primary

    def _affinity(self, lease: Lease) -> None:
        if not self.primary or self.state != N or lease.state != FREE or not lease.chaddr:
            return
        free, backup = self.counts(self.pools[self.queues[lease.address]])
        hold = ((free + backup) * self.ownership + 50) // 100
        if int((free - backup) / 2) > -hold and not self.is_ours(lease.chaddr, lease.client_id):
            self._give(lease)

    def _give(self, lease: Lease) -> None:
        lease.tstp = lease.starts = self.now
        lease.atsfp = 0
        self._becomes(lease, self.partners)
        self._queue(lease, False)

    def _balance(self, by_timer: bool) -> int:
        moved = 0
        asks = False
        for pool in self.pools:
            free, backup = self.counts(pool)
            total = free + backup
            own, theirs = (free, backup) if self.primary else (backup, free)
            lts = int((own - theirs) / 2)
            thresh = (total * self.misbalance + 50) // 100
            hold = (total * self.ownership + 50) // 100
            asks = asks or (by_timer and lts < (-2 * thresh or -1))
            mine = sorted((self.leases[a] for a in pool if self.leases[a].state == self.own), key=self._age)
            for lease in mine:
                if lts <= -hold:
                    break
                if lease.chaddr and not self.is_ours(lease.chaddr, lease.client_id):
                    self._give(lease)
                    lts, moved = lts - 1, moved + 1
            for lease in [lease for lease in mine if lease.state == self.own]:
                if (not lease.used and lts <= 0) or (lease.used and lts <= hold):
                    break
                self._give(lease)
                lts, moved = lts - 1, moved + 1
        self.last_balance = self.now
        self.balance_at = -1
        self.plan_balance()
        if asks and self.link:
            self._say(self.link, POOLREQ)
        return moved

    def _age(self, lease: Lease) -> tuple[int, int]:
        return lease.ends, self._order[lease.address]

    def plan_balance(self) -> None:
        if self.state != N:
            return
        for pool in self.pools:
            oldest = []
            for state in (FREE, BACKUP):
                ends = [self.leases[a].ends for a in pool if self.leases[a].state == state]
                end = min(ends) if ends else 0
                doubled = 2 if (state == FREE) == self.primary else 1
                since = self.now - end if end <= self.now else self.now
                oldest.append((since * self.misbalance + 50) // 100 * doubled)
            t = self.now + min(*oldest, self.max_balance)
            if self.last_balance:
                t = max(t, self.last_balance + self.min_balance)
            t += self.rng.randrange(5)
            if self.balance_at < 0 or t < self.balance_at:
                self.balance_at = t

    # What clients do: sections 5.2, 5.3, 5.6

    def may_allocate(self, lease: Lease) -> bool:
        state, down = lease.state, self.state == PD
        if state == self.own or (state == ABANDONED and self.primary):
            return True
        if state in (FREE, BACKUP, ABANDONED):
            return down and self.now > max(lease.tsfp, self.record.stos) + self.record.mclt
        if state in (EXPIRED, RELEASED) and lease.rewind == self.own:
            return True
        return state in ENDED and down and lease.tsfp < self.now

    def grant_s(self, lease: Lease, want_s: int) -> int:
        mclt = self.record.mclt
        if want_s <= mclt:
            return want_s
        if lease.tsfp <= self.now:
            return mclt
        return min(want_s, lease.tsfp - self.now + mclt)

    def granted(self, lease: Lease, chaddr: bytes, client_id: bytes, want_s: int, seconds: int) -> None:
        """A DHCPACK: on disk before this returns."""
        lease.chaddr, lease.client_id = chaddr, client_id
        lease.starts = lease.cltt = self.now
        lease.ends = self.now + seconds
        lease.tstp = min(self.now + want_s + seconds // 2, _INFINITE)
        lease.tsfp = min(lease.tsfp, lease.tstp)
        lease.atsfp = 0
        self._becomes(lease, ACTIVE)
        self.commit()
        self._queue(lease)

    def released(self, lease: Lease) -> None:
        lease.ends = lease.tstp = self.now
        lease.atsfp = 0
        self._ended(lease, RELEASED)

    def abandoned(self, lease: Lease, seconds: int = 86400) -> None:
        lease.chaddr = lease.client_id = b""
        lease.doubt = "DECLINE"
        lease.ends = self.now + seconds
        lease.atsfp = 0
        self._becomes(lease, ABANDONED)
        self.commit()
        self._queue(lease)

    def _ended(self, lease: Lease, state: int) -> None:
        lease.atsfp = 0
        if self.link is None and lease.rewind == self.own:
            lease.tstp = lease.ends
            state = self.own
            if lease.address in self.told:
                lease.doubt = "rewind"
        if state == EXPIRED:
            self.ends_early(lease.address, self.now, "a second")
        self._becomes(lease, state)
        self.commit()
        self._queue(lease)

    # Time

    def tick(self, now: int) -> None:
        """At least once a second."""
        self.now = now
        self._expire()
        if self.state == ST and now >= self.startup_until:
            self._leave_for({N: CI, PC: RI})
            if self.state == RW and self.record.stos + self.record.mclt <= now:
                self.set_state(RD)
        elif self.state == RW and self.record.stos + self.record.mclt <= now:
            self.set_state(RD)
        if self.acks and now >= self.acks_at:
            self._flush_acks()
        if self.state == N and 0 <= self.balance_at <= now:
            self._balance(True)
            self._send_updates()
        for c in list(self.connections):
            self._watch(c)

    def _watch(self, c: Connection) -> None:
        if c.closing:
            return
        if c is not self.link:
            if self.now - c.opened_at >= 15:
                self._close(c)
            return
        if self.now - c.heard_at >= self.max_response_delay:
            self._close(c)
        elif self.now - c.said_at >= self.peer_receive_timer // 3:
            self._say(c, CONTACT)

    def _expire(self) -> None:
        rang = False
        for lease in list(self.leases.values()):
            if lease.ends > self.now or lease.state not in (ACTIVE, ABANDONED):
                continue
            if lease.state == ABANDONED:
                lease.tstp = lease.ends
                lease.atsfp = 0
                self._becomes(lease, FREE)
                self._queue(lease)
            elif self.state != N or self.primary:
                rang = True
                self._ended(lease, EXPIRED)
        if rang and self.state == PD:  # only if another timer runs: section 10, item 5
            for lease in self.leases.values():
                if lease.state in ENDED and max(lease.tsfp, lease.ends) < self.now:
                    lease.tstp = lease.ends
                    self._becomes(lease, FREE)


def hba_of(split: int) -> bytes:
    return bytes(balance.hba_of_split(split))
