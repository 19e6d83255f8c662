"""The composition root: from a board to a server.

    main(board)      serves until somebody asks the board to stop

Reads the configuration from flash, recovers the leases, builds the node, and
starts one task each for DHCP on every interface, the clock, the prober, the
journal's housekeeping and the console.  A board without a usable configuration
serves nobody, says why, and waits at its console.

Imports stand where they are used, in the order that a small heap needs: the
configuration language comes first and goes again; then the tables, in one
piece each; then the rest of the code, around them.
"""

import asyncio
import gc

from . import VERSION, forget
from .clock import Clock

_TICK_S = 1
_BURST = 12
_ARENA = 4800
_TEND_RECORDS = 8
_FLOOR_KEY = 0
_FLOOR_EVERY_S = 3600


class App:
    """What the console and the tests may look at: board, config, table, journal, clock, node, log."""

    def __init__(self, board):
        self.board = board
        self.log = None
        self.clock = Clock()
        self.config = self.table = self.journal = self.node = self.driver = None
        self._ticks = board.ticks_ms()
        self._floor_at = 0

    def say(self, text):
        """Log one line now."""
        self.board.say(text)

    def load(self):
        """Take up the configuration in flash; False if there is none to serve by."""
        from . import configuration

        self.config = configuration.take_up(self.board)
        forget("twinlease.configuration")
        forget("twinlease.conf")
        self.board.release_files()
        return self.config is not None

    def build(self):
        """Recover the leases and put the parts together."""
        from .lease.table import Table

        gc.collect()
        board = self.board
        self.table = Table(self.config.ranges, self.config.pools)
        from .lease.journal import Journal

        self.journal = Journal(board.leases, self.table)
        self._recover()
        from .net.dhcp_server import DhcpServer
        from .net.log import Log
        from .node import Link, Node

        self.log = Log(board.log)
        links = [Link(i.name, i.address, None) for i in board.interfaces]
        self.node = Node(self.config, self.table, links, _BURST, _ARENA)
        self.node.server.trusted_time = self.clock.trusted
        for link in links:
            subnet = self.node.server.client.subnet_of(link.address, 0)
            link.network = subnet.network if subnet else None
            if subnet is None:
                self.say("No subnet declaration for %s: only clients behind relay agents are served there" % link.name)
        self.driver = DhcpServer(self.node, self.journal, self.clock, self.log, board.interfaces)
        for link in links:
            self.say("Listening on %s" % link.name)
        gc.collect()

    def _recover(self):
        started = self.board.ticks_ms()
        found = self.journal.recover()
        forget("twinlease.lease.recover")
        took = self.board.ticks_diff(self.board.ticks_ms(), started)
        if found.floor:
            self.clock.set_floor(found.floor)
        now = self.board.rtc()
        if now is not None:
            self.clock.discipline(now, 0, 1000, "rtc")
        self.say(
            "Recovered %d leases from %d records in %d ms (%d damaged), time from %s"
            % (found.rows, found.records, took, found.damaged, self.clock.source)
        )

    async def ticking(self):
        """Once a second: time goes on, leases end."""
        while True:
            await asyncio.sleep(_TICK_S)
            self._advance()
            while self.node.on_tick(self.clock.earliest):
                await asyncio.sleep(0)
            self.driver.flush()

    def _advance(self):
        now = self.board.ticks_ms()
        self.clock.advance(self.board.ticks_diff(now, self._ticks))
        self._ticks = now
        if self.clock.now - self._floor_at >= _FLOOR_EVERY_S:
            self._floor_at = self.clock.now
            self.journal.put_meta(_FLOOR_KEY, self.clock.now.to_bytes(4, "big"))
            self.journal.sync()

    async def tending(self):
        """Compact the journal a little at a time, when nobody waits."""
        while True:
            busy = self.journal.tend(_TEND_RECORDS)
            await asyncio.sleep(0 if busy else 0.2)

    def summary(self):
        """One line on how it went, for the log of a stop."""
        leases = self.board.leases
        return "Stopped: %d packets in, %d replies out, flash: %d programs of %d octets, %d erases" % (
            self.driver.received if self.driver else 0,
            self.driver.sent if self.driver else 0,
            leases.programs,
            leases.programmed,
            leases.erases,
        )


async def _serve(app):
    board = app.board
    tasks = []
    if board.serial:
        from . import console

        tasks.append(console.run(board.serial, board.serial, app))
    if app.node:
        from .net.probe import Prober

        prober = Prober(app.node, board.interfaces, app.driver.flush, app.clock, app.log)
        tasks.extend([app.ticking(), app.tending(), prober.run()])
        tasks.extend([app.driver.serve(i) for i in range(len(board.interfaces))])
        app.say("Server starting service.")
    failed = asyncio.Event()
    why = []
    running = [asyncio.create_task(_watched(task, failed, why)) for task in tasks]
    running.append(asyncio.create_task(_until_stopped(board, failed)))
    await failed.wait()
    if why:
        raise why[0]


async def _watched(task, failed, why):
    """A task that dies takes the server with it: main.py logs the reason and starts again from what is in flash."""
    try:
        await task
    except Exception as e:
        why.append(e)
        failed.set()


async def _until_stopped(board, failed):
    await board.stopped()
    failed.set()


def main(board):
    """Serve until the board is asked to stop.  Raises what made a task fail."""
    app = App(board)
    app.say("Twinlease %s on %s" % (VERSION, board.name))
    if app.load():
        app.build()
    asyncio.run(_serve(app))
    app.say(app.summary())
