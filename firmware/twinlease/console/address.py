"""What a board of hardware is asked before it has an address: where it is, and how it gets on the WiFi.

told, interface = yield from asked(board)      the statements of board.conf; an Interface of name, address, prefix
"""

from twinlease.board import settings

from .ask import LINE, SECRET
from .refused import Refused


class _Interface:
    def __init__(self, name, told):
        self.name = name
        self.address, self.prefix = settings.address(told["address"])


def asked(board):
    told = dict(board.told)
    yield "This board has no address yet.\n"
    told["address"] = [(yield from _ask("Its own address, with prefix length, as in 10.77.0.2/16", LINE, _address))]
    router = yield from _ask("Its router, Enter without one", LINE, _router)
    name = yield from _ask("Its name in the network, Enter for none", LINE, _name)
    for statement, word in (("router", router), ("host-name", name)):
        told.pop(statement, None)
        if word:
            told[statement] = [word]
    radio = told["network"][0] == "wifi"
    if radio:
        ssid = yield from _ask("Name of the WiFi", LINE, _some)
        key = yield from _ask("Its key, Enter without one", SECRET, _key)
        told["wifi"] = [ssid, key] if key else [ssid]
        told["country"] = [(yield from _ask("Country it is in, two letters, as in DE", LINE, _country))]
    return told, _Interface("wlan0" if radio else "eth0", told)


def _ask(what, kind, read):
    """Ask until the answer can be read."""
    while True:
        word = yield kind, what + ": "
        if word is None:
            raise Refused("nothing was changed; to start over: setup")
        try:
            return read(word.strip())
        except ValueError as e:
            yield "  %s\n" % e.args[0]


def _address(word):
    settings.address([word])
    return word


def _router(word):
    if word:
        settings.octets(word)
    return word


def _name(word):
    if len(word) > 32 or not all(c.isalpha() or c.isdigit() or c == "-" for c in word):
        raise ValueError("a name is made of letters, digits and -, 32 at most")
    return word


def _some(word):
    if not 1 <= len(word.encode()) <= 32:
        raise ValueError("the name of a WiFi has 1 to 32 characters")
    return word


def _key(word):
    if word and not 8 <= len(word) <= 64:
        raise ValueError("a key has 8 to 63 characters")
    return word


def _country(word):
    if len(word) != 2 or not word.isalpha():
        raise ValueError("two letters are wanted: DE, FR, GB, US")
    return word.upper()
