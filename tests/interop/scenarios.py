"""Conversations that have one right course, held with Twinlease and with ISC dhcpd under the same configuration.

A scenario asserts what both must do, and its whole transcript is compared besides: everything that we forgot to assert.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab import packet
from lab.packet import ACK, NAK, OFFER, ip4, mac
from lab.play import Play
from lab.raw import FENCE

NET = "subnet 10.77.0.0 netmask 255.255.0.0"
HEAD = f"""ddns-update-style none;
ping-check false;
min-lease-time 60;
default-lease-time 300;
max-lease-time 600;
option domain-name "branch.example";
option domain-name-servers 10.77.0.2;
{FENCE}"""
FOUR = f"{NET} {{ range 10.77.1.10 10.77.1.13; option routers 10.77.0.1; }}\n"
PLAIN = "authoritative;\n" + HEAD + FOUR


@dataclass(frozen=True)
class Scenario:
    """A configuration and the conversation to hold under it."""

    name: str
    config: str
    tell: Callable[[Play], None]


SCENARIOS: list[Scenario] = []


def scenario(config: str = PLAIN) -> Callable[[Callable[[Play], None]], Callable[[Play], None]]:
    """Enter a conversation into the list."""

    def enter(tell: Callable[[Play], None]) -> Callable[[Play], None]:
        SCENARIOS.append(Scenario(tell.__name__, config, tell))
        return tell

    return enter


def is_kind(message: packet.Message | None, kind: int) -> bool:
    """Tell whether there is an answer and it is of this kind."""
    return message is not None and message.kind == kind


def lease_s(message: packet.Message | None) -> int:
    """The lease time in an answer."""
    assert message is not None
    return int.from_bytes(message.get(packet.LEASE) or b"", "big")


@scenario()
def a_client_obtains_renews_rebinds_and_reboots(play: Play) -> None:
    one = mac(1)
    ack = play.obtain("obtain", one)
    assert lease_s(ack) == 300
    assert is_kind(play.renew("renew", one, ack.yiaddr), ACK)
    assert is_kind(play.rebind("rebind", one, ack.yiaddr), ACK)
    assert is_kind(play.reboot("reboot", one, ack.yiaddr), ACK)
    again = play.discover("discover once more", one)
    assert again is not None and again.yiaddr == ack.yiaddr


@scenario()
def an_authoritative_server_refuses_an_address_of_another_network(play: Play) -> None:
    assert is_kind(play.reboot("reboot elsewhere", mac(1), "192.168.9.9"), NAK)
    assert is_kind(play.reboot("reboot elsewhere, flagged", mac(1), "192.168.9.9", (packet.HOST_NAME, b"box")), NAK)


@scenario("not authoritative;\n" + HEAD + FOUR)
def a_server_that_is_not_authoritative_keeps_silent_about_other_networks(play: Play) -> None:
    assert play.reboot("reboot elsewhere", mac(1), "192.168.9.9") is None
    assert is_kind(play.obtain("but it serves", mac(1)), ACK)


@scenario()
def a_client_that_reboots_with_anothers_address_is_refused(play: Play) -> None:
    ack = play.obtain("the owner", mac(1))
    assert is_kind(play.reboot("the stranger", mac(2), ack.yiaddr), NAK)
    assert is_kind(play.renew("the owner renews", mac(1), ack.yiaddr), ACK)


@scenario()
def a_client_that_reboots_with_a_free_address(play: Play) -> None:
    play.reboot("unknown client, never used address", mac(1), "10.77.1.12")
    play.reboot("unknown client, address of the subnet in no pool", mac(1), "10.77.9.9")
    play.renew("unknown client renews a never used address", mac(2), "10.77.1.11")
    play.rebind("unknown client rebinds a never used address", mac(3), "10.77.1.11")
    play.rebind("unknown client rebinds an address of another network", mac(3), "192.168.9.9")


@scenario()
def an_inform_is_answered_without_an_address(play: Play) -> None:
    answer = play.inform("inform", mac(1), "10.77.0.9")
    assert answer is not None and answer.kind == ACK and answer.yiaddr == "0.0.0.0"
    assert answer.get(packet.LEASE) is None and answer.get(packet.ROUTERS) == ip4("10.77.0.1")
    asked = play.inform("inform with its own list", mac(1), "10.77.0.9", (packet.PARAMETERS, bytes([15, 1])))
    assert asked is not None and asked.get(packet.DOMAIN) == b"branch.example"
    play.inform("inform from another network", mac(1), "192.168.9.9")


@scenario()
def a_declined_address_is_not_offered_again(play: Play) -> None:
    first = play.obtain("first", mac(1))
    play.decline("decline", first)
    second = play.obtain("the same client again", mac(1))
    assert second.yiaddr != first.yiaddr
    others = {play.obtain(f"client {n}", mac(n)).yiaddr for n in (2, 3)}
    assert first.yiaddr not in others and second.yiaddr not in others


@scenario()
def a_released_address_comes_back_to_its_client_and_last_of_all_to_others(play: Play) -> None:
    first = play.obtain("first", mac(1))
    play.release("release", first)
    others = [play.obtain(f"client {n}", mac(n)).yiaddr for n in (2, 3)]
    assert first.yiaddr not in others
    assert play.obtain("the first comes back", mac(1)).yiaddr == first.yiaddr


@scenario()
def a_full_pool_is_silent_until_an_address_is_released(play: Play) -> None:
    acks = [play.obtain(f"client {n}", mac(n)) for n in range(1, 5)]
    assert len({a.yiaddr for a in acks}) == 4
    assert play.discover("one too many", mac(5)) is None
    play.release("client 2 leaves", acks[1])
    assert play.obtain("now there is room", mac(5)).yiaddr == acks[1].yiaddr
    assert is_kind(play.reboot("client 2 comes back too late", mac(2), acks[1].yiaddr), NAK)


@scenario()
def a_release_by_another_client_changes_nothing(play: Play) -> None:
    ack = play.obtain("the owner", mac(1))
    thief = packet.Message(chaddr=mac(2), yiaddr=ack.yiaddr)
    thief.chaddr = mac(2)
    play.release("a stranger releases it", thief)
    for n in (3, 4, 5):
        assert play.obtain(f"client {n}", mac(n)).yiaddr != ack.yiaddr
    assert is_kind(play.renew("the owner renews", mac(1), ack.yiaddr), ACK)


@scenario()
def a_requested_address_is_given_if_it_is_free(play: Play) -> None:
    ack = play.obtain("asks for .13", mac(1), (packet.REQUESTED, ip4("10.77.1.13")))
    assert ack.yiaddr == "10.77.1.13"
    other = play.discover("asks for it too", mac(2), (packet.REQUESTED, ip4("10.77.1.13")))
    assert other is not None and other.yiaddr != "10.77.1.13"
    assert is_kind(play.discover("asks for nonsense", mac(3), (packet.REQUESTED, ip4("192.168.9.9"))), OFFER)
    moved = play.discover("a holder asks for another", mac(1), (packet.REQUESTED, ip4("10.77.1.12")))
    assert moved is not None


@scenario()
def a_client_that_chose_another_server(play: Play) -> None:
    offer = play.discover("discover", mac(1))
    assert offer is not None
    chosen = [(packet.REQUESTED, ip4(offer.yiaddr)), (packet.SERVER_ID, ip4("10.77.0.99"))]
    play.say("request to another server", play.message(packet.REQUEST, mac(1), *chosen))


@scenario()
def an_offer_is_held_for_its_client(play: Play) -> None:
    offers = [play.discover(f"client {n}", mac(n)) for n in (1, 2, 3)]
    assert len({o.yiaddr for o in offers if o}) == 3
    assert offers[0] is not None
    assert is_kind(play.select("the first takes it", offers[0]), ACK)


@scenario()
def the_lease_time_asked_for_is_kept_within_bounds(play: Play) -> None:
    for asked, given in ((400, 400), (10, 60), (100000, 600), (0xFFFFFFFF, 600), (60, 60), (600, 600), (0, 60)):
        offer = play.discover(f"asks for {asked} s", mac(1), (packet.LEASE, asked.to_bytes(4, "big")))
        if asked:
            assert lease_s(offer) == given, f"asked for {asked}, got {lease_s(offer)}"


@scenario(
    "authoritative;\ndefault-lease-time 300;\nmax-lease-time 600;\nddns-update-style none;\nping-check false;\n"
    + FENCE
    + FOUR
)
def without_a_least_lease_time_there_is_one_all_the_same(play: Play) -> None:
    for asked in (10, 299, 301):
        play.discover(f"asks for {asked} s", mac(1), (packet.LEASE, asked.to_bytes(4, "big")))


@scenario(
    "authoritative;\ndefault-lease-time 60;\nmax-lease-time 600;\nddns-update-style none;\nping-check false;\n"
    + FENCE
    + FOUR
)
def a_short_default_lease_time(play: Play) -> None:
    play.obtain("no wish", mac(1))
    play.obtain("a wish", mac(2), (packet.LEASE, (100).to_bytes(4, "big")))


@scenario(
    "authoritative;\ndefault-lease-time -1;\nmax-lease-time -1;\nddns-update-style none;\nping-check false;\n"
    + FENCE
    + FOUR
)
def leases_for_ever(play: Play) -> None:
    play.obtain("no wish", mac(1))
    play.obtain("for ever", mac(2), (packet.LEASE, b"\xff" * 4))
    play.obtain("a day", mac(3), (packet.LEASE, (86400).to_bytes(4, "big")))


@scenario()
def the_client_identifier_counts_before_the_hardware_address(play: Play) -> None:
    a = play.obtain("id a, card 1", mac(1), (packet.CLIENT_ID, b"\x00a"))
    b = play.obtain("id b, card 1", mac(1), (packet.CLIENT_ID, b"\x00b"))
    assert a.yiaddr != b.yiaddr
    moved = play.obtain("id a, card 2", mac(2), (packet.CLIENT_ID, b"\x00a"))
    assert moved.yiaddr == a.yiaddr
    plain = play.obtain("no id, card 1", mac(1))
    play.renew("id b renews", mac(1), b.yiaddr, (packet.CLIENT_ID, b"\x00b"))
    play.renew("id b's address without its id", mac(1), b.yiaddr)
    play.renew("no id renews", mac(1), plain.yiaddr)


@scenario("one-lease-per-client true;\n" + PLAIN)
def one_lease_per_client_frees_the_others(play: Play) -> None:
    first = play.obtain("takes .13", mac(1), (packet.REQUESTED, ip4("10.77.1.13")))
    assert first.yiaddr == "10.77.1.13"
    play.reboot("asks for .11 instead", mac(1), "10.77.1.11")
    play.discover("discover", mac(1))
    for n in (2, 3, 4):
        play.discover(f"client {n}", mac(n))


HOSTS = """
host printer { hardware ethernet 02:00:00:00:00:01; fixed-address 10.77.5.1; option host-name "printer"; }
host phone { option dhcp-client-identifier "phone-7"; fixed-address 10.77.5.2; filename "phone.cfg"; }
host both { hardware ethernet 02:00:00:00:00:03; fixed-address 192.168.3.3, 10.77.5.3; }
host known { hardware ethernet 02:00:00:00:00:04; default-lease-time 111; option domain-name "known.example"; }
group { option domain-name "group.example"; next-server 10.77.0.8;
  host grouped { hardware ethernet 02:00:00:00:00:05; fixed-address 10.77.5.5; } }
"""


@scenario(PLAIN + HOSTS)
def hosts_get_their_reservations(play: Play) -> None:
    printer = play.obtain("printer", mac(1), (packet.PARAMETERS, bytes([1, 3, 12, 15, 51])))
    assert printer.yiaddr == "10.77.5.1" and printer.get(packet.HOST_NAME) == b"printer"
    phone = play.obtain("phone, by its identifier", mac(77), (packet.CLIENT_ID, b"phone-7"))
    assert phone.yiaddr == "10.77.5.2"
    assert play.obtain("the address that fits here", mac(3)).yiaddr == "10.77.5.3"
    known = play.obtain("known, without an address of its own", mac(4))
    assert known.get(packet.DOMAIN) == b"known.example" and lease_s(known) == 111
    grouped = play.obtain("in a group", mac(5))
    assert grouped.get(packet.DOMAIN) == b"group.example"
    assert is_kind(play.renew("printer renews", mac(1), "10.77.5.1"), ACK)
    assert is_kind(play.reboot("printer reboots", mac(1), "10.77.5.1"), ACK)
    play.reboot("printer reboots with a pool address", mac(1), "10.77.1.10")
    assert not is_kind(play.reboot("a stranger wants the printer's", mac(9), "10.77.5.1"), ACK)
    play.release("printer releases", printer)
    assert play.obtain("printer again", mac(1)).yiaddr == "10.77.5.1"
    play.decline("printer declines", printer)
    play.discover("printer after its decline", mac(1))


POOLS = f"""{NET} {{
  pool {{ deny unknown-clients; range 10.77.1.10 10.77.1.13; default-lease-time 120;
    option domain-name "staff.example"; }}
  pool {{ allow unknown-clients; range 10.77.2.10 10.77.2.13; }}
}}
host staff {{ hardware ethernet 02:00:00:00:00:01; }}
"""


@scenario("authoritative;\n" + HEAD + POOLS)
def known_and_unknown_clients_get_their_own_pools(play: Play) -> None:
    staff = play.obtain("known", mac(1))
    play.obtain("unknown", mac(2))
    assert play.obtain(
        "unknown, asks for the other pool", mac(3), (packet.REQUESTED, ip4("10.77.1.12"))
    ).yiaddr.startswith("10.77.2.")
    play.reboot("unknown reboots into the other pool", mac(4), "10.77.1.12")
    play.renew("known renews", mac(1), staff.yiaddr)
    for n in (5, 6):
        play.obtain(f"unknown {n}", mac(n))
    assert play.discover("no room for unknown clients", mac(7)) is None


CLASSES = f"""
class "phones" {{ match if substring(option vendor-class-identifier, 0, 5) = "phone";
  option domain-name "phones.example"; }}
class "boot" {{ match if option user-class = "ipxe" or (substring(hardware, 1, 3) = 02:00:aa and not known);
  filename "menu.ipxe"; next-server 10.77.0.5; }}
class "cards" {{ match hardware; }}
subclass "cards" 1:02:00:00:00:00:07 {{ option domain-name "card.example"; }}
subclass "cards" 1:02:00:00:00:00:08;
{NET} {{
  pool {{ allow members of "phones"; range 10.77.1.10 10.77.1.13; }}
  pool {{ allow members of "cards"; deny members of "phones"; range 10.77.2.10 10.77.2.13; }}
  pool {{ deny members of "phones"; deny members of "cards"; range 10.77.3.10 10.77.3.13; }}
}}
"""


@scenario("authoritative;\n" + HEAD + CLASSES)
def classes_choose_pools_and_options(play: Play) -> None:
    phone = play.obtain("a phone", mac(1), (packet.VENDOR_CLASS, b"phone-mk2"))
    assert phone.yiaddr.startswith("10.77.1.") and phone.get(packet.DOMAIN) == b"phones.example"
    card = play.obtain("a card with its own option", mac(7))
    assert card.yiaddr.startswith("10.77.2.") and card.get(packet.DOMAIN) == b"card.example"
    assert play.obtain("a card without", mac(8)).yiaddr.startswith("10.77.2.")
    assert play.obtain("somebody", mac(9)).yiaddr.startswith("10.77.3.")
    ipxe = play.obtain(
        "boots by user class", mac(10), (packet.USER_CLASS, b"ipxe"), (packet.PARAMETERS, bytes([1, 67, 66]))
    )
    assert ipxe.siaddr == "10.77.0.5"
    by_card = play.obtain("boots by hardware", mac(0xAA0001, "02:00:00")[:2] + b"\xaa\0\0\1")
    assert by_card.file == b"menu.ipxe"
    play.renew("the phone renews without its class", mac(1), phone.yiaddr)


MANY = """
option time-offset 3600; option time-servers 10.77.0.20; option log-servers 10.77.0.21;
option ntp-servers 10.77.0.22, 10.77.0.23;
option netbios-name-servers 10.77.0.24; option netbios-node-type 8; option interface-mtu 1400; option default-ip-ttl 64;
option static-routes 10.78.0.0 10.77.0.1; option domain-search "a.example", "b.a.example"; option ip-forwarding off;
option vendor-encapsulated-options 01:04:41:42:43:44:ff;
option tftp-server-name "boot.example"; option bootfile-name "x.ipxe";
option smtp-server 10.77.0.25; option www-server 10.77.0.26;
option nis-domain "nis.example"; option root-path "/srv/root";
option wpad code 252 = text; option wpad "http://wpad.example/";
option tftp150 code 150 = array of ip-address; option tftp150 10.77.0.30, 10.77.0.31;
option flag code 200 = boolean; option flag true; option num code 201 = unsigned integer 16; option num 4660;
option rec code 202 = { ip-address, unsigned integer 8, text }; option rec 10.77.0.9 7 "tail";
option raw code 203 = string; option raw de:ad:be:ef; option signed code 204 = integer 32; option signed -2;
option list code 205 = array of { ip-address, unsigned integer 8 }; option list 10.0.0.1 1, 10.0.0.2 2;
option caps code 114 = text; option caps "https://portal.example/api";
"""
ALL_OF_THEM = bytes(
    [
        1,
        3,
        6,
        15,
        2,
        4,
        7,
        42,
        44,
        46,
        26,
        23,
        33,
        119,
        19,
        43,
        66,
        67,
        69,
        72,
        40,
        17,
        252,
        150,
        200,
        201,
        202,
        203,
        204,
        205,
        114,
        28,
        51,
        58,
        59,
    ]
)


@scenario(MANY + PLAIN)
def every_kind_of_option_is_encoded_as_dhcpd_encodes_it(play: Play) -> None:
    big = (packet.MAX_SIZE, (1400).to_bytes(2, "big"))
    ack = play.obtain("all of them", mac(1), (packet.PARAMETERS, ALL_OF_THEM), big)
    assert (
        ack.get(203) == bytes.fromhex("deadbeef")
        and ack.get(201) == b"\x12\x34"
        and ack.get(204) == b"\xff\xff\xff\xfe"
    )
    play.obtain("no list", mac(2), (packet.PARAMETERS, b""), big)
    play.discover("options nobody has", mac(3), (packet.PARAMETERS, bytes([222, 1, 223])))


@scenario(MANY + PLAIN)
def options_come_in_the_order_of_the_clients_list(play: Play) -> None:
    big = (packet.MAX_SIZE, (1400).to_bytes(2, "big"))
    for label, wished in (
        ("backwards", [15, 6, 3, 1]),
        ("mask last", [3, 1]),
        ("twice", [6, 6, 3]),
        ("lease first", [51, 54, 6, 1]),
    ):
        ack = play.discover(label, mac(1), (packet.PARAMETERS, bytes(wished)), big)
        assert ack is not None


LONG = "\n".join(f'option o{n} code {n} = text; option o{n} "{chr(97 + n % 26) * 60}";' for n in range(224, 240)) + "\n"


@scenario(LONG + PLAIN)
def a_reply_that_is_too_long_uses_the_file_and_sname_fields(play: Play) -> None:
    wished = (packet.PARAMETERS, bytes([1, 3, *range(224, 240)]))
    for size in (None, 576, 600, 700, 1000, 1400):
        extra = [] if size is None else [(packet.MAX_SIZE, size.to_bytes(2, "big"))]
        heard = play.discover(f"maximum size {size}", mac(1), wished, *extra)
        assert heard is not None and heard.get(packet.TYPE) is not None and heard.get(packet.SERVER_ID) is not None


@scenario(
    'server-name "boot.example";\nfilename "pxelinux.0";\nnext-server 10.77.0.7;\nserver-identifier 10.77.0.2;\n'
    + PLAIN
)
def boot_fields_are_filled_in(play: Play) -> None:
    ack = play.obtain("boots", mac(1))
    assert (ack.siaddr, ack.sname, ack.file) == ("10.77.0.7", b"boot.example", b"pxelinux.0")
    play.obtain("asks for them as options", mac(2), (packet.PARAMETERS, bytes([66, 67, 1])))
    play.inform("inform", mac(3), "10.77.0.9")


BOOTP_POOL = f"{NET} {{ range dynamic-bootp 10.77.1.10 10.77.1.13; option routers 10.77.0.1; }}\n"
BOOTP_HOST = 'host old { hardware ethernet 02:00:00:00:00:01; fixed-address 10.77.5.1; filename "old.img"; }\n'


@scenario("authoritative;\n" + HEAD + BOOTP_POOL + BOOTP_HOST)
def bootp_clients_are_served(play: Play) -> None:
    fixed = play.say("bootp, reserved", packet.Message(chaddr=mac(1), options=[]))
    assert fixed is not None and fixed.kind == 0 and fixed.yiaddr == "10.77.5.1"
    play.say("bootp, from the pool", packet.Message(chaddr=mac(2)))
    play.say("bootp, the same again", packet.Message(chaddr=mac(2)))
    play.say("bootp without a cookie", packet.Message(chaddr=mac(1), cookie=False))
    play.say("bootp for another server's name", packet.Message(chaddr=mac(1), sname=b"elsewhere"))


@scenario(PLAIN + BOOTP_HOST)
def bootp_clients_get_nothing_from_a_pool_that_is_not_for_them(play: Play) -> None:
    assert play.say("bootp", packet.Message(chaddr=mac(2))) is None
    assert play.say("bootp, reserved", packet.Message(chaddr=mac(1))) is not None


@scenario("deny bootp;\n" + PLAIN + BOOTP_HOST)
def bootp_can_be_denied(play: Play) -> None:
    assert play.say("bootp, reserved", packet.Message(chaddr=mac(1))) is None


@scenario("deny unknown-clients;\n" + PLAIN + "host staff { hardware ethernet 02:00:00:00:00:01; }\n")
def unknown_clients_can_be_denied(play: Play) -> None:
    assert play.discover("unknown", mac(2)) is None
    play.reboot("unknown reboots", mac(2), "10.77.1.11")
    assert is_kind(play.obtain("known", mac(1)), ACK)


@scenario(PLAIN + "host bad { hardware ethernet 02:00:00:00:00:01; deny booting; }\n")
def a_host_can_be_denied(play: Play) -> None:
    assert play.discover("denied", mac(1)) is None
    assert is_kind(play.discover("another", mac(2)), OFFER)


SHARED = f"""shared-network office {{
  {NET} {{ range 10.77.1.10 10.77.1.11; option routers 10.77.0.1; }}
  subnet 192.168.9.0 netmask 255.255.255.0 {{ range 192.168.9.10 192.168.9.11; option routers 192.168.9.1; }}
}}
"""


@scenario("authoritative;\n" + HEAD + SHARED)
def a_shared_network_uses_all_its_subnets(play: Play) -> None:
    acks = [play.obtain(f"client {n}", mac(n)) for n in range(1, 5)]
    assert len({a.yiaddr for a in acks}) == 4
    for ack in acks:
        prefix = ack.yiaddr.rsplit(".", 1)[0] if ack.yiaddr.startswith("192") else "10.77.0"
        assert ack.get(packet.ROUTERS) == ip4(f"{prefix}.1")
    assert play.discover("full", mac(5)) is None
    assert is_kind(play.reboot("of no subnet here", mac(5), "172.16.0.5"), NAK)


VENDORS = """option space ACME;
option ACME.server code 1 = ip-address;
option ACME.name code 2 = text;
class "acme" { match if option vendor-class-identifier = "acme"; vendor-option-space ACME;
  option ACME.server 10.77.0.40; option ACME.name "unit"; }
"""


@scenario(VENDORS + PLAIN)
def vendor_options_are_wrapped(play: Play) -> None:
    wished = (packet.PARAMETERS, bytes([1, 43]))
    ack = play.obtain("acme", mac(1), (packet.VENDOR_CLASS, b"acme"), wished)
    assert ack.get(packet.VENDOR) is not None and b"unit" in (ack.get(packet.VENDOR) or b"")
    play.obtain("somebody else", mac(2), wished)
    play.obtain("acme that does not ask", mac(3), (packet.VENDOR_CLASS, b"acme"), (packet.PARAMETERS, bytes([1])))


CONDITIONS = """
if option user-class = "guest" { option domain-name "guest.example"; default-lease-time 90; }
elsif exists vendor-class-identifier { option domain-name "vendor.example"; }
else { option domain-name "other.example"; }
option host-name = concat("h-", binary-to-ascii(16, 8, "-", substring(hardware, 4, 3)));
"""


@scenario(PLAIN.replace('option domain-name "branch.example";\n', "") + CONDITIONS)
def conditions_and_expressions_are_evaluated_for_each_packet(play: Play) -> None:
    wished = (packet.PARAMETERS, bytes([15, 12, 51]))
    play.obtain("guest", mac(1), (packet.USER_CLASS, b"guest"), wished)
    play.obtain("vendor", mac(2), (packet.VENDOR_CLASS, b"x"), wished)
    play.obtain("other", mac(0x0A0B0C), wished)


@scenario()
def the_broadcast_flag_and_odd_fields_come_back(play: Play) -> None:
    offer = play.say("broadcast flag", play.message(packet.DISCOVER, mac(1), flags=0x8000))
    assert offer is not None and offer.flags == 0x8000
    play.say("other flags", play.message(packet.DISCOVER, mac(1), flags=0x7FFF))
    play.say("secs and hops", play.message(packet.DISCOVER, mac(2), secs=77, hops=3))
    play.say("identifier of one octet", play.message(packet.DISCOVER, mac(3), (packet.CLIENT_ID, b"\x01")))
    play.say("echoed identifier", play.message(packet.DISCOVER, mac(4), (packet.CLIENT_ID, b"\x01" + mac(4))))
    play.say("a message type that is not for servers", play.message(packet.OFFER, mac(5)))
    play.say("a message type that does not exist", play.message(99, mac(5)))
    play.say(
        "no hardware address but an identifier", play.message(packet.DISCOVER, b"", (packet.CLIENT_ID, b"\xff12345678"))
    )
