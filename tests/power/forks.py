"""Recovery that is cheap to repeat: what was read once of a flash that differs in its last block only is not read again.

    with forks.remembered():      Journal.recover inside uses the real reader for every block that is new,
                                  and takes up where it was for those that it has read before in the same order

A key is what the reader has seen up to a block: block, seed and octets, all of them, of each.  What it had made of that
is every buffer and number of reader, table and small values.  test_power_cut_day.py compares recoveries with and without.
"""

import contextlib
from array import array
from collections import OrderedDict

from twinlease.lease import recover

_REAL = recover.Reader
MOST = 160  # prefixes: two rings' worth
_PLAIN = (int, bool, dict)


class ForkingReader(recover.Reader):
    known = OrderedDict()

    def __init__(self, *parts):
        super().__init__(*parts)
        self._key = ()
        self._waiting = None  # the last prefix that was known, not yet taken up
        self._memo = ("_key", "_waiting", "_memo")

    def _read_block(self, buf, view, block, end, seed):
        self._key = hash((self._key, block, seed, bytes(buf[:end])))
        found = self.known.get(self._key)
        if found is not None:
            self.known.move_to_end(self._key)
            self._waiting = found
            self._sound_end = found[0]["_sound_end"]
            return
        self._take_up()
        super()._read_block(buf, view, block, end, seed)
        self.known[self._key] = self._photo()
        if len(self.known) > MOST:
            self.known.popitem(last=False)

    def _read_short(self, buf):
        self._take_up()
        super()._read_short(buf)

    def _photo(self):
        numbers = {k: _copy(v) for k, v in vars(self).items() if isinstance(v, _PLAIN) and k not in self._memo}
        table = {k: _copy(v) for k, v in vars(self.table).items() if isinstance(v, (bytearray, array, *_PLAIN))}
        return numbers, table, bytes(self.meta), bytes(self.meta_at)

    def _take_up(self):
        if self._waiting is None:
            return
        numbers, table, meta, meta_at = self._waiting
        self._waiting = None
        for key, value in numbers.items():
            setattr(self, key, _copy(value))
        for key, value in table.items():
            if isinstance(value, (bytes, array)):
                getattr(self.table, key)[:] = value
            else:
                setattr(self.table, key, _copy(value))
        self.meta[:] = meta
        self.meta_at[:] = meta_at


def _copy(value):
    if isinstance(value, bytearray):
        return bytes(value)
    if isinstance(value, dict):
        return dict(value)
    return array(value.typecode, value) if isinstance(value, array) else value


@contextlib.contextmanager
def _reading_by(reader):
    before = recover.Reader
    recover.Reader = reader
    try:
        yield
    finally:
        recover.Reader = before


def remembered():
    ForkingReader.known.clear()
    return _reading_by(ForkingReader)


def forgotten():
    """Inside of remembered(): the real reader after all."""
    return _reading_by(_REAL)
