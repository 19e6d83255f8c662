"""Spoilt flash: whatever a region holds, recovery ends with a sound table, and the board goes on."""

from leases import Client, check, mac, small
from nor import Nor
from twinlease.lease.journal import Journal
from twinlease.lease.table import ACTIVE, FREE

from .datagrams import Dice
from .watch import alarm, rearm

_ROWS = 12
_GOES_ON = 60


def _client(dice):
    """Most are ordinary; some have what only just fits."""
    n = dice.below(30)
    way = dice.below(5)
    if way == 0:
        return Client(None, mac(n))
    if way == 1:
        return Client(b"\xff" + bytes([n]) * dice.pick((1, 12, 31)), mac(n))
    if way == 2:
        return Client(bytes([n]) * dice.pick((33, 255)), mac(n))
    if way == 3:
        return Client(b"\xffx%d" % n, bytes([n]) * 16, 32)
    return Client(b"\1" + mac(n), mac(n))


def _lease(dice, table, row, ends, now):
    """What an ACK does; a client whose identifier finds no room gets nothing."""
    if not table.set_client(row, _client(dice).who()):
        return
    table.set_times(row, ends, now)
    table.set_state(row, ACTIVE)
    table.set_flags(row, 1)


def _work(dice, journal, table, n, now):
    """n lease events; returns what the table should say of each row afterwards."""
    for _ in range(n):
        row = dice.below(_ROWS)
        now += dice.below(20)
        way = dice.below(8)
        if way == 0 and table.flags(row) & 1:
            table.set_state(row, FREE)
        elif way < 4 and table.has_id(row):
            table.set_times(row, now + 600, now)
        else:
            _lease(dice, table, row, now + 600, now)
            if dice.one_in(2):
                name = dice.stretch(dice.below(64))
                table.put_item(row, 3, name, 0, len(name))
        journal.put_row(row)
        if dice.one_in(8):
            journal.put_meta(dice.below(16), dice.octets(dice.below(65)))
        if not dice.one_in(3):
            journal.sync()
        if dice.one_in(4):
            journal.tend()
    journal.sync()
    return now


def _image(dice, block_size, unit):
    flash = Nor(dice.pick((8, 10, 16)), unit, block_size=block_size)
    table = small(_ROWS)
    journal = Journal(flash, table)
    journal.recover()
    _work(dice, journal, table, dice.pick((0, 3, 40, 300)), 5000)
    return flash


def _spoil(dice, flash):
    data = flash.data
    size = flash.block_size
    for _ in range(1 + dice.below(1 + dice.below(20))):
        at = dice.below(len(data))
        way = dice.below(5)
        if way == 0:
            data[at] ^= 1 << dice.below(8)
        elif way == 1:
            n = min(1 + dice.below(1 + dice.below(700)), len(data) - at)
            data[at : at + n] = dice.pick((bytes(n), b"\xff" * n, dice.stretch(n)))
        elif way == 2:
            at -= at % size
            data[at : at + size] = dice.pick((bytes(size), b"\xff" * size, dice.stretch(size)))
        elif way == 3:
            at -= at % size
            data[at : at + 16] = dice.pick((dice.octets(16), b"TLj\x01" + dice.octets(12), b"\xff" * 16))
        else:
            at = at - at % size + dice.below(64)
            data[at] = dice.below(256)


def _goes_on(dice, sick):
    """Recover, work on, and find at the next boot what was written."""
    table = small(_ROWS)
    journal = Journal(sick, table)
    found = journal.recover()
    check(table)
    now = _work(dice, journal, table, _GOES_ON, max(found.floor, 5000) + 1)
    for row in range(_ROWS):
        _lease(dice, table, row, now + 600, now)
        journal.put_row(row)
    journal.sync()
    check(table)
    again = small(_ROWS)
    Journal(sick.reboot(), again).recover()
    check(again)
    one, same = bytearray(64), bytearray(64)
    for row in range(_ROWS):
        assert (again.state(row), again.ends(row)) == (table.state(row), table.ends(row)), "row %d was lost" % row
        if found.short:
            continue  # damage brought back old clients, with longer identifiers than there is room for
        for get in ("get_id", "get_hw"):  # optional items may have been dropped in RAM since
            n = getattr(table, get)(row, one, 0)
            assert getattr(again, get)(row, same, 0) == n and one[:n] == same[:n], "the client of row %d was lost" % row


def spoil_images(seed, n):
    dice = Dice(seed)
    with alarm():
        for i in range(n):
            rearm()
            if i % 20 == 0:
                block_size = dice.pick((1024, 4096))
                unit = dice.pick((1, 1, 256))
                flash = _image(dice, block_size, unit)
                table = small(_ROWS)
                journal = Journal(flash, table)
                journal.recover()
                _work(dice, journal, table, dice.pick((5, 60, 400)), 9000)
            sick = flash.reboot()
            _spoil(dice, sick)
            spoilt = bytes(sick.data)
            try:
                _goes_on(dice, sick)
            except BaseException:
                print("image %d: %d octets, blocks of %d, unit %d" % (i, len(spoilt), block_size, unit))
                raise
    return {"flash images": n}
