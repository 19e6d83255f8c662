"""Configuration files, where a power cut leaves the old text or the new one and never a mixture.

`Store(root)` keeps text files in one folder: of a littlefs on boards and on the
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
        """Return the text of a file, or None if there is none."""
        try:
            with open(self._path(name), "rb") as f:
                return f.read().decode()
        except OSError as e:
            if e.errno == errno.ENOENT:
                return None
            raise

    def store(self, name, text):
        """Replace a file by this text."""
        data = text.encode()
        self._replace(name, (data[i : i + _CHUNK] for i in range(0, len(data), _CHUNK)))

    def install(self, name, path):
        """Make a file equal to one elsewhere on this machine.  Returns True if it was not; reads by the piece."""
        if self._same(name, path):
            return False
        with open(path, "rb") as source:
            self._replace(name, _pieces(source))
        return True

    def _path(self, name):
        return self.root + "/" + name.replace("%", "%25").replace("/", "%2F")

    def _replace(self, name, pieces):
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
