"""What an ESP32 has of its own: a partition for leases, its MAC, a watchdog of any length.  Loaded at boot."""

import esp32

from .flash import Region

WATCHDOG_MS = 30000
_BLOCK = 4096


def leases(told, say):
    """The partition `leases`, raw; where the table has none, blocks of the file system (carve.py)."""
    Partition = esp32.Partition
    found = Partition.find(Partition.TYPE_DATA, label="leases")
    if found:
        return Region(found[0], range(found[0].ioctl(4, 0)), 1)
    if "leases" not in told:
        raise OSError("flash has no partition named leases: write one (boards/README.md), or add: leases 98304;")
    from . import carve

    vfs = Partition.find(Partition.TYPE_DATA, label="vfs")
    if not vfs:
        raise OSError("flash has neither a partition named leases nor one named vfs")
    return Region(vfs[0], carve.blocks(vfs[0], "/leases", int(told["leases"][0]) // _BLOCK, say), 1)


def driver(kind):
    """The module that brings this network up."""
    if kind == "wifi":
        from . import wifi as module
    else:
        from . import lan as module
    return module
