"""`why`, `capture`, `show log`, `log level`: what a person hears who asks in the morning what happened in the night."""

import json

from consoles import Board, said
from packets import ip, message, option
from test_recorder import SMALL, Taped
from twinlease.console import commands
from twinlease.net import severity
from twinlease.net.lines import WARNING
from twinlease.net.log import Log

POOLS = """
authoritative; default-lease-time 600;
host printer { hardware ethernet 2:0:0:0:0:77; fixed-address 10.77.2.9; }
subnet 10.77.0.0 netmask 255.255.0.0 {
  pool { range 10.77.1.1 10.77.1.2; deny unknown-clients; }
}
"""


class Stream:
    def __init__(self):
        self.octets = b""

    def write(self, octets):
        self.octets += bytes(octets)


class Desk:
    """A board with an office behind it; the clients are real, the driver is not."""

    trial = -1
    peers = ()
    syslog = None
    since = 0

    def __init__(self, text=SMALL):
        self.office = office = Taped(text, records=16)
        self.board = Board()
        self.log = Log(Stream())
        self.recorder, self.clock, self.node = office.recorder, office.recorder.clock, office.node
        self.config, self.table, self.driver = office.config, office.table, self
        self.board.log = self.log._stream
        self.tell = self.log.exchange

    def asks(self, line):
        return "".join(commands.answer(line, self))


def test_a_line_of_the_log_that_was_cut_amid_a_letter_is_shown():
    desk = Desk()
    desk.recorder.keep("dhcpd.conf line 1: warning: " + "\u00fc" * 99)
    desk.recorder.keep("x" + "\u00fc" * 99)
    assert desk.asks("show log").count("\u00fc\n") == 2


def test_why_a_client_got_its_address():
    desk = Desk()
    desk.office.lease(1, option(12, b"till-7"))
    told = desk.asks("why 10.77.1.1")
    assert told.startswith("10.77.1.1 is leased to 02:00:00:00:00:01 (till-7) until 2020-01-01 12:16:40 UTC")
    assert "asked for an address: offered 10.77.1.1\n" in told
    assert "took the offer of 10.77.1.1: it has it for 43200 s\n" in told and "Last answered: " in told
    for which in ("till-7", "TILL-7", "02:00:00:00:00:01", "2-0-0-0-0-1"):
        assert desk.asks("why " + which) == told, which


def test_why_a_client_got_none_no_address_was_free():
    desk = Desk()
    for hw in (1, 2, 3):
        desk.office.lease(hw, option(12, b"till-%d" % hw))
    told = desk.asks("why 02:00:00:00:00:03")
    assert told.endswith("So: no answer: no address was free in network 10.77.0.0/16; show pools.\n")
    assert "So: no answer: no address was free" in desk.asks("why till-3"), "its name is known by the refusal only"
    assert "till-3" not in desk.asks("why 10.77.1.1")


def test_why_a_client_got_none_every_reason():
    desk = Desk(POOLS)
    office = desk.office
    office.discover(1)
    assert "in pools that are closed to it (allow, deny)" in desk.asks("why 02:00:00:00:00:01")
    office.discover(2, giaddr="10.99.0.1")
    told = desk.asks("why 02:00:00:00:00:02")
    assert "through the relay agent 10.99.0.1: no answer: no subnet of the configuration holds 10.99.0.1" in told
    office.reboot("10.99.0.7", 3)
    assert "NAK: that address is not of the network" in desk.asks("why 02:00:00:00:00:03")
    office.send(message(3, 4, option(50, ip("10.77.1.1")) + option(54, ip("10.77.0.9"))))
    told = desk.asks("why 02:00:00:00:00:04")
    assert "it chose another server, 10.77.0.9" in told and "relay" not in told
    office.reboot("10.77.1.1", 5)
    assert "So: NAK: that address is another client's" in desk.asks("why 02:00:00:00:00:05")
    office.reboot("10.77.2.200", 6)
    assert "So: no answer: that address is in no range here" in desk.asks("why 02:00:00:00:00:06")


def test_why_of_addresses_nobody_asked_for():
    desk = Desk(POOLS)
    assert desk.asks("why 10.77.2.9").startswith("10.77.2.9 is kept for the host declaration printer\nNothing about it")
    assert desk.asks("why printer") == desk.asks("why 10.77.2.9")
    assert desk.asks("why 10.77.3.3").startswith("10.77.3.3 is in no range\nNothing is known of")
    assert "in no subnet of the configuration" in desk.asks("why 10.3.3.3")
    assert "10.77.1.1 is free\n" in desk.asks("why 10.77.1.1")
    assert "is it on this network?" in desk.asks("why nobody")


def test_why_a_declined_address_is_left_alone_and_a_released_one_is_free():
    desk = Desk()
    desk.office.lease(1)
    desk.office.send(message(4, 1, option(50, ip("10.77.1.1")) + option(54, ip("10.77.0.2"))))
    told = desk.asks("why 10.77.1.1")
    assert "10.77.1.1 is abandoned until 2020-01-02 " in told and "declined 10.77.1.1: somebody else uses it" in told
    desk.office.lease(2)
    desk.office.release("10.77.1.2", 2)
    told = desk.asks("why 10.77.1.2")
    assert "10.77.1.2 is free; was last leased to 02:00:00:00:00:02\n" in told and "released 10.77.1.2" in told


def test_why_for_programs():
    desk = Desk()
    desk.office.lease(1)
    desk.office.lease(1)
    told = json.loads(desk.asks("why 10.77.1.1 json"))
    assert told["leases"][0]["state"] == "active" and len(told["events"]) == 2 and told["events"][0]["times"] == 2
    assert told["events"][1]["hardware"] == "02:00:00:00:00:01" and told["events"][1]["relay"] is None
    assert "(2 times)" in told["events"][0]["told"]


def test_a_board_that_serves_nobody_says_so():
    for line in (b"why 10.0.0.1", b"capture", b"capture off", b"log level error"):
        assert "!1 error" in said(b"!1 " + line + b"\r"), line


def test_packets_are_kept_from_the_first_question_on():
    desk = Desk()
    desk.office.discover(9)
    assert "From now on packets are kept" in desk.asks("capture")
    assert "No packet has come in" in desk.asks("capture")
    desk.office.discover(1, option(12, b"till-7") + option(55, b"\1\3\6"))
    desk.office.send(b"rubbish")
    told = desk.asks("capture").split("\n")
    assert "in  eth0" in told[0] and " DISCOVER xid 12345678 02:00:00:00:00:01," in told[0]
    assert ' name "till-7", asks for 1 3 6' in told[0]
    assert "out eth0" in told[1] and "OFFER" in told[1] and "yiaddr 10.77.1." in told[1] and "lease 43200 s" in told[1]
    assert told[2].endswith("7 octets, not read: shorter than a BOOTP header")
    assert desk.asks("capture 1").split("\n") == told[2:]
    found = json.loads(desk.asks("capture json"))
    assert [packet["way"] for packet in found] == ["in", "out", "in"] and found[0]["link"] == "eth0"
    for wrong in ("0", "x", "1000"):
        assert "write one from 1 to" in said(b"!1 capture %s\r" % wrong.encode(), desk)
    assert "no packets are kept any more" in desk.asks("capture off") and desk.recorder.capture is None


def test_the_capture_is_bounded():
    desk = Desk()
    desk.asks("capture")
    for n in range(100):
        desk.office.discover(n, option(43, b"v" * 250), secs=n)
    kept = json.loads(desk.asks("capture json"))
    assert 5 <= len(kept) <= 20 and "secs 99" in kept[-2]["told"]


def test_show_log_has_lines_and_requests_in_order():
    desk = Desk()
    desk.clock.now = 900
    desk.recorder.keep("Listening on eth0")
    desk.office.lease(1)
    desk.clock.now = 2000
    desk.recorder.keep("Could not send a reply via eth0: errno 101")
    told = desk.asks("show log").split("\n")
    assert [line[21:40] for line in told] == ["Listening on eth0", "02:00:00:00:00:01 a", "02:00:00:00:00:01 t"] + [
        "Could not send a re",
        "",
    ]
    found = json.loads(desk.asks("show log json"))
    assert found["level"] == "info" and len(found["lines"]) == 4 and found["syslog"] is None


def test_the_level_of_the_log():
    desk = Desk()
    office = desk.office
    office.lease(1)
    desk.tell(desk.node, desk.node.links[0])
    desk.asks("log level warning")
    assert desk.recorder.level == WARNING
    desk.tell(desk.node, desk.node.links[0])
    desk.log.flush()
    assert desk.log._stream.octets.count(b"DHCPACK") == 1
    office.lease(2)
    office.discover(3)
    desk.tell(desk.node, desk.node.links[0])
    desk.log.flush()
    assert b"no free leases" in desk.log._stream.octets
    assert "log level info" in desk.asks("show log")
    desk.asks("log level debug")
    office.discover(3)
    assert b"in  eth0" in desk.log._stream.octets
    assert "!1 error" in said(b"!1 capture off\r", desk)
    desk.asks("log level info")
    assert "no packets were kept" in desk.asks("capture off"), "they took memory"


def test_following_the_log_ends_with_a_key():
    desk = Desk()
    desk.clock.source = "rtc"
    printed = said(b"log follow\rxshow version\r", desk)
    assert "A key ends it.\r\ntwinlease> show version\r\n" in printed, "the key is no part of the next line"
    printed = said(b"!1 log follow\r!2 show version\r", desk)
    assert "!1 ok" in printed and "!2 ok" in printed, "a program's next line is"


def test_how_much_a_line_matters():
    assert severity.of("DHCPDISCOVER from 02:00 via eth0: network 10.0.0.0/8: no free leases") == 3
    assert severity.of("Abandoning IP address 10.0.0.5: pinged before offer") == 4
    assert severity.of("DHCPACK on 10.0.0.5 to 02:00:00:00:00:01 via eth0") == 6
