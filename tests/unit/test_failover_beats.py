"""Looking for a partner over real UDP sockets of the loopback: beats both ways, questions to its host, what fails."""

import os
import sys
from collections import namedtuple

from twinlease.failover.evidence import ANSWER, BEAT, CUT_OFF
from twinlease.net import beat as net_beat
from twinlease.net.beat import Beats

Identity = namedtuple("Identity", ("board", "boots"))


class Interface:
    prefix = 24
    mac = bytes(6)

    def __init__(self, address):
        self.address = address
        self.plugged = True

    def connected(self):
        return self.plugged


class Evidence:
    """Notes the signs of life, and the seconds."""

    ways = ""
    counting = True

    def __init__(self):
        self.signs = []
        self.ticks = 0

    def sign(self, what, up):
        self.signs.append(what)

    def tick(self, now, up):
        self.ticks += 1


class Link:
    board, boots = b"board--B", 9


class Peer:
    linked = twin = False
    skew = link = beat_told = None

    class conf:
        name, role, key = "p1", "primary", None

    def __init__(self, address, port, partner, partners_port):
        self.conf = type(self).conf()
        self.conf.address, self.conf.port = address, port
        self.conf.peer_address, self.conf.peer_port = partner, partners_port
        self.evidence = Evidence()


class Way:
    """In place of ARP: a socket of its own that gets what the test puts there."""

    def __init__(self):
        import socket

        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.asked = []
        self.answers = []

    def ask(self, octets):
        self.asked.append(octets)

    def sender(self, packet):
        return 0


class Scene:
    """Two boards of the loopback, each with a Peer, and no ARP unless a test brings it."""

    def __init__(self, way=None):
        net = b"\x7f" + bytes((1 + os.urandom(1)[0] % 250, os.urandom(1)[0]))
        ends = net + b"\1", net + b"\2"
        port = 20000 + os.urandom(1)[0] * 40
        self.said = []
        self.interfaces = [Interface(address) for address in ends]
        self.peers = [Peer(ends[0], port, ends[1], port + 1), Peer(ends[1], port + 1, ends[0], port)]
        self.peers[1].conf.role = "secondary"
        net_beat.way_to = way or self.no_way
        self.beats = [
            Beats([peer], [interface], Identity(b"board--" + name, 1), self.said.append)
            for peer, interface, name in zip(self.peers, self.interfaces, (b"A", b"B"))
        ]
        self.up = 100

    @staticmethod
    def no_way(octets, interfaces, room):
        raise OSError(1)

    def run(self, tenths):
        for _ in range(tenths):
            self.up += 1
            for beats in self.beats:
                beats.tick(0, self.up)

    def signs(self, i):
        return self.peers[i].evidence.signs


def test_two_boards_without_a_link_hear_each_other_every_second():
    scene = Scene()
    scene.run(31)
    for i in (0, 1):
        assert 2 <= scene.signs(i).count(BEAT) <= 4 and set(scene.signs(i)) == {BEAT}
        assert scene.peers[i].evidence.ticks >= 3
    assert [text for text in scene.said if "No raw socket" in text] == scene.said and len(scene.said) == 2, scene.said


def test_one_that_is_linked_neither_beats_nor_listens():
    scene = Scene()
    for peer in scene.peers:
        peer.linked = peer.twin = True
        peer.link = Link()
        peer.evidence.counting = False
    scene.run(30)
    assert not scene.signs(0) and not scene.signs(1) and scene.peers[0].evidence.ticks >= 2
    scene.peers[0].linked = False
    scene.run(30)
    assert not scene.signs(1), "it has a link to hear by"


def test_a_dhcpd_is_not_called():
    scene = Scene()
    scene.peers[0].skew = 0  # met, and not one of ours
    scene.run(30)
    assert BEAT in scene.signs(0) and not scene.signs(1)


def test_the_host_is_asked_each_second_and_only_its_answer_counts():
    made = []

    class Answering(Way):
        def __init__(self, octets, interfaces, room):
            super().__init__()
            self.to = octets
            made.append(self)

    scene = Scene(Answering)
    scene.run(30)
    assert len(made) == 2 and len(made[0].asked) in (2, 3) and set(made[0].asked) == {scene.peers[0].conf.peer_address}
    assert "ARP/ICMP" in scene.peers[0].evidence.ways and ANSWER not in scene.signs(0)
    watch = scene.beats[0]._watches[0]
    for octets, count in ((b"\x7f\0\0\x63", 0), (scene.peers[0].conf.peer_address, 1)):
        watch.way = Frames([bytes(28) + octets + bytes(10)])
        watch.way_waits = lambda: bool(watch.way.frames)
        scene.run(1)
        assert scene.signs(0).count(ANSWER) == count
    scene.peers[0].linked = True
    scene.run(1)
    assert watch.way is None, "there is nothing to ask any more"


def test_what_was_loaded_to_ask_a_host_goes_when_all_partners_are_linked():
    class Roomy(Way):
        def __init__(self, octets, interfaces, room):
            super().__init__()
            room("net.probe")
            room("net.probe")

    sys.modules.pop("twinlease.net.probe", None)
    scene = Scene(Roomy)
    scene.run(30)
    assert "twinlease.net.probe" in sys.modules
    for beats in scene.beats:
        beats.close()
    assert "twinlease.net.probe" not in sys.modules


class Frames:
    """A way whose socket has these frames."""

    def __init__(self, frames):
        self.sock = self
        self.frames = frames

    def recv(self, n):
        return self.frames.pop(0)

    def sender(self, frame):
        return 28

    def ask(self, octets):
        pass

    def close(self):
        pass


def test_a_cable_that_is_out_is_told():
    scene = Scene()
    scene.interfaces[0].plugged = False
    scene.run(20)
    assert CUT_OFF in scene.signs(0) and CUT_OFF not in scene.signs(1)


def test_a_port_that_cannot_be_opened_costs_the_beat_only():
    scene = Scene()
    real, net_beat.address = net_beat.address, in_use
    try:
        scene.run(20)
    finally:
        net_beat.address = real
    assert len([text for text in scene.said if "UDP port" in text]) == 2, scene.said
    assert scene.peers[0].evidence.ticks >= 1 and not scene.signs(0)


def in_use(octets, port):
    raise OSError(98, "in use")
