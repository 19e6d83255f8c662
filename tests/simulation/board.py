"""A virtual board: the firmware's own node, journal, Peers and drivers, on virtual time, flash and network.

What `main.py` and `app._serve` do is done here: the parts are built by start.py, a task runs for each of what app
runs; a task that fails ends the server, which starts again from flash.  README.md says what a World asks of a server.
"""

from __future__ import annotations

import traceback
from typing import Any

from tests.lab.nor import KINDS, Nor, PowerCut

from . import sockets
from .photo import Photo, photo

NOW = 216_000_000
"""Project seconds at virtual time 0; November 2026."""
_BLOCK = 1024
_FOLLOWED_S = 5  # a clock that is so far off is followed, and no lease moves


class Violated(BaseException):
    """The first violation ends a World; nothing that runs in it may swallow that."""


class Interface:
    index = 0

    def __init__(self, board: Board, name: str, address: bytes) -> None:
        self.board = board
        self.name = name
        self.address = address
        self.prefix = 24
        self.mac = bytes((2, 0, 0, 0, 9, address[3]))

    def connected(self) -> bool:
        return not self.board.is_unplugged


class Rtc:
    """The board's own clock: what it says is true time and `offset_s`; it may need a while after power comes."""

    def __init__(self, offset_s: int, after_ms: int) -> None:
        self.offset_s = offset_s
        self.after_ms = after_ms
        """How long after a start it can be read; -1: there is none."""


class Board:
    def __init__(self, world: Any, name: str, address: bytes, config: Any, rtc: Rtc, ppm: int, blocks: int) -> None:
        self.world = world
        self.loop = world.loop
        self.rng = world.rng
        self.name = name
        self.address = address
        self.config = config
        self.clock = rtc
        self.ppm = ppm
        self.leases = Nor(blocks, block_size=_BLOCK)
        self.log = self.say
        self.interfaces = [Interface(self, "eth0", address)]
        self.incarnation = 0
        self.powered = False
        self.is_unplugged = False
        self.app: Any = None
        self.tasks: list[Any] = []
        self.listener: Any = None
        self.dhcp_sockets: list[Any] = []
        self.beat_sockets: list[Any] = []
        self.ends: list[Any] = []
        self.durable: dict[int, list[Photo]] = {}
        """What each row may be after a power cut: the first is synced, the others are staged, or in RAM."""
        self.starving = 0.0
        """How likely it is that there is no memory to load code, each time."""
        self.syncs = 0
        self.restarts = 0
        self._booted = 0
        self._state = 0

    # What the firmware asks of a board

    def say(self, text: Any) -> None:
        if isinstance(text, (bytes, bytearray, memoryview)):
            text = bytes(text).decode(errors="replace")
        self.world.note(self.name, text)

    def tick(self, light: int) -> None:
        """Its lamp, and its watchdog."""

    def ticks_ms(self) -> int:
        ms = self.loop.now - self._booted
        return int(ms + ms * self.ppm // 1_000_000)

    @staticmethod
    def ticks_diff(a: int, b: int) -> int:
        return a - b

    def rtc(self) -> int | None:
        clock = self.clock
        if clock.after_ms < 0 or self.loop.now - self._booted < clock.after_ms:
            return None
        return NOW + self.loop.now // 1000 + clock.offset_s

    @property
    def unnoticed_s(self) -> int:
        """By how much its own clock has been set forward without the firmware having noticed yet."""
        clock = self.app.clock
        if clock.source != "rtc" or self.clock.after_ms < 0:
            return 0
        return int(NOW + self.loop.now // 1000 + self.clock.offset_s - clock.now)

    def random(self, n: int) -> bytes:
        return bytes(self.rng.randrange(256) for _ in range(n))

    # Power

    def power_on(self) -> None:
        """Start from what is in flash."""
        assert not self.powered
        self.powered = True
        self.guard(self._boot)

    def power_off(self) -> None:
        """The power fails, between two operations of the flash."""
        if self.powered:
            self._down()

    def cut_in(self, operations: int, kind: str, seed: int) -> None:
        """The power is to fail in the middle of an operation of the flash, so many from now."""
        assert kind in KINDS
        self.leases.cut_at(operations, kind, seed)

    def guard(self, call: Any, *args: Any) -> None:
        """Run what is no task of the board's own, with the same consequences if it fails."""
        try:
            call(*args)
        except Violated:
            raise
        except Exception as e:
            self._failed(e)

    def _boot(self) -> None:
        from twinlease import start
        from twinlease.app import App

        self.incarnation += 1
        self._booted = self.loop.now
        self.dhcp_sockets = []
        self.beat_sockets = []
        app = App(self)
        app.config = self.config
        self.leases.board = self
        alive = start._recover_leases(app)
        start._serve(app, alive)
        self.app = app
        self._run(app)
        self.world.booted(self)

    def _run(self, app: Any) -> None:
        spawn = self.loop.spawn
        spawn(self, app.ticking(), True)
        spawn(self, app.tending(), True)
        for index in range(len(self.interfaces)):
            spawn(self, app.driver.serve(index))
        if app.node.wants_probing():
            from twinlease.net.probe import Prober

            app.driver.prober = Prober(app.node, self.interfaces, app.driver.flush, app.clock, app.log)
            spawn(self, app.driver.prober.run(), True)
        if app.failover:
            spawn(self, app.failover.run(lambda task: spawn(self, task)), True)

    def _down(self) -> None:
        """Nothing runs any more, and nobody was told."""
        if self.app is not None:
            self._remember(self.app.table)
            if self.unnoticed_s > _FOLLOWED_S:
                self.world.judge.is_corrected(self.unnoticed_s)
        self._state = self.state
        self.powered = False
        self.app = None
        for task in self.tasks:
            task.throw_away()
        for end in self.ends:
            end.vanish()
        self.tasks, self.ends, self.dhcp_sockets, self.beat_sockets, self.listener = [], [], [], [], None
        self.leases = self.leases.reboot()
        self.world.went_down(self)

    def ended(self, task: Any, error: Exception | None) -> None:
        """A task has ended."""
        if task in self.tasks:
            self.tasks.remove(task)
        if error is not None:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        """What main.py does when the server fails: it starts again."""
        from twinlease.failover.exchange import Unfinished

        if isinstance(error, PowerCut):
            self.world.note(self.name, "the power is cut, in the middle of writing to flash")
        elif self.starving and isinstance(error, (MemoryError, Unfinished)):
            self.world.note(self.name, "the server ends for want of memory, and starts again")
        else:
            told = "".join(traceback.format_exception(error)).strip()
            self.world.violated("S7", "%s ended: %s" % (self.name, told))
        if self.powered:
            self._down()
        self.restarts += 1
        self.world.failed(self)

    # What is in flash

    def was_put(self, row: int, table: Any) -> None:
        self.durable[row].append(photo(table, row))

    def was_synced(self) -> None:
        self.syncs += 1
        for may_be in self.durable.values():
            if len(may_be) > 1:
                del may_be[:-1]

    def was_recovered(self, table: Any) -> None:
        """Is each row something that it may be?"""
        for row, may_be in self.durable.items():
            found = photo(table, row)
            if not found.is_one_of(may_be):
                self.world.violated(
                    "S2", "%s: after a restart row %d is %s, not %s" % (self.name, row, found, may_be[0])
                )
        for row in range(table.rows):
            self.durable[row] = [photo(table, row)]

    def _remember(self, table: Any) -> None:
        """Compaction writes rows as they are in RAM: that too may be found."""
        for row in range(table.rows):
            self.durable[row].append(photo(table, row))

    def replace(self) -> None:
        """A new board, with nothing in its flash."""
        assert not self.powered
        self.leases = Nor(self.leases.size // _BLOCK, block_size=_BLOCK)
        self.durable.clear()

    def is_durable(self, row: int) -> Photo:
        return self.durable[row][0]

    # Pace

    def pace(self, ms: int) -> int:
        """How long a task that runs by and by sleeps: longer while nothing happens."""
        slow: int = self.world.pace_ms
        if slow <= 100:
            return ms
        ms = max(ms, slow * 4 if ms == 200 else slow)
        return ms + self.rng.randrange(1 + ms // 16)

    def hurry(self) -> None:
        for task in list(self.tasks):
            task.hurry()

    # The network

    @property
    def listens(self) -> bool:
        return self.listener is not None

    def on_datagram(self, octets: bytes, source: Any) -> None:
        """DHCP, from a client or a relay agent."""
        if self.dhcp_sockets:
            self.dhcp_sockets[0].deliver(octets, source)

    def on_beat(self, octets: bytes) -> None:
        """UDP to the failover port."""
        for sock in list(self.beat_sockets):
            sock.deliver(octets)

    def on_connect(self, end: Any) -> None:
        """Somebody has dialled us; the end is ours."""
        self.world.stir(4000)
        self.ends.append(end)
        self.listener.ends.append(end)
        sockets.wake(self.listener)

    def on_connected(self, end: Any) -> None:
        """What we dialled stands, or was refused."""
        self.ends.append(end)

    def on_octets(self, end: Any) -> None:
        """Octets have arrived, or the connection is over: its task reads."""
        if end.over:
            self.world.stir(4000)

    def send_dhcp(self, octets: bytes, to: Any) -> None:
        self.world.reply(self, octets, to)

    def send_beat(self, octets: bytes, to: Any) -> None:
        self.world.beat(self, octets, to[0])

    # The operator

    def operator_says(self, command: str) -> None:
        """partner-down, pause, resume, resync, keep: as typed at the console."""
        from twinlease.console import failover

        if self.app is None or not self.app.peers:
            return

        def type_it() -> None:
            call = getattr(failover, command.replace("-", "_"))
            try:
                for line in call(self.app, False, ""):
                    self.world.note(self.name, "console: " + line.strip())
            except Exception as e:
                if type(e).__name__ != "Refused":
                    raise
                self.world.note(self.name, "console: %s" % e)

        self.guard(type_it)

    def stop(self) -> None:
        """An orderly stop: the partner hears that we pause; then the program ends."""
        if self.app is not None and self.app.failover:
            self.guard(self.app.failover.stop)
        self.loop.after(50, self._stopped, self.incarnation)

    def _stopped(self, incarnation: int) -> None:
        if self.powered and self.incarnation == incarnation:
            self.power_off()

    # What can be seen from outside

    @property
    def peer(self) -> Any:
        return self.app.peers[0] if self.app is not None and self.app.peers else None

    @property
    def state(self) -> int:
        """The failover state: by the draft's number; 0 if it was never known.  Of one that is off, the one in flash."""
        peer = self.peer
        if peer is not None:
            self._state = peer.record.resume
        return self._state

    @property
    def is_linked(self) -> bool:
        return self.peer is not None and self.peer.linked

    @property
    def owes(self) -> Any:
        peer = self.peer
        return None if peer is None else (peer.unacked, peer.due(), peer.asked_xid >= 0)

    @property
    def is_quiet(self) -> bool:
        return self.owes == (0, 0, False)

    @property
    def is_settled(self) -> bool:
        """In NORMAL with a partner, and nothing is owed."""
        peer = self.peer
        return peer is not None and peer.linked and peer.record.state == peer.record.partner == 2 and self.is_quiet

    @property
    def can_be_replaced(self) -> bool:
        return self.powered

    @property
    def project_s(self) -> int:
        return int(self.app.clock.now)

    @property
    def ahead_s(self) -> int:
        """Its clock less true time, seconds."""
        return self.project_s - NOW - self.loop.now // 1000

    def leaves_to_partner(self, client: bytes) -> bool:
        """Is this client, by its hardware address, the partner's to answer, as far as this server can know?"""
        from twinlease.failover.balance import bucket

        peer = self.peer
        both = peer.balances and peer.linked and peer.record.state == peer.record.partner == 2
        known = self.world.by_hardware.get(client)
        key = client if known is None else known.key
        return both and not peer.is_ours(bucket(key, 0, len(key)))

    def promised_until(self, seconds: int) -> int:
        """Until when an ACK for so long, that leaves now, is held against it: true ms."""
        return self.loop.now + 1000 * seconds

    def in_doubt(self, address: bytes) -> str:
        """See isc_server.py: never."""
        return ""

    def agreed_by_itself(self, address: bytes) -> tuple[int, str]:
        """See isc_server.py: nothing."""
        return 0, ""

    def kept(self, address: bytes) -> tuple[int, bytes, int] | None:
        """What is durable of a dynamic address: its state, its client's hardware address, the end of its lease."""
        row = self.app.table.row_of(address, 0)
        if row < 0:
            return None
        kept = self.durable[row][0]
        return kept.state, kept.hardware[1:], kept.ends

    def rows(self) -> dict[bytes, tuple[int, bytes, int]]:
        """Of each address that is shared: its state, client, and end by true time, seconds."""
        table = self.app.table
        found = {}
        for row in range(table.rows):
            octets = bytearray(4)
            table.put_address(row, octets, 0)
            seen = photo(table, row)
            found[bytes(octets)] = (seen.state, seen.identifier or seen.hardware, seen.ends - NOW - self.ahead_s)
        return found

    def free(self, place: str) -> list[bytes]:
        """Addresses on this server's own list; none while it is off."""
        if self.peer is None:
            return []
        own = self.peer.own
        net = bytes((10, 1 if place == "far" else 0))
        return [address for address, row in self.rows().items() if row[0] == own and address[:2] == net]

    def unbalanced(self, misbalance: int) -> str:
        """Of which pool one server has too many free addresses; "" if of none."""
        from twinlease.failover.balance import hoard, leases_to_send, threshold

        table = self.app.table
        for pool in self.peer.pools:
            free, backup = table.count(pool.index, 1), table.count(pool.index, 7)
            lts = leases_to_send(free, backup)
            most = max(2 * threshold(free + backup, misbalance), hoard(free + backup, 30), 1)
            if abs(lts) > most:
                return "pool %d has %d free and %d backup addresses" % (pool.index, free, backup)
        return ""
