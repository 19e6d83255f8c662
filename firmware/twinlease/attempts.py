"""Starts that fail, one after the other: counted in flash, until the service has stayed up for a while.

    failed(board, why)    the server has failed, and the board is about to start again
    begin(board)          at boot, after a watchdog, a crash, or when the file FAILED is there: "", or why this board
                          had better not serve now
    run(app)              a task: what the board has started with is good when it has served for a minute; or, where
                          it serves nobody because of begin, it tries again after a while

What counts is a failure of the server, and a start after the watchdog or after a crash of the interpreter;
switching the board off and on forgets them.  After the third in a row a configuration that has never yet stayed up
gives way to the one before (revisions.py).  If it is not the configuration, the board waits at its console for ten
minutes, where a person can get at it, and tries once more: whatever it was may have passed.

In flash only when something has failed.  Not loaded otherwise.
"""

import asyncio

from . import forget, revisions

FAILED = "failed-starts"
_MOST = 3
_STAYS_S = 60
_AGAIN_S = 600


def failed(board, why):
    """Never raises: what failed may have been flash, or memory."""
    try:
        _count(board.files(), why)
        board.release_files()
    except Exception as e:
        board.say("This failure cannot be counted: %r" % e)


def begin(board):
    files = board.files()
    if board.reset_cause == "power-on":
        files.remove(FAILED)
        return ""
    if board.reset_cause in ("watchdog", "crash"):
        _count(files, board.reset_cause)
    n, why = _read(files)
    if n < _MOST:
        return ""
    why = "the server failed %d times in a row, at last with: %s" % (n, why)
    if revisions.on_trial(files) >= 0 and revisions.give_up(files, why):
        files.remove(FAILED)
        board.say(why + ": back to the configuration before this one, which is kept as the edited one")
        return ""
    _write(files, _MOST - 1, why)
    return why + "; trying again in 10 minutes"


def run(app):
    """The task; what is on trial is looked up now, while there is memory."""
    return _watch(app, app.board.files().load(revisions.TRIAL))


async def _watch(app, trial):
    if app.node is None:
        await asyncio.sleep(_AGAIN_S)
        app.stop("the server is tried again")
        return
    await asyncio.sleep(_STAYS_S)
    while not stayed(app.board, trial):
        await asyncio.sleep(_STAYS_S)
    forget("twinlease.attempts")
    forget("twinlease.revisions")


def stayed(board, trial):
    """`trial`: what its file said at the start.  False if there is no memory to write it down now."""
    try:
        files = board.files()
        files.remove(FAILED)
        if files.load(revisions.TRIAL) == trial:  # and not a commit that is just being made
            revisions.prove(files)
        return True
    except MemoryError:
        return False
    finally:
        board.release_files()


def _count(files, why):
    _write(files, _read(files)[0] + 1, why)


def _read(files):
    """(how often, why the last time)"""
    octets = files.load(FAILED) or b""
    n, _, why = octets.partition(b" ")
    return (int(n), why.decode()) if n.isdigit() else (0, "")


def _write(files, n, why):
    files.store(FAILED, ("%d %s" % (n, why[:200])).encode())
