"""Twinlease: DHCPv4 with failover, for small boards.

Nothing here but the version, where the code runs, the stand-in for CPython, and `forget`.
"""

import gc
import sys

VERSION = "0.1.0"
IN_ROM = str(__path__)[:5] in "/rom/.frozen"  # ROMFS, or frozen: code stays in flash, and takes half of the heap


def forget(name):
    """Drop a module or package that has done its work: code competes with leases for the heap."""
    inside = name + "."
    found = _loaded(name, inside)
    while found:
        del sys.modules[found]
        found = _loaded(name, inside)
    parent, child = name.rsplit(".", 1)
    if parent in sys.modules and hasattr(sys.modules[parent], child):
        delattr(sys.modules[parent], child)
    gc.collect()


def _loaded(name, inside):
    """One of the modules that are meant; a list of all might find no memory."""
    for loaded in sys.modules:
        if loaded == name or loaded.startswith(inside):
            return loaded
    return None


if sys.implementation.name != "micropython":
    from . import _cpython

    _cpython.install()
