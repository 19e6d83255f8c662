"""From a board that has just been switched on to the parts of a server: what is needed once, at boot.

    build(app)      fills in app.config, table, journal, node, driver; leaves them None without a configuration that
                    can be served here, and says why: to start again would not help

The order is what a small heap needs: the configuration comes first and its code
goes again, then the lease table in one piece, then the rest around it.
"""

import gc
import sys

from . import IN_ROM, forget
from .clock import RTC, RTC_ERROR_MS

_BURST = 12  # replies that share one sync of the journal
_ARENA = 4800  # octets for them
_WIDE = sys.maxsize >> 32  # pointers of 64 bits, as on the virtual board
# Octets that the service takes beside the configuration, measured (make footprint), and some air to work in.
_SERVICE = 132800 if _WIDE else 82000
_FAILOVER = 88000 if _WIDE else 76000  # and what failover takes, where a pool has a partner
_SNTP = 19200 if _WIDE else 10500  # asking time servers, and the room for a round of questions
_SNTP_SERVE = 4400 if _WIDE else 3200
_SYSLOG = 7500 if _WIDE else 5200
if IN_ROM:  # bytecode, texts and the letters of names are in flash; with 32 bits not measured, but counted
    _SERVICE -= 49000 if _WIDE else 36000
    _FAILOVER -= 31000 if _WIDE else 18000
_GARBAGE = 4096
_AIR = 6000  # the least that must be left: a datagram and what becomes of it, twice
_RECORDS_MIN, _RECORDS_MAX, _PER_RECORD = 16, 28, 2048  # of the flight recorder, of 32 octets
_ROW_OCTETS = 50  # with its index heads
_CELL_OCTETS = 16
_AHEAD_S = 86400
_CELLS_MIN = 0.25  # cells a row, for identifiers; host names take the rest


def build(app):
    """Take up the configuration, recover the leases, put the parts together, open the sockets."""
    free = rows = more = 0
    _collect_after(_GARBAGE)
    if not _may_serve(app):
        return
    try:
        if _configure(app):
            free, rows = _free(), app.config.rows
            more = _more(app)
            paired = _is_paired(app)
            if paired:
                _learn_names()
            _serve(app, _recover_leases(app))
            _check_air()
            _collect_after(2 * _GARBAGE if paired else -1)
            _end_trial(app)
            return
        why = ""
    except MemoryError:
        why = "not enough memory for " + ("%d addresses and this configuration" % rows if rows else "the configuration")
    except TooMany as e:
        why = str(e)
    app.config = app.table = app.journal = app.node = app.driver = app.failover = app.sntp = app.ntp_server = None
    app.peers = ()
    gc.collect()
    if app.trial >= 0:
        _go_back(app, why)
    if why:
        app.say(why + _what_would_fit(free, rows, more))
        app.say("This board serves nobody until it has a smaller configuration")


def _may_serve(app):
    """Is the board itself in order, and has it stayed up?"""
    board = app.board
    why = board.refused
    if not why:
        if board.reset_cause not in ("power-on", "reset", "soft reset") or board.files().has("failed-starts"):
            from . import attempts

            why = attempts.begin(board)
            app.tasks.append(attempts.run(app))
    if why:
        app.say("No service: " + why)
        board.release_files()
    return not why and len(board.interfaces) > 0


def _collect_after(octets):
    """Collect garbage so often: what stays is packed where garbage was, and not strewn over the whole heap."""
    if hasattr(gc, "threshold"):
        gc.threshold(octets)


class TooMany(Exception):
    """More addresses than the flash holds leases for."""


def _serve(app, alive):
    """`alive`: when this board was last known to be, project seconds; 0 never."""
    from .net.dhcp_server import DhcpServer
    from .net.log import Log
    from .net.recorder import Recorder
    from .node import Link, Node

    board = app.board
    app.recorder = Recorder(app.recorder)
    if "syslog-server" in app.config.scope.params:
        _start_syslog(app)
    app.log = Log(board.log, app.recorder)
    links = [Link(i.name, i.address, None) for i in board.interfaces]
    app.node = Node(app.config, app.table, links, _BURST, _ARENA)
    for link in links:
        subnet = app.node.server.client.subnet_of(link.address, 0)
        if subnet is None:
            app.say("No subnet declaration for %s: only clients behind relay agents are served there" % link.name)
        else:
            link.network = subnet.network
        if app.node.reserve_own(link.address):
            app.say("%d.%d.%d.%d is this board's own address: not leased" % tuple(link.address))
    app.node.server.client.prepare()
    app.tell_time()
    app.driver = DhcpServer(app.node, app.journal, app.clock, app.log, board.interfaces)
    _keep_time(app)
    if _is_paired(app):
        _join_pairs(app, alive)
    for link in links:
        app.say("Listening on %s" % link.name)
    _record(app)


def _start_syslog(app):
    from .net.syslog import Syslog

    told = app.config.scope.params
    app.board.log = app.syslog = Syslog(app, told["syslog-server"], told.get("log-facility", ""))


def _keep_time(app):
    """SNTP, where the configuration wants it."""
    told = app.config.scope.params
    if "ntp-servers" in told:
        from .net.sntp import Sntp

        app.sntp = Sntp(app, told["ntp-servers"])
    if told.get("ntp-serve"):
        from .net.ntp_server import NtpServer

        app.ntp_server = NtpServer(app)


def _learn_names():
    """Load once what the console wants, for its names: with failover's there are more than the interpreter's pool has.

    It doubles then, to 7 KB in one piece (64-bit): while a board starts that is there, and later may not be.
    """
    from . import overlay

    for module in ("clock", "configure", "failover", "leases", "show"):
        overlay.learn("console." + module)


def _is_paired(app):
    return any(pool.peer for pool in app.config.pools)


def _join_pairs(app, alive):
    from . import pairing

    pairing.build(app, alive)
    forget("twinlease.pairing")
    forget("twinlease.failover.orient")
    forget("twinlease.failover.agree")
    forget("twinlease.failover.longest")


def _free():
    """Octets of heap that are free, 0 if nobody knows."""
    gc.collect()
    return gc.mem_free() if hasattr(gc, "mem_free") else 0


def _check_air():
    """A board that starts and then has no memory for a packet would serve nobody, and say nothing."""
    if 0 < _free() < _AIR:
        raise MemoryError


def _record(app):
    """What is left of the heap says how many requests are remembered."""
    app.recorder.start(app.node, max(_RECORDS_MIN, min(_RECORDS_MAX, _free() // _PER_RECORD)))
    app.driver.recorder = app.recorder


def _what_would_fit(free, rows, more=0):
    """How many addresses the heap that the configuration leaves would do for; a guess on the safe side."""
    fit = _spare(free, more) // int(_ROW_OCTETS + _CELLS_MIN * _CELL_OCTETS)
    if not free or fit >= rows:
        return ""
    if fit > 0:
        return "; in memory there is room for about %d: make the ranges smaller" % fit
    less = "failover and time servers take %d, do without; or " % (more // 1024) if more else ""
    missing = -(_spare(free, more) // 1024)
    return "; even without addresses %d KiB are missing: %stake out hosts or classes, or take a larger board" % (
        missing,
        less,
    )


def _more(app):
    """Octets that the service takes for what this configuration asks for besides."""
    told = app.config.scope.params
    more = _FAILOVER if _is_paired(app) else 0
    if "ntp-servers" in told:
        more += _SNTP
    if "syslog-server" in told:
        more += _SYSLOG
    return more + _SNTP_SERVE if told.get("ntp-serve") else more


def _spare(free, more):
    return free - _SERVICE - more


def _cells_per_row(app):
    """A cell for each row where memory allows, or as many as it does: addresses come before names."""
    free, rows = _free(), app.config.rows
    if not free or not rows:
        return 1
    cells = (_spare(free, _more(app)) - rows * _ROW_OCTETS) / (rows * _CELL_OCTETS)
    if cells < 1:
        cells = max(cells, _CELLS_MIN)
        app.say("Memory is short: names are kept for about %d of %d clients" % (rows * cells, rows))
    return min(cells, 1)


def _end_trial(app):
    """A configuration that needs no confirmation serves; when it has stayed up, that is written down (attempts.py)."""
    if app.trial == 0:
        app.trial = -1
        if not app.tasks:
            from . import attempts

            app.tasks.append(attempts.run(app))
        app.board.release_files()


def _go_back(app, why):
    """The configuration on trial cannot be served: start again with the one before, if there is one."""
    from . import revisions

    if revisions.give_up(app.board.files(), why or app.refused):
        app.board.reset("back to the configuration before this one, which is kept as the edited one")
    app.board.release_files()
    forget("twinlease.revisions")


def _configure(app):
    from . import configuration

    if app.board.files().load("trial"):
        from . import revisions

        app.trial = revisions.on_trial(app.board.files())
        forget("twinlease.revisions")
    app.config = configuration.take_up(app.board)
    app.refused = configuration.why
    forget("twinlease.configuration")
    forget("twinlease.conf")
    app.board.release_files()
    return app.config is not None


def _recover_leases(app):
    """Fill the lease table from flash.  Returns when this board was last known to be alive, project seconds."""
    from .lease.table import Table

    board = app.board
    try:
        app.table = Table(app.config.ranges, app.config.pools, _cells_per_row(app))
        from .lease.journal import Journal

        app.journal = Journal(board.leases, app.table)
    except ValueError as e:
        raise TooMany(str(e))
    started = board.ticks_ms()
    found = app.journal.recover()
    for module in ("recover", "restore", "_boot"):
        forget("twinlease.lease." + module)
    took = board.ticks_diff(board.ticks_ms(), started)
    _set_clock(app, found)
    app.say(
        "Recovered %d leases from %d records in %d ms (%d damaged), time from %s"
        % (found.rows, found.records, took, found.damaged, app.clock.source)
    )
    return found.floor


def _set_clock(app, found):
    """Time goes on from the last in the journal, or from the board's own clock if that can be right (clock.py)."""
    app.catch_up()  # how long the start has taken is not to be added to what is heard now
    floor = found.floor
    from .lease.journal import META_STEP

    if app.journal.get_meta(META_STEP):  # the power went while leases were moved
        from . import move

        floor = max(floor, move.finish(app.table, app.journal))
    if floor:
        app.clock.set_floor(floor)
    told = app.board.rtc()
    if app.clock.plausible(told) and not _is_asked_first(app, floor, told):
        from . import move

        move.leases(app.table, app.journal, max(told - app.clock.now, 0), False, told)
        app.clock.discipline(told, 0, RTC_ERROR_MS, RTC)
        forget("twinlease.move")
    app.since = app.clock.now


def _is_asked_first(app, floor, told):
    """Do we ask time servers first?  Where leases are at stake, the board's clock is far ahead of what the journal
    knows, and may be wrong: it is believed when it still says so in a minute (Clock.hear)."""
    return floor > 0 and told - floor > _AHEAD_S and "ntp-servers" in app.config.scope.params
