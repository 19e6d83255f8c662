"""What a person is told: the place, what is wrong, what to write; and nothing twice."""

from confs import DATA, NET, error, errors, load, read, warnings
from twinlease import conf
from twinlease.conf import statements


def test_the_seed_says_precisely_what_is_wrong():
    bad = error(read("seed.conf"))
    assert (bad.file, bad.line, bad.column) == ("c", 46, 12)
    assert bad.message == (
        "bad subnet number/mask combination: 192.168.101.0 has bits of a host under netmask 255.255.254.0 (/23); "
        "its network is 192.168.100.0/23, and that overlaps subnet 192.168.100.0/24 of line 36"
    )
    for part in (
        "write subnet 192.168.102.0 netmask 255.255.254.0",
        "or subnet 192.168.101.0 netmask 255.255.255.0",
        "the range 192.168.101.2 - 192.168.102.254 does not fit in 192.168.102.0/23",
        "write range 192.168.102.2 192.168.103.254;",
    ):
        assert part in bad.advice, bad.advice


def test_the_mended_seed_loads_with_a_warning():
    c = load(read("seed-fixed.conf"))
    assert c.rows == 254 + 509 and [n.name for n in c.networks] == ["192.168.1.0/24", "test-net"]
    assert [p.message for p in c.problems] == [
        "the pool leases its own router's address: 192.168.100.1 is in range 192.168.100.1 - 192.168.100.254 of line 39"
    ]
    assert c.problems[0].line == 41 and c.problems[0].severity == "warning"
    peer = c.peers["p1"]
    assert [p.peer for p in c.pools] == [peer, peer] and (peer.port, peer.peer_port, peer.mclt) == (519, 520, 3600)
    assert c.networks[0].scope.param("authoritative") is None and c.subnets[0].scope.params == {"authoritative": False}
    assert c.scope.params["server-name"] == b"host1.example.com"


def test_a_bad_subnet_that_overlaps_nothing():
    bad = error("subnet 10.0.0.5 netmask 255.255.255.0 { range 10.0.0.5 10.0.0.9; }")
    assert "its network is 10.0.0.0/24" in bad.message and "overlaps" not in bad.message
    assert bad.advice == "write subnet 10.0.0.0 netmask 255.255.255.0"


def test_an_unknown_statement_and_its_neighbour():
    bad = error("defualt-lease-time 600;")
    assert bad.message == "unknown statement 'defualt-lease-time'" and bad.advice == "did you mean default-lease-time?"
    assert error("subent 10.0.0.0 netmask 255.0.0.0 { range 10.0.0.1; { } ; }").advice == "did you mean subnet?"
    assert "dhcpd.conf(5)" in error("zzzzzz 1;").advice
    assert "peer" in errors('failover peer "p" { addres 10.0.0.1; }')[0].message


def test_a_missing_semicolon_costs_one_error_and_nothing_else():
    bad = error("default-lease-time 600\nmax-lease-time 7200;\n" + NET % "range 10.0.0.5;")
    assert (bad.line, bad.column) == (1, 23) and "missing" in bad.message
    bad = error("subnet 10.0.0.0 netmask 255.255.255.0 { option routers 10.0.0.1 }")
    assert bad.column == 64
    assert "missing" in error("default-lease-time 600").message


def test_one_error_a_statement_and_reading_goes_on():
    text = "option routers gw;\nfoo { bar; { baz; } }\ndefault-lease-time x;\n" + NET % "range 10.0.1.5;" + "blah;"
    assert [p.line for p in errors(text)] == [1, 2, 3, 4, 5]


def test_a_block_without_an_end_is_one_error():
    bad = error("shared-network a {\n subnet 10.0.0.0 netmask 255.255.255.0 {\n  range 10.0.0.5;\n")
    assert "within the subnet of line 2" in bad.message
    assert "closes nothing" in error(NET % "" + "}").message
    assert "no end" in error('option domain-name "x;\n' + NET % "").message
    assert "nothing before it" in error(NET % "" + ";").message


def test_there_is_an_end_to_errors():
    assert len(errors("x;\n" * 500)) == 20
    assert len(errors("option routers 10.0.0.256;\n" * 500)) == 20
    many = "ddns-updates on;\n" * 500
    assert len(load(many).problems) == 50


def test_errors_are_in_the_order_of_the_file():
    text = NET % "range 10.0.0.5 10.0.0.9; range 10.0.0.9;" + "\nfoo;\n" + "option routers gw;"
    assert [p.line for p in errors(text)] == [1, 3, 4]


def test_a_problem_reads_as_compilers_write():
    text = str(error("foo;"))
    assert text.startswith("c:1:1: error: unknown statement 'foo'\n    ")
    try:
        load("foo;")
    except conf.ConfError as bad:
        assert "c:1:1: error" in str(bad)


def test_what_does_nothing_here_is_a_warning():
    for text, part in (
        ("ddns-update-style interim;", "ddns-update-style: Twinlease makes no DNS updates"),
        ("ddns-updates on;", "ddns-updates: Twinlease makes no DNS updates"),
        ('ddns-hostname "x";', "ddns-hostname"),
        ("allow client-updates;", "client-updates"),
        ('lease-file-name "x";', "lease-file-name"),
        ("omapi-port 7911;", "omapi-port"),
        ("omapi-key k;", "PC's files"),
        ("key k { algorithm hmac-md5; secret abc==; };", "keys and zones"),
        ("zone example.org. { primary 127.0.0.1; key k; }", "keys and zones"),
        ('log(info, concat("a", hardware));', "log"),
        (NET % 'interface "eth0";', "interface"),
    ):
        said = warnings(text)
        assert len(said) == 1 and part in said[0], text
    assert warnings("ddns-update-style none; ddns-updates off; deny client-updates; update-static-leases false;") == []


def test_what_would_change_service_is_refused_by_name():
    for text in (
        "local-port 6767;",
        "dynamic-bootp-lease-length 60;",
        "dynamic-bootp-lease-cutoff 4 2026/01/01 00:00:00;",
        'site-option-space "x";',
        "infinite-is-reserved on;",
        "allow leasequery;",
        'send host-name "x";',
        'supersede domain-name "x";',
        "on commit { set x = 1; }",
        "switch (hardware) { case 1:2: break; }",
        "subnet6 2001:db8::/32 { range6 2001:db8::1 2001:db8::2; }",
        "host a { uid 1; fixed-address6 ::1; }",
        "host a { uid 1; host-identifier option agent.remote-id 1; }",
        'ldap-server "x";',
        'vendor-class "x" { }',
    ):
        bad = error(text)
        assert bad.message.startswith("not supported by Twinlease: ") and bad.advice, str(bad)
    assert load("infinite-is-reserved off; leasequery off;").problems == []


def test_parameters_have_their_types():
    text = """default-lease-time 600; max-lease-time infinite; min-lease-time -1; guest-lease-time 300;
      not authoritative; ping-check false; one-lease-per-client on; next-server 10.0.0.1; server-identifier 10.0.0.2;
      filename "f"; server-name "s"; adaptive-lease-time-threshold 80;
      abandon-lease-time 9; ping-timeout 1; min-secs 3;
      check-secs-byte-order on; dhcp-cache-threshold 0; boot-unknown-clients false; allow bootp; ignore booting;"""
    p = load(text).scope.params
    assert (p["default-lease-time"], p["max-lease-time"]) == (600, -1)
    assert (p["min-lease-time"], p["guest-lease-time"]) == (-1, 300)
    assert p["authoritative"] is False and p["ping-check"] is False and p["one-lease-per-client"] is True
    assert p["next-server"] == b"\x0a\0\0\1" and p["server-identifier"] == b"\x0a\0\0\2"
    assert (p["filename"], p["server-name"], p["check-secs-byte-order"]) == (b"f", b"s", True)
    assert (p["adaptive-lease-time-threshold"], p["abandon-lease-time"], p["min-secs"]) == (80, 9, 3)
    assert p["boot-unknown-clients"] is False and p["allow-unknown-clients"] == "deny"
    assert p["allow-bootp"] == "allow" and p["allow-booting"] == "ignore"
    assert load("deny unknown-clients;").scope.params == {
        "allow-unknown-clients": "deny",
        "boot-unknown-clients": False,
    }


def test_what_a_board_does_anyway_or_not_at_all_is_a_warning():
    assert warnings("server-id-check true;") == []
    assert "Twinlease always does it" in warnings("server-id-check false;")[0]
    assert "log-facility: no syslog server is named" in warnings("log-facility local7;")[0]


def test_every_parameter_that_is_kept_is_read_somewhere():
    """What is accepted without a word must do something."""
    text = ""
    for name in ("dhcp/settings", "dhcp/server", "dhcp/client", "dhcp/choice", "node", "conf/networks"):
        with open(DATA + "../../firmware/twinlease/" + name + ".py") as f:
            text += f.read()
    for name in statements.parameter_names():
        if statements.find_parameter(name)[1] == "keep":
            assert '"%s"' % name in text, name


def test_lease_times_that_contradict_each_other():
    assert "min-lease-time is above" in warnings("min-lease-time 100; max-lease-time 50;")[0]
    assert load("min-lease-time 100; max-lease-time 50;").problems[0].advice.startswith("the minimum counts")
    assert "default-lease-time is above" in warnings("default-lease-time 100; max-lease-time 50;")[0]
    assert len(warnings("max-lease-time 50;" + NET % "pool { range 10.0.0.5; default-lease-time 100; }")) == 1
    assert warnings("default-lease-time infinite; max-lease-time infinite; min-lease-time 5;") == []


def test_files_are_included():
    files = {"a.conf": 'include "b.conf";\noption routers 10.0.0.1;', "b.conf": b"default-lease-time 60;"}
    c = load('include "a.conf";\nmax-lease-time 99;', files)
    assert c.scope.params == {"default-lease-time": 60, "max-lease-time": 99} and 3 in c.scope.options
    c = load('subnet 10.0.0.0 netmask 255.255.255.0 { include "r"; }', {"r": "range 10.0.0.5;"})
    assert c.rows == 1


def test_includes_that_go_wrong():
    bad = error('include "none";')
    assert "none cannot be read" in bad.message and bad.column == 9
    bad = errors('include "a";\nfoo;', {"a": "\n bar;"})[0]
    assert (bad.file, bad.line, bad.column) == ("a", 2, 2)
    assert "too deeply" in error('include "a";', {"a": 'include "a";'}).message
    assert (
        "within the subnet of line 1" in errors('include "a";', {"a": "subnet 10.0.0.0 netmask 255.0.0.0 {"})[0].message
    )
    try:
        conf.load('include "a";')
    except conf.ConfError as bad:
        assert "cannot be included here" in bad.problems[0].message


def test_text_may_be_octets_and_must_be_utf8_as_str():
    assert conf.load(b"default-lease-time 60;").scope.params == {"default-lease-time": 60}
    assert conf.load(bytearray(b"default-lease-time 60;")).scope.params == {"default-lease-time": 60}
    assert "0xff" in errors(b"\xff\xfe;")[0].message


def test_blocks_nest_only_so_deep():
    found = errors("group { " * 100 + "}" * 100)
    assert len(found) == 1 and "too deeply" in found[0].message
    assert len(errors("if known { " * 100 + "}" * 100)) == 1


def test_a_large_configuration_is_refused():
    assert "larger than" in error(b"# " + b"x" * (1 << 20)).message


def test_forget_keeps_what_the_server_needs():
    import sys

    c = load('class "x" { match if known; }')
    conf.forget()
    assert "twinlease.conf.parser" not in sys.modules and "twinlease.conf.model" in sys.modules
    assert not hasattr(conf, "parser") and hasattr(conf, "model")
    assert c.classes[0].match is not None and load("default-lease-time 5;").scope.params


def test_expression_where_a_number_belongs_is_refused_and_not_compared():
    """It used to stay in the model, where the check of lease times tripped over it."""
    e = error("min-lease-time = option user-class; max-lease-time 7200;\n" + NET % "range 10.0.0.5;")
    assert e.message == "not supported by Twinlease: an expression for min-lease-time" and e.column == 1


def test_bad_subnet_as_the_last_error_that_is_told_says_what_it_is():
    """Reading ends with the twentieth error, before anything could say more about it."""
    found = errors("fish;\n" * 19 + "subnet 10.0.1.0 netmask 255.255.254.0 { }")
    assert len(found) == 20 and found[-1].message == "bad subnet number/mask combination"
