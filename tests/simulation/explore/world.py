"""A small world: what can happen in it, and what must hold.

    world = World(boards)              two servers, a wire between them, two clients, one address
    for what, after, cost in world.events(image, limits): …       each thing that can happen next
    world.wrong(image)                 what must never be, in words; "" if all is well

An image is a tuple: both servers', what is on the wire to each of them, whether the wire is whole, what each client
believes, the true time, and what has been used up of the limits.

Of what an operator may do only PARTNER-DOWN is here, and he is right: the partner is switched off, and when it is
switched on again the wire between them is whole until it has heard.  One who is wrong (`liars`) makes two servers
give out the same address, which is what PARTNER-DOWN means: with such operators only the way back to NORMAL is looked at.

Time goes on in steps of half an MCLT or so, and only when nothing is on its way and nobody holds on to a link that
is gone: a message is not late for longer than max-response-delay, and a connection is dialled within five seconds.
"""

from collections import namedtuple

from twinlease.clock import FOREVER
from twinlease.failover import endpoint, words

from .board import MCLT, OLD, is_answer, message_key, parse

START = 216_000_000  # November 2026, project seconds
NAMES = ("primary", "secondary")
CLIENTS = ("X", "Y")
_WIRE_MAX = 12
OFF_S = 2  # seconds by which two clocks may be read differently

Image = namedtuple("Image", ("sides", "wires", "whole", "beliefs", "true", "faults", "acts", "down", "lied"))
# down: who has been declared down, and has not been heard since: 1 the primary, 2 the secondary


class Clock:
    def __init__(self):
        self.true = START
        self.up = 1000


class Limits:
    """What may happen, and how often.

    faults    the wire is cut, a server loses power.  That another board takes its place, and PARTNER-DOWN while it is
              off, cost nothing more
    acts      REQUEST and RELEASE of clients that change something
    both      look at messages of the two directions in every order; else the primary's come first
    """

    def __init__(self, faults, acts, both=False, liars=False, replaced=True, step_s=MCLT // 2, boots_cut=True):
        self.faults, self.acts, self.both, self.liars, self.replaced, self.step_s = (
            faults, acts, both, liars, replaced, step_s
        )  # fmt: skip


class Wrong(Exception):
    """A safety property does not hold."""


class World:
    def __init__(self, one, other, limits):
        self.boards = (one, other)
        self.limits = limits
        self.clock = Clock()

    # Images

    def take(self, image):
        """Make the boards what they are in the image."""
        self.clock.true = image.true
        self.clock.up = 1000 + (image.true - START) * 10
        for i in (0, 1):
            self.boards[i].restore(image.sides[i])
        self.wires = [list(image.wires[0]), list(image.wires[1])]
        self.whole, self.beliefs = image.whole, list(image.beliefs)
        self.faults, self.acts, self.down, self.lied = image.faults, image.acts, image.down, image.lied

    def image(self):
        for i in (0, 1):
            self._collect(i)
        return Image(
            (self.boards[0].image(), self.boards[1].image()),
            (tuple(self.wires[0]), tuple(self.wires[1])),
            self.whole,
            tuple(self.beliefs),
            self.clock.true,
            self.faults,
            self.acts,
            self.down,
            self.lied,
        )

    def first(self):
        """Both servers are new, and off."""
        self.clock = Clock()
        self.wires, self.whole, self.beliefs = [[], []], True, [0, 0]
        self.faults = self.acts = self.down = 0
        self.lied = False
        for board in self.boards:
            board.replace()
            board.name = 0
        return self.image()

    def key(self, image):
        """Equal keys, same future.  The boards must be what they are in the image."""
        true = image.true
        olds = []

        def collect(t):
            if 0 < t < true - OLD:
                olds.append(t)
            return (t - true,) if 0 < t < FOREVER else t

        def time(t):
            if t <= 0 or t >= FOREVER:
                return t
            if t < true - OLD:
                return rank[t] - 1_000_000
            return (t - true,)

        xids = ({}, {})
        for i in (0, 1):
            alive = set(self.boards[i].own_xids()) if self.boards[i].on else set()
            alive.update(parse(m)[1] for m in self.wires[1 - i] if not is_answer(m))
            alive.update(parse(m)[1] for m in self.wires[i] if is_answer(m))
            if self.boards[1 - i].on:
                alive.update(self.boards[1 - i].partners_xids())
            for n, xid in enumerate(sorted(alive)):
                xids[i][xid] = n
        rank = {}
        for again in (collect, time):
            parts = []
            for i in (0, 1):
                ahead = self.boards[i].ahead

                def at(t, ahead=ahead, again=again):
                    return again(t - ahead if 0 < t < FOREVER else t)

                parts.append(
                    self.boards[i].key(
                        at, true + ahead, lambda x, i=i: xids[i].get(x, -2), lambda x, i=i: xids[1 - i].get(x, -2)
                    )
                )
                wire = []
                for m in self.wires[1 - i]:  # what i has said
                    who = 1 - i if is_answer(m) else i
                    wire.append(message_key(m, at, lambda x, who=who: xids[who].get(x, -2)))
                parts.append(tuple(wire))
            if not olds:
                break
            if again is collect:
                rank = {t: n for n, t in enumerate(sorted(set(olds)))}
        beliefs = tuple([max(t - true, 0) for t in image.beliefs])
        return hash((tuple(parts), image.whole, beliefs, image.faults, image.acts, image.down, image.lied))

    # What happens

    def _collect(self, i):
        board = self.boards[i]
        if board.on and board.linked and self.whole:
            self.wires[1 - i].extend(board.said())
        else:
            board.said()

    def possible(self, image):
        """(good, (method, …)) of all that may happen; good: it needs no fault and no client.  The boards are what it says."""
        b, limits = self.boards, self.limits
        todo = []
        on = [board.on for board in b]
        linked = [board.linked for board in b]
        busy = False
        for i in (0, 1):
            if image.wires[i] and linked[i]:
                if limits.both or not busy:
                    todo.append((True, (self.deliver, i)))
                busy = True
        for i in (0, 1):
            if linked[i] and not (self.whole and linked[1 - i]):
                todo.append((True, (self.notice, i)))
                busy = True
        if not self.whole and not any(linked):  # TCP loses nothing of a gap that nobody notices
            todo.append((True, (self.heal,)))
        for i in (0, 1):
            if not on[i] and (not self.down >> i & 1 or limits.liars or (self.whole and on[1 - i])):
                todo.append((True, (self.boot, i)))
        if self.whole and all(on) and not any(linked):
            todo.append((True, (self.connect,)))
            busy = True
        if not busy:
            todo.append((True, (self.wait,)))
        self._operator(todo, on, image.faults < limits.faults)
        if image.faults < limits.faults:
            # While somebody is on who was declared down and has not heard, the wire and the one who serves stay.
            listens = [on[i] and self.down >> i & 1 and not limits.liars for i in (0, 1)]
            if self.whole and not any(listens):
                todo.append((False, (self.cut,)))
            for i in (0, 1):
                if on[i] and not listens[1 - i]:
                    todo.append((False, (self.crash, i)))
        if image.acts < limits.acts:
            for i in (0, 1):
                for c in (0, 1):
                    if on[i]:
                        todo.append((False, (self.request, c, i)))
                        if image.beliefs[c] > image.true:
                            todo.append((False, (self.release, c, i)))
        return todo

    def _operator(self, todo, on, more):
        for i in (0, 1):
            board = self.boards[i]
            if on[i] and not board.linked and board.state != endpoint.PARTNER_DOWN:
                right = not on[1 - i] and not self._empty_handed(i) and not self.down >> i & 1
                if right or (self.limits.liars and more):
                    todo.append((False, (self.partner_down, i)))
            elif not on[i] and self.limits.replaced and (board.meta or board.flash):
                todo.append((False, (self.replace, i)))

    def _empty_handed(self, i):
        """It has no data, and somebody still has a lease: whoever says PARTNER-DOWN now has not waited."""
        return self.boards[i].lacks_data() and max(self.beliefs) > self.clock.true

    def deliver(self, i):
        message = self.wires[i].pop(0)
        self.boards[i].hear(message, self.clock)
        if self.boards[i].closes:
            self._collect(i)
            self.boards[i].lose(self.clock)
        self._heard(i)

    def _heard(self, i):
        """Who was declared down has heard that, or is being heard: the operator's word has been taken up."""
        if self.down & 1 << i and self.boards[i].partner == endpoint.PARTNER_DOWN:
            self.down &= ~(1 << i)
        if self.down & 1 << i and self.boards[1 - i].on and self.boards[1 - i].state != endpoint.PARTNER_DOWN:
            self.down &= ~(1 << i)

    def notice(self, i):
        self.wires[i] = []
        self.boards[i].lose(self.clock)

    def cut(self):
        self.whole = False
        self.wires = [[], []]
        self.faults += 1

    def heal(self):
        self.whole = True

    def crash(self, i):
        self.boards[i].crash()
        self.wires = [[], []]
        self.faults += 1

    def replace(self, i):
        self.boards[i].replace()

    def boot(self, i):
        self.boards[i].start(self.clock)

    def connect(self):
        """A connection comes about, and CONNECT and CONNECTACK go through."""
        for board in self.boards:
            board.dial(self.clock)
        one, other = self.boards
        other.hear(one.said()[0], self.clock)
        answer = other.said()
        if answer:
            one.hear(answer[0], self.clock)
        if not (one.linked and other.linked):
            raise Wrong("they do not accept each other")
        self.wires = [answer[1:], []]

    def wait(self):
        self.clock.true += self.limits.step_s
        for tenths in (0, 1):
            self.clock.up = 1000 + (self.clock.true - START) * 10 + tenths
            for board in self.boards:
                if board.on:
                    board.tick(self.clock)

    def partner_down(self, i):
        wrong = self.boards[1 - i].on or self._empty_handed(i)
        if self.boards[i].partner_down(self.clock):
            if wrong:
                self.faults += 1
                self.lied = True
            else:
                self.down |= 1 << (1 - i)

    def request(self, c, i):
        board, clock = self.boards[i], self.clock
        held = self.beliefs[c] > clock.true
        other = self.boards[1 - i]
        agreed = other.promised() - other.ahead if other.promised() > 0 else 0
        seconds = board.request(c, clock)
        if seconds > 0:
            self.acts += 1
            self.beliefs[c] = clock.true + seconds
            if self.limits.liars:
                return
            if seconds > MCLT + OFF_S and clock.true + seconds > agreed + MCLT + OFF_S and not self._forgot(1 - i):
                left = "%d" % (agreed - clock.true) if agreed else "nothing"
                raise Wrong("the %s grants %d s; its partner has agreed to %s" % (NAMES[i], seconds, left))
            if self.beliefs[1 - c] > clock.true:
                raise Wrong("%s and %s have the same address" % CLIENTS)
        elif seconds < 0 and held and not self.limits.liars:
            raise Wrong("%s is refused, though its lease lasts for %d s" % (CLIENTS[c], self.beliefs[c] - clock.true))

    def _forgot(self, i):
        return self.boards[i].name > 0

    def release(self, c, i):
        if self.boards[i].release(c, self.clock):
            self.acts += 1
            self.beliefs[c] = 0

    # What must hold

    def wrong(self):
        """Of the boards as they are: what must never be, or ""."""
        if self.limits.liars:
            return ""
        gives = [board.on and board.may_give(self.clock) for board in self.boards]
        if all(gives):
            return "both servers may give the same address to whoever asks"
        for i in (0, 1):
            for c in (0, 1):
                if gives[i] and self.beliefs[c] > self.clock.true:
                    return "the %s may give away the address that %s has for another %d s" % (
                        NAMES[i], CLIENTS[c], self.beliefs[c] - self.clock.true,
                    )  # fmt: skip
        return ""

    def well(self):
        """Both in NORMAL, nothing owed, and the tables the same."""
        b = self.boards
        return (
            self.whole
            and all(board.on and board.settled() for board in b)
            and not self.wires[0]
            and not self.wires[1]
            and b[0].fact() == b[1].fact()
        )

    # In words

    def tell(self, what, image):
        """What has happened, and where that has led to."""
        self.take(image)
        sides = []
        for i in (0, 1):
            board = self.boards[i]
            sides.append("%s %s" % (NAMES[i], board.story(image.true) if board.on else "off"))
        held = [
            "%s %d s" % (CLIENTS[c], image.beliefs[c] - image.true) for c in (0, 1) if image.beliefs[c] > image.true
        ]
        return "%5d s  %-46s %s; %s%s" % (
            image.true - START, self.words_of(what), "; ".join(sides), "held by " + " and ".join(held) if held else "nobody holds it",
            "" if not image.wires[0] and not image.wires[1] else "; on the wire %d and %d" % tuple(map(len, image.wires)),
        )  # fmt: skip

    def words_of(self, what):
        if what is None:
            return "the beginning"
        name, args = what[0].__name__, what[1:]
        if name == "deliver":
            return "a message reaches the %s" % NAMES[args[0]]
        if name == "request":
            return "%s asks the %s" % (CLIENTS[args[0]], NAMES[args[1]])
        if name == "release":
            return "%s gives its address back to the %s" % (CLIENTS[args[0]], NAMES[args[1]])
        sentences = {
            "notice": "the %s notices that the link is gone",
            "cut": "the wire is cut",
            "heal": "the wire is whole again",
            "crash": "the %s loses power",
            "replace": "another board takes the place of the %s",
            "boot": "the %s starts",
            "connect": "they connect",
            "wait": "time passes",
            "partner_down": "the operator at the %s says that its partner is down",
        }
        return sentences[name] % NAMES[args[0]] if args else sentences[name]


def state_name(state):
    return words.NAMES[state]
