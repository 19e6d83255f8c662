"""NOR flash in RAM, with the power switch in the test's hand.  CPython and MicroPython.

    flash = Nor(16)                  16 blocks of 4096 octets
    flash.cut_at(37, TORN, seed=5)   the 37th operation from now is cut short: it raises PowerCut
    flash = flash.reboot()           what the board finds when the power is back

    flash.hook = f                   f(flash, operation) before each operation; flash.after_cut(kind, seed, operation)
                                     is what a board would find if the power went in the middle of this one

An operation is a program or an erase; reads and syncs cost nothing.  `program`
refuses to set a bit, to cross a block, and to start or end off the program unit.

How an operation is cut (KINDS):

    BEFORE   nothing of it happened
    AFTER    all of it happened, but nobody was told
    TORN     program: the first k octets and some bits of the next one; erase: the first part of the block
    SPOTTED  program: some bits of every octet; erase: some octets 0xFF, some old, some garbage
    LOST     nothing since the last sync happened, this operation included (a file whose cache was lost)
    PICKED   of what happened since the last sync some operations survived and some did not (a file, out of order)

LOST and PICKED can happen to files only; real NOR keeps what was programmed.
"""

BLOCK = 4096
BEFORE, AFTER, TORN, SPOTTED, LOST, PICKED = "before", "after", "torn", "spotted", "lost", "picked"
KINDS = (BEFORE, AFTER, TORN, SPOTTED, LOST, PICKED)


class PowerCut(Exception):
    pass


class Dice:
    """A small random number generator that gives the same numbers on every interpreter."""

    def __init__(self, seed):
        self.x = seed * 2654435761 % 0xFFFFFFFB + 1

    def below(self, n):
        x = self.x
        x ^= x << 13 & 0xFFFFFFFF
        x ^= x >> 17
        x ^= x << 5 & 0xFFFFFFFF
        self.x = x
        return (x >> 3) % n

    def octets(self, n):
        return bytes([self.below(256) for _ in range(n)])


class Nor:
    """blocks     how many erase blocks
    program_unit  program only in multiples of it, octets
    content       what it holds; blank if None
    block_size    octets; small ones make a small test go round the ring more often
    """

    def __init__(self, blocks, program_unit=1, content=None, block_size=BLOCK):
        self.block_size = block_size
        self.size = blocks * block_size
        self.program_unit = program_unit
        self.data = bytearray(b"\xff" * self.size) if content is None else bytearray(content)
        self.programs = self.programmed = self.syncs = 0
        self.block_erases = [0] * blocks
        self.operations = 0
        self.dead = False
        self.hook = None
        self._unsynced = []  # (at, octets before, octets after) of each operation since the last sync
        self._cut_at = -1
        self._kind = BEFORE
        self._dice = None

    @property
    def erases(self):
        return sum(self.block_erases)

    def cut_at(self, operation, kind, seed=1):
        """Cut the power in the operation with this number, counted from 0 for the first one from now."""
        self._cut_at = self.operations + operation
        self._kind = kind
        self._dice = Dice(seed)

    def reboot(self):
        """The flash after the cut, powered again; counters at zero."""
        return Nor(self.size // self.block_size, self.program_unit, self.data, self.block_size)

    def after_cut(self, kind, seed, operation):
        """What the board would find if the power went in the middle of this operation; this flash goes on."""
        other = self.reboot()
        other._unsynced = list(self._unsynced)
        other._kind = kind
        other._dice = Dice(seed)
        other._cut(*operation)
        other._unsynced = []
        return other

    def read(self, at, buf):
        self._alive()
        buf[:] = memoryview(self.data)[at : at + len(buf)]

    def program(self, at, buf):
        self._alive()
        n = len(buf)
        if n == 0 or at < 0 or at + n > self.size or at // self.block_size != (at + n - 1) // self.block_size:
            raise ValueError("program of %d octets at %d crosses a block" % (n, at))
        if at % self.program_unit or n % self.program_unit:
            raise ValueError("program of %d octets at %d; the unit is %d" % (n, at, self.program_unit))
        old = bytes(memoryview(self.data)[at : at + n])
        for i in range(n):
            if buf[i] & ~old[i]:
                raise ValueError("program at %d would set bits: %02x over %02x" % (at + i, buf[i], old[i]))
        self._do(at, old, bytes(buf))
        self.programs += 1
        self.programmed += n

    def erase(self, block):
        self._alive()
        at = block * self.block_size
        self._do(at, bytes(memoryview(self.data)[at : at + self.block_size]), b"\xff" * self.block_size)
        self.block_erases[block] += 1

    def sync(self):
        self._alive()
        self._unsynced = []
        self.syncs += 1

    def _alive(self):
        if self.dead:
            raise PowerCut()

    def _do(self, at, old, new):
        if self.hook:
            self.hook(self, (at, old, new))
        cut = self.operations == self._cut_at
        self.operations += 1
        if cut:
            self.dead = True
            self._cut(at, old, new)
            raise PowerCut()
        self.data[at : at + len(new)] = new
        self._unsynced.append((at, old, new))

    def _cut(self, at, old, new):
        kind, dice = self._kind, self._dice
        if kind == AFTER:
            self.data[at : at + len(new)] = new
        elif kind == TORN:
            k = dice.below(len(new))
            self.data[at : at + k] = new[:k]
            self.data[at + k] = _between(old[k], new[k], dice)
        elif kind == SPOTTED:
            self.data[at : at + len(new)] = bytes([_between(old[i], new[i], dice) for i in range(len(new))])
        elif kind in (LOST, PICKED):
            self._unsynced.append((at, old, new))
            self._lose(kind, dice)

    def _lose(self, kind, dice):
        """Undo everything since the last sync, then do some of it again."""
        for at, old, _ in reversed(self._unsynced):
            self.data[at : at + len(old)] = old
        if kind == PICKED:
            for at, _, new in self._unsynced:
                if dice.below(2):
                    # A write to a file replaces octets: it does not care what it finds.
                    self.data[at : at + len(new)] = new


def _between(old, new, dice):
    """An octet on its way from old to new; every other one is through or has not begun."""
    if old == new:
        return new
    way = dice.below(4)
    if way == 0:
        return old
    if way == 1:
        return new
    mask = dice.below(256)
    return (old & mask) | (new & ~mask & 0xFF)
