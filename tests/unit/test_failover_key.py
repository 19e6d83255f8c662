"""Two Peers with a key: with the same one they are a pair, and nobody else gets a word in."""

from failover_pair import FILE, Pair
from twinlease.failover import states as s
from twinlease.failover import wire as w
from twinlease.failover.seal import DIGEST_FAILED, DIGEST_MISSING
from twinlease.failover.wire import Message
from twinlease.failover.writer import Writer

KEY = FILE.replace("split 128;", 'split 128; key "0123456789abcdef";')
OTHER = FILE.replace("split 128;", 'split 128; key "another secret!!";')
FAILED = "message digest failed: the partner has another key"
MISSING = "missing message digest: this server has a key, its partner has none or is an ISC dhcpd"


def pair_of(one, two):
    pair = Pair(one, start=False)
    pair.b.file = two
    for side in pair.sides:
        side.start(pair.up)
    return pair


def messages(side, kind):
    """What a side has said of a kind, read."""
    found = []
    for k, octets in side.said:
        if k == kind:
            message = Message()
            assert message.read(octets, 0, len(octets)) == 0
            found.append(message)
    return found


def is_alone(side):
    return not side.peer.linked and side.state == s.STARTUP and side.peer.record.partner == s.UNKNOWN


def test_with_the_same_key_they_are_a_pair_again_and_again():
    pair = Pair(KEY)
    assert pair.until(pair.settled, 50) <= 10
    pair.cut()
    pair.run(20)
    pair.heal()
    pair.until(pair.settled, 100)
    pair.restart(pair.b)
    pair.until(pair.settled, 100)
    for side in pair.sides:
        for _, octets in side.said:
            assert octets[-20:-16] == b"\x54\x0f\0\x10", octets
    nonces = {m.buf[-36:-20] for side in pair.sides for m in messages(side, w.CONNECT) + messages(side, w.CONNECTACK)}
    assert len(nonces) >= 6


def test_another_key_is_refused_and_both_say_so():
    pair = pair_of(KEY, OTHER)
    pair.run(60)
    assert is_alone(pair.a) and is_alone(pair.b)
    assert messages(pair.b, w.CONNECTACK)[0].octet(w.REJECT_REASON) == DIGEST_FAILED
    assert "Failover CONNECT from fo-lab: " + FAILED in pair.b.store.lines
    assert "Failover CONNECT to fo-lab rejected: Message digest failed to compare." in pair.a.store.lines


def test_no_key_on_one_side_is_refused():
    pair = pair_of(FILE, KEY)
    pair.run(60)
    assert is_alone(pair.a) and is_alone(pair.b)
    assert messages(pair.b, w.CONNECTACK)[0].octet(w.REJECT_REASON) == DIGEST_MISSING
    assert "Failover CONNECT from fo-lab: " + MISSING in pair.b.store.lines
    assert "Failover CONNECT to fo-lab rejected: Missing message digest." in pair.a.store.lines
    pair = pair_of(KEY, FILE)
    pair.run(60)
    assert is_alone(pair.a) and pair.b.state != s.NORMAL
    assert messages(pair.a, w.DISCONNECT)[0].octet(w.REJECT_REASON) == DIGEST_MISSING
    assert "Failover CONNECTACK from fo-lab: " + MISSING in pair.a.store.lines


def test_the_same_refusal_is_said_once_a_minute():
    for one, two in ((KEY, OTHER), (FILE, KEY), (KEY, FILE)):
        pair = pair_of(one, two)
        pair.run(60)
        before = [refusals(side) for side in pair.sides]
        pair.run(400)
        assert [refusals(side) for side in pair.sides] == before, pair.a.log() + pair.b.log()
        pair.run(300)
        after = [refusals(side) for side in pair.sides]
        assert before[0] and before[1] and after[0] > before[0] and after[1] > before[1], (before, after)
        assert sum(after) <= 2 * sum(before)


def refusals(side):
    return len([line for line in side.store.lines if "digest" in line or "connected" in line])


def test_an_isc_dhcpd_is_refused_with_a_sentence():
    pair = pair_of(KEY, KEY)
    b = pair.b.peer
    c = b.opened(False, pair.b.now(pair.up), pair.up)
    isc = Writer(500)
    isc.connect(pair.b.now(pair.up), b"fo-lab", 10, 60, b"isc-V4.4.3-P1", 60, bytes(32))
    b.received(c, isc.buf, isc.end, 0, pair.b.now(pair.up), pair.up)
    pair.b.flush()
    reject = messages(pair.b, w.CONNECTACK)[0]
    at = reject.where[w.MESSAGE_TEXT]
    assert reject.octet(w.REJECT_REASON) == DIGEST_MISSING
    assert reject.buf[at : at + reject.size[w.MESSAGE_TEXT]] == MISSING.encode()
    assert b.closing[c] and not b.linked


def hear(side, up, octets):
    """These octets on a new connection to a side; returns whether it closes it."""
    now = side.now(up)
    c = side.peer.opened(False, now, up)
    assert c >= 0
    taken = side.peer.received(c, octets, len(octets), 0, now, up)
    side.flush()
    closing = side.peer.closing[c]
    side.peer.closed(c, now, up)
    side.out[c] = bytearray()
    side.flush()
    assert taken == len(octets) or closing
    return closing


def recorded(side):
    return b"".join([octets for _, octets in side.said])


def test_a_recorded_session_changes_nothing():
    pair = Pair(KEY)
    pair.until(pair.settled, 50)
    old = recorded(pair.a)
    pair.restart(pair.a)  # so that the old CONNECT is one of another start, which else replaces a link
    pair.until(pair.settled, 100)
    assert old.count(b"\x54\x0f\0\x10") > 4
    link = pair.b.peer.link
    assert hear(pair.b, pair.up, old), "on a link that stands"
    assert pair.b.peer.link is link and pair.normal()
    assert "Failover CONNECT from fo-lab: already connected" in pair.b.store.lines
    pair.cut()
    pair.run(20)
    assert not pair.b.peer.linked
    was = pair.b.peer.record
    pair.b.store.lines = []
    assert hear(pair.b, pair.up, old), "while there is none"
    assert [True for line in pair.b.store.lines if "a message that is not authentic" in line], pair.b.log()
    assert (pair.b.peer.record.state, pair.b.peer.record.partner) == (was.state, was.partner)
    pair.heal()
    pair.until(pair.settled, 100)


def spoil(pair, change):
    """Run a while with `change(octets)` on all that a says from now on; then without."""
    flush = pair.a.flush

    def spoilt():
        flush()
        for c in range(2):
            pair.a.out[c] = bytearray(change(bytes(pair.a.out[c])))

    pair.a.flush = spoilt
    pair.b.store.lines = []
    pair.run(15)
    pair.a.flush = flush
    assert [True for line in pair.b.store.lines if "a message that is not authentic" in line], pair.b.log()
    pair.until(pair.settled, 200)


def test_altered_repeated_and_unknown_messages_end_the_connection():
    pair = Pair(KEY)
    pair.until(pair.settled, 50)
    spoil(pair, lambda octets: octets[:7] + bytes((octets[7] ^ 1,)) + octets[8:] if octets else octets)
    spoil(pair, lambda octets: octets + octets)
    spoil(pair, lambda octets: b"\0\x0c\x63\x0c" + bytes(8) + octets)
