"""What the console says of failover, and what an operator may do about it."""

import json as _json

from twinlease.clock import UNIX_2020
from twinlease.failover.endpoint import SAYS_PARTNER_DOWN, SAYS_PAUSE, SAYS_RESUME
from twinlease.failover.words import NAMES
from twinlease.lease.row import STATE_NAMES

from .dates import date
from .refused import Refused

# Without a link, time alone leads out of these only if partner-down is counted towards.
_STUCK = ("recover", "recover-done", "potential-conflict", "resolution-interrupted", "conflict-done")


def show(app, json):
    """Each failover peer: both states, the link, what is owed, its pools."""
    found = [_facts(app, peer) for peer in app.peers]
    if json:
        yield _json.dumps(found) + "\n"
        return
    for facts in found:
        yield from _lines(facts)


def ask_partner_down(app, json, name):
    """Why this needs a person, and the words that do it."""
    peer = _named(app, name)
    told, mclt = peer.conf.name, _mclt(peer)
    if peer.linked:
        yield "The partner of %s is connected, and says that it is %s.\n" % (told, _name(peer.record.partner))
    else:
        yield "The partner of %s is not connected. It was %s when last heard.\n" % (told, _name(peer.record.partner))
    yield "In partner-down this board takes over the partner's addresses, each once MCLT (%d s) has passed.\n" % mclt
    yield "If the partner still serves clients then, two of them get the same address: see that it is off.\n"
    yield "To do it: failover partner-down %s yes\n" % told


def partner_down(app, json, name):
    return _say(app, _named(app, name), SAYS_PARTNER_DOWN)


def keep(app, json, name):
    """Cancel the countdown to partner-down."""
    peer = _named(app, name)
    if peer.evidence:
        return _done(app, peer, peer.evidence.keep())
    why = "the partner is connected" if peer.linked else "nothing is counted"
    return _done(app, peer, "failover peer %s: %s" % (peer.conf.name, why))


def pause(app, json, name):
    return _say(app, _named(app, name), SAYS_PAUSE)


def resume(app, json, name):
    return _say(app, _named(app, name), SAYS_RESUME)


def resync(app, json, name):
    """Ask the partner for all that it knows, once more."""
    peer = _named(app, name)
    return _done(app, peer, peer.resync(app.clock.now, app.failover.time()))


def _say(app, peer, event):
    return _done(app, peer, peer.says(event, app.clock.now, app.failover.time()))


def _done(app, peer, why_not):
    if why_not:
        raise Refused(why_not)
    app.driver.flush()  # what is announced here is in flash
    yield "failover peer %s: %s\n" % (peer.conf.name, _name(peer.record.state))


def _named(app, name):
    """The Peer of this name; a name may be shortened like any word."""
    peers = app.peers
    near = [peer for peer in peers if peer.conf.name.startswith(name)]
    exact = [peer for peer in near if peer.conf.name == name]
    near = exact or near
    if len(near) != 1:
        names = ", ".join([peer.conf.name for peer in near or peers])
        raise Refused("%s: %s" % ("which one" if near else "no failover peer is named " + name, names))
    return near[0]


def _facts(app, peer):
    """One Peer as a dict; JSON's times are Unix seconds, null for unknown."""
    conf, record = peer.conf, peer.record
    board = getattr(peer, "partner_board", None)
    return {
        "name": conf.name,
        "role": conf.role,
        "address": "%s:%d" % (_dotted(conf.address), conf.port),
        "peer_address": "%s:%d" % (_dotted(conf.peer_address), conf.peer_port),
        "state": _name(record.state),
        "since": record.stos + UNIX_2020,
        "partner_state": _name(record.partner),
        "linked": bool(peer.linked),
        "partner": None if not peer.linked else "Twinlease" if peer.twin else "ISC",
        "board": "".join(["%02x" % b for b in board]) if peer.linked and board else None,
        "skew": peer.skew,
        "unacked": peer.unacked,
        "due": peer.due(),
        "mclt": _mclt(peer),
        "serves": bool(peer.serves),
        "why": None if peer.serves else str(peer.why_silent, "utf8"),
        "differences": list(peer.differences or ()),
        "partner_down_in": peer.evidence.left_s() if peer.evidence else None,
        "pools": [_pool(app.table, pool) for pool in peer.pools],
    }


def _pool(table, pool):
    found = {"pool": pool.index, "network": pool.network.name}
    for state in range(1, len(STATE_NAMES)):
        found[STATE_NAMES[state]] = table.count(pool.index, state)
    return found


def _lines(facts):
    yield "failover peer %s: %s since %s UTC\n" % (facts["name"], facts["state"], date(facts["since"] - UNIX_2020))
    if not facts["serves"]:
        yield "  serves      nobody: %s\n" % facts["why"]
    yield "  partner     %s%s\n" % (facts["partner_state"], _link(facts))
    if facts["partner_down_in"] is not None:
        yield "  alone       partner-down in %d s unless it is heard from\n" % facts["partner_down_in"]
    elif facts["state"] in _STUCK and not facts["linked"]:
        yield "  alone       only when it is back, or: failover partner-down %s\n" % facts["name"]
    yield "  role        %s, %s with %s\n" % (facts["role"], facts["address"], facts["peer_address"])
    yield "  clocks      %s\n" % _skew(facts["skew"])
    yield "  updates     %d on their way, %d to be sent\n" % (facts["unacked"], facts["due"])
    yield "  mclt        %d s\n" % facts["mclt"]
    for pool in facts["pools"]:
        states = ["%s %d" % (s, pool[s]) for s in STATE_NAMES[1:] if pool[s] or s in ("free", "backup", "active")]
        yield "  pool %d      %s: %s\n" % (pool["pool"], pool["network"], ", ".join(states))
    for difference in facts["differences"]:
        yield "  differs     %s\n" % difference


def _link(facts):
    if not facts["linked"]:
        return " when last heard, not connected"
    return ", connected, %s%s" % (facts["partner"], " board " + facts["board"] if facts["board"] else "")


def _skew(seconds):
    if seconds is None:
        return "never compared"
    if not seconds:
        return "agree to the second"
    return "the partner's is %d s %s" % (abs(seconds), "ahead" if seconds > 0 else "behind")


def _name(state):
    return NAMES.get(state, "unknown-state")


def _mclt(peer):
    return peer.record.mclt


def _dotted(address):
    return "%d.%d.%d.%d" % tuple(address)
