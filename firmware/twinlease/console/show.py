"""What the show commands print: generators of strings, as text or as one line of JSON.

They read the application's parts and change nothing.  `app` has: board, table,
journal, clock, config, node.
"""

import gc
import json as _json
import sys

from twinlease import VERSION
from twinlease.lease.row import BACKUP, FREE

_UNTOUCHED = (FREE, BACKUP)
_COUNTS = ("received", "sent", "unsent", "errors", "starved")


def version(app, json):
    """This firmware, the interpreter and the board."""
    runs_on = "%s %s" % (sys.implementation.name, ".".join(str(n) for n in sys.implementation.version[:3]))
    name, called = app.board.name, app.board.host_name or None
    return _record(json, (("version", VERSION), ("interpreter", runs_on), ("board", name), ("host_name", called)))


def memory(app, json):
    """Free and used heap after a collection."""
    gc.collect()
    if not hasattr(gc, "mem_free"):
        return _record(json, (("free", 0), ("allocated", 0)))
    return _record(json, (("free", gc.mem_free()), ("allocated", gc.mem_alloc())))


def flash(app, json):
    """Counters of the leases region since start, and free journal blocks."""
    r = app.board.leases
    rows = [(name, getattr(r, name)) for name in ("programs", "programmed", "erases", "written", "syncs")]
    rows.append(("worn_most", max(r.block_erases)))
    if app.journal is not None:
        rows.append(("free_blocks", app.journal.free_blocks))
    return _record(json, rows)


def interfaces(app, json):
    """Each interface: address, hardware address, cable; what came and went on all of them."""
    found = []
    for i in app.board.interfaces:
        address = "%d.%d.%d.%d/%d" % (tuple(i.address) + (i.prefix,))
        hardware = ":".join(["%02x" % b for b in i.mac])
        found.append({"name": i.name, "address": address, "hardware": hardware, "connected": i.connected()})
    driver = app.driver
    counts = {} if driver is None else {name: getattr(driver, name) for name in _COUNTS}
    if json:
        yield _json.dumps({"interfaces": found, "packets": counts}) + "\n"
        return
    for i in found:
        cable = "" if i["connected"] else ", no cable"
        yield "%s: %s, %s%s\n" % (i["name"], i["address"], i["hardware"], cable)
    if counts:
        yield "DHCP: %d in, %d out, %d not sent, %d errors of the socket, %d times no memory\n" % tuple(
            [counts[name] for name in _COUNTS]
        )


def banner(app, json):
    """Who this is, and how it goes, in a line each."""
    called = ", " + app.board.host_name if app.board.host_name else ""
    yield "Twinlease %s on %s%s. ? helps, Tab completes.\n" % (VERSION, app.board.name, called)
    if app.table is None:
        yield "It serves nobody: it has no configuration that it could serve by; its log says why. configure load\n"
        return
    rows = app.table.rows
    free = sum([app.table.count(pool.index, s) for pool in app.config.pools for s in _UNTOUCHED])
    told = "%d of %d addresses in use, time from %s" % (rows - free, rows, app.clock.source)
    for peer in app.peers:
        from twinlease.failover.words import NAMES

        linked = "connected" if peer.linked else "not connected"
        told += "; failover peer %s: %s, partner %s" % (peer.conf.name, NAMES[peer.record.state], linked)
    yield told + "\n"


def _record(json, rows):
    """One JSON object, or a line for each pair."""
    if json:
        yield "{" + ", ".join(["%s: %s" % (_json.dumps(k), _json.dumps(v)) for k, v in rows]) + "}\n"
        return
    for key, value in rows:
        yield "%-12s %s\n" % (key, "-" if value is None else value)
