"""A failover endpoint: the numbers of its states and events, its record, and what that allows at any time.  Pure.

What an event leads to is for states.py to say, which a board loads for the event only.
"""

from collections import namedtuple

from micropython import const

UNKNOWN = const(0)
STARTUP = const(1)
NORMAL = const(2)
COMMUNICATIONS_INTERRUPTED = const(3)
PARTNER_DOWN = const(4)
POTENTIAL_CONFLICT = const(5)
RECOVER = const(6)
PAUSED = const(7)
SHUTDOWN = const(8)
RECOVER_DONE = const(9)
RESOLUTION_INTERRUPTED = const(10)
CONFLICT_DONE = const(11)
RECOVER_WAIT = const(254)  # ISC's number; the draft has none

# Events; what `arg` is.
START = const(1)  # the process begins: project seconds when it was last known to be alive
STARTUP_TIMEOUT = const(2)  # 15 s in STARTUP
CONNECTED = const(3)  # CONNECT and CONNECTACK are through
HEARD = const(4)  # a STATE of the partner: its state
HEARD_STARTING = const(5)  # the same, with the STARTUP flag
LINK_LOST = const(6)
UPDDONE = const(7)  # the answer to our latest request, not to an earlier one
WAIT_OVER = const(8)  # the time of ARM_WAIT has come
AUTO_PARTNER_DOWN = const(9)  # the time of ARM_AUTO has come
SAYS_PARTNER_DOWN = const(10)  # the operator, as the next three
SAYS_PAUSE = const(11)
SAYS_SHUTDOWN = const(12)
SAYS_RESUME = const(13)

# Actions: (MOVED, from, to) (PERSIST, record) (SAY, state, starting, stos) (ARM_WAIT, project seconds), others alone.
MOVED = const(1)  # for the log
PERSIST = const(2)
SAY = const(3)  # STATE to the partner
ASK = const(4)  # UPDREQ
ASK_ALL = const(5)  # UPDREQALL
REQUEUE = const(6)  # unacknowledged updates are due again
FLUSH = const(7)  # send what is pending, before the STATE that follows: reference section 4.3 (b)
BALANCE = const(8)  # rebalance the pools, without POOLREQ; queue and send what is pending
ARM_WAIT = const(9)
ARM_AUTO = const(10)  # start auto-partner-down, if configured
CANCEL_AUTO = const(11)
ARM_STARTUP = const(12)  # 15 s

# Who may answer clients: reference section 4.7.
SERVING = (NORMAL, COMMUNICATIONS_INTERRUPTED, PARTNER_DOWN)
VETOES = (PARTNER_DOWN, POTENTIAL_CONFLICT, CONFLICT_DONE, RESOLUTION_INTERRUPTED)

STATES = bytes(  # all that we can be in
    (
        STARTUP,
        NORMAL,
        COMMUNICATIONS_INTERRUPTED,
        PARTNER_DOWN,
        POTENTIAL_CONFLICT,
        RESOLUTION_INTERRUPTED,
        CONFLICT_DONE,
        RECOVER,
        RECOVER_WAIT,
        RECOVER_DONE,
        PAUSED,
        SHUTDOWN,
    )
)

_FIELDS = (
    "primary",  # configured, as mclt is on the primary
    "mclt",
    "state",
    "resume",  # in STARTUP: the state of before, which is the one in flash and on the wire; else the same as state
    "stos",  # start time of state: reference section 4.6
    "partner",  # the last state heard
    "served_until",  # when we may last have answered a client, as far as we know; brought up to date as we stop
    "linked",  # this and the next are not persisted
    "heard",  # how many STATEs on this link: 0, 1, or 2 for more
    "asked_all",  # UPDREQALL, or PARTNER-DOWN without data, and no UPDDONE since: reference section 4.2
)
Record = namedtuple("Record", _FIELDS)


def never_served(record):
    """Did this server never answer a client as half of this pair, for all that it knows?"""
    return record.served_until == 0 and record.resume not in SERVING


def serves(record):
    """May we answer clients at all?  The partner's veto needs a link."""
    return record.state in SERVING and not (record.linked and (record.partner in VETOES or record.asked_all))


def balances(record):
    """Is each client answered by the owner of its bucket only?  Not while the partner might not answer."""
    return record.state == NORMAL and record.partner == NORMAL


def wait_until(record):
    """Project seconds until which RECOVER-WAIT must last."""
    return record.served_until + record.mclt


def altered(record, **changes):
    """A copy of the record in which these fields have other values."""
    return Record(*[changes.get(_FIELDS[i], record[i]) for i in range(len(_FIELDS))])
