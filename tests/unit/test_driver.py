"""The driver's order and bounds, with a made-up socket: persist, sync, send; a burst ends; errors cost little."""

import sys

from packets import DISCOVER, REQUEST, Office, ip, message, option
from twinlease.net import dhcp_server, sockets


class Socket:
    """Datagrams that wait, one an error; notes what happens in which order."""

    def __init__(self, datagrams, story):
        self.datagrams = list(datagrams)
        self.story = story
        self.received = 0

    def recvfrom(self, n):
        self.received += 1
        datagram = self.datagrams.pop(0)
        if isinstance(datagram, Exception):
            raise datagram
        return datagram, SENDER

    def recv(self, n):
        return self.datagrams.pop(0)[:n]

    def sendto(self, octets, to):
        self.story.append(("send", self.received))

    def __call__(self):
        return bool(self.datagrams)


SENDER = b"\2\0\0\x44\x0a\x4d\1\1" + bytes(8) if dhcp_server.source.__globals__["_SOCKADDR"] else ("10.77.1.1", 68)


class Journal:
    def __init__(self, story):
        self.story = story

    def put_row(self, row):
        self.story.append(("put", row))

    def sync(self):
        self.story.append(("sync",))


class Log:
    def __init__(self):
        self.lines = []

    def say(self, text):
        self.lines.append(text)

    def malformed(self, link, reason, source):
        self.lines.append("malformed")

    def exchange(self, node, link):
        pass

    def flush(self):
        pass


class Clock:
    now = earliest = 1000


def driver(datagrams):
    office = Office()
    story = []
    sock = Socket(datagrams, story)
    made = dhcp_server.broadcast_socket
    dhcp_server.broadcast_socket = lambda interface, port: sock
    try:
        d = dhcp_server.DhcpServer(office.node, Journal(story), Clock, Log(), [None])
    finally:
        dhcp_server.broadcast_socket = made
    return d, sock, story


def request(hw):
    return message(REQUEST, hw, option(50, ip("10.77.1.%d" % hw)))


def test_rows_are_put_and_synced_once_before_anything_is_sent():
    d, sock, story = driver([request(1), request(2), message(DISCOVER, 3)])
    assert d._burst(0, sock, sock)
    assert [what[0] for what in story] == ["put", "put", "sync", "send", "send", "send"]


def test_offers_alone_do_not_touch_the_journal():
    d, sock, story = driver([message(DISCOVER, 1)])
    d._burst(0, sock, sock)
    assert [what[0] for what in story] == ["send"]


def test_if_the_flash_fails_nothing_is_sent():
    d, sock, story = driver([request(1)])
    d._journal.sync = _fail
    try:
        d._burst(0, sock, sock)
        raise AssertionError("the failure must be heard of")
    except OSError:
        assert not [what for what in story if what[0] == "send"]


def _fail():
    raise OSError(5)


def test_rubbish_does_not_keep_a_client_waiting():
    d, sock, story = driver([message(DISCOVER, 1)] + [b"x"] * 20000)
    d._burst(0, sock, sock)
    assert story and story[0][0] == "send" and story[0][1] <= 32


def test_a_datagram_with_a_wrong_checksum_costs_nothing_but_itself():
    """Linux says that it waits, and then drops it: EAGAIN."""
    d, sock, story = driver([request(1), OSError(11)])
    assert not d._burst(0, sock, sock), "so that the task pauses"
    assert [what[0] for what in story] == ["put", "sync", "send"] and d.errors == 1


def test_a_flood_of_rubbish_is_summed_up_in_the_log():
    d, sock, _ = driver([b"x"] * 32)
    d._burst(0, sock, sock)
    assert d._log.lines == ["malformed"] * 5
    d.tick()
    assert d._log.lines[5:] == ["Dropped 27 more packets that cannot be read"]
    d.tick()
    assert len(d._log.lines) == 6


def test_out_of_memory_takes_the_datagram_out_and_says_so_once():
    d, sock, _ = driver([b"a", b"b", b"c"])
    d._out_of_memory(sock)
    d._out_of_memory(sock)
    assert sock.datagrams == [b"c"] and d.starved == 2 and len(d._log.lines) == 1


def test_memory_that_does_not_come_back_ends_the_service_for_a_fresh_start():
    d, sock, _ = driver([b"x"] * 200)
    try:
        for _ in range(150):
            d._out_of_memory(sock)
        raise AssertionError("it went on for ever")
    except MemoryError:
        assert d.starved > 100


class Esp32Socket(Socket):
    """An empty datagram ends what it takes for a stream: from then on it is readable, and empty, until the next bind."""

    deaf = False
    bound = 0

    def recvfrom(self, n):
        if self.deaf:
            return b"", SENDER
        octets, sender = super().recvfrom(n)
        self.deaf = not octets
        return octets, sender

    def bind(self, to):
        assert to == sockets.address(sockets.ANY, 67)
        self.deaf = False
        self.bound += 1

    def __call__(self):
        return self.deaf or bool(self.datagrams)


def test_an_empty_datagram_does_not_make_an_esp32_deaf():
    class Esp32:
        platform = "esp32"

    for module, bound in ((Esp32, 1), (sys, 0)):
        d, sock, story = driver([])
        sock = Esp32Socket([b"", request(1)], story)
        d._sockets[0] = sock
        before, sockets.sys = sockets.sys, module
        try:
            d._burst(0, sock, sock)
        finally:
            sockets.sys = before
        assert sock.bound == bound and (("send", 2) in story) == bool(bound), story
