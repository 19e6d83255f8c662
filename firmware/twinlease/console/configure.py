"""The configuration at the console: edit a copy, look at it, serve by it, go back.

The copy is a file in flash (revisions.py).  What is served changes with a start only: the parser needs
the memory that the service has.  No text is ever in memory as a whole: next to the leases there is no room.
"""

from binascii import crc32

from twinlease import revisions
from twinlease.revisions import CANDIDATE, CONFIG, PROBLEMS

from .ask import AFTER, PASTE
from .refused import Refused

_PASTE_MAX = 32768
_PIECE = 512
_MINUTES_MAX = 1440
_ROOM_TO_CHECK = 200000  # octets of free heap
_WINDOW = 60  # lines that diff looks ahead


def show(app, json):
    """What is served, as text; JSON's `trial` is App.trial: minutes, 0 until it has started, -1 not on trial."""
    with Flash(app) as store:
        if not store.has(CONFIG):
            raise Refused("this board has no configuration yet: configure load, or setup")
        if json:
            from json import dumps

            yield '{"text": "'
            for line in store.lines(CONFIG):
                yield dumps(line.decode())[1:-1]
            yield '", "trial": %d}\n' % app.trial
            return
        for line in store.lines(CONFIG):
            yield _shown(line)


def listed(app, json):
    """The edited configuration."""
    with Flash(app) as store:
        n = 0
        for line in store.lines(_edited(store)):
            n += 1
            yield "%4d %s" % (n, _shown(line))


def load(app, json):
    """Paste a whole configuration."""
    yield "Paste dhcpd.conf, then press Ctrl-D (Ctrl-C: never mind)\n"
    pieces = yield from _pasted()
    yield from _edit(app, lambda store: pieces)


def insert(app, json, at):
    """Paste lines before line `at`."""
    n = _line(app, at)
    yield "Paste lines, then press Ctrl-D (Ctrl-C: never mind)\n"
    pieces = yield from _pasted()
    if pieces and pieces[-1][-1] != 10:
        pieces.append(b"\n")
    yield from _edit(app, lambda store: _changed(store, n, n - 1, pieces))


def delete(app, json, first, last=None):
    """Take lines out."""
    start, end = _line(app, first), _line(app, last or first)
    if end < start:
        raise Refused("line %d comes before line %d" % (end, start))
    yield from _edit(app, lambda store: _changed(store, start, end, ()))


def discard(app, json):
    """Forget what was edited."""
    with Flash(app) as store:
        store.remove(CANDIDATE)
    yield "nothing is being edited\n"


def check(app, json):
    """Read the edited configuration as a start would."""
    with Flash(app) as store:
        problems = store.load(PROBLEMS)
        if problems:
            yield "When it was last tried: %s\n" % problems.decode()
        if not _has_room():
            raise Refused(
                "there is not the memory to read it while this board serves: commit reads it at the start,\n"
                "and goes back by itself if it is wrong; or on a PC: twinlease config check"
            )
        from twinlease import conf

        try:
            config = conf.load((store.load(_edited(store)) or b"").decode(), CONFIG, app.board.read_file)
        except conf.ConfError as e:
            raise Refused(str(e))
        finally:
            conf.forget()
    for problem in config.problems:
        yield "%s\n" % problem
    yield "it can be served: %d addresses to lease\n" % config.rows


def diff(app, json):
    """What differs between what is served (-) and what is edited (+)."""
    with Flash(app) as store:
        names = (CONFIG, _edited(store))
        old, new = [[crc32(line.rstrip(b"\n")) for line in store.lines(name)] for name in names]
        served, edited = Reader(store.lines(names[0])), Reader(store.lines(names[1]))
        n = 0
        for sign, at in _differences(old, new):
            n += 1
            yield "%s%4d %s" % (sign, at + 1, _shown((served if sign == "-" else edited).line(at)))
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
    with Flash(app) as store:
        revisions.prove(store)
    app.trial = 0
    yield "kept\n"


def rollback(app, json, n="1"):
    """Edit an earlier configuration."""
    if not n.isdigit() or not 1 <= int(n) <= revisions.KEPT:
        raise Refused("rollback takes 1 to %d; 1 is what was served before this one" % revisions.KEPT)
    name = revisions.earlier(int(n))
    with Flash(app) as store:
        if not store.has(name):
            raise Refused("none is kept by that number")
    yield from _edit(app, lambda store: store.pieces(name))
    yield "To serve by it: commit\n"


class Flash:
    """The files in flash, mounted as long as a block runs; blocks do not stand in one another."""

    def __init__(self, app):
        self._board = app.board

    def __enter__(self):
        return self._board.files()

    def __exit__(self, *trouble):
        self._board.release_files()


class Reader:
    """Lines by number, asked for in ascending order."""

    def __init__(self, lines):
        self._lines = lines
        self._next = 0

    def line(self, at):
        while True:
            line = next(self._lines)
            self._next += 1
            if self._next > at:
                return line


def _commit(app, minutes):
    with Flash(app) as store:
        edited = revisions.digest_of(store, CANDIDATE)
        if not edited or edited == revisions.digest_of(store, CONFIG):
            raise Refused("nothing was edited: see configure load, configure list")
        if not any(line.strip() for line in store.lines(CANDIDATE)):
            raise Refused("what was edited is empty")
        revisions.commit(store, minutes)
    yield "The board starts again with it; if it cannot be served, the board goes back by itself.\n"
    yield AFTER, lambda: app.stop("a configuration was committed")


def _edited(store):
    """The file that is being edited; it begins as what is served."""
    return CANDIDATE if store.has(CANDIDATE) else CONFIG


def _changed(store, start, end, pieces):
    """What is edited, these pieces in the place of the lines from start to end (end < start: before start)."""
    n = 0
    for line in store.lines(_edited(store)):
        n += 1
        if n == start:
            yield from pieces
        if not start <= n <= end:
            yield line if line.endswith(b"\n") else line + b"\n"


def _edit(app, make):
    """From now on what make(store) yields, octets in pieces, is what is edited."""
    lines = n = 0
    last = 10

    def counted(pieces):
        nonlocal lines, n, last
        for piece in pieces:
            if not piece:
                continue
            n += len(piece)
            lines += bytes(piece).count(b"\n")
            last = piece[-1]
            if n > _PASTE_MAX:
                raise Refused("a configuration has at most %d octets: nothing was changed" % _PASTE_MAX)
            yield piece

    with Flash(app) as store:
        store.write(CANDIDATE, counted(make(store)))
        store.remove(PROBLEMS)
    yield "%d lines are being edited, not yet served: configure diff compares, commit serves them\n" % (
        lines + (last != 10)
    )


def _pasted():
    """The text that is pasted, in pieces, newlines as files have them."""
    pieces, n, before = [], 0, 0
    while True:
        octets = yield PASTE, None
        if octets is None:
            raise Refused("nothing was changed")
        if not octets:
            break
        for octet in octets:
            if octet == 10 and before == 13:
                before = 0
                continue
            before = octet
            if n % _PIECE == 0 and n < _PASTE_MAX:
                pieces.append(bytearray(_PIECE))
            if n < _PASTE_MAX:
                pieces[-1][n % _PIECE] = 10 if octet == 13 else octet
            n += 1
    if n > _PASTE_MAX:
        raise Refused("that was %d octets; a configuration has at most %d" % (n, _PASTE_MAX))
    if n % _PIECE:
        pieces[-1] = pieces[-1][: n % _PIECE]
    for piece in pieces:
        for octet in piece:
            if octet > 126 or (octet < 32 and octet != 9 and octet != 10):
                raise Refused("there was a character in it that is not plain text (%d): nothing was changed" % octet)
    return pieces


def _line(app, word):
    """The number of a line of what is edited, from what was typed."""
    with Flash(app) as store:
        n = sum([1 for _ in store.lines(_edited(store))])
    if not word.isdigit() or not 1 <= int(word) <= n:
        raise Refused("%s is no line of it: it has 1 to %d" % (word, n))
    return int(word)


def _shown(line):
    return line.decode().rstrip("\n") + "\n"


def _has_room():
    import gc

    gc.collect()
    return not hasattr(gc, "mem_free") or gc.mem_free() > _ROOM_TO_CHECK


def _differences(old, new):
    """(sign, index) of what was taken out and put in, in order; the nearest match goes on."""
    i = j = 0
    while i < len(old) or j < len(new):
        if i < len(old) and j < len(new) and old[i] == new[j]:
            i += 1
            j += 1
            continue
        di, dj = _next_match(old, new, i, j)
        for k in range(di):
            yield "-", i + k
        for k in range(dj):
            yield "+", j + k
        i += di
        j += dj


def _next_match(old, new, i, j):
    empty = crc32(b"")
    for far in range(1, 2 * _WINDOW):
        for di in range(far + 1):
            a, b = i + di, j + far - di
            if a < len(old) and b < len(new) and old[a] == new[b] and old[a] != empty:
                return di, far - di
    return len(old) - i, len(new) - j
