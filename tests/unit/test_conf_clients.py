"""Hosts, groups, classes and subclasses."""

from confs import NET, error, ip, load, warnings


def test_a_host_and_all_that_it_can_have():
    c = load("""group { option log-servers 10.0.0.9; default-lease-time 60;
      host a.example { hardware ethernet 08:0:2b:4c:39:AD; fixed-address 10.0.0.5, 10.1.0.5;
        option dhcp-client-identifier 01:02; option host-name "a"; filename "f"; } }
      host b { uid "id"; }""")
    a, b = c.hosts
    assert (a.name, a.hardware, a.client_id) == ("a.example", (1, b"\x08\x00\x2b\x4c\x39\xad"), b"\x01\x02")
    assert list(a.addresses) == [ip("10.0.0.5"), ip("10.1.0.5")]
    assert a.scope.options == {12: b"a"} and a.scope.params == {"filename": b"f"}
    assert [a.scope.kind, a.scope.parent.kind, a.scope.parent.parent.kind] == ["host", "group", "global"]
    assert a.scope.option(7) == ip("10.0.0.9") and a.scope.param("default-lease-time") == 60
    assert b.client_id == b"id" and b.hardware is None and len(b.addresses) == 0


def test_a_host_may_name_its_group():
    c = load("group office { option routers 10.0.0.1; } host a { group office; hardware ethernet 1:2:3:4:5:6; }")
    assert c.hosts[0].scope.kind == "group" and c.hosts[0].scope.option(3) == ip("10.0.0.1")
    assert "no group is named x" in error("host a { group x; hardware ethernet 1:2:3:4:5:6; }").message


def test_kinds_of_hardware():
    text = "host a { hardware %s 1:2:3:4:5:6; }"
    for word, kind in (("token-ring", 6), ("fddi", 8), ("infiniband", 32), ("unknown-77", 77)):
        assert load(text % word).hosts[0].hardware[0] == kind
    assert "'aether'" in error(text % "aether").message
    assert "unknown kind" in error(text % "unknown-999").message
    assert "of 5 octets" in warnings("host a { hardware ethernet 1:2:3:4:5; }")[0]
    assert "too many octets" in error("host a { hardware ethernet " + "1:" * 20 + "1; }").message
    assert "found 'zz'" in error("host a { hardware ethernet 1:zz; }").message


def test_things_said_twice():
    a = "host a { hardware ethernet 1:2:3:4:5:6; %s }\n"
    bad = error(a % "" + "\n" + (a % "").replace(":6", ":7"))
    assert "declared twice" in bad.message and bad.line == 3 and "line 1" in bad.advice
    assert "already" in error(a % "hardware ethernet 1:2:3:4:5:7;").message
    assert "already" in error(a % "fixed-address 10.0.0.1; fixed-address 10.0.0.2;").message
    assert "of host a" in warnings(a % "" + (a % "").replace("host a", "host b"))[0]
    two = a % "fixed-address 10.0.0.5;" + "host b { hardware ethernet 1:2:3:4:5:7; fixed-address 10.0.0.5; }"
    assert "10.0.0.5 of host a" in warnings(two)[0]
    roaming = a % "fixed-address 10.0.0.5;" + (a % "fixed-address 10.1.0.5;").replace("host a", "host b")
    assert warnings(roaming) == []


def test_an_address_both_fixed_and_leased():
    said = warnings(
        "host a { hardware ethernet 1:2:3:4:5:6; fixed-address 10.0.0.7; }" + NET % "range 10.0.0.5 10.0.0.9;"
    )
    assert said == ["fixed-address 10.0.0.7 of host a is in range 10.0.0.5 - 10.0.0.9 of line 1"]


def test_a_host_that_no_client_can_be():
    assert "no client is it" in warnings("host a { fixed-address 10.0.0.7; }")[0]


def test_classes_and_subclasses():
    c = load("""class "known" { match if known; default-lease-time 60; }
      class "mac" { match hardware; option host-name "all"; }
      subclass "mac" 1:2:3:4:5:6:7 { option host-name "one"; }
      subclass "mac" "text";
      class "known" { option host-name "again"; }""")
    known, mac = c.classes
    assert known.match is not None and known.submatch is None and known.scope.options == {12: b"again"}
    assert mac.match is None and mac.submatch is not None
    assert sorted(mac.subclasses) == [b"\x01\x02\x03\x04\x05\x06\x07", b"text"]
    one = mac.subclasses[b"\x01\x02\x03\x04\x05\x06\x07"]
    assert one.kind == "subclass" and one.parent is mac.scope and one.options == {12: b"one"}
    assert one.params == {} and mac.subclasses[b"text"].option(12) == b"all"
    assert c.class_named("mac") is mac and c.class_named("none") is None


def test_classes_that_are_wrong():
    assert 'no class is named "x"' in error('subclass "x" 1;').message
    assert "already" in error('class "x" { match if known; match if static; }').message
    assert "no match of its own" in error('class "x" { match hardware; } subclass "x" 1 { match if known; }').message
    assert "not supported by Twinlease: spawn" in error('class "x" { spawn with hardware; }').message
    assert 'no class is named "y"' in error(NET % 'pool { range 10.0.0.5; deny members of "y"; }').message
