"""Networks, pools, ranges and rows: what the model holds, and what is refused."""

from confs import NET, error, errors, ip, load, warnings

TWO = """
default-lease-time 600;
shared-network office {
  option domain-name "office";
  subnet 10.0.1.0 netmask 255.255.255.0 { option routers 10.0.1.1; pool { range 10.0.1.10 10.0.1.19; } }
  subnet 10.0.0.0 netmask 255.255.255.0 { option routers 10.0.0.1; }
  pool { range 10.0.0.20 10.0.0.24; range 10.0.1.100; allow unknown-clients; default-lease-time 60; }
}
subnet 192.168.0.0 netmask 255.255.0.0 { range 192.168.1.1 192.168.1.2; range dynamic-bootp 192.168.1.9; }
"""


def test_rows_follow_the_addresses():
    c = load(TWO)
    assert [str(r) for r in c.ranges] == [
        "10.0.0.20 - 10.0.0.24",
        "10.0.1.10 - 10.0.1.19",
        "10.0.1.100 - 10.0.1.100",
        "192.168.1.1 - 192.168.1.2",
        "192.168.1.9 - 192.168.1.9",
    ]
    assert [(r.first_row, r.count) for r in c.ranges] == [(0, 5), (5, 10), (15, 1), (16, 2), (18, 1)]
    assert c.rows == 19 and [p.size for p in c.pools] == [10, 6, 2, 1]
    assert [p.index for p in c.pools] == [0, 1, 2, 3]


def test_networks_subnets_and_pools_know_each_other():
    c = load(TWO)
    assert [n.name for n in c.networks] == ["office", "192.168.0.0/16"]
    assert [n.index for n in c.networks] == [0, 1] and [len(n.pools) for n in c.networks] == [2, 2]
    assert [str(s) for s in c.subnets] == ["10.0.0.0/24", "10.0.1.0/24", "192.168.0.0/16"]
    assert [s.index for s in c.subnets] == [0, 1, 2]
    pool = c.pools[1]
    assert [r.subnet.net for r in pool.ranges] == [ip("10.0.0.0"), ip("10.0.1.0")]
    assert pool.network is c.networks[0] and pool.ranges[0].pool is pool
    assert c.subnets[0].holds(ip("10.0.0.255")) and not c.subnets[0].holds(ip("10.0.1.0"))


def test_scopes_nest():
    c = load(TWO)
    pool = c.pools[1].scope
    assert (pool.kind, pool.parent.kind, pool.parent.parent.kind) == ("pool", "shared-network", "global")
    assert pool.param("default-lease-time") == 60 and c.pools[0].scope.param("default-lease-time") == 600
    assert c.pools[0].scope.option(3) == ip("10.0.1.1") and c.pools[0].scope.option(15) == b"office"
    assert c.pools[2].scope.kind == "pool" and c.pools[2].scope.parent.kind == "subnet"
    assert pool.option(3) is None and pool.param("min-secs", 7) == 7


def test_a_group_stands_between():
    c = load("group { option routers 10.0.0.1; " + NET % "range 10.0.0.5;" + "}")
    kinds, scope = [], c.pools[0].scope
    while scope:
        kinds.append(scope.kind)
        scope = scope.parent
    assert kinds == ["pool", "subnet", "shared-network", "group", "global"]


def test_a_range_without_a_pool_is_not_for_bootp():
    c = load(TWO)
    assert [p.kind for p in c.pools[2].deny] == ["dynamic-bootp-clients"] and not c.pools[2].permit
    assert [p.kind for p in c.pools[3].permit] == ["all-clients"] and c.ranges[4].dynamic_bootp


def test_permits_of_all_kinds():
    text = """class "x" { }
    subnet 10.0.0.0 netmask 255.255.255.0 { pool { range 10.0.0.5;
      allow known-clients; allow known clients; deny unknown-clients; deny dynamic bootp clients; allow all clients;
      allow members of "x"; deny after 4 2026/08/24 09:14:32; allow after epoch 1577836801; deny after never; } }"""
    pool = load(text).pools[0]
    kinds = [p.kind for p in pool.permit]
    assert kinds == ["known-clients", "known-clients", "all-clients", "members", "after"]
    assert pool.permit[3].class_name == "x" and pool.permit[4].after == 1
    assert [p.kind for p in pool.deny] == ["unknown-clients", "dynamic-bootp-clients", "after", "after"]
    assert pool.deny[2].after == 209726072 and pool.deny[3].after == 0x3FFFFFFF


def test_a_date_may_have_an_offset_and_leading_zeros():
    text = NET % "pool { range 10.0.0.5; deny after 3 2020/01/01 08:09:08 3600; }"
    assert load(text).pools[0].deny[0].after == 8 * 3600 + 9 * 60 + 8 + 3600


def test_ranges_that_do_not_fit():
    bad = error(NET % "range 10.0.1.5 10.0.1.9;")
    assert "10.0.1.5 is not in subnet 10.0.0.0/24" in bad.message and "10.0.0.1 to 10.0.0.254" in bad.advice
    text = "shared-network a { " + NET % "" + "subnet 10.0.1.0 netmask 255.255.255.0 { } %s }"
    bad = error(text % "pool { range 10.0.0.5 10.0.1.5; }")
    assert "but in subnet 10.0.1.0/24" in bad.message and "one subnet" in bad.advice
    assert "in no subnet of shared-network a" in error(text % "pool { range 10.9.0.5; }").message


def test_a_range_runs_backwards():
    text = NET % "range 10.0.0.9 10.0.0.5;"
    assert load(text).rows == 5 and "backwards" in warnings(text)[0]


def test_ranges_that_overlap():
    bad = error(NET % "range 10.0.0.5 10.0.0.9;\nrange 10.0.0.9 10.0.0.12;")
    assert bad.line == 2 and bad.column == 7 and "10.0.0.5 - 10.0.0.9 of line 1" in bad.message
    assert len(errors(NET % "range 10.0.0.5 10.0.0.90; range 10.0.0.6; range 10.0.0.80 10.0.0.95;")) == 2


def test_edges_of_a_network_are_worth_a_warning():
    said = warnings(NET % "range 10.0.0.0 10.0.0.255;")
    assert len(said) == 2 and "network's own" in said[0] and "broadcast" in said[1]
    assert warnings("subnet 10.0.0.0 netmask 255.255.255.254 { range 10.0.0.0 10.0.0.1; }") == []


def test_too_many_rows():
    bad = error("subnet 10.0.0.0 netmask 255.0.0.0 { range 10.0.0.1 10.1.0.0; }")
    assert "65536 addresses" in bad.message and "65000" in bad.advice
    assert "addresses to lease" in error("subnet 0.0.0.0 netmask 0.0.0.0 { range 0.0.0.1 255.255.255.254; }").message


def test_subnets_within_others():
    text = NET % "" + "subnet 10.0.0.0 netmask 255.255.0.0 { }"
    assert "10.0.0.0/24 overlaps subnet 10.0.0.0/16" in warnings(text)[0]
    assert "declared twice" in error(NET % "" + NET % "").message
    assert warnings("subnet 0.0.0.0 netmask 0.0.0.0 { }" + NET % "") == []


def test_netmask_with_holes():
    bad = error("subnet 10.0.0.0 netmask 255.0.255.0 { range 10.0.0.5; }")
    assert "ones behind a zero" in bad.message and bad.column == 8


def test_a_pool_needs_a_range():
    assert "without a range" in error(NET % "pool { }").message
    assert "without a subnet" in error("shared-network a { }").message


def test_statements_where_they_do_not_belong():
    for text in (
        "range 10.0.0.1;",
        "pool { }",
        "hardware ethernet 1:2:3:4:5:6;",
        NET % (NET % ""),
        'class "a" { host b { } }',
    ):
        bad = error(text)
        assert "does not belong here" in bad.message and "it may stand" in bad.advice, text
