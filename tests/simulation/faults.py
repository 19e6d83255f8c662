"""What goes wrong, and what operators type: drawn one after the other, each with its end."""

from __future__ import annotations

from typing import Any

from tests.lab.nor import AFTER, BEFORE, SPOTTED, TORN

from .clients import message, option
from .judge import DISCOVER, RELEASE, REQUEST

_CUTS = (BEFORE, AFTER, TORN, SPOTTED)  # real NOR keeps what was programmed before


class Faults:
    """Of one World.  `mean_s`: how long it goes well, on average."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.rng = world.rng
        self.loop = world.loop
        self.mean_s = self.rng.choice((20, 120, 600, 1800))
        self.count = 0
        self._replaced: Any = None
        kinds = (
            (self.partition, 4),
            (self.one_way, 3),
            (self.unplug, 2),
            (self.away_from_clients, 2),
            (self.weather, 3),
            (self.reset_link, 3),
            (self.power_cut, 5),
            (self.power_off, 3),
            (self.outage, 1),
            (self.orderly_stop, 2),
            (self.new_board, 1),
            (self.clock_step, 2),
            (self.hunger, 2),
            (self.partner_down_rightly, 2),
            (self.partner_down_wrongly, 1),
            (self.operator, 2),
            (self.flood, 1),
            (self.rudeness, 1),
        )
        # A world has its own troubles: some come often, some not at all.
        self._kinds = [kind for kind, weight in kinds if self.rng.random() < 0.7]
        self._weights = [weight * self.rng.random() for kind, weight in kinds if kind in self._kinds]

    def begin(self) -> None:
        if self._kinds:
            self._next()

    def _next(self) -> None:
        self.loop.after(int(self.rng.expovariate(1 / (1000 * self.mean_s))), self._strike)

    def _strike(self) -> None:
        if self.world.is_calm:
            return
        self.count += 1
        self.rng.choices(self._kinds, self._weights)[0]()
        self._next()

    def _duration_ms(self) -> int:
        return self.rng.choice((300, 2000, 10_000, 60_000, 300_000, 900_000)) * self.rng.randint(1, 20) // 10

    def _server(self) -> Any:
        return self.rng.choice(self.world.servers)

    def _cut(self, ways: set[tuple[str, str]], told: str) -> None:
        world = self.world
        world.note("network", told)
        ways = ways - world.network.cut
        world.network.cut |= ways
        world.stir(4000)
        self.loop.after(self._duration_ms(), self._mend, ways, told)

    def _mend(self, ways: set[tuple[str, str]], told: str) -> None:
        world = self.world
        if ways & world.network.cut:
            world.note("network", "over: " + told)
            world.network.cut -= ways
            world.mended()

    def partition(self) -> None:
        self._cut({("A", "B"), ("B", "A")}, "nothing passes between the servers")

    def one_way(self) -> None:
        here, there = self.rng.choice((("A", "B"), ("B", "A")))
        self._cut({(here, there)}, "nothing passes from %s to %s" % (here, there))

    def unplug(self) -> None:
        server = self._server()
        if server.is_unplugged:
            return
        server.is_unplugged = True
        world = self.world
        ways = set()
        for place in [*world.setting.places, "A", "B"]:
            ways |= {(server.name, place), (place, server.name)}
        ways -= world.network.cut
        told = "the cable of %s is out" % server.name
        world.note("network", told)
        world.network.cut |= ways
        world.stir(4000)

        def plug() -> None:
            server.is_unplugged = False
            self._mend(ways, told)

        self.loop.after(self._duration_ms(), plug)

    def away_from_clients(self) -> None:
        server = self._server()
        place = self.rng.choice(self.world.setting.places)
        ways = {(server.name, place), (place, server.name)}
        if self.rng.random() < 0.5:
            ways.discard(self.rng.choice(sorted(ways)))
        self._cut(ways, "%s does not reach %s, or is not reached" % (server.name, place))

    def weather(self) -> None:
        weather, rng = self.world.network.weather, self.rng
        weather.most_ms = rng.choice((5, 50, 400, 2000))
        weather.loss = rng.choice((0.0, 0.02, 0.1, 0.4))
        weather.doubled = rng.choice((0.0, 0.05, 0.3))
        weather.held_up = rng.choice((0.0, 0.05, 0.2))
        weather.pieces = rng.choice((0.0, 0.3, 0.9))
        self.world.note("network", "weather: %s" % weather)
        self.loop.after(self._duration_ms(), self.world.clear_weather)

    def reset_link(self) -> None:
        for connection in list(self.world.network.connections):
            end = self.rng.choice(connection.ends)
            if not end.connecting:
                self.world.note("network", "a connection of %s is reset" % end.place)
                for one in connection.ends if self.rng.random() < 0.7 else (end,):
                    one.was_reset()
        self.world.stir(4000)

    def power_cut(self) -> None:
        server = self._server()
        if server.powered:
            server.cut_in(self.rng.choice((0, 0, 1, 2, 5, 30)), self.rng.choice(_CUTS), self.rng.randrange(1 << 30))
            self.world.note(server.name, "its power is about to fail")

    def power_off(self) -> None:
        self._off(self._server())

    def _off(self, server: Any) -> None:
        if server.powered:
            self.world.note(server.name, "the power fails")
            server.power_off()
            self.loop.after(self._duration_ms(), self.world.power_on, server)

    def outage(self) -> None:
        for server in self.world.servers:
            self._off(server)

    def orderly_stop(self) -> None:
        server = self._server()
        if server.powered:
            self.world.note(server.name, "is stopped")
            server.stop()
            self.loop.after(100 + self._duration_ms(), self.world.power_on, server)

    def new_board(self) -> None:
        """One is replaced; never while the other needs its data, or both would be lost."""
        server = self._server()
        other = self.world.other(server)
        if self.world.was_normal_since_loss and other.powered and other.is_settled and server.can_be_replaced:
            self.world.was_normal_since_loss = False
            self.world.note(server.name, "is replaced by a new board")
            server.power_off()
            server.replace()
            self._replaced = server
            self.world.judge.lost_data(server)
            self.loop.after(self._duration_ms(), self.world.power_on, server)

    def clock_step(self) -> None:
        server = self._server()
        # Forward only: README.md says why.
        server.clock.offset_s = min(30, server.clock.offset_s + self.rng.choice((0, 1, 3, 6, 20, 60)))
        server.clock.after_ms = self.rng.choice((server.clock.after_ms, 0, 60_000, 600_000))
        self.world.note(server.name, "its clock is set, %d s ahead" % server.clock.offset_s)

    def hunger(self) -> None:
        server = self._server()
        server.starving = self.rng.choice((0.02, 0.1, 0.3))
        self.world.note(server.name, "memory is short")

        def fed() -> None:
            server.starving = 0.0

        self.loop.after(self._duration_ms(), fed)

    def partner_down_rightly(self) -> None:
        """A server is off, and for good, as far as anybody knows: the operator tells the other, a moment later."""
        server = self._server()
        other = self.world.other(server)
        if server.powered and other.powered:
            self._off(other)
            self.loop.after(self.rng.choice((0, 1000, 5000, 30_000)), self._tell_down, server)

    def _tell_down(self, server: Any) -> None:
        if server.powered and not self.world.other(server).powered and not self._is_empty(server):
            self.world.stir(1000)
            server.operator_says("partner-down")

    def _is_empty(self, server: Any) -> bool:
        """Is it new, and has learned nothing yet?  If its partner were declared down, the data of both were lost."""
        return server is self._replaced and server.state in (0, 6)

    def partner_down_wrongly(self) -> None:
        server = self._server()
        if server.powered and not self._is_empty(server):
            self.world.note(server.name, "its operator errs")
            self.world.stir(4000)
            server.operator_says("partner-down")

    def operator(self) -> None:
        server = self._server()
        if server.powered:
            self.world.stir(4000)
            command = self.rng.choice(("pause", "resume", "resync", "keep"))
            server.operator_says(command)
            if command == "pause":
                self.loop.after(self._duration_ms(), self._resume, server)

    def _resume(self, server: Any) -> None:
        if server.powered:
            server.operator_says("resume")

    def flood(self) -> None:
        """DISCOVERs from hardware that nobody has."""
        place = self.rng.choice(self.world.setting.places)
        for n in range(self.rng.randint(5, 60)):
            self.loop.after(n * self.rng.randint(0, 30), self._stranger, place)

    def _stranger(self, place: str) -> None:
        rng, world = self.rng, self.world
        hardware = bytes((6, *rng.randbytes(5)))
        octets = message(DISCOVER, hardware, rng.randbytes(4), giaddr=world.relay_of(place))
        world.judge.discovered(hardware, 0, place)
        world.broadcast(place, octets)

    def rudeness(self) -> None:
        """Somebody asks for, or releases, what is another's; or sends rubbish."""
        rng, world = self.rng, self.world
        place = rng.choice(world.setting.places)
        address = rng.choice(sorted(world.setting.shared))
        hardware = bytes((6, *rng.randbytes(5)))
        xid = rng.randbytes(4)
        what = rng.randrange(4)
        if what == 0:
            octets = message(REQUEST, hardware, xid, option(50, address), giaddr=world.relay_of(place))
        elif what == 1:
            octets = message(RELEASE, hardware, xid, ciaddr=address)
        elif what == 2:
            octets = message(REQUEST, hardware, xid, ciaddr=address)
        else:
            octets = rng.randbytes(rng.randint(0, 400))
        world.broadcast(place, octets)
