"""Helpers for the tests of time: a time server's answer, as octets."""

UNIX_1900 = 2208988800
UNIX_2020 = 1577836800


def stamp(ms):
    """A timestamp of these milliseconds since 2020."""
    s, ms = divmod(ms, 1000)
    return ((s + UNIX_2020 + UNIX_1900) & 0xFFFFFFFF).to_bytes(4, "big") + ((ms << 32) // 1000 + 1).to_bytes(4, "big")


def short(ms):
    return ((ms << 16) // 1000).to_bytes(4, "big")


def answer(nonce, t2, t3=None, first=0x24, stratum=2, delay=0, dispersion=0, reference=b"\x0a\0\0\x09"):
    """What a server says to the question with this nonce: received at t2, sent at t3, ms since 2020."""
    t3 = t2 if t3 is None else t3
    head = bytes((first, stratum, 6, 0xEC)) + short(delay) + short(dispersion) + reference
    return head + stamp(t2 - 5000) + nonce + stamp(t2) + stamp(t3)
