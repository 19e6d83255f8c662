"""A simulated host that runs dhcpd: the model of isc.py with connections, a lease file and DHCP clients.

    World(seed, servers=mixed)      one of the two servers, by the seed, is a dhcpd

What its clients get is of reference sections 4.7, 5.2, 6.5 and 7.  README.md says what a World asks of a server.
"""

from __future__ import annotations

import re
from typing import Any

from twinlease import conf
from twinlease.clock import UNIX_2020
from twinlease.failover.orient import orient

from .board import NOW, Rtc, Violated
from .isc import ACTIVE, BACKUP, CI, ENDED, FREE, PA, PD, RESET, SD, Connection, Dhcpd, Exited, Lease, N, R, hba_of
from .judge import ACK, DECLINE, DISCOVER, NAK, OFFER, RELEASE, REQUEST
from .setting import FAR, LAN, SERVERS

_NOBODY = bytes(4)
_COOKIE = bytes((99, 130, 83, 99))
_OFFER_S = 120
_MIN_LEASE_S = 300  # DEFAULT_MIN_LEASE_TIME; none longer than the longest lease
_DIAL_MS = 5000
_DIAL_TIMEOUT_MS = 120_000


def mixed(world: Any, name: str) -> Any:
    """A board, and a dhcpd: which of them is the primary is the seed's to say.  A dhcpd knows no key."""
    world._slow_ms = min(world._slow_ms, 1000)  # a dhcpd hears a CONTACT in time
    world.setting.text = re.sub(r' *key "[^"]*";\n', "", world.setting.text)
    return IscServer(world, name) if name == "AB"[world.seed // 4 % 2] else world.board(name)


class _NoFlash:
    def cut_at(self, operations: int, kind: str, seed: int = 0) -> None:
        """Its power does not fail in the middle of a write; IscServer.cut_in says what it does instead."""


class IscServer:
    can_be_replaced = True

    def __init__(self, world: Any, name: str) -> None:
        self.world, self.name, self.address = world, name, SERVERS[name]
        self.loop, self.rng = world.loop, world.rng
        self.clock = Rtc(self.rng.choice((0, 0, 20, -20)), 0)
        self.leases = _NoFlash()
        self.incarnation = self.restarts = 0
        self.powered = self.is_unplugged = False
        self.starving = 0.0
        config = conf.load(world.setting.text)
        peer = orient(config.peers["p"], [self.address])
        self.limit_s = peer.load_balance_max_seconds
        self.params = config.scope.params
        pools = [
            [bytes((*r.first[:3], r.first[3] + n)) for r in pool.ranges for n in range(r.count)]
            for pool in config.pools
            if pool.peer
        ]
        self.dhcpd = Dhcpd(
            peer.role == "primary", peer.name.encode(), peer.mclt, hba_of(peer.split or 0), pools, self.rng,
            peer.max_response_delay, peer.max_unacked_updates, peer.max_lease_misbalance, peer.max_lease_ownership,
            peer.min_balance, peer.max_balance,
        )  # fmt: skip
        self.dhcpd.ends_early = self._ends_early
        self.ends: dict[Any, Connection] = {}
        self._streams: dict[Any, bytearray] = {}
        self._unsent: dict[Any, bytearray] = {}
        self.offered: dict[bytes, tuple[bytes, int]] = {}
        self._dialled_at = -_DIAL_TIMEOUT_MS
        self._dial_at = 0
        self._dialling: Any = None
        self._cut_after = -1

    # Power

    @property
    def now(self) -> int:
        return int(NOW + UNIX_2020 + self.loop.now // 1000 + self.clock.offset_s)

    def power_on(self) -> None:
        self.powered = True
        self.incarnation += 1
        self.offered = {}
        self._dial_at = self.loop.now
        self.dhcpd.start(self.now)
        self.world.booted(self)
        self.loop.after(1000, self._tick, self.incarnation)

    def power_off(self) -> None:
        if not self.powered:
            return
        self.powered = False
        for end in list(self.ends):
            end.vanish()
        self.ends, self._streams, self._unsent, self._dialling = {}, {}, {}, None
        self.world.went_down(self)

    def cut_in(self, operations: int, kind: str, seed: int) -> None:
        """Some seconds from now."""
        self.loop.after(operations * 500, self._fails, self.incarnation)

    def _fails(self, incarnation: int) -> None:
        if self.powered and incarnation == self.incarnation:
            self.power_off()
            self.restarts += 1
            self.world.failed(self)

    def stop(self) -> None:
        """SIGTERM: the partner sees the connection's end, and no word."""
        if self.powered:
            for end in list(self.ends):
                end.close()
            self.power_off()

    def replace(self) -> None:
        self.dhcpd.lose_data()

    def hurry(self) -> None:
        pass

    def operator_says(self, command: str) -> None:
        """By OMAPI, without any check (reference section 4.5)."""
        state = self.dhcpd.state
        if command == "partner-down" and state != PD:
            self._run(self.dhcpd.set_state, PD)
        elif command == "pause" and state in (N, CI):
            self._run(self.dhcpd.set_state, PA)
        elif command == "resume" and state in (PA, SD):
            self._run(self.dhcpd.set_state, CI if state == PA else R)

    # Connections

    listens = True

    def on_beat(self, octets: bytes) -> None:
        pass

    def on_connect(self, end: Any) -> None:
        self.world.stir(4000)
        self._attach(end)

    def on_connected(self, end: Any) -> None:
        self._dialling = None
        if end.refused or not self.powered:
            self._dial_at = self.loop.now + _DIAL_MS
        else:
            self._attach(end)

    def _attach(self, end: Any) -> None:
        self.dhcpd.now = self.now
        self.ends[end] = self.dhcpd.opened(self.now)
        self._streams[end], self._unsent[end] = bytearray(), bytearray()
        self._flush()

    def on_octets(self, end: Any) -> None:
        if end not in self.ends:
            return
        octets = end.take(1 << 16)
        self.world.judge.heard(end, octets)
        stream = self._streams[end]
        stream += octets
        while end in self.ends and len(stream) >= 2:
            n = stream[0] << 8 | stream[1]
            if not 12 <= n <= 2048:
                self._over(end)
                return
            if len(stream) < n:
                break
            message = bytes(stream[:n])
            del stream[:n]
            self._run(self.dhcpd.hear, self.ends[end], message, self.now)
        if end.over and end in self.ends:
            self._over(end)

    def _over(self, end: Any) -> None:
        connection = self.ends.pop(end)
        self._streams.pop(end)
        self._unsent.pop(end)
        end.close()
        self._dial_at = self.loop.now + _DIAL_MS
        self.world.stir(4000)
        self._run(self.dhcpd.closed, connection, self.now)

    def _run(self, call: Any, *args: Any) -> None:
        was = self.dhcpd.state
        try:
            call(*args)
        except Exited as e:
            self.world.violated("S7", "the dhcpd %s is made to exit: %s" % (self.name, e))
        if self.dhcpd.state != was:
            self.world.note(self.name, "dhcpd moves from state %d to %d" % (was, self.dhcpd.state))
            self.world.stir(4000)
        self._flush()

    def _flush(self) -> None:
        for end, connection in list(self.ends.items()):
            if end not in self.ends:
                continue
            unsent = self._unsent[end]
            for message in connection.out:
                self.world.judge.said(end, message)
                unsent += message
            connection.out.clear()
            if unsent:
                sent = end.send(bytes(unsent))
                if sent > 0:
                    del unsent[:sent]
            if connection.closing and not unsent:
                self._over(end)

    def _tick(self, incarnation: int) -> None:
        if not self.powered or incarnation != self.incarnation:
            return
        self.loop.after(1000, self._tick, incarnation)
        self._run(self.dhcpd.tick, self.now)
        now = self.loop.now
        if self._dialling is not None and now - self._dialled_at >= _DIAL_TIMEOUT_MS:
            self._dialling.close()
            self._dialling = None
        if self.dhcpd.link is None and self._dialling is None and now >= self._dial_at and not self.ends:
            self._dial_at = now + _DIAL_MS
            self._dialled_at = now
            self._dialling = self.world.dial(self, self.world.other(self).address)

    # Clients

    def on_datagram(self, octets: bytes, source: Any) -> None:
        if not self.powered or len(octets) < 241 or octets[236:240] != _COOKIE or octets[0] != 1:
            return
        try:
            self._serve(octets)
        except Violated:
            raise
        except Exited as e:
            self.world.violated("S7", "the dhcpd %s is made to exit: %s" % (self.name, e))
        self._flush()

    def _serve(self, octets: bytes) -> None:
        options = _options(octets)
        kind = options.get(53, b"\0")[0]
        hardware = octets[28 : 28 + octets[2]]
        chaddr, client_id = bytes((octets[1],)) + hardware, options.get(61, b"")
        ciaddr, giaddr = octets[12:16], octets[24:28]
        asked = options.get(50, ciaddr)
        place = FAR if giaddr != _NOBODY or (ciaddr != _NOBODY and ciaddr[1] == 1) else LAN
        d = self.dhcpd
        d.now = self.now
        fixed = self.world.setting.reserved.get(hardware)
        want = self._want_s(options.get(51))
        if kind == DISCOVER:
            if fixed:
                self._reply(octets, OFFER, fixed, want)
            else:
                self._discover(octets, place, chaddr, client_id, want)
        elif kind == REQUEST:
            if options.get(54, self.address) != self.address and d.leases.get(asked) is None:
                return
            if fixed:
                self._reply(octets, ACK if asked == fixed else NAK, fixed, want)
            elif asked in d.leases:
                self._request(octets, d.leases[asked], chaddr, client_id, want)
        elif kind == RELEASE and ciaddr in d.leases:
            lease = d.leases[ciaddr]
            if lease.state == ACTIVE and d.serves and _is_client(lease, chaddr, client_id):
                d.released(lease)
        elif kind == DECLINE and asked in d.leases:
            lease = d.leases[asked]
            if lease.state == ACTIVE and d.serves and _is_client(lease, chaddr, client_id):
                d.abandoned(lease, int(self.params.get("abandon-lease-time", 86400)))

    def _want_s(self, wish: bytes | None) -> int:
        want = int.from_bytes(wish, "big") if wish else int(self.params["default-lease-time"])
        longest = int(self.params["max-lease-time"])
        return max(min(want, longest), int(self.params.get("min-lease-time", min(_MIN_LEASE_S, longest))))

    def _pools(self, place: str) -> list[list[bytes]]:
        return [pool for pool in self.dhcpd.pools if (pool[0][1] == 1) == (place == FAR)]

    def _discover(self, octets: bytes, place: str, chaddr: bytes, client_id: bytes, want: int) -> None:
        d = self.dhcpd
        lease = self._find(place, chaddr, client_id)
        if lease is None or not d.serves:
            return
        secs = int.from_bytes(octets[8:10], "big")
        theirs = any(d.leases[a].state == d.partners for pool in self._pools(place) for a in pool)
        if d.state == N and 0 < self.limit_s >= secs and theirs and not d.is_ours(chaddr, client_id):
            return  # load balance to peer
        if lease.state != ACTIVE:
            self.offered[lease.address] = chaddr + client_id, self.now + _OFFER_S
        self._reply(octets, OFFER, lease.address, d.grant_s(lease, want))

    def _find(self, place: str, chaddr: bytes, client_id: bytes) -> Lease | None:
        d = self.dhcpd
        mine, free = [], []
        for pool in self._pools(place):
            for address in pool:
                lease = d.leases[address]
                if _is_client(lease, chaddr, client_id) and self._is_open(lease):
                    mine.append(lease)
                elif lease.state != ACTIVE and not self._is_others(lease, chaddr + client_id) and d.may_allocate(lease):
                    free.append(lease)
        if mine:
            return max(mine, key=lambda lease: (lease.state == ACTIVE, lease.ends))
        return min(free, key=lambda lease: (lease.state not in (FREE, BACKUP), d._age(lease)), default=None)

    def _is_open(self, lease: Lease) -> bool:
        """May the client that had it last have it again?"""
        return (
            lease.state == ACTIVE or self.dhcpd.may_allocate(lease) or (lease.state in ENDED and lease.rewind == ACTIVE)
        )

    def _is_others(self, lease: Lease, client: bytes) -> bool:
        who, until = self.offered.get(lease.address, (b"", 0))
        return until > self.now and who != client

    def _request(self, octets: bytes, lease: Lease, chaddr: bytes, client_id: bytes, want: int) -> None:
        """Section 7.3."""
        d = self.dhcpd
        its_own = _is_client(lease, chaddr, client_id)
        if lease.state == ACTIVE and not its_own:
            if d.serves:  # or it would be the leak of section 4.7, which is no partner's fault
                self._reply(octets, NAK, lease.address, 0)
            return
        if not d.serves or not (self._is_open(lease) if its_own else d.may_allocate(lease)):
            if d.serves and lease.state == RESET:
                self._reply(octets, NAK, lease.address, 0)
            return
        if not its_own and self._is_others(lease, chaddr + client_id):
            return
        seconds = d.grant_s(lease, want)
        percent = int(self.params.get("dhcp-cache-threshold", 25))
        left = lease.ends - self.now
        fresh = self.now - lease.starts <= (lease.ends - lease.starts) * percent // 100
        if its_own and lease.state == ACTIVE and 0 < left <= seconds and fresh:
            self._reply(octets, ACK, lease.address, left)
            return
        self.offered.pop(lease.address, None)
        d.granted(lease, chaddr, client_id, want, seconds)
        self._reply(octets, ACK, lease.address, seconds)

    def _reply(self, asked: bytes, kind: int, address: bytes, seconds: int) -> None:
        reply = bytearray(asked[:240])
        reply[0] = 2
        reply[16:20] = _NOBODY if kind == NAK else address
        reply += bytes((53, 1, kind, 54, 4)) + self.address
        if kind != NAK:
            reply += bytes((51, 4)) + seconds.to_bytes(4, "big")
        giaddr = asked[24:28]
        to = ".".join(map(str, giaddr)) if giaddr != _NOBODY else "255.255.255.255"
        self.world.reply(self, bytes(reply) + b"\xff", (to, 67 if giaddr != _NOBODY else 68))

    # What the judge excuses: README.md

    def _true_ms(self, unix: int) -> int:
        return 1000 * (unix - UNIX_2020 - NOW - self.ahead_s)

    def _ends_early(self, address: bytes, until: int, weakness: str) -> None:
        if weakness == "a second":
            self.world.judge.is_over(address, weakness)
        else:
            self.world.judge.shortened(self, address, self._true_ms(until), weakness)

    def in_doubt(self, address: bytes) -> str:
        return self.dhcpd.leases[address].doubt if address in self.dhcpd.leases else ""

    def promised_until(self, seconds: int) -> int:
        """It counts whole seconds of its clock: true ms."""
        return self.loop.now // 1000 * 1000 + 1000 * seconds

    def agreed_by_itself(self, address: bytes) -> tuple[int, str]:
        """What it takes for agreed upon, and the partner does not, true ms, and why; 0 for nothing."""
        lease = self.dhcpd.leases[address]
        return (self._true_ms(lease.raised), lease.raised_by) if lease.raised else (0, "")

    # What can be seen from outside

    @property
    def state(self) -> int:
        d = self.dhcpd
        if not self.powered:
            return d.disk_record.state if d.disk_record else 0
        return d.record.state

    @property
    def is_linked(self) -> bool:
        return self.powered and self.dhcpd.link is not None

    @property
    def owes(self) -> Any:
        d = self.dhcpd
        return (len(d.unacked), len(d.updates), len(d.acks)) if self.powered else None

    @property
    def is_quiet(self) -> bool:
        return self.owes == (0, 0, 0)

    @property
    def is_settled(self) -> bool:
        d = self.dhcpd
        return self.is_linked and d.state == d.record.partner == N and self.is_quiet

    @property
    def project_s(self) -> int:
        return self.now - UNIX_2020

    @property
    def ahead_s(self) -> int:
        return self.clock.offset_s

    def leaves_to_partner(self, client: bytes) -> bool:
        """Whom it answers is its own affair, too."""
        return False

    def kept(self, address: bytes) -> None:
        """What is on its disk is its own affair."""

    def rows(self) -> dict[bytes, tuple[int, bytes, int]]:
        return {
            a: (lease.state, lease.client_id or lease.chaddr, lease.ends - UNIX_2020 - NOW - self.ahead_s)
            for a, lease in self.dhcpd.leases.items()
        }

    def free(self, place: str) -> list[bytes]:
        d = self.dhcpd
        return [a for pool in self._pools(place) for a in pool if d.leases[a].state == d.own]

    def unbalanced(self, misbalance: int) -> str:
        for n, pool in enumerate(self.dhcpd.pools):
            free, backup = self.dhcpd.counts(pool)
            total = free + backup
            most = max(2 * ((total * misbalance + 50) // 100), (total * 30 + 50) // 100, 1)
            if abs(int((free - backup) / 2)) > most:
                return "pool %d has %d free and %d backup addresses" % (n, free, backup)
        return ""


def _options(octets: bytes) -> dict[int, bytes]:
    found, at = {}, 240
    while at + 1 < len(octets) and octets[at] != 255:
        code, n = octets[at], octets[at + 1]
        found[code] = octets[at + 2 : at + 2 + n]
        at += 2 + n
    return found


def _is_client(lease: Lease, chaddr: bytes, client_id: bytes) -> bool:
    if client_id or lease.client_id:
        return client_id == lease.client_id
    return chaddr == lease.chaddr
