"""`failover peer`: defaults, statements and the rules of ISC dhcpd 4.4.3; our own statements, and both halves in one."""

from confs import NET, error, errors, ip, load, warnings
from twinlease.conf import image, image_writer
from twinlease.failover.orient import orient

POOL = NET % 'pool { failover peer "p"; deny dynamic bootp clients; range 10.0.0.10 10.0.0.20; }'
BASE = "primary; address 10.1.0.1; peer address 10.1.0.2; mclt 600; load balance max seconds 3; "


def peer(body, pool=POOL):
    return 'failover peer "p" {\n' + body + "}\n" + pool


def test_defaults():
    p = load(peer(BASE + "split 128;")).peers["p"]
    assert (p.name, p.role, p.address, p.peer_address) == ("p", "primary", ip("10.1.0.1"), ip("10.1.0.2"))
    assert (p.port, p.peer_port, p.max_response_delay, p.max_unacked_updates) == (647, 647, 20, 100)
    assert (p.mclt, p.split, p.hba, p.load_balance_max_seconds, p.auto_partner_down) == (600, 128, None, 3, 0)
    assert (p.max_lease_misbalance, p.max_lease_ownership, p.min_balance, p.max_balance) == (15, 10, 60, 3600)
    assert (p.key, p.partner_down_after, p.serve_alone_after, p.other) == (None, None, 0, None), "our own"


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
        (BASE + "split 128; peer mclt 3;", "not supported by Twinlease: 'peer mclt'"),
        (BASE + "split 128; peer address 10.1.0.1;", "are the same"),
        (BASE + "split 128; peer mlct 3;", "unknown statement 'peer mlct'"),
        (BASE + "split 0x10;", "expected a number"),
        (BASE + "split 128; port ssh;", "expected a number"),
        (BASE + "hba " + ":".join(["ff"] * 33) + ";", "too many octets"),
        ("secondary; address 10.1.0.1; peer address 10.1.0.2; hba " + ":".join(["0"] * 32) + ";", "no hba"),
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
    text = peer(BASE + "split 128; split 64; min-balance 90; max-balance 80;", POOL.replace("deny dyn", "allow dyn"))
    for part in ("split is said twice", "lacks deny dynamic bootp clients", "min-balance is above max-balance"):
        assert [True for message in warnings(text) if part in message], part


def test_four_peers_at_most():
    text = ""
    pools = ""
    for i in range(5):
        text += 'failover peer "p%d" { %s split 128; }' % (i, BASE.replace("10.1.0.2", "10.1.0.%d" % (i + 2)))
        pools += 'pool { failover peer "p%d"; range 10.0.0.%d; }' % (i, i + 10)
    assert "not supported by Twinlease: more than 4" in errors(text + NET % pools)[0].message


def test_no_failover_peer_is_refused_by_name():
    text = NET.replace("10.0.0", "10.3.0") % "pool { no failover peer; range 10.3.0.9; }"
    assert "not supported by Twinlease: no" in error(peer(BASE + "split 128;", POOL + text)).message


def test_numbers_are_small_on_every_board():
    p = load(peer(BASE + "split 128; auto-partner-down 2147483647; max-balance 2147483647;")).peers["p"]
    assert p.auto_partner_down == p.max_balance == 0x3FFFFFFF


# Our own statements


def test_key():
    assert load(peer(BASE + 'split 128; key "0123456789abcdef";')).peers["p"].key == b"0123456789abcdef"
    octets = ":".join(["%x" % i for i in range(20)])
    c = load(peer(BASE + "split 128; key " + octets + ";"))
    assert c.peers["p"].key == bytes(range(20)) and c.problems == []
    assert "15 octets only" in warnings(peer(BASE + 'split 128; key "0123456789abcde";'))[0]
    assert "7 octets only" in error(peer(BASE + 'split 128; key "0123456";')).message
    assert "expected the secret" in error(peer(BASE + "split 128; key secret;")).message


def test_times_of_our_own():
    c = load(peer(BASE + "split 128; partner-down-after 0; serve-alone-after 30;"))
    assert (c.peers["p"].partner_down_after, c.peers["p"].serve_alone_after, c.problems) == (0, 30, [])


# Both halves in one block

COMMON = "mclt 600; split 100; load balance max seconds 3; "
HALVES = "primary { address 10.1.0.1; } secondary { address 10.1.0.2; } "


def both(text):
    """The peer as its primary and as its secondary see it, each by way of an image."""
    found = []
    for address in ("10.1.0.1", "10.1.0.2"):
        octets = b"".join(image_writer.dump(load(peer(text)), []))
        config = image.load(octets)
        found.append(orient(config.peers["p"], (ip(address),)))
        assert config.pools[0].peer is found[-1]
    return found


def test_two_halves():
    assert load(peer(HALVES + COMMON)).problems == []
    for text in (
        HALVES + COMMON,
        COMMON + HALVES,
        HALVES.replace("primary {", "primary { mclt 600; split 100;") + COMMON[21:],
    ):
        p, s = both(text)
        assert (p.role, p.address, p.peer_address) == ("primary", ip("10.1.0.1"), ip("10.1.0.2"))
        assert (s.role, s.address, s.peer_address) == ("secondary", ip("10.1.0.2"), ip("10.1.0.1"))
        for q in (p, s):
            assert (q.mclt, q.split, q.load_balance_max_seconds, q.port, q.peer_port) == (600, 100, 3, 647, 647)


def test_a_half_has_its_own_values():
    p, s = both(
        COMMON
        + """max-response-delay 30; key "0123456789abcdef"; port 519;
        primary { address 10.1.0.1; max-unacked-updates 5; auto-partner-down 60; }
        secondary { address 10.1.0.2; port 520; max-response-delay 0; load balance max seconds 9; }"""
    )
    assert (p.port, p.peer_port, s.port, s.peer_port) == (519, 520, 520, 519)
    assert (p.max_response_delay, s.max_response_delay) == (30, 20), "0 is the default"
    assert (p.max_unacked_updates, s.max_unacked_updates) == (5, 100)
    assert (p.auto_partner_down, s.auto_partner_down) == (60, 0)
    assert (p.load_balance_max_seconds, s.load_balance_max_seconds) == (3, 9)
    assert p.key == s.key == b"0123456789abcdef"


def test_rules_for_halves():
    for text, part in (
        (COMMON + "primary { address 10.1.0.1; }", "has no secondary half"),
        (COMMON + "secondary { address 10.1.0.1; }", "has no primary half"),
        (COMMON + "primary { address 10.1.0.1; } secondary { }", "half of failover peer p has no address"),
        (COMMON + "primary { } secondary { address 10.1.0.1; }", "half of failover peer p has no address"),
        (COMMON + HALVES.replace("0.2", "0.1"), "the same address"),
        (COMMON + HALVES + "primary;", "role beside"),
        (COMMON + HALVES + "address 10.1.0.1;", "address beside"),
        (COMMON + HALVES + "peer port 5;", "peer port beside"),
        (COMMON + HALVES + "primary { address 10.1.0.1; }", "primary { } stands twice"),
        (COMMON + HALVES.replace("{", "{ peer address 10.1.0.3;", 1), "'peer address' does not belong in a half"),
        (COMMON + HALVES.replace("{", "{ secondary;", 1), "'secondary' does not belong in a half"),
        (COMMON + HALVES.replace("{", "{ primary { }", 1), "a half within a half"),
        (COMMON + HALVES.replace("{", '{ key "0123456789abcdef";', 1), "key in one half only"),
        (COMMON + HALVES.replace("0.2;", "0.2; mclt 5;"), "a secondary has no mclt"),
        (COMMON + HALVES.replace("0.2;", "0.2; split 5;"), "a secondary has no split"),
        (COMMON + HALVES.replace("0.2;", "0.2; hba 5;"), "a secondary has no hba"),
        (COMMON + HALVES.replace("0.2;", "0.2; adress 5;"), "unknown statement 'adress'"),
        (COMMON[10:] + HALVES, "needs mclt"),
        (COMMON[:10] + HALVES, "needs split or hba"),
    ):
        assert part in error(peer(text)).message, text
    part = "without load balance max seconds"
    assert part in warnings(peer(COMMON + HALVES.replace("0.2;", "0.2; load balance max seconds 0;")))[0]
