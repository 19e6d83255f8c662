"""A console in a test: a board of nothing but files, and both ends of its serial line."""

import asyncio

from twinlease import console


class Files:
    """A Store (board/files.py) of a dict."""

    def __init__(self):
        self.kept = {}
        self.load = self.kept.get

    def has(self, name):
        return name in self.kept

    def pieces(self, name):
        return iter((self.kept[name],)) if name in self.kept else None

    def lines(self, name):
        octets = self.kept.get(name, b"")
        while octets:
            end = octets.find(b"\n") + 1 or len(octets)
            yield octets[:end]
            octets = octets[end:]

    def store(self, name, octets):
        self.kept[name] = octets

    def write(self, name, pieces):
        self.kept[name] = b"".join([bytes(piece) for piece in pieces])

    def rename(self, old, new):
        if old in self.kept:
            self.kept[new] = self.kept.pop(old)

    def remove(self, name):
        self.kept.pop(name, None)


class Board:
    name = "test"
    host_name = ""
    interfaces = ()

    def __init__(self):
        self.store = Files()

    def files(self):
        return self.store

    def release_files(self):
        pass

    def random(self, n):
        return bytes(range(n))

    def read_file(self, name):
        raise OSError(name)


class App:
    board = Board()
    driver = None
    trial = -1
    syslog = None
    table = journal = config = clock = node = None
    peers = ()


class Wire:
    """Both ends of a serial line: octets typed beforehand, octets printed."""

    def __init__(self, typed):
        self.typed = typed
        self.printed = b""

    async def read(self, n):
        octet, self.typed = self.typed[:1], self.typed[1:]
        return octet

    async def write(self, octets):
        self.printed += octets


def said(typed, app=App):
    """All that is printed but the banner, which a session begins its first answer with."""
    wire = Wire(typed[1:])
    asyncio.run(console.run(wire, wire, app, typed[:1]))
    printed = wire.printed.decode()
    start = printed.find("Twinlease ")
    if start < 0:
        return printed
    return printed[:start] + printed[printed.index("\r\n", printed.index("\r\n", start) + 2) + 2 :]
