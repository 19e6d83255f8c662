"""Breadth first over all worlds that a bounded number of faults and acts can lead to, and back from where all is well.

found = explore(world, settled(world))     a Found: how many worlds, and what is wrong in the nearest, if anything is
"""

from collections import deque, namedtuple

from .world import Wrong

# states, edges: how many worlds, and ways from one to another; wells: worlds in which all is well; depth: events to the
# farthest; problem: in words, "" if all is in order; trace: the shortest way there, a line for each event.
Found = namedtuple("Found", ("states", "edges", "wells", "depth", "problem", "trace"))


def explore(world, first, most=None):
    """Every world from `first`, an image, on.

    Ends with the first world in which something is wrong, which is as near as can be;
    else with one that leads nowhere.  `most`: give up after that many.
    """
    world.take(first)
    numbers = {world.key(first): 0}
    waiting = deque([first])  # images of those that have not been looked at; of the others it is known how to get there
    via = [None]  # for each world (number of the one before, event)
    ahead = []  # for each world: where it leads without a fault
    wells = []
    depth = [0]
    edges = n = 0

    def found(problem="", lines=()):
        return Found(len(via), edges, len(wells), depth[-1], problem, "\n".join(lines))

    while waiting:
        image = waiting.popleft()
        on = []
        world.take(image)
        if world.well():
            wells.append(n)
        for good, event in world.possible(image):
            world.take(image)
            try:
                event[0](*event[1:])
                wrong = world.wrong()
            except (Wrong, AssertionError) as e:
                wrong = str(e) or repr(e)
            if wrong:
                return found(wrong, _trace(world, first, via, n, event))
            after = world.image()
            key = world.key(after)
            number = numbers.get(key)
            edges += 1
            if number is None:
                number = numbers[key] = len(via)
                waiting.append(after)
                via.append((n, event))
                depth.append(depth[n] + 1)
                if most and number >= most:
                    return found("more than %d worlds" % most)
            if good:
                on.append(number)
        ahead.append(on)
        n += 1
    lost = _lost(ahead, wells)
    if lost >= 0:
        return found("from here NORMAL is never reached again", _trace(world, first, via, *(via[lost] or (0, None))))
    return found()


def settled(world, given=0):
    """An image in which both are in NORMAL and have nothing to say; the address is on the list of side `given`."""
    image = calm(world, world.first())
    if given:
        world.take(image)
        world.request(1, 0)  # its last client is the secondary's, so the primary hands it on
        image = calm(world, world.image())
        world.take(image)
        world.release(1, 0)
    return calm(world, world.image(), 10)._replace(acts=0)


def calm(world, image, steps=0):
    """Later: when all that goes on by itself has gone on, and so many steps of time after that."""
    while True:
        world.take(image)
        event = next(event for good, event in world.possible(image) if good)
        if event[0] == world.wait and world.well():
            steps -= 1
            if steps < 0:
                return image
        event[0](*event[1:])
        image = world.image()


def _lost(ahead, wells):
    """The first world from which no way leads to a well one, -1 if there is none."""
    back = [[] for _ in ahead]
    for n, on in enumerate(ahead):
        for number in on:
            back[number].append(n)
    good = bytearray(len(ahead))
    waiting = list(wells)
    for n in wells:
        good[n] = 1
    while waiting:
        for n in back[waiting.pop()]:
            if not good[n]:
                good[n] = 1
                waiting.append(n)
    return good.find(0)


def _trace(world, image, via, n, last):
    """The way to world n, and one event more, in words."""
    events = [last]
    while via[n]:
        n, event = via[n]
        events.append(event)
    lines = [world.tell(None, image)]
    for event in reversed(events):
        if event:
            world.take(image)
            try:
                event[0](*event[1:])
            except (Wrong, AssertionError):
                pass  # that is what is being told
            image = world.image()
            lines.append(world.tell(event, image))
    return lines
