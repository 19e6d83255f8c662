"""The share of the datagrams, and of what failover partners say, that goes to MicroPython, in an interpreter of its own.

    micropython -X heapsize=4M -c "... onboard.main(seed, n)"         run.py starts it; or onboard.partners

Prints "done" and how many, now and then, and fails if the heap is not flat.
"""

import gc

from twinlease import conf

from . import networks
from .datagrams import Dice
from .exchange import Exchange, session
from .siege import Siege

_STEP = 500
_SETTLE = 4  # steps until everything that is made once has been made
_SLACK = 8192  # octets that 20,000 datagrams may leave: settings and templates come and go


def main(seed, n):
    each = n // len(networks.ALL)
    for k, text in enumerate(networks.ALL):
        exchange = Exchange(text)
        conf.forget()
        first = last = 0
        for step in range(each // _STEP):
            session(Dice(seed * 1000 + k * 100 + step), exchange, _STEP)
            gc.collect()
            last = gc.mem_alloc()
            if step == _SETTLE:
                first = last
            print("done", _STEP)
        print("heap", k, first, last, exchange.replies)
        if first and last - first > _SLACK:
            raise MemoryError("%d octets more than after %d datagrams" % (last - first, _SETTLE * _STEP))
        exchange = None
        gc.collect()


def partners(seed, n):
    """One pair after the other; failover's seldom parts come and go as on a board."""
    said = k = 0
    while said < n:
        dice = Dice(seed * 1000 + k)
        siege = Siege(dice, k % 2 == 0, ("", "insider", "", "stranger")[k % 4])
        early = late = 1 << 30  # least of eight: a link that has just begun, or a load of code, comes and goes
        for i in range(24):
            siege.session()
            siege.returns()
            for side in siege.sides:
                side.said = []
            siege.tape = []
            gc.collect()
            if 8 <= i < 16:
                early = min(early, gc.mem_alloc())
            elif i >= 16:
                late = min(late, gc.mem_alloc())
        grown = late - early
        said += siege.messages
        k += 1
        print("done", siege.messages)
        if grown > _SLACK:
            raise MemoryError("pair %d: %d octets more than after 8 sessions" % (k - 1, grown))
        siege = dice = None
        gc.collect()
