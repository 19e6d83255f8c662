"""UDP sockets on three runtimes: MicroPython's unix port, MicroPython's boards, CPython.

They differ in what an address is (struct sockaddr, or a tuple), in which constants
exist, and in how a task waits for a datagram.  Everything else uses these few names.
"""

import asyncio
import errno
import select
import socket
import sys

from micropython import const

from ..octets import copy

MICROPYTHON = sys.implementation.name == "micropython"
_SOCKADDR = hasattr(socket, "sockaddr")  # the unix port: addresses are struct sockaddr
_BIND_TO_DEVICE = const(25)  # Linux's SO_BINDTODEVICE
_RECEIVE_BUFFER = const(33)  # Linux's SO_RCVBUFFORCE
_BACKLOG = const(1 << 20)  # octets of datagrams that may wait: a storm of clients outlasts a slow sync of the flash
ANY = b"\0\0\0\0"


def address(octets, port):
    """What bind and sendto take for these four octets."""
    if _SOCKADDR:
        return bytes((2, 0, port >> 8, port & 255)) + bytes(octets) + bytes(8)
    return ("%d.%d.%d.%d" % tuple(octets), port)


def source(addr):
    """The sender in an address that recvfrom gave, for people: "10.0.0.1:68"."""
    if _SOCKADDR:
        return "%d.%d.%d.%d:%d" % (addr[4], addr[5], addr[6], addr[7], addr[2] << 8 | addr[3])
    return "%s:%d" % (addr[0], addr[1])


if MICROPYTHON:

    def readable(sock):
        """To be awaited: returns when a datagram waits."""
        yield asyncio.core._io_queue.queue_read(sock)

    def writable(sock):
        """To be awaited: returns when the socket takes octets, or has failed to connect."""
        yield asyncio.core._io_queue.queue_write(sock)

else:

    async def readable(sock):
        """To be awaited: returns when a datagram waits."""
        loop = asyncio.get_running_loop()
        await _called(loop.add_reader, loop.remove_reader, sock)

    async def writable(sock):
        """To be awaited: returns when the socket takes octets, or has failed to connect."""
        loop = asyncio.get_running_loop()
        await _called(loop.add_writer, loop.remove_writer, sock)

    async def _called(add, remove, sock):
        waiting = asyncio.get_running_loop().create_future()
        add(sock, lambda: waiting.done() or waiting.set_result(None))
        try:
            await waiting
        finally:
            remove(sock)


def network(interface):
    """(network, mask) that the interface is in, four octets each."""
    bits = 0xFFFFFFFF << 32 - interface.prefix & 0xFFFFFFFF
    mask = bytes([bits >> s & 255 for s in (24, 16, 8, 0)])
    return bytes([a & m for a, m in zip(interface.address, mask)]), mask


class Waiting:
    """Tells without an exception whether another datagram waits on a socket."""

    def __init__(self, sock):
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)
        self._ask = self._poll.ipoll if MICROPYTHON else self._poll.poll

    def __call__(self):
        for _, flags in self._ask(0):
            return flags & select.POLLIN != 0
        return False


def broadcast_socket(interface, port):
    """A non-blocking UDP socket on `port` of one interface, that may send broadcasts.

    Raises OSError with a sentence if the port is taken or not permitted.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    if sys.platform == "linux":
        sock.setsockopt(socket.SOL_SOCKET, _BIND_TO_DEVICE, interface.name.encode() + b"\0")
        try:
            sock.setsockopt(socket.SOL_SOCKET, _RECEIVE_BUFFER, _BACKLOG)
        except OSError:
            pass  # without CAP_NET_ADMIN the usual backlog has to do
    try:
        sock.bind(address(ANY, port))
    except OSError as e:
        sock.close()
        raise OSError(e.errno, _why(e, port, interface.name))
    sock.setblocking(False)
    return sock


def hear_again(sock, port):
    """An empty datagram has come in: an ESP32 takes it for the end of the stream, and is deaf until the next bind."""
    if sys.platform == "esp32":
        sock.bind(address(ANY, port))


def _why(e, port, name):
    if e.errno == errno.EADDRINUSE:
        return "UDP port %d on %s is taken: stop the other server first (ss -ulpn shows it)" % (port, name)
    if e.errno == errno.EACCES:
        return "UDP port %d needs root, or CAP_NET_BIND_SERVICE" % port
    return "UDP port %d on %s cannot be opened (errno %d)" % (port, name, e.errno)


class Destination:
    """A reusable destination: `to(octets, at, port)` returns what sendto takes, without allocating where it can."""

    def __init__(self):
        self._sockaddr = bytearray(address(ANY, 0)) if _SOCKADDR else None

    def to(self, octets, at, port):
        if not _SOCKADDR:
            return address(octets[at : at + 4], port)
        s = self._sockaddr
        s[2] = port >> 8
        s[3] = port & 255
        copy(s, 4, octets, at, 4)
        return s
