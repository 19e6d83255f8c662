"""Looks for a partner that is not linked: the UDP beat both ways, and ARP or ICMP to its host.

    beats = Beats(peers, interfaces, identity, say)       sets each Peer's beat going; its evidence decides
    beats.tick(now, up)                                   every tenth of a second

Loaded while a partner is not linked, and forgotten when all are: `begin` and `close`.

While a Peer has a link nothing is sent and nothing read.  Without one, each second: a beat to the
partner's failover port, and another to all of each LAN that we serve (a bad route, or a stale
neighbour table, does not stop that one); a question to its host.  What comes in is read with each tick.

Nothing here waits, and what fails is tried again a second later.  Where no raw socket is
to be had, the log says so, and the beat and TCP are what there is.
"""

import socket
import sys

from micropython import const

from ..failover.beat import Beat
from ..failover.evidence import ANSWER, BEAT, CUT_OFF, Evidence
from ..octets import equal, in_net
from ..overlay import load, unload
from .sockets import ANY, Waiting, address, hear_again, network

_SECOND = const(10)
_BATCH = const(32)  # datagrams a tick, and ARP frames
_LONGEST = const(128)


def begin(peers, interfaces, identity, say):
    """Look for the partners of these Peers; the evidence begins with nothing."""
    for peer in peers:
        peer.evidence = Evidence(peer, peer.alone_s)
    return Beats(peers, interfaces, identity, say)


class Watch:
    """What looks for one partner."""

    def __init__(self, peer, interfaces, identity):
        self.peer = peer
        self.evidence = peer.evidence
        self.beat = Beat(peer.conf, identity, peer.beat_told)
        self.sock = None
        self.way = None  # Arp or Ping, while it is asked
        self.way_waits = None
        conf = peer.conf
        to = [i for i in interfaces if in_net(conf.peer_address, 0, *network(i))]
        self.interfaces = to or interfaces  # by which it is reached
        self.to = [address(conf.peer_address, conf.peer_port)]
        self.to.extend([address(_broadcast(i), conf.peer_port) for i in interfaces])


class Beats:
    """peers: Peers with their evidence.  One UDP socket for each port that they listen on."""

    def __init__(self, peers, interfaces, identity, say):
        self._interfaces = interfaces
        self._say = say
        self._at = 0
        self._watches = [Watch(peer, interfaces, identity) for peer in peers]
        self._raw = True
        self._sockets = None
        self._rooms = []

    def close(self):
        """All partners are linked: nothing of this is left, but what is told to the next Beats."""
        unload(*self._rooms)
        for watch in self._watches:
            self._meet(watch)
            watch.peer.beat_told = watch.beat.told()
            watch.peer.evidence = None
        for sock, _ in self._sockets or ():
            sock.close()

    def _open_all(self):
        sockets = {}
        for watch in self._watches:
            port = watch.peer.conf.port
            if port not in sockets:
                sockets[port] = self._open(port)
            watch.sock = sockets[port]
        self._sockets = [(sock, Waiting(sock)) for sock in sockets.values() if sock]

    def _open(self, port):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sock.bind(address(ANY, port))
            sock.setblocking(False)
            return sock
        except OSError as e:
            sock.close()
            self._say("UDP port %d cannot be opened (errno %d): failover partners are not told by it" % (port, e.errno))

    def tick(self, now, up):
        """Every tenth of a second."""
        if self._sockets is None:
            self._open_all()
        alone = False
        for watch in self._watches:
            if watch.peer.linked:
                self._meet(watch)
            else:
                alone = True
        if alone:
            for sock, waiting in self._sockets:
                self._hear(sock, waiting, up)
        for watch in self._watches:
            if watch.way:
                self._listen(watch, up)
        if up - self._at >= _SECOND:
            self._at = up
            for watch in self._watches:
                self._look(watch, now, up)

    def _meet(self, watch):
        link = watch.peer.link
        if watch.peer.twin and link:
            watch.beat.meet(link.board, link.boots)
        if watch.way:
            self._leave(watch)

    def _look(self, watch, now, up):
        """Once a second."""
        peer, evidence = watch.peer, watch.evidence
        if not peer.linked and watch.sock and (peer.twin or peer.skew is None):
            self._call(watch)
        if evidence.counting:
            if not any(i.connected() for i in watch.interfaces):
                evidence.sign(CUT_OFF, up)
            self._ask(watch)
        evidence.tick(now, up)

    def _call(self, watch):
        octets = watch.beat.next()
        for to in watch.to:
            try:
                watch.sock.sendto(octets, to)
            except OSError:
                pass  # no route, no cable

    def _hear(self, sock, waiting, up):
        for _ in range(_BATCH):
            if not waiting():
                return
            try:
                octets = sock.recv(_LONGEST)
            except OSError:
                return
            for watch in self._watches:
                if watch.sock is sock:
                    if not octets:
                        hear_again(sock, watch.peer.conf.port)
                    if watch.beat.heard(octets):
                        watch.evidence.sign(BEAT, up)

    # ARP, or ICMP where the partner is behind a router

    def _ask(self, watch):
        if not watch.way and self._raw:
            self._reach(watch)
        if watch.way:
            try:
                watch.way.ask(bytes(watch.peer.conf.peer_address))
            except OSError:
                pass  # no route, no cable

    def _reach(self, watch):
        try:
            watch.way = way_to(watch.peer.conf.peer_address, self._interfaces, self._room)
            watch.way_waits = Waiting(watch.way.sock)
            watch.evidence.ways = "TCP, ARP/ICMP or the LAN"
        except OSError as e:
            self._raw = False
            self._say("No raw socket (errno %s): only TCP and UDP tell whether a partner's host lives" % e.args[0])

    def _listen(self, watch, up):
        for _ in range(_BATCH):
            if not watch.way_waits():
                return
            try:
                packet = watch.way.sock.recv(_LONGEST)
            except OSError:
                return
            at = watch.way.sender(packet)
            if at and equal(packet, at, watch.peer.conf.peer_address, 0, 4):
                watch.evidence.sign(ANSWER, up)

    def _leave(self, watch):
        watch.way.sock.close()
        watch.way = watch.way_waits = None

    def _room(self, name):
        """This module, until all partners are linked."""
        if name not in self._rooms:
            load(name)
            self._rooms.append(name)
        return sys.modules["twinlease." + name]


def way_to(octets, interfaces, room):
    """Arp on the interface whose network the address is in, or Ping.  Raises OSError without raw sockets."""
    if sys.platform == "linux":
        for interface in interfaces:
            if any(interface.mac) and in_net(octets, 0, *network(interface)):
                return room("net.arp").Arp(interface)
    return room("net.probe").Ping()


def _broadcast(interface):
    net, mask = network(interface)
    return bytes([a | (m ^ 255) for a, m in zip(net, mask)])
