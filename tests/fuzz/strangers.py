"""Failover streams, so many messages a task: a siege after the other, their growth, what tshark makes of our answers.  CPython."""

import shutil
import tempfile
from pathlib import Path

from ..interop.test_failover_wire import MALFORMED, save, tshark
from .datagrams import Dice
from .siege import Siege
from .watch import alarm, blocks, rearm

KEYS = ("", "", "stranger", "insider", "insider")
_SESSIONS = 12  # with one pair: its tables fill with what strangers have said
_TSHARK_MAX = 1500
_TOLERATED = (
    "3\thardware address is too short",  # a client may have an identifier alone
    "3\tTrailing stray characters",  # an identifier is octets, which tshark reads as text
    "6\tTrailing stray characters",  # whoever calls himself so is refused under that name, as ISC does
)


def _play(siege, n):
    """Sessions, each with the partner's return, until n messages more were said."""
    end = siege.messages + n
    while siege.messages < end:
        rearm()
        siege.session()
        siege.returns()


def _siege(dice, seed):
    return Siege(dice, seed % 2 == 0, KEYS[seed // 2 % len(KEYS)])


def _counts(siege):
    return {"failover messages": siege.messages, "answers to them": siege.answers}


def speak(seed, n):
    """New pairs, one after the other."""
    dice, said, answers = Dice(seed), 0, 0
    with alarm():
        for i in range(1 << 30):
            if said >= n:
                break
            siege = _siege(dice, seed + i)
            for k in range(_SESSIONS):
                rearm()
                try:
                    siege.session()
                    siege.returns()
                except BaseException:
                    print("pair %d, session %d: %s, key: %s" % (i, k, siege.server.address, siege.key or "none"))
                    raise
            said += siege.messages
            answers += siege.answers
    return {"failover messages": said, "answers to them": answers}


def grow(seed, n):
    """One pair for all of it: as large at its end as after a third."""
    siege = _siege(Dice(seed), seed)
    with alarm():
        _play(siege, n // 3)
        before = blocks()
        _play(siege, n - n // 3)
        grown = blocks() - before
    assert grown < n // 20 + 100, "%d blocks of memory more after %d messages" % (grown, n)
    return _counts(siege)


def dissect(seed, n):
    """tshark finds nothing malformed in what we answer."""
    if shutil.which("tshark") is None:
        return {"for tshark: skipped, there is none": 1}
    siege = _siege(Dice(seed), seed)
    said = []
    with alarm():
        while siege.messages < n:
            rearm()
            siege.session()
            said.extend(siege.server.said)
            siege.returns()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers.pcap"
        save(path, said[-_TSHARK_MAX:])
        told = tshark(
            path, "-Y", MALFORMED, "-T", "fields", "-e", "dhcpfo.type", "-e", "_ws.expert.message"
        ).splitlines()
    wrong = [line for line in told if line not in _TOLERATED]
    assert not wrong, wrong
    return {**_counts(siege), "of them read by tshark": min(len(said), _TSHARK_MAX)}
