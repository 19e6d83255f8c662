"""The system log: `syslog server` in a configuration, RFC 5424 messages, a queue that is bounded and tells what it lost."""

import asyncio

from confs import error, load, warnings
from twinlease.conf import image
from twinlease.conf.image_writer import dump
from twinlease.net.lines import Lines
from twinlease.net.syslog import Syslog

SERVER = b"\x0a\0\0\x09\x02\x02"


class Clock:
    now, trusted = 0, True


class Interface:
    address = b"\x0a\x4d\0\2"


class Stream:
    def __init__(self):
        self.octets = b""

    def write(self, octets):
        self.octets += bytes(octets)


class Board:
    host_name = ""
    interfaces = (Interface,)

    def __init__(self):
        self.log = Stream()


class Socket:
    def __init__(self):
        self.sent = []
        self.fails = 0

    def sendto(self, octets, to):
        if self.fails:
            self.fails -= 1
            raise OSError(101)
        self.sent.append(octets)


class App:
    def __init__(self, facility="daemon"):
        self.board = Board()
        self.clock = Clock()
        self.recorder = Lines(self.clock)
        self.recorder.keep("Twinlease is started")
        self.stream = self.board.log
        self.syslog = Syslog(self, SERVER, facility)
        self.syslog._sock = self.socket = Socket()

    def send_all(self):
        while self.syslog._end:
            self.syslog.send_one()
        return [octets.decode() for octets in self.socket.sent]


def params(text):
    return load(text).scope.params


def test_a_server_has_an_address_and_perhaps_a_port():
    assert params("syslog server 10.0.0.9;") == {"syslog-server": SERVER}
    told = params("log-facility local7; syslog server 10.0.0.9 port 5514;")
    assert told == {"syslog-server": SERVER[:4] + b"\x15\x8a", "log-facility": "local7"}
    config = load("syslog server 10.0.0.9; log-facility local7;")
    assert image.load(b"".join(dump(config, []))).scope.params == config.scope.params


def test_what_cannot_be_a_syslog_server_is_pointed_at():
    assert error("syslog server 224.0.0.1;").column == 15
    assert "already" in error("syslog server 10.0.0.9; syslog server 10.0.0.8;").message
    assert error("syslog host 10.0.0.9;").column == 8
    assert error("subnet 10.0.0.0 netmask 255.0.0.0 { syslog server 10.0.0.9; }").column == 37
    assert warnings("syslog server 10.0.0.9; log-facility local7;") == []


def test_each_line_is_a_message_the_boots_too():
    app = App()
    app.syslog.write(b"Abandoning IP address 10.0.0.5: pinged before offer\nDHCPACK on 10.0.0.6\n")
    assert app.send_all() == [
        "<30>1 2020-01-01T00:00:00Z 10.77.0.2 twinlease - - - Twinlease is started",
        "<28>1 2020-01-01T00:00:00Z 10.77.0.2 twinlease - - - Abandoning IP address 10.0.0.5: pinged before offer",
        "<30>1 2020-01-01T00:00:00Z 10.77.0.2 twinlease - - - DHCPACK on 10.0.0.6",
    ]
    assert app.stream.octets.count(b"\n") == 2 and app.syslog.sent == 3


def test_facility_name_and_a_time_that_is_not_known():
    app = App("local7")
    app.clock.trusted = False
    app.board.host_name = "twin-a"
    assert app.syslog.message("x") == "<190>1 - twin-a twinlease - - - x"
    assert App("ftp").syslog.message("x").startswith("<94>1 ")


def test_the_queue_is_bounded_and_what_it_loses_is_counted_and_told():
    app = App()
    for n in range(40):
        app.syslog.write(b"DHCPDISCOVER from 02:00:00:00:00:01 via eth0 %d\nand one more line of it\n" % n)
    dropped = app.syslog.dropped
    assert dropped > 20 and app.stream.octets.count(b"\n") == 80, "the board's own log has all"
    sent = app.send_all()
    assert "%d lines of the log are missing" % dropped in sent[0] and len(sent) == 82 - dropped


def test_what_cannot_be_sent_is_counted_and_holds_nobody_up():
    app = App()
    app.socket.fails = 1
    assert not app.syslog.send_one() and app.syslog.dropped == 1
    app.syslog.write(b"next\n")
    sent = app.send_all()
    assert "1 lines of the log are missing" in sent[0] and sent[1].endswith(" next")


def test_a_line_that_was_cut_amid_a_letter_is_sent_and_ends_nothing():
    """As the log cuts what is too long: an error here would end the service, at each start anew."""
    app = App()
    app.recorder.keep("shared-network " + "\u00fc" * 80)
    app.syslog = Syslog(app, SERVER, "daemon")  # of a board that starts: its first lines
    app.syslog._sock = app.socket
    app.syslog.write("network b\u00fc".encode()[:-1] + b": no free leases\n")
    sent = app.send_all()
    assert len(sent) == 3 and sent[1].endswith("\u00fc") and sent[2].endswith("- - - network b?: no free leases"), sent


def test_lines_are_sent_while_others_work():
    async def work():
        app = App()
        task = asyncio.create_task(app.syslog.run())
        while not app.socket.sent:
            await asyncio.sleep(0)
        app.syslog.write(b"later\n")
        while len(app.socket.sent) < 2:
            await asyncio.sleep(0)
        task.cancel()

    asyncio.run(work())
