"""The request parser against ordinary, odd and hostile packets (users-and-peers section 4)."""

import micropython
from packets import DISCOVER, message, option
from twinlease.dhcp import request as rq
from twinlease.dhcp.request import Request


def parsed(octets):
    r = Request()
    return r.parse(octets, len(octets)), r


def value(r, code):
    at = r.where[code]
    return bytes(r.buf[at : at + r.size[code]]) if at else None


def test_ordinary_discover():
    reason, r = parsed(message(DISCOVER, 1, option(61, b"\1\2\0\0\0\0\1") + option(12, b"till-7")))
    assert reason == 0 and r.type == rq.DISCOVER and not r.relayed
    assert value(r, 12) == b"till-7" and r.id_n == 7 and value(r, 61)[1:] == b"\2\0\0\0\0\1"


def test_pad_between_options():
    reason, r = parsed(message(DISCOVER, 1, b"\0\0" + option(12, b"a") + b"\0" + option(60, b"b")))
    assert reason == 0 and value(r, 12) == b"a" and value(r, 60) == b"b"


def test_no_end_option():
    reason, r = parsed(message(DISCOVER, 1, option(12, b"a"), end=b""))
    assert reason == 0 and value(r, 12) == b"a"


def test_only_pads_and_no_end():
    reason, r = parsed(message(None, 1, bytes(60), end=b""))
    assert reason == 0 and r.type == rq.BOOTP


def test_no_cookie_is_bootp():
    octets = message(DISCOVER)
    octets = octets[:236] + b"\0\0\0\0" + octets[240:]
    reason, r = parsed(octets)
    assert reason == 0 and r.type == rq.BOOTP and not r.where[53]


def test_message_type_not_first():
    reason, r = parsed(message(None, 1, option(12, b"a") + option(53, b"\1")))
    assert reason == 0 and r.type == rq.DISCOVER


def test_message_type_of_length_0_or_unknown_value():
    for bad in (b"", b"\0", b"\x0e", b"\xff"):
        assert parsed(message(None, 1, option(53, bad)))[0] == rq.BAD_TYPE


def test_message_types_that_only_servers_send():
    for kind in (2, 5, 6):
        assert parsed(message(kind))[0] == rq.BAD_TYPE


def test_client_id_of_length_0_and_1_is_ignored():
    for n in (0, 1):
        reason, r = parsed(message(DISCOVER, 1, option(61, bytes(n))))
        assert reason == 0 and r.id_n == 0


def test_client_id_of_length_255():
    reason, r = parsed(message(DISCOVER, 1, option(61, bytes(range(255)))))
    assert reason == 0 and r.id_n == 255 and value(r, 61) == bytes(range(255))


def test_hardware_address_longer_than_16():
    for n in (17, 255):
        assert parsed(message(DISCOVER, 1, hlen=n))[0] == rq.BAD_HLEN


def test_no_hardware_address_needs_a_client_id():
    assert parsed(message(DISCOVER, b"", hlen=0))[0] == rq.NO_IDENTITY
    reason, r = parsed(message(DISCOVER, b"", option(61, b"\xff1234"), htype=32, hlen=0))
    assert reason == 0 and r.id_n == 5


def test_every_truncation_is_refused_or_read_within_bounds():
    whole = message(DISCOVER, 1, option(61, b"\1\2\0\0\0\0\1") + option(12, b"till-7") + option(55, b"\1\3\6"))
    r = Request()
    for n in range(len(whole)):
        reason = r.parse(whole[:n], n)
        assert reason in (0, rq.SHORT, rq.TRUNCATED_OPTION, rq.NO_IDENTITY), n
        for code in range(1, 255):
            assert not r.where[code] or r.where[code] + r.size[code] <= n
    assert r.parse(whole[:200], 200) == rq.SHORT


def test_option_that_runs_past_the_end():
    assert parsed(message(DISCOVER, 1, b"\x0c\xffabc", end=b""))[0] == rq.TRUNCATED_OPTION
    assert parsed(message(DISCOVER, 1, b"\x0c", end=b""))[0] == rq.TRUNCATED_OPTION


def test_pieces_of_an_option_are_joined():
    reason, r = parsed(message(DISCOVER, 1, option(12, b"till") + option(60, b"x") + option(12, b"-7")))
    assert reason == 0 and value(r, 12) == b"till-7" and value(r, 60) == b"x"


def test_overload_reads_file_and_sname_in_that_order():
    octets = bytearray(message(DISCOVER, 1, option(52, b"\3") + option(12, b"a")))
    octets[108:112] = option(12, b"b") + END
    octets[44:48] = option(12, b"c") + END
    reason, r = parsed(bytes(octets))
    assert reason == 0 and value(r, 12) == b"abc"


def test_overload_loop_and_nonsense():
    for bad in (b"", b"\4", b"\xff", b"\1\1"):
        reason, r = parsed(message(DISCOVER, 1, option(52, bad) + option(12, b"a")))
        assert reason == 0 and value(r, 12) == b"a"
    octets = bytearray(message(DISCOVER, 1, option(52, b"\3")))
    octets[108:112] = option(52, b"\3") + END
    octets[44:48] = option(52, b"\3") + END
    assert parsed(bytes(octets))[0] == 0


def test_overloaded_file_without_end_stops_at_its_field():
    octets = bytearray(message(DISCOVER, 1, option(52, b"\1")))
    octets[108:236] = bytes(125) + b"\x0c\1a"
    reason, r = parsed(bytes(octets))
    assert reason == 0 and value(r, 12) == b"a"


def test_fixed_size_option_of_a_wrong_length_is_not_a_number():
    reason, r = parsed(message(DISCOVER, 1, option(51, b"\0\0\1") + option(50, b"\1\2\3\4\5")))
    assert reason == 0 and r.number(51) == -1 and r.address(50) == 0


def test_lease_time_too_large_for_a_board_is_forever():
    assert parsed(message(DISCOVER, 1, option(51, b"\xff\xff\xff\xff")))[1].number(51) == 0x3FFFFFFF
    assert parsed(message(DISCOVER, 1, option(51, b"\0\0\2\x58")))[1].number(51) == 600


def test_relay_agent_sub_options_within_bounds():
    agent = option(1, b"port7") + option(5, b"\x0a\x58\0\0")
    r = parsed(message(DISCOVER, 1, option(82, agent)))[1]
    at = r.agent(5)
    assert bytes(r.buf[at + 1 : at + 5]) == b"\x0a\x58\0\0" and r.agent(11) == 0
    r = parsed(message(DISCOVER, 1, option(82, b"\5\x20\x0a")))[1]
    assert r.agent(5) == 0


def test_a_parser_that_was_used_forgets_the_last_packet():
    r = Request()
    first = message(DISCOVER, 1, option(12, b"a") + option(82, b"\1\1x") + option(61, b"\1\2\3"))
    assert r.parse(first, len(first)) == 0
    second = message(DISCOVER)
    assert r.parse(second, len(second)) == 0
    assert not r.where[12] and not r.where[82] and r.id_n == 0 and r.agent_n == 0


def test_parsing_an_ordinary_packet_allocates_nothing():
    r = Request()
    octets = message(DISCOVER, 1, option(61, b"\1\2\0\0\0\0\1") + option(12, b"till-7") + option(55, b"\1\3\6"))
    r.parse(octets, len(octets))
    micropython.heap_lock()
    try:
        reason = r.parse(octets, len(octets))
    finally:
        micropython.heap_unlock()
    assert reason == 0


END = b"\xff"
