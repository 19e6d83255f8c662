"""A World: two servers, a network, clients and faults, made from one seed; run to its end, and judged.

    result = run(1234)          a Result; result.violations are sentences

While faults last, judge.py holds every datagram against the safety properties.  Then faults stop, and all must
come right by itself (S5): both in NORMAL, tables equal, free addresses shared, every client served.
"""

from __future__ import annotations

import os
import random
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from twinlease import conf

from . import sockets
from .board import NOW, Board, Rtc, Violated
from .clients import Client, Reply
from .faults import Faults
from .judge import NAK, Judge, dotted
from .loop import Loop, use
from .network import Network
from .setting import FAR, LAN, RELAY, SERVERS, draw

_NOBODY = bytes(4)
_TRACE = int(os.environ.get("SIM_TRACE", "300"))  # events
_CALM_CHECK_MS = 5_000


@dataclass
class Result:
    seed: int
    violations: list[str] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    virtual_s: float = 0.0
    faults: int = 0
    acks: int = 0
    excused: int = 0
    contested: int = 0
    naks: int = 0
    restarts: int = 0
    mixed: bool = False
    """One of the two was a dhcpd."""
    weaknesses: Counter[str] = field(default_factory=Counter)
    """What that was excused: how often, by the name that README.md has."""
    settled_s: float = 0.0
    """How long it took to come right."""
    about: str = ""


class World:
    def __init__(self, seed: int, servers: Callable[[World, str], Any] | None = None) -> None:
        """servers: makes the server of a name, "A" or "B"; without it both are our boards."""
        self.seed = seed
        self.rng = random.Random(seed)
        self.loop = Loop()
        self.trace: deque[tuple[int, str, Any]] = deque(maxlen=_TRACE)
        self.network = Network(self.loop, self.rng)
        self.setting = draw(self.rng)
        self.violations: list[str] = []
        self.is_calm = False
        self.was_normal_since_loss = False
        self.pace_ms = 100
        self._slow_ms = self.rng.choice((100, 1000, 3000, 8000))
        self._alone_ms = self.rng.choice((300, 500, 1000, 2000))
        self._restless_until = 0
        self._pace_check: Any = None
        self.judge = Judge(self, self.setting.mclt, self.setting.shared, self.setting.lease_max)
        self.servers = [(servers or World.board)(self, name) for name in SERVERS]
        self.clients: list[Client] = []
        self.by_hardware: dict[bytes, Client] = {}
        self._people()
        self.faults = Faults(self)
        self.hours: float = self.rng.choice((0.25, 0.5, 1, 2, 4))
        if self._slow_ms == 100:
            self.hours = min(self.hours, 0.15)

    def board(self, name: str) -> Board:
        rng = self.rng
        after_ms = rng.choice((0, 0, 0, 30_000, 300_000, -1))
        rtc = Rtc(rng.choice((0, 0, 30, -30, rng.randint(-30, 30))), after_ms)
        config = conf.load(self.setting.text)
        return Board(self, name, SERVERS[name], config, rtc, rng.randint(-50, 50), rng.choice((16, 24, 32)))

    def _people(self) -> None:
        rng = self.rng
        for place in self.setting.places:
            size = self.setting.pool_sizes[place]
            for _ in range(rng.randint(1, max(2, size * rng.choice((1, 2, 3)) // 2))):
                number = len(self.clients) + 1
                identifier = b"\0client-%d" % number if rng.random() < 0.4 else None
                self._add(Client(self, number, place, identifier))
        for n, hardware in enumerate(self.setting.reserved):
            client = Client(self, 300 + n, LAN, None)
            client.hardware = client.key = hardware
            self._add(client)

    def _add(self, client: Client) -> None:
        self.clients.append(client)
        self.by_hardware[client.hardware] = client

    # A life

    def run(self) -> None:
        """To the end, or to the first violation."""
        try:
            for server in self.servers:
                self.loop.at(self.rng.randint(0, 20_000), self.power_on, server)
            for client in self.clients:
                self.loop.at(self.rng.randint(0, 120_000), client.switch_on)
            self.loop.at(30_000, self.faults.begin)
            self.stir(40_000)
            self.loop.run_until(int(self.hours * 3_600_000))
            self._calm()
        except Violated:
            pass

    def _calm(self) -> None:
        """Faults stop."""
        self.is_calm = True
        began = self.loop.now
        self.note("world", "faults stop")
        self.network.cut.clear()
        self.clear_weather()
        for server in self.servers:
            server.starving = 0.0
            server.is_unplugged = False
            server.leases.cut_at(1 << 40, "before")
            if server.clock.after_ms < 0 and self.rng.random() < 0.5:
                server.clock.after_ms = 0
            if not server.powered:
                self.power_on(server)
        self.mended()
        setting = self.setting
        longest_s = 4 * setting.mclt + 2 * setting.lease_max + 2 * setting.balance_s + 1200
        end = began + 1000 * longest_s
        why = ""
        while self.loop.now < end:
            self.loop.run_until(self.loop.now + _CALM_CHECK_MS)
            for server in self.servers:
                if server.state == 7:
                    server.operator_says("resume")
            why = self._not_right()
            if not why:
                self.settled_s = (self.loop.now - began) / 1000
                return
        self.violated("S5", "%d s after the last fault: %s" % (longest_s, why))

    settled_s = 0.0

    def _not_right(self) -> str:
        """What is not as it should be, in words; "" if all is."""
        a, b = self.servers
        for server in self.servers:
            if not server.is_settled:
                return "%s is in state %s, linked %s, owes %s" % (
                    server.name,
                    server.state,
                    server.is_linked,
                    server.owes,
                )
        ours, theirs = a.rows(), b.rows()
        for address in ours:
            if not _equal(ours[address], theirs[address]):
                return "%s is %s on A, %s on B" % (dotted(address), ours[address], theirs[address])
        words: str = a.unbalanced(self.setting.misbalance)
        if words:
            return words
        for client in self.clients:
            if client.state and not client.is_bound:
                free = a.free(client.place) + b.free(client.place)
                if client.hardware in self.setting.reserved:
                    free = [self.setting.reserved[client.hardware]]
                if free:
                    return "%s has no address, and %s are free" % (client, [dotted(one) for one in free[:3]])
        return ""

    def violated(self, which: str, what: str) -> None:
        sentence = "%s at %.3f s: %s" % (which, self.loop.now / 1000, what)
        self.violations.append(sentence)
        self.note("judge", "VIOLATED " + sentence)
        raise Violated(sentence)

    def note(self, who: str, what: Any) -> None:
        self.trace.append((self.loop.now, who, what))

    # Servers

    def other(self, server: Any) -> Any:
        return self.servers[1] if server is self.servers[0] else self.servers[0]

    def power_on(self, server: Any) -> None:
        if not server.powered:
            self.note(server.name, "starts")
            self.stir(20_000)
            server.power_on()
            self.network.heal()

    def booted(self, server: Any) -> None:
        self.stir(4000)

    def went_down(self, server: Any) -> None:
        self.stir(4000)

    def failed(self, server: Any) -> None:
        """It has lost its power in the middle of something, or ended: it starts again, some time."""
        wait_ms = 1000 if self.is_calm else self.rng.choice((1000, 1000, 3000, 20_000, 200_000, 900_000))
        self.loop.after(wait_ms, self.power_on, server)

    def dial(self, server: Any, address: bytes) -> Any:
        there = next(other for other in self.servers if other.address == address)
        return self.network.dial(server, there)

    def beat(self, server: Any, octets: bytes, to: str) -> None:
        """A failover beat, to the partner itself, or to all of the LAN."""
        other = self.other(server)
        if to.endswith(".255"):
            if self.network.is_open(server.name, LAN):
                self.network.datagram(LAN, other.name, other.on_beat, octets)
        else:
            self.network.datagram(server.name, other.name, other.on_beat, octets)

    def ask_wire(self, server: Any, address: bytes, sock: Any) -> None:
        """ARP: who has it answers."""
        other = self.other(server)
        if address == other.address:
            if other.powered and self.network.is_open(server.name, other.name):
                self.network.datagram(other.name, server.name, sock.deliver, b"\0" + address)
            return
        for client in self.clients:
            if client.address == address and client.is_bound and self.network.is_open(server.name, client.place):
                self.network.datagram(client.place, server.name, sock.deliver, b"\0" + address)

    # Pace: a healthy pair that nobody disturbs need not be asked ten times a second

    def stir(self, ms: int) -> None:
        """Something has happened: for so long time passes in small steps."""
        self._restless_until = max(self._restless_until, self.loop.now + ms)
        if self.pace_ms != 100:
            self.pace_ms = 100
            for server in self.servers:
                server.hurry()
        if self._pace_check is None:
            self._pace_check = self.loop.at(self._restless_until, self._look_at_pace)

    def _look_at_pace(self) -> None:
        self._pace_check = None
        now = self.loop.now
        if now < self._restless_until:
            self._pace_check = self.loop.at(self._restless_until, self._look_at_pace)
            return
        linked = [server.is_linked for server in self.servers]
        if all(linked) and self._is_whole() and all(server.is_quiet for server in self.servers):
            self.pace_ms = self._slow_ms
            self.was_normal_since_loss = self.was_normal_since_loss or all(server.is_settled for server in self.servers)
        elif not any(linked):
            self.pace_ms = self._alone_ms
        else:
            self._pace_check = self.loop.after(500, self._look_at_pace)

    def _is_whole(self) -> bool:
        return self.network.is_open("A", "B") and self.network.is_open("B", "A")

    def mended(self) -> None:
        self.stir(4000)
        self.network.heal()

    def clear_weather(self) -> None:
        weather = self.network.weather
        weather.most_ms, weather.loss, weather.doubled, weather.held_up, weather.pieces = 5, 0.0, 0.0, 0.0, 0.2

    # Clients

    def relay_of(self, place: str) -> bytes:
        return RELAY if place == FAR else _NOBODY

    def request(self, client: Client, octets: bytes, to: bytes, kind: int) -> None:
        self.note(client.name, (kind, client.asked_for if kind == 3 else client.address))
        if to == _NOBODY:
            self.broadcast(client.place, octets)
        else:
            for server in self.servers:
                if server.address == to:
                    self.network.datagram(client.place, server.name, server.on_datagram, octets, ("0.0.0.0", 68))

    def broadcast(self, place: str, octets: bytes) -> None:
        for server in self.servers:
            self.network.datagram(place, server.name, server.on_datagram, octets, ("0.0.0.0", 68))

    def reply(self, server: Any, octets: bytes, to: Any) -> None:
        reply = Reply(octets)
        client = self.by_hardware.get(reply.client)
        self.note(server.name, (reply.kind, reply.client, reply.address, reply.seconds))
        address = reply.address
        if reply.kind == NAK and client is not None:
            address = client.requests.get(reply.xid, _NOBODY)
        late = client is not None and client.has_given_up(reply.xid)
        self.judge.replied(server, reply.kind, address, reply.client, reply.seconds, late)
        if client is not None:
            self.network.datagram(server.name, client.place, client.hear, octets)

    def told(self) -> list[str]:
        """The trace, in words."""
        return ["%12.3f  %-10s %s" % (ms / 1000, who, _in_words(what)) for ms, who, what in self.trace]


_KINDS = ("", "DISCOVER", "OFFER", "REQUEST", "DECLINE", "ACK", "NAK", "RELEASE", "INFORM")


def _in_words(what: Any) -> str:
    if isinstance(what, str):
        return what
    if len(what) == 2:
        return "%s %s" % (_KINDS[what[0]], dotted(what[1]))
    kind, client, address, seconds = what
    return "%s %s to %s%s" % (
        _KINDS[kind],
        dotted(address),
        client.hex(":"),
        " for %d s" % seconds if seconds >= 0 else "",
    )


def _equal(ours: Any, theirs: Any) -> bool:
    """(state, client, end by true time) of one address on both."""
    if ours[0] != theirs[0]:
        return False
    return ours[0] != 2 or (ours[1] == theirs[1] and abs(ours[2] - theirs[2]) <= 3)


def run(seed: int, servers: Callable[[World, str], Any] | None = None) -> Result:
    """One World, from its beginning to its end."""
    sockets.install()
    world = World(seed, servers)
    use(world.loop)
    sockets.starve = _starve
    world.run()
    result = Result(seed, world.violations, world.told() if world.violations else [])
    result.virtual_s = world.loop.now / 1000
    result.faults = world.faults.count
    result.acks = world.judge.acks
    result.excused = world.judge.excused
    result.contested = len(world.judge.contested)
    result.naks = world.judge.naks
    result.mixed = servers is not None
    result.weaknesses = world.judge.weaknesses
    result.restarts = sum(server.restarts for server in world.servers)
    result.settled_s = world.settled_s
    result.about = "%s\n%d clients; faults every %d s; slow %d ms, alone %d ms; clocks %s" % (
        world.setting.text,
        len(world.clients),
        world.faults.mean_s,
        world._slow_ms,
        world._alone_ms,
        ["%+d s after %d ms" % (server.clock.offset_s, server.clock.after_ms) for server in world.servers],
    )
    return result


def _starve(name: str) -> None:
    from .loop import used

    task = used().task
    board = task.owner if task is not None else None
    if board is not None and board.starving and board.app is not None and board.rng.random() < board.starving:
        raise MemoryError


__all__ = ["NOW", "Result", "World", "run"]
