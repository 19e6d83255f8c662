"""The failover codec: real captures octet for octet, streams that lie, the parser's rules (reference section 1)."""

import sys

import captures
import micropython
from twinlease.clock import FOREVER, UNIX_2020
from twinlease.failover import wire as w
from twinlease.failover import words
from twinlease.failover.writer import Binding, Writer

NAME = b"fo-lab"
SPLIT_128 = b"\xff" * 16 + bytes(16)


def option(code, value):
    return bytes([code >> 8, code & 255, len(value) >> 8, len(value) & 255]) + value


def message(kind, *options, payload=12, padding=b"", xid=b"\x00\x00\x00\x07"):
    body = padding + b"".join(options)
    size = 12 + len(body)
    return bytes([size >> 8, size & 255, kind, payload]) + b"\x6b\x02\xd3\xf3" + xid + body


def read(octets):
    m = w.Message()
    return m.read(bytearray(octets), 0, len(octets)), m


def reason(octets):
    return read(octets)[0]


def cut(octets, piece):
    """All messages of a stream that arrives in pieces of so many octets, and what next() said last."""
    stream, found, at, said = w.Stream(), [], 0, w.NEED_MORE
    while at < len(octets):
        upto = min(at + piece, len(octets))
        while at < upto:
            taken = stream.feed(octets, upto, at)
            assert taken > 0, "a stream that takes nothing stalls its link"
            at += taken
            said = stream.next()
            while said == w.MESSAGE:
                found.append(bytes(stream.buf[stream.at : stream.at + stream.size]))
                said = stream.next()
    return found, said


# Captures


def again(m, octets, out):
    """Write a message that was read anew, from what we understood of it."""
    now = m.sent_at
    buf, xid_at = octets, w.XID
    out.xid = m.xid()
    kind = m.type
    if kind in (w.CONNECT, w.CONNECTACK):
        relationship = (
            value(m, w.RELATIONSHIP_NAME),
            m.number(w.MAX_UNACKED_BNDUPD),
            m.number(w.RECEIVE_TIMER),
            value(m, w.VENDOR_CLASS_IDENTIFIER),
        )
        if kind == w.CONNECT:
            return out.connect(now, *relationship, m.number(w.MCLT), value(m, w.HASH_BUCKET_ASSIGNMENT))
        if m.octet(w.REJECT_REASON) < 0:
            return out.connectack(now, buf, xid_at, *relationship, m.octet(w.TLS_REPLY) >= 0)
        why = (m.octet(w.REJECT_REASON), value(m, w.MESSAGE_TEXT))
        return out.connectack_reject(now, buf, xid_at, *relationship, *why)
    if kind == w.STATE:
        return out.state(now, m.octet(w.SERVER_STATE), m.octet(w.SERVER_FLAGS), m.time(w.START_TIME_OF_STATE))
    if kind == w.BNDUPD:
        binding = Binding()
        assert binding.take(m)
        return out.bndupd(now, binding)
    if kind == w.BNDACK:
        at = m.where[w.ASSIGNED_IP_ADDRESS]
        if m.octet(w.REJECT_REASON) < 0:
            return out.bndack(now, buf, xid_at, octets, at)
        return out.bndack_reject(now, buf, xid_at, octets, at, m.octet(w.REJECT_REASON), value(m, w.MESSAGE_TEXT))
    if kind == w.POOLRESP:
        return out.poolresp(now, buf, xid_at, m.number(w.ADDRESSES_TRANSFERRED))
    if kind == w.UPDDONE:
        return out.upddone(now, buf, xid_at)
    if kind == w.DISCONNECT:
        return out.disconnect(now, m.octet(w.REJECT_REASON), value(m, w.MESSAGE_TEXT))
    return out.bare(kind, now)


def option_by_option(m, octets, out):
    """Write a message with the options that it has, in its order: for what a script sent with options missing."""
    out._begin_answer(m.type, m.sent_at, octets, w.XID)
    at = 12
    while at < len(octets):
        code, n = int.from_bytes(octets[at : at + 2], "big"), int.from_bytes(octets[at + 2 : at + 4], "big")
        assert m.where[code] == at + 4 and m.size[code] == n
        out._octets(code, octets, at + 4, n)
        at += 4 + n
    return out._finish()


def value(m, code):
    return bytes(m.buf[m.where[code] : m.where[code] + m.size[code]])


def test_every_message_of_every_capture_comes_back_octet_for_octet():
    kinds = set()
    for name in captures.NAMES:
        scripted = {"10": captures.SECONDARY, "11": captures.PRIMARY}.get(name[:2])
        count = 0
        for sender, octets in captures.streams(name):
            found, said = cut(octets, 1448)
            assert said == w.NEED_MORE and b"".join(found) == octets, name
            for one in found:
                why, m = read(one)
                assert why == 0, (name, words.REASONS[why], one)
                out = Writer(400)
                assert (option_by_option if sender == scripted else again)(m, one, out)
                assert bytes(out.buf[: out.end]) == one, (
                    name,
                    words.MESSAGE_NAMES[m.type],
                    one,
                    bytes(out.buf[: out.end]),
                )
                kinds.add(m.type)
                count += 1
        assert count >= 5, name
    assert sorted(kinds) == list(range(1, 13))


def test_a_real_link_is_the_same_whatever_the_pieces():
    for name in ("01-cold-start", "05-potential-conflict", "10-disconnect-from-isc-primary"):
        for _, octets in captures.streams(name):
            octets = octets[:1500]
            whole = cut(octets, len(octets))
            for piece in (1, 2, 3, 7, 11, 12, 13, 49, 100, 1447):
                assert cut(octets, piece) == whole, (name, piece)


def test_xids_count_as_isc_counts_them():
    """Our own messages take 0, 1, 2, ...; an answer takes its question's, and the count stays (capture 01)."""
    out = Writer(400)
    question = message(w.BNDUPD, xid=b"\xfe\xdc\xba\x98")
    out.state(0, 2, 0, 0)
    out.bndack(0, question, w.XID, b"\x0a\x00\x00\x01", 0)
    out.bare(w.CONTACT, 0)
    found, _ = cut(bytes(out.buf[: out.end]), 400)
    assert [bytes(one[8:12]) for one in found] == [bytes(4), b"\xfe\xdc\xba\x98", b"\x00\x00\x00\x01"]
    assert read(found[1])[1].xid() == -1 and read(found[2])[1].xid() == 1


def test_an_update_never_has_xid_zero():
    out, binding = Writer(400), Binding()
    binding.status = 1
    out.bndupd(0, binding)
    assert bytes(out.buf[8:12]) == b"\x00\x00\x00\x01" and out.xid == 2


def test_xids_stay_small_ints():
    out = Writer(400)
    out.xid = FOREVER
    out.bare(w.CONTACT, 0)
    assert bytes(out.buf[8:12]) == b"\x3f\xff\xff\xff" and out.xid == 1


# Times


def wire_time(octets):
    return w.get_time(octets, 0)


def on_wire(t):
    buf = bytearray(4)
    w.put_time(buf, 0, t)
    return int.from_bytes(buf, "big")


def test_times_are_unix_on_the_wire_and_since_2020_here():
    assert wire_time(b"\x6b\x02\xd3\xf3") == 1795347443 - UNIX_2020
    for t in (1, 2, 0x1EFF, 0x1F00, 0xFFFF, 0x10000, 217510643, 569646846, 569646848, 0x3FFFFFFD, 0x3FFFFFFE):
        assert on_wire(t) == t + UNIX_2020, t
        assert wire_time((t + UNIX_2020).to_bytes(4, "big")) == t, t


def test_zero_and_never_are_not_times():
    assert on_wire(0) == 0 and wire_time(bytes(4)) == 0
    assert on_wire(FOREVER) == 0x7FFFFFFF
    assert wire_time(b"\x7f\xff\xff\xff") == wire_time(b"\xff\xff\xff\xff") == FOREVER


def test_a_second_that_would_read_as_never_is_sent_as_the_one_before():
    assert on_wire(0x7FFFFFFF - UNIX_2020) == 0x7FFFFFFE


def test_times_outside_our_calendar_are_the_nearest_that_we_have():
    assert wire_time(b"\x00\x00\x00\x01") == wire_time((UNIX_2020 - 1).to_bytes(4, "big")) == 1
    assert wire_time((UNIX_2020 + 1).to_bytes(4, "big")) == 1
    assert wire_time(b"\x80\x00\x00\x00") == 0x80000000 - UNIX_2020
    assert wire_time((FOREVER - 1 + UNIX_2020).to_bytes(4, "big")) == FOREVER - 1
    assert wire_time((FOREVER + UNIX_2020).to_bytes(4, "big")) == FOREVER
    assert wire_time(b"\x9e\x0c\x00\x00") == wire_time(b"\xff\xff\xff\xfe") == FOREVER


# Streams that lie


def test_lengths_that_lie_end_the_stream():
    for length in (0, 1, 11, 2049, 0x8000, 0xFFFF):
        good, bad = message(w.CONTACT), bytes([length >> 8, length & 255]) + bytes(30)
        for piece in (1, 5, 100):
            found, said = cut(good + bad + good, piece)
            assert found == [good] and said == w.BAD_STREAM, length


def test_a_bad_stream_stays_bad_until_the_next_connection():
    stream, good = w.Stream(), message(w.CONTACT)
    assert stream.feed(b"\x00\x01", 2) == 2 and stream.next() == w.BAD_STREAM
    assert stream.feed(good, len(good)) == len(good) and stream.next() == w.BAD_STREAM
    stream.reset()
    assert stream.feed(good, len(good)) == len(good) and stream.next() == w.MESSAGE


def test_the_longest_message_passes_and_the_buffer_does_not_grow():
    longest = message(w.BNDACK, option(w.MESSAGE_TEXT, b"x" * (2048 - 16)))
    assert len(longest) == 2048
    assert cut(longest + longest + message(w.CONTACT), 700)[0] == [longest, longest, message(w.CONTACT)]
    stream = w.Stream()
    assert stream.feed(longest[:-1], 2047) == 2047 and stream.next() == w.NEED_MORE
    assert stream.feed(b"ab", 2) == 1 and stream.feed(b"ab", 2) == 0 and len(stream.buf) == 2048


def test_an_endless_dribble_is_no_message_and_costs_no_memory():
    stream, size = w.Stream(), len(w.Stream().buf)
    stream.feed(b"\x08\x00", 2)
    for _ in range(2045):
        assert stream.feed(b"\x00", 1) == 1 and stream.next() == w.NEED_MORE
    assert len(stream.buf) == size


def test_two_messages_in_one_segment_and_the_start_of_a_third():
    one, two, three = message(w.UPDREQ), message(w.POOLREQ), message(w.STATE, option(w.SERVER_STATE, b"\x02"))
    stream, octets = w.Stream(), one + two + three[:5]
    assert stream.feed(octets, len(octets)) == len(octets)
    assert stream.next() == w.MESSAGE and stream.buf[stream.at + 2] == w.UPDREQ
    assert stream.next() == w.MESSAGE and stream.buf[stream.at + 2] == w.POOLREQ
    assert stream.next() == w.NEED_MORE and stream.next() == w.NEED_MORE
    assert stream.feed(three, len(three), 5) == len(three) - 5
    assert stream.next() == w.MESSAGE and bytes(stream.buf[stream.at : stream.at + stream.size]) == three


# The parser's rules, in the order of reference section 1.3


def test_options_that_run_past_the_end_are_refused_at_every_cut():
    whole = message(w.BNDUPD, option(w.ASSIGNED_IP_ADDRESS, b"\x0a\x35\x00\x64"), option(w.CLIENT_IDENTIFIER, b"abc"))
    edges = (12, 20, len(whole))
    for size in range(12, len(whole) + 1):
        octets = bytes([0, size]) + whole[2:size]
        assert reason(octets) == (0 if size in edges else w.TRUNCATED), size


def test_a_type_above_twelve_is_ignored_alone_and_refused_with_an_option():
    for kind in (13, 127, 128, 255):
        assert reason(message(kind)) == w.IGNORED
        assert reason(message(kind, option(200, b""))) == w.UNKNOWN_TYPE
        assert reason(message(kind, b"\x00\x02\x00")) == w.TRUNCATED
    assert reason(message(0, option(w.SERVER_STATE, b"too long"))) == w.IGNORED


def test_options_above_29_are_skipped_even_twice():
    why, m = read(message(w.STATE, option(30, b"x"), option(30, b"y"), option(65535, b""), option(24, b"\x02")))
    assert why == 0 and m.octet(w.SERVER_STATE) == 2


def test_an_option_that_stands_twice_ends_the_link_if_it_was_stored():
    address = option(w.ASSIGNED_IP_ADDRESS, b"\x0a\x35\x00\x64")
    assert reason(message(w.BNDUPD, address, address)) == w.DUPLICATE_OPTION
    assert reason(message(w.STATE, address, address)) == 0
    assert reason(message(w.STATE, option(w.SERVER_STATE, b"\x02"), option(w.SERVER_STATE, b""))) == w.DUPLICATE_OPTION


def test_options_of_other_messages_are_skipped_whatever_their_length():
    why, m = read(
        message(w.CONTACT, option(w.SERVER_STATE, b"12345"), option(w.DDNS, b"x"), option(w.MESSAGE_DIGEST, b""))
    )
    assert why == 0 and m.octet(w.SERVER_STATE) == -1


# Option, its messages, the one length that is right (None: any).  From the table of reference section 1.5.
OPTIONS = (
    (w.ADDRESSES_TRANSFERRED, (w.POOLRESP,), 4),
    (w.ASSIGNED_IP_ADDRESS, (w.BNDUPD, w.BNDACK), 4),
    (w.BINDING_STATUS, (w.BNDUPD, w.BNDACK), 1),
    (w.CLIENT_IDENTIFIER, (w.BNDUPD, w.BNDACK), None),
    (w.CLIENT_HARDWARE_ADDRESS, (w.BNDUPD, w.BNDACK), None),
    (w.CLIENT_LAST_TRANSACTION_TIME, (w.BNDUPD, w.BNDACK), 4),
    (w.CLIENT_REPLY_OPTIONS, (w.BNDUPD, w.BNDACK), None),
    (w.CLIENT_REQUEST_OPTIONS, (w.BNDUPD, w.BNDACK), None),
    (w.DDNS, (w.BNDUPD, w.BNDACK), -1),
    (w.DELAYED_SERVICE, (), None),
    (w.HASH_BUCKET_ASSIGNMENT, (w.CONNECT,), None),
    (w.IP_FLAGS, (w.BNDUPD, w.BNDACK), 2),
    (w.LEASE_EXPIRATION_TIME, (w.BNDUPD, w.BNDACK), 4),
    (w.MAX_UNACKED_BNDUPD, (w.CONNECT, w.CONNECTACK), 4),
    (w.MCLT, (w.CONNECT,), 4),
    (w.MESSAGE_TEXT, (w.BNDACK, w.CONNECTACK, w.DISCONNECT), None),
    (w.MESSAGE_DIGEST, (), None),
    (w.POTENTIAL_EXPIRATION_TIME, (w.BNDUPD, w.BNDACK), 4),
    (w.RECEIVE_TIMER, (w.CONNECT, w.CONNECTACK), 4),
    (w.PROTOCOL_VERSION, (w.CONNECT, w.CONNECTACK), 1),
    (w.REJECT_REASON, (w.BNDACK, w.CONNECTACK, w.DISCONNECT), 1),
    (w.RELATIONSHIP_NAME, (w.CONNECT, w.CONNECTACK), None),
    (w.SERVER_FLAGS, (w.STATE,), 1),
    (w.SERVER_STATE, (w.STATE,), 1),
    (w.START_TIME_OF_STATE, (w.BNDUPD, w.BNDACK, w.STATE), 4),
    (w.TLS_REPLY, (w.CONNECTACK,), 1),
    (w.TLS_REQUEST, (w.CONNECT,), 1),
    (w.VENDOR_CLASS_IDENTIFIER, (w.CONNECT, w.CONNECTACK), None),
    (w.VENDOR_SPECIFIC_OPTIONS, (), None),
)


def test_every_option_in_every_message_at_every_length():
    assert [row[0] for row in OPTIONS] == list(range(1, 30))
    for code, kinds, right in OPTIONS:
        for kind in range(1, 13):
            for n in (0, 1, 2, 3, 4, 5, 255):
                why, m = read(message(kind, option(code, bytes(n))))
                if kind not in kinds:
                    assert why == 0 and m.where[code] == 0, (code, kind, n)
                elif right is None or right == n:
                    assert why == 0 and m.where[code] == 16 and m.size[code] == n, (code, kind, n)
                else:
                    assert why == w.BAD_SIZE, (code, kind, n)


def test_padding_after_the_header_is_skipped_and_an_offset_of_8_refused():
    state = option(w.SERVER_STATE, b"\x02")
    assert read(message(w.STATE, state, payload=15, padding=b"\xff\xff\xff"))[1].octet(w.SERVER_STATE) == 2
    for payload in (0, 8, 11):
        assert reason(message(w.STATE, state, payload=payload)) == w.BAD_OFFSET
    assert reason(message(w.CONTACT, payload=13)) == w.BAD_OFFSET
    assert reason(message(w.CONTACT, payload=13, padding=b"\x00")) == 0


def test_our_own_codes_are_noted_and_must_stand_once():
    one, last = option(w.OWN_FIRST, b"twin"), option(w.OWN_FIRST + w.OWN_COUNT - 1, b"x")
    why, m = read(message(w.STATE, one, last))
    assert why == 0 and m.size[w.OWN] == 4 and m.size[w.OWN + w.OWN_COUNT - 1] == 1
    assert reason(message(w.STATE, one, one)) == w.DUPLICATE_OPTION
    beside = message(w.STATE, option(w.OWN_FIRST - 1, b""), option(w.OWN_FIRST + w.OWN_COUNT, b""))
    assert read(beside)[0] == 0 and not any(read(beside)[1].where)


def test_a_message_forgets_the_one_before():
    m = w.Message()
    first, second = message(w.STATE, option(w.SERVER_STATE, b"\x02")), message(w.STATE)
    assert m.read(first, 0, len(first)) == 0 and m.octet(w.SERVER_STATE) == 2
    assert m.read(second, 0, len(second)) == 0 and m.octet(w.SERVER_STATE) == -1


def test_numbers_that_no_small_int_holds_come_back_as_the_largest():
    m = read(
        message(w.CONNECT, option(w.MCLT, b"\xff\xff\xff\xff"), option(w.MAX_UNACKED_BNDUPD, b"\x3f\xff\xff\xfe"))
    )[1]
    assert m.number(w.MCLT) == 0x3FFFFFFF and m.number(w.MAX_UNACKED_BNDUPD) == 0x3FFFFFFE
    assert m.number(w.RECEIVE_TIMER) == -1


def test_no_mutant_of_a_message_leaves_its_bounds():
    """Every octet of a BNDUPD set to every value: a reason or a message whose options lie inside it, never an exception."""
    whole = bytearray(
        message(
            w.BNDUPD, option(2, b"\x0a\x35\x00\x64"), option(3, b"\x02"), option(5, b"\x01\x02"), option(13, bytes(4))
        )
    )
    m = w.Message()
    for i in range(2, len(whole)):
        kept = whole[i]
        for value in range(256):
            whole[i] = value
            if m.read(whole, 0, len(whole)) == 0:
                for slot in range(len(m.where)):
                    assert not m.where[slot] or 16 <= m.where[slot] <= len(whole) - m.size[slot]
        whole[i] = kept


# Writing


def everything(out, binding, octets, text):
    """One message of each type; the arguments are made by the caller, so that this runs under heap_lock."""
    ok = out.connect(217510643, NAME, 10, 10, text, 60, SPLIT_128)
    ok = out.connectack(217510643, octets, w.XID, NAME, 10, 10, text) and ok
    ok = out.connectack_reject(217510643, octets, w.XID, NAME, -1, -1, text, w.INVALID_PARTNER, text) and ok
    ok = out.state(217510643, 2, w.FLAG_STARTUP, 217510640) and ok
    ok = out.bndupd(217510643, binding) and ok
    ok = out.bndack(217510643, octets, w.XID, binding.address, 0) and ok
    ok = out.bndack_reject(217510643, octets, w.XID, binding.address, 0, w.FATAL_CONFLICT, text) and ok
    ok = out.bare(w.POOLREQ, 217510643) and ok
    ok = out.poolresp(217510643, octets, w.XID, 8) and ok
    ok = out.bare(w.UPDREQALL, 217510643) and ok
    ok = out.bare(w.UPDREQ, 217510643) and ok
    ok = out.upddone(217510643, octets, w.XID) and ok
    ok = out.bare(w.CONTACT, 217510643) and ok
    return out.disconnect(217510643, w.TIME_MISMATCH, text) and ok


def full_binding():
    b = Binding()
    b.address[:] = b"\x0a\x35\x00\x70"
    b.status = 2
    b.id_n = b.chaddr_n = 7
    b.id[:7] = b.chaddr[:7] = b"\x01\x02\x00\x00\x00\x02\x03"
    b.lease_expiration, b.potential_expiration, b.start, b.cltt = 217510705, FOREVER, 217510643, 217510643
    b.ip_flags = w.FLAG_RESERVED
    return b


def test_a_message_that_does_not_fit_leaves_nothing_behind():
    octets, text, whole = message(w.CONNECT), b"why not", Writer(2000)
    assert everything(whole, full_binding(), octets, text)
    for size in range(whole.end):
        out = Writer(size)
        assert not everything(out, full_binding(), octets, text)
        found, said = cut(bytes(out.buf[: out.end]), 5000)
        assert said == w.NEED_MORE and sum([len(one) for one in found]) == out.end
        assert all(reason(one) == 0 for one in found)


def test_no_message_is_longer_than_the_longest():
    out = Writer(5000)
    assert not out.disconnect(1, 1, b"x" * 2030) and out.end == 0
    assert out.disconnect(1, 1, b"x" * (2048 - 12 - 5 - 4)) and out.end == 2048


def test_part_of_what_waits_can_be_sent():
    out = Writer(100)
    out.bare(w.CONTACT, 1)
    out.bare(w.UPDREQ, 1)
    before = bytes(out.buf[5:24])
    out.sent(5)
    assert out.end == 19 and bytes(out.buf[:19]) == before


def test_a_binding_takes_only_what_it_can_hold():
    b = Binding()
    address, status = option(2, b"\x0a\x35\x00\x64"), option(3, b"\x01")
    assert not b.take(read(message(w.BNDUPD, address))[1]) and not b.take(read(message(w.BNDUPD, status))[1])
    assert not b.take(read(message(w.BNDUPD, address, status, option(4, bytes(256))))[1])
    assert not b.take(read(message(w.BNDUPD, address, status, option(5, bytes(22))))[1])
    assert b.take(read(message(w.BNDUPD, address, status, option(4, bytes(255)), option(5, bytes(21))))[1])
    assert b.lease_expiration == -1 and b.ip_flags == 0


def packet_path(stream, m, binding, out, octets, text):
    """An update comes in and goes out again, with both acknowledgements."""
    stream.feed(octets, len(octets))
    while stream.next() == w.MESSAGE:
        m.read(stream.buf, stream.at, stream.size)
        binding.take(m)
        m.xid()
        m.number(w.IP_FLAGS)
        out.bndack(217510643, stream.buf, stream.at + w.XID, stream.buf, m.where[w.ASSIGNED_IP_ADDRESS])
        out.bndack_reject(217510643, stream.buf, stream.at + w.XID, binding.address, 0, w.FATAL_CONFLICT, text)
        out.bndupd(217510643, binding)
        out.sent(20)
    out.clear()


def test_updates_and_acknowledgements_pass_under_heap_lock():
    if sys.implementation.name != "micropython":
        return
    out = Writer(400)
    out.bndupd(217510643, full_binding())
    octets = bytes(out.buf[: out.end]) * 2
    parts = (w.Stream(), w.Message(), Binding(), Writer(2048), octets, b"why not")
    stream, m, binding, out, octets, text = parts
    b = full_binding()
    packet_path(stream, m, binding, out, octets, text)
    micropython.heap_lock()
    try:
        packet_path(stream, m, binding, out, octets, text)
        everything(out, b, octets, text)
    finally:
        micropython.heap_unlock()
    assert binding.id_n == 7 and out.end > 400
