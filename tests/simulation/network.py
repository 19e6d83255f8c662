"""The virtual network: datagrams that are late, lost, doubled, or out of order; TCP that breaks, stalls and heals.

Places are names: the servers', and those of the networks where clients are.  `cut` holds the ways (from, to)
that nothing passes; a datagram that is on its way when the cut comes is lost, octets of TCP wait for it to heal.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .loop import Loop, wake

_SEND_BUFFER = 4096
_RETRANSMISSION_MS = (200, 1600)


@dataclass
class Weather:
    """What happens to what is sent; probabilities of 1."""

    least_ms: int = 1
    most_ms: int = 5
    loss: float = 0.0
    doubled: float = 0.0
    held_up: float = 0.0
    """Comes up to two seconds late, behind what was sent after it."""
    pieces: float = 0.2
    """TCP: what was written at once arrives in pieces."""


class Network:
    def __init__(self, loop: Loop, rng: random.Random) -> None:
        self.loop = loop
        self.rng = rng
        self.weather = Weather()
        self.cut: set[tuple[str, str]] = set()
        self.connections: list[Connection] = []
        self.datagrams = 0

    def is_open(self, here: str, there: str) -> bool:
        return (here, there) not in self.cut

    def datagram(self, here: str, there: str, arrive: Callable[..., Any], *args: Any) -> None:
        """One datagram: calls arrive(*args) never, once or twice."""
        rng, weather = self.rng, self.weather
        self.datagrams += 1
        if (here, there) in self.cut or rng.random() < weather.loss:
            return
        for _ in range(2 if rng.random() < weather.doubled else 1):
            ms = rng.randint(weather.least_ms, weather.most_ms)
            if rng.random() < weather.held_up:
                ms += rng.randint(1, 2000)
            self.loop.after(ms, self._arrive, here, there, arrive, args)

    def _arrive(self, here: str, there: str, arrive: Callable[..., Any], args: tuple[Any, ...]) -> None:
        if (here, there) not in self.cut:
            arrive(*args)

    def dial(self, here: Any, there: Any) -> End:
        """A connection between two servers (they have name, listens, powered, on_connect).

        Returns the dialler's end at once: it is `connecting` until it stands, or `refused`, or stays so for ever.
        """
        connection = Connection(self, here, there)
        self.connections.append(connection)
        round_trip = 2 * self.rng.randint(self.weather.least_ms, self.weather.most_ms)
        if self.rng.random() < self.weather.loss:
            round_trip += 1000
        self.loop.after(round_trip, connection.answer)
        return connection.ends[0]

    def heal(self) -> None:
        """Ways have been opened: what waits is sent again, some time after."""
        for connection in list(self.connections):
            for end in connection.ends:
                end.pump(self.rng.randint(*_RETRANSMISSION_MS))

    @property
    def is_whole(self) -> bool:
        return not self.cut


class Connection:
    """Two ends; each with a stream to the other."""

    def __init__(self, network: Network, here: Any, there: Any) -> None:
        self.network = network
        self.ends = (End(self, 0, here), End(self, 1, there))
        self.incarnation = there.incarnation

    def answer(self) -> None:
        """The dialled host answers, if it can."""
        near, far = self.ends
        network, there = self.network, far.server
        if near.gone or not near.server.powered:
            self.forget()
            return
        both = network.is_open(near.place, far.place) and network.is_open(far.place, near.place)
        if not both or not there.powered:
            self.forget()
            return  # nothing comes back
        if not there.listens:
            near.refused = True
            self.forget()
        else:
            far.connecting = near.connecting = False
            self.incarnation = there.incarnation
            there.on_connect(far)
        near.server.on_connected(near)
        wake(near)

    def forget(self) -> None:
        if self in self.network.connections:
            self.network.connections.remove(self)


class End:
    """One end of a connection, as its server has it.

        n = end.send(octets)      how many were taken; fewer when the buffer is full
        octets = end.take(n)      what has arrived, n octets at most; b"" if nothing waits
        end.close()               after what is still to be sent; the other finds `over`
        end.reset()               at once
        end.over                  nothing more will come: closed or reset by the other

    Its server is told by on_octets(end) whenever one of the last two may have changed.
    """

    def __init__(self, connection: Connection, side: int, server: Any) -> None:
        self.connection = connection
        self.side = side
        self.server = server
        self.place: str = server.name
        self.incarnation: int = server.incarnation
        self.connecting = True
        self.refused = False
        self.received = bytearray()
        self.over = False
        self.gone = False
        """This end was closed or reset here, or its server lost power."""
        self.waiter: Any = None  # the task that reads it
        self.notes: Any = None
        """Whoever watches the octets (properties.py) keeps its own things here."""
        self._sending = bytearray()
        self._finishing = False
        self._moving: Any = None

    @property
    def other(self) -> End:
        return self.connection.ends[1 - self.side]

    def is_ready(self) -> bool:
        """For readers and diallers: is there something to find out?"""
        return len(self.received) > 0 or self.over or self.refused

    def send(self, octets: bytes) -> int:
        if self.gone or self.over:
            return -1
        n = min(len(octets), _SEND_BUFFER - len(self._sending))
        self._sending += octets[:n]
        self.pump()
        return n

    def take(self, n: int) -> bytes:
        octets = bytes(self.received[:n])
        del self.received[:n]
        return octets

    def close(self) -> None:
        if not self.gone:
            self.gone = True
            self._finishing = True
            if self.connecting:
                self.connection.forget()
            else:
                self.pump()

    def reset(self) -> None:
        """The other hears of it, unless the way is cut: then it goes on until something else tells."""
        if not self.gone:
            self.gone = True
            self._sending.clear()
            network = self.connection.network
            network.datagram(self.place, self.other.place, self.other.was_reset)
            self._forget_if_done()

    def vanish(self) -> None:
        """The server has lost its power, or its program ended without closing anything."""
        self.gone = True
        self._sending.clear()
        self._forget_if_done()

    def was_reset(self) -> None:
        if not self.gone and not self.over:
            self.over = True
            self.received.clear()
            self._sending.clear()
            self._tell()
        self._forget_if_done()

    def pump(self, late_ms: int = 0) -> None:
        """See to it that octets are on their way, if there are any."""
        if self._moving is None and (self._sending or self._finishing) and not self.connecting:
            network = self.connection.network
            ms = late_ms + network.rng.randint(network.weather.least_ms, network.weather.most_ms)
            if network.rng.random() < network.weather.loss:
                ms += network.rng.randint(*_RETRANSMISSION_MS)
            self._moving = network.loop.after(ms, self._move)

    def _move(self) -> None:
        """Some octets, or the end of the stream, arrive."""
        self._moving = None
        network, far = self.connection.network, self.other
        if not network.is_open(self.place, far.place) or not far.server.powered:
            return  # heal, or the other's next start, goes on
        if far.gone or far.incarnation != far.server.incarnation:
            if not self.gone:
                network.datagram(far.place, self.place, self.was_reset)
            self._finishing = False
            self._sending.clear()
            self._forget_if_done()
            return
        n = len(self._sending)
        if n > 1 and network.rng.random() < network.weather.pieces:
            n = network.rng.randint(1, n)
        far.received += self._sending[:n]
        del self._sending[:n]
        if not self._sending and self._finishing:
            self._finishing = False
            far.over = True
            self._forget_if_done()
        self.pump()
        far._tell()

    def _tell(self) -> None:
        self.server.on_octets(self)
        wake(self)

    @property
    def has_octets_under_way(self) -> bool:
        return len(self._sending) > 0 or self._finishing

    def _forget_if_done(self) -> None:
        if (self.gone or self.over) and (self.other.gone or self.other.over):
            self.connection.forget()
