"""From the configuration's failover peers to Peers that run: what boot does once, if a pool names one.

    pairing.build(app, alive)     fills in app.peers and app.failover; `alive`: when it last ran, as far as it knows

The lease table has its place in the heap by now.  What is in flash of each pair is the
Peer's record, and this board's identity: eight random octets, made once, and how often it has
started.  Both are in flash before a Peer says a word.
"""

import gc
from collections import namedtuple

from micropython import const

from . import IN_ROM, overlay
from .clock import FOREVER
from .failover.agree import digests
from .failover.longest import longest_lease
from .failover.orient import orient
from .failover.peer import Peer
from .net.failover import Failover
from .net.left import Left

_META_PEER = const(2)  # and the next three: the Peers' records (conf allows four peers)
_META_IDENTITY = const(8)
# For handshake.py with memory.py, or actions.py with words.py and memory.py, and what they make.
_OVERLAY = const(8192)
_OVERLAY_IN_ROM = const(5632)

Identity = namedtuple("Identity", ("board", "boots"))


def build(app, alive):
    """Make a Peer for each failover peer that a pool names, and the driver that connects them."""
    confs = []
    for pool in app.config.pools:
        if pool.peer and pool.peer not in confs:
            confs.append(pool.peer)
    app.node.identity = _identity(app)
    ours = [interface.address for interface in app.board.interfaces]
    app.peers = [_peer(app, conf, index, ours) for index, conf in enumerate(confs)]
    for peer in app.peers:
        _reserve(app, (peer.conf.address, peer.conf.peer_address))
    app.tell_time()
    app.node.start_failover(app.peers)
    app.failover = Failover(list(zip(app.peers, confs)), app.driver.flush, app.clock, app.board, app.say)
    app.failover.identity = app.node.identity
    app.failover.catch_up = app.driver.catch_up = app.catch_up
    app.failover.left = app.driver.left = Left(app.peers, app.node, app.driver.hand_in, app.board)
    app.driver.after_flush.append(app.failover.send)
    for index, peer in enumerate(app.peers):
        peer.discipline = app.hear_partner
        peer.start(app.journal.get_meta(_META_PEER + index), alive, app.clock.now, app.failover.up)
    app.driver.flush()
    gc.collect()
    overlay.learn("failover.handshake", "failover.resync", "failover.rebalance")
    app.failover.look()
    overlay.reserve(_OVERLAY_IN_ROM if IN_ROM else _OVERLAY)


def _reserve(app, addresses):
    """Neither server's address is for clients, whichever of the two would lease it."""
    for address in addresses:
        if address and app.node.reserve_own(address):
            app.say("%d.%d.%d.%d is a failover server's address: not leased" % tuple(address))


def _peer(app, conf, index, ours):
    known = orient(conf, ours) is not None
    if not known:
        _tell_stranger(app, conf, ours)
    pools = [pool for pool in app.config.pools if pool.peer is conf]
    peer = Peer(conf, index, app.table, pools, app.node)
    peer.agree = digests(app.config, conf)
    if known:  # or it waits for an address, and nothing follows from a partner that it cannot hear
        longest = longest_lease(app.config, conf)
        peer.alone_s = FOREVER if longest < 0 else min(longest, FOREVER)
    return peer


def _identity(app):
    """This board's, in flash, one start later."""
    journal = app.journal
    told = journal.get_meta(_META_IDENTITY)
    if told is None or len(told) != 12:
        told = app.board.random(8) + bytes(4)
    identity = Identity(told[:8], int.from_bytes(told[8:], "big") + 1)
    journal.put_meta(_META_IDENTITY, identity.board + identity.boots.to_bytes(4, "big"))
    journal.sync()
    return identity


def _tell_stranger(app, conf, ours):
    app.say(
        "failover peer %s: neither address %s nor peer address %s is this board's (%s): its pools wait until one is"
        % (conf.name, _dotted(conf.address), _dotted(conf.peer_address), ", ".join([_dotted(a) for a in ours]))
    )


def _dotted(address):
    return "%d.%d.%d.%d" % tuple(address)
