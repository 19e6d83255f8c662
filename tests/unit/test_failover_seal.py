"""Authenticated messages: what a partner with the same key says is taken, and nothing else."""

from binascii import hexlify, unhexlify

from twinlease.failover import seal as seals
from twinlease.failover import wire as w
from twinlease.failover.seal import DIGEST_FAILED, DIGEST_MISSING, Hmac, Seal
from twinlease.failover.wire import Message
from twinlease.failover.writer import Writer

KEY = b"0123456789abcdef"
NOW = 100000

# RFC 4231, section 4: key, data, HMAC-SHA-256 (of case 5 the first 16 octets).
RFC_4231 = (
    (b"\x0b" * 20, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
    (b"Jefe", b"what do ya want for nothing?", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
    (b"\xaa" * 20, b"\xdd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
    (bytes(range(1, 26)), b"\xcd" * 50, "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"),
    (b"\x0c" * 20, b"Test With Truncation", "a3b6167473100ee06e0c796c2955552b"),
    (
        b"\xaa" * 131,
        b"Test Using Larger Than Block-Size Key - Hash Key First",
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ),
    (
        b"\xaa" * 131,
        b"This is a test using a larger than block-size key and a larger than block-size data. "
        b"The key needs to be hashed before being used by the HMAC algorithm.",
        "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ),
)


def test_hmac_as_in_rfc_4231():
    for key, data, want in RFC_4231:
        found = Hmac(key).digest(data)
        assert hexlify(found)[: len(want)] == want.encode(), data
        assert Hmac(key).digest(data[:3], data[3:5], data[5:]) == found
    h = Hmac(b"another")
    h.rekey(RFC_4231[1][0])
    assert h.digest(RFC_4231[1][1]) == unhexlify(RFC_4231[1][2]), "nothing of the key before is left"


class Side:
    """One end of a connection: a Writer and its Seal."""

    def __init__(self, primary, key=KEY, name=b"p", salt=b"", size=1024):
        self.seal = Seal(key, name, primary, salt + (b"1" if primary else b"2"))
        self.writer = Writer(size)

    def says(self, kind, *args):
        """The octets of one message; None if there was no room."""
        writer = self.writer
        start = writer.end
        end = self.seal.sign(writer.buf, start, writer.end) if getattr(writer, kind)(*args) else -1
        writer.end = end if end >= 0 else start
        return bytes(writer.buf[start:end]) if end >= 0 else None

    def connect(self):
        return self.says("connect", NOW, b"p", 10, 60, b"v", 600, bytes(32))

    def connectack(self, connect):
        return self.says("connectack", NOW, connect, w.XID, b"p", 10, 60, b"v")

    def contact(self):
        return self.says("bare", w.CONTACT, NOW)

    def hears(self, octets):
        message = Message()
        # Not at the beginning of the buffer: where a message stands there must not matter.
        assert message.read(b"-----" + octets, 5, len(octets)) == 0
        return self.seal.check(message)


def pair():
    return Side(True), Side(False)


def linked():
    one, two = pair()
    connect = one.connect()
    assert two.hears(connect) == 0
    assert one.hears(two.connectack(connect)) == 0
    return one, two


def test_both_with_the_same_key_understand_each_other():
    one, two = linked()
    for _ in range(3):
        assert two.hears(one.contact()) == 0
        assert two.hears(one.says("state", NOW, 2, 0, NOW)) == 0
        assert one.hears(two.contact()) == 0


def test_what_is_signed_is_a_message_of_the_protocol():
    one, _ = pair()
    for octets, more in ((one.connect(), 40), (one.contact(), 20)):
        message = Message()
        assert message.read(octets, 0, len(octets)) == 0
        assert octets[0] << 8 | octets[1] == len(octets)
        plain = Writer(200)
        if message.type == w.CONNECT:
            plain.connect(NOW, b"p", 10, 60, b"v", 600, bytes(32))
        else:
            plain.xid = 1
            plain.bare(w.CONTACT, NOW)
        assert octets[2 : len(octets) - more] == plain.buf[2 : plain.end], "the rest is as it was"
        assert message.where[w.OWN + 15] + 16 == len(octets), "MAC is the last option"


def test_each_octet_that_is_altered_is_noticed():
    one, two = linked()
    octets = one.says("state", NOW, 2, 0, NOW)
    tried = 0
    for i in range(len(octets)):
        for bit in (1, 128):
            altered = bytearray(octets)
            altered[i] ^= bit
            message = Message()
            if message.read(altered, 0, len(altered)) == 0:
                tried += 1
                assert two.seal.check(message), i
    assert tried > 60
    assert two.hears(octets) == 0, "refusing has changed nothing"


def test_another_key():
    one, two = pair()
    connect = one.connect()
    assert Side(False, b"0123456789abcdeF").hears(connect) == DIGEST_FAILED
    assert two.hears(Side(True, b"").connect()) == DIGEST_FAILED
    other = Side(False, KEY + b"\1")
    assert one.hears(other.connectack(connect)) == DIGEST_FAILED
    assert Side(False, name=b"q").hears(connect) == 0, "the name is for judge(), and ..."
    one, two = Side(True, name=b"p"), Side(False, name=b"q")
    connect = one.connect()
    assert two.hears(connect) == 0 and one.hears(two.connectack(connect)) == 0
    assert two.hears(one.contact()) == DIGEST_FAILED, "... another relationship is another session"


def test_no_key():
    one, two = linked()
    bare = Writer(100)
    bare.bare(w.CONTACT, NOW)
    assert two.hears(bytes(bare.buf[: bare.end])) == DIGEST_MISSING
    bare.clear()
    bare.connect(NOW, b"p", 10, 60, b"v", 600, b"")
    assert Side(False).hears(bytes(bare.buf[: bare.end])) == DIGEST_MISSING
    assert one.seal.why(DIGEST_MISSING) != one.seal.why(DIGEST_FAILED)


def test_a_session_that_was_recorded():
    one, two = pair()
    said = [one.connect()]
    assert two.hears(said[0]) == 0
    answer = two.connectack(said[0])
    assert one.hears(answer) == 0
    said += [one.contact(), one.contact()]
    for octets in said[1:]:
        assert two.hears(octets) == 0
    two.seal.open()
    assert two.hears(said[0]) == 0, "a CONNECT alone cannot be told from a new one"
    assert two.connectack(said[0]) != answer
    assert two.hears(said[1]) == DIGEST_FAILED and two.hears(said[2]) == DIGEST_FAILED
    one.seal.open()
    one.connect()
    assert one.hears(answer) == DIGEST_FAILED, "it answers another nonce"


def test_a_message_twice_left_out_in_another_order_or_sent_back():
    one, two = linked()
    first, second = one.contact(), one.contact()
    assert two.hears(second) == DIGEST_FAILED
    assert two.hears(first) == 0 and two.hears(first) == DIGEST_FAILED
    assert one.hears(second) == DIGEST_FAILED, "sent back"
    assert two.hears(second) == 0


def test_before_the_session_nothing_but_its_beginning_is_good():
    one, two = pair()
    assert two.hears(one.contact()) == DIGEST_FAILED
    one, two = linked()
    assert two.hears(one.connect()) == DIGEST_FAILED, "and within it, no beginning"
    one, _ = pair()
    assert one.hears(Side(True, salt=b"x").connect()) == 0, "two primaries: that is for judge() to say"


def test_nothing_can_be_appended():
    """The length in the header is signed, so MAC is the last option, or it is wrong."""
    one, two = linked()
    octets = bytearray(one.contact())
    octets += b"\x54\x05\0\1x"
    octets[1] += 5
    assert two.hears(octets) == DIGEST_FAILED


def test_no_nonce_is_used_twice():
    seen = set()
    for salt in (b"board, start 1, slot 0", b"board, start 1, slot 1", b"board, start 2, slot 0"):
        side = Side(True, salt=salt)
        for _ in range(3):
            octets = side.connect()
            seen.add(octets[-36:-20])
            side.seal.open()
    assert len(seen) == 9


def test_a_message_without_room_has_never_been():
    one, two = Side(True, size=150), Side(False)
    connect = one.connect()
    assert two.hears(connect) == 0 and one.hears(two.connectack(connect)) == 0
    end = one.writer.end
    n = 0
    while one.contact() is not None:
        n += 1
        end += 32
    assert n == (150 - len(connect)) // 32 and one.writer.end == end
    one.writer.clear()
    for _ in range(n):
        two.seal._heard[4] += 1  # those above have been heard
    assert two.hears(one.contact()) == 0


def test_counts_go_on_beyond_an_octet():
    one, two = linked()
    for _ in range(600):
        octets = one.contact()
        assert two.hears(octets) == 0
        one.writer.clear()


def test_signing_and_checking_leave_little_behind():
    """So many octets of garbage a message, on MicroPython: two hash objects, their results, one slice."""
    import gc

    if not hasattr(gc, "mem_alloc"):
        return
    one, two = linked()
    one.writer.clear()
    one.contact()
    message = Message()
    assert message.read(one.writer.buf, 0, one.writer.end) == 0
    gc.collect()
    gc.disable()
    try:
        before = gc.mem_alloc()
        assert two.seal.check(message) == 0
        checked = gc.mem_alloc() - before
        end = one.seal.sign(one.writer.buf, 0, 12)
        signed = gc.mem_alloc() - before - checked
    finally:
        gc.enable()
    assert end == 32 and checked <= 700 and signed <= 700, (checked, signed)
    assert seals.DIGEST_FAILED == 20
