"""Options: encoding by type, definitions, spaces, and what a wrong value is told."""

from confs import error, errors, ip, load, option, warnings
from twinlease.conf.options import TABLES, OptionNames


def test_values_of_every_type():
    for text, octets in (
        ("subnet-mask 255.255.255.0", b"\xff\xff\xff\x00"),
        ("routers 10.0.0.1, 10.0.0.2", b"\x0a\0\0\x01\x0a\0\0\x02"),
        ('host-name "a b"', b"a b"),
        ("host-name bare", b"bare"),
        ("ip-forwarding on", b"\1"),
        ("ip-forwarding FALSE", b"\0"),
        ("default-ip-ttl 64", b"\x40"),
        ("interface-mtu 1500", b"\x05\xdc"),
        ("interface-mtu 0x5dc", b"\x05\xdc"),
        ("boot-size 010", b"\0\x08"),
        ("arp-cache-timeout 4294967295", b"\xff\xff\xff\xff"),
        ("time-offset -18000", b"\xff\xff\xb9\xb0"),
        ("path-mtu-plateau-table 68, 296", b"\0\x44\x01\x28"),
        (
            "static-routes 10.1.0.0 10.0.0.1, 10.2.0.0 10.0.0.2",
            ip("10.1.0.0") + ip("10.0.0.1") + ip("10.2.0.0") + ip("10.0.0.2"),
        ),
        ("vendor-class-identifier 1:2:fF", b"\1\2\xff"),
        ('vendor-class-identifier "x"', b"x"),
        ("slp-directory-agent true 10.0.0.1, 10.0.0.2", b"\1" + ip("10.0.0.1") + ip("10.0.0.2")),
        ('slp-service-scope on "a"', b"\1a"),
        ("slp-service-scope on", b"\1"),
        ("pxe-client-id 0 aa:bb", b"\0\xaa\xbb"),
        ('bcms-controller-names "a.b", "c"', b"\1a\1b\0\1c\0"),
        ("v4-lost example.com", b"\7example\3com\0"),
        ("v6-only-preferred 1800", b"\0\0\x07\x08"),
        ("vendor-encapsulated-options 01:04:0a:00:00:01", b"\1\4\x0a\0\0\1"),
        ("unknown-230 1:2", b"\1\2"),
        ("unknown-3 10.0.0.1", ip("10.0.0.1")),
    ):
        assert option("option " + text + ";") == octets, text


def test_names_are_compressed_in_a_search_list():
    """RFC 3397: pointers are offsets within the option's value."""
    value = option('option domain-search "eng.apple.com", "marketing.apple.com.", "apple.com";')
    assert value == b"\3eng\5apple\3com\0\x09marketing\xc0\x04\xc0\x04"


def test_names_that_are_none():
    for name in ("", "a..b", "x" * 64, ".a", "a." * 130):
        assert "not a domain name" in error('option domain-search "%s";' % name).message, name


def test_wrong_values_are_told_precisely():
    for text, column, part in (
        ("option routers 10.0.0.256;", 23, "256 is no part of an address"),
        ("option routers 10.0.0;", 16, "this one has 3"),
        ("option routers 10.0.0.1 10.0.0.2;", 25, "expected ';', found '10'"),
        ('option routers "gw";', 16, 'not "gw"'),
        ("option routers gw.example.org;", 16, "not supported by Twinlease: the name gw.example.org"),
        ("option routers;", 15, "not ';'"),
        ("option boot-size 65536;", 18, "65536 is out of range"),
        ("option boot-size 09;", 18, "found '09'"),
        ("option boot-size many;", 18, "found 'many'"),
        ("option ip-forwarding perhaps;", 22, "found 'perhaps'"),
        ("option domain-search a.b;", 22, "in quotes, found 'a'"),
        ("option host-name 5;", 18, "found '5'"),
        ("option vendor-class-identifier 100:2;", 32, "found '100'"),
        ("option ruoters 10.0.0.1;", 8, "unknown option ruoters"),
        ("option nospace.x 1;", 8, "no option space is named nospace"),
        ("option agent.remote-id 1;", 8, "not supported by Twinlease"),
        ("option server.filename = 1;", 8, "not supported by Twinlease"),
    ):
        bad = error(text)
        assert part in bad.message and (bad.line, bad.column) == (1, column), str(bad)
        assert bad.advice, str(bad)
    assert "did you mean routers?" in error("option ruoters 10.0.0.1;").advice
    assert "define it first" in error("option x-files 1;").advice


def test_definitions_of_every_type():
    for form, value, octets in (
        ("boolean", "true", b"\1"),
        ("integer 8", "-1", b"\xff"),
        ("unsigned integer 16", "513", b"\2\1"),
        ("signed integer 32", "-2", b"\xff\xff\xff\xfe"),
        ("ip-address", "10.0.0.1", ip("10.0.0.1")),
        ("text", '"t"', b"t"),
        ("string", "1:2", b"\1\2"),
        ("domain-name", "a.b", b"\1a\1b\0"),
        ("domain-list", '"a.b", "b"', b"\1a\1b\0\1b\0"),
        ("domain-list compressed", '"a.b", "b"', b"\1a\1b\0\xc0\2"),
        ("array of ip-address", "10.0.0.1, 10.0.0.2", ip("10.0.0.1") + ip("10.0.0.2")),
        ("array of unsigned integer 8", "24, 10, 1, 2, 10, 0, 0, 1", b"\x18\x0a\1\2\x0a\0\0\1"),
        ("{ ip-address, integer 8, text }", '10.0.0.1 5 "t"', ip("10.0.0.1") + b"\5t"),
        (
            "array of { ip-address, integer 8 }",
            "10.0.0.1 5, 10.0.0.2 6",
            ip("10.0.0.1") + b"\5" + ip("10.0.0.2") + b"\6",
        ),
        ("{ boolean, array of ip-address }", "on 10.0.0.1, 10.0.0.2", b"\1" + ip("10.0.0.1") + ip("10.0.0.2")),
    ):
        assert option("option x code 224 = %s; option x %s;" % (form, value), 224) == octets, form
    assert option("option x code 224 = zerolen; option x;", 224) == b""


def test_definitions_that_are_wrong():
    for text, part in (
        ("option x code 0 = text;", "out of range"),
        ("option x code 255 = text;", "out of range"),
        ("option x code 224 = colour;", "unknown type 'colour'"),
        ("option x code 224 = integer 24;", "integer of 24 bits"),
        ("option x code 224 = array of text;", "array"),
        ("option x code 224 = { text, integer 8 };", "must be last"),
        ("option x code 224 = ip6-address;", "not supported by Twinlease"),
        ("option x code 224 = encapsulate S;", "no option space is named S"),
        ("option x code 224 text;", "expected '='"),
        ("option space S code width 3;", "cannot be 3"),
        ("host a { uid 1; option x code 224 = text; }", "top level"),
        ("host a { uid 1; option space S; }", "top level"),
    ):
        assert part in error(text).message, text


def test_a_definition_may_rename_and_redefine():
    c = load(
        'option search code 119 = text; option domain-name code 15 = string; option search "a"; option domain-name 1:2;'
    )
    assert c.scope.options == {119: b"a", 15: b"\1\2"}
    assert c.option_defs[119].name == "search" and c.option_defs[15].format == "X"


def test_vendor_options_stay_in_their_space():
    c = load("""option space PXE code width 1 length width 1; option PXE.ip code 1 = ip-address;
      option PXE.port code 2 = integer 16;
      option e code 225 = encapsulate PXE; option vendor.acme code 9999 = encapsulate PXE;
      vendor-option-space PXE; option PXE.port 75; option PXE.ip 0.0.0.0;""")
    assert c.scope.params == {"vendor-option-space": "PXE"} and not c.scope.options
    assert c.scope.vendor_options == {"PXE": {1: bytes(4), 2: b"\0\x4b"}}
    assert c.spaces["PXE"].encode(c.scope.vendor_options["PXE"]) == b"\1\4\0\0\0\0\2\2\0\x4b"
    assert c.encapsulated == {225: "PXE"} and c.vendors == {9999: "PXE"}
    assert "no option space is named x" in error("vendor-option-space x;").message


def test_spaces_with_wider_codes():
    c = load('option space S code width 2 length width 2; option S.a code 300 = text; option S.a "hi";')
    assert c.spaces["S"].encode(c.scope.vendor_options["S"]) == b"\x01\x2c\0\2hi"


def test_options_of_the_server_itself():
    assert load("option dhcp-server-identifier 10.0.0.1;").scope.params == {"server-identifier": ip("10.0.0.1")}
    c = load("option dhcp-lease-time 60; option dhcp-message-type 5;")
    assert not c.scope.options and len(c.problems) == 2
    assert "no DNS updates" in warnings("option fqdn.no-client-update on;")[0]


def test_a_constant_expression_is_a_value():
    assert option('option host-name = "a";') == b"a"
    assert option("option host-name = 1:2;") == b"\1\2"
    assert not isinstance(option("option host-name = lcase(option host-name);"), bytes)


def test_the_tables_are_sound():
    """Codes ascend, names and codes are unique, formats have known letters."""
    for space in TABLES:
        codes, names = [], []
        for line in TABLES[space].split(b"\n"):
            if line:
                code, name, form = line.split(b" ")
                codes.append(int(code))
                names.append(name)
                assert form[:1] == b"E" or not [c for c in form if c not in b"ITXFZBSLbslNCD+?*"], line
        assert codes == sorted(set(codes)) and len(set(names)) == len(names), space


def test_names_are_found_in_any_case():
    names = OptionNames()
    assert names.find("", "Domain-Name-Servers").code == 6 and names.find("", "v6-ONLY-preferred").code == 108
    assert names.find("agent", "DOCSIS-device-class").code == 4 and names.find("", "circuit-id") is None
    assert names.find("", "name") is None and names.find("", "3") is None and names.find("", "I*") is None
    assert names.by_code("", 3).name == "routers" and names.by_code("", 250) is None
    assert names.find("", "unknown-250").code == 250


def test_the_last_of_two_values_counts():
    assert option("option routers 10.0.0.1; option routers 10.0.0.2;") == ip("10.0.0.2")


def test_a_value_has_a_limit():
    assert errors("option x code 224 = array of ip-address; option x " + "10.0.0.1, " * 400 + "10.0.0.1;")
    assert option('option domain-name "%s";' % ("a" * 1400)) == b"a" * 1400
