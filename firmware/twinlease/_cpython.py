"""What MicroPython has and CPython lacks, so that every firmware file runs on both.

`install()` registers a module `micropython` (const, native, viper) and the names
that viper code casts with (ptr8, ptr16, ptr32, uint).  Under CPython they do nothing: the same
source then is plain Python.  `ask_ip()` asks Linux what interfaces it has.  Not imported on MicroPython.
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
    builtins.ptr8 = builtins.ptr16 = builtins.ptr32 = builtins.uint = _same


def ask_ip():
    """The interfaces of this machine, as a board's settings name them: [{"name": …, "address": …}]."""
    import json
    import subprocess

    told = json.loads(subprocess.run(["ip", "-j", "-4", "address"], capture_output=True, check=True).stdout)
    return [
        {"name": link["ifname"], "address": "%s/%d" % (a["local"], a["prefixlen"])}
        for link in told
        for a in link["addr_info"][:1]
        if "LOOPBACK" not in link["flags"]
    ]
