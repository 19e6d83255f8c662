"""How a board takes up its configuration: from the image while that is sound, from the text whenever it is not."""

import hashlib
import sys

from twinlease import conf, configuration
from twinlease.conf import image, image_writer

TEXT = """
default-lease-time 600;
class "phones" { match if option vendor-class-identifier = "PHONE"; }
subnet 10.0.0.0 netmask 255.255.255.0 { option routers 10.0.0.1; range 10.0.0.10 10.0.0.19; }
host till { hardware ethernet 02:00:00:00:00:09; fixed-address 10.0.0.9; }
"""


class Reset(Exception):
    pass


class FakeBoard:
    """What configuration.py asks of a board; a reset is an exception."""

    def __init__(self, text=TEXT, octets=None):
        self.text = text
        self.image = octets
        self.said = []
        self.full = False

    def say(self, text):
        self.said.append(text)

    def load_image(self):
        return self.image

    def load_config(self):
        return self.text

    def read_file(self, name):
        raise OSError(2)

    def store_image(self, pieces):
        if self.full:
            raise OSError(28)
        self.image = b"".join(list(pieces))

    def reset(self, why):
        raise Reset(why)


def good_image():
    board = FakeBoard()
    names = (configuration.CODE, configuration.CONFIG)
    sources = [(name, configuration._digest(board, name)) for name in names]
    return b"".join(image_writer.dump(conf.load(TEXT), sources))


def model(config):
    """All that a configuration read from text says, as octets."""
    return b"".join(image_writer.dump(config, []))


def taken(board):
    """The configuration, or the image that was stored before a reset."""
    try:
        return configuration.take_up(board)
    except Reset:
        return board.image


def is_from_image(found):
    return type(found).__name__ == "Record"  # by name: making an image drops the module


def is_the_texts(board, found, good):
    if isinstance(found, bytes):
        return sys.implementation.name == "micropython" and found == good
    return found is not None and model(found) == model(conf.load(TEXT))


def test_a_sound_image_is_used_as_it_is():
    board = FakeBoard(octets=good_image())
    found = configuration.take_up(board)
    assert is_from_image(found) and found.rows == 10 and board.said == []


def test_an_image_of_another_text_is_not():
    board = FakeBoard(TEXT + "# more\n", good_image())
    found = taken(board)
    assert found is not None and not is_from_image(found)


def test_a_flipped_bit_anywhere_in_the_image_costs_one_reading_of_the_text():
    good = good_image()
    for at in range(len(good)):
        bad = bytearray(good)
        bad[at] ^= 1 << at % 8
        board = FakeBoard(octets=bytes(bad))
        assert is_the_texts(board, taken(board), good), at


def test_so_does_an_image_that_is_cut_short_or_too_long():
    good = good_image()
    for bad in (good[:3], good[:4], good[:8], good[:12], good[:13], good[:-1], good[:-8], good + b"\0", b"\xff" * 40):
        board = FakeBoard(octets=bad)
        assert is_the_texts(board, taken(board), good), len(bad)


def test_an_image_that_is_whole_and_still_does_not_load_is_no_reset_loop():
    good = good_image()
    for cut in range(9, len(good) - len(image.MAGIC), 7):
        body = good[:-cut]
        board = FakeBoard(octets=body + hashlib.sha256(body).digest()[:8])
        assert is_the_texts(board, taken(board), good), cut


def test_an_image_whose_digest_could_be_read_as_its_end_does_not_load():
    good = good_image()
    end = len(good) - image.SUM
    for cut in range(1, image.SUM + 1):
        octets = good[: end - cut] + good[end - cut : end] + bytes(image.SUM - cut)
        assert len(octets) == end - cut + image.SUM
        try:
            image.load(octets)
            raise AssertionError("loaded, cut by %d" % cut)
        except ValueError as e:
            assert "it ends at" in str(e)


def test_an_image_that_cannot_be_stored_is_no_reset_loop():
    board = FakeBoard()
    board.full = True
    found = taken(board)
    assert found is not None and found.rows == 10


def test_a_text_that_is_no_text_serves_nobody():
    class Spoilt(FakeBoard):
        def load_config(self):
            return b"\xff\xfe\x00".decode()

    board = Spoilt()
    assert configuration.take_up(board) is None
    assert len(board.said) == 1 and "dhcpd.conf cannot be read" in board.said[0]
