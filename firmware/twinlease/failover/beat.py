"""The beat: what a board calls over the LAN while it has no link, so that its partner knows that it lives.  Pure.

    beat = Beat(conf, identity)
    octets = beat.next()            to be sent to UDP, the partner's failover port, and to all of the LAN
    beat.heard(octets)              is this datagram the partner's, and new?
    beat.meet(board, boots)         who the partner is, as the link has told
    Beat(conf, identity, beat.told())    goes on where this one ends

    "TLB" 1, pair 4, board 8, boots 4, knows 4, count 4, with a key MAC 16

`pair` is a digest of the relationship's name and both addresses, `boots` how often the sender
has started, `knows` the same of the receiver as far as the sender knows, `count` goes up with every beat of
this start.  Nothing is good twice: a beat of an earlier start, or one that is not
ahead of the last, is old.  With a key, the beat is authenticated (HMAC-SHA-256, as in
seal.py), and counts only if it `knows` our present start: what was recorded before that does not.
Without a key anybody on the LAN can forge one; all that it does is to put PARTNER-DOWN off.
"""

import hashlib

from micropython import const

from ..octets import copy, equal, get32, put32

_HEAD = b"TLB\1"
_AT_BOARD = const(8)
_AT_BOOTS = const(16)
_AT_KNOWS = const(20)
_AT_COUNT = const(24)
_SIZE = const(28)
_MAC_SIZE = const(16)
_PURPOSE = b"twinlease beat"  # no other message is signed as this one


class Beat:
    """conf: a FailoverPeer, turned the way of this board.  identity: this board's."""

    def __init__(self, conf, identity, told=None):
        self._out = bytearray(_SIZE + (_MAC_SIZE if conf.key else 0))
        self._boots = identity.boots
        self._count = 0
        self._theirs = bytes(8)  # the partner's board, and of the last beat that was its:
        self._their_boots = 0
        self._their_count = 0
        self._met = False  # a link has told who the partner is
        if told:
            self._count, self._theirs, self._their_boots, self._their_count, self._met = told
        self._hmac = None
        if conf.key:
            from .seal import Hmac

            self._hmac = Hmac(conf.key)
        ends = conf.address, conf.peer_address
        primary, secondary = ends if conf.role == "primary" else (ends[1], ends[0])
        copy(self._out, 0, _HEAD, 0, 4)
        copy(self._out, 4, hashlib.sha256(primary + secondary + conf.name.encode()).digest(), 0, 4)
        copy(self._out, _AT_BOARD, identity.board, 0, 8)
        put32(self._out, _AT_BOOTS, identity.boots)

    def told(self):
        """For the next Beat of this pair: what was said and heard, so that nothing of it is new again."""
        return self._count, self._theirs, self._their_boots, self._their_count, self._met

    def next(self):
        """The octets of the next beat; good until the one after."""
        out = self._out
        self._count += 1
        put32(out, _AT_KNOWS, self._their_boots)
        put32(out, _AT_COUNT, self._count)
        if self._hmac:
            copy(out, _SIZE, self._hmac.digest(_PURPOSE, memoryview(out)[:_SIZE]), 0, _MAC_SIZE)
        return out

    def meet(self, board, boots):
        """On the link the partner has said who it is: 8 octets, and how often it has started."""
        self._met = True
        if board != self._theirs or boots != self._their_boots:
            self._take(board, boots, 0)

    def heard(self, octets):
        """Is it a sign of life?"""
        out = self._out
        if len(octets) != len(out) or not equal(octets, 0, out, 0, _AT_BOARD):
            return False
        if equal(octets, _AT_BOARD, out, _AT_BOARD, 8):
            return False  # our own, come back
        for at in (_AT_BOOTS, _AT_KNOWS, _AT_COUNT):
            if octets[at] >= 0x40:
                return False  # no number of ours
        if self._hmac and not self._is_authentic(octets):
            return False
        if not self._is_new(octets):
            return False
        return self._hmac is None or get32(octets, _AT_KNOWS) == self._boots

    def _is_authentic(self, octets):
        mac = self._hmac.digest(_PURPOSE, memoryview(octets)[:_SIZE])
        differs = 0
        for i in range(_MAC_SIZE):
            differs |= mac[i] ^ octets[_SIZE + i]
        return not differs

    def _is_new(self, octets):
        boots, count = get32(octets, _AT_BOOTS), get32(octets, _AT_COUNT)
        if equal(octets, _AT_BOARD, self._theirs, 0, 8):
            if boots < self._their_boots or (boots == self._their_boots and count <= self._their_count):
                return False
        elif self._hmac and self._met:
            return False  # a board that was replaced, or a recording of one
        self._take(bytes(octets[_AT_BOARD:_AT_BOOTS]), boots, count)
        return True

    def _take(self, board, boots, count):
        self._theirs = bytes(board)
        self._their_boots = boots
        self._their_count = count
