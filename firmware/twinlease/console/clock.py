"""`show clock`: what time it is, who says so, and what came of asking each time server; `clock ask`."""

import json as _json

from twinlease.ntp.words import WHY, shown

from .dates import date
from .refused import Refused


def show(app, json):
    """The clock, the time servers, our own answers, and how far the partners' clocks are from ours."""
    facts = _facts(app)
    if json:
        yield _json.dumps(facts) + "\n"
        return
    for key in ("utc", "source", "trusted", "error_ms", "drift_ppm", "offset_ms", "stratum"):
        yield "%-12s %s\n" % (key, "-" if facts[key] is None else facts[key])
    for server in facts["servers"]:
        yield "%s %s: %s\n" % ("*" if server["followed"] else " ", server["server"], _line(server))
    if facts["serves"]:
        told = facts["serves"]
        yield "serves       %d answers, %d asked too often\n" % (told["answered"], told["dropped"])
    for peer in facts["partners"]:
        skew = peer["skew"]
        yield "partner      %s: %s\n" % (peer["name"], "never compared" if skew is None else "%+d s" % skew)


def ask(app, json):
    """Ask every time server now."""
    if app.sntp is None:
        raise Refused("no time server is configured: write ntp server ADDRESS; in dhcpd.conf")
    if not app.sntp.ask_now():
        raise Refused("no time server wants to be asked now: show clock tells why")
    yield "The time servers are being asked: show clock\n"


def _facts(app):
    clock, sntp = app.clock, app.sntp
    state = sntp.state if sntp else None
    follows = state and state.synced_at >= 0
    answerer = app.ntp_server.answerer if app.ntp_server else None
    return {
        "utc": date(clock.now),
        "ms": clock.ms,
        "source": clock.source,
        "trusted": clock.trusted,
        "error_ms": clock.error_ms,
        "offset_ms": state.offset if follows else None,
        "stratum": state.peer.stratum + 1 if follows else None,
        "drift_ppm": sntp.trim.rate / 16 if sntp else None,
        "slew_ms": sntp.trim.slew if sntp else None,
        "stepped_ms": state.stepped_ms if state else None,
        "servers": [_server(sntp, source) for source in state.sources] if state else [],
        "serves": {"answered": answerer.answered, "dropped": answerer.dropped} if answerer else None,
        "partners": [{"name": peer.conf.name, "skew": peer.skew} for peer in app.peers],
    }


def _server(sntp, source):
    answered = bool(source.samples)
    return {
        "server": shown(source),
        "address": "%d.%d.%d.%d" % tuple(source.address) if source.address else None,
        "followed": source is sntp.state.peer,
        "last": WHY[source.why],
        "reach": source.reach,
        "stratum": source.stratum if answered else None,
        "offset_ms": source.offset if answered else None,
        "delay_ms": source.delay if answered else None,
        "age_s": sntp.time() - source.at if answered else None,
        "next_s": max(source.next_at - sntp.time(), 0) if source.next_at < 1 << 28 else None,
    }


def _line(server):
    if server["offset_ms"] is None:
        return server["last"]
    return "%s; %+d ms, round trip %d ms, stratum %d, %d s ago" % (
        server["last"],
        server["offset_ms"],
        server["delay_ms"],
        server["stratum"],
        server["age_s"],
    )
