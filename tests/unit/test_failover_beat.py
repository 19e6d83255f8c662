"""The beat's octets: the partner's and new ones count, what is forged, repeated or somebody else's does not."""

from collections import namedtuple

from twinlease.failover.beat import Beat

Identity = namedtuple("Identity", ("board", "boots"))


class Conf:
    def __init__(self, role, name="p1", key=None):
        self.role, self.name, self.key = role, name, key
        self.address, self.peer_address = b"\x0a\0\0\2", b"\x0a\0\0\3"
        if role == "secondary":
            self.address, self.peer_address = self.peer_address, self.address


def primary(boots=1, board=b"board--A", **how):
    return Beat(Conf("primary", **how), Identity(board, boots))


def secondary(boots=1, board=b"board--B", **how):
    return Beat(Conf("secondary", **how), Identity(board, boots))


KEYS = (None, b"a long random text")


def test_each_hears_the_other_from_the_second_beat_at_the_latest():
    for key in KEYS:
        a, b = primary(3, key=key), secondary(7, key=key)
        told = [(b.heard(bytes(a.next())), a.heard(bytes(b.next()))) for _ in range(5)]
        assert told[1:] == [(True, True)] * 4
        assert told[0] == ((True, True) if key is None else (False, True)), "with a key it must know our start"


def test_after_a_link_the_first_beat_counts():
    a, b = primary(3, key=KEYS[1]), secondary(7, key=KEYS[1])
    a.meet(b"board--B", 7)
    b.meet(b"board--A", 3)
    assert b.heard(bytes(a.next())) and a.heard(bytes(b.next()))


def test_our_own_that_comes_back_is_none():
    for key in KEYS:
        a = primary(key=key)
        assert not a.heard(bytes(a.next()))


def test_another_name_or_another_pair_of_addresses_is_none():
    b = secondary()
    assert not b.heard(bytes(primary(name="p2").next()))
    other = Conf("primary")
    other.address = b"\x0a\0\0\4"
    assert not b.heard(bytes(Beat(other, Identity(b"board--A", 1)).next()))
    assert b.heard(bytes(primary().next()))


def test_nothing_is_good_twice_or_late():
    for key in KEYS:
        a, b = primary(3, key=key), secondary(7, key=key)
        a.meet(b"board--B", 7)
        beats = [bytes(a.next()) for _ in range(4)]
        assert [b.heard(beats[i]) for i in (0, 0, 2, 1, 2, 3, 0)] == [True, False, True, False, False, True, False]


def test_what_was_heard_before_a_link_is_not_new_after_it():
    for key in KEYS:
        a, b = primary(3, key=key), secondary(7, key=key)
        a.meet(b"board--B", 7)
        b.meet(b"board--A", 3)
        beats = [bytes(a.next()) for _ in range(4)]
        assert b.heard(beats[2])
        b = Beat(Conf("secondary", key=key), Identity(b"board--B", 7), b.told())
        a = Beat(Conf("primary", key=key), Identity(b"board--A", 3), a.told())
        assert [b.heard(octets) for octets in beats] == [False, False, False, True]
        assert b.heard(bytes(a.next())), "its count has gone on"


def test_an_earlier_start_of_the_partner_is_over():
    for key in KEYS:
        old, new, b = primary(3, key=key), primary(4, key=key), secondary(7, key=key)
        old.meet(b"board--B", 7)
        new.meet(b"board--B", 7)
        recorded = [bytes(old.next()) for _ in range(9)]
        assert b.heard(bytes(new.next()))
        assert not [octets for octets in recorded if b.heard(octets)]


def test_with_a_key_what_was_recorded_before_our_own_start_is_no_sign_of_life():
    key = KEYS[1]
    a, b = primary(3, key=key), secondary(7, key=key)
    a.meet(b"board--B", 7)
    recorded = [bytes(a.next()) for _ in range(9)]
    assert b.heard(recorded[0])
    b = secondary(8, key=key)
    assert not [octets for octets in recorded if b.heard(octets)]
    a.heard(bytes(b.next()))
    assert b.heard(bytes(a.next())), "the partner itself is heard again"


def test_with_a_key_every_altered_octet_is_noticed():
    key = KEYS[1]
    a, b = primary(3, key=key), secondary(7, key=key)
    a.meet(b"board--B", 7)
    good = bytes(a.next())
    for i in range(len(good)):
        for flip in (1, 0x80):
            assert not b.heard(good[:i] + bytes((good[i] ^ flip,)) + good[i + 1 :]), i
    assert b.heard(good)


def test_keys_must_be_the_same_and_must_be_there():
    beats = {key: bytes(primary(key=key).next()) for key in KEYS + (b"another secret",)}
    for mine in KEYS:
        for theirs in beats:
            a, b = primary(key=theirs), secondary(key=mine)
            a.meet(b"board--B", 1)
            assert b.heard(bytes(a.next())) == (mine == theirs), (mine, theirs)


def test_with_a_key_a_board_that_was_replaced_is_not_the_partner():
    key = KEYS[1]
    old, b = primary(3, key=key), secondary(7, key=key)
    old.meet(b"board--B", 7)
    b.meet(b"board--C", 1)
    assert not b.heard(bytes(old.next()))


def test_no_length_and_no_content_does_harm():
    for key in KEYS:
        a, b = primary(key=key), secondary(key=key)
        a.meet(b"board--B", 1)
        good = bytes(a.next())
        for n in range(len(good)):
            assert not b.heard(good[:n])
        assert not b.heard(good + b"\0") and not b.heard(b"\xff" * len(good)) and not b.heard(b"")
        if key is None:
            for at in (16, 20, 24):
                assert not b.heard(good[:at] + b"\xff" + good[at + 1 :])
        assert b.heard(good)
