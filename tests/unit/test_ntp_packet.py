"""SNTP's octets: what we ask, what of an answer is believed, what we answer ourselves; and the DNS question before."""

import micropython
from ntps import answer, short, stamp
from twinlease.ntp import dns, packet
from twinlease.ntp import source as why
from twinlease.ntp.answer import Answerer, put_time
from twinlease.ntp.source import Source, State

NONCE = b"\xf1\x02\x03\x04\x05\x06\x07\x08"
T = 217_000_000_123


def test_a_question_tells_nothing_but_its_nonce():
    octets = packet.request(NONCE)
    assert octets == b"\x23" + bytes(39) + NONCE


def test_a_good_answer_is_read():
    octets = answer(NONCE, T, T + 7, delay=30, dispersion=12)
    assert packet.judge(octets) == why.GOOD and packet.origin(octets) == NONCE
    assert (packet.received(octets), packet.transmitted(octets)) == (T, T + 7)
    assert 30 <= packet.root_delay(octets) <= 31 and 12 <= packet.root_dispersion(octets) <= 13


def test_times_after_the_end_of_the_first_era_are_read():
    for year_ms in (0, 509_000_000_000, 1_073_000_000_000):  # 2020; 2036-02, where NTP's seconds begin anew; 2053
        assert packet.transmitted(answer(NONCE, year_ms)) == year_ms


def test_answers_that_do_not_count_say_why():
    good = answer(NONCE, T)
    for octets, reason in (
        (good[:47], why.SHORT),
        (b"", why.SHORT),
        (answer(NONCE, T, first=0x23), why.NO_SERVER),
        (answer(NONCE, T, first=0x25), why.NO_SERVER),
        (answer(NONCE, T, first=0x3C), why.NO_SERVER),
        (answer(NONCE, T, stratum=0, reference=b"DENY"), why.DENIED),
        (answer(NONCE, T, stratum=0, reference=b"RSTR"), why.DENIED),
        (answer(NONCE, T, stratum=0, reference=b"RATE"), why.TOO_OFTEN),
        (answer(NONCE, T, stratum=0, first=0xE4, reference=b"INIT"), why.KISS),
        (answer(NONCE, T, stratum=0, reference=bytes(4)), why.UNSYNCHRONISED),
        (answer(NONCE, T, first=0xE4), why.UNSYNCHRONISED),
        (answer(NONCE, T, stratum=16), why.BAD_STRATUM),
        (answer(NONCE, T, T - 1), why.BAD_TIMES),
        (good[:40] + bytes(8), why.BAD_TIMES),
        (good[:32] + bytes(8) + good[40:], why.BAD_TIMES),
        (answer(NONCE, T, dispersion=1500), why.TOO_FAR),
        (answer(NONCE, T, delay=2000, dispersion=501), why.TOO_FAR),
    ):
        assert packet.judge(octets) == reason, (octets, reason)


def test_a_root_delay_below_zero_is_none():
    octets = bytearray(answer(NONCE, T))
    octets[4] = 0xFF
    assert packet.root_delay(bytes(octets)) == 0


def asked(first=0x23):
    return bytes((first,)) + bytes((3, 7, 0)) + bytes(36) + NONCE


def followed(error_ms=20):
    state = State([b"\x0a\0\0\x05"])
    state.peer = peer = state.sources[0]
    peer.stratum, peer.root_delay, peer.delay = 3, 10, 4
    a = Answerer()
    assert a.receive(asked(), 217_000_000, 250)
    a.tell(state, error_ms, 216_999_990)
    a.send(217_000_000, 251)
    return a.buf


def test_our_answer_tells_the_time_and_how_good_it_is():
    octets = bytes(followed())
    assert packet.judge(octets) == why.GOOD and packet.origin(octets) == NONCE
    assert octets[0] == 0x24 and octets[1] == 4 and octets[2] == 7 and octets[12:16] == b"\x0a\0\0\x05"
    assert octets[16:24] == stamp(216_999_990_000)[:4] + bytes(4)
    assert packet.received(octets) in (217_000_000_249, 217_000_000_250)
    assert packet.transmitted(octets) in (217_000_000_250, 217_000_000_251)
    assert 14 <= packet.root_delay(octets) <= 15
    assert 20 <= packet.root_delay(octets) // 2 + packet.root_dispersion(octets) <= 22, "no more, no less than we know"


def test_a_server_whose_address_is_looked_up_again_is_still_followed():
    """It has a name, and has been silent for a while: its address is not known, the time is (found by fuzzing)."""
    state = State(["time.example"])
    state.peer = state.sources[0]
    state.peer.stratum = 2
    a = Answerer()
    assert a.receive(asked(), 217_000_000, 250)
    a.tell(state, 5, 216_999_990)
    assert a.buf[1] == 3 and bytes(a.buf[12:16]) == bytes(4)


def test_a_clock_that_nobody_set_or_that_has_run_too_long_says_so():
    state = State([b"\x0a\0\0\x05"])
    for told, error_ms in ((None, -1), (state, 5), (None, 5)):
        a = Answerer()
        assert a.receive(asked(), 217_000_000, 250)
        a.tell(told, error_ms, 0)
        assert a.buf[0] == 0xE4 and a.buf[1] == 0 and bytes(a.buf[12:16]) == b"INIT"
    octets = followed(1000)
    assert octets[0] == 0xE4 and octets[1] == 0 and bytes(octets[4:12]) == bytes(8)


def test_a_leap_second_that_our_server_announces_is_passed_on():
    for leap in (0, 1, 2):
        state = State([b"\x0a\0\0\x05"])
        state.peer = state.sources[0]
        state.peer.stratum, state.peer.leap = 3, leap
        a = Answerer()
        assert a.receive(asked(), 217_000_000, 250)
        a.tell(state, 20, 216_999_990)
        assert a.buf[0] == leap << 6 | 0x24


def test_only_clients_are_answered():
    a = Answerer()
    for first in (0x24, 0x25, 0x26, 0x27, 0x21, 0x22, 0x20, 0x03, 0x2B):
        assert not a.receive(asked(first), 217_000_000, 0), first
    assert not a.receive(asked()[:47], 217_000_000, 0)
    assert a.receive(asked(0x0B), 217_000_000, 0) and a.buf[0] & 0x38 == 0x08, "version 1 hears version 1"
    assert a.receive(asked() + bytes(20), 217_000_000, 0), "a client with a key gets an answer without one"


def test_a_client_that_asks_too_often_goes_without_and_keeps_nobody_else_out():
    a = Answerer()
    assert [a.admits(5, 800) for _ in range(22)].count(True) == 20
    assert a.admits(6, 801) and not a.admits(5, 807) and a.admits(5, 808) and a.dropped == 3
    assert [a.admits(i * 4097, 820) for i in range(1000)].count(True) <= 320


def test_times_are_written_by_halves():
    buf = bytearray(10)
    for s, ms in ((0, 0), (217_000_000, 999), (508_141_695, 1), (508_141_696, 0), (0x3FFFFFFE, 500)):
        put_time(buf, 1, s, ms)
        assert bytes(buf[1:7]) == stamp(s * 1000)[:4] + ((ms << 16) // 1000).to_bytes(2, "big"), s


def test_a_name_is_asked_for_and_its_address_is_found():
    question = dns.question("time.example.net", b"\x12\x34")
    assert question == b"\x12\x34\1\0\0\1\0\0\0\0\0\0\4time\7example\3net\0\0\1\0\1"
    alias = b"\xc0\x0c\0\5\0\1\0\0\0\x3c\0\6\3two\xc0\x11"
    address = b"\xc0\x2e\0\1\0\1\0\0\0\x3c\0\4\x0a\0\0\7"
    good = b"\x12\x34\x81\x80\0\1\0\2\0\0\0\0" + question[12:] + alias + address
    assert dns.address(good, question) == b"\x0a\0\0\7"
    assert dns.address(b"\x12\x35" + good[2:], question) is None, "another question's"
    assert dns.address(good[:3] + b"\x83" + good[4:], question) is None, "no such name"
    assert dns.address(good.replace(b"time", b"tide"), question) is None
    for n in range(len(good)):
        assert dns.address(good[:n], question) is None, n


def test_names_that_run_in_circles_end():
    question = dns.question("a", b"\0\1")
    head = b"\0\1\x81\x80\0\1\xff\xff\0\0\0\0" + question[12:]
    assert dns.address(head + b"\1a" * 200, question) is None
    assert dns.address(head + b"\xc0\x0c\0\5\0\1\0\0\0\0\0\0" * 40, question) is None


def test_a_source_is_what_the_configuration_names():
    assert Source(b"\x0a\0\0\1").address == b"\x0a\0\0\1" and Source("x.example").address is None
    assert short(1000) == b"\0\1\0\0"


def test_an_answer_allocates_nothing():
    """On MicroPython, with the heap locked."""
    lock, unlock = getattr(micropython, "heap_lock", int), getattr(micropython, "heap_unlock", int)
    state = State([b"\x0a\0\0\x05"])
    state.peer = peer = state.sources[0]
    peer.stratum, peer.root_delay, peer.delay = 3, 10, 4
    a = Answerer()
    question = asked()
    lock()
    try:
        told = a.receive(question, 217_000_000, 250) and a.admits(77, 217_000_000)
        a.tell(state, 20, 216_999_990)
        a.send(217_000_000, 251)
    finally:
        unlock()
    assert told and a.answered == 1
