"""What an RP2040 or RP2350 has of its own: flash in pages of 256 octets, without partitions.  Loaded at boot."""

import rp2

from . import carve
from .flash import Region

WATCHDOG_MS = 8000
_BLOCK = 4096
_PAGE = 256
_LEASES = 98304  # where board.conf does not say


def leases(told, say):
    """Blocks of the file system: a stock image has nothing else, and formats over what is cut from it."""
    device = rp2.Flash()
    count = int(told["leases"][0] if "leases" in told else _LEASES) // _BLOCK
    return Region(device, carve.blocks(device, "/leases", count, say), _PAGE)


def driver(kind):
    """The module that brings this network up."""
    if kind == "wifi":
        from . import wifi as module
    elif kind == "w5500":
        from . import w5500 as module
    else:
        raise ValueError("network %s: this port has wifi and w5500" % kind)
    return module
