"""What a client gets: DISCOVER, REQUEST in its four states, RELEASE, DECLINE, INFORM (RFC 2131 section 4.3)."""

import micropython
from packets import ACK, BASIC, BROADCAST, DECLINE, HERE, INFORM, NAK, OFFER, REQUEST, Office, ip, message, option
from twinlease.dhcp import server as sv
from twinlease.lease.table import ABANDONED, ACTIVE, FREE


def row_of(office, address):
    return office.table.row_of(ip(address), 0)


def test_discover_and_request_give_the_offered_address():
    office = Office()
    offer = office.discover(1)
    assert offer.type == OFFER and offer.address == "10.77.1.1" and offer.to == "255.255.255.255" and offer.port == 68
    assert offer.options[54] == HERE and offer.seconds == 600 and office.persisted == []
    ack = office.select(offer, 1)
    assert ack.type == ACK and ack.address == offer.address and ack.seconds == 600
    assert office.persisted == [row_of(office, "10.77.1.1")]
    assert office.table.state(row_of(office, "10.77.1.1")) == ACTIVE


def test_options_arrive_as_configured():
    ack = Office().lease(1)
    assert ack.options[1] == ip("255.255.0.0") and ack.options[3] == ip("10.77.0.1")
    assert ack.options[6] == ip("10.77.0.2") + ip("10.77.0.3") and ack.options[15] == b"branch.example"


def test_parameter_request_list_sets_choice_and_order():
    ack = Office().lease(1, option(55, b"\x0f\x06\x2a"))
    assert ack.order == [53, 54, 51, 15, 6, 1]


def test_offer_alone_binds_nothing():
    office = Office()
    office.discover(1)
    assert office.table.state(row_of(office, "10.77.1.1")) == FREE and not office.persisted


def test_two_clients_are_offered_two_addresses():
    office = Office()
    assert office.discover(1).address != office.discover(2).address


def test_offer_is_held_for_its_client_for_a_bounded_time():
    office = Office()
    held = office.discover(1)
    assert office.discover(2, option(50, ip(held.address))).address != held.address
    assert office.discover(1).address == held.address
    assert office.reboot(held.address, 3).type == NAK
    office.later(sv.OFFER_HOLD_S + 1)
    assert office.discover(4, option(50, ip(held.address))).address == held.address


def test_flood_of_discovers_does_not_keep_an_honest_client_out():
    """More unanswered offers than addresses: the oldest is given out anew, and who asks first has the address."""
    office = Office()
    honest = office.discover(1)
    for n in range(100, 400):
        assert office.discover(n) is not None
    assert office.select(honest, 1).type == ACK
    assert office.lease(2).type == ACK


def test_sticky_address_after_release_and_after_expiry():
    office = Office()
    first = office.lease(1)
    office.lease(2)
    office.release(first.address, 1)
    assert office.table.state(row_of(office, first.address)) == FREE
    assert office.lease(1).address == first.address
    office.later(1000)
    assert office.table.state(row_of(office, first.address)) == FREE
    assert office.lease(1).address == first.address


def test_addresses_out_of_use_for_longest_go_first():
    office = Office()
    for n in range(1, 21):
        assert office.lease(n).type == ACK
    assert office.discover(99) is None and office.note == sv.NO_FREE
    for n in (7, 3, 12):
        office.now += 1
        office.release("10.77.1.%d" % n, n)
    assert [office.lease(n).address for n in (31, 32, 33)] == ["10.77.1.7", "10.77.1.3", "10.77.1.12"]


def test_requested_address_is_given_if_free():
    assert Office().discover(1, option(50, ip("10.77.1.9"))).address == "10.77.1.9"


def test_requested_address_of_another_network_is_not_offered():
    assert Office().discover(1, option(50, ip("10.88.0.10"))).address == "10.77.1.1"


def test_request_for_another_server_is_left_alone():
    office = Office()
    offer = office.discover(1)
    wanted = option(50, ip(offer.address)) + option(54, ip("10.77.0.99"))
    assert office.send(message(REQUEST, 1, wanted)) is None and office.note == sv.OTHER_SERVER


def test_renewing_is_unicast_and_persisted_before_the_reply():
    office = Office()
    first = office.lease(1)
    office.now += 300
    ack = office.renew(first.address, 1)
    assert ack.type == ACK and ack.seconds == 600 and ack.to == first.address and ack.port == 68
    assert office.persisted == [row_of(office, first.address)]


def test_a_fresh_lease_is_repeated_without_touching_flash():
    """dhcp-cache-threshold, 25 % as in ISC dhcpd: what is left of the lease, and no write."""
    office = Office()
    first = office.lease(1)
    office.now += 100
    ack = office.renew(first.address, 1)
    assert ack.seconds == 500 and office.persisted == []
    always = Office(BASIC + "dhcp-cache-threshold 0;")
    first = always.lease(1)
    always.now += 1
    assert always.renew(first.address, 1).seconds == 600 and len(always.persisted) == 1


def test_renewing_keeps_the_address_of_an_expired_lease_nobody_took():
    office = Office()
    first = office.lease(1)
    office.later(5000)
    assert office.renew(first.address, 1).type == ACK


def test_renewing_another_clients_address_is_refused():
    office = Office()
    first = office.lease(1)
    assert office.renew(first.address, 2).type == NAK


def test_init_reboot_right_and_wrong():
    office = Office()
    first = office.lease(1)
    assert office.reboot(first.address, 1).type == ACK
    nak = office.reboot("10.88.0.10", 1)
    assert nak.type == NAK and nak.to == "255.255.255.255" and office.note == sv.WRONG_NETWORK
    assert office.reboot("192.168.7.7", 1).type == NAK
    assert office.reboot("10.77.200.1", 1) is None and office.note == sv.UNKNOWN_LEASE


def test_not_authoritative_is_silent_about_other_networks():
    office = Office(BASIC.replace("authoritative", "not authoritative"))
    assert office.reboot("192.168.7.7", 1) is None and office.note == sv.NOT_AUTHORITATIVE


def test_release_by_somebody_else_is_ignored():
    office = Office()
    first = office.lease(1)
    office.release(first.address, 2)
    assert office.note == sv.NOT_FOUND and office.table.state(row_of(office, first.address)) == ACTIVE


def test_decline_abandons_and_the_address_comes_back():
    office = Office(BASIC + "abandon-lease-time 900;")
    first = office.lease(1)
    row = row_of(office, first.address)
    office.send(message(DECLINE, 1, option(50, ip(first.address)) + option(54, HERE)))
    assert office.table.state(row) == ABANDONED and office.persisted == [row]
    assert office.lease(1).address != first.address
    office.later(901)
    assert office.table.state(row) == FREE


def test_decline_of_an_address_that_is_not_ones_own_is_ignored():
    office = Office()
    first = office.lease(1)
    office.send(message(DECLINE, 2, option(50, ip(first.address))))
    assert office.table.state(row_of(office, first.address)) == ACTIVE


def test_abandoned_address_is_used_when_nothing_else_is_left():
    office = Office()
    for n in range(1, 21):
        office.lease(n)
    office.send(message(DECLINE, 5, option(50, ip("10.77.1.5"))))
    again = office.lease(99)
    assert again.type == ACK and again.address == "10.77.1.5"


def test_inform_gets_options_and_no_lease():
    office = Office()
    ack = office.send(message(INFORM, 1, option(55, b"\x06"), ciaddr="10.77.9.9"))
    assert ack.type == ACK and ack.address == "0.0.0.0" and ack.to == "10.77.9.9" and 51 not in ack.options
    assert ack.order == [53, 54, 6]
    assert office.send(message(INFORM, 1, ciaddr="192.0.2.1")) is None


def test_client_id_comes_before_hardware_address():
    office = Office()
    one = office.lease(1, option(61, b"\xff-one"))
    two = office.lease(1, option(61, b"\xff-two"))
    assert one.address != two.address
    assert office.lease(9, option(61, b"\xff-one")).address == one.address


def test_system_with_an_identifier_takes_over_what_its_boot_rom_had_without():
    office = Office()
    rom = office.lease(1)
    assert office.lease(1, option(61, b"\xff-system")).address == rom.address


def test_lease_time_wish_is_honoured_within_min_and_max():
    office = Office()
    assert office.discover(1, option(51, b"\0\0\x0e\x10")).seconds == 3600
    assert office.discover(1, option(51, b"\0\0\0\1")).seconds == 60
    assert office.discover(1, option(51, b"\xff\xff\xff\xff")).seconds == 7200


def test_infinite_lease_if_configured():
    office = Office(BASIC.replace("max-lease-time 7200", "max-lease-time infinite"))
    assert office.lease(1, option(51, b"\xff\xff\xff\xff")).options[51] == BROADCAST
    office.later(500000)
    assert office.table.state(row_of(office, "10.77.1.1")) == ACTIVE


def test_taking_another_address_frees_the_old_one():
    office = Office()
    first = office.lease(1, option(61, b"\xff-one"))
    second = office.reboot("10.77.1.9", 1, option(61, b"\xff-one"))
    assert second.type == ACK and second.address == "10.77.1.9"
    assert office.table.state(row_of(office, first.address)) == FREE and len(office.persisted) == 2


def test_guests_get_shorter_leases_when_the_pool_fills():
    """mac() makes locally administered addresses: guests; 00:16:... is a maker's."""
    office = Office(BASIC + "guest-lease-time 90; adaptive-lease-time-threshold 50;")
    assert office.lease(1).seconds == 600
    for n in range(2, 13):
        office.lease(n)
    assert office.lease(50).seconds == 90
    assert office.discover(b"\0\x16\x3e\0\0\1", b"").seconds == 60, "adaptive threshold: min-lease-time for everybody"


def test_one_lease_per_client_frees_leases_on_other_networks():
    office = Office(BASIC + "one-lease-per-client true;")
    first = office.lease(1)
    second = office.lease(1, giaddr="10.88.0.1")
    assert second.address == "10.88.0.10" and office.table.state(row_of(office, first.address)) == FREE


def test_two_networks_two_leases_by_default():
    office = Office()
    first = office.lease(1)
    assert office.lease(1, giaddr="10.88.0.1").address == "10.88.0.10"
    assert office.table.state(row_of(office, first.address)) == ACTIVE


def test_host_name_is_kept_without_its_zero():
    office = Office()
    office.lease(1, option(12, b"till-7\0"))
    out = bytearray(64)
    assert bytes(out[: office.table.get_item(0, 3, out, 0)]) == b"till-7"


def test_a_changed_host_name_is_persisted_even_if_the_lease_is_fresh():
    office = Office()
    first = office.lease(1, option(12, b"old"))
    assert office.renew(first.address, 1, option(12, b"new")).type == ACK and len(office.persisted) == 1


def test_renew_path_allocates_nothing():
    """DESIGN: no heap object for a client, a packet or a time; holds with a name, an identifier and a request list."""
    office = Office(
        BASIC + "dhcp-cache-threshold 0; host other { hardware ethernet 02:00:00:00:77:77; fixed-address 10.77.0.9; }"
    )
    options = (
        option(61, b"\xff\0\0\0\1\0\1\x2a") + option(12, b"till-7") + option(55, b"\1\3\6\x0f") + option(57, b"\5\xdc")
    )
    first = office.lease(1, options)
    octets = message(REQUEST, 1, options, ciaddr=first.address)
    node, length = office.node, len(octets)
    for _ in range(2):
        node.on_dhcp(octets, length, 0, office.now)
        node.done()
    later = office.now + 300
    micropython.heap_lock()
    try:
        node.on_dhcp(octets, length, 0, later)
    finally:
        micropython.heap_unlock()
    assert node.sends == 1 and node.n_rows == 1 and office.table.ends(0) == later + 600


def test_discover_of_a_known_client_allocates_nothing():
    office = Office()
    octets = message(1, 1, option(55, b"\1\3\6\x0f"))
    office.lease(1, option(55, b"\1\3\6\x0f"))
    for _ in range(2):
        office.node.on_dhcp(octets, len(octets), 0, office.now)
        office.node.done()
    length = len(octets)
    micropython.heap_lock()
    try:
        office.node.on_dhcp(octets, length, 0, 1000)
    finally:
        micropython.heap_unlock()
    assert office.node.sends == 1


def test_a_doubtful_clock_never_ends_a_lease_before_its_client_does():
    office = Office()
    office.node.server.doubt_s = 2
    first = office.lease(1)
    row = row_of(office, first.address)
    assert first.seconds == 600 and office.table.ends(row) == office.now + 602
    office.now += 100
    assert office.renew(first.address, 1).seconds == 500, "what is left is told without the doubt"


def test_a_lease_that_no_memory_was_left_to_tell_is_persisted_before_it_is_told():
    """Or the client's next request would find it fresh in RAM, and get an ACK that flash knows nothing of."""
    office = Office()
    offer = office.discover(1)
    settings = office.node.server.client.global_settings().__class__
    template = settings.template
    settings.template = _no_memory
    try:
        office.select(offer, 1)
        raise AssertionError("it raised nothing")
    except MemoryError:
        office.node.drop_replies()
    finally:
        settings.template = template
    ack = office.select(offer, 1)
    assert ack.type == ACK and office.persisted == [row_of(office, offer.address)]


def _no_memory(self, request, room, with_mask):
    raise MemoryError()


def test_the_servers_own_address_is_not_leased():
    office = Office("subnet 10.77.0.0 netmask 255.255.255.0 { range 10.77.0.1 10.77.0.3; } authoritative;")
    assert office.node.reserve_own(HERE) and not office.node.reserve_own(ip("10.77.9.9"))
    assert [office.lease(n).address for n in (1, 2)] == ["10.77.0.1", "10.77.0.3"]
    assert office.lease(3) is None
    assert office.reboot("10.77.0.2", 3).type == NAK


def test_a_free_address_behind_offered_ones_is_found_before_an_offer_is_broken():
    office = Office("authoritative; subnet 10.77.0.0 netmask 255.255.0.0 { range 10.77.1.1 10.77.1.12; }")
    first = office.lease(1)
    for n in range(2, 13):
        office.discover(n)
    office.release(first.address, 1)
    assert office.discover(99).address == first.address


def test_abandon_lease_time_infinite():
    office = Office(BASIC + "abandon-lease-time infinite;")
    first = office.lease(1)
    office.send(message(DECLINE, 1, option(50, ip(first.address)) + option(54, HERE)))
    office.later(10000000)
    assert office.table.state(row_of(office, first.address)) == ABANDONED
