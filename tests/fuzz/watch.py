"""Hangs, and heaps that grow.  CPython."""

import contextlib
import gc
import signal
import sys

LIMIT_S = 30  # for one input that should take milliseconds: only a hang takes so long


class Hang(BaseException):
    """Not an Exception: nothing may catch it on the way."""


def _ring(number, frame):
    raise Hang("no end after %d s" % LIMIT_S)


@contextlib.contextmanager
def alarm():
    """Whatever is inside has LIMIT_S seconds."""
    signal.signal(signal.SIGALRM, _ring)
    signal.alarm(LIMIT_S)
    try:
        yield
    finally:
        signal.alarm(0)


def rearm():
    """The next input: the time starts again."""
    signal.alarm(LIMIT_S)


def blocks():
    """Blocks of memory in use, after a collection."""
    gc.collect()
    return sys.getallocatedblocks()
