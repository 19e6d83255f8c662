"""What the log calls things, in ISC dhcpd's words where it has some: states, messages, reasons.

Loaded for a line, and forgotten after it (overlay.py).
"""

from .endpoint import (
    COMMUNICATIONS_INTERRUPTED,
    CONFLICT_DONE,
    NORMAL,
    PARTNER_DOWN,
    PAUSED,
    POTENTIAL_CONFLICT,
    RECOVER,
    RECOVER_DONE,
    RECOVER_WAIT,
    RESOLUTION_INTERRUPTED,
    SERVING,
    SHUTDOWN,
    STARTUP,
    UNKNOWN,
)

NAMES = {
    UNKNOWN: "unknown-state",
    STARTUP: "startup",
    NORMAL: "normal",
    COMMUNICATIONS_INTERRUPTED: "communications-interrupted",
    PARTNER_DOWN: "partner-down",
    POTENTIAL_CONFLICT: "potential-conflict",
    RECOVER: "recover",
    PAUSED: "paused",
    SHUTDOWN: "shutdown",
    RECOVER_DONE: "recover-done",
    RESOLUTION_INTERRUPTED: "resolution-interrupted",
    CONFLICT_DONE: "conflict-done",
    RECOVER_WAIT: "recover-wait",
}

_WHY_SILENT = {
    STARTUP: "startup",
    RECOVER: "recovering",
    RECOVER_WAIT: "recover wait",
    RECOVER_DONE: "recover done",
    POTENTIAL_CONFLICT: "resolving conflicts",
    RESOLUTION_INTERRUPTED: "resolving conflicts",
    CONFLICT_DONE: "resolving conflicts",
    PAUSED: "paused",
    SHUTDOWN: "shut down",
}

MESSAGE_NAMES = " POOLREQ POOLRESP BNDUPD BNDACK CONNECT CONNECTACK UPDREQALL UPDDONE UPDREQ STATE CONTACT DISCONNECT"
MESSAGE_NAMES = tuple(MESSAGE_NAMES.split(" "))  # by type, from 1

# By the reasons of wire.py.
REASONS = (
    "",
    "a message of unknown type without options",
    "the payload starts inside the header or after the end",
    "an option runs past the end of its message",
    "a message of unknown type",
    "an option that must stand once stands twice",
    "an option of the wrong length",
    "a message shorter than its header or longer than we take",
    "a message that is not authentic",
)


def move_line(name, was, now):
    """What the log says about us."""
    return "failover peer %s: I move from %s to %s" % (name, NAMES[was], NAMES[now])


def partner_line(name, was, now):
    """What the log says about the partner."""
    return "failover peer %s: peer moves from %s to %s" % (name, NAMES[was], NAMES[now])


def why_silent(record):
    """Why a server that does not serve is silent: octets."""
    why = _WHY_SILENT.get(record.state)
    if record.state in SERVING:
        if record.asked_all:
            why = _WHY_SILENT[RECOVER]
        elif record.partner == PARTNER_DOWN:
            why = "peer demands: recovering"
        else:
            why = "peer demands: resolving conflicts"
    return ("not responding (%s)" % why if why else "not responding").encode()


def nothing_changes(name, state):
    return "failover peer %s: in state %s that changes nothing" % (name, NAMES[state])


def broken(reason):
    """Why a connection is closed, by a reason of wire.py."""
    return "%s; the connection is closed" % REASONS[reason]
