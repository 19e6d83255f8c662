"""Packets that broke other servers, and odd clients that deserve an address (users-and-peers, section 4)."""

import gc

from packets import (
    ACK,
    BASIC,
    DECLINE,
    DISCOVER,
    END,
    HERE,
    INFORM,
    NAK,
    OFFER,
    RELEASE,
    REQUEST,
    Office,
    ip,
    message,
    option,
)
from twinlease.dhcp import request as rq
from twinlease.dhcp import server as sv
from twinlease.lease.table import ABANDONED, ACTIVE
from twinlease.net.log import Log

COMPUTED = """
option space ACME; option ACME.name code 1 = text; option ACME.mode code 2 = unsigned integer 8;
option space VEND code width 1 length width 1; option VEND.data code 1 = text;
option vendor.VEND code 4491 = encapsulate VEND;
vendor-option-space ACME; option ACME.mode 7;
option ACME.name = concat(option user-class, option user-class);
option VEND.data = option user-class;
"""
REPEATS = 300
SLACK = 2000  # octets that a heap may differ by and still count as flat


def served(office, hw=1, options=b"", **fields):
    """The address that DISCOVER and REQUEST get."""
    ack = office.lease(hw, options, **fields)
    assert ack is not None and ack.type == ACK, (office.reason, office.note)
    return ack.address


def lines(office, octets):
    """What the log says of one datagram."""

    class Sink:
        text = b""

        def write(self, octets):
            self.text += bytes(octets)

    log = Log(Sink())
    office.node.on_dhcp(octets, len(octets), 0, office.now)
    log.exchange(office.node, office.node.links[0])
    office.node.done()
    log.flush()
    return log._stream.text.decode().split("\n")[:-1]


def grows(office, datagrams, repeats=REPEATS):
    """Octets that the heap grows by when the datagrams come again and again; 0 where nobody can tell."""
    if not hasattr(gc, "mem_alloc"):
        repeats = 2
    node, before = office.node, 0
    for turn in range(2):
        for _ in range(repeats if turn else 4):
            for octets in datagrams:
                node.on_dhcp(octets, len(octets), 0, office.now)
                node.done()
        gc.collect()
        if not hasattr(gc, "mem_alloc"):
            return 0
        before = gc.mem_alloc() - before
    return before


# Host names: options 12 and 81


def test_host_names_as_long_as_fits_several_times_make_one_bounded_log_line():
    """CVE-2004-0460 and 0461: they were concatenated into log lines."""
    office = Office()
    names = option(12, b"a" * 255) + option(12, b"b" * 255) + option(12, b"c" * 255) + option(12, b"d" * 255)
    address = served(office, 1, names)
    wanted = option(50, ip(address)) + option(54, HERE)
    for octets in (message(DISCOVER, 1, names), message(REQUEST, 1, wanted + names)):
        said = lines(office, octets)
        assert len(said) == 2 and max([len(line) for line in said]) < 200
    out = bytearray(64)
    assert office.table.get_item(0, 3, out, 0) == 63 and bytes(out[:63]) == b"a" * 63


def test_host_name_that_is_not_text_is_kept_out_of_the_log():
    office = Office()
    assert served(office, 1, option(12, b"\xff\xfe\r\n\x1b[2J")) == "10.77.1.1"
    for line in lines(office, message(DISCOVER, 1, option(12, b"\xff\xfe\r\n\x1b[2J"))):
        assert min([ord(c) for c in line]) >= 32 and max([ord(c) for c in line]) < 127


def test_host_name_of_zeros_or_nothing_is_no_name():
    for name in (bytes(1), bytes(40), bytes(255), b""):
        office = Office()
        assert served(office, 1, option(12, name)) == "10.77.1.1"
        assert office.table.get_item(0, 3, bytearray(64), 0) == 0


def test_client_name_with_an_empty_label_is_served():
    """Kea dropped the packet (GitLab #3289)."""
    for name in (b"\0\0\0.", b"\0\0\0", b"\4\0\0\0", b"\0\0\0a..b", b"\0", b""):
        assert served(Office(), 1, option(81, name)) == "10.77.1.1"


def test_client_name_with_a_label_over_63_leaves_the_heap_flat():
    """CVE-2022-2929: a memory leak."""
    office = Office()
    name = option(81, b"\4\0\0\x40" + b"x" * 64 + b"\xc0\0")
    assert served(office, 1, name) == "10.77.1.1"
    assert grows(office, [message(DISCOVER, 1, name)], 10000) < SLACK


# Client identifiers: option 61


def test_client_id_of_254_and_255_octets_is_served_and_told_apart():
    """CVE-2012-3570, CVE-2019-6472."""
    office = Office()
    ids = [bytes(253) + b"a", bytes(253) + b"b", bytes(254) + b"a", bytes(254) + b"b"]
    addresses = [served(office, 1, option(61, i)) for i in ids]
    assert len(set(addresses)) == 4
    assert [served(office, 9, option(61, i)) for i in ids] == addresses


def test_client_id_over_255_octets_in_pieces_is_served():
    office = Office()
    long = option(61, b"x" * 255) + option(61, b"y" * 45)
    assert served(office, 1, long) == served(office, 1, long) == "10.77.1.1"


def test_client_id_of_length_0_or_1_counts_as_none():
    """CVE-2010-2156, CVE-2012-3571."""
    office = Office()
    for id in (b"", b"\1", b"\0"):
        assert served(office, 1, option(61, id)) == "10.77.1.1"
    assert served(office, 1) == "10.77.1.1"


def test_client_id_of_every_length_comes_back_from_the_lease():
    """CVE-2021-25217, its shape: what the wire can carry the store can read."""
    for n in range(2, 33):
        office = Office()
        id = bytes(range(200, 200 + n))
        served(office, 1, option(61, id))
        out = bytearray(64)
        assert bytes(out[: office.table.get_id(0, out, 0)]) == id


# Packets that fail in parsing


def test_many_packets_that_fail_inside_option_parsing_leave_the_heap_flat():
    """CVE-2018-5733: a reference count went up with each."""
    office = Office()
    bad = [
        message(DISCOVER, 1, b"\x0c\xffabc", end=b""),
        message(DISCOVER, 1, option(12, b"x") + option(12, b"y") + b"\x3d\xff", end=b""),
        message(None, 1, option(53, b"\x63")),
        message(DISCOVER, 1, hlen=17),
        message(DISCOVER, 1)[:200],
        message(DISCOVER, b"", hlen=0),
        b"",
    ]
    for octets in bad:
        assert office.send(octets) is None and office.reason
    assert grows(office, bad) < SLACK
    assert office.node.malformed > len(bad) and served(office, 1) == "10.77.1.1"


def test_lease_queries_are_refused_and_leave_the_heap_flat():
    """CVE-2022-2928; types 9 to 13 are others' business."""
    office = Office()
    queries = [message(kind, 1, ciaddr="10.77.1.1", giaddr="10.77.0.1") for kind in (9, 10, 11, 12, 13)]
    for octets in queries:
        assert office.send(octets) is None and office.reason == rq.BAD_TYPE
    assert grows(office, queries) < SLACK


def test_op_of_a_reply_or_of_nothing_is_refused():
    """CVE-2011-2748 and 2749; and a reply that comes back to the server must not be answered."""
    for op in (0, 2, 3, 255):
        office = Office()
        assert office.send(message(DISCOVER, 1, op=op)) is None and office.reason == rq.NOT_REQUEST
    office = Office()
    assert office.send(office.discover(1).octets) is None and office.reason == rq.NOT_REQUEST


def test_hardware_types_and_lengths_from_0_to_16_are_served_and_told_apart():
    office = Office()
    addresses = []
    for htype, hlen in ((1, 6), (6, 6), (0, 6), (255, 6), (1, 16), (32, 8), (1, 1), (1, 7), (7, 1)):
        hw = bytes(range(2, 2 + hlen))
        ack = office.lease(hw, htype=htype, hlen=hlen)
        assert ack.type == ACK and ack.octets[1:3] == bytes((htype, hlen)) and ack.octets[28 : 28 + hlen] == hw
        addresses.append(ack.address)
        assert served(office, hw, htype=htype, hlen=hlen) == ack.address
    assert len(set(addresses)) == len(addresses)


def test_hardware_length_over_16_gets_nothing():
    for n in (17, 32, 128, 255):
        office = Office()
        assert office.discover(b"\2" * 16, hlen=n) is None and office.reason == rq.BAD_HLEN


def test_two_clients_whose_long_hardware_addresses_differ_in_the_last_octet():
    office = Office()
    first = served(office, bytes(15) + b"\1", hlen=16)
    assert served(office, bytes(15) + b"\2", hlen=16) != first


# Options of lengths that cannot be


def test_fixed_size_options_of_wrong_lengths_are_ignored():
    """smoltcp#562, CVE-2026-44815: a 6 of length 5, a 1 of length 8."""
    office = Office()
    odd = option(6, b"12345") + option(1, b"12345678") + option(51, b"\1") + option(57, b"\2") + option(52, b"\1\1")
    offer = office.discover(1, odd + option(50, b"\1\2\3\4\5"))
    assert offer.type == OFFER and offer.address == "10.77.1.1" and offer.seconds == 600
    assert offer.options[1] == ip("255.255.0.0") and len(offer.options[6]) == 8
    assert office.select(offer, 1, odd).type == ACK


def test_server_identifier_of_a_wrong_length_is_no_server_identifier():
    for bad in (b"", b"\x0a", HERE + b"\0", bytes(4)):
        office = Office()
        offer = office.discover(1)
        ack = office.send(message(REQUEST, 1, option(50, ip(offer.address)) + option(54, bad)))
        assert ack.type == ACK and ack.address == offer.address


def test_requested_address_of_all_zeros_or_all_ones():
    for wanted in ("0.0.0.0", "255.255.255.255"):
        office = Office()
        assert office.discover(1, option(50, ip(wanted))).address == "10.77.1.1"
        assert served(office, 1, option(51, b"\0\0\2\x58")) == "10.77.1.1"
    assert office.reboot("255.255.255.255", 1).type == NAK
    assert office.reboot("0.0.0.0", 1) is None and office.note == sv.UNKNOWN_LEASE


def test_network_and_broadcast_addresses_are_never_given():
    office = Office()
    for wanted in ("10.77.0.0", "10.77.255.255", "10.77.0.2", "10.77.0.1", "10.88.0.0", "10.88.0.255"):
        assert office.discover(1, option(50, ip(wanted))).address == "10.77.1.1"
        answer = office.reboot(wanted, 1)
        assert answer is None or answer.type == NAK
        answer = office.renew(wanted, 1)
        assert answer is None or answer.type == NAK
    assert office.table.count(0, ACTIVE) == 0 and office.table.count(1, ACTIVE) == 0


def test_request_list_of_255_octets_with_repeats():
    office = Office()
    for wanted in (bytes(range(255)), b"\6" * 255, bytes([3, 1] * 127), b"\0" * 255, b"\xff" * 255):
        offer = office.discover(1, option(55, wanted))
        assert len(offer.order) == len(set(offer.order)) and 53 in offer.order and 54 in offer.order
        assert served(office, 1, option(55, wanted)) == "10.77.1.1"


def test_request_list_in_pieces_longer_than_any_option():
    office = Office()
    assert served(office, 1, option(55, bytes(range(255))) + option(55, bytes(range(255)))) == "10.77.1.1"


def test_ever_new_request_lists_leave_the_heap_flat():
    office = Office()
    lists = [message(DISCOVER, 1, option(55, bytes((1, 3, n)) + b"\6" * 200)) for n in range(40)]
    assert grows(office, lists, 20) < SLACK


def test_largest_message_size_stays_within_a_frame():
    office = Office(BASIC + 'option blob code 200 = text; option blob "%s";' % ("x" * 1400))
    for size in (b"\xff\xff", b"\5\xdc"):
        offer = office.discover(1, option(57, size) + option(55, b"\xc8"))
        assert len(offer.octets) <= 1472
        assert served(office, 1, option(57, size) + option(55, b"\xc8")) == "10.77.1.1"
    assert len(office.discover(1, option(57, b"\xff\xff")).octets) <= 1472


def test_relay_information_comes_back_even_from_a_full_message():
    """RFC 3046 section 2.2: the relay agent needs it to find the client, whatever else has to stay away."""
    agent = option(1, b"p" * 100) + option(2, b"q" * 100)
    text = 'option a code 200 = text; option b code 201 = text; option a "%s"; option b "%s";' % ("a" * 900, "b" * 250)
    office = Office(BASIC + text)
    offer = office.discover(1, option(57, b"\5\xdc") + option(55, b"\xc8\xc9") + option(82, agent), giaddr="10.88.0.1")
    assert offer.options[82] == agent and offer.order[-1] == 82 and len(offer.octets) <= 1472
    assert offer.options[200] == b"a" * 900


def test_overloaded_fields_that_point_at_each_other_and_hold_the_type():
    octets = bytearray(message(None, 1, option(52, b"\3")))
    octets[108:114] = option(52, b"\2") + option(53, bytes((DISCOVER,)))
    octets[114:115] = END
    octets[44:50] = option(52, b"\1") + option(12, b"") + END
    offer = Office().send(bytes(octets[:50]) + bytes(octets[50:]))
    assert offer.type == OFFER and offer.address == "10.77.1.1"


# Header fields


def test_secs_in_either_order_and_hops_of_255_are_served():
    """RELNOTES #26108: some clients swap the octets of secs."""
    for secs in (0, 1, 0x0100, 0x7F00, 0xFFFF):
        assert served(Office(), 1, secs=secs) == "10.77.1.1"
    octets = bytearray(message(DISCOVER, 1))
    octets[3] = 255
    assert Office().send(bytes(octets)).type == OFFER


def test_swapped_secs_count_for_min_secs():
    office = Office(BASIC + "min-secs 5; check-secs-byte-order true;")
    assert office.discover(1, secs=4) is None and office.note == sv.TOO_EARLY
    assert office.discover(1, secs=0x0600).type == OFFER and office.discover(1, secs=6).type == OFFER


def test_secs_are_not_swapped_unless_the_configuration_says_so():
    office = Office(BASIC + "min-secs 10;")
    assert office.discover(1, secs=256) is not None and office.discover(2, secs=9) is None
    office = Office(BASIC + "min-secs 10; check-secs-byte-order true;")
    assert office.discover(1, secs=256) is None and office.discover(1, secs=0x0A00) is not None


def test_a_reply_has_no_secs_and_no_hops():
    """RFC 2131 table 3: both are 0 in every reply."""
    office = Office()
    octets = bytearray(message(DISCOVER, 1, secs=77))
    octets[3] = 9
    for reply in (office.send(bytes(octets)), office.lease(1, secs=77), office.reboot("10.88.0.10", 1, secs=77)):
        assert reply.octets[3] == 0 and reply.octets[8:10] == b"\0\0"


def test_transaction_number_may_change_between_offer_and_request():
    office = Office()
    offer = office.discover(1)
    octets = bytearray(message(REQUEST, 1, option(50, ip(offer.address)) + option(54, HERE)))
    octets[4:8] = b"\xde\xad\xbe\xef"
    ack = office.send(bytes(octets))
    assert ack.type == ACK and ack.octets[4:8] == b"\xde\xad\xbe\xef" and ack.address == offer.address


def test_flags_of_all_ones_come_back():
    assert Office().discover(1, flags=0xFF).octets[10] == 0xFF


def test_yiaddr_and_siaddr_of_a_client_mean_nothing():
    octets = bytearray(message(DISCOVER, 1))
    octets[16:24] = ip("192.0.2.1") * 2
    offer = Office().send(bytes(octets))
    assert offer.address == "10.77.1.1" and offer.octets[20:24] == bytes(4)


def test_pads_before_type_and_cookie_of_something_else():
    assert Office().send(message(None, 1, bytes(200) + option(53, b"\1"))).type == OFFER
    octets = message(DISCOVER)
    office = Office()
    assert office.send(octets[:236] + b"\x63\x82\x53\x64" + octets[240:]) is None and office.note == sv.NO_BOOTP


def test_datagrams_of_every_length_of_zeros_and_ones():
    office = Office()
    for octet in (b"\0", b"\1", b"\xff"):
        for n in (0, 1, 28, 43, 44, 235, 236, 237, 239, 240, 241, 300, 576, 1500):
            assert office.send(octet * n) is None
    assert served(office, 1) == "10.77.1.1"


# Relay agents that are none, networks that are not configured


def test_request_by_unicast_for_a_subnet_that_is_not_configured():
    """CVE-2025-40779: options, and no subnet to take more from."""
    office = Office(BASIC.replace("authoritative", "not authoritative"))
    extra = option(12, b"x") + option(55, b"\1\3\6") + option(60, b"y") + option(81, b"\0\0\0z")
    for kind in (REQUEST, INFORM, RELEASE):
        for giaddr in ("192.0.2.1", "0.0.0.0"):
            assert office.send(message(kind, 1, extra, ciaddr="192.0.2.7", giaddr=giaddr)) is None
    assert office.discover(1, extra, ciaddr="192.0.2.7", giaddr="192.0.2.1") is None
    assert served(office, 1) == "10.77.1.1"


def test_giaddr_that_no_relay_agent_can_have_gets_no_reply():
    """Nobody can be made to send to everybody, to a group, or to oneself, by a network that an option names."""
    chosen = option(118, ip("10.77.0.0")) + option(82, option(5, ip("10.77.0.0")))
    for giaddr in ("255.255.255.255", "224.0.0.1", "239.255.255.250", "240.0.0.1", "127.0.0.1", "0.0.0.1"):
        office = Office()
        assert office.discover(1, chosen, giaddr=giaddr) is None and office.reason == rq.BAD_RELAY, giaddr
        assert office.reboot("10.77.1.1", 1, chosen, giaddr=giaddr) is None


def test_giaddr_of_our_own_address_is_served_and_the_reply_is_not_answered():
    office = Office()
    offer = office.discover(1, giaddr="10.77.0.2")
    assert offer.to == "10.77.0.2" and offer.port == 67
    assert office.send(offer.octets) is None and office.reason == rq.NOT_REQUEST


def test_giaddr_of_the_other_subnet_cannot_renew_here():
    office = Office()
    address = served(office, 1)
    assert office.renew(address, 1, giaddr="10.88.0.1").type == NAK
    assert office.table.count(0, ACTIVE) == 1


def test_option_82_with_sub_options_that_run_over_or_are_of_odd_lengths():
    office = Office()
    for agent in (
        b"",
        b"\5",
        b"\5\4\x0a",
        b"\5\xff\x0a\x58\0\0",
        b"\5\3\x0a\x58\0",
        b"\5\0",
        b"\x0b\5\1\2\3\4\5",
        bytes(60),
        b"\xff" * 255,
    ):
        offer = office.discover(1, option(82, agent), giaddr="10.88.0.1")
        assert offer.address == "10.88.0.10" and (offer.options[82] == agent if agent else 82 not in offer.options)
        assert served(office, 1, option(82, agent), giaddr="10.88.0.1") == "10.88.0.10"


def test_networks_that_options_name_and_nobody_configured():
    office = Office()
    for foreign in (option(118, ip("192.0.2.0")), option(118, ip("255.255.255.255"))):
        assert office.discover(1, foreign) is None and office.note == sv.UNKNOWN_NETWORK
    foreign = option(82, option(5, ip("192.0.2.0")))
    assert office.discover(1, foreign, giaddr="10.88.0.1") is None and office.note == sv.UNKNOWN_NETWORK
    for useless in (option(118, b""), option(118, b"\x0a"), option(118, bytes(4)), option(118, b"12345678")):
        assert served(office, 1, useless) == "10.77.1.1"


# Messages that a client must not send, or not so often


def test_storm_of_declines_leaves_an_honest_client_its_address():
    office = Office()
    honest = served(office, 1)
    for n in range(200, 400):
        offer = office.discover(n)
        if offer:
            office.send(message(DECLINE, n, option(50, ip(offer.address)) + option(54, HERE)))
    assert office.table.count(0, ABANDONED) >= 18
    assert office.renew(honest, 1).type == ACK and served(office, 1) == honest
    assert served(office, 2) != honest


def test_declines_of_what_nobody_offered_change_nothing():
    office = Office()
    address = served(office, 1)
    for wanted in ("0.0.0.0", "255.255.255.255", "10.77.1.2", "192.0.2.1", "10.77.0.2", address):
        office.send(message(DECLINE, 9, option(50, ip(wanted)) + option(54, HERE)))
        assert office.note == sv.NOT_FOUND and not office.persisted
    office.send(message(DECLINE, 9))
    assert office.table.count(0, ABANDONED) == 0


def test_storm_of_releases_by_strangers_changes_nothing():
    office = Office()
    address = served(office, 1, option(61, b"\xff-owner"))
    for n in range(2, 60):
        office.release(address, n)
        office.release(address, 1, option(61, b"\xff-%d" % n))
        office.release(address, 1)
    assert office.table.count(0, ACTIVE) == 1 and not office.persisted


def test_release_and_decline_of_every_shape_get_no_reply():
    office = Office()
    address = served(office, 1)
    for kind in (RELEASE, DECLINE):
        for octets in (message(kind, 1), message(kind, 1, option(50, b"")), message(kind, 1, ciaddr="255.255.255.255")):
            assert office.send(octets) is None
    assert office.renew(address, 1).type == ACK


def test_inform_without_an_address_or_from_nowhere_is_ignored():
    office = Office()
    for ciaddr in ("0.0.0.0", "255.255.255.255", "127.0.0.1", "192.0.2.9"):
        assert office.send(message(INFORM, 1, ciaddr=ciaddr)) is None and office.note == sv.UNKNOWN_NETWORK


def test_inform_that_is_ignored_is_logged_as_what_it_is():
    """It used to be logged as a DHCPDECLINE of the address of the request before."""
    office = Office()
    served(office, 1)
    said = lines(office, message(INFORM, 2, ciaddr="192.0.2.9"))
    assert said == ["DHCPINFORM from 192.0.2.9 via eth0: unknown network segment"]


def test_decline_without_an_address_names_none_in_the_log():
    office = Office()
    served(office, 1)
    assert lines(office, message(DECLINE, 2))[0].startswith("DHCPDECLINE of 0.0.0.0 from 02:00:00:00:00:02 ")


def test_wish_for_a_lease_of_no_time_or_for_ever():
    office = Office()
    for wish, seconds in (
        (b"\0\0\0\0", 60),
        (b"\xff\xff\xff\xff", 7200),
        (b"\x7f\xff\xff\xff", 7200),
        (b"\x80\0\0\0", 7200),
    ):
        assert office.discover(1, option(51, wish)).seconds == seconds


def test_infinite_lease_is_infinite_when_renewed_too():
    office = Office(BASIC.replace("max-lease-time 7200", "max-lease-time infinite"))
    first = office.lease(1, option(51, b"\xff\xff\xff\xff"))
    office.now += 100
    assert (
        first.options[51]
        == office.renew(first.address, 1, option(51, b"\xff\xff\xff\xff")).options[51]
        == b"\xff\xff\xff\xff"
    )


# Values that the configuration computes from what the client sends


def test_sub_option_computed_from_a_long_option_is_left_out_if_it_does_not_fit():
    """It used to raise, and with it the service stopped, for anybody who sent a user class of 128 octets."""
    office = Office(COMPUTED + BASIC)
    wanted = option(55, b"\x2b\x7d") + option(57, b"\5\xdc")
    short = office.lease(1, option(77, b"ab") + wanted)
    assert short.options[43] == b"\1\4abab\2\1\7" and short.options[125] == b"\0\0\x11\x8b\4\1\2ab"
    for n in (127, 128, 254, 255):
        reply = office.lease(1, option(77, b"u" * n) + wanted)
        assert reply.type == ACK and reply.options[43] == (b"\1\xfe" + b"u" * 254 if n == 127 else b"") + b"\2\1\7"
        assert (125 in reply.options) == (n < 254), "data of over 255 octets fits no block of option 125"
    pieces = option(77, b"u" * 255) + option(77, b"u" * 45)
    assert office.lease(1, pieces + wanted).options[43] == b"\2\1\7"


def test_computed_names_longer_than_their_fields_are_cut():
    office = Office(
        "filename = option user-class; server-name = option user-class; next-server = option user-class;" + BASIC
    )
    reply = office.lease(1, option(77, b"u" * 255))
    assert reply.octets[108:236] == b"u" * 127 + b"\0" and reply.octets[44:108] == b"u" * 63 + b"\0"
    assert reply.octets[20:24] == bytes(4)
    assert office.lease(1, option(77, b"\x0a\0\0\1")).octets[20:24] == ip("10.0.0.1")


def test_echoed_client_id_of_a_bootp_client_stays_within_a_bootp_message():
    office = Office(BASIC.replace("range 10.77.1.1", "range dynamic-bootp 10.77.1.1") + "echo-client-id on;")
    reply = office.send(message(None, 1, option(61, b"i" * 200)))
    assert reply.type is None and len(reply.octets) <= 300
