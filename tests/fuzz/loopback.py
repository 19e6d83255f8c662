"""The same strangers by TCP: the driver of failover over real sockets of the loopback, in a time that jumps.  CPython.

Nobody waits for a timer here: when no socket has anything to say, the clock goes on to the
next one.  So a minute of silence takes no time.  What arrives in which piece is up to the kernel: a seed gives
the same octets, and nearly the same run.
"""

import asyncio
import os
import selectors

from failover_pair import NOW
from twinlease.failover import states as s
from twinlease.net import tcp
from twinlease.net.failover import Failover
from twinlease.net.sockets import readable, writable

from .datagrams import Dice
from .judge import Wrong
from .siege import FILE, KEY, ROWS, Server
from .streams import Player, cut, segments
from .watch import alarm, rearm

_BACK_S = 400
_IDLE_S = 3600  # where nothing is awaited but a socket


class _Selector(selectors.DefaultSelector):
    time = 0.0

    def select(self, timeout=None):
        found = super().select(0)
        if not found:
            self.time += _IDLE_S if timeout is None else max(timeout, 0)
        return found


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self):
        self.jumping = _Selector()
        super().__init__(self.jumping)

    def time(self):
        return self.jumping.time


class _Board:
    """Its ticks are the loop's time, and so is the clock."""

    trusted = True

    def __init__(self, loop):
        self._loop = loop

    def ticks_ms(self):
        return int(self._loop.time() * 1000)

    def ticks_diff(self, a, b):
        return a - b

    @property
    def now(self):
        return NOW + int(self._loop.time())


class Driven(Server):
    """A Server whose octets a driver carries."""

    def __init__(self, loop, file, address, board):
        super().__init__(file, address, board)
        self.driver = None
        self.lines_said = 0
        self._loop = loop
        self.start(self.up)
        board = _Board(loop)
        self.driver = Failover([(self.peer, self.peer.conf)], self.flush, board, board, self._say)

    @property
    def up(self):
        return self.driver.up if self.driver else 0

    def now(self, up):
        return NOW + int(self._loop.time())

    def _say(self, text):
        self.lines_said += 1

    def flush(self):
        super().flush()
        if self.driver:
            self.driver.send()

    def _leave(self, c, writer):
        pass

    async def clients(self):
        """Leases end, and clients of another pool are served, all the while."""
        while True:
            await asyncio.sleep(1)
            self.expire(self.up)
            self.flush()
            self.serves(self.up)


class Scene:
    def __init__(self, dice, loop):
        self.dice, self.loop = dice, loop
        net = "127.%d.%d." % (1 + os.getpid() % 250, dice.below(250))
        self.ends = [bytes([int(part) for part in (net + host).split(".")]) for host in "123"]
        key = dice.pick(("", "", "stranger", "insider"))
        file = FILE % (('key "%s";' % KEY.decode() if key else "") + " port 6470; peer port 6470;")
        self.file = file.replace("10.53.0.1;", net + "1;").replace("peer address 10.53.0.2;", "peer address %s2;" % net)
        primary = dice.one_in(2)
        self.us, self.them = (self.ends[0], self.ends[1]) if primary else (self.ends[1], self.ends[0])
        self.server = Driven(loop, self.file, self.us, b"board--A" if primary else b"board--B")
        self.partner = None
        addresses = [bytes((10, 53, 0, 100 + i)) for i in range(ROWS)]
        self.player = Player(dice, not primary, KEY if key == "insider" else b"", addresses)
        self.names = (b"board--B", b"board--A") if primary else (b"board--A", b"board--B")
        self.tasks = []
        self.messages = 0

    def spawn(self, coroutine):
        task = asyncio.create_task(coroutine)
        self.tasks = [task for task in self.tasks if not task.done() or self._failed(task)] + [task]
        return task

    @staticmethod
    def _failed(task):
        return not task.cancelled() and task.exception() is not None

    def look(self):
        """Whatever ended with an error ends this too."""
        for task in self.tasks:
            if task.done() and self._failed(task):
                raise task.exception()

    async def until(self, what, seconds):
        end = self.loop.time() + seconds
        while not what():
            self.look()
            rearm()
            if self.loop.time() > end:
                raise Wrong(
                    "it never happened: %d, %d" % (self.server.state, self.partner.state if self.partner else -1)
                )
            await asyncio.sleep(0.1)
        self.look()

    async def play(self, connections):
        self.spawn(self.server.driver.run(self.spawn))
        self.spawn(self.server.clients())
        await asyncio.sleep(0.2)
        door = tcp.listener(self.them, 6470)
        for _ in range(connections):
            rearm()
            if self.dice.one_in(12):
                await self._converse(await self._dial(self.ends[2]))  # a stranger by its address
            elif self.dice.one_in(3):
                await readable(door)
                await self._converse(tcp.accept(door)[0])
            else:
                await self._converse(await self._dial(self.them))
            self.look()
        while tcp_waits(door):
            tcp.accept(door)[0].close()
        door.close()
        await self.until(lambda: not any(self.server.driver.lines[0].sockets), 100)
        self.server.check(self.server.up)
        await self._partner_returns()

    async def _dial(self, own):
        sock = tcp.dial(own, self.us, 6470)
        await writable(sock)
        return sock

    async def _converse(self, sock):
        """One connection, until one of us has enough of it."""
        dice, player = self.dice, self.player
        player.now = self.server.now(0)
        said = player.opened()
        heard, gone, reads = bytearray(), False, True
        for _ in range(1 + dice.below(12)):
            self.messages += len(said)
            for piece in segments(dice, b"".join(said)):
                n = tcp.write(sock, piece, len(piece))
                gone = gone or n == tcp.GONE
                if gone:
                    break
                if dice.one_in(3):
                    await asyncio.sleep(dice.pick((0, 0, 0.05, 0.3, 1)))
            await asyncio.sleep(dice.pick((0.1, 0.1, 0.2, 0.2, 1, 7)))
            self.look()
            reads = reads and not dice.one_in(20)
            if reads:
                gone = self._read(sock, heard) or gone
            if gone:
                break
            player.now = self.server.now(0)
            said = player.turn(self._whole(heard)) if dice.below(20) else player.flood()
        sock.close()
        await asyncio.sleep(dice.pick((0, 0.1, 1)))

    def _read(self, sock, heard):
        buf = bytearray(4096)
        while True:
            n = tcp.read(sock, buf)
            if n == tcp.GONE:
                return True
            if n == 0:
                return False
            heard.extend(buf[:n])

    def _whole(self, heard):
        """The whole messages of what was heard, each of them read."""
        found = []
        for one in cut(heard):
            if len(one) == one[0] << 8 | one[1]:
                self.server._look_at(one, len(one))
                found.append(one)
        heard[:] = heard[sum([len(one) for one in found]) :]
        return found

    async def _partner_returns(self):
        self.partner = Driven(self.loop, self.file, self.them, self.names[0])
        self.partner.alive = 0
        self.spawn(self.partner.driver.run(self.spawn))
        peers = (self.server.peer, self.partner.peer)
        await self.until(lambda: all(p.linked for p in peers), _BACK_S)
        await asyncio.sleep(1)
        self.loop.jumping.time += self.server.waits_for()
        await self.until(lambda: all(p.linked and p.record.state == s.NORMAL and not p.unacked for p in peers), _BACK_S)
        for side in (self.server, self.partner):
            side.check(side.up)
            side.serves(side.up)


def tcp_waits(sock):
    poll = selectors.DefaultSelector()
    poll.register(sock, selectors.EVENT_READ)
    waits = bool(poll.select(0))
    poll.close()
    return waits


def _open_files():
    return len(os.listdir("/proc/self/fd"))


def _one(dice, connections):
    loop = _Loop()
    asyncio.set_event_loop(loop)
    scene = Scene(dice, loop)
    try:
        loop.run_until_complete(scene.play(connections))
    finally:
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.01))
        loop.close()
    return scene.messages


def dial_in(seed, n):
    """Scenes until n messages were said."""
    dice, said, files = Dice(seed), 0, 0
    with alarm():
        while said < n:
            rearm()
            said += _one(dice, 20)
            files = files or _open_files()
            if _open_files() > files:
                raise Wrong("%d files are open, %d were" % (_open_files(), files))
    return {"failover messages by TCP": said}
