"""The composition root: from a board to a server.

    main(board)      serves until somebody asks the board to stop

start.py takes up the configuration, recovers the leases and builds the parts;
here they run: one task each for DHCP on every interface, the clock, the prober,
the journal's housekeeping and the console.  A board without a usable
configuration serves nobody, says why, and waits at its console.

Imports stand where they are used: what is needed once, or never, should not
sit in a small heap.
"""

import asyncio
import gc

from . import VERSION, forget
from .board import ALONE, NO_TIME, NORMAL
from .clock import PARTNER, RTC, RTC_ERROR_MS, Clock
from .failover.endpoint import NORMAL as _BOTH_WELL
from .net.lines import Lines
from .overlay import load, run

_TICK_S = 1
_TEND_RECORDS = 8
_FLOOR_EVERY_S = 3600
_DOUBT_MAX_S = 120  # a clock in more doubt than this is as good as none
_PARTNER_ERROR_MS = 2000  # it counts whole seconds, and may itself be off by one
_FOLLOW_S = 5
_FAREWELL_S = 0.05  # for the partner to hear that we pause


class App:
    """What the console and the tests may look at: board, config, table, journal, clock, node, log, peers."""

    def __init__(self, board):
        self.board = board
        self.log = None
        self.clock = Clock()
        self.config = self.table = self.journal = self.node = self.driver = self.failover = None
        self.peers = ()
        self.syslog = None  # net/syslog.py, the same
        self.sntp = self.ntp_server = None  # net/sntp.py and net/ntp_server.py, where the configuration wants them
        self.since = 0  # by our clock: when it was last set, other than to move all that it has given along
        self.trial = -1
        """Minutes for which the configuration is on trial, 0: it must only work, -1: it is not (revisions.py)."""
        self.tasks = []  # that start.py wants to run besides
        self.refused = ""  # what was wrong with the configuration
        self.restart = ""  # why the board is to start again when the service has ended
        self._last_act = None  # what is to be done before that
        self._ended = asyncio.Event()
        self._ticks = board.ticks_ms()
        self._floor_at = 0
        self._doubted = False  # it has been said that a partner's time is not believed
        self.recorder = Lines(self.clock)  # a Recorder, once the board serves
        self._tell = board.say
        board.say = self.say

    def say(self, text):
        """A line for the log, to be kept and written."""
        if self.recorder.keep(text):
            self._tell(text)

    async def ticking(self):
        """Once a second: time goes on, leases end."""
        while True:
            await asyncio.sleep(_TICK_S)
            self._advance()
            while self.node.on_tick(self.clock.earliest, self.clock.now):
                self.driver.flush()
                await asyncio.sleep(0)
            self.driver.tick()
            self.board.tick(self._light())

    def _light(self):
        for peer in self.peers:
            if peer.record.state != _BOTH_WELL:
                return ALONE
        return NORMAL if self.clock.trusted else NO_TIME

    def catch_up(self):
        """Bring the clock up to date: a second that is over and not counted would be another server's time too."""
        now = self.board.ticks_ms()
        ms = self.board.ticks_diff(now, self._ticks)
        self._ticks = now
        self.clock.advance(self.sntp.trim.take(ms) if self.sntp else ms)

    def _advance(self):
        self.catch_up()
        if self.clock.now >= self.clock.hear_at:
            self.hear_rtc()
        self.tell_time()
        if self.clock.now - self._floor_at >= _FLOOR_EVERY_S:
            self._floor_at = self.clock.now
            from .lease.journal import META_CLOCK  # loaded by now, and not before the configuration

            self.journal.put_meta(META_CLOCK, self.clock.now.to_bytes(4, "big"))
            self.journal.sync()

    def hear_rtc(self):
        """What the board's own clock says now; when it turns out that leases count from a wrong time, they move."""
        clock = self.clock
        was, source, before = clock.trusted, clock.source, clock.now
        told = self.board.rtc()
        step = clock.hear(told)
        if step >= 0:
            step = step or min(told - before, 0)  # a partner's word was ahead, and what was given by it moves back
            if not self.set_clock(told, 0, step, was and step > 0, RTC_ERROR_MS, RTC):
                return  # time goes on as it was; in a minute we try again
        if step > 0 or source != clock.source:
            self._tell_step(step if step > 0 else clock.now - before)

    def hear_partner(self, peer):
        """A failover partner was heard, which may know the time: it counts if we do not know it but by such words."""
        told = peer.partner_time
        if told < 0:
            return
        if self.clock.trusted:
            if self.clock.source == PARTNER:
                self._follow_partner(peer)
            return
        if not self.clock.credible(told):
            if not self._doubted:
                self._doubted = True
                off = _off(told - self.clock.now)
                self.say("The partner's time, %s than ours, is not believed: ours stays a guess" % off)
            return
        step = max(told - self.clock.now, 0)
        if self.set_clock(told, 0, step, False, _PARTNER_ERROR_MS, PARTNER, peer):
            self.tell_time()
            self._tell_step(step)

    def _follow_partner(self, peer):
        """Our time is a partner's word, and its clock has been set since; a slow network looks like some seconds."""
        skew = peer.skew
        if skew and abs(skew) > _FOLLOW_S and peer.partner_owns and self.clock.credible(self.clock.now + skew):
            run("stepping", "by", self, skew * 1000, _PARTNER_ERROR_MS, PARTNER)

    def set_clock(self, told, ms, step, everyone, error_ms, source, followed=None):
        """It is `told`, and `ms`: leases that count from a wrong time move by `step`.

        step  seconds; back (below 0) move those that were given since this clock was last set, else those whose time
              is PROVISIONAL, or everyone's
        followed  the Peer whose clock is ours from now on, and has not been in this run

        False if there is no memory for that.
        """
        try:
            from . import move
        except MemoryError:
            gc.collect()
            return False
        moved = told - self.clock.now
        if followed is not None:
            move.lengthen(self.table, self.journal, self.clock.earliest, not followed.twin)
        self.clock.discipline(told, ms, error_ms, source)
        if self._floor_at > told:
            self._floor_at = 0
        if step < 0:
            move.back(self.table, self.journal, step, self.since, self.clock.now)
        else:
            move.leases(self.table, self.journal, step, everyone, self.clock.now, self.since)
        forget("twinlease.move")
        self.since = min(self.since + step, told)
        for peer in self.peers:
            peer.clock_moved(moved)
        return True

    def _tell_step(self, step):
        self.say("Time from %s%s" % (self.clock.source, ", %s than we thought" % _off(step) if step else ""))

    def tell_time(self):
        """What the server must know of the clock besides `now`."""
        server, clock = self.node.server, self.clock
        server.trusted_time = clock.trusted
        server.own_time = clock.source != PARTNER
        server.doubt_s = min(clock.latest - clock.now, _DOUBT_MAX_S) if clock.trusted else 0

    async def tending(self):
        """Compact the journal a little at a time, when nobody waits."""
        while True:
            busy = self.journal.tend(_TEND_RECORDS)
            await asyncio.sleep(0 if busy else 0.2)

    def stop(self, why, last_act=None):
        """End the service in order, do this last, and start the board again."""
        self.restart = why
        self._last_act = last_act
        self._ended.set()

    async def on_trial(self):
        """Wait for a confirmation; without one the board goes back to the configuration before."""
        self.say("This configuration is on trial for %d min: commit confirm keeps it" % self.trial)
        await asyncio.sleep(60 * self.trial)
        if self.trial > 0:
            self.stop("the configuration was not confirmed", self._go_back)

    def _go_back(self):
        from . import revisions

        revisions.give_up(self.board.files(), "it was not confirmed")

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


def _off(seconds):
    return "%d s %s" % (abs(seconds), "later" if seconds > 0 else "earlier")


async def _console(app):
    """The console's code is loaded when somebody types."""
    serial = app.board.serial
    octet = await serial.read(1)
    while octet:
        try:
            from . import console

            await console.run(serial, serial, app, octet)
        except MemoryError:
            gc.collect()
            app.say("There is no memory for the console now")
        octet = await serial.read(1)


async def _serve(app):
    board = app.board
    tasks = app.tasks
    tasks.extend(board.tasks())
    if board.serial:
        tasks.append(_console(app))
    if app.node:
        tasks.extend([app.ticking(), app.tending()])
        tasks.extend([app.driver.serve(i) for i in range(len(board.interfaces))])
        if app.node.wants_probing():
            probe = load("net.probe")
            app.driver.prober = probe.Prober(app.node, board.interfaces, app.driver.flush, app.clock, app.log)
            tasks.append(app.driver.prober.run())
        if app.trial > 0:
            tasks.append(app.on_trial())
        if app.sntp:
            tasks.append(app.sntp.run())
        if app.ntp_server:
            tasks.extend([app.ntp_server.serve(interface) for interface in board.interfaces])
        app.say("Server starting service.")
    if app.syslog:
        tasks.append(app.syslog.run())
    failed = app._ended
    why = []
    if app.failover:
        tasks.append(app.failover.run(lambda task: asyncio.create_task(_watched(task, failed, why))))
    running = [asyncio.create_task(_watched(task, failed, why)) for task in tasks]
    running.append(asyncio.create_task(_until_stopped(board, failed)))
    await failed.wait()
    if why:
        raise why[0]
    if app.failover:
        app.failover.stop()
        await asyncio.sleep(_FAREWELL_S)


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
    app.say("Twinlease %s on %s, reset cause: %s" % (VERSION, board.name, board.reset_cause))
    from . import start

    start.build(app)
    del start  # or this frame keeps it as long as the server runs
    forget("twinlease.start")
    asyncio.run(_serve(app))
    app.say(app.summary())
    if app._last_act:
        app._last_act()
    if app.restart:
        board.reset(app.restart)
