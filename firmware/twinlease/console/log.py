"""The log at the console: its last lines, new ones as they come, and how much is written."""

import json as _json

from twinlease.clock import UNIX_2020
from twinlease.net.lines import DEBUG, ERROR, INFO, WARNING

from . import events
from .ask import WAIT
from .dates import date
from .refused import Refused

_LOOK_MS = 500
_NAMES = {ERROR: "error", WARNING: "warning", INFO: "info", DEBUG: "debug"}


def show(app, json):
    """What was said since the start, as far as it is kept, and the last requests, in order."""
    lines = _lines(app)
    if json:
        told = [{"at": seconds + UNIX_2020, "text": text} for seconds, _, text in lines]
        yield _json.dumps({"level": _NAMES[app.recorder.level], "lines": told, "syslog": _syslog(app)}) + "\n"
        return
    for seconds, _, text in lines:
        yield "%s  %s\n" % (date(seconds), text)
    if app.recorder.level != INFO:
        yield "Written is what matters as much as %s; log level info: everything.\n" % _NAMES[app.recorder.level]
    syslog = _syslog(app)
    if syslog:
        yield "syslog server %s: %d lines sent, %d dropped\n" % (syslog["server"], syslog["sent"], syslog["dropped"])


def follow(app, json):
    """New lines until a key is pressed."""
    yield "A key ends it.\n"
    seen = _marks(app)
    while True:
        more = yield WAIT, (None, _LOOK_MS)
        if more is None:
            return
        for seconds, mark, text in _lines(app):
            if mark not in seen:
                yield "%s  %s\n" % (date(seconds), text)
        seen = _marks(app)


def error(app, json):
    return _set(app, ERROR)


def warning(app, json):
    return _set(app, WARNING)


def info(app, json):
    return _set(app, INFO)


def debug(app, json):
    return _set(app, DEBUG)


def _set(app, level):
    if app.driver is None:
        raise Refused("this board serves nobody, and logs all that it has to say")
    recorder = app.recorder
    if level == DEBUG or recorder.level == DEBUG:
        from . import capture

        capture.log_all(app, level == DEBUG)
    recorder.level = level
    app.driver.tell = app.log.exchange if level >= INFO else app.log.serious
    yield "%s, until the board starts again; show log has what was not written, too\n" % _WRITTEN[level]


_WRITTEN = {
    ERROR: "only errors are logged",
    WARNING: "errors and warnings are logged",
    INFO: "everything is logged but each packet",
    DEBUG: "everything is logged, and a line for each packet",
}


def _syslog(app):
    syslog = app.syslog
    if syslog is None:
        return None
    return {"server": "%d.%d.%d.%d" % tuple(syslog.address), "sent": syslog.sent, "dropped": syslog.dropped}


def _marks(app):
    return [mark for _, mark, _ in _lines(app)]


def _lines(app):
    """(project seconds, something by which it is known again, text) of each line and each request."""
    recorder = app.recorder
    kept, at, found = recorder.lines, 0, []
    while at < recorder.end:
        n = kept[at + 4]
        seconds = int.from_bytes(kept[at : at + 4], "big")
        text = bytes(kept[at + 5 : at + 5 + n]).decode()
        found.append((seconds, text, text))
        at += n + 5
    for event in events.found(recorder):
        text = "%s %s" % (events.hardware(event.hardware), events.told(app, event))
        found.append((event.seconds, (event.number, event.times), text))
    order = [(found[i][0], i) for i in range(len(found))]  # MicroPython's sort need not keep what is equal in order
    order.sort()
    return [found[i] for _, i in order]
