"""What the console says of leases and pools, and what an operator may do about a lease."""

import json as _json

from twinlease.clock import FOREVER, UNIX_2020
from twinlease.lease.row import ACTIVE, BACKUP, FREE, ITEM_AGENT_INFO, ITEM_HOST_NAME, STATE_NAMES, USED

from .dates import date
from .refused import Refused

_UNTOUCHED = (FREE, BACKUP)  # without USED: never bound


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


def show(app, json, which=""):
    """Every row that has ever been bound, or is abandoned; or those that this word is about."""
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
        if which and not _is_about(which.lower(), lease):
            continue
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


def release(app, json, address):
    """The lease ends now; its client is not told, and asks again when it renews."""
    row = _row(app, address)
    if app.table.state(row) != ACTIVE:
        raise Refused("%s is not leased: it is %s" % (address, STATE_NAMES[app.table.state(row)]))
    peer = app.config.pools[app.table.pool_of(row)].failover
    if peer is not None and not peer.serves:
        raise Refused("failover peer %s does not serve now: show failover says why" % peer.conf.name)
    app.node.server.free(row, app.clock.now)
    app.node.persist(row)
    app.driver.flush()
    app.say("%s released at the console" % address)
    yield "released; its client may use it until it renews\n"


def reserve(app, json, address):
    """A host declaration, to be put into dhcpd.conf: what a client has now, it keeps."""
    table = app.table
    lease = _lease(table, _row(app, address), bytearray(64))
    if not lease["hardware"]:
        raise Refused("%s has no client that it could be reserved for" % address)
    name = "".join([c if c.isalpha() or c.isdigit() or c == "-" else "-" for c in lease["name"]])
    yield "host %s { hardware ethernet %s; fixed-address %s; }\n" % (
        name or "h" + lease["hardware"].replace(":", ""),
        lease["hardware"],
        address,
    )
    yield "# Put this line into the configuration, and take the address out of its range: configure list\n"


def _row(app, address):
    """The row of an address that was typed."""
    try:
        octets = bytes([int(part) for part in address.split(".")])
    except ValueError:
        octets = b""
    if len(octets) != 4:
        raise Refused("%s is no address: write it as in 10.0.0.5" % address)
    row = _table(app).row_of(octets, 0)
    if row < 0:
        raise Refused("%s is in no range of the configuration" % address)
    return row


def _is_about(which, lease):
    if which in (lease["address"], lease["hardware"], lease["state"]):
        return True
    return lease["name"].lower().startswith(which)


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
