"""Code that is needed now and then: loaded for one call, and forgotten after it.

    overlay.run("failover.states", "step", record, …)     that function of that module
    overlay.reserve(octets)                               from now on there is room for it
    module = overlay.load("net.beat")                     for as long as it is wanted:
    overlay.unload("net.beat", "failover.beat")           until now

What is loaded goes again, with all that it has imported and nobody had before.  Its names stay with the
interpreter; they are the same the next time, and `learn` has it learn them at boot.  To load takes a board some ten
milliseconds: good for what happens a few times an hour, not for packets.

A load must not fail when it is needed most, so its room is kept: one piece of the heap, let go
before and taken again after.  If that piece is not to be had then, it is taken after a later call.

Not for what makes objects that outlive the call: they keep their class, and its code.
"""

import gc
import sys

_room = None
_octets = 0
_depth = 0
_users = {}  # of what was loaded for a while: how many want it


def reserve(octets):
    """Keep room for what is loaded."""
    global _octets, _room
    if hasattr(gc, "mem_free"):  # MicroPython
        _octets = octets
        _room = None
        _take()


def run(module, what, *args):
    """Call the function `what` of a module of this package, and return what it returns; "": only load it."""
    global _room, _depth
    _room = None
    _depth += 1
    try:
        return _call("twinlease." + module, what, args)
    finally:
        _depth -= 1
        _take()


def _call(name, what, args):
    known = set(sys.modules)
    try:
        __import__(name)
        return getattr(sys.modules[name], what)(*args) if what else None
    finally:
        for name in set(sys.modules) - known:
            if name.startswith("twinlease."):
                drop(name)


def learn(*modules):
    """Load each once, for its names: the interpreter's pool of them grows in leaps, better at boot than later."""
    for module in modules:
        run(module, "")


def load(module):
    """For what is wanted for a while: the module."""
    global _room
    _room = None
    try:
        __import__("twinlease." + module)
    finally:
        _take()
    _users[module] = _users.get(module, 0) + 1
    return sys.modules["twinlease." + module]


def unload(*modules):
    """It is not wanted any more, and no object of its classes is left."""
    for module in modules:
        _users[module] = _users.get(module, 1) - 1
        if _users[module] <= 0:
            drop("twinlease." + module)
    _take()


def drop(name):
    """Forget a module: its code goes as soon as nobody runs it."""
    sys.modules.pop(name, None)
    parent, child = name.rsplit(".", 1)
    if parent in sys.modules and hasattr(sys.modules[parent], child):
        delattr(sys.modules[parent], child)


def _take():
    global _room
    if not _octets or _depth:
        return
    _room = None
    gc.collect()
    try:
        _room = bytearray(_octets)
    except MemoryError:
        pass
