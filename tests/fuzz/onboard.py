"""The share of the datagrams that goes to MicroPython; run by an interpreter of its own (run.py starts it).

    micropython -X heapsize=4M -c "... onboard.main(seed, n)"

Prints a line for every thousand datagrams, and fails if the heap is not flat.
"""

import gc

from twinlease import conf

from . import networks
from .datagrams import Dice
from .exchange import Exchange, session

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
