"""Makes the image of a configuration that image.py reads.

octets = dump(config, [(name, digest)])
"""

import hashlib

from . import expressions, model
from .image import MAGIC, SUM

_LETTERS = ((model.Scope, b"S"), (model.Space, b"P"), (expressions.Expr, b"E"))
# Of use to the parser only, or shown before the image is made.
_LEFT_OUT = ("problems", "option_defs")
# What the class says and an object need not say; the image says it.
_CLASS_VALUES = {
    model.Scope: ("options", "params", "vendor_options", "conditions"),
    model.Class: ("subclasses",),
}


class Writer:
    def __init__(self):
        self._objects = []
        self._index = {}
        self._names = []
        self._ops = {}
        for name in dir(expressions):
            value = getattr(expressions, name)
            if callable(value) and value is not expressions.Expr:
                self._ops[id(value)] = name

    def pieces(self, config, sources):
        self._refer(config)
        for thing in self._objects:  # grows while it is walked
            self._body(thing)
        yield MAGIC + self._number(len(sources))
        for name, digest in sources:
            yield self._octets(name.encode()) + self._octets(digest)
        yield self._number(len(self._names))
        for name in self._names:
            yield self._octets(name.encode())
        yield self._octets(b"".join([_letter(thing) for thing in self._objects]))
        for thing in self._objects:
            yield self._body(thing)

    def _body(self, thing):
        attributes = dict(thing.__dict__)
        for cls in _CLASS_VALUES:
            if isinstance(thing, cls):
                for name in _CLASS_VALUES[cls]:
                    attributes[name] = getattr(thing, name)
        names = [name for name in sorted(attributes) if name not in _LEFT_OUT]
        out = self._number(len(names))
        for name in names:
            if name not in self._names:
                self._names.append(name)
            out += self._number(self._names.index(name)) + self._value(attributes[name])
        return out

    def _value(self, value):
        if value is None:
            return b"N"
        if value is True or value is False:
            return b"T" if value else b"F"
        if isinstance(value, int):
            return b"I" + self._number(value)
        if isinstance(value, (bytes, bytearray)):
            return b"B" + self._octets(value)
        if isinstance(value, str):
            return b"S" + self._octets(value.encode())
        if isinstance(value, (list, tuple)):
            kind = b"L" if isinstance(value, list) else b"U"
            return kind + self._number(len(value)) + b"".join([self._value(v) for v in value])
        if isinstance(value, dict):
            keys = sorted(value)
            return b"D" + self._number(len(keys)) + b"".join([self._value(k) + self._value(value[k]) for k in keys])
        if id(value) in self._ops:
            return b"O" + self._octets(self._ops[id(value)].encode())
        return b"R" + self._number(self._refer(value))

    def _refer(self, thing):
        key = id(thing)
        if key not in self._index:
            self._index[key] = len(self._objects)
            self._objects.append(thing)
        return self._index[key]

    def _number(self, value):
        value = -value << 1 | 1 if value < 0 else value << 1
        out = b""
        while value >= 0x80:
            out += bytes((value & 0x7F | 0x80,))
            value >>= 7
        return out + bytes((value,))

    def _octets(self, octets):
        return self._number(len(octets)) + bytes(octets)


def _letter(thing):
    for cls, letter in _LETTERS:
        if isinstance(thing, cls):
            return letter
    return b"R"


def dump(config, sources):
    """The configuration in pieces; sources are the (name, digest) of the files that it was made from."""
    digest = hashlib.sha256()
    for piece in Writer().pieces(config, sources):
        digest.update(piece)
        yield piece
    yield digest.digest()[:SUM]
