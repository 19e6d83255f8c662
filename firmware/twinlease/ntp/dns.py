"""The address of a name: one question and its answer (RFC 1035 section 4.1), A records only.

A board's own getaddrinfo stops everything until an answer comes, or does not; this is asked like anything else.
"""

from micropython import const

_HEADER = const(12)
_HOPS = const(32)  # labels of a name, compressed or not: whoever sends more wants us to run in circles


def question(name, ident):
    """ident: two random octets."""
    out = ident + b"\1\0\0\1\0\0\0\0\0\0"
    for label in name.split("."):
        out += bytes((len(label),)) + label.encode()
    return out + b"\0\0\1\0\1"


def address(octets, asked):
    """The first address in the answer to `asked`; None if it is no answer to it, or has none."""
    n = len(asked)
    if len(octets) < n or octets[:2] != asked[:2] or octets[2] & 0x80 == 0 or octets[3] & 15:
        return None
    if octets[4:6] != b"\0\1" or octets[_HEADER:n].lower() != asked[_HEADER:].lower():
        return None
    at = n
    for _ in range(octets[6] << 8 | octets[7]):
        at = _behind_name(octets, at)
        if at < 0 or at + 10 > len(octets):
            return None
        size = octets[at + 8] << 8 | octets[at + 9]
        if octets[at : at + 4] == b"\0\1\0\1" and size == 4 and at + 14 <= len(octets):
            return octets[at + 10 : at + 14]
        at += 10 + size
    return None


def _behind_name(octets, at):
    """Where a name ends, −1 if it does not."""
    for _ in range(_HOPS):
        if at >= len(octets):
            return -1
        n = octets[at]
        if n >= 0xC0:
            return at + 2
        at += n + 1
        if not n:
            return at
    return -1
