"""`why IP|MAC|NAME`: what is known of an address or a client, and what became of its last requests."""

import json as _json

from twinlease.lease.row import ABANDONED, ACTIVE, EXPIRED, OFFERED, RELEASED, RESET, USED
from twinlease.net.recorder import name_mark

from . import events
from .dates import date
from .leases import _lease, _table

_OTHERS = 3  # leases that are told of one name


def why(app, json, which):
    """State of the address or of the client's addresses, then the events, then what to make of it."""
    table = _table(app)
    octets, mac = _address(which), _hardware(which)
    rows, hosts = _rows(app, which, octets, mac), _hosts(app, which, octets, mac)
    known = _known(app, rows, hosts, mac)
    heard = [event for event in events.found(app.recorder) if _is_about(event, which, octets, mac, known)]
    if json:
        buf = bytearray(64)
        leases = [_lease(table, row, buf) for row in rows]
        told = {"leases": leases, "hosts": [host.name for host in hosts], "now": _states(app, rows, octets, hosts)}
        told["events"] = [events.facts(app, event) for event in heard]
        yield _json.dumps(told) + "\n"
        return
    for line in _states(app, rows[:_OTHERS], octets, hosts):
        yield line + "\n"
    for event in heard:
        if event.hardware not in known:
            yield "  %s  %s\n" % (date(event.seconds), events.hardware(event.hardware))
            yield "                       %s\n" % events.told(app, event)
        else:
            yield events.line(app, event)
    yield _conclusion(app, which, rows, hosts, heard)


def _conclusion(app, which, rows, hosts, heard):
    if heard:
        last = heard[-1]
        if last.reply in (2, 5, 9):
            return "Last answered: %s UTC.\n" % date(last.seconds)
        return "So: %s.\n" % events.became(app, last)
    n = (len(app.recorder.events) - events.HEAD) // events.SIZE if app.recorder.events else 0
    if rows or hosts:
        return "Nothing about it among the last %d different requests.\n" % n
    return "Nothing is known of %s, and it is not among the last %d different requests: is it on this network?\n" % (
        which,
        n,
    )


def _states(app, rows, octets, hosts):
    """A sentence about each address."""
    told = [_state(app, row) for row in rows]
    for host in hosts:
        for address in host.addresses:
            told.append("%s is kept for the host declaration %s" % (_dotted(address), host.name))
    if octets and not told:
        subnet = app.node.server.client.subnet_of(octets, 0)
        told.append(
            "%s is in no range%s" % (_dotted(octets), "" if subnet else ", and in no subnet of the configuration")
        )
    return told


def _state(app, row):
    table, now = app.table, app.clock.now
    lease = _lease(table, row, bytearray(64))
    state, ends = table.state(row), table.ends(row)
    whose = lease["hardware"] + (" (%s)" % lease["name"] if lease["name"] else "")
    until = "for ever" if lease["ends"] is None else "until %s UTC" % date(ends)
    if state == ACTIVE:
        text = "is leased to %s %s, last heard of %s" % (whose, until, date(table.cltt(row)))
    elif state == ABANDONED:
        text = "is abandoned %s: somebody used it without a lease; given out only if nothing else is left" % until
    elif state == RESET:
        text = "is a server's own address, and not leased"
    elif state == EXPIRED or state == RELEASED:
        what = "has ended" if state == EXPIRED else "was released"
        text = "was leased to %s, which %s; free when the partner has agreed" % (whose, what)
    else:
        text = "is free" + _whose_to_give(app, row, now)
        if table.flags(row) & OFFERED:
            text += ", offered to somebody a moment ago"
        if table.flags(row) & USED and lease["hardware"]:
            text += "; was last leased to " + whose
    return lease["address"] + " " + text


def _whose_to_give(app, row, now):
    peer = app.config.pools[app.table.pool_of(row)].failover
    if peer is None:
        return ""
    if not peer.serves:
        return ", but this server answers nobody: " + str(peer.why_silent, "utf8")
    if peer.may_allocate(row, now):
        return " and this server's to give"
    if peer.takes_over:
        return ", but was the partner's to give: not before MCLT (%d s) has passed" % peer.record.mclt
    return " and the partner's to give"


def _rows(app, which, octets, mac):
    table = app.table
    if octets:
        row = table.row_of(octets, 0)
        return [row] if row >= 0 else []
    buf = bytearray(64)
    found = []
    for row in range(table.rows):
        if not table.flags(row) & USED and table.state(row) != ACTIVE:
            continue
        if mac:
            if bytes(buf[: table.get_hw(row, buf, 0)]) == mac:
                found.append(row)
        elif _lease(table, row, buf)["name"].lower() == which.lower():
            found.append(row)
    return found


def _hosts(app, which, octets, mac):
    return [
        host
        for host in app.config.hosts
        if (octets in host.addresses if octets else mac == _mac(host) if mac else host.name.lower() == which.lower())
    ]


def _known(app, rows, hosts, mac):
    """Hardware addresses of the clients that are meant."""
    buf = bytearray(64)
    found = [bytes(buf[: app.table.get_hw(row, buf, 0)]) for row in rows]
    found.extend([_mac(host) for host in hosts])
    return [one for one in found + [mac] if one]


def _mac(host):
    return host.hardware[1] if host.hardware else b""


def _is_about(event, which, octets, mac, known):
    if event.hardware in known:
        return True
    if octets:
        return event.address == _dotted(octets)
    if mac or not event.note:
        return False
    names = [name.encode() for name in (which, which.lower(), which.upper())]
    return event.why >> 10 in [name_mark(name, 0, len(name)) for name in names]


def _address(word):
    """Four octets, or None."""
    parts = word.split(".")
    if len(parts) != 4 or [part for part in parts if not part.isdigit() or int(part) > 255]:
        return None
    return bytes([int(part) for part in parts])


def _hardware(word):
    """Six octets, written with colons or dashes, or None."""
    parts = word.replace("-", ":").split(":")
    try:
        return bytes([int(part, 16) for part in parts]) if len(parts) == 6 else None
    except ValueError:
        return None


def _dotted(octets):
    return "%d.%d.%d.%d" % tuple(octets)
