"""Octets in preallocated buffers: copy, compare, hash, big-endian numbers.  Allocates nothing.

The packet path is built from these.  A slice, also of a memoryview, is a new
heap object, and a loop in bytecode costs 80 ns a step on the unix port; viper
code costs 2 ns.  Under CPython the decorators do nothing (see _cpython.py); a
port without a native emitter gets this file with the decorator lines removed.

Nobody checks bounds here: callers do, once, before they call.  A viper pointer
outside its buffer is memory corruption, not an exception.

Numbers must stay below 2**30, or they are heap objects on a 32-bit board, and
from 2**31 on they come back negative there.  So addresses stay octets, and
times are seconds since 2020.
"""

import micropython


@micropython.viper
def copy(dst: ptr8, at: int, src: ptr8, frm: int, n: int):
    for i in range(n):
        dst[at + i] = src[frm + i]


@micropython.viper
def fill(dst: ptr8, at: int, n: int, value: int):
    for i in range(at, at + n):
        dst[i] = value


@micropython.viper
def equal(a: ptr8, at: int, b: ptr8, bt: int, n: int) -> bool:
    for i in range(n):
        if a[at + i] != b[bt + i]:
            return False
    return True


@micropython.viper
def is_zero(b: ptr8, at: int, n: int) -> bool:
    for i in range(at, at + n):
        if b[i]:
            return False
    return True


@micropython.viper
def in_net(b: ptr8, at: int, net: ptr8, mask: ptr8) -> bool:
    for i in range(4):
        if b[at + i] & mask[i] != net[i]:
            return False
    return True


@micropython.viper
def get16(b: ptr8, at: int) -> int:
    return b[at] << 8 | b[at + 1]


@micropython.viper
def put16(b: ptr8, at: int, v: int):
    b[at] = v >> 8 & 0xFF
    b[at + 1] = v & 0xFF


@micropython.viper
def get32(b: ptr8, at: int) -> int:
    return b[at] << 24 | b[at + 1] << 16 | b[at + 2] << 8 | b[at + 3]


@micropython.viper
def put32(b: ptr8, at: int, v: int):
    b[at] = v >> 24 & 0xFF
    b[at + 1] = v >> 16 & 0xFF
    b[at + 2] = v >> 8 & 0xFF
    b[at + 3] = v & 0xFF


@micropython.viper
def hash22(b: ptr8, at: int, n: int, seed: int) -> int:
    h = seed
    for i in range(at, at + n):
        h = (h * 193 ^ b[i]) & 0x3FFFFF
    return h
