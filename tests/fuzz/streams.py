"""What a failover partner may say: recorded, made up or true, and all of that spoilt.  CPython and MicroPython.

    player = Player(dice, primary, key)     the partner's part: is it the primary's
    player.opened()                         a new connection
    for octets in player.turn(heard): ...   messages; heard is what the server has said since

Most messages are one or two steps away from a real one, and most sessions get as
far as a link: pure garbage ends at the first check.
"""

import captures
from twinlease.failover import balance
from twinlease.failover import wire as w
from twinlease.failover.handshake import HELLO_SIZE, put_hello
from twinlease.failover.seal import Seal
from twinlease.failover.writer import Writer

NAME = b"fo-lab"
EPOCH = 1577836800  # project seconds begin here, in Unix time

_SIZES = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 2047, 2048, 2049, 768, 769, 32768, 65535)
_UNIX_TIMES = (0, 1, 60, 0x5E0BE0FF, 0x5E0BE100, 0x7FFFFFFE, 0x7FFFFFFF, 0x80000000, 0x9E0BE0FE, 0xFFFFFFFF)
_XIDS = (0, 1, 2, 3, 0x3FFFFFFF, 0x40000000, 0x7FFFFFFF, 0xFFFFFFFF)
_CODES = (0, 9, 10, 17, 29, 30, 35, 41, 0x53FF, 0x5400, 0x5401, 0x5402, 0x5403, 0x5404, 0x5406, 0x540F, 0x5410, 0xFFFF)
_TIMES = (w.CLIENT_LAST_TRANSACTION_TIME, w.LEASE_EXPIRATION_TIME, w.POTENTIAL_EXPIRATION_TIME, w.START_TIME_OF_STATE)
_LONGEST = 3000
_STATES = (2, 2, 2, 2, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9, 10, 11, 254)
_FOLLOWS = {1: 2, 3: 2, 5: 5, 6: 2, 9: 9, 10: 5, 254: 2}  # our state when it tells its own: on the way to NORMAL

# How it behaves in a session.
HONEST, SPOILT, WILD = 0, 1, 2


def number(n, size=4):
    return (n & (1 << 8 * size) - 1).to_bytes(size, "big")


def message(kind, xid, unix, options, payload=12):
    """A message, its length right; options are (code, octets)."""
    body = b"".join([number(code, 2) + number(len(value), 2) + value for code, value in options])
    return number(12 + len(body), 2) + bytes((kind, payload)) + number(unix) + number(xid) + body


def options_of(octets):
    """[(code, octets)], as far as they go."""
    found, at = [], 12
    while at + 4 <= len(octets):
        n = octets[at + 2] << 8 | octets[at + 3]
        found.append((octets[at] << 8 | octets[at + 1], bytes(octets[at + 4 : at + 4 + n])))
        at += 4 + n
    return found


def cut(stream):
    """A stream of whole messages, in pieces of one each."""
    found, at = [], 0
    while at + 12 <= len(stream):
        n = max(stream[at] << 8 | stream[at + 1], 12)
        found.append(bytes(stream[at : at + n]))
        at += n
    return found


def recorded(primary):
    """The conversations of the captures: one side's messages of each connection."""
    found = []
    for name in captures.NAMES:
        for sender, octets in captures.streams(name):
            if (sender == captures.PRIMARY) == primary and len(octets) >= 12:
                found.append(cut(octets))
    return found


def _is_intact(octets):
    return len(octets) >= 12 and (octets[0] << 8 | octets[1]) == len(octets) and octets[3] == 12


def moved(octets, seconds):
    """The same message, so many seconds later: header and all times that it tells."""
    if not _is_intact(octets):
        return octets
    told = []
    for code, value in options_of(octets):
        if code in _TIMES and len(value) == 4 and value != b"\0\0\0\0" and value != b"\x7f\xff\xff\xff":
            value = number(int.from_bytes(value, "big") + seconds)
        told.append((code, value))
    unix = int.from_bytes(octets[4:8], "big") + seconds
    return message(octets[2], int.from_bytes(octets[8:12], "big"), unix, told)


def spoil(dice, octets):
    """One or two things wrong with a message."""
    for _ in range(1 + dice.below(1 + dice.below(3))):
        way = dice.below(14)
        if len(octets) < 12:
            return octets + dice.octets(dice.below(20))
        if way < 6:
            octets = _spoil_options(dice, octets, way)
        else:
            octets = _spoil_octets(dice, bytearray(octets), way)
    return bytes(octets[:_LONGEST])


def _spoil_octets(dice, octets, way):
    if way == 6:
        octets[0:2] = number(dice.pick(_SIZES) if dice.below(3) else len(octets) + dice.below(7) - 3, 2)
    elif way == 7:
        octets[3] = dice.pick((0, 4, 11, 13, 16, 24, 200, 255))
    elif way == 8:
        octets[2] = dice.below(14) if dice.below(3) else dice.below(256)
    elif way == 9:
        octets[4:8] = number(dice.pick(_UNIX_TIMES))
    elif way == 10:
        octets[8:12] = number(dice.pick(_XIDS))
    elif way == 11:
        octets = octets[: dice.below(len(octets))]
    elif way == 12:
        at = dice.below(len(octets))
        octets = octets[:at] + dice.octets(dice.below(9)) + octets[at:]
    else:
        octets[dice.below(len(octets))] ^= 1 << dice.below(8)
    return octets


def _spoil_options(dice, octets, way):
    told = options_of(octets)
    at = dice.below(len(told) + 1)
    if way == 0 or not told:
        told.insert(at, (dice.pick(_CODES), dice.stretch(dice.pick((0, 1, 4, 16, 24, 63, 64, 300)))))
    elif way == 1:
        del told[at % len(told)]
    elif way == 2:
        told.insert(at, dice.pick(told))
    elif way == 3:
        told[at % len(told)] = (1 + dice.below(29), dice.octets(dice.pick((0, 1, 2, 4, 4, 4, 7, 32))))
    elif way == 4:
        code, value = told[at % len(told)]
        if len(value) == 4:
            value = number(dice.pick(_UNIX_TIMES))
        elif value:
            value = dice.octets(dice.pick((len(value), len(value) + 1, len(value) - 1, 0, 17, 22, 255, 256)))
        told[at % len(told)] = (code, value)
    else:  # its last option is longer than what is left
        code, value = told[-1]
        whole = _again(octets, told)
        at = len(whole) - len(value) - 2
        return whole[:at] + number(len(value) + dice.pick((1, 2, 255, 2048, 65535)), 2) + whole[at + 2 :]
    return _again(octets, told)


def _again(octets, told):
    unix, xid = int.from_bytes(octets[4:8], "big"), int.from_bytes(octets[8:12], "big")
    return message(octets[2], xid, unix, told)


def segments(dice, octets):
    """Any split of a stream over TCP segments."""
    way = dice.below(6)
    if way < 2 or not octets:
        return [octets]
    if way == 2 and len(octets) < 600:
        return [octets[i : i + 1] for i in range(len(octets))]
    most = dice.pick((3, 13, 60, 536, 1024))
    found, at = [], 0
    while at < len(octets):
        n = 1 + dice.below(most)
        found.append(octets[at : at + n])
        at += n
    return found


class Player:
    """The partner of one server, over many connections.

    addresses   four octets each: what an update may be about
    now         the server's clock, project seconds, set by whoever plays
    """

    def __init__(self, dice, primary, key, addresses):
        self.dice = dice
        self.primary = primary
        self.addresses = addresses
        self.conversations = recorded(primary)
        self.now = 0
        self.skew = 0
        self.manner = HONEST
        self.state = 2
        self.twin = False
        self.boots = 1
        self.xid = 1
        self.linked = False
        self._writer = Writer(2048)
        self._script = []
        self._seal = None
        if key:
            self._seal = Seal(key, NAME, primary, dice.octets(12))
        self._hearing = w.Message()

    def opened(self):
        """A new connection: who are we this time?"""
        dice = self.dice
        self.manner = dice.pick((HONEST, HONEST, HONEST, SPOILT, SPOILT, WILD))
        self.twin = dice.one_in(2)
        self.skew = dice.pick((0, 0, 0, 0, 1, 59, -61, 3600, -86400 * 400, 86400 * 3000, 0x60000000))
        self.state = dice.pick(_STATES)
        self.xid = 0 if dice.below(4) else dice.pick(_XIDS)
        self.linked = False
        self._script = []
        if dice.one_in(3):
            self._script = list(dice.pick(self.conversations))
            if dice.below(3):
                by = self.now + EPOCH - int.from_bytes(self._script[0][4:8], "big")
                self._script = [moved(octets, by) for octets in self._script]
        if self._seal:
            self._seal.open()
        if self.primary and not self._script:
            return self._out([self._connect()])
        return []

    # What is said

    def turn(self, heard):
        """The next messages: answers to what was heard, or something of one's own."""
        dice, said = self.dice, []
        for octets in heard:
            if self._hearing.read(octets, 0, len(octets)) or (self._seal and self._seal.check(self._hearing)):
                continue
            if not self._script:
                said.extend(self._answer(octets))
        if self._script:
            n = 1 + dice.below(12)
            said, self._script = self._script[:n], self._script[n:]
        elif not said or dice.one_in(4):
            said.extend([self._word() for _ in range(1 + dice.below(3))])
        return self._out(said)

    def flood(self):
        """Many of the same, all of them right."""
        word = self.dice.pick((self._contact, self._update, self._poolreq, self._request_all, self._ordinary_state))
        n = self.dice.pick((30, 100, 250))
        said = []
        for _ in range(n):
            said.extend(self._out([word()], False))
        return said

    def _out(self, said, may_spoil=True):
        """Spoil, repeat, exchange, leave out; and sign, where there is a key."""
        dice = self.dice
        one_in = (40, 5, 2)[self.manner]
        out = []
        for octets in said:
            before = may_spoil and dice.one_in(one_in)
            if before and (not self._seal or dice.one_in(2)):
                octets = spoil(dice, octets)
                before = False
            if self._seal and not (may_spoil and dice.one_in(30)):
                octets = self._sealed(octets)
            if before:
                octets = spoil(dice, octets)
            if may_spoil and dice.one_in(4 * one_in):
                continue
            out.append(octets)
            if may_spoil and dice.one_in(4 * one_in):
                out.append(octets)
        if len(out) > 1 and may_spoil and dice.one_in(2 * one_in):
            at = dice.below(len(out) - 1)
            out[at], out[at + 1] = out[at + 1], out[at]
        return out

    def _sealed(self, octets):
        if len(octets) < 12:
            return octets
        buf = bytearray(octets) + bytes(64)
        end = self._seal.sign(buf, 0, len(octets))
        return bytes(buf[:end]) if end > 0 else octets

    def _unix(self):
        return self.now + self.skew + EPOCH

    def _time(self):
        return max(self.now + self.skew, 0)

    def _next_xid(self):
        self.xid += 1
        return self.xid - 1

    def _written(self):
        out = bytes(self._writer.buf[: self._writer.end])
        self._writer.clear()
        return out

    def _answer(self, octets):
        """What a partner says to this message."""
        dice, kind = self.dice, octets[2]
        xid = int.from_bytes(octets[8:12], "big")
        if kind == w.CONNECT and not self.primary:
            return [self._connectack(octets), self._ordinary_state()]
        if kind == w.CONNECTACK and self.primary:
            self.linked = True
            return [self._ordinary_state()]
        if kind == w.BNDUPD:
            return [self._ack(octets, xid)] if dice.below(16) else []
        if kind in (w.UPDREQ, w.UPDREQALL):
            updates = [self._update() for _ in range(dice.below(12))]
            done = message(w.UPDDONE, xid if dice.below(8) else dice.pick(_XIDS), self._unix(), [])
            return updates + ([done] if dice.below(5) else [])
        if kind == w.POOLREQ:
            return [message(w.POOLRESP, xid, self._unix(), [(1, number(dice.below(3)))])]
        if kind == w.STATE and dice.one_in(2):
            states = dict(options_of(octets))
            theirs = states.get(w.SERVER_STATE, b"\1")[0]
            self.state = _FOLLOWS.get(theirs, theirs) if dice.below(4) else self.state
            return [self._ordinary_state()]
        return []

    def _word(self):
        """Something that nobody asked for."""
        dice = self.dice
        way = dice.below(24)
        if way < 9:
            return self._update()
        if way < 12:
            return self._contact()
        if way < 15:
            return self._any_state()
        if way == 15:
            return self._poolreq()
        if way == 16:
            return self._request_all()
        if way == 17:
            return message(w.UPDREQ, self._next_xid(), self._unix(), [])
        if way == 18:
            return message(w.UPDDONE, dice.pick(_XIDS), self._unix(), [])
        if way == 19:
            return message(w.POOLRESP, dice.pick(_XIDS), self._unix(), [(1, number(dice.pick((0, 1, 20, 1 << 31))))])
        if way == 20:
            return message(w.BNDACK, dice.pick(_XIDS), self._unix(), [(2, dice.pick(self.addresses))])
        if way == 21:
            return self._connect()
        if way == 22 and dice.one_in(3):
            return message(w.DISCONNECT, self._next_xid(), self._unix(), [(21, bytes((dice.below(23),)))])
        return dice.pick(dice.pick(self.conversations))

    def _contact(self):
        return message(w.CONTACT, self._next_xid(), self._unix(), [])

    def _poolreq(self):
        return message(w.POOLREQ, self._next_xid(), self._unix(), [])

    def _request_all(self):
        return message(w.UPDREQALL, self._next_xid(), self._unix(), [])

    def _state_of(self, state, flags, stos):
        told = [(w.SERVER_STATE, bytes((state,))), (w.SERVER_FLAGS, bytes((flags,)))]
        return message(w.STATE, self._next_xid(), self._unix(), told + [(w.START_TIME_OF_STATE, number(stos))])

    def _ordinary_state(self):
        return self._state_of(self.state, 0, self._unix() - 100)

    def _any_state(self):
        dice = self.dice
        if dice.below(3):
            self.state = dice.pick(_STATES) if dice.below(6) else dice.below(256)
        stos = self._unix() - dice.below(1000) if dice.below(3) else dice.pick(_UNIX_TIMES)
        return self._state_of(self.state, dice.pick((0, 0, 0, 1, 255)), stos)

    def _hello(self):
        dice, out = self.dice, bytearray(HELLO_SIZE)
        board = dice.pick((b"board--A", b"board--B", b"board--X", bytes(8)))
        self.boots += dice.below(2)
        put_hello(out, dice.below(8), board, self.boots, dice.pick((b"board--A", b"board--B", bytes(8))))
        return bytes(out)

    def _limits(self):
        dice = self.dice
        unacked = dice.pick((10, 10, 10, 24, 1, 0, 32, 1000))
        return NAME, unacked, dice.pick((10, 10, 60, 1, 0, 86401))

    def _connect(self):
        dice = self.dice
        name, unacked, timer = self._limits()
        mclt = dice.pick((60, 60, 60, 60, 1, 0, 3600, 86400 * 30, 86400 * 31))
        self._writer.xid = min(self._next_xid() & 0xFFFFFFFF, 0x3FFFFFFF)
        hello = self._hello() if self.twin else b""
        agree = dice.octets(24) if self.twin and dice.one_in(3) else b""
        split = dice.pick((128, 128, 0, 256, 200))
        assert self._writer.connect(
            self._time(), name, unacked, timer, b"fuzz", mclt, balance.hba_of_split(split), hello, agree
        )
        return self._written()

    def _connectack(self, asked):
        dice = self.dice
        name, unacked, timer = self._limits()
        hello = self._hello() if self.twin else b""
        if dice.one_in(12):
            reason = dice.pick((4, 8, 7, 5, 18, 20, 21, 0, 255))
            text = dice.pick((b"no", b"", b"%s\r\n\xff", b"t" * 300))
            assert self._writer.connectack_reject(self._time(), asked, 8, name, unacked, timer, b"fuzz", reason, text)
            return self._written()
        assert self._writer.connectack(self._time(), asked, 8, name, unacked, timer, b"fuzz", True, hello, b"")
        self.linked = True
        return self._written()

    def _ack(self, octets, xid):
        dice = self.dice
        told = dict(options_of(octets))
        address = told.get(2, bytes(4))
        answer = [(2, address)]
        if dice.one_in(8):
            answer.append((21, bytes((dice.pick((1, 2, 3, 6, 15, 16, 0)),))))
            answer.append((16, dice.pick((b"no", b"", b"\xff" * 40))))
        return message(w.BNDACK, xid, self._unix(), answer)

    def _update(self):
        """What a partner may say of an address: most of it makes sense."""
        dice = self.dice
        address = dice.pick(self.addresses) if dice.below(12) else dice.octets(4)
        status = dice.pick((1, 2, 2, 2, 2, 3, 4, 5, 6, 7, 7, 0, 8, 9)) if dice.below(3) else dice.pick((1, 2, 7))
        told = [(w.ASSIGNED_IP_ADDRESS, address), (w.BINDING_STATUS, bytes((status,)))]
        client = dice.below(40)
        if status in (2, 3, 4) or dice.one_in(3):
            if client % 3 == 0:
                told.append((w.CLIENT_IDENTIFIER, dice.stretch(dice.pick((1, 2, 7, 32, 33, 255)))))
            hw = bytes((1, 2, 0, 0, 0, client, 7)) if dice.below(8) else dice.octets(dice.pick((1, 2, 17, 21, 22)))
            told.append((w.CLIENT_HARDWARE_ADDRESS, hw))
        at = self._unix()
        for code in (13, 18, 25, 6):
            if dice.below(10):
                t = at + dice.below(1200) - 600 if dice.below(10) else dice.pick(_UNIX_TIMES)
                told.append((code, number(t)))
        if dice.one_in(10):
            told.append((w.IP_FLAGS, number(dice.below(8), 2)))
        if dice.one_in(8):
            told.append((dice.pick((0x5402, 0x5403, 0x5404)), dice.stretch(dice.pick((0, 1, 20, 63, 64, 200)))))
        return message(w.BNDUPD, self._next_xid(), at, told)
