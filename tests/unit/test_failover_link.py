"""A connection's checks, limits and timers, against what ISC dhcpd said in the captures and against scripts (reference 2, 3)."""

import captures
from failover_pair import FILE, MCLT, NOW, B, Side
from leases import Dice
from twinlease.clock import UNIX_2020
from twinlease.failover import handshake, words
from twinlease.failover import link as links
from twinlease.failover import states as s
from twinlease.failover import wire as w
from twinlease.failover.balance import hba_of_split
from twinlease.failover.writer import Writer
from twinlease.octets import get16

NAME = b"fo-lab"
HBA = hba_of_split(128)
UP = 5
ISC = b"isc-4.4.3-P1"


def messages(octets):
    """[(type, octets)] of a stream."""
    found, at = [], 0
    while at < len(octets):
        n = get16(octets, at)
        found.append((octets[at + 2], bytes(octets[at : at + n])))
        at += n
    return found


def read(octets):
    m = w.Message()
    assert m.read(octets, 0, len(octets)) == 0
    return m


def value(m, code):
    return bytes(m.buf[m.where[code] : m.where[code] + m.size[code]])


class Script:
    """A Peer, and us in the place of its partner: what we write is handed in, what it says is kept in `heard`."""

    def __init__(self, primary=False, ahead=0, opened=True, file=FILE):
        self.side = Side(file) if primary else Side(file, B, b"board--B")
        self.side.ahead = ahead
        self.up = UP
        self.side.start(UP)
        self.peer = self.side.peer
        self.out = Writer(2048)
        self.heard = []
        self.c = self.open() if opened else -1

    def open(self):
        c = self.peer.opened(False, self.side.now(self.up), self.up)
        self._flush()
        return c

    def _flush(self):
        self.side.flush()
        for c in range(2):
            self.heard.extend(messages(self.side.out[c]))
            self.side.out[c] = bytearray()

    def give(self, octets, c=None):
        c = self.c if c is None else c
        at = 0
        while at < len(octets) and not self.peer.closing[c]:
            at += self.peer.received(c, octets, len(octets), at, self.side.now(self.up), self.up)
            self._flush()

    def say(self, c=None):
        octets = bytes(self.out.buf[: self.out.end])
        self.out.clear()
        self.give(octets, c)

    def tick(self, tenths=1):
        for _ in range(tenths):
            self.up += 1
            self.peer.tick(self.side.now(self.up), self.up)
            self._flush()

    def connect(self, now=NOW, name=NAME, hba=HBA, mclt=MCLT, unacked=10, timer=10, hello=b"", c=None):
        assert self.out.connect(now, name, unacked, timer, ISC, mclt, hba, hello)
        self.say(c)

    def connectack(self, now=NOW, name=NAME, hello=b"", c=None, unacked=10, timer=10):
        assert self.out.connectack(now, bytes(4), 0, name, unacked, timer, ISC, True, hello)
        self.say(c)

    def last(self, kind):
        found = [octets for k, octets in self.heard if k == kind]
        return read(found[-1]) if found else None


def hello(board=b"board--X", boots=1, flags=links.CLOCK_TRUSTED, remembered=bytes(8)):
    out = bytearray(handshake.HELLO_SIZE)
    handshake.put_hello(out, flags, board, boots, remembered)
    return bytes(out)


def test_updates_know_whether_they_go_to_an_isc():
    for said, isc in ((b"", True), (hello(), False)):
        script = Script(primary=True)
        script.connectack(hello=said)
        assert script.peer.linked and script.peer.updates.isc_since == (script.peer.now if isc else -1)


# CONNECT: reference section 2.2


def connections(name, sender):
    """What each side said on each connection of a capture: [(sender's octets, the other's)]."""
    flows = {}
    order = []
    for who, key, _, _, octets in captures.segments(name):
        back = key[4:8] + key[:4] + key[10:12] + key[8:10]
        pair = key if key < back else back
        if pair not in flows:
            flows[pair] = [bytearray(), bytearray()]
            order.append(pair)
        flows[pair][0 if who == sender else 1].extend(octets)
    return [(bytes(flows[k][0]), bytes(flows[k][1])) for k in order if flows[k][0] or flows[k][1]]


def test_faulty_connects_are_refused_as_isc_refused_them():
    """Capture 11: the same octets to us, and our CONNECTACK beside that of a real secondary."""
    compared = 0
    for said, answered in connections(captures.NAMES[10], captures.PRIMARY):
        theirs = [octets for kind, octets in messages(answered) if kind == w.CONNECTACK] if answered else []
        if not said or messages(said)[0][0] != w.CONNECT or not theirs:
            continue
        isc = read(theirs[0])
        script = Script(ahead=isc.sent_at - NOW)
        script.give(said[: len(messages(said)[0][1])])
        ours = script.last(w.CONNECTACK)
        if isc.octet(w.REJECT_REASON) == w.TIME_MISMATCH:
            assert ours.octet(w.REJECT_REASON) < 0 and script.peer.linked, "we speak with any clock"
            compared += 1
            continue
        for code in (w.RELATIONSHIP_NAME, w.REJECT_REASON, w.MESSAGE_TEXT, w.PROTOCOL_VERSION, w.TLS_REPLY):
            assert value(ours, code) == value(isc, code), (code, value(ours, code), value(isc, code))
        for code in (w.MAX_UNACKED_BNDUPD, w.RECEIVE_TIMER):
            assert (ours.number(code) < 0) == (isc.number(code) < 0)
        assert ours.xid() == isc.xid()
        assert script.peer.linked == (isc.octet(w.REJECT_REASON) < 0)
        assert script.peer.closing[0] != script.peer.linked
        compared += 1
    assert compared == 3, compared


def test_faulty_connectacks_are_refused_as_isc_refused_them():
    """Capture 10: the same octets to us, and our DISCONNECT beside that of a real primary."""
    compared = 0
    for said, answered in connections(captures.NAMES[9], captures.SECONDARY):
        if not said or messages(said)[0][0] != w.CONNECTACK:
            continue
        theirs = [octets for kind, octets in messages(answered) if kind == w.DISCONNECT]
        isc = read(messages(answered)[0][1])
        script = Script(primary=True, ahead=isc.sent_at - NOW)
        script.give(messages(said)[0][1])
        ours = script.last(w.DISCONNECT)
        if theirs and read(theirs[0]).octet(w.REJECT_REASON) == w.TIME_MISMATCH:
            assert ours is None and script.peer.linked, "we speak with any clock"
        elif theirs:
            isc = read(theirs[0])
            for code in (w.REJECT_REASON, w.MESSAGE_TEXT):
                assert value(ours, code) == value(isc, code), (value(ours, code), value(isc, code))
            assert script.peer.closing[0] and not script.peer.linked
        compared += 1
    assert compared >= 3, compared


def test_a_name_that_cannot_be_shown_is_not_repeated():
    """Neither to the partner, whose log it would spoil, nor to our own (found by fuzzing: tshark did not like it)."""
    for name, shown in ((b"fo\0\xff\r\n", b"?"), (b"fo-other", b"fo-other")):
        script = Script(primary=True)
        script.connectack(name=name)
        want = b"remote failover relationship name %s does not match" % shown
        assert value(script.last(w.DISCONNECT), w.MESSAGE_TEXT) == want
        assert script.side.store.lines[-1] == "Failover CONNECTACK from fo-lab: " + want.decode()


def test_every_check_on_a_connect_in_order():
    """One fault after the other is put right; the text tells which check it was (reference section 2.2)."""
    wrong = {"name": b"other", "hba": b"\xff" * 31}
    right = {"name": NAME, "hba": HBA}
    texts = [b"unknown failover relationship name", b"invalid HBA"]
    script = Script(opened=False)
    for text, fixed in zip(texts, ("name", "hba")):
        script.c = script.open()
        script.connect(**wrong)
        ack = script.last(w.CONNECTACK)
        assert value(ack, w.MESSAGE_TEXT) == text and script.peer.closing[script.c]
        assert "Failover CONNECT from fo-lab: " + str(text, "utf-8") in script.side.store.lines
        script.peer.closed(script.c, NOW, UP)
        wrong[fixed] = right[fixed]
    script.c = script.open()
    script.connect(**wrong)
    assert script.peer.linked and script.last(w.CONNECTACK).octet(w.REJECT_REASON) < 0


def test_a_connect_without_mclt_or_name():
    for option, reason, text in (
        (w.MCLT, w.INVALID_MCLT, b"no MCLT provided"),
        (w.RELATIONSHIP_NAME, w.INVALID_PARTNER, b"missing relationship-name"),
    ):
        script = Script()
        assert script.out.connect(NOW, NAME, 10, 10, ISC, MCLT, HBA)
        octets = without(bytes(script.out.buf[: script.out.end]), option)
        script.give(octets)
        ack = script.last(w.CONNECTACK)
        assert ack.octet(w.REJECT_REASON) == reason and value(ack, w.MESSAGE_TEXT) == text
        assert value(ack, w.RELATIONSHIP_NAME) == NAME and script.peer.closing[0]


def test_an_mclt_that_nobody_can_work_with_is_refused():
    for mclt, accepted in ((0, False), (1, True), (30 * 86400, True), (30 * 86400 + 1, False), (0x3FFFFFFF, False)):
        script = Script(opened=False)
        script.c = script.open()
        script.connect(mclt=mclt)
        assert script.peer.linked == accepted
        if not accepted:
            ack = script.last(w.CONNECTACK)
            assert ack.octet(w.REJECT_REASON) == w.INVALID_MCLT and value(ack, w.MESSAGE_TEXT) == b"MCLT out of range"


def without(octets, code):
    """The message less an option."""
    at, kept = 12, octets[4:12]
    body = b""
    while at < len(octets):
        n = get16(octets, at + 2)
        if get16(octets, at) != code:
            body += octets[at : at + 4 + n]
        at += 4 + n
    size = 12 + len(body)
    return bytes((size >> 8, size & 255)) + octets[2:4] + kept + body


def test_a_second_connection_is_refused_and_the_first_survives():
    script = Script()
    script.connect()
    c = script.open()
    script.heard = []
    script.connect(c=c)
    assert script.peer.closing[c] and not script.peer.closing[0] and script.peer.linked
    assert script.last(w.CONNECTACK) is None, "ISC never sends reason 7 here"
    assert script.open() == -1, "a third is one too many"
    script = Script(primary=True)
    script.connectack()
    c = script.open()
    script.connectack(c=c)
    disconnect = script.last(w.DISCONNECT)
    assert disconnect.octet(w.REJECT_REASON) == w.DUPLICATE_CONNECTION
    assert value(disconnect, w.MESSAGE_TEXT) == b"already connected" and not script.peer.closing[0]


def test_one_of_our_boards_that_restarted_replaces_its_dead_link():
    script = Script()
    script.connect(hello=hello(boots=1))
    c = script.open()
    script.connect(hello=hello(boots=2), c=c)
    assert script.peer.closing[c], "the partner was heard a moment ago: this may be a recording"
    script.peer.closed(c, NOW, script.up)
    script.tick(6)
    c = script.open()
    script.connect(hello=hello(boots=2), c=c)
    assert script.peer.link is script.peer.links[c] and script.peer.closing[0]


def test_two_primaries_do_not_become_a_pair():
    script = Script(primary=True)
    script.connect()
    ack = script.last(w.CONNECTACK)
    assert ack.octet(w.REJECT_REASON) == w.INVALID_PARTNER
    assert value(ack, w.MESSAGE_TEXT) == b"both servers are primary" and not script.peer.linked


def test_nothing_is_obeyed_before_connect():
    script = Script()
    script.out.state(NOW, s.NORMAL, 0, NOW)
    script.out.bare(w.UPDREQALL, NOW)
    script.say()
    assert script.peer.record.partner == s.UNKNOWN and not script.heard and not script.peer.closing[0]


def test_what_is_no_message_ends_the_connection_and_nothing_else():
    bad = (
        b"\x00\x0b\x03\x0c" + bytes(8),  # shorter than its header
        b"\xff\xff\x03\x0c" + bytes(8),
        b"\x00\x0c\x03\x08" + bytes(8),  # payload in the header
        b"\x00\x12\x0f\x0c" + bytes(8) + b"\0\x02\0\x04\0\0",  # unknown type, with an option
        b"\x00\x10\x0a\x0c" + bytes(8) + b"\0\x18\0\x09",  # runs past the end
    )
    for octets in bad:
        script = Script()
        script.connect()
        script.give(octets)
        assert script.peer.closing[0] and not script.peer.linked
        assert "the connection is closed" in script.side.log()
        script.peer.closed(0, NOW, script.up)
        script.c = script.open()
        script.connect()
        assert script.peer.linked
    script = Script()
    script.connect()
    script.give(b"\x00\x0c\x0f\x0c" + bytes(8))
    assert script.peer.linked, "an unknown type without options is ignored"


def test_a_reject_is_told_in_iscs_words_and_dialling_goes_on():
    script = Script(primary=True)
    assert not script.peer.wants_dial(script.up)
    script.out.connectack_reject(NOW, bytes(4), 0, NAME, 10, 10, ISC, w.INVALID_PARTNER, b"no")
    script.say()
    said = "Failover CONNECT to fo-lab rejected: Connection rejected, invalid failover partner."
    assert said in script.side.store.lines and script.peer.closing[0]
    assert script.last(w.DISCONNECT) is None
    script.peer.closed(0, NOW, script.up)
    assert not script.peer.wants_dial(script.up) and script.peer.wants_dial(script.up + 5)


def test_a_disconnect_is_told_and_followed():
    script = Script()
    script.connect()
    script.out.disconnect(NOW, w.DUPLICATE_CONNECTION, b"already connected")
    script.say()
    said = "Failover DISCONNECT from fo-lab: Connection rejected, duplicate connection."
    assert said in script.side.store.lines and script.peer.closing[0] and not script.peer.linked


def test_dialling_is_quick_at_first_and_rare_later():
    script = Script(primary=True, opened=False)
    up, times = UP, []
    while len(times) < 14:
        if script.peer.wants_dial(up):
            times.append(up)
            script.peer.dial_failed(up)
        up += 1
    steps = [times[i + 1] - times[i] for i in range(13)]
    assert steps == [5] * 10 + [50] * 3


# Clocks: an ISC partner


def test_an_isc_primary_of_another_time_is_spoken_to_in_its_time():
    for ahead in (90, -90, 86400, -86400):
        script = Script()
        script.connect(now=NOW + ahead)
        script.out.state(NOW + ahead, s.RECOVER, 1, NOW)
        script.say()
        assert script.peer.skew == ahead
        for kind in (w.CONNECTACK, w.STATE, w.UPDREQALL):
            assert script.last(kind).sent_at == NOW + ahead, words.MESSAGE_NAMES[kind]
        assert script.last(w.STATE).time(w.START_TIME_OF_STATE) == NOW + ahead
        where = "ahead of" if ahead > 0 else "behind"
        said = "the partner's clock is %d s %s ours: we speak to it in its time" % (abs(ahead), where)
        assert said in script.side.log() and script.side.log().count("in its time") == 1


def test_a_reject_for_the_clock_is_tried_again_at_once_in_the_partners_time():
    script = Script(primary=True)
    script.out.connectack_reject(NOW + 90, bytes(4), 0, NAME, 10, 10, ISC, w.TIME_MISMATCH, b"time offset too large")
    script.say()
    assert "rejected: Connection rejected, time mismatch too great." in script.side.log()
    script.peer.closed(0, NOW, script.up)
    assert script.peer.wants_dial(script.up)
    script.c = script.open()
    assert script.last(w.CONNECT).sent_at == NOW + 90
    script.connectack(now=NOW + 90)
    assert script.peer.linked and script.last(w.STATE).sent_at == NOW + 90
    assert script.peer.partner_time == -1
    script.out.state(NOW + 90, s.RECOVER, 1, NOW)
    script.say()
    assert script.peer.partner_time == NOW + 90


def test_a_clock_outside_of_what_the_wire_can_tell_is_refused():
    script = Script()
    script.connect(now=1)
    assert script.last(w.CONNECTACK).octet(w.REJECT_REASON) == w.TIME_MISMATCH


# Timers: reference section 3.1


def test_a_connection_that_says_nothing_ends_after_15_seconds():
    for primary in (True, False):
        script = Script(primary=primary)
        script.tick(149)
        assert not script.peer.closing[0]
        script.tick(2)
        assert script.peer.closing[0] and "failover: link startup timeout" in script.side.store.lines


def test_an_isc_that_is_silent_is_given_up_after_our_max_response_delay():
    script = Script()
    script.connect()
    script.tick(99)
    assert script.peer.linked
    script.tick(2)
    assert not script.peer.linked and script.peer.closing[0] and not script.peer.writers[0].end
    assert "timeout waiting for failover peer fo-lab" in script.side.store.lines


def test_contact_comes_after_a_third_of_iscs_receive_timer():
    for timer, every in ((10, 33), (9, 30), (3, 10), (1, 3), (0, 33), (-1, 33)):
        script = Script()
        script.connect(timer=timer)
        ups = []
        for _ in range(90):
            script.heard = []
            script.tick()
            if script.last(w.CONTACT):
                ups.append(script.up)
        assert ups and {ups[i + 1] - ups[i] for i in range(len(ups) - 1)} <= {every}, (timer, ups)


def test_max_unacked_is_the_partners():
    for said, kept in ((3, 3), (0, 0), (-1, 0)):
        script = Script()
        script.connect(unacked=said)
        assert script.peer.updates.window == kept


# What captures hold


def replayed(name, primary):
    """Hand what a real dhcpd said to a Peer in the other role, connection by connection."""
    sender = captures.SECONDARY if primary else captures.PRIMARY
    for said, _ in connections(name, sender):
        first = [octets for kind, octets in messages(said) if kind in (w.CONNECT, w.CONNECTACK)] if said else []
        if not first:
            continue
        script = Script(primary=primary, ahead=read(first[0]).sent_at - NOW, file=FILE.replace("100 10", "100 10"))
        script.give(said)
        yield script, messages(said)


def test_what_real_servers_said_is_understood():
    updates = 0
    for name in captures.NAMES[:9]:
        for primary in (False, True):
            for script, said in replayed(name, primary):
                assert "the connection is closed" not in script.side.log(), (name, script.side.log())
                asked = [read(octets) for kind, octets in said if kind == w.BNDUPD]
                answered = [read(octets) for kind, octets in script.heard if kind == w.BNDACK]
                assert len(answered) == len(asked), name
                updates += len(asked)
                heard = [octets for kind, octets in said if kind == w.STATE]
                if heard:
                    assert script.peer.record.partner == read(heard[-1]).octet(w.SERVER_STATE)
    assert updates > 200, updates


def test_unix_time_is_what_the_captures_tell():
    assert UNIX_2020 == 1577836800


def test_nothing_that_is_said_raises_or_brings_a_peer_into_a_state_that_is_none():
    """Real streams with octets spoilt: the connection ends, or it goes on; there is always a next one."""
    dice = Dice(3)
    streams = [(who, said) for name in captures.NAMES[:9] for who, said in captures.streams(name)]
    streams = [(who, said) for who, said in streams if len(said) > 200]
    for _ in range(80):
        who, said = streams[dice.below(len(streams))]
        first = messages(said)[0]
        primary = who == captures.SECONDARY
        script = Script(primary=primary, ahead=read(first[1]).sent_at - NOW if first[0] in (5, 6) else 0)
        octets = bytearray(said[:3000])
        for _ in range(1 + dice.below(6)):
            octets[len(first[1]) + dice.below(len(octets) - len(first[1]))] = dice.below(256)
        script.give(octets)
        script.tick(3)
        assert script.peer.record.state in s.STATES
        t = script.side.table
        assert all(1 <= t.state(row) <= 7 for row in range(t.rows))
        script.peer.closed(0, NOW, script.up)
        assert script.open() == 0


def test_one_pair_of_buffers_is_kept_and_the_second_connection_has_its_own_while_it_lasts():
    side = Side(FILE, B, b"board--B")
    side.start(UP)
    peer, now = side.peer, side.now(UP)

    def held():
        return [link.has_buffers() for link in peer.links]

    assert held() == [True, False]
    assert (peer.opened(False, now, UP), peer.opened(True, now, UP)) == (0, 1) and held() == [True, True]
    peer.closed(0, now, UP)
    assert held() == [False, True], "whichever closes first"
    peer.closed(1, now, UP)
    kept = peer.writers[1].buf
    assert held() == [False, True] and peer.opened(False, now, UP) == 0
    assert held() == [True, False] and peer.writers[0].buf is kept, "the next connection takes them over"
    assert peer.opened(False, now, UP) == 1 and peer.opened(False, now, UP) == -1
