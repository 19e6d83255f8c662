"""Configuration files in flash, where a power cut leaves the old text or the new one and never a mixture.

`Store(root)` keeps files in one folder: of a littlefs on boards and on the
virtual board, of the host's file system on a Raspberry Pi.  A file is written
under a temporary name, flushed, closed and renamed; both file systems promise
that a rename happens whole or not at all.  Names with a slash are kept flat.

An exception while writing leaves the temporary file, which the next write
replaces: leaving it is what keeps half a text from ever getting the real name.
"""

import errno
import os
import sys

_TEMPORARY = "new.tmp"
_CHUNK = 256


class Store:
    def __init__(self, root):
        self.root = root

    def load(self, name):
        """Return the octets of a file, or None if there is none."""
        try:
            with open(self._path(name), "rb") as f:
                return f.read(os.stat(self._path(name))[6])  # of no known size it would be read into twice the room
        except OSError as e:
            if e.errno == errno.ENOENT:
                return None
            raise

    def lines(self, name):
        """The lines of a file, one after the other, each with its newline; none if there is no such file."""
        return self._read(name, lambda f: f.readline())

    def pieces(self, name):
        """The octets of a file by the piece, None if there is no such file: a small heap may not have room for all."""
        return self._read(name, lambda f: f.read(_CHUNK)) if self.has(name) else None

    def has(self, name):
        """Is there such a file?"""
        try:
            os.stat(self._path(name))
            return True
        except OSError as e:
            if e.errno == errno.ENOENT:
                return False
            raise

    def _read(self, name, read):
        if not self.has(name):
            return
        f = open(self._path(name), "rb")
        try:
            while True:
                octets = read(f)
                if not octets:
                    return
                yield octets
        finally:
            f.close()

    def store(self, name, octets):
        """Replace a file by these octets."""
        self.write(name, (octets[i : i + _CHUNK] for i in range(0, len(octets), _CHUNK)))

    def install(self, name, path):
        """Make a file equal to one elsewhere on this machine.  Returns True if it was not; reads by the piece."""
        if self._same(name, path):
            return False
        with open(path, "rb") as source:
            self.write(name, _pieces(source))
        return True

    def rename(self, old, new):
        """Whole, in the place of what had the new name; nothing if there is no such file."""
        try:
            os.rename(self._path(old), self._path(new))
        except OSError as e:
            if e.errno != errno.ENOENT:
                raise
        self._settle()

    def remove(self, name):
        """Nothing if there is no such file."""
        try:
            os.remove(self._path(name))
        except OSError as e:
            if e.errno != errno.ENOENT:
                raise
        self._settle()

    def remove_all(self):
        """As on a new board."""
        for name in os.listdir(self.root):
            os.remove(self.root + "/" + name)
        self._settle()

    def _path(self, name):
        return self.root + "/" + name.replace("%", "%25").replace("/", "%2F")

    def write(self, name, pieces):
        """Replace a file by these pieces of octets, one after the other."""
        new = self.root + "/" + _TEMPORARY
        f = open(new, "wb")
        try:
            for piece in pieces:
                f.write(piece)
            f.flush()
            if sys.implementation.name != "micropython":
                os.fsync(f.fileno())
        finally:
            f.close()  # a file left to the collector closes with the heap locked, which the flash cannot bear
        os.rename(new, self._path(name))
        self._settle()

    def _settle(self):
        """What the folder says must outlast a power cut too; littlefs sees to that by itself."""
        if sys.implementation.name != "micropython":
            folder = os.open(self.root, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)

    def _same(self, name, path):
        try:
            ours = open(self._path(name), "rb")
        except OSError as e:
            if e.errno == errno.ENOENT:
                return False
            raise
        try:
            with open(path, "rb") as theirs:
                while True:
                    a = ours.read(_CHUNK)
                    if a != theirs.read(_CHUNK):
                        return False
                    if not a:
                        return True
        finally:
            ours.close()


def _pieces(f):
    while True:
        piece = f.read(_CHUNK)
        if not piece:
            return
        yield piece
