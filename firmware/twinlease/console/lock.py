"""The console's password: kept as salt and digest, asked for after `lock`, Ctrl-D, a start, or a long silence.

It keeps the curious out.  Who has the board in his hands has its flash.
"""

import hashlib

from .ask import LOCKED, SECRET
from .refused import Refused

_FILE = "console.lock"
_ROUNDS = 2000  # about a second on a small board
_LEAST = 8


def is_set(board):
    """Whether this board has a password."""
    return bool(_load(board))


def lock(app, json):
    if not is_set(app.board):
        raise Refused("there is no password yet: type password")
    yield LOCKED, True
    yield "locked\n"


def unlock(app, json):
    stored = _load(app.board)
    if stored:
        yield from _ask_for(stored)
    yield LOCKED, False
    yield "unlocked\n"


def change(app, json):
    """Set, change or (with an empty new one) remove it."""
    stored = _load(app.board)
    if stored:
        yield from _ask_for(stored)
    new = yield SECRET, "New password (nothing: none from now on): "
    if new is None:
        raise Refused("not changed")
    if not new:
        _store(app.board, None)
        yield "no password from now on\n"
        return
    if len(new) < _LEAST:
        raise Refused("a password has at least %d characters" % _LEAST)
    again = yield SECRET, "Once more: "
    if again != new:
        raise Refused("the two differ: not changed")
    salt = app.board.random(16)
    _store(app.board, salt + _stretched(salt, new))
    yield "set; it is asked for after lock, Ctrl-D, a start, or ten minutes of silence\n"


def _ask_for(stored):
    word = yield SECRET, "Password: "
    if word is None or _stretched(stored[:16], word) != stored[16:]:
        raise Refused("wrong password")


def _stretched(salt, word):
    digest = salt + word.encode()
    for _ in range(_ROUNDS):
        digest = hashlib.sha256(salt + digest).digest()
    return digest


def _load(board):
    try:
        return board.files().load(_FILE)
    finally:
        board.release_files()


def _store(board, octets):
    try:
        if octets is None:
            board.files().remove(_FILE)
        else:
            board.files().store(_FILE, octets)
    finally:
        board.release_files()
