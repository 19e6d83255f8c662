"""One round of questions to the time servers that are due, and what follows from the answers.

    await ask(sntp)

A question goes to UDP port 123 of each.  An answer counts if it comes from there within two seconds and repeats the
question's 64 random bits; what does not is left aside, and does not end the wait for one that does.  When the round is
over, its answers join the last ones of each server, the servers that agree are found, and the clock follows them.
"""

import asyncio
import socket

from micropython import const

from .. import overlay
from ..clock import FOREVER, SNTP
from ..ntp import choose, govern, packet
from ..ntp.source import (
    ABSURD_STEP,
    ABSURD_YEAR,
    BURST,
    DENIED,
    GOOD,
    LATE,
    NO_ANSWER,
    NOT_ASKED,
    OUTVOTED,
    POLL_MAX,
    POLL_MIN,
    TOO_FAR,
    TOO_OFTEN,
    UNASKED,
    UNREACHABLE,
)
from .sockets import Waiting, address, readable
from .sockets import source as sender_of

_PORT = const(123)
_LONGEST = const(128)
_WAIT_TENTHS = const(20)
_BURST_EVERY_S = const(2)
_BACK_OFF_S = const(16)  # RFC 4330 section 10: never below 15 s
_LATE_MAX = const(16)  # datagrams that waited for this round
_PATIENCE_S = const(8)  # a first answer waits for the other servers'
_FAR_MS = const(1500)
_BUILT = const(189388800)  # 2026-01-01: this firmware is not older
_NEVER = const(0x1FFFFFFF)


async def ask(sntp):
    """Ask those that are due, wait for their answers, and let the clock follow."""
    up = sntp.time()
    due = [source for source in sntp.state.sources if source.next_at <= up]
    for source in due:
        source.why = NOT_ASKED
        source.answer = None
    if _open(sntp):
        await _exchange(sntp, due)
    else:
        for source in due:
            source.why = UNREACHABLE
    up = sntp.time()
    for source in due:
        _conclude(sntp, source, up)
    _follow(sntp, up)
    for source in due:
        _tell(sntp, source)
    _keep(sntp.app)


def _open(sntp):
    """False: no socket is to be had just now."""
    try:
        if sntp.sock is None:
            sntp.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sntp.sock.setblocking(False)
        return True
    except OSError:
        return False


async def _exchange(sntp, due):
    """Questions out, answers in, for two seconds at most."""
    _hear_late(sntp)
    for source in due:
        if source.address is None:
            await _look_up(sntp, source)
        if source.address is not None:
            _send(sntp, source)
    listener = asyncio.create_task(_listen(sntp))
    for _ in range(_WAIT_TENTHS):
        if not [source for source in due if source.nonce]:
            break
        await asyncio.sleep(0.1)
    listener.cancel()


async def _look_up(sntp, source):
    """The address of a server that has a name; asked again each time that nobody answers there."""
    try:
        source.why = await overlay.load("net.sntp_names").look_up(sntp.app, source)
    finally:
        overlay.unload("net.sntp_names", "ntp.dns")


def _send(sntp, source):
    board = sntp.app.board
    source.nonce = board.random(8)
    question = packet.request(source.nonce)
    source.asked_ms = board.ticks_ms()
    try:
        sntp.sock.sendto(question, address(source.address, _PORT))
    except OSError:  # no route, no cable
        source.nonce = None
        source.why = UNREACHABLE


async def _listen(sntp):
    """Until it is cancelled."""
    while True:
        await readable(sntp.sock)
        ticks = sntp.app.board.ticks_ms()
        try:
            octets, sender = sntp.sock.recvfrom(_LONGEST)
        except OSError:  # a port that nobody listens on says so here
            await asyncio.sleep(0.1)
            continue
        _hear(sntp, octets, sender, ticks)


def _hear(sntp, octets, sender, ticks):
    for source in sntp.state.sources:
        if source.address and sender_of(sender) == "%d.%d.%d.%d:%d" % (tuple(source.address) + (_PORT,)):
            nonce = packet.origin(octets)
            if source.nonce and nonce == source.nonce:
                source.nonce = None
                source.answer = (octets, ticks)
            elif source.nonce:
                source.why = LATE if nonce == source.old_nonce else UNASKED
            return


def _hear_late(sntp):
    """What has come since the last round comes too late."""
    waiting = Waiting(sntp.sock)
    for _ in range(_LATE_MAX):
        if not waiting():
            return
        try:
            octets = sntp.sock.recv(_LONGEST)
        except OSError:
            continue
        for source in sntp.state.sources:
            if source.old_nonce and packet.origin(octets) == source.old_nonce:
                source.late = True


def _conclude(sntp, source, up):
    """What came of a question, and when the next one is due."""
    source.old_nonce = source.nonce
    source.nonce = None
    source.reach = source.reach << 1 & 0xFF
    if source.answer:
        source.why = _judge(sntp, source, up)
        source.answer = None
        source.late = False
    elif source.why == NOT_ASKED:
        source.why = LATE if source.late else NO_ANSWER
    if source.why == GOOD:
        if source.reach == 0 and not source.poll:
            source.burst = BURST
        source.reach |= 1
        source.misses = 0
    else:
        source.misses += 1
        if source.name and source.misses > BURST:
            source.address = None  # it may have moved
    source.next_at = up + _pause(sntp, source)


def _pause(sntp, source):
    """Seconds until this server is asked again."""
    if source.why == DENIED:
        source.samples = []
        source.reach = source.burst = 0
        return _NEVER
    if source.why == TOO_OFTEN:
        source.poll = min(max(source.poll, sntp.state.poll) + 1, POLL_MAX)
        source.burst = 0
    elif source.burst:
        source.burst -= 1
        if source.burst:
            return _BURST_EVERY_S
    if source.misses and source.why != TOO_OFTEN:
        s = min(_BACK_OFF_S << min(source.misses - 1, POLL_MAX), 1 << POLL_MAX)
        s = max(s, 1 << source.poll) if source.poll else s
    else:
        s = 1 << max(sntp.state.poll, source.poll, POLL_MIN)
    return s + s * (sntp.app.board.random(1)[0] - 128) // 1024


def _judge(sntp, source, up):
    """Why its answer is refused; GOOD: it joins the others."""
    octets, ticks = source.answer
    why = packet.judge(octets)
    if why != GOOD:
        return why
    app = sntp.app
    theirs = packet.transmitted(octets)
    took = app.board.ticks_diff(ticks, source.asked_ms)
    delay = max(took - (theirs - packet.received(octets)), 0)
    if not _BUILT <= theirs // 1000 < FOREVER:
        return ABSURD_YEAR
    root = packet.root_delay(octets)
    dispersion = packet.root_dispersion(octets)
    if (delay + root) // 2 + dispersion >= _FAR_MS:
        return TOO_FAR
    source.leap, source.stratum = octets[0] >> 6, octets[1]
    source.root_delay, source.root_dispersion = root, dispersion
    app.catch_up()
    since = app.board.ticks_diff(app.board.ticks_ms(), ticks)
    ours = app.clock.now * 1000 + app.clock.ms + sntp.trim.slew
    choose.add(source, theirs + delay // 2 + since - ours, delay, up)
    return GOOD


# What follows


def _keep(app):
    """The chip's clock is kept in step with ours, also while no server answers: its crystal nobody trims."""
    if app.clock.source == SNTP and app.board.rtc() not in (None, app.clock.now):
        overlay.run("board.rtc", "set", app.board, app.clock)


def _follow(sntp, up):
    state, clock = sntp.state, sntp.app.clock
    if state.synced_at < 0 and up < _PATIENCE_S and any(_is_awaited(source) for source in state.sources):
        return
    own = clock.error_ms if state.synced_at >= 0 else -1
    agreed = choose.choose(state.sources, up, own)
    for source in state.sources:
        if source.reach & 1 and source.why == GOOD and source not in agreed:
            source.why = OUTVOTED
    if not agreed or not agreed[0].reach & 1:
        return
    peer = agreed[0]
    if peer is state.peer and peer.at == state.used_at:
        return  # the quickest of its answers is still the one that the clock was set by
    action = govern.decide(state, peer.offset, len(agreed), up, clock.trusted)
    if action == govern.SLEW or action == govern.STEP:
        _set(sntp, peer, up, action == govern.STEP)
        return
    if action == govern.ABSURD:
        for source in agreed:
            source.why = ABSURD_STEP
    elif state.large_since == up:  # a jump: is it one?
        for source in agreed:
            if not source.poll:
                source.burst = BURST
                source.next_at = up + _BURST_EVERY_S


def _is_awaited(source):
    return not source.samples and source.misses < 2 and source.why != DENIED


def _set(sntp, peer, up, steps):
    """The clock follows this server."""
    app, state, trim = sntp.app, sntp.state, sntp.trim
    offset, error = peer.offset, choose.distance(peer, up)
    news = state.synced_at < 0 or state.peer is not peer
    if state.synced_at < 0:
        state.began_at = up
    if steps:
        if not overlay.run("stepping", "by", app, offset + trim.slew, error, SNTP):
            return
        govern.stepped(state, trim, offset)
    else:
        trim.slew += offset
        govern.slewed(state, trim, offset, up)
        app.catch_up()
        app.clock.discipline(app.clock.now, app.clock.ms, error + abs(trim.slew), SNTP)
        app.tell_time()
    state.peer, state.error, state.synced_at, state.used_at = peer, error, up, peer.at
    state.offset = 0 if steps else offset
    sntp.at = app.clock.now
    choose.moved(state.sources, offset)
    if news:
        app.say(overlay.run("ntp.words", "followed", peer, error))


def _tell(sntp, source):
    """One line when what is wrong with a server changes; one answer that is lost is no news."""
    if source.why == source.said or (source.misses == 1 and source.why in (NO_ANSWER, LATE, UNASKED)):
        return
    source.said = source.why
    sntp.app.say(overlay.run("ntp.words", "refusal", source))
