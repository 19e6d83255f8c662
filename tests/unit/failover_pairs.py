"""Two failover endpoints, a link that can break, and every order in which things can happen.  CPython and MicroPython.

An endpoint is anything with a `step` like that of states.py: ours, or Isc, a
model of ISC dhcpd made from the reference's tables.  `explore` walks all worlds
that a bounded number of faults can lead to, and `judge` looks at where they go
once faults have stopped.

Left out: leases (an UPDREQ is answered by UPDDONE at once), and time.  What must
wait for MCLT waits for an event that may come at any moment.
"""

from collections import namedtuple

from failover_tables import ISC_RUNNING, ISC_STARTUP
from twinlease.failover import endpoint, memory, words
from twinlease.failover import states as s

N, CI, PD, PC, RI, CD = (
    s.NORMAL,
    s.COMMUNICATIONS_INTERRUPTED,
    s.PARTNER_DOWN,
    s.POTENTIAL_CONFLICT,
    s.RESOLUTION_INTERRUPTED,
    s.CONFLICT_DONE,
)
R, RW, RD, PA, SD, ST, U = s.RECOVER, s.RECOVER_WAIT, s.RECOVER_DONE, s.PAUSED, s.SHUTDOWN, s.STARTUP, s.UNKNOWN
EXITED = 99  # where an ISC's process has ended

NOW = 1000
MCLT = 60
WIRE_MAX = 7  # messages on their way in one direction; worlds with more are not looked into, and counted


# A side: its record; how many requests wait for their UPDDONE; whether an operator or a timer declared the partner down,
# since all was well.
Side = namedtuple("Side", ("record", "asked", "declared"))
# A world: the sides, what is on the wire to each of them, whether the wire is whole, how many faults have been.
World = namedtuple("World", ("sides", "wires", "whole", "faults"))

REQUEST, DONE = "?", "!"


class Isc:
    """ISC dhcpd's machine in the shape of states.step: reference sections 4.2 to 4.6."""

    @staticmethod
    def step(record, event, arg, now):
        do = []
        if record.state == EXITED:
            return record, ()
        if event == s.START:
            saved = R if record.resume == EXITED else record.resume
            record = endpoint.altered(record, state=ST, resume=saved, linked=False, heard=0, asked_all=False)
        elif event == s.CONNECTED:
            record = endpoint.altered(record, linked=True, heard=0)
            Isc._say(record, do)
        elif event == s.LINK_LOST:
            record = endpoint.altered(record, linked=False)
            record = Isc._enter(record, {N: CI, PC: RI}.get(record.resume, record.resume), now, do)
        elif event == s.STARTUP_TIMEOUT:
            if record.state == ST:
                record = Isc._enter(record, {N: CI, PC: RI}.get(record.resume, record.resume), now, do)
        elif event in (s.HEARD, s.HEARD_STARTING):
            record = Isc._heard(record, arg, event == s.HEARD_STARTING, now, do)
        elif event == s.UPDDONE:
            record = Isc._upddone(record, now, do)
        elif event == s.WAIT_OVER:
            if record.state == RW:
                record = Isc._enter(record, RD, now, do)
        elif event == s.SAYS_PARTNER_DOWN:
            record = Isc._enter(record, PD, now, do)
        return record, tuple(do)

    @staticmethod
    def _heard(record, partner, starting, now, do):
        own, was = record.resume, record.partner
        record = endpoint.altered(record, partner=partner, heard=1)
        if record.state == ST:
            if partner == was:
                cell = PC if own == RI else own
            else:
                cell = own if own == PD and starting else ISC_STARTUP[own][partner]
            return Isc._enter(record, cell, now, do)
        if partner == was and own in (N, PC, RW, RD):
            return record
        cell = own if own == PD and starting else ISC_RUNNING[own][partner]
        if cell == s.REQUEST_ALL:
            return Isc._ask_all(record, do)
        if cell == s.REQUEST:
            if was == PC:
                do.append((s.ASK_ALL if record.asked_all else s.ASK,))
            return record
        return record if cell == own else Isc._enter(record, cell, now, do)

    @staticmethod
    def _upddone(record, now, do):
        record = endpoint.altered(record, asked_all=False)
        if record.state == R:
            waits = record.served_until + MCLT > now and record.partner not in (R, RD)
            return Isc._enter(record, RW if waits else RD, now, do)
        if record.state == PC and record.primary:
            return Isc._enter(record, SD if record.partner == CD else CD, now, do)
        if record.state == PC and record.partner == CD:
            return Isc._enter(record, N, now, do)
        return record

    @staticmethod
    def _enter(record, state, now, do):
        if state == record.state:
            return record
        record = endpoint.altered(record, state=state, resume=state)
        if state == EXITED:
            return record
        if record.linked:
            Isc._say(record, do)
        if state == PC and (record.primary or record.partner == CD):
            do.append((s.ASK_ALL if record.asked_all else s.ASK,))
        elif state == R and record.linked:
            record = Isc._ask_all(record, do)
        elif state == RW and record.served_until + MCLT <= now:
            return Isc._enter(record, RD, now, do)
        return record

    @staticmethod
    def _ask_all(record, do):
        do.append((s.ASK_ALL,))
        return endpoint.altered(record, asked_all=True)

    @staticmethod
    def _say(record, do):
        vetoed = record.partner in (PD, PC, RI, CD)
        do.append((s.SAY, record.resume, record.state == ST and not vetoed, 0))


def fresh(primary):
    """A server that has just started for the first time."""
    return s.step(memory.first(primary, MCLT, NOW), s.START, NOW, NOW)[0]


def plain(record):
    """The record without what only time changes, or two worlds would never be the same."""
    served = NOW if record.state in s.SERVING or record.resume in s.SERVING else record.served_until
    return endpoint.altered(record, stos=0, served_until=served)


def act(kinds, world, i, event, arg=0, fault=0):
    """The world after an event at side i."""
    side = world.sides[i]
    record, do = kinds[i].step(side.record, event, arg, NOW)
    asked = side.asked
    wire = list(world.wires[1 - i])
    for action in do:
        if action[0] == s.SAY and world.whole:
            wire.append((action[1], bool(action[2])))
        elif action[0] in (s.ASK, s.ASK_ALL) and record.linked:
            asked += 1
            if world.whole:
                wire.append((REQUEST,))
    if event in (s.LINK_LOST, s.START):
        asked = 0
    declared = side.declared or event in (s.SAYS_PARTNER_DOWN, s.AUTO_PARTNER_DOWN)
    sides, wires = list(world.sides), list(world.wires)
    sides[i] = Side(plain(record), asked, declared)
    wires[1 - i] = tuple(wire)
    after = World(tuple(sides), tuple(wires), world.whole, world.faults + fault)
    if is_well(after):
        return World(tuple([Side(side.record, side.asked, False) for side in sides]), after.wires, True, after.faults)
    return after


def deliver(kinds, world, i):
    """The world after the first message on the wire to side i arrives."""
    message = world.wires[i][0]
    wires = list(world.wires)
    wires[i] = wires[i][1:]
    if message == (REQUEST,):
        wires[1 - i] = wires[1 - i] + ((DONE,),)
        return World(world.sides, tuple(wires), world.whole, world.faults)
    world = World(world.sides, tuple(wires), world.whole, world.faults)
    side = world.sides[i]
    if message != (DONE,):
        return act(kinds, world, i, s.HEARD_STARTING if message[1] else s.HEARD, message[0])
    if side.asked != 1:  # UPDDONE carries the xid of one request; only that of the latest counts
        sides = list(world.sides)
        sides[i] = Side(side.record, max(side.asked - 1, 0), side.declared)
        return World(tuple(sides), world.wires, world.whole, world.faults)
    sides = list(world.sides)
    sides[i] = Side(side.record, 0, side.declared)
    return act(kinds, World(tuple(sides), world.wires, world.whole, world.faults), i, s.UPDDONE)


def goes_on(kinds, world):
    """(what, world) for all that happens without another fault."""
    first, second = world.sides[0].record, world.sides[1].record
    quiet = world.wires == ((), ())  # no word is under way for as long as MCLT, nor, with an ISC, for 15 s
    for i in (0, 1):
        record = world.sides[i].record
        if world.wires[i]:
            yield "deliver %d" % i, deliver(kinds, world, i)
        if record.linked and not world.whole:
            yield "notice %d" % i, act(kinds, world, i, s.LINK_LOST)
        if record.state == ST and (quiet or Isc not in kinds):
            yield "timeout %d" % i, act(kinds, world, i, s.STARTUP_TIMEOUT)
        if record.state == RW and quiet:
            yield "wait over %d" % i, act(kinds, world, i, s.WAIT_OVER)
        if record.state in (PA, SD) and kinds[i] is s:
            yield "resume %d" % i, act(kinds, world, i, s.SAYS_RESUME)
    if not first.linked and not second.linked:
        linked = World(world.sides, ((), ()), True, world.faults)
        yield "connect", act(kinds, act(kinds, linked, 0, s.CONNECTED), 1, s.CONNECTED)


def goes_wrong(kinds, world, operators):
    """(what, world) for each fault, and each thing that an operator may do."""
    if world.whole:
        yield "cut", World(world.sides, ((), ()), False, world.faults + 1)
    for i in (0, 1):
        record = world.sides[i].record
        cut = World(world.sides, ((), ()), False, world.faults)
        if record.state != ST:
            yield "restart %d" % i, act(kinds, cut, i, s.START, NOW, 1)
            sides = list(cut.sides)
            sides[i] = Side(memory.first(record.primary, MCLT, NOW), 0, False)
            lost = World(tuple(sides), cut.wires, False, cut.faults)
            yield "lose all %d" % i, act(kinds, lost, i, s.START, NOW, 1)
        for event in operators:
            if record.linked and Isc in kinds:
                continue
            after = act(kinds, world, i, event, 0, 1)
            if after.sides[i].record.state != record.state:
                yield "event %d at %d" % (event, i), after


def explore(kinds, faults, operators=(s.SAYS_PARTNER_DOWN,)):
    """(worlds, edges, left out): every world within that many faults, and for each what it goes on to without one."""
    start = World((Side(plain(fresh(True)), 0, False), Side(plain(fresh(False)), 0, False)), ((), ()), False, 0)
    edges, waiting, left_out = {start: None}, [start], 0
    via = {start: None}
    while waiting:
        world = waiting.pop()
        on = list(goes_on(kinds, world))
        wrong = list(goes_wrong(kinds, world, operators)) if world.faults < faults else []
        for what, after in on + wrong:
            if after in edges:
                continue
            if len(after.wires[0]) > WIRE_MAX or len(after.wires[1]) > WIRE_MAX:
                left_out += 1
                continue
            edges[after] = None
            via[after] = (world, what)
            waiting.append(after)
        edges[world] = [after for _, after in on]
    return edges, via, left_out


def is_well(world):
    return (
        world.whole
        and all(side.record.state == N and side.record.linked and side.record.partner == N for side in world.sides)
        and world.wires == ((), ())
    )


def stuck(edges):
    """Worlds from which no way leads to both in NORMAL, though nothing fails any more."""
    back = {}
    for world in edges:
        for after in edges[world]:
            if after in edges:
                back.setdefault(after, []).append(world)
    waiting = [world for world in edges if is_well(world)]
    good = set(waiting)
    while waiting:
        for before in back.get(waiting.pop(), ()):
            if before not in good:
                good.add(before)
                waiting.append(before)
    return [world for world in edges if world not in good]


def story(via, world):
    """How a world came about, for a person."""
    lines = []
    while world is not None:
        told = []
        for side in world.sides:
            r = side.record
            told.append(
                "%s%s/%s" % (short(r.state), "(%s)" % short(r.resume) if r.state == ST else "", short(r.partner))
            )
        came = via[world]
        lines.append("%-12s %s wires %s" % (came[1] if came else "", " ".join(told), world.wires))
        world = came[0] if came else None
    return "\n".join(reversed(lines))


def short(state):
    return "EXITED" if state == EXITED else words.NAMES[state]
