"""Time servers that lie, and datagrams that are no answers: the SNTP client, the DNS question before it, our own answers.

A round is net/sntp_round.py's own, with a socket that is none.  When the lies are over, three servers tell the
truth: the clock must come to it.  CPython.
"""

import asyncio

from leases import Nor, check
from ntps import answer
from test_clock_steps import T, boot
from twinlease.net import sntp_round
from twinlease.net.sntp import Sntp
from twinlease.ntp import dns
from twinlease.ntp.answer import Answerer
from twinlease.ntp.source import State

from .datagrams import Dice
from .judge import Wrong
from .loopback import _Loop as JumpingLoop
from .watch import alarm, rearm

_SERVERS = (b"\x0a\0\0\1", b"\x0a\0\0\2", b"\x0a\0\0\3")
_NAME = "time.example"
_EDGES = (0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xE1B65F80, 0xE1B65F7F, 0x5A4EC800)
_NEAR_MS = 1000
_TRUTH_S = 8 * 3600
_SINCE = 189388800  # 2026
_UNTIL = 0x3FFFFFFF


class _Socket:
    """Answers come by and by: (when, octets, sender)."""

    def __init__(self, loop, dice, lies):
        self.loop, self.dice, self.lies = loop, dice, lies
        self.waiting = []
        self.given = 0
        self.honest = False
        self.base = T * 1000

    def truth(self):
        return self.base + int(self.loop.time() * 1000)

    def sendto(self, question, to):
        dice = self.dice
        if not self.honest and dice.one_in(30):
            raise OSError(101)
        if self.honest:
            t = self.truth() + 5
            self.waiting.append((self.loop.time() + 0.01, answer(question[40:], t), to))
            return
        for _ in range(dice.pick((0, 1, 1, 1, 2, 3))):
            octets = self._lie(bytes(question[40:]))
            sender = to if dice.below(12) else ("10.9.9.9", 123)
            self.waiting.append((self.loop.time() + dice.pick((0, 0.001, 0.05, 0.4, 1.9, 2.1, 7)), octets, sender))
        self.waiting.sort(key=lambda one: one[0])

    def _lie(self, nonce):
        dice = self.dice
        off = dice.pick((0, 0, 3, -40, 127, 129, -5000, 59_000, 61_000, -86_400_000, 3 * 10**10, -3 * 10**10, 10**12))
        t2 = max(self.truth() + off, 0)
        first = dice.pick((0x24, 0x24, 0x24, 0x24, 0x1C, 0xE4, 0x23, 0x64, dice.below(256)))
        octets = bytearray(
            answer(
                nonce,
                t2,
                t2 + dice.pick((0, 0, 1, 900, 10**6)),
                first,
                dice.pick((1, 2, 2, 3, 15, 16, 255)) if dice.below(40) else 0,
                dice.pick((0, 0, 5, 700, 1600, 30000)),
                dice.pick((0, 0, 5, 700, 1600, 30000)),
                dice.pick((b"\x0a\0\0\x09", b"RATE", b"STEP", b"\0\0\0\0", b"\xff\xff\xff\xff")),
            )
        )
        for _ in range(dice.below(3) if dice.one_in(2) else 0):
            self._spoil(octets)
        if dice.one_in(25):
            return bytes(octets[: dice.below(49)])
        return bytes(octets) + (dice.octets(dice.below(80)) if dice.one_in(12) else b"")

    def _spoil(self, octets):
        dice = self.dice
        way = dice.below(3)
        if way == 0:
            octets[dice.below(48)] ^= 1 << dice.below(8)
        elif way == 1:
            at = 4 * dice.below(12)
            octets[at : at + 4] = dice.pick(_EDGES).to_bytes(4, "big")
        else:
            at = dice.pick((16, 24, 32, 40))
            octets[at : at + 8] = dice.pick((bytes(8), b"\xff" * 8, dice.octets(8)))

    def here(self):
        return bool(self.waiting) and self.waiting[0][0] <= self.loop.time()

    def recvfrom(self, n):
        if not self.honest and self.dice.one_in(60):
            raise OSError(111)
        _, octets, sender = self.waiting.pop(0)
        self.given += 1
        return octets[:n], sender

    def recv(self, n):
        return self.recvfrom(n)[0]


async def _readable(sock):
    while not sock.here():
        await asyncio.sleep(0.01)


class _Waiting:
    def __init__(self, sock):
        self._sock = sock

    def __call__(self):
        return self._sock.here()


class _Client:
    """An App with nothing but a clock, a table and time servers."""

    def __init__(self, dice, loop):
        self.app = app = boot(Nor(16), dice.pick((None, T, T + 400 * 86400, T - 300)))
        self.loop = loop
        app.board.ticks_ms = lambda: int(loop.time() * 1000)
        app.board.random = dice.octets
        app._ticks = 0
        self.said = 0
        app.board.say = self._say
        self.sntp = Sntp(app, list(_SERVERS))
        app.sntp = self.sntp
        self.sock = self.sntp.sock = _Socket(loop, dice, True)

    def _say(self, text):
        self.said += 1
        if len(text) > 300 or not text.isprintable():
            raise Wrong("a line for the log: %r" % text)

    async def round(self):
        sntp = self.sntp
        self.loop.jumping.time += max(sntp._next_at() - sntp.time(), 1) if sntp._next_at() < 1 << 20 else 64
        self.app.catch_up()
        await sntp_round.ask(sntp)
        clock = self.app.clock
        for source in sntp.state.sources:
            if len(source.samples) > 4:
                raise Wrong("samples that grow")
        if clock.source == "sntp" and not _SINCE <= clock.now <= _UNTIL:
            raise Wrong("the clock was set to %d" % clock.now)

    def off(self):
        clock = self.app.clock
        return clock.now * 1000 + clock.ms + self.sntp.trim.slew - self.sock.truth()

    async def truth(self):
        """From now on all three tell the truth; who sent us away for good may not have been asked again."""
        self.sock.honest = True
        self.sock.waiting = []
        end = self.loop.time() + _TRUTH_S
        while self.loop.time() < end:
            if self.sntp.state.synced_at >= 0 and abs(self.off()) < _NEAR_MS and self.app.clock.trusted:
                return
            if len([source for source in self.sntp.state.sources if source.next_at > 1 << 20]) > 1:
                return
            rearm()
            await self.round()
        raise Wrong("%d ms off, though three servers tell the truth" % self.off())


async def _session(dice, loop, rounds):
    client = _Client(dice, loop)
    for _ in range(rounds):
        await client.round()
    lies = client.sock.given
    await client.truth()
    check(client.app.table)
    return lies


def _dns(dice):
    """An answer to a question for a name, spoilt."""
    asked = dns.question(_NAME, b"\1\2")
    octets = bytearray(asked)
    octets[2] |= 0x80
    octets[7] = dice.pick((0, 1, 2, 40, 255))
    for _ in range(dice.below(5)):
        name = dice.pick((b"\xc0\x0c", b"\xc0", b"\4time\0", b"\xff\xff", b"\x3f" * 40, bytes(1), asked[12:-4]))
        kind = dice.pick((b"\0\1\0\1", b"\0\5\0\1", b"\0\x1c\0\1"))
        value = dice.octets(dice.pick((4, 4, 0, 3, 16)))
        n = len(value) if dice.below(6) else dice.pick((0, 4, 255, 65535))
        octets += name + kind + bytes(4) + n.to_bytes(2, "big") + value
    for _ in range(dice.below(4)):
        octets[dice.below(len(octets))] = dice.below(256)
    octets = bytes(octets[: dice.below(len(octets) + 1)] if dice.one_in(4) else octets)
    found = dns.address(octets, asked)
    if found is not None and len(found) != 4:
        raise Wrong("an address of %d octets: %r" % (len(found), octets))


def _question(dice, answerer):
    """A question to us, spoilt: our answer is 48 octets, says what it answers, and is no kiss."""
    octets = bytearray(b"\x23" + bytes(39) + dice.octets(8))
    for _ in range(dice.below(4)):
        octets[dice.below(48)] = dice.below(256)
    octets = bytes(octets[: dice.below(49)] if dice.one_in(8) else octets)
    now = dice.pick((0, 1, T, 0x3FFFFFFF))
    if not answerer.receive(octets, now, dice.below(1000)):
        return
    state = State([dice.pick((_NAME, _SERVERS[0]))])
    state.peer = state.sources[0] if dice.below(3) else None
    state.sources[0].stratum = dice.below(17)
    answerer.tell(state, dice.pick((-1, 0, 5, 999, 1000)), now)
    answerer.send(now, dice.below(1000))
    reply = answerer.buf
    if len(reply) != 48 or reply[0] & 7 != 4 or bytes(reply[24:32]) != octets[40:48] or reply[1] > 15:
        raise Wrong("answered %r to %r" % (bytes(reply), octets))
    if (reply[1] == 0) != (reply[0] >> 6 == 3):
        raise Wrong("synchronised or not? %r" % bytes(reply))


def lie(seed, n):
    """About n datagrams: two thirds answers to our questions."""
    dice, given, answerer = Dice(seed), 0, Answerer()
    sntp_round.readable, sntp_round.Waiting = _readable, _Waiting
    with alarm():
        for _ in range(n // 6):
            _dns(dice)
            _question(dice, answerer)
        rearm()
        while given < n - n // 3:
            loop = JumpingLoop()
            asyncio.set_event_loop(loop)
            try:
                given += loop.run_until_complete(_session(dice, loop, 60))
            finally:
                loop.close()
            rearm()
    return {"SNTP and DNS datagrams": given + n // 6 * 2}
