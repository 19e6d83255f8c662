"""`failover peer`: defaults, statements and the rules of ISC dhcpd 4.4.3."""

from confs import NET, error, errors, ip, load, warnings

POOL = NET % 'pool { failover peer "p"; range 10.0.0.10 10.0.0.20; }'
BASE = "primary; address 10.1.0.1; peer address 10.1.0.2; mclt 600; load balance max seconds 3; "


def peer(body, pool=POOL):
    return 'failover peer "p" {\n' + body + "}\n" + pool


def test_defaults():
    p = load(peer(BASE + "split 128;")).peers["p"]
    assert (p.name, p.role, p.address, p.peer_address) == ("p", "primary", ip("10.1.0.1"), ip("10.1.0.2"))
    assert (p.port, p.peer_port, p.max_response_delay, p.max_unacked_updates) == (647, 647, 20, 100)
    assert (p.mclt, p.split, p.hba, p.load_balance_max_seconds, p.auto_partner_down) == (600, 128, None, 3, 0)
    assert (p.max_lease_misbalance, p.max_lease_ownership, p.min_balance, p.max_balance) == (15, 10, 60, 3600)


def test_every_statement():
    p = load(
        peer(
            BASE
            + """split 200; port 519; peer port 520; max-response-delay 60; max-unacked-updates 10;
      peer max-response-delay 5; peer max-unacked-updates 5; auto-partner-down 99; max-lease-misbalance 20;
      max-lease-ownership 5; min-balance 30; max-balance 1800;"""
        )
    ).peers["p"]
    assert (p.split, p.port, p.peer_port, p.max_response_delay, p.max_unacked_updates) == (200, 519, 520, 60, 10)
    assert (p.auto_partner_down, p.max_lease_misbalance, p.max_lease_ownership) == (99, 20, 5)
    assert (p.min_balance, p.max_balance) == (30, 1800)


def test_zero_means_the_default():
    p = load(
        peer(BASE + "split 0; port 0; max-response-delay 0; max-unacked-updates 0; min-balance 0; max-balance 0;")
    ).peers["p"]
    assert (p.port, p.max_response_delay, p.max_unacked_updates, p.min_balance, p.max_balance) == (
        647,
        20,
        100,
        60,
        3600,
    )
    assert p.split == 0


def test_hba_and_split_the_last_wins():
    hba = "hba " + ":".join(["ff"] * 16 + ["0"] * 16) + ";"
    p = load(peer(BASE + "split 128; " + hba)).peers["p"]
    assert p.split is None and p.hba == b"\xff" * 16 + bytes(16)
    assert load(peer(BASE + hba + " split 1;")).peers["p"].hba is None


def test_pools_refer_to_the_peer():
    c = load(
        "failover peer p { secondary; address 10.1.0.2; peer address 10.1.0.1; load balance max seconds 3; }" + POOL
    )
    assert c.pools[0].peer is c.peers["p"] and c.peers["p"].role == "secondary" and c.problems == []
    text = peer(BASE + "split 128;", "") + 'shared-network n { failover peer "p"; ' + NET % ""
    c = load(text + 'pool { range 10.0.0.5; } pool { failover peer "p"; range 10.0.0.6; } }')
    assert [pool.peer is c.peers["p"] for pool in c.pools] == [True, True]


def test_the_rules():
    for body, part in (
        ("primary; address 10.1.0.1; peer address 10.1.0.2; split 128;", "needs mclt"),
        ("primary; address 10.1.0.1; peer address 10.1.0.2; split 128; mclt 0;", "needs mclt"),
        ("primary; address 10.1.0.1; peer address 10.1.0.2; mclt 600;", "needs split or hba"),
        ("primary; address 10.1.0.1; mclt 600; split 128;", "no peer address"),
        ("primary; peer address 10.1.0.1; mclt 600; split 128;", "no address of its own"),
        ("secondary; split 128; address 10.1.0.1; peer address 10.1.0.2;", "a secondary has no split"),
        ("split 128; secondary; address 10.1.0.1; peer address 10.1.0.2;", "a secondary has no split"),
        (BASE + "split 257;", "found '257'"),
        (BASE + "hba ff:ff;", "2 octets"),
        (BASE + "split 128; max-transmit-idle 3;", "unknown statement 'max-transmit-idle'"),
        (BASE + "split 128; load balance max secs 3;", "expected 'seconds', found 'secs'"),
        (BASE + "split 128; peer mclt 3;", "unknown statement 'peer mclt'"),
        (BASE + "split 128; peer address 10.1.0.1;", "are the same"),
        (BASE + "split 0x10;", "expected a number"),
    ):
        assert part in errors(peer(body))[0].message, body


def test_references_that_lead_nowhere():
    assert 'no failover peer is named "p"' in error(POOL).message
    assert (
        "in quotes"
        in error(
            peer(
                BASE + "split 128;",
                POOL + NET.replace("10.0.0", "10.3.0") % "pool { failover peer p; range 10.3.0.9; }",
            )
        ).message
    )
    assert "no pool refers" in error(peer(BASE + "split 128;", NET % "range 10.0.0.5;")).message
    assert "declared twice" in errors(peer(BASE + "split 128;", "") + peer(BASE + "split 128;"))[0].message
    assert "outside of any network" in error(peer(BASE + "split 128;") + 'failover peer "p";').message
    assert (
        "does not belong"
        in error(peer(BASE + "split 128;") + 'subnet 10.5.0.0 netmask 255.255.255.0 { failover peer "p"; }').message
    )


def test_no_bootp_ranges_with_failover():
    text = peer(BASE + "split 128;", NET % 'pool { range dynamic-bootp 10.0.0.5; failover peer "p"; range 10.0.0.7; }')
    assert "dynamic-bootp" in error(text).message


def test_worth_a_warning():
    body = "address 10.1.0.1; peer address 10.1.0.2; "
    assert "no load balancing" in warnings(peer("primary; mclt 600; split 128; " + body))[0]
    assert "takes mclt" in warnings(peer("secondary; mclt 600; load balance max seconds 3;" + body))[0]
    assert "server's own address" in warnings(peer(BASE.replace("10.1.0.2", "10.0.0.11") + "split 128;"))[0]
