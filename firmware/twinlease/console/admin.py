"""What the console does to the board itself."""

from ..overlay import run
from .ask import AFTER, LINE, ROWS
from .refused import Refused


def reboot(app, json):
    yield "The board starts again.\n"
    yield AFTER, lambda: app.stop("asked for at the console")


def factory_reset(app, json):
    yield "Configuration, leases, password: all that this board knows goes.\n"
    if app.peers:
        yield "Its failover partner knows the leases; it will send them to this board when that is set up again.\n"
    word = yield LINE, "To do it, type yes: "
    if word != "yes":
        raise Refused("nothing was changed")
    yield AFTER, lambda: app.stop("factory reset", lambda: run("board.wipe", "wipe", app.board))


def repl(app, json):
    """MicroPython's own prompt, for a person."""
    yield "The service stops, and this line is MicroPython's prompt.\n"
    if app.peers:
        yield "Its failover partner is told, and serves alone meanwhile.\n"
    else:
        yield "Clients keep their leases, but nobody renews them meanwhile.\n"
    yield "There, Ctrl-D starts the board again, and with it the service.\n"
    word = yield LINE, "To do it, type yes: "
    if word != "yes":
        raise Refused("nothing was changed")
    yield AFTER, lambda: leave(app, b"")


def leave(app, octets):
    """End the service in order, for the REPL; these octets are typed there."""
    app.say("The service stops: %s wants the REPL" % ("mpremote" if octets else "somebody at the console"))
    app.stop("", lambda: run("board.repl", "leave", app.board, octets))


def length(app, json, rows):
    if not rows.isdigit() or not (int(rows) == 0 or 5 <= int(rows) <= 200):
        raise Refused("rows are 5 to 200, or 0 for answers in one piece")
    yield ROWS, int(rows)
