"""Spoilt beats, the UDP datagrams by which boards without a link know that the other lives.  CPython and MicroPython.

With a key nothing but the partner's next beat is a sign of life; without one, nothing raises and nothing grows.
"""

import confs
from failover_pair import A, B, Identity
from twinlease.failover.beat import Beat
from twinlease.failover.orient import orient

from .datagrams import Dice
from .judge import Wrong
from .siege import FILE, KEY


def _beat(key, address, board):
    text = FILE % ('key "%s";' % KEY.decode() if key else "")
    return Beat(orient(confs.load(text).peers["fo-lab"], [address]), Identity(board, 3))


def _spoil(dice, octets):
    octets = bytearray(octets)
    for _ in range(1 + dice.below(3)):
        way = dice.below(4)
        if way == 0:
            octets = octets[: dice.below(len(octets) + 1)] + dice.octets(dice.below(20))
        elif way == 1 and len(octets) > 28:
            at = dice.pick((4, 8, 16, 20, 24))
            octets[at : at + 4] = dice.pick((bytes(4), b"\xff" * 4, b"\x3f\xff\xff\xff", dice.octets(4)))
        elif octets:
            octets[dice.below(len(octets))] ^= 1 << dice.below(8)
    return bytes(octets)


def hear(seed, n):
    dice = Dice(seed)
    for key in (True, False):
        ours, theirs = _beat(key, A, b"board--A"), _beat(key, B, b"board--B")
        theirs.meet(b"board--A", 3)
        ours.meet(b"board--B", 3)
        old = []
        for _ in range(n // 2):
            true = bytes(theirs.next())
            spoilt = dice.pick(old) if old and dice.one_in(4) else _spoil(dice, true)
            believed = ours.heard(spoilt)
            if key and believed and spoilt != true:
                raise Wrong("believed: %r" % spoilt)
            known = believed and spoilt == true
            if not known and not ours.heard(true) and key:
                raise Wrong("not believed: %r" % true)
            if ours.heard(true):
                raise Wrong("believed twice: %r" % true)
            if len(ours.told()) != 5 or len(ours.told()[1]) != 8:
                raise Wrong("it has grown: %r" % (ours.told(),))
            old = (old + [true])[-20:]
    return {"beats": n // 2 * 2}
