"""What the show commands print: generators of strings, as text or as one line of JSON.

They read the application's parts and change nothing.  `app` has: board, table,
journal, clock, config, node.
"""

import gc
import json as _json
import sys
import time

from twinlease import VERSION
from twinlease.clock import FOREVER, UNIX_2020
from twinlease.lease.row import BACKUP, FREE, ITEM_AGENT_INFO, ITEM_HOST_NAME, STATE_NAMES, USED

_UNTOUCHED = (FREE, BACKUP)  # without USED: never bound


class Refused(Exception):
    """A line that is no command, or one that cannot be answered now; the text says why."""


def version(app, json):
    """This firmware, the interpreter and the board."""
    runs_on = "%s %s" % (sys.implementation.name, ".".join(str(n) for n in sys.implementation.version[:3]))
    return _record(json, (("version", VERSION), ("interpreter", runs_on), ("board", app.board.name)))


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


def clock(app, json):
    """What time it is as far as this board can know."""
    c = app.clock
    rows = (("utc", date(c.now)), ("source", c.source), ("trusted", c.trusted), ("error_ms", c.error_ms))
    return _record(json, rows)


def pools(app, json):
    """Rows of each pool by state."""
    table = _table(app)
    found = []
    for pool in app.config.pools:
        row = {"pool": pool.index, "network": pool.network.name, "size": pool.size}
        for state in range(1, len(STATE_NAMES)):
            row[STATE_NAMES[state]] = table.count(pool.index, state)
        found.append(row)
    if json:
        yield _json.dumps(found) + "\n"
        return
    for row in found:
        states = ["%s %d" % (s, row[s]) for s in STATE_NAMES[1:] if row[s]]
        yield "%d %s: %d addresses, %s\n" % (row["pool"], row["network"], row["size"], ", ".join(states))


def leases(app, json):
    """Every row that has ever been bound, or is abandoned."""
    table = _table(app)
    buf = bytearray(64)
    if json:
        yield "["
    else:
        yield "%-15s %-9s %-20s %-17s %s\n" % ("address", "state", "ends (UTC)", "hardware", "name")
    between = ""
    for row in range(table.rows):
        if not table.flags(row) & USED and table.state(row) in _UNTOUCHED:
            continue
        lease = _lease(table, row, buf)
        if json:
            yield between + _json.dumps(lease)
            between = ", "
        else:
            ends = "never" if table.ends(row) == FOREVER else date(table.ends(row))
            yield "%-15s %-9s %-20s %-17s %s\n" % (
                lease["address"],
                lease["state"],
                ends,
                lease["hardware"],
                lease["name"],
            )
    if json:
        yield "]\n"


def _table(app):
    if app.table is None:
        raise Refused("this board has no configuration to serve by, so it has no addresses; its log says why")
    return app.table


def _lease(table, row, buf):
    """One row as a dict; JSON's times are Unix seconds, null for never."""
    table.put_address(row, buf, 0)
    address = "%d.%d.%d.%d" % (buf[0], buf[1], buf[2], buf[3])
    hardware = ":".join(["%02x" % b for b in buf[: table.get_hw(row, buf, 0)]])
    name = "".join([chr(b) if 32 < b < 127 else "?" for b in buf[: table.get_item(row, ITEM_HOST_NAME, buf, 0)]])
    n = table.get_id(row, buf, 0) if table.has_id(row) else 0
    client_id = _hex(buf, n)
    ends = table.ends(row)
    return {
        "address": address,
        "state": STATE_NAMES[table.state(row)],
        "hardware": hardware,
        "client_id": client_id,
        "name": name,
        "agent": _hex(buf, table.get_item(row, ITEM_AGENT_INFO, buf, 0)),
        "ends": None if ends == FOREVER else ends + UNIX_2020,
        "cltt": table.cltt(row) + UNIX_2020,
    }


def _hex(buf, n):
    return "".join(["%02x" % b for b in buf[:n]])


def _record(json, rows):
    """One JSON object, or a line for each pair."""
    if json:
        yield "{" + ", ".join(["%s: %s" % (_json.dumps(k), _json.dumps(v)) for k, v in rows]) + "}\n"
        return
    for key, value in rows:
        yield "%-12s %s\n" % (key, "-" if value is None else value)


def date(seconds):
    """Project seconds as a date, on ports that count from 1970 and those that count from 2000."""
    if seconds is None:
        return None
    t = time.gmtime(seconds + UNIX_2020 - (946684800 if time.gmtime(0)[0] == 2000 else 0))
    return "%04d-%02d-%02d %02d:%02d:%02d" % t[:6]
