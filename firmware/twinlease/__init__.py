"""Twinlease: DHCPv4 with failover, for small boards.  Nothing here but the version, and the shim for CPython."""

import sys

VERSION = "0.1.0"

if sys.implementation.name != "micropython":
    from . import _cpython

    _cpython.install()
