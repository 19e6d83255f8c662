"""What the journal writes: lease records, renewals and small values, as octets.

    at  octets
     0  1   kind: 1 full, 2 full with partner times, 3 renewal, 4 renewal with partner times, 5 small value
     1  1   length of the whole record in units of 8 octets
     2  …   body
    -4  4   CRC-32 of all before it, seeded with the sequence number of its block

    lease bodies: address 4, binding and rewind state 1, flags 2, ends 4, cltt 4, [tstp 4, tsfp 4], then
      full     htype 1, hlen 1, hardware address up to six octets, items (kind, length, octets), zeros
      renewal  position of the full record that it renews 2, zeros
    value body: key 1, length 1, octets, zeros

The seed makes a record worthless in any other block, and in the next life of
its own.  A renewal is 24 octets (32 with partner times), a full record with a
host name 48.  The address is written, not the row number: configurations change.

A renewal counts only on top of the full record that it names.  If that one is
lost, the renewal must not lengthen the lease of whoever had the address before.

Not here: reading them, which is done once, at boot (recover.py).
"""

import micropython
from micropython import const

from ..octets import copy, fill, put16
from .row import ROW

FULL = const(1)
FULL_PARTNER = const(2)
RENEWAL = const(3)
RENEWAL_PARTNER = const(4)
VALUE = const(5)

# The longest record, octets: full, 252 octets of items.
LONGEST = const(304)
VALUE_MAX = const(64)

# A full record without items, at most: fixed fields with partner times, six octets of hardware address, CRC, padding.
FULL_MOST = const(44)

AT_ADDRESS = const(2)
AT_STATE = const(6)
AT_FLAGS = const(7)
AT_CLTT = const(13)
AT_PARTNER = const(17)

UNIT = const(8)

# Of the reflected polynomial 0xEDB88320.
_STEPS = (
    b"\x00\x00\x00\x00\x1d\xb7\x10\x64\x3b\x6e\x20\xc8\x26\xd9\x30\xac"
    b"\x76\xdc\x41\x90\x6b\x6b\x51\xf4\x4d\xb2\x61\x58\x50\x05\x71\x3c"
    b"\xed\xb8\x83\x20\xf0\x0f\x93\x44\xd6\xd6\xa3\xe8\xcb\x61\xb3\x8c"
    b"\x9b\x64\xc2\xb0\x86\xd3\xd2\xd4\xa0\x0a\xe2\x78\xbd\xbd\xf2\x1c"
)


def put_full(table, row, out):
    """Write a full record of the row to out[0:], without its CRC.  Returns its length in octets, CRC included."""
    at = _put_lease(table, row, out, FULL)
    n = 2 + min(table.buf[row * ROW + 33], 6)
    copy(out, at, table.buf, row * ROW + 32, n)
    at += n
    at += table.items(row, out, at)
    return _finish(out, at)


def put_renewal(table, row, out):
    """Write a renewal of the row's full record to out[0:], without its CRC.  Returns its length, CRC included."""
    at = _put_lease(table, row, out, RENEWAL)
    put16(out, at, table.position(row))
    return _finish(out, at + 2)


def put_value(key, value, out):
    """Write a small value, up to 64 octets, to out[0:], without its CRC.  Returns its length, CRC included."""
    out[0] = VALUE
    out[2] = key
    out[3] = len(value)
    copy(out, 4, value, 0, len(value))
    return _finish(out, 4 + len(value))


def _put_lease(table, row, out, kind):
    src = row * ROW
    table.put_address(row, out, AT_ADDRESS)
    out[AT_STATE] = table.buf[src]
    put16(out, AT_FLAGS, table.lasting_flags(row))
    copy(out, AT_FLAGS + 2, table.buf, src + 4, 8)
    if table.tstp(row) or table.tsfp(row):
        out[0] = kind + 1
        copy(out, AT_PARTNER, table.buf, src + 12, 8)
        return AT_PARTNER + 8
    out[0] = kind
    return AT_PARTNER


def _finish(out, at):
    """Pad the record, whose body ends at `at`, and put its length.  Returns the length in octets."""
    units = (at + 4 + UNIT - 1) // UNIT
    fill(out, at, units * UNIT - at, 0)
    out[1] = units
    return units * UNIT


def seal(buf, at, n, seed):
    """Put the CRC of the record buf[at:at+n] into its last four octets."""
    _put_crc32(buf, at, at + n - 4, seed, _STEPS)


@micropython.viper
def _put_crc32(buf: ptr8, at: int, end: int, seed: int, steps: ptr8):
    """binascii.crc32 of buf[at:end], put behind it; that would need a slice of memoryview for each record.

    steps  for each half octet what it adds: 16 numbers, big-endian
    """
    all = 0xFFFF
    all = all << 16 | 0xFFFF
    crc = (seed ^ all) & all
    while at < end:
        crc ^= int(buf[at])
        for _ in range(2):
            s = (crc & 15) << 2
            crc = crc >> 4 & 0x0FFFFFFF
            crc ^= int(steps[s]) << 24 | int(steps[s + 1]) << 16 | int(steps[s + 2]) << 8 | int(steps[s + 3])
        at += 1
    crc ^= all
    buf[end] = crc >> 24 & 0xFF
    buf[end + 1] = crc >> 16 & 0xFF
    buf[end + 2] = crc >> 8 & 0xFF
    buf[end + 3] = crc & 0xFF
