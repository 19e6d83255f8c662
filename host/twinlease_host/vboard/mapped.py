"""MicroPython with a file mapped into its memory, where it can only be read: flash that code runs from.

    python mapped.py IMAGE WORD...      as `micropython WORD...`; the environment's ROM says where: ADDRESS SIZE

The unix port comes as a module of CPython, which can map a file; MicroPython takes over the process afterwards, and its
heap knows nothing of the mapping.
"""

import ctypes
import mmap
import os
import sys

from micropython_run import run_main  # type: ignore[import-not-found]

_FAILED = ctypes.c_void_p(-1).value


def _map(image: str) -> tuple[int, int]:
    """Map a file for as long as the process runs: address and size."""
    call = ctypes.CDLL(None, use_errno=True).mmap
    call.restype = ctypes.c_void_p
    call.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    with open(image, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        address = call(None, size, mmap.PROT_READ, mmap.MAP_PRIVATE, file.fileno(), 0)
    if address == _FAILED:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), image)
    return address, size


os.environ["ROM"] = "%d %d" % _map(sys.argv[1])
sys.exit(run_main(["micropython", *sys.argv[2:]]))
