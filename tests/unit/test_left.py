"""Clients of a failover partner that is gone are answered from what was kept of their DISCOVERs."""

from twinlease.dhcp.request import DISCOVER, REQUEST
from twinlease.dhcp.server import LEFT_TO_PARTNER, SERVED
from twinlease.net.left import Left


class Thing:
    """Stands for a Peer, a request, a server."""

    def __init__(self, **facts):
        for name in facts:
            setattr(self, name, facts[name])


class Bench:
    """A Left, and what it hands in; `ms` is the time."""

    def __init__(self):
        self.ms = 0
        self.room = 99
        self.handed = []
        self.peer = Thing(balances=True)
        self.request, self.server = Thing(type=DISCOVER), Thing(note=LEFT_TO_PARTNER)
        self.left = Left([self.peer], self, self._hand_in, self)
        self.left.tick()

    def _hand_in(self, packet, link):
        self.handed.append((packet, link))
        self.room -= 1

    def has_room(self):
        return self.room > 0

    def ticks_ms(self):
        return self.ms

    def ticks_diff(self, later, earlier):
        return later - earlier

    def lose(self):
        self.peer.balances = False
        self.left.tick()


def test_what_was_left_to_the_partner_is_handed_in_when_it_is_gone():
    b = Bench()
    b.left.look(b"one", 0)
    b.ms = 400
    b.left.look(b"two", 1)
    b.left.tick()
    assert b.handed == []
    b.lose()
    assert b.handed == [(b"one", 0), (b"two", 1)]
    b.left.tick()
    assert len(b.handed) == 2


def test_a_client_that_has_waited_too_long_is_about_to_ask_again():
    b = Bench()
    b.left.look(b"old", 0)
    b.ms = 1000
    b.left.look(b"young", 0)
    b.ms = 2500
    b.lose()
    assert b.handed == [(b"young", 0)]


def test_only_discovers_that_are_the_partners_are_kept():
    b = Bench()
    b.server.note = SERVED
    b.left.look(b"one", 0)
    b.server.note, b.request.type = LEFT_TO_PARTNER, REQUEST
    b.left.look(b"two", 0)
    b.lose()
    b.request.type = DISCOVER
    b.left.look(b"three", 0)
    b.left.tick()
    assert b.handed == []


def test_what_the_node_has_no_room_for_waits_for_the_next_tick():
    b = Bench()
    b.left.look(b"one", 0)
    b.left.look(b"two", 0)
    b.room = 1
    b.lose()
    assert b.handed == [(b"one", 0)]
    b.room = 1
    b.left.tick()
    assert b.handed == [(b"one", 0), (b"two", 0)]


def test_of_many_the_last_dozen_is_kept_and_nothing_when_memory_is_short():
    b = Bench()
    for n in range(20):
        b.left.look(bytes((n,)), 0)
    b.lose()
    assert sorted(packet[0] for packet, _ in b.handed) == list(range(8, 20))
    b = Bench()
    b.left.look(b"one", 0)
    b.left.forget()
    b.lose()
    assert b.handed == []


def test_what_is_larger_than_a_client_need_send_is_not_kept():
    b = Bench()
    b.left.look(bytes(600), 0)
    b.left.look(bytes(601), 1)
    b.lose()
    assert b.handed == [(bytes(600), 0)]
