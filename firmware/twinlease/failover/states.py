"""The endpoint's state machine: which state an event leads to, and what is to be done then.  Tables, and one `step`.

    record, actions = step(record, START, alive, now)    a Record of before the restart, or of none (memory.py)
    record, actions = step(record, event, arg, now)      then one step for each event

A step returns the next record and what to do, in order, as tuples whose first
item is one of the actions below.  PERSIST stands before the SAY that tells the
partner: a state is in flash before it is announced (draft section 9.2).  A cell
that leaves the state as it is has been thought about; a cell that is not there
is a bug, and tests/unit/test_failover_states.py finds it.

The tables are those of ISC dhcpd (reference sections 4.3 to 4.5) except for the
cells marked with a letter.  There ISC's way ends in a state that only a person
leads out of, or ends the process, or forgets what a lost database means:

  a  N×PC, N×RI        ISC: SHUTDOWN.  The partner says that both have served alone, so both resolve.
  b  N×CD, CI×CD       ISC: SHUTDOWN; PC.  A secondary that is in N, or was until the link broke, has finished what
                       the primary still waits for: it says N (again).
  c  N×CI, N×RD        ISC: nothing.  The partner has not followed yet, or took our N for old news: say it again.
  d  PC×N              ISC: SHUTDOWN.  The partner thinks that it is over: get what it has, and follow.
  e  PC×PD             ISC: nothing.  The partner went on alone in the middle of it: call it back.
  f  PC×R, PC×RW,      ISC: R, nothing, PC.  A partner that has lost its data learns everything from us and waits for
     RI×R, RI×RW       MCLT; if we went to R too, nobody would wait.
  g  CD×CI, CD×PA      ISC ends its process, as for all in this row but N, PC, RI, SD.  CI has not heard CD yet.
  h  CD×PD, CD×CD      (ends)  Once more from PC.
  i  CD×R, CD×RW       (ends)  As every other state: the partner starts over, we serve alone.
  j  CD×RD             (ends)  The partner has everything.
  k  CD×SD             ISC: SHUTDOWN.  As every other state.
  l  R×all             ISC: PC for N, PC, RI, CD; PD for SD; nothing for RW, RD, PA.  Without our data there is
                       nothing to resolve and nothing to serve from: ask for all, whoever answers.
  m  RD×PC             ISC: nothing.  The partner waits for a resolution.
  n  RD×CD             ISC: nothing.  We have everything, and CD bears no other word than N.
  o  first word R      heard in RD on a new link, ISC: nothing.  An ISC that lost the link in R asks again only
                       if we say R too.
                       The same where RW ends and the partner is in R.
  p  UPDDONE in PC     of a primary whose partner is in CD, ISC: SHUTDOWN; or in N, ISC: CD.  We follow: N.
  q  RD×CI, RD×PD      ISC: nothing.  The partner may have passed over our word as nothing new: say it again.

Beyond the tables: the wait in RECOVER-WAIT counts from when we may last have
served, not from stos (reference section 10, item 6); PAUSED and SHUTDOWN end
with a restart; unacknowledged updates are queued again at every loss of a link
(item 1); a partner's state vetoes our service only while there is a link (item
10); and a secondary says nothing on a new link before the primary has, because
an ISC in CONFLICT-DONE ends its process at all but four states (section 0, item 4).  A server
that the operator, or time, leads from RECOVER to PARTNER-DOWN serves without data.
As soon as there is a link it asks for all and is silent until it has that: leases that its
partner did not need to tell would not come by themselves.

Loaded for the event, and forgotten after it (overlay.py): states change seldom.  What is asked at
any time is in endpoint.py.

Not here: sockets and timers, messages (wire.py), which lease is pending.
"""

from micropython import const

from .endpoint import (  # noqa: F401  all numbers by which this module is spoken to
    ARM_AUTO,
    ARM_STARTUP,
    ARM_WAIT,
    ASK,
    ASK_ALL,
    AUTO_PARTNER_DOWN,
    BALANCE,
    CANCEL_AUTO,
    COMMUNICATIONS_INTERRUPTED,
    CONFLICT_DONE,
    CONNECTED,
    FLUSH,
    HEARD,
    HEARD_STARTING,
    LINK_LOST,
    MOVED,
    NORMAL,
    PARTNER_DOWN,
    PAUSED,
    PERSIST,
    POTENTIAL_CONFLICT,
    RECOVER,
    RECOVER_DONE,
    RECOVER_WAIT,
    REQUEUE,
    RESOLUTION_INTERRUPTED,
    SAY,
    SAYS_PARTNER_DOWN,
    SAYS_PAUSE,
    SAYS_RESUME,
    SAYS_SHUTDOWN,
    SERVING,
    SHUTDOWN,
    START,
    STARTUP,
    STARTUP_TIMEOUT,
    STATES,
    UNKNOWN,
    UPDDONE,
    VETOES,
    WAIT_OVER,
    Record,
    altered,
    wait_until,
)

_U = UNKNOWN
_ST = STARTUP
_N = NORMAL
_CI = COMMUNICATIONS_INTERRUPTED
_PD = PARTNER_DOWN
_PC = POTENTIAL_CONFLICT
_R = RECOVER
_PA = PAUSED
_SD = SHUTDOWN
_RD = RECOVER_DONE
_RI = RESOLUTION_INTERRUPTED
_CD = CONFLICT_DONE
_RW = RECOVER_WAIT

# What a cell says if not a state: we stay, and …
SAY_AGAIN = const(251)
REQUEST = const(252)
REQUEST_ALL = const(253)
_STAY = const(250)

_s = SAY_AGAIN
_q = REQUEST
_a = REQUEST_ALL
_o = _STAY

# The tables are octets, which a small heap likes better than dictionaries of dictionaries.  `cell` reads those with
# a column for each state of the partner, `follow` those of pairs: a state, and where it leads.

# Columns: the partner's states.
HEARS = bytes((_N, _CI, _PD, _PC, _RI, _CD, _R, _RW, _RD, _PA, _SD, _U, _ST))
WIDTH = const(14)  # with our own state, which stands first

# fmt: off

# A STATE of the partner while we run: reference section 4.3.  PD reacts only to a partner that is not starting.
ON_HEARD = bytes((
    #     N    CI   PD   PC   RI   CD   R    RW   RD   PA   SD   U    ST
    _N,   _o,  _s,  _PC, _PC, _PC, _s,  _PD, _o,  _s,  _CI, _PD, _o,  _o,  # c a a b c
    _CI,  _N,  _N,  _PC, _PC, _PC, _N,  _PD, _N,  _N,  _o,  _PD, _o,  _o,  # b
    _PD,  _PC, _PC, _PC, _PC, _PC, _PC, _o,  _o,  _N,  _o,  _o,  _o,  _o,
    _PC,  _q,  _o,  _s,  _o,  _o,  _q,  _PD, _PD, _o,  _o,  _PD, _o,  _o,  # d e f f
    _RI,  _PC, _PC, _PC, _PC, _PC, _PC, _PD, _PD, _PC, _o,  _PD, _o,  _o,  # f f
    _CD,  _N,  _s,  _PC, _o,  _o,  _PC, _PD, _PD, _N,  _o,  _PD, _o,  _o,  # g h h i i j g k
    _R,   _a,  _a,  _a,  _a,  _a,  _a,  _a,  _a,  _a,  _a,  _a,  _o,  _o,  # l
    _RW,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,
    _RD,  _N,  _s,  _s,  _PC, _o,  _N,  _o,  _o,  _N,  _o,  _PD, _o,  _o,  # q q m n
    _PA,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,
    _SD,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,
))

# The partner's first STATE while we are in STARTUP, by the state that we had before: reference section 4.4.
# The letters are the same.  PAUSED and SHUTDOWN are not here: a restart ends them, see ON_START.
ON_HEARD_STARTUP = bytes((
    #     N    CI   PD   PC   RI   CD   R    RW   RD   PA   SD   U    ST
    _N,   _o,  _o,  _R,  _PC, _PC, _o,  _PD, _o,  _o,  _CI, _PD, _o,  _o,  # a a b
    _CI,  _N,  _N,  _PC, _PC, _PC, _N,  _PD, _N,  _N,  _o,  _PD, _o,  _o,  # b
    _PD,  _PC, _PC, _PC, _PC, _PC, _PC, _o,  _o,  _N,  _o,  _o,  _o,  _o,
    _PC,  _o,  _o,  _o,  _o,  _o,  _o,  _PD, _PD, _o,  _o,  _PD, _o,  _o,  # d f f
    _RI,  _PC, _PC, _PC, _PC, _PC, _PC, _PD, _PD, _PC, _o,  _PD, _o,  _o,  # f f
    _CD,  _N,  _o,  _PC, _o,  _o,  _PC, _PD, _PD, _N,  _o,  _PD, _o,  _o,  # g h h i i j g k
    _R,   _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  # l
    _RW,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  _o,
    _RD,  _N,  _o,  _o,  _PC, _o,  _N,  _o,  _o,  _N,  _o,  _PD, _o,  _o,  # m n
))

# UPDDONE in PC, by the partner's state: reference section 4.5.  In R see _recovered; elsewhere it is ignored.
ON_UPDDONE_PRIMARY = bytes((
    #     N    CI   PD   PC   RI   CD   R    RW   RD   PA   SD   U    ST
    _PC,  _N,  _CD, _CD, _CD, _CD, _N,  _CD, _CD, _CD, _CD, _CD, _CD, _CD,  # p p
))
ON_UPDDONE_SECONDARY = bytes((
    _PC,  _N,  _o,  _o,  _o,  _o,  _N,  _o,  _o,  _o,  _o,  _o,  _o,  _o,  # d
))

# Events without the partner's state: reference section 4.5.  In STARTUP the first three look at the state of before.
ON_LINK_LOST = bytes((_N, _CI, _PC, _RI))
ON_STARTUP_TIMEOUT = bytes((_N, _CI, _PC, _RI))  # leaves STARTUP; means nothing elsewhere
ON_START = bytes((_PA, _CI, _SD, _R))  # what a restart makes of the state in flash
ON_WAIT_OVER = bytes((_RW, _RD))
ON_AUTO_PARTNER_DOWN = bytes((_CI, _PD))
# The operator overrules everything.  If the partner is alive after all, the two resolve it.
ON_SAYS_PARTNER_DOWN = bytes((
    _ST, _PD,  _N, _PD,  _CI, _PD,  _PC, _PD,  _RI, _PD,  _CD, _PD,
    _R, _PD,  _RW, _PD,  _RD, _PD,  _PA, _PD,  _SD, _PD,
))
# Only a server that has nothing to recover or resolve may rest; SHUTDOWN makes the partner serve alone at once, so
# the partner must have heard everything.
ON_SAYS_PAUSE = bytes((_N, _PA, _CI, _PA))
ON_SAYS_SHUTDOWN = bytes((_N, _SD))
ON_SAYS_RESUME = bytes((_PA, _CI, _SD, _R))

# fmt: on

# By event, from WAIT_OVER to SAYS_RESUME.
_PLAIN = (
    ON_WAIT_OVER,
    ON_AUTO_PARTNER_DOWN,
    ON_SAYS_PARTNER_DOWN,
    ON_SAYS_PAUSE,
    ON_SAYS_SHUTDOWN,
    ON_SAYS_RESUME,
)


def cell(table, own, partner):
    """What a table with a column for each state of the partner says: a state, or SAY_AGAIN, REQUEST, REQUEST_ALL."""
    at = 0
    while table[at] != own:
        at += WIDTH
    column = 0
    while HEARS[column] != partner:
        column += 1
    says = table[at + 1 + column]
    return own if says == _STAY else says


def follow(pairs, own):
    """Where an event leads from the state `own`, by a table of pairs; to itself, if it is not in there."""
    for at in range(0, len(pairs), 2):
        if pairs[at] == own:
            return pairs[at + 1]
    return own


def _is_state(says):
    return not SAY_AGAIN <= says <= REQUEST_ALL


def _is_unsaid(own, partner):
    """Is our state better not said, by the partner's last word?

    An ISC in CONFLICT-DONE ends its process at all but N, PC, RI, and SHUTDOWN, which it would follow (reference
    section 0, item 4); one in PC or RI may be there when our word arrives.
    """
    if partner == _CD:
        return own not in (_N, _PC, _RI, _ST)
    return partner in (_PC, _RI) and own in (_RW, _RD, _PA)


def step(record, event, arg, now):
    """The next record and what is to be done, for one event; pure.

    event, arg   see the events above; arg is 0 where it has no meaning
    now          project seconds
    """
    do = []
    if event in (HEARD, HEARD_STARTING):
        record = _heard(record, arg if arg in STATES else _U, event == HEARD_STARTING, now, do)
    elif event == UPDDONE:
        record = _upddone(record, now, do)
    elif event == CONNECTED:
        record = altered(record, linked=True, heard=0)
        if record.primary:
            _say(record, do)
    elif event == LINK_LOST:
        record = _link_lost(record, now, do)
    elif event == START:
        record = _start(record, arg, now, do)
    elif event == STARTUP_TIMEOUT:
        if record.state == _ST:
            record = _enter(record, follow(ON_STARTUP_TIMEOUT, record.resume), now, do)
    else:
        target = follow(_PLAIN[event - WAIT_OVER], record.state)
        if target != record.state:
            record = _enter(record, target, now, do)
    return record, tuple(do)


def _start(record, alive, now, do):
    """Take up what flash held, and enter STARTUP: reference section 4.4."""
    saved = record.state if record.state != _ST else record.resume
    served = max(record.served_until, alive) if saved in SERVING else record.served_until
    saved = follow(ON_START, saved) if saved in STATES else _R
    do.append((MOVED, saved, _ST))
    do.append((ARM_STARTUP,))
    lacks = record.asked_all and saved == _PD
    return altered(record, state=_ST, resume=saved, served_until=served, linked=False, heard=0, asked_all=lacks)


def _heard(record, partner, starting, now, do):
    """Reference sections 4.3 and 4.4.  The table is always looked at, also if the partner says nothing new."""
    if not record.linked:
        return record
    was, first_word = record.partner, not record.heard
    record = altered(record, partner=partner, heard=min(record.heard + 1, 2))
    if partner != was:
        do.append((PERSIST, record))
    own = record.resume
    says = cell(ON_HEARD_STARTUP if record.state == _ST else ON_HEARD, own, partner)
    if own == _PD and starting:
        says = own
    elif own == _RD and partner == _R and first_word:
        says = _R
    said = len(do)
    if _is_state(says) and says != record.state:
        record = _enter(record, says, now, do)
    elif says == REQUEST:
        do.append((ASK_ALL if record.asked_all else ASK,))
    elif says == REQUEST_ALL:
        record = _ask_all(record, do)
    if first_word and record.asked_all and record.state in SERVING:
        do.append((ASK_ALL,))  # it went to PARTNER-DOWN without data; who comes back has some
    unsaid = _is_unsaid(own, was)
    if says == SAY_AGAIN or unsaid or (first_word and not record.primary):
        if not _has(do, SAY, said):
            if first_word and partner != _CD:
                _say_anyway(record, do)  # it has been waiting for a word, and cannot be in CD before it has one
            else:
                _say(record, do)
    return record


def _upddone(record, now, do):
    if record.asked_all and record.state in SERVING:
        record = altered(record, asked_all=False)
        do.append((PERSIST, record))
        return record
    record = altered(record, asked_all=False)
    if record.state == _R:
        return _enter(record, _recovered(record, now), now, do)
    if record.state == _PC:
        table = ON_UPDDONE_PRIMARY if record.primary else ON_UPDDONE_SECONDARY
        says = cell(table, _PC, record.partner)
        if says != _PC:
            return _enter(record, says, now, do)
    return record


def _recovered(record, now):
    """Where R leads to: reference section 4.5.  Two that recover from each other have nothing to wait for."""
    if record.partner in (_R, _RD) or wait_until(record) <= now:
        return _RD
    return _RW


def _link_lost(record, now, do):
    if not record.linked:
        return record
    record = altered(record, linked=False, heard=0)
    do.append((REQUEUE,))
    target = follow(ON_LINK_LOST, record.resume)
    if target != record.state:
        record = _enter(record, target, now, do)
    return record


def _enter(record, state, now, do):
    """Change our own state, or leave STARTUP with the state of before: reference sections 4.2 and 4.6."""
    was, same = record.state, state == record.resume
    serving = record.resume in SERVING and was != _ST
    record = altered(
        record,
        state=state,
        resume=state,
        stos=record.stos if same or state == _RW else now,
        served_until=now if serving else record.served_until,
        asked_all=record.asked_all or (state == _PD and record.resume == _R),
    )
    do.append((MOVED, was, state))
    if was in (_N, _PC, _PD):
        do.append((REQUEUE,))
    do.append((PERSIST, record))
    do.append((CANCEL_AUTO,))
    if state == _N:
        do.append((FLUSH,))
    if record.linked:
        _say(record, do)
    return _entered(record, was, now, do)


def _entered(record, was, now, do):
    """The entry action of reference section 4.2."""
    state = record.state
    if state == _N:
        do.append((BALANCE,))
    elif state == _CI:
        do.append((ARM_AUTO,))
        if record.heard and was == _PA:
            says = cell(ON_HEARD, _CI, record.partner)  # what it said while we rested counts now
            if says != _CI:
                return _enter(record, says, now, do)
    elif state == _PD:
        if was != _ST and record.heard and record.partner in VETOES:
            return _enter(record, _PC, now, do)  # it is there, and will not say again what it has said
    elif state == _PC:
        if record.linked and (record.primary or record.partner in (_CD, _N)):
            do.append((ASK_ALL if record.asked_all else ASK,))
    elif state == _R:
        if record.linked:
            record = _ask_all(record, do)
    elif state == _RW:
        if wait_until(record) <= now:
            return _enter(record, _RD, now, do)
        do.append((ARM_WAIT, wait_until(record)))
    elif state == _RD and record.heard > (record.partner == _N):
        # The partner has said its word already, and ISC does not say it twice.  But an N that was its first word on
        # this link is from before it heard of our RECOVER: it may be in PARTNER-DOWN by now, and have our list.
        says = _R if was == _RW and record.partner == _R else cell(ON_HEARD, _RD, record.partner)
        if _is_state(says) and says != _RD:
            return _enter(record, says, now, do)
    return record


def _ask_all(record, do):
    do.append((ASK_ALL,))
    return altered(record, asked_all=True)


def _say(record, do):
    """Our state to the partner; the one of before, with the flag, while we are starting (reference section 2.1)."""
    if record.heard and _is_unsaid(record.resume, record.partner):
        return
    _say_anyway(record, do)


def _say_anyway(record, do):
    do.append((SAY, record.resume, record.state == _ST, record.stos))


def _has(do, kind, frm):
    for i in range(frm, len(do)):
        if do[i][0] == kind:
            return True
    return False
