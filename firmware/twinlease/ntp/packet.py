"""The octets of a question and of its answer (RFC 5905 section 7.3): 48, all that SNTP needs.

A question says nothing of our clock: its transmit timestamp is 64 random bits, which the answer must repeat.  Whoever
does not see our packets cannot forge one.
"""

from micropython import const

from ..clock import UNIX_2020
from .source import (
    BAD_STRATUM,
    BAD_TIMES,
    DENIED,
    GOOD,
    KISS,
    NO_SERVER,
    SHORT,
    TOO_FAR,
    TOO_OFTEN,
    UNSYNCHRONISED,
)

SIZE = const(48)
_UNIX_1900 = 2208988800  # seconds from 1900 to 1970
_CLIENT = const(0x23)  # version 4, mode 3
_SERVER = const(4)
_FAR_MS = const(1500)  # MAXDIST, RFC 5905 section 7.2


def request(nonce):
    """A client's question.  nonce: eight random octets."""
    return bytes((_CLIENT,)) + bytes(39) + nonce


def judge(octets):
    """Why this answer is refused, by what it says of itself; GOOD.  That it answers a question is known."""
    if len(octets) < SIZE:
        return SHORT
    if octets[0] & 7 != _SERVER or not 1 <= octets[0] >> 3 & 7 <= 4:
        return NO_SERVER
    if octets[1] == 0:
        return _kiss(octets[12:16])
    if octets[0] >> 6 == 3:
        return UNSYNCHRONISED
    if octets[1] > 15:
        return BAD_STRATUM
    if not any(octets[32:40]) or not any(octets[40:48]) or transmitted(octets) < received(octets):
        return BAD_TIMES
    if root_delay(octets) // 2 + root_dispersion(octets) >= _FAR_MS:
        return TOO_FAR
    return GOOD


def _kiss(code):
    """Stratum 0: the reference identifier is a word (RFC 5905 section 7.4)."""
    if code in (b"DENY", b"RSTR"):
        return DENIED
    if code == b"RATE":
        return TOO_OFTEN
    return KISS if any(code) else UNSYNCHRONISED


def origin(octets):
    """The nonce of the question that it answers."""
    return octets[24:32]


def received(octets):
    return _time(octets, 32)


def transmitted(octets):
    return _time(octets, 40)


def root_delay(octets):
    """Milliseconds; those of a clock that claims less than nothing are none."""
    return 0 if octets[4] & 0x80 else _short(octets, 4)


def root_dispersion(octets):
    return _short(octets, 8)


def _short(octets, at):
    """16.16 seconds, as milliseconds, rounded up."""
    return (int.from_bytes(octets[at : at + 4], "big") * 1000 + 0xFFFF) >> 16


def _time(octets, at):
    """A timestamp as milliseconds since 2020: whichever of the 136-year eras puts it behind 2020."""
    s = int.from_bytes(octets[at : at + 4], "big") - (_UNIX_1900 + UNIX_2020) & 0xFFFFFFFF
    return s * 1000 + (int.from_bytes(octets[at + 4 : at + 6], "big") * 1000 + 0x8000 >> 16)
