"""What a state event makes a Peer do: the actions of states.py, in their order.  Pure.

    at = carry_out(peer, actions, 0, was)

Loaded for the event, and forgotten after it (overlay.py).
"""

from micropython import const

from . import endpoint, memory, words
from . import wire as w

_STARTUP = const(150)  # tenths of a second


def carry_out(peer, actions, at, was):
    """Carry out actions[at:].  was: the partner's state before.

    Up to a BALANCE, which is for the caller, who then goes on with what follows: returns its place, or -1.
    """
    if at == 0:
        if peer.record.partner != was:
            peer.store.say(words.partner_line(peer.conf.name, was, peer.record.partner))
            _tell_normal(peer)
    for i in range(at, len(actions)):
        if actions[i][0] == endpoint.BALANCE:
            return i + 1
        _act(peer, actions[i])
    peer.why_silent = words.why_silent(peer.record)
    return -1


def _tell_normal(peer):
    if peer.record.state == peer.record.partner == endpoint.NORMAL:
        peer.store.say("failover peer %s: Both servers normal" % peer.conf.name)


def _act(peer, action):
    kind = action[0]
    if kind == endpoint.MOVED:
        peer.store.say(words.move_line(peer.conf.name, action[1], action[2]))
        if action[2] == endpoint.NORMAL:
            _tell_normal(peer)
    elif kind == endpoint.PERSIST:
        memory.keep(peer, action[1])
    elif kind == endpoint.SAY:
        _say_state(peer, action)
    elif kind == endpoint.ASK:
        peer.ask(w.UPDREQ)
    elif kind == endpoint.ASK_ALL:
        peer.ask(w.UPDREQALL)
    elif kind == endpoint.REQUEUE:
        peer.updates.requeue()
    elif kind == endpoint.FLUSH:
        peer.updates.put_pending()
        peer.send(peer.now)
    elif kind == endpoint.ARM_WAIT:
        peer.wait_until = action[1]
    elif kind == endpoint.ARM_AUTO:
        wait = peer.conf.auto_partner_down
        peer.auto_at = peer.up + 10 * min(wait, 1 << 24) if wait else -1
    elif kind == endpoint.CANCEL_AUTO:
        peer.auto_at = -1
    elif kind == endpoint.ARM_STARTUP:
        peer.startup_at = peer.up + _STARTUP


def _say_state(peer, action):
    if not peer.link:
        return
    stos = max(action[3] + peer.shift(), 0)
    if not peer.link.writer.state(peer.header(), action[1], w.FLAG_STARTUP if action[2] else 0, stos):
        peer.broken = True
