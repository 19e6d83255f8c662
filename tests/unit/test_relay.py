"""Relay agents, subnet and link selection, and where replies go (RFC 2131 section 4.1, 3046, 3527, 3011, 5107)."""

from packets import ACK, NAK, OFFER, Office, ip, option
from twinlease.dhcp import server as sv


def test_giaddr_chooses_the_network_and_gets_the_reply():
    office = Office()
    offer = office.discover(1, giaddr="10.88.0.1")
    assert offer.address == "10.88.0.10" and offer.to == "10.88.0.1" and offer.port == 67
    assert office.select(offer, 1, giaddr="10.88.0.1").type == ACK


def test_giaddr_of_nobody_is_left_alone():
    office = Office()
    assert office.discover(1, giaddr="192.0.2.1") is None and office.note == sv.UNKNOWN_NETWORK
    assert office.reboot("10.77.1.1", 1, giaddr="192.0.2.1") is None


def test_option_82_comes_back_last_and_whole():
    agent = option(1, b"port 7") + option(2, b"\0\1\2")
    offer = Office().discover(1, option(82, agent) + option(55, b"\1\3\6\x52"), giaddr="10.88.0.1")
    assert offer.options[82] == agent and offer.order[-1] == 82


def test_option_82_without_giaddr_is_echoed_but_chooses_nothing():
    """A switch may insert it without being a relay (RFC 3046 section 2.1)."""
    agent = option(5, ip("10.88.0.0"))
    offer = Office().discover(1, option(82, agent))
    assert offer.address == "10.77.1.1" and offer.options[82] == agent


def test_link_selection_before_subnet_selection_before_giaddr():
    both = option(82, option(5, ip("10.88.0.0"))) + option(118, ip("10.77.0.0"))
    offer = Office().discover(1, both, giaddr="10.77.0.1")
    assert offer.address == "10.88.0.10" and offer.to == "10.77.0.1"
    assert Office().discover(1, option(118, ip("10.88.0.0")), giaddr="10.77.0.1").address == "10.88.0.10"


def test_link_selection_of_an_unknown_network_gets_nothing():
    assert Office().discover(1, option(82, option(5, ip("192.0.2.0"))), giaddr="10.77.0.1") is None


def test_server_identifier_override():
    agent = option(82, option(11, ip("10.88.0.1")))
    office = Office()
    offer = office.discover(1, agent, giaddr="10.88.0.1")
    assert offer.options[54] == ip("10.88.0.1")
    assert office.select(offer, 1, agent, giaddr="10.88.0.1").type == ACK


def test_nak_through_a_relay_must_be_broadcast():
    nak = Office().reboot("10.77.1.1", 1, giaddr="10.88.0.1")
    assert nak.type == NAK and nak.octets[10] & 0x80 and nak.to == "10.88.0.1"


def test_unicast_renewal_through_a_router_is_served():
    office = Office()
    offer = office.discover(1, giaddr="10.88.0.1")
    office.select(offer, 1, giaddr="10.88.0.1")
    office.now += 400
    ack = office.renew(offer.address, 1)
    assert ack.type == ACK and ack.to == offer.address and ack.port == 68


def test_rebinding_through_a_relay_of_another_network_is_refused():
    office = Office()
    first = office.lease(1)
    assert office.renew(first.address, 1, giaddr="10.88.0.1").type == NAK


def test_shared_network_serves_from_all_its_subnets():
    office = Office("""shared-network floor {
      subnet 10.77.0.0 netmask 255.255.255.0 { option routers 10.77.0.1; range 10.77.0.10 10.77.0.11; }
      subnet 10.99.0.0 netmask 255.255.255.0 { option routers 10.99.0.1; range 10.99.0.10 10.99.0.11; }
    }""")
    acks = [office.lease(n) for n in range(1, 5)]
    assert sorted([a.address for a in acks]) == ["10.77.0.10", "10.77.0.11", "10.99.0.10", "10.99.0.11"]
    for a in acks:
        assert a.options[3][:2] == ip(a.address)[:2], "each subnet has its own router"


def test_offer_goes_by_broadcast_whatever_the_flag_says():
    for flags in (0, 0x80):
        offer = Office().discover(1, flags=flags)
        assert offer.type == OFFER and offer.to == "255.255.255.255"


def test_a_unicast_renewal_keeps_the_class_that_its_relay_gave_it():
    """stash-agent-options: the renewal comes without option 82, and still belongs to port 7."""
    office = Office("""authoritative; dhcp-cache-threshold 0;
      class "port7" { match if option agent.circuit-id = "port 7"; option domain-name "seven"; }
      subnet 10.77.0.0 netmask 255.255.0.0 { }
      subnet 10.88.0.0 netmask 255.255.255.0 { pool { allow members of "port7"; range 10.88.0.10 10.88.0.19; } }""")
    agent = option(82, option(1, b"port 7"))
    ack = office.lease(1, agent, giaddr="10.88.0.1")
    assert ack.options[15] == b"seven"
    assert office.discover(2, giaddr="10.88.0.1") is None
    office.now += 300
    renewed = office.renew(ack.address, 1)
    assert renewed.type == ACK and renewed.options[15] == b"seven" and 82 not in renewed.options
