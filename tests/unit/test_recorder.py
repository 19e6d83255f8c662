"""The flight recorder: what it keeps of requests and of log lines, what gives way first, and that it leaves no garbage."""

import micropython
from packets import DISCOVER, HERE, Office, ip, mac, message, option
from twinlease.dhcp.server import NO_FREE, OTHER_SERVER, UNKNOWN_NETWORK
from twinlease.lease.identity import Identity
from twinlease.net.lines import WARNING, Lines
from twinlease.net.recorder import HEAD, REBOOTS, RENEWS, SIZE, Recorder

SMALL = "authoritative; subnet 10.77.0.0 netmask 255.255.0.0 { range 10.77.1.1 10.77.1.2; }"


class Clock:
    now = 5000


class Taped(Office):
    """An office whose packets go to a recorder, as the driver has it."""

    def __init__(self, text=SMALL, records=8, here=HERE):
        super().__init__(text, here=here)
        self.recorder = Recorder(Lines(Clock()))
        self.recorder.start(self.node, records)

    def send(self, octets):
        node = self.node
        done = node.done

        def taken():
            self.recorder.exchange(octets, 0, self.reason)
            done()

        node.done = taken
        self.recorder.clock.now = self.now
        try:
            return super().send(octets)
        finally:
            node.done = done

    def events(self):
        """(number, times, seconds, hash, message, note, reply, address, other, seconds of the lease), in order."""
        w, found = self.recorder.events, []
        for at in range(HEAD, len(w), SIZE):
            if w[at]:
                key = w[at + 2]
                found.append(
                    (w[at] & 0xFFFFFF, w[at] >> 24, w[at + 1], key & 0x3FFFFF, key >> 22 & 15, key >> 26)
                    + (w[at + 7] & 15, w[at + 4].to_bytes(4, "big"), w[at + 5].to_bytes(4, "big"), w[at + 3])
                )
        return sorted(found)


def who(hw):
    identity = Identity()
    identity.set_hardware(1, mac(hw), 0, 6)
    return identity.hash


def test_an_exchange_is_two_records():
    office = Taped()
    office.lease(1)
    discover, request = office.events()
    assert discover[:8] == (1, 1, 1000, who(1), 1, 0, 2, ip("10.77.1.1"))
    assert request[:8] == (2, 1, 1000, who(1), 3, 0, 5, ip("10.77.1.1"))
    assert request[9] == 43200


def test_addresses_from_128_on_and_short_leases():
    office = Taped(
        "default-lease-time 600; subnet 192.168.9.0 netmask 255.255.255.0 { range 192.168.9.200; }",
        here=ip("192.168.9.2"),
    )
    office.lease(1)
    office.lease(1)
    assert [(e[1], e[7], e[9]) for e in office.events()] == [(2, ip("192.168.9.200"), 600)] * 2


def test_who_asks_the_same_again_takes_no_second_record():
    office = Taped()
    for _ in range(300):
        office.lease(1)
        office.later(1)
    assert [(e[1], e[2]) for e in office.events()] == [(255, office.now - 1)] * 2


def test_messages_are_told_apart():
    office = Taped()
    office.lease(1)
    office.renew("10.77.1.1")
    office.reboot("10.77.1.1")
    office.send(message(3, 1, option(50, ip("10.77.1.1")) + option(54, ip("10.77.0.9"))))
    assert [e[4] for e in office.events()] == [1, 3, RENEWS, REBOOTS, 3]
    assert office.events()[-1][5] == OTHER_SERVER and office.events()[-1][8] == ip("10.77.0.9")


def test_an_option_in_pieces_is_read_where_it_was_put_together():
    """RFC 3396: it is behind the end of the packet then. Found by the fuzzer: on a Raspberry Pi it ended the service."""
    office = Taped()
    pieces = option(54, ip("10.77.0.9")[:1]) + option(54, ip("10.77.0.9")[1:])
    office.send(message(3, 1, option(50, ip("10.77.1.1")) + pieces))
    assert office.events()[-1][5] == OTHER_SERVER and office.events()[-1][8] == ip("10.77.0.9")


def test_what_nobody_decided_is_about_no_address():
    office = Taped()
    office.lease(1)
    office.lease(2)
    office.discover(3)
    assert office.events()[-1][5:8] == (NO_FREE, 0, bytes(4))


def test_a_relay_that_no_subnet_holds_is_noted():
    office = Taped()
    office.discover(1, giaddr="10.99.0.1")
    event = office.events()[-1]
    assert event[5] == UNKNOWN_NETWORK and event[8] == ip("10.99.0.1")
    assert office.recorder.events[HEAD + 3] & 63 == 63


def test_the_oldest_gives_way_and_refusals_outlast_what_went_well():
    office = Taped(records=8)
    office.lease(1)
    office.lease(2)
    office.discover(3)
    for hw in (1, 2):
        office.renew("10.77.1.%d" % hw, hw)
    for _ in range(3):
        office.reboot("10.77.1.1")
        office.reboot("10.77.1.2", 2)
        office.renew("10.77.1.1")
    for i in range(3):
        office.discover(1, option(61, b"\0some other name %d" % i), giaddr="10.99.0.1")
    kept = office.events()
    assert len(kept) == 8 and who(3) in [e[3] for e in kept], "the refusal is there"
    assert (who(1), 1) not in [(e[3], e[4]) for e in kept], "the first success is not"


def test_free_addresses_that_are_closed_to_the_client_are_told_from_none():
    closed = "subnet 10.77.0.0 netmask 255.255.0.0 { pool { deny unknown-clients; range 10.77.1.1 10.77.1.2; } }"
    office = Taped(closed)
    office.discover(1)
    full = Taped()
    for hw in (1, 2, 3):
        full.lease(hw)
    assert office.recorder.events[HEAD + 3] >> 6 & 15 == 1
    assert full.events()[-1][5] == NO_FREE
    assert full.events()[-1][9] >> 6 & 15 == 0


def test_what_is_recorded_leaves_no_garbage():
    office = Taped()
    office.lease(1)
    packet = message(DISCOVER, 1, option(12, b"till-7"))
    office.node.on_dhcp(packet, len(packet), 0, 1000)
    micropython.heap_lock()
    try:
        for _ in range(20):
            office.recorder.exchange(packet, 0, 0)
    finally:
        micropython.heap_unlock()


def lines(recorder):
    """(seconds, text) of each that is kept."""
    at, found = 0, []
    while at < recorder.end:
        n = recorder.lines[at + 4]
        seconds = int.from_bytes(recorder.lines[at : at + 4], "big")
        found.append((seconds, bytes(recorder.lines[at + 5 : at + 5 + n]).decode()))
        at += n + 5
    return found


def test_the_last_lines_are_kept_and_the_boots_too():
    recorder = Recorder(Lines(Clock()))
    for n in range(4):
        assert recorder.keep("boot %d" % n)
    recorder.start(Office().node, 8)
    for n in range(200):
        recorder.keep("line %d %s" % (n, "x" * (n * 7 % 150)))
    kept = lines(recorder)
    assert [text for _, text in kept[:4]] == ["boot %d" % n for n in range(4)]
    last = [int(text.split(" ")[1]) for _, text in kept[4:]]
    assert len(last) > 3 and last == list(range(200 - len(last), 200)) and kept[-1][0] == 5000
    assert max([len(text) for _, text in kept]) == 120


def test_a_line_below_the_level_is_kept_and_not_written():
    recorder = Recorder(Lines(Clock()))
    recorder.level = WARNING
    assert not recorder.keep("Listening on eth0") and recorder.keep("Out of memory: requests get no reply")
    assert [text[:6] for _, text in lines(recorder)] == ["Listen", "Out of"]
