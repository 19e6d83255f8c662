"""What MicroPython has and CPython lacks, so that every firmware file runs on both.

`install()` registers a module `micropython` (const, native, viper) and the names
that viper code casts with (ptr8, ptr16, uint).  Under CPython they do nothing: the same
source then is plain Python.  Not imported on MicroPython.
"""

import builtins
import sys
import types


def _same(x):
    return x


def install():
    if "micropython" in sys.modules:
        return
    m = types.ModuleType("micropython")
    m.const = m.native = m.viper = _same
    m.heap_lock = m.heap_unlock = lambda: None
    sys.modules["micropython"] = m
    builtins.ptr8 = builtins.ptr16 = builtins.uint = _same
