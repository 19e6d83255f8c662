"""What boot does for failover: identity in flash before a word is said, one file for both boards, one Peer for each pair."""

from confs import ip, load
from twinlease import pairing
from twinlease.lease.table import Table

CONF = """
failover peer "p1" { primary; address 10.0.0.2; peer address 10.0.0.3; mclt 60; split 128; load balance max seconds 3; }
subnet 10.0.0.0 netmask 255.255.255.0 {
  pool { failover peer "p1"; deny dynamic bootp clients; range 10.0.0.10 10.0.0.19; }
  pool { range 10.0.0.30 10.0.0.39; }
}
"""


class Journal:
    def __init__(self):
        self.metas = {}
        self.synced = {}

    def get_meta(self, key):
        return self.metas.get(key)

    def put_meta(self, key, value):
        self.metas[key] = value

    def sync(self):
        self.synced = dict(self.metas)


class Interface:
    prefix = 24

    def __init__(self, address):
        self.address = ip(address)
        self.prefix = 24


class App:
    """As start.py leaves it when the sockets are open, with a node and a driver that only note things."""

    def __init__(self, address, journal):
        self.board = self.node = self.driver = self.clock = self
        self.config = load(CONF)
        self.table = Table(self.config.ranges, self.config.pools)
        self.journal = journal
        self.interfaces = [Interface(address)]
        self.now = 200_000_000
        self.after_flush = []
        self.said = []
        self.identity = None
        self.hear_partner = self.started = None

    def reserve_own(self, address):
        return False

    def random(self, n):
        return bytes(range(1, n + 1))

    def ticks_ms(self):
        return 0

    def ticks_diff(self, a, b):
        return a - b

    def say(self, text):
        self.said.append(text)

    def tell_time(self):
        pass

    def start_failover(self, peers):
        assert self.journal.synced.get(8), "the identity is in flash before a Peer is there"
        self.started = peers

    def persist(self, row):
        pass

    save_later = persist

    def persist_meta(self, key, octets):
        self.journal.put_meta(key, octets)

    def has_room(self):
        return True

    def catch_up(self):
        pass

    def hand_in(self, packet, index):
        pass

    def flush(self):
        self.journal.sync()


def boot(address, journal):
    app = App(address, journal)
    pairing.build(app, 0)
    return app


def test_the_identity_is_made_once_and_starts_are_counted():
    journal = Journal()
    for boots in (1, 2, 3):
        app = boot("10.0.0.2", journal)
        assert app.identity == (bytes(range(1, 9)), boots) and journal.synced[8][8:] == bytes((0, 0, 0, boots))
    journal.metas[8] = b"spoilt"
    assert boot("10.0.0.2", journal).identity.boots == 1


def test_one_file_makes_a_primary_of_one_board_and_a_secondary_of_the_other():
    one, other = boot("10.0.0.2", Journal()), boot("10.0.0.3", Journal())
    assert one.peers[0].conf.role == "primary" and other.peers[0].conf.role == "secondary"
    assert other.failover.lines[0].conf.address == ip("10.0.0.3")
    assert one.peers[0].agree == other.peers[0].agree
    assert len(one.said) == len(other.said) and not [text for text in one.said if "neither" in text]


def test_a_peer_has_the_pools_that_name_it_and_its_record_is_in_flash():
    app = boot("10.0.0.2", Journal())
    assert [pool.index for pool in app.peers[0].pools] == [0] and app.started == app.peers
    assert app.peers[0].evidence and app.failover.beats
    assert app.journal.synced[2] and app.after_flush == [app.failover.send]


def test_the_partner_is_looked_for_only_while_it_is_not_linked():
    app = boot("10.0.0.2", Journal())
    peer = app.peers[0]
    first = peer.evidence
    peer.linked = True
    app.failover.look()
    assert peer.evidence is None and app.failover.beats is None
    peer.linked = False
    app.failover.look()
    assert peer.evidence and peer.evidence is not first and app.failover.beats


def test_a_board_that_has_neither_address_says_so_and_goes_on_trying():
    app = boot("10.0.0.99", Journal())
    assert "neither address 10.0.0.2 nor peer address 10.0.0.3 is this board's (10.0.0.99)" in app.said[0]
    assert not app.peers[0].serves
    assert app.peers[0].evidence is None, "it hears nobody: that proves nothing"


def test_neither_servers_address_is_leased_by_either():
    for address in ("10.0.0.2", "10.0.0.3"):
        app = App(address, Journal())
        app.config = load(CONF.replace("10.0.0.10 10.0.0.19", "10.0.0.1 10.0.0.19"))
        app.table = Table(app.config.ranges, app.config.pools)
        kept = []
        app.reserve_own = kept.append
        pairing.build(app, 0)
        assert kept == [ip("10.0.0.2"), ip("10.0.0.3")] or kept == [ip("10.0.0.3"), ip("10.0.0.2")]
