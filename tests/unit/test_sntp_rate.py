"""The crystal's rate in flash, and hostile answers: what stays of asking time servers, and what does not."""

from leases import Dice, Nor, small
from ntps import answer
from twinlease.lease.journal import Journal
from twinlease.net.sntp import META_DRIFT, Sntp
from twinlease.ntp import choose, dns, packet
from twinlease.ntp.answer import Answerer
from twinlease.ntp.source import GOOD, Source


class Board:
    def __init__(self):
        self.ms = 0

    def ticks_ms(self):
        return self.ms

    def ticks_diff(self, a, b):
        return a - b


class App:
    def __init__(self, flash):
        self.board = Board()
        self.journal = Journal(flash, small(10))
        self.journal.recover()


def passes(sntp, hours):
    sntp.app.board.ms += hours * 3600000
    sntp.time()


def test_the_rate_is_kept_when_it_has_changed_and_seldom():
    flash = Nor(64)
    app = App(flash)
    sntp = Sntp(app, (b"\x0a\0\0\1",))
    assert sntp.trim.rate == 0
    sntp.trim.rate = 15
    sntp._keep_rate()
    assert app.journal.get_meta(META_DRIFT) is None, "a change below 1 ppm is not worth it"
    sntp.trim.rate = -700
    sntp._keep_rate()
    assert Sntp(app, ()).trim.rate == -700, "the first time it is known, at once"
    programmed = app.journal.programmed
    for hours in (1, 2):
        passes(sntp, hours)
        sntp.trim.rate -= 100
        sntp._keep_rate()
    assert app.journal.programmed == programmed, "not more often than every four hours"
    passes(sntp, 1)
    sntp._keep_rate()
    app = App(flash.reboot())
    assert Sntp(app, ()).trim.rate == -900
    assert app.journal.programmed == 0


def test_what_is_no_rate_in_flash_is_none():
    app = App(Nor(64))
    app.journal.put_meta(META_DRIFT, b"abc")
    assert Sntp(app, ()).trim.rate == 0


def test_seconds_pass_without_loss():
    sntp = Sntp(App(Nor(64)), (b"\x0a\0\0\1",))
    for _ in range(1000):
        sntp.app.board.ms += 333
        sntp.time()
    assert sntp.up == 333


def test_the_operator_asks_all_but_those_that_do_not_want_it():
    sntp = Sntp(App(Nor(64)), (b"\x0a\0\0\1", b"\x0a\0\0\2", b"\x0a\0\0\3"))
    denied, slow, other = sntp.state.sources
    denied.next_at, slow.poll, slow.next_at, other.next_at = 0x1FFFFFFF, 8, 300, 900
    passes(sntp, 0)
    assert sntp.ask_now() and (denied.next_at, slow.next_at, other.next_at) == (0x1FFFFFFF, 300, 0)
    other.poll = 7
    assert not sntp.ask_now()


def test_no_octets_whatever_bring_it_down():
    seed = 20261122
    dice = Dice(seed)
    nonce = bytes(8)
    source = Source(b"\x0a\0\0\1")
    question = dns.question("time.example.net", b"\0\1")
    answerer = Answerer()
    good = 0
    for n in range(3000):
        octets = bytearray(answer(nonce, 217_000_000_000 + n)) if n & 1 else bytearray(dice.below(80))
        for _ in range(dice.below(6)):
            if octets:
                octets[dice.below(len(octets))] = dice.below(256)
        octets = bytes(octets)
        answerer.receive(octets, 217_000_000, 5)
        dns.address(question[:2] + b"\x81\x80\0\1\0\7\0\0\0\0" + question[12:] + octets, question)
        packet.origin(octets)
        if packet.judge(octets) == GOOD:
            good += 1
            delay = max(packet.transmitted(octets) - packet.received(octets), 0)
            source.root_delay = packet.root_delay(octets)
            choose.add(source, packet.transmitted(octets), delay, n)
            source.reach = 1
            assert choose.choose([source], n, -1) == [source], seed
    assert 100 < good < 1500, (seed, good)
