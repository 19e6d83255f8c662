"""`capture`: the last packets in a line each. Off until somebody asks: it takes memory, and time of each packet."""

import json as _json

from twinlease.clock import UNIX_2020
from twinlease.overlay import drop, load, unload

from .dates import date
from .refused import Refused

_OCTETS = 2048
_COUNT_MAX = 999


def show(app, json, count=""):
    """What was kept; it begins when it is asked for the first time."""
    if count and not (count.isdigit() and 0 < int(count) <= _COUNT_MAX):
        raise Refused("%s is no number of packets: write one from 1 to %d" % (count, _COUNT_MAX))
    recorder = _recorder(app)
    capture = recorder.capture
    if capture is None:
        recorder.capture = _new(app)
        if json:
            yield "[]\n"
            return
        yield "From now on packets are kept, the last dozen or so, in %d octets of memory.\n" % _OCTETS
        yield "capture shows them; capture off ends it, and so does want of memory.\n"
        return
    from twinlease.net import decode

    try:
        packets = list(capture.found())[-int(count or _COUNT_MAX) :]
        if json:
            yield _json.dumps([_facts(packet, decode) for packet in packets]) + "\n"
            return
        for packet in packets:
            yield "%s %s\n" % (date(packet[0]), decode.line(packet))
        if not packets:
            yield "No packet has come in since capture was switched on.\n"
    finally:
        if not capture.live:
            drop("twinlease.net.decode")


def off(app, json):
    """The memory is free again."""
    recorder = _recorder(app)
    if recorder.capture is None:
        yield "no packets were kept\n"
        return
    if recorder.capture.live:
        raise Refused("log level debug needs it: log level info")
    recorder.capture = None
    yield "no packets are kept any more\n"


def log_all(app, wanted):
    """A line of the log for each packet, from now on or not any more."""
    recorder = _recorder(app)
    if recorder.capture is None and wanted:
        recorder.capture = _new(app)
    if not wanted:
        recorder.capture = None
        unload("net.decode")
        return
    decode = load("net.decode")
    stream = app.board.log
    recorder.capture.live = lambda packet: stream.write((decode.line(packet) + "\n").encode())


def _new(app):
    from twinlease.net.capture import Capture

    try:
        return Capture(_OCTETS, app.clock, [link.name for link in app.node.links])
    except MemoryError:
        raise Refused("there is no memory to keep packets: show memory")
    finally:
        drop("twinlease.net.capture")


def _recorder(app):
    if app.driver is None:
        raise Refused("this board serves nobody, and reads no packets")
    return app.recorder


def _facts(packet, decode):
    seconds, link, out, _, length, _ = packet
    return {
        "at": seconds + UNIX_2020,
        "link": link,
        "way": "out" if out else "in",
        "octets": length,
        "told": decode.line(packet),
    }
