"""Hosts, classes, groups, pools with allow and deny, BOOTP, conditions: dhcpd.conf(5) as a client sees it."""

from packets import ACK, NAK, Office, ip, message, option
from twinlease.dhcp import server as sv

NET = "subnet 10.77.0.0 netmask 255.255.0.0 { option routers 10.77.0.1; %s }\nauthoritative;\n"


def office(inside, outside=""):
    return Office(outside + NET % inside)


def test_reservation_by_hardware():
    o = office(
        "range 10.77.1.1 10.77.1.9;", "host till { hardware ethernet 02:00:00:00:00:07; fixed-address 10.77.0.7; }"
    )
    ack = o.lease(7)
    assert ack.address == "10.77.0.7" and ack.seconds == 43200 and o.persisted == []
    assert o.lease(8).address == "10.77.1.1"
    assert o.reboot("10.77.1.5", 7).type == NAK, "a reserved client asking for another address moves now"


def test_reservation_by_client_identifier_wins_over_hardware():
    o = office(
        "range 10.77.1.1 10.77.1.9;",
        """
      host a { hardware ethernet 02:00:00:00:00:07; fixed-address 10.77.0.7; }
      host b { option dhcp-client-identifier "printer"; fixed-address 10.77.0.8; }""",
    )
    assert o.lease(7, option(61, b"printer")).address == "10.77.0.8"
    assert o.lease(7).address == "10.77.0.7"


def test_fixed_address_on_the_clients_own_network_is_chosen():
    o = Office("""host a { hardware ethernet 02:00:00:00:00:07; fixed-address 10.88.0.7, 10.77.0.7; }
      subnet 10.77.0.0 netmask 255.255.0.0 { } subnet 10.88.0.0 netmask 255.255.255.0 { }""")
    assert o.lease(7).address == "10.77.0.7"
    assert o.lease(7, giaddr="10.88.0.1").address == "10.88.0.7"


def test_host_and_group_options_override_outer_ones():
    o = office(
        'option domain-name "net"; range 10.77.1.1 10.77.1.9;',
        """
      option domain-name "global"; option ntp-servers 10.0.0.1;
      group { option domain-name "group"; next-server 10.77.0.99; filename "group.img";
        host a { hardware ethernet 02:00:00:00:00:07; option ntp-servers 10.0.0.2; }
      }""",
    )
    ack = o.lease(7)
    assert ack.address == "10.77.1.1" and ack.options[15] == b"group" and ack.options[42] == ip("10.0.0.2")
    assert ack.octets[20:24] == ip("10.77.0.99") and ack.octets[108:117] == b"group.img"
    other = o.lease(8)
    assert other.options[15] == b"net" and other.octets[20:24] == bytes(4)


def test_use_host_decl_names():
    o = office(
        "range 10.77.1.1 10.77.1.9;", "use-host-decl-names on; host till-7 { hardware ethernet 02:00:00:00:00:07; }"
    )
    assert o.lease(7).options[12] == b"till-7"


def test_known_and_unknown_clients_have_their_pools():
    o = office(
        """pool { allow known-clients; range 10.77.1.1 10.77.1.2; }
      pool { deny known-clients; range 10.77.2.1 10.77.2.2; }""",
        "host a { hardware ethernet 02:00:00:00:00:07; }",
    )
    assert o.lease(7).address == "10.77.1.1" and o.lease(8).address == "10.77.2.1"
    assert o.reboot("10.77.1.2", 8).type == NAK
    assert o.lease(9).address == "10.77.2.2"
    assert o.lease(10) is None and o.note == sv.NO_FREE


def test_class_with_match_if_and_its_own_options():
    o = office(
        """pool { allow members of "phones"; range 10.77.1.1 10.77.1.2; }
      pool { deny members of "phones"; range 10.77.2.1 10.77.2.9; }""",
        """
      class "phones" { match if substring(option vendor-class-identifier, 0, 5) = "PHONE"; option tftp-server-name "tftp"; }""",
    )
    phone = o.lease(1, option(60, b"PHONE-42"))
    assert phone.address == "10.77.1.1" and phone.options[66] == b"tftp"
    desk = o.lease(2, option(60, b"MSFT 5.0"))
    assert desk.address == "10.77.2.1" and 66 not in desk.options


def test_subclass_by_hardware():
    o = office(
        """pool { allow members of "lab"; range 10.77.1.1 10.77.1.2; } pool { range 10.77.2.1 10.77.2.9; deny members of "lab"; }""",
        """
      class "lab" { match hardware; }
      subclass "lab" 1:02:00:00:00:00:07 { option domain-name "seven"; }
      subclass "lab" 1:02:00:00:00:00:08;""",
    )
    assert o.lease(7).options[15] == b"seven" and o.lease(8).address == "10.77.1.2"
    assert o.lease(9).address == "10.77.2.1"


def test_pxe_by_architecture():
    o = office(
        """range 10.77.1.1 10.77.1.9; next-server 10.77.0.5;
      if option arch = 00:07 { filename "efi64"; } elsif option arch = 00:00 { filename "bios"; } else { filename "other"; }""",
        "option arch code 93 = unsigned integer 16;",
    )

    def name(octets):
        return octets[108:120].split(b"\0")[0] if isinstance(octets, bytes) else None

    assert name(o.discover(1, option(93, b"\0\7")).octets) == b"efi64"
    assert name(o.discover(1, option(93, b"\0\0")).octets) == b"bios"
    assert name(o.discover(1).octets) == b"other"


def test_computed_option():
    o = office(
        'range 10.77.1.1 10.77.1.9; option host-name = concat("dhcp-", binary-to-ascii(10, 8, "-", leased-address));'
    )
    assert o.lease(1, option(55, b"\x0c")).options[12] == b"dhcp-10-77-1-1"


def test_vendor_encapsulated_options():
    o = office(
        'range 10.77.1.1 10.77.1.9; vendor-option-space ACME; option ACME.server 10.0.0.9; option ACME.name "x";',
        """
      option space ACME; option ACME.server code 1 = ip-address; option ACME.name code 2 = text;""",
    )
    assert o.lease(1, option(55, b"\x2b")).options[43] == b"\1\4\x0a\0\0\x09\2\1x"


def test_deny_unknown_clients_and_booting():
    o = office("range 10.77.1.1 10.77.1.9;", "deny unknown-clients; host a { hardware ethernet 02:00:00:00:00:07; }")
    assert o.discover(8) is None and o.note == sv.UNKNOWN_CLIENT
    assert o.lease(7).type == ACK
    o = office("range 10.77.1.1 10.77.1.9;", "deny booting;")
    assert o.discover(8) is None and o.note == sv.DENIED


def test_bootp_by_host_declaration_and_dynamic():
    o = office(
        "range dynamic-bootp 10.77.1.1 10.77.1.2; range 10.77.2.1 10.77.2.9;",
        'host a { hardware ethernet 02:00:00:00:00:07; fixed-address 10.77.0.7; filename "boot"; }',
    )
    fixed = o.send(message(None, 7))
    assert fixed.address == "10.77.0.7" and fixed.type is None and fixed.octets[108:112] == b"boot"
    dynamic = o.send(message(None, 8))
    assert dynamic.address == "10.77.1.1" and len(o.persisted) == 1
    o.later(10000000)
    assert o.send(message(None, 8)).address == "10.77.1.1" and not o.persisted
    assert o.send(message(None, 9)).address == "10.77.1.2"
    assert o.send(message(None, 10)) is None and o.note == sv.NO_BOOTP


def test_deny_dynamic_bootp_clients():
    o = office("pool { deny dynamic bootp clients; range dynamic-bootp 10.77.1.1 10.77.1.2; }")
    assert o.send(message(None, 8)) is None


def test_deny_bootp():
    o = office("range dynamic-bootp 10.77.1.1 10.77.1.2;", "deny bootp;")
    assert o.send(message(None, 8)) is None and o.note == sv.DENIED


def test_server_identifier_next_server_and_names():
    o = office(
        "range 10.77.1.1 10.77.1.9;",
        'server-identifier 10.77.0.200; server-name "srv"; filename "f"; next-server 10.0.0.1;',
    )
    offer = o.discover(1)
    assert (
        offer.options[54] == ip("10.77.0.200") and offer.octets[44:48] == b"srv\0" and offer.octets[108:110] == b"f\0"
    )
    assert o.select(offer, 1).type == ACK


def test_long_option_goes_out_in_pieces():
    o = office('range 10.77.1.1 10.77.1.9; option blob "%s";' % ("x" * 300), "option blob code 200 = text;")
    reply = o.discover(1, option(55, b"\xc8") + option(57, b"\5\xdc"))
    assert reply.options[200] == b"x" * 300 and reply.order.count(200) == 2


def test_options_overload_file_and_sname_when_the_message_is_small():
    o = office(
        'range 10.77.1.1 10.77.1.9; option a "%s"; option b "%s"; option c "%s";' % ("a" * 230, "b" * 100, "c" * 50),
        "option a code 200 = text; option b code 201 = text; option c code 202 = text;",
    )
    reply = o.discover(1, option(55, b"\xc8\xc9\xca"))
    assert len(reply.octets) <= 548 and reply.options[52] == b"\1"
    assert reply.octets[108:110] == b"\xc9\x64" and reply.options[202] == b"c" * 50
    assert reply.octets[210:217] == option(1, ip("255.255.0.0")) + b"\xff", "the mask found room in `file` too"


def test_overload_leaves_a_configured_filename_alone():
    o = office(
        'range 10.77.1.1 10.77.1.9; filename "boot"; option a "%s"; option b "%s";' % ("a" * 230, "b" * 60),
        "option a code 200 = text; option b code 201 = text;",
    )
    reply = o.discover(1, option(55, b"\xc8\xc9"))
    assert reply.octets[108:113] == b"boot\0" and reply.options[52] == b"\2" and reply.octets[44:46] == b"\xc9\x3c"


def test_message_size_below_the_legal_minimum_counts_as_576():
    for size in (b"\0\0", b"\0\1", b"\0\x64"):
        assert len(Office().discover(1, option(57, size)).octets) >= 300
    o = office('range 10.77.1.1 10.77.1.9; option a "%s";' % ("a" * 250), "option a code 200 = text;")
    assert len(o.discover(1, option(57, b"\0\0") + option(55, b"\xc8")).options[200]) == 250


def test_group_around_a_subnet():
    o = Office("""group { option routers 10.77.0.9; default-lease-time 777;
      subnet 10.77.0.0 netmask 255.255.0.0 { range 10.77.1.1 10.77.1.9; } }""")
    ack = o.lease(1)
    assert ack.options[3] == ip("10.77.0.9") and ack.seconds == 777


def test_encapsulated_space_and_vendor_identifying_options():
    o = office(
        """range 10.77.1.1 10.77.1.9; option SIP.server 10.0.0.9; option ACME.mode 7;""",
        """
      option space SIP; option SIP.server code 1 = ip-address; option sip-box code 210 = encapsulate SIP;
      option space ACME code width 1 length width 1; option ACME.mode code 2 = unsigned integer 8;
      option vendor.acme code 4491 = encapsulate ACME;""",
    )
    reply = o.lease(1, option(55, b"\xd2\x7d"))
    assert reply.options[210] == b"\1\4\x0a\0\0\x09"
    if 125 in reply.options:
        assert reply.options[125] == b"\0\0\x11\x8b\3\2\1\7"


def test_smaller_of_two_subnets_counts():
    o = Office("""subnet 10.77.0.0 netmask 255.255.255.0 { range 10.77.0.10 10.77.0.11; option routers 10.77.0.1; }""")
    assert o.lease(1).options[1] == ip("255.255.255.0")


def test_server_identifier_of_a_pool_or_of_a_second_subnet():
    o = office("pool { server-identifier 10.77.0.9; range 10.77.1.1 10.77.1.20; }")
    assert o.lease(1).options[54] == ip("10.77.0.9")
    o = Office("""authoritative; shared-network x { subnet 10.77.0.0 netmask 255.255.255.0 { }
      subnet 10.99.0.0 netmask 255.255.255.0 { server-identifier 10.99.0.9; range 10.99.0.10 10.99.0.19; } }""")
    assert o.lease(1).options[54] == ip("10.99.0.9")


def test_a_host_with_an_address_on_two_networks_renews_by_unicast_on_both():
    o = Office("""authoritative; subnet 10.77.0.0 netmask 255.255.0.0 { } subnet 10.88.0.0 netmask 255.255.255.0 { }
      host a { hardware ethernet 02:00:00:00:00:01; fixed-address 10.77.0.50; }
      host b { hardware ethernet 02:00:00:00:00:01; fixed-address 10.88.0.50; }""")
    assert o.lease(1, giaddr="10.88.0.1").address == "10.88.0.50"
    assert o.renew("10.88.0.50", 1).type == ACK and o.lease(1).address == "10.77.0.50"
