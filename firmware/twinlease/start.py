"""From a board that has just been switched on to the parts of a server: what is needed once, at boot.

    build(app)      fills in app.config, table, journal, node, driver; leaves them None without a usable configuration

The order is what a small heap needs: the configuration comes first and its code
goes again, then the lease table in one piece, then the rest around it.
"""

import gc

from . import forget

_BURST = 12  # replies that share one sync of the journal
_ARENA = 4800  # octets for them
_RTC_ERROR_MS = 1000


def build(app):
    """Take up the configuration, recover the leases, put the parts together, open the sockets."""
    if not _configure(app):
        return
    _recover_leases(app)
    from .net.dhcp_server import DhcpServer
    from .net.log import Log
    from .node import Link, Node

    board = app.board
    app.log = Log(board.log)
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
    for link in links:
        app.say("Listening on %s" % link.name)
    gc.collect()


def _configure(app):
    from . import configuration

    app.config = configuration.take_up(app.board)
    forget("twinlease.configuration")
    forget("twinlease.conf")
    app.board.release_files()
    return app.config is not None


def _recover_leases(app):
    from .lease.table import Table

    board = app.board
    app.table = Table(app.config.ranges, app.config.pools)
    from .lease.journal import Journal

    app.journal = Journal(board.leases, app.table)
    started = board.ticks_ms()
    found = app.journal.recover()
    forget("twinlease.lease.recover")
    took = board.ticks_diff(board.ticks_ms(), started)
    _set_clock(app, found.floor)
    app.say(
        "Recovered %d leases from %d records in %d ms (%d damaged), time from %s"
        % (found.rows, found.records, took, found.damaged, app.clock.source)
    )


def _set_clock(app, floor):
    """Time goes on from the last in the journal, unless the board knows better; provisional leases move along."""
    clock = app.clock
    if floor:
        clock.set_floor(floor)
    now = app.board.rtc()
    if now is None:
        return
    step = clock.discipline(now, 0, _RTC_ERROR_MS, "rtc")
    rows = app.table.shift_provisional(step) if step else None
    while rows is not None:
        for row in rows:
            app.journal.put_row(row)
        rows = app.table.shift_provisional(step)
    app.journal.sync()
