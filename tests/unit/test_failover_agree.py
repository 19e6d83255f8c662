"""Two configurations that drift apart, and in which words that is told."""

from confs import ip, load
from twinlease.conf import image, image_writer
from twinlease.failover.agree import digests
from twinlease.failover.differences import PART, differences
from twinlease.failover.orient import orient

ONE = 'failover peer "p1" { primary; address 10.1.0.1; peer address 10.1.0.2; mclt 600; split 128; %s }\n'
TWO = 'failover peer "p1" { secondary; address 10.1.0.2; peer address 10.1.0.1; %s }\n'
REST = """
default-lease-time 600; max-lease-time 7200;
subnet 10.2.0.0 netmask 255.255.255.0 {
  pool { failover peer "p1"; range 10.2.0.10 10.2.0.99; range 10.2.0.120; deny unknown-clients; allow known-clients; }
  pool { range 10.2.0.200 10.2.0.220; }
}
shared-network x {
  subnet 10.3.0.0 netmask 255.255.255.0 { }
  subnet 10.4.0.0 netmask 255.255.255.0 { default-lease-time 900; }
  pool { failover peer "p1"; range 10.3.0.10 10.3.0.20; range 10.4.0.10 10.4.0.20; min-lease-time 30; }
}
"""
PRIMARY = ONE % "" + REST
SECONDARY = TWO % "" + REST


def octets(text, name="p1"):
    config = load(text)
    return digests(config, config.peers[name])


def told(one, two):
    return differences(octets(one), octets(two), "p1")


def changed(old, new, text=SECONDARY):
    """What a pair says if the secondary's file has `new` where the primary's has `old`."""
    assert old in text
    return told(PRIMARY, text.replace(old, new))


def only(found, part):
    assert len(found) == 1 and part in found[0] and found[0].endswith("failover peer p1"), found


def test_a_pair_with_files_of_its_own_agrees():
    assert told(PRIMARY, SECONDARY) == told(SECONDARY, PRIMARY) == []
    assert octets(SECONDARY)[4 * PART :] == bytes(2 * PART), "a secondary says neither mclt nor split"
    assert octets(PRIMARY)[: 4 * PART] == octets(SECONDARY)[: 4 * PART]


def test_a_pair_with_one_file_agrees_in_every_octet():
    found = []
    for address in ("10.1.0.1", "10.1.0.2"):
        config = image.load(b"".join(image_writer.dump(load(PRIMARY), [])))
        found.append(digests(config, orient(config.peers["p1"], [ip(address)])))
    assert found[0] == found[1] == octets(PRIMARY), "text and image, primary and secondary"


def test_how_a_file_is_laid_out_does_not_count():
    for old, new in (
        ("range 10.2.0.10 10.2.0.99;", "range 10.2.0.50 10.2.0.99; range 10.2.0.10 10.2.0.49;"),
        (
            "deny unknown-clients; allow known-clients;",
            "allow known clients; allow known-clients; deny unknown-clients;",
        ),
        ("pool { range 10.2.0.200 10.2.0.220; }", ""),
        ("shared-network x", "shared-network y"),
        ("min-lease-time 30", 'option domain-name "x"; min-lease-time 30'),
    ):
        assert changed(old, new) == [], new
    both = PRIMARY.replace("deny unknown", "allow dynamic bootp clients; deny unknown")
    other = PRIMARY.replace("allow known-clients;", "allow known-clients; allow dynamic bootp clients;")
    assert told(both, other) == [], "the order of permits"
    default = "default-lease-time 43200; max-lease-time 86400; min-lease-time 300; "
    bare = PRIMARY.replace("default-lease-time 600; max-lease-time 7200;", "")
    assert told(bare, default + bare) == [], "a default that is written down"


def test_each_difference_has_its_words():
    only(changed("10.2.0.99", "10.2.0.98"), "compare the range statements")
    only(changed("range 10.2.0.120;", ""), "compare the range statements")
    only(changed("10.2.0.0 netmask 255.255.255.0", "10.2.0.0 netmask 255.255.0.0"), "the subnets of the pools differ")
    only(changed("deny unknown-clients;", ""), "compare allow and deny")
    only(changed("max-lease-time 7200", "max-lease-time 7201"), "lease times differ")
    only(changed("default-lease-time 900;", ""), "lease times differ")
    only(changed("min-lease-time 30;", "min-lease-time 30; default-lease-time 600;"), "lease times differ")
    only(changed("min-lease-time 30;", ""), "lease times differ")
    only(told(PRIMARY, PRIMARY.replace("mclt 600", "mclt 601")), "mclt differs")
    only(told(PRIMARY, PRIMARY.replace("split 128", "split 127")), "the balance differs")


def test_split_and_the_hba_that_means_the_same():
    hba = "hba " + ":".join(["ff"] * 16 + ["0"] * 16)
    assert told(PRIMARY, PRIMARY.replace("split 128", hba)) == []
    only(told(PRIMARY, PRIMARY.replace("split 128", hba.replace("ff", "fe", 1))), "the balance differs")
    only(told(PRIMARY.replace("split 128", "split 0"), PRIMARY), "the balance differs")


def test_several_at_once():
    text = SECONDARY.replace("10.2.0.99", "10.2.0.98").replace("max-lease-time 7200", "max-lease-time 1")
    only(told(PRIMARY, text), "compare the range statements")
    text = SECONDARY.replace("deny unknown-clients;", "").replace("max-lease-time 7200", "max-lease-time 1")
    assert len(told(PRIMARY, text)) == 2


def test_each_relationship_has_its_own_pools():
    q = ONE.replace("p1", "q").replace("10.1.0.2", "10.1.0.3") % ""
    text = PRIMARY.replace("subnet 10.2", q + "subnet 10.2", 1)
    text = text.replace("pool { range", 'pool { failover peer "q"; range')
    assert octets(text) == octets(PRIMARY) and octets(text, "q") != octets(text)


def test_octets_of_another_version():
    ours = octets(PRIMARY)
    assert differences(ours, ours + b"more", "p1") == []
    assert differences(ours + b"more", ours + b"else", "p1") == [], "a part that we have no words for"
    assert differences(ours, b"", "p1") == differences(ours, ours[:5], "p1") == []
    assert len(differences(ours, bytearray(b"\xff" * len(ours)), "p1")) == 4, "without what is said about each range"
