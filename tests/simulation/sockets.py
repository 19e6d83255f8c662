"""Sockets of the virtual network, in the shapes that the firmware's drivers use, and the drivers led to them.

`install()` once in a process: from then on net/ and app of the firmware speak to the world of the loop in use.
Nothing of what they decide is changed; what is replaced is what the ports differ in anyway: asyncio, select,
socket, the collector, and loading code for a call (every overlay stays loaded).
"""

from __future__ import annotations

import errno
import importlib
import sys
from collections import deque
from typing import Any

from .loop import Asyncio, Until, used, wake

_OVERLAYS = (
    "failover.states",
    "failover.actions",
    "failover.handshake",
    "failover.resync",
    "failover.rebalance",
    "failover.occasions",
    "failover.memory",
    "failover.words",
    "failover.bindings",
    "failover.beat",
    "failover.evidence",
    "failover.differences",
    "failover.seal",
    "net.beat",
    "move",
    "lease.recover",
)


class Udp:
    """A datagram socket of `board`."""

    def __init__(self, board: Any, send: Any) -> None:
        self.board = board
        self.queue: deque[tuple[bytes, Any]] = deque()
        self.waiter: Any = None
        self._send = send

    def is_ready(self) -> bool:
        return len(self.queue) > 0

    def deliver(self, octets: bytes, sender: Any = ("0.0.0.0", 68)) -> None:
        if len(self.queue) < 64:  # a receive buffer is not endless
            self.queue.append((octets, sender))
            wake(self)

    def recvfrom(self, n: int) -> tuple[bytes, Any]:
        if not self.queue:
            raise BlockingIOError(errno.EAGAIN, "nothing waits")
        octets, sender = self.queue.popleft()
        return octets[:n], sender

    def recv(self, n: int) -> bytes:
        return self.recvfrom(n)[0]

    def sendto(self, octets: Any, to: Any) -> int:
        self._send(bytes(octets), to)
        return len(octets)

    def setsockopt(self, *args: Any) -> None:
        pass

    def setblocking(self, blocking: bool) -> None:
        pass

    def bind(self, address: Any) -> None:
        self.board.beat_sockets.append(self)

    def close(self) -> None:
        if self in self.board.beat_sockets:
            self.board.beat_sockets.remove(self)


class Waiting:
    def __init__(self, sock: Udp) -> None:
        self._sock = sock

    def __call__(self) -> bool:
        return len(self._sock.queue) > 0


class Way:
    """ARP and ICMP: who lives at an address?  The world answers."""

    rounds = 1

    def __init__(self, board: Any) -> None:
        self.board = board
        self.sock = Udp(board, None)

    def reaches(self, octets: bytes) -> bool:
        return True

    def ask(self, octets: bytes) -> None:
        self.board.world.ask_wire(self.board, octets, self.sock)

    def sender(self, packet: bytes) -> int:
        return 1


class Listener:
    def __init__(self, board: Any) -> None:
        self.board = board
        self.ends: deque[Any] = deque()
        self.waiter: Any = None

    def is_ready(self) -> bool:
        return len(self.ends) > 0

    def close(self) -> None:
        self.board.listener = None


class Tcp:
    """Stands in for net/tcp.py."""

    GONE = -1
    ECONNREFUSED = errno.ECONNREFUSED
    IN_USE = errno.EADDRINUSE
    NOT_PERMITTED = errno.EACCES

    @staticmethod
    def listener(octets: bytes, port: int) -> Listener:
        board = _owner()
        board.listener = Listener(board)
        return board.listener

    @staticmethod
    def accept(sock: Listener) -> tuple[Any, bytes]:
        end = sock.ends.popleft()
        return end, bytes(end.other.server.address)

    @staticmethod
    def dial(octets: bytes, to: bytes, port: int) -> Any:
        board = _owner()
        return board.world.dial(board, bytes(to))

    @staticmethod
    def failed(end: Any) -> int:
        return errno.ECONNREFUSED if end.refused else 0

    @staticmethod
    def read(end: Any, buf: bytearray) -> int:
        if end.received:
            octets = end.take(len(buf))
            buf[: len(octets)] = octets
            _owner().world.judge.heard(end, octets)
            return len(octets)
        return -1 if end.over or end.gone else 0

    @staticmethod
    def write(end: Any, buf: Any, n: int) -> int:
        octets = bytes(buf[:n])
        taken = end.send(octets)
        if taken > 0:
            end.server.world.judge.said(end, octets[:taken])
        return taken


class Connected:
    """`await writable(end)`: it stands, or was refused."""

    def __init__(self, end: Any) -> None:
        self.end = end

    def __await__(self) -> Any:
        if self.end.connecting and not self.end.refused:
            yield self

    def park(self, task: Any) -> None:
        self.end.waiter = task
        task.waits_for = self.end


class Collector:
    """Stands in for gc, which would cost more than all the rest."""

    @staticmethod
    def collect() -> None:
        pass


class _Log:
    """Stands in for net/log.py: the lines of each exchange are the trace's business."""

    def __init__(self, stream: Any, _recorder: Any) -> None:
        self._stream = stream

    def exchange(self, node: Any, link: Any) -> None:
        pass

    def malformed(self, link: Any, reason: int, source: str) -> None:
        pass

    def say(self, text: str) -> None:
        self._stream(text)

    def flush(self) -> None:
        pass


class _Sockets:
    """Stands in for the module socket in net/beat.py."""

    AF_INET = SOCK_DGRAM = SOL_SOCKET = SO_REUSEADDR = SO_BROADCAST = 0

    @staticmethod
    def socket(*args: Any) -> Udp:
        board = _owner()
        return Udp(board, board.send_beat)


def _watched(base: type) -> type:
    """A Journal whose region's board hears what is put, synced and recovered."""

    class Watched(base):  # type: ignore[misc]
        def __init__(self, region: Any, table: Any, clock_floor: int = 0) -> None:
            super().__init__(region, table, clock_floor)
            self.board = region.board
            self.recovering = False

        def put_row(self, row: int) -> None:
            if not self.recovering:
                self.board.was_put(row, self.table)
            super().put_row(row)

        def sync(self) -> None:
            super().sync()
            self.board.was_synced()

        def recover(self) -> Any:
            self.recovering = True
            found = super().recover()
            self.recovering = False
            self.board.was_recovered(self.table)
            return found

    return Watched


def _owner() -> Any:
    task = used().task
    assert task is not None
    return task.owner


def _broadcast_socket(interface: Any, port: int) -> Udp:
    sock = Udp(interface.board, interface.board.send_dhcp)
    interface.board.dhcp_sockets.append(sock)
    return sock


def _call(name: str, what: str, args: tuple[Any, ...]) -> Any:
    """overlay._call, with everything loaded."""
    if starve is not None:
        starve(name)
    module = sys.modules.get(name) or importlib.import_module(name)
    return getattr(module, what)(*args) if what else None


starve: Any = None
"""Called with the name of each module that a board would load now; may raise MemoryError."""


def install() -> None:
    import twinlease.app  # noqa: F401  before anything that imports micropython
    from twinlease import app, configuration, overlay, pairing, start  # noqa: F401
    from twinlease.lease import journal
    from twinlease.net import dhcp_server, failover, log, probe

    if journal.Journal.__name__ == "Watched":
        return
    journal.Journal = _watched(journal.Journal)
    for name in _OVERLAYS:
        importlib.import_module("twinlease." + name)
        overlay._users[name] = 1 << 60
    beat = sys.modules["twinlease.net.beat"]
    overlay._call = _call
    for module in (app, start, pairing, dhcp_server, failover):
        module.gc = Collector
    for module in (app, start, pairing):
        module.forget = lambda name: None
    for module in (app, dhcp_server, failover, probe):
        module.asyncio = Asyncio
    for module in (dhcp_server, failover, probe):
        module.readable = Until
    for module in (dhcp_server, beat, probe):
        module.Waiting = Waiting
    failover.writable = Connected
    failover.tcp = Tcp
    dhcp_server.broadcast_socket = _broadcast_socket
    beat.socket = _Sockets
    beat.way_to = lambda octets, interfaces, room: Way(interfaces[0].board)
    probe._ways = lambda interfaces, told: [Way(interfaces[0].board)]
    probe._sleep_ms = lambda ms: Asyncio.sleep(ms / 1000)
    log.Log = _Log
