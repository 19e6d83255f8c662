"""A checked configuration as octets, so that a board that serves never loads the parser.

The language takes 120 KB of heap to read, and the names in its code are never
given back.  So a board reads its dhcpd.conf once, writes this image of the result
to flash, starts again, and from then on loads the image (image_writer.py makes it).

    is_whole(octets) -> bool          an image of this format, as it was written
    sources(octets) -> [(name, digest)], the files that it was made from
    load(octets) -> Config            what the parser made, as plain records

Layout: "TLI" and the format's number; the sources; the names of attributes; how many
objects, and a class letter for each; then each object's attributes; at the end the
first eight octets of the SHA-256 of all that.  A value is a
letter and what belongs to it; numbers are 7 bits an octet, the last one without
the top bit, with the sign in the lowest bit.  Objects may refer to each other
in circles: they are made first and filled afterwards.  Their classes are those of
records.py, so that a board drops this file when it has read.
"""

import gc
import hashlib

from .records import Record, Scope, Space

MAGIC = b"TLI\3"
SUM = 8  # octets of the digest at the end
_COLLECT_EVERY = 16  # objects: what is dropped on the way would leave holes all over a small heap


class Reader:
    def __init__(self, octets):
        self._buf = octets
        self._at = len(MAGIC)
        self._names = ()
        self._objects = ()

    def number(self):
        value = shift = 0
        while True:
            octet = self._buf[self._at]
            self._at += 1
            value |= (octet & 0x7F) << shift
            shift += 7
            if octet < 0x80:
                return -(value >> 1) if value & 1 else value >> 1

    def octets(self):
        n = self.number()
        self._at += n
        return self._buf[self._at - n : self._at]

    def sources(self):
        return [(self.octets().decode(), self.octets()) for _ in range(self.number())]

    def config(self):
        self._names = [self.octets().decode() for _ in range(self.number())]
        self._objects = [_new(letter) for letter in self.octets()]
        for i in range(len(self._objects)):
            if i % _COLLECT_EVERY == 0:
                gc.collect()
            thing = self._objects[i]
            for _ in range(self.number()):
                setattr(thing, self._names[self.number()], self.value())
        return self._objects[0]

    def finish(self):
        """Raise ValueError unless all before the digest was read, and nothing of that."""
        if self._at != len(self._buf) - SUM:
            raise ValueError("it ends at %d, not at %d" % (len(self._buf) - SUM, self._at))

    def value(self):
        kind = self._buf[self._at]
        self._at += 1
        if kind == 82:  # R
            return self._objects[self.number()]
        if kind == 73:  # I
            return self.number()
        if kind == 66:  # B
            return self.octets()
        if kind == 83:  # S
            return self.octets().decode()
        if kind == 76:  # L
            return [self.value() for _ in range(self.number())]
        if kind == 85:  # U
            return tuple([self.value() for _ in range(self.number())])
        if kind == 68:  # D
            return self._dict()
        if kind == 79:  # O
            from . import expressions

            return getattr(expressions, self.octets().decode())
        if kind == 78:  # N
            return None
        if kind == 84 or kind == 70:  # T, F
            return kind == 84
        raise ValueError("no kind of value: %d" % kind)

    def _dict(self):
        values = {}
        for _ in range(self.number()):
            key = self.value()  # on its own: in a comprehension, MicroPython reads the value before the key
            values[key] = self.value()
        return values


def _new(letter):
    if letter == 69:  # E: an expression, whose code is loaded only if there is one
        from .expressions import Expr

        return Expr(None)
    if letter == 83:  # S
        return Scope()
    return Space() if letter == 80 else Record()  # P


def is_whole(octets):
    """Is this an image of this format, and every bit of it as it was written?"""
    end = len(octets) - SUM
    if end < len(MAGIC) or octets[: len(MAGIC)] != MAGIC:
        return False
    return hashlib.sha256(memoryview(octets)[:end]).digest()[:SUM] == octets[end:]


def sources(octets):
    """[(file name, digest)] that a whole image was made from."""
    return Reader(octets).sources()


def load(octets):
    """The Config in a whole image whose sources have been compared."""
    reader = Reader(octets)
    reader.sources()
    config = reader.config()
    reader.finish()
    return config
