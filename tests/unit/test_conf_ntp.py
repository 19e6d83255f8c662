"""`ntp server` and `ntp serve`: what a file may say, and what the board is told."""

from confs import error, load, warnings
from twinlease.conf import image
from twinlease.conf.image_writer import dump


def params(text):
    return load(text).scope.params


def test_servers_are_addresses_and_names():
    told = params('ntp server 10.0.0.5, "pool.example", 0.time.example.net;\nntp server "10.0.0.6";\n')
    assert told == {"ntp-servers": (b"\x0a\0\0\5", "pool.example", "0.time.example.net", b"\x0a\0\0\6")}


def test_a_file_without_them_says_nothing():
    assert params("authoritative;") == {"authoritative": True}


def test_the_board_serves_time_if_it_is_told_to():
    assert params("ntp serve true;") == {"ntp-serve": True}
    assert params("ntp serve off;") == {"ntp-serve": False}


def test_what_cannot_be_a_server_is_refused_where_it_stands():
    for text in ("10.0.0.256", "0.0.0.0", "224.0.1.1", "10.0.0", '"a..b"', '"b c"', "a" * 64, '"' + "ab." * 85 + 'x"'):
        problem = error("ntp server 10.0.0.1, %s;" % text)
        assert (problem.line, problem.column) == (1, 22), text


def test_five_servers_are_too_many():
    assert "more than 4" in error("ntp server 10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4, 10.0.0.5;").message


def test_a_server_named_twice_is_worth_a_warning():
    assert "twice" in warnings("ntp server 10.0.0.1, 10.0.0.1;")[0]


def test_it_belongs_to_the_top_level():
    assert "ntp does not belong here" in error("group { ntp server 10.0.0.1; }").message
    assert "expected 'server'" in error("ntp pool 10.0.0.1;").message


def test_the_image_has_them():
    config = load('ntp server 10.0.0.5, "pool.example"; ntp serve true;')
    read = image.load(b"".join(dump(config, ())))
    assert read.scope.params == {"ntp-servers": (b"\x0a\0\0\5", "pool.example"), "ntp-serve": True}
