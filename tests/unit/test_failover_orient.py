"""A pair's one file, as each of its boards sees it."""

from confs import ip
from twinlease.conf import image
from twinlease.conf.model import FailoverPeer
from twinlease.failover.orient import orient

ONE, TWO = ip("10.1.0.1"), ip("10.1.0.2")


def primary():
    peer = FailoverPeer("p")
    peer.address, peer.port, peer.peer_address, peer.peer_port = ONE, 647, TWO, 847
    peer.mclt, peer.split = 600, 128
    return peer


def test_the_board_that_the_block_describes_takes_it_as_it_is():
    peer = primary()
    assert orient(peer, [ip("10.9.9.9"), ONE]) is peer
    assert peer.__dict__ == primary().__dict__


def test_its_partner_turns_it_round():
    peer = primary()
    assert orient(peer, (TWO,)) is peer, "pools refer to this very object"
    assert (peer.role, peer.address, peer.port) == ("secondary", TWO, 847)
    assert (peer.peer_address, peer.peer_port) == (ONE, 647)
    assert (peer.mclt, peer.split) == (600, 128), "for the comparison of the two files"
    orient(peer, (TWO,))
    assert (peer.role, peer.address) == ("secondary", TWO), "twice is once"


def test_a_secondarys_block_makes_a_primary():
    peer = primary()
    peer.role = "secondary"
    assert orient(peer, (TWO,)).role == "primary"


def test_a_board_with_another_address_has_no_part_in_it():
    assert orient(primary(), (ip("10.1.0.3"),)) is None
    assert orient(primary(), ()) is None


def test_what_the_other_half_says_otherwise_counts_there():
    peer = primary()
    peer.max_response_delay = 30
    peer.other = {"max_response_delay": 5, "auto_partner_down": 90}
    assert orient(peer, (ONE,)).max_response_delay == 30
    orient(peer, (TWO,))
    assert (peer.max_response_delay, peer.auto_partner_down) == (5, 90)
    orient(peer, (ONE,))
    assert (peer.max_response_delay, peer.auto_partner_down, peer.role) == (30, 0, "primary"), "and back"


def test_records_of_an_image_turn_too():
    record = image.Record()
    for name, value in primary().__dict__.items():
        setattr(record, name, value)
    assert orient(record, (TWO,)).role == "secondary"
