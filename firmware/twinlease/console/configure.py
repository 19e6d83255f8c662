"""The configuration at the console: edit a copy, look at it, serve by it, go back.

The copy is a file in flash (revisions.py).  What is served changes with a start only: the parser needs
the memory that the service has.
"""

from twinlease import revisions

from .ask import AFTER, PASTE
from .refused import Refused

_PASTE_MAX = 32768
_MINUTES_MAX = 1440
_ROOM_TO_CHECK = 200000  # octets of free heap
_WINDOW = 60  # lines that diff looks ahead


def show(app, json):
    """What is served, as text."""
    return _numbered(_text(app, revisions.CONFIG, "this board has no configuration yet: configure load"), json, False)


def listed(app, json):
    """The edited configuration."""
    return _numbered(_edited(app), False, True)


def load(app, json):
    """Paste a whole configuration."""
    yield "Paste dhcpd.conf, then press Ctrl-D (Ctrl-C: never mind)\n"
    text = yield from _pasted()
    yield from _edit(app, text)


def insert(app, json, at):
    """Paste lines before line `at`."""
    lines = _edited(app).split("\n")
    n = _line(at, len(lines))
    yield "Paste lines, then press Ctrl-D (Ctrl-C: never mind)\n"
    text = yield from _pasted()
    lines[n - 1 : n - 1] = text.rstrip("\n").split("\n")
    yield from _edit(app, "\n".join(lines))


def delete(app, json, first, last=None):
    """Take lines out."""
    lines = _edited(app).split("\n")
    start, end = _line(first, len(lines)), _line(last or first, len(lines))
    if end < start:
        raise Refused("line %d comes before line %d" % (end, start))
    del lines[start - 1 : end]
    yield from _edit(app, "\n".join(lines))


def discard(app, json):
    """Forget what was edited."""
    _files(app, lambda store: store.remove(revisions.CANDIDATE))
    yield "nothing is being edited\n"


def check(app, json):
    """Read the edited configuration as a start would."""
    problems = _files(app, lambda store: store.load(revisions.PROBLEMS))
    if problems:
        yield "When it was last tried: %s\n" % problems.decode()
    text = _edited(app)
    if not _has_room():
        raise Refused(
            "there is not the memory to read it while this board serves: commit reads it at the start,\n"
            "and goes back by itself if it is wrong; or on a PC: twinlease config check"
        )
    from twinlease import conf

    try:
        config = conf.load(text, revisions.CONFIG, app.board.read_file)
    except conf.ConfError as e:
        raise Refused(str(e))
    finally:
        conf.forget()
        app.board.release_files()
    for problem in config.problems:
        yield "%s\n" % problem
    yield "it can be served: %d addresses to lease\n" % config.rows


def diff(app, json):
    """What differs between what is served (-) and what is edited (+)."""
    served = (_files(app, lambda store: store.load(revisions.CONFIG)) or b"").decode()
    n = 0
    for sign, at, line in _differences(served.rstrip("\n").split("\n"), _edited(app).rstrip("\n").split("\n")):
        n += 1
        yield "%s%4d %s\n" % (sign, at, line)
    if not n:
        yield "no difference\n"


def commit(app, json):
    """Start again with the edited configuration."""
    if app.trial > 0:
        yield from confirm(app, json)
        return
    yield from _commit(app, 0)


def commit_confirmed(app, json, minutes):
    """The same for some minutes; without a confirmation the board goes back by itself."""
    n = int(minutes) if minutes.isdigit() else 0
    if not 0 < n <= _MINUTES_MAX:
        raise Refused("%s is no number of minutes from 1 to %d" % (minutes, _MINUTES_MAX))
    yield from _commit(app, n)
    yield "To keep it, type within %d min of the start: commit confirm\n" % n


def confirm(app, json):
    """Keep what is on trial."""
    if app.trial <= 0:
        raise Refused("no configuration is on trial")
    _files(app, revisions.prove)
    app.trial = 0
    yield "kept\n"


def rollback(app, json, n="1"):
    """Edit an earlier configuration."""
    if not n.isdigit() or not 1 <= int(n) <= revisions.KEPT:
        raise Refused("rollback takes 1 to %d; 1 is what was served before this one" % revisions.KEPT)
    octets = _files(app, lambda store: revisions.earlier(store, int(n)))
    if octets is None:
        raise Refused("none is kept by that number")
    yield from _edit(app, octets.decode())
    yield "To serve by it: commit\n"


def _commit(app, minutes):
    text = _edited(app)
    if not text.strip():
        raise Refused("what was edited is empty")
    if text == (_files(app, lambda store: store.load(revisions.CONFIG)) or b"").decode():
        raise Refused("nothing was edited: see configure load, configure list")
    _files(app, lambda store: revisions.commit(store, minutes))
    yield "The board starts again with it; if it cannot be served, the board goes back by itself.\n"
    yield AFTER, lambda: app.stop("a configuration was committed")


def _files(app, do):
    """Do something with the files in flash, which are mounted for it."""
    try:
        return do(app.board.files())
    finally:
        app.board.release_files()


def _text(app, name, otherwise):
    octets = _files(app, lambda store: store.load(name))
    if octets is None:
        raise Refused(otherwise)
    return octets.decode()


def _edited(app):
    """What is being edited; it begins as a copy of what is served."""
    octets = _files(app, lambda store: store.load(revisions.CANDIDATE) or store.load(revisions.CONFIG))
    return (octets or b"").decode()


def _edit(app, text):
    octets = text.encode()
    if len(octets) > _PASTE_MAX:
        raise Refused("that is %d octets; a configuration has at most %d" % (len(octets), _PASTE_MAX))

    def keep(store):
        store.store(revisions.CANDIDATE, octets)
        store.remove(revisions.PROBLEMS)

    _files(app, keep)
    lines = text.rstrip("\n").count("\n") + 1
    yield "%d lines are being edited, not yet served: configure diff compares, commit serves them\n" % lines


def _pasted():
    """The text that is pasted, newlines as files have them."""
    pieces, n = [], 0
    while True:
        octets = yield PASTE, None
        if octets is None:
            raise Refused("nothing was changed")
        if not octets:
            break
        n += len(octets)
        if n <= _PASTE_MAX:
            pieces.append(octets)
    if n > _PASTE_MAX:
        raise Refused("that was %d octets; a configuration has at most %d" % (n, _PASTE_MAX))
    octets = b"".join(pieces)
    for octet in octets:
        if octet > 126 or (octet < 32 and octet not in (9, 10, 13)):
            raise Refused("there was a character in it that is not plain text (%d): nothing was changed" % octet)
    return octets.decode().replace("\r\n", "\n").replace("\r", "\n")


def _line(word, n):
    if not word.isdigit() or not 1 <= int(word) <= n:
        raise Refused("%s is no line of it: it has 1 to %d" % (word, n))
    return int(word)


def _numbered(text, json, numbers):
    if json:
        from json import dumps

        yield dumps({"text": text}) + "\n"
        return
    n = 0
    for line in text.rstrip("\n").split("\n"):
        n += 1
        yield "%4d %s\n" % (n, line) if numbers else line + "\n"


def _has_room():
    import gc

    gc.collect()
    return not hasattr(gc, "mem_free") or gc.mem_free() > _ROOM_TO_CHECK


def _differences(old, new):
    """(sign, line number, line) of what was taken out and put in, in order; the nearest match goes on."""
    i = j = 0
    while i < len(old) or j < len(new):
        if i < len(old) and j < len(new) and old[i] == new[j]:
            i += 1
            j += 1
            continue
        di, dj = _next_match(old, new, i, j)
        for k in range(di):
            yield "-", i + k + 1, old[i + k]
        for k in range(dj):
            yield "+", j + k + 1, new[j + k]
        i += di
        j += dj


def _next_match(old, new, i, j):
    for far in range(1, 2 * _WINDOW):
        for di in range(far + 1):
            a, b = i + di, j + far - di
            if a < len(old) and b < len(new) and old[a] == new[b] and old[a].strip():
                return di, far - di
    return len(old) - i, len(new) - j
