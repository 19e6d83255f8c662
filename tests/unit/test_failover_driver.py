"""The TCP driver of failover, over real sockets of the loopback and with a made-up Peer: who gets in, what is sent when."""

import asyncio
import os
import time

from twinlease.failover.exchange import _UNFINISHED, Unfinished
from twinlease.failover.writer import Writer
from twinlease.net import tcp
from twinlease.net.failover import Failover
from twinlease.net.sockets import readable, writable

PORT = 6470
LIMIT_S = 60


class Conf:
    """The two ends of a pair, at addresses of the loopback that no other test uses."""

    def __init__(self):
        self.name = "p1"
        net = b"\x7f" + bytes([1 + os.urandom(1)[0] % 250, os.urandom(1)[0]])
        self.address, self.peer_address = net + b"\1", net + b"\2"
        self.stranger = net + b"\3"
        self.port = self.peer_port = PORT


class Peer:
    """Takes what it is told to take and notes what happens."""

    def __init__(self):
        self.evidence = self.alone_s = None
        self.writers = [Writer(4096), Writer(4096)]
        self.closing = [False, False]
        self.used = [False, False]
        self.heard = [b"", b""]
        self.takes = 1 << 20
        self.dials = 0
        self.story = []
        self.out_of_memory = self.cannot_open = False

    def wants_dial(self, up):
        self.dials -= 1
        return self.dials >= 0

    def opened(self, dialled, now, up):
        if self.cannot_open:
            self.cannot_open = False
            raise MemoryError
        for c in range(2):
            if not self.used[c]:
                self.used[c] = True
                self.heard[c] = b""
                self.story.append(("opened", c, dialled))
                return c
        self.story.append(("refused",))
        return -1

    def received(self, c, data, n, at, now, up):
        if self.out_of_memory:
            raise MemoryError
        taken = min(n - at, self.takes)
        self.heard[c] += bytes(data[at : at + taken])
        self.story.append(("received", taken))
        return taken

    def closed(self, c, now, up):
        self.used[c] = self.closing[c] = False
        self.writers[c].clear()
        self.story.append(("closed", c))

    def dial_failed(self, up):
        self.story.append(("dial failed",))

    def tick(self, now, up):
        pass

    def stopping(self, now, up):
        put(self.writers[0], b"paused")


class Board:
    """Ticks as the real ones, or moved on by hand."""

    ahead = 0
    stopped = None

    def ticks_ms(self):
        if self.stopped is not None:
            return self.stopped
        return int(time.time() * 1000) % (1 << 29) + self.ahead

    def ticks_diff(self, a, b):
        return a - b


class Clock:
    now = 1000
    trusted = True


def put(writer, octets):
    writer.buf[writer.end : writer.end + len(octets)] = octets
    writer.end += len(octets)


class Bench:
    """A driver with one Peer, and what it said."""

    def __init__(self):
        self.conf = Conf()
        self.peer = Peer()
        self.said = []
        self.flushed = 0
        self.board = Board()
        self.tasks = []
        self.flush_fails = None  # asked before each: without memory?
        self.driver = Failover([(self.peer, self.conf)], self.flush, Clock, self.board, self.said.append)

    def flush(self):
        self.flushed += 1
        if self.flush_fails and self.flush_fails():
            self.flush_fails = None
            raise MemoryError
        self.peer.story.append(("sync",))
        self.driver.send()

    def spawn(self, coroutine):
        self.tasks.append(asyncio.create_task(coroutine))
        return self.tasks[-1]

    async def until(self, what):
        for _ in range(LIMIT_S * 100):
            if what():
                return
            await asyncio.sleep(0.01)
        raise AssertionError("it never happened; said %s, did %s" % (self.said, self.peer.story[-20:]))

    async def dial(self, octets):
        """A connection from `octets` to the driver, from the moment that it listens."""
        await self.until(lambda: "Listening" in "".join(self.said))
        sock = tcp.dial(octets, self.conf.address, PORT)
        await writable(sock)
        assert tcp.failed(sock) == 0
        return sock


def play(scene):
    """Run a scene(bench) beside the driver; whatever it leaves is cancelled."""

    async def run():
        bench = Bench()
        bench.spawn(bench.driver.run(bench.spawn))
        try:
            await asyncio.wait_for(scene(bench), 3 * LIMIT_S)
        finally:
            for task in bench.tasks:
                if not task.done():
                    task.cancel()
            await asyncio.sleep(0.01)

    asyncio.run(run())


async def hear(sock, n):
    """n octets of a connection, fewer if it ends."""
    found, buf = b"", bytearray(4096)
    while len(found) < n:
        await readable(sock)
        got = tcp.read(sock, buf)
        if got == tcp.GONE:
            break
        found += bytes(buf[:got])
    return found


def what(bench, name):
    return [event for event in bench.peer.story if event[0] == name]


def test_the_partner_gets_in_and_its_octets_reach_the_peer():
    async def scene(bench):
        sock = await bench.dial(bench.conf.peer_address)
        tcp.write(sock, b"connect", 7)
        await bench.until(lambda: bench.peer.heard[0] == b"connect")
        assert what(bench, "opened") == [("opened", 0, False)]
        story = [event[0] for event in bench.peer.story]
        assert "sync" in story[story.index("received") :]
        put(bench.peer.writers[0], b"answer")
        assert await hear(sock, 6) == b"answer"
        sock.close()
        await bench.until(lambda: what(bench, "closed"))
        assert bench.driver.lines[0].sockets == [None, None]

    play(scene)


def test_a_stranger_is_closed_unheard_counted_and_told_of_once_a_minute():
    async def scene(bench):
        for _ in range(3):
            sock = await bench.dial(bench.conf.stranger)
            assert await hear(sock, 1) == b""
            sock.close()
        await bench.until(lambda: bench.driver.strangers == 3)
        assert len([line for line in bench.said if "closed a connection" in line]) == 1
        bench.board.ahead = 61000
        sock = await bench.dial(bench.conf.stranger)
        await hear(sock, 1)
        await bench.until(lambda: len([line for line in bench.said if "closed a connection" in line]) == 2)
        assert "(4 so far)" in bench.said[-1]
        assert not what(bench, "opened") and not what(bench, "received")
        sock.close()

    play(scene)


def test_a_third_connection_of_the_partner_is_closed():
    async def scene(bench):
        socks = []
        for _ in range(2):  # MicroPython cannot await in a comprehension
            socks.append(await bench.dial(bench.conf.peer_address))
        await bench.until(lambda: len(what(bench, "opened")) == 2)
        third = await bench.dial(bench.conf.peer_address)
        assert await hear(third, 1) == b""
        assert all(bench.driver.lines[0].sockets) and not what(bench, "closed")
        assert bench.driver.strangers == 1 and not what(bench, "refused"), "nobody asked the Peer"
        for sock in socks + [third]:
            sock.close()

    play(scene)


def test_a_connection_that_the_peer_wants_closed_is_closed_though_it_says_nothing():
    """That is how the Peer's timers bound half-open connections."""

    async def scene(bench):
        sock = await bench.dial(bench.conf.peer_address)
        await bench.until(lambda: bench.peer.used[0])
        bench.board.stopped = bench.board.ticks_ms()  # so that no time limit helps
        put(bench.peer.writers[0], b"bye")
        bench.peer.closing[0] = True
        assert await hear(sock, 99) == b"bye"
        await bench.until(lambda: what(bench, "closed") == [("closed", 0)])
        sock.close()

    play(scene)


def test_what_the_peer_has_no_room_for_is_handed_in_again_after_a_flush():
    async def scene(bench):
        bench.peer.takes = 5
        sock = await bench.dial(bench.conf.peer_address)
        tcp.write(sock, b"0123456789abcdef", 16)
        await bench.until(lambda: bench.peer.heard[0] == b"0123456789abcdef")
        story = [event[0] for event in bench.peer.story if event[0] in ("received", "sync")]
        first = story.index("received")
        assert story[first : first + 8] == ["received", "sync"] * 4
        bench.peer.takes = 0
        tcp.write(sock, b"more", 4)
        await bench.until(lambda: ("received", 0) in bench.peer.story)
        bench.peer.takes = 9
        await bench.until(lambda: bench.peer.heard[0][16:] == b"more")
        sock.close()

    play(scene)


def test_a_partner_that_does_not_read_holds_nobody_up_and_loses_nothing():
    async def scene(bench):
        sock = await bench.dial(bench.conf.peer_address)
        await bench.until(lambda: bench.peer.used[0])
        writer, said = bench.peer.writers[0], 0
        stuck = 0
        while stuck < 50 and said < 1 << 24:  # until the kernel takes no more
            room = len(writer.buf) - writer.end
            put(writer, bytes([(said + i) % 251 for i in range(room)]))
            said += room
            before = writer.end
            bench.flush()
            stuck = stuck + 1 if writer.end == before else 0
        assert stuck == 50 and what(bench, "closed") == []
        heard = await hear(sock, said)
        assert len(heard) == said
        assert not [i for i in range(0, said, 997) if heard[i] != i % 251]
        sock.close()

    play(scene)


def test_a_partner_that_never_reads_its_last_words_is_closed_all_the_same():
    async def scene(bench):
        sock = await bench.dial(bench.conf.peer_address)
        await bench.until(lambda: bench.peer.used[0])
        bench.driver.send = lambda: None  # as if the kernel took nothing
        put(bench.peer.writers[0], b"never read")
        bench.peer.closing[0] = True
        await bench.until(lambda: bench.driver.lines[0].end_by[0] >= 0)
        assert not what(bench, "closed")
        bench.board.ahead = 3000
        await bench.until(lambda: what(bench, "closed"))
        sock.close()

    play(scene)


def test_we_dial_from_our_own_address():
    async def scene(bench):
        partner = tcp.listener(bench.conf.peer_address, PORT)
        bench.peer.dials = 1
        await readable(partner)
        sock, who = tcp.accept(partner)
        assert who == bench.conf.address
        tcp.write(sock, b"hello", 5)
        await bench.until(lambda: bench.peer.heard[0] == b"hello")
        assert what(bench, "opened") == [("opened", 0, True)]
        sock.close()
        partner.close()
        await bench.until(lambda: what(bench, "closed"))

    play(scene)


def test_a_refused_dial_is_told_to_the_peer_and_logged_once():
    async def scene(bench):
        bench.peer.dials = 3
        await bench.until(lambda: len(what(bench, "dial failed")) == 3)
        assert [line for line in bench.said if "no connection" in line] == [
            "failover peer p1: no connection to the partner (refused)"
        ]
        assert not what(bench, "opened")

    play(scene)


def test_dialling_ends_after_three_seconds_without_an_answer():
    async def scene(bench):
        quiet = []

        async def never(sock):
            quiet.append(sock)
            await asyncio.sleep(1000)

        from twinlease.net import failover

        real, failover.writable = failover.writable, never
        try:
            bench.peer.dials = 1
            await bench.until(lambda: quiet)
            for _ in range(5):
                await asyncio.sleep(0)
            assert not what(bench, "dial failed")
            bench.board.ahead = 3100
            await bench.until(lambda: what(bench, "dial failed"))
        finally:
            failover.writable = real
        assert "no answer" in bench.said[-1] and bench.driver.lines[0].dialling is None

    play(scene)


def test_no_memory_costs_the_connection_not_the_service():
    async def scene(bench):
        bench.peer.out_of_memory = True
        sock = await bench.dial(bench.conf.peer_address)
        tcp.write(sock, b"connect", 7)
        assert await hear(sock, 1) == b""
        assert what(bench, "closed") == [("closed", 0)] and bench.driver.starved == 1
        bench.peer.out_of_memory = False
        again = await bench.dial(bench.conf.peer_address)
        tcp.write(again, b"connect", 7)
        await bench.until(lambda: bench.peer.heard[0] == b"connect")
        sock.close()
        again.close()

    play(scene)


def test_no_memory_as_a_connection_begins_or_ends_costs_that_connection():
    async def scene(bench):
        bench.peer.cannot_open = True
        sock = await bench.dial(bench.conf.peer_address)
        assert await hear(sock, 1) == b""
        sock.close()
        assert bench.driver.starved == 1 and not what(bench, "opened")
        sock = await bench.dial(bench.conf.peer_address)
        await bench.until(lambda: what(bench, "opened"))
        bench.flush_fails = lambda: what(bench, "closed")
        sock.close()
        await bench.until(lambda: bench.flush_fails is None)
        await asyncio.sleep(0)
        assert bench.driver.starved == 2 and bench.driver.lines[0].sockets == [None, None]
        assert len(what(bench, "closed")) == 2, "the last flush of the connection was not the one to fail"

    play(scene)


def test_memory_that_is_short_is_taken_from_what_was_left_to_the_partner():
    forgotten = []

    class Left:
        def tick(self):
            raise MemoryError

        def forget(self):
            forgotten.append(True)

    bench = Bench()
    bench.driver.left = Left()
    bench.driver.tick()
    assert forgotten and bench.driver.starved == 1


def test_an_event_that_a_peer_could_not_finish_ends_the_server():
    async def scene(bench):
        def torn(*args):
            raise _UNFINISHED

        bench.peer.received = torn
        sock = await bench.dial(bench.conf.peer_address)
        tcp.write(sock, b"connect", 7)
        await bench.until(lambda: any(task.done() for task in bench.tasks))
        assert not what(bench, "closed") and not bench.driver.starved
        sock.close()
        bench.peer.tick = torn
        try:
            bench.driver.tick()
        except Unfinished:
            return
        raise AssertionError("the tick swallowed it")

    play(scene)


def test_a_listener_that_cannot_be_opened_says_what_to_do():
    async def scene(bench):
        from twinlease.net import failover

        other = tcp.listener(bench.conf.address, PORT + 1)
        kept, failover._REBIND_S = failover._REBIND_S, 0.05
        try:
            bench.spawn(bench.driver._listen((bench.conf.address, PORT + 1)))
            await bench.until(lambda: "another program has it" in "".join(bench.said))
            other.close()
            await bench.until(lambda: "Listening for failover on TCP port %d" % (PORT + 1) in "".join(bench.said))
            bench.spawn(bench.driver._listen((b"\xc0\0\2\1", PORT)))  # an address of nobody's
            await bench.until(lambda: "is it this board's address?" in "".join(bench.said))
        finally:
            failover._REBIND_S = kept

    play(scene)


def test_an_orderly_stop_says_its_last_word_and_closes():
    async def scene(bench):
        sock = await bench.dial(bench.conf.peer_address)
        await bench.until(lambda: bench.peer.used[0])
        bench.driver.stop()
        assert await hear(sock, 99) == b"paused"
        await bench.until(lambda: what(bench, "closed"))
        sock.close()

    play(scene)


def test_an_error_of_the_flash_is_not_swallowed():
    async def scene(bench):
        await bench.until(lambda: "Listening" in "".join(bench.said))

        def fail():
            raise OSError(5)

        bench.driver._flush = fail
        sock = await bench.dial(bench.conf.peer_address)
        await bench.until(lambda: [task for task in bench.tasks if task.done()])
        sock.close()

    play(scene)
