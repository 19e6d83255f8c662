"""What the boards of all ports share: configuration files, ticks, and what a port without more of it does not do.

A port's Board offers besides: files() and release_files(), log, leases, interfaces, and what __init__.py lists.
"""

import os
import sys
import time

CONFIG = "dhcpd.conf"
IMAGE = "dhcpd.image"


class Board:
    random = staticmethod(os.urandom)
    safe = ""

    if sys.implementation.name == "micropython":
        ticks_ms = staticmethod(time.ticks_ms)
        ticks_diff = staticmethod(time.ticks_diff)
    else:

        @staticmethod
        def ticks_ms():
            return time.monotonic_ns() // 1000000 & 0x3FFFFFFF

        @staticmethod
        def ticks_diff(a, b):
            return ((a - b + 0x20000000) & 0x3FFFFFFF) - 0x20000000

    def say(self, text):
        """Log one line of the board's own."""
        self.log.write((text + "\n").encode())

    def load_config(self):
        """Text of dhcpd.conf, or None on a blank board."""
        octets = self.files().load(CONFIG)
        return None if octets is None else octets.decode()

    def store_config(self, text):
        """Replace dhcpd.conf; a power cut leaves the old one or the new one."""
        self.files().store(CONFIG, text.encode())

    def load_image(self):
        """Octets of the configuration's image, or None."""
        return self.files().load(IMAGE)

    def store_image(self, pieces):
        """Replace the image; pieces are octets, one after the other."""
        self.files().write(IMAGE, pieces)

    def read_file(self, name):
        """Text of an included file; OSError if there is none."""
        octets = self.files().load(name)
        if octets is None:
            raise OSError("there is no file %s on this board" % name)
        return octets.decode()

    def forget_person(self):
        """Of the board's own settings, keep how it is wired only (a factory reset)."""

    def tasks(self):
        """What the board does beside the service: coroutines that run as long as it does."""
        return ()
