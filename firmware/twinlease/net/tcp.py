"""TCP sockets on three runtimes, none of which ever waits.

They differ in what an address is (sockets.py), and in how a call says that it would
have to wait, or that the connection is gone: an exception of its own class, an
OSError with a number that differs by port, or None.  Here the caller gets a number.

    read(sock, buf)      octets read into buf; 0: none yet; GONE: closed, or lost for whatever reason
    write(sock, buf, n)  octets of buf[:n] that were taken, perhaps 0; GONE
"""

import errno
import select
import socket

from micropython import const

from .sockets import MICROPYTHON, address

GONE = const(-1)
ECONNREFUSED = errno.ECONNREFUSED
IN_USE = errno.EADDRINUSE
NOT_PERMITTED = errno.EACCES

_IPPROTO_TCP = const(6)
_TCP_NODELAY = const(1)
_BACKLOG = const(4)


def listener(octets, port):
    """A socket that listens on `port` of this address.  Raises OSError."""
    sock = _open(octets, port, True)
    try:
        sock.listen(_BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock


def accept(sock):
    """(the connection, the four octets of who dialled).  Raises OSError, also if nobody waits any more."""
    connection, who = sock.accept()
    _prepare(connection)
    if isinstance(who, tuple):
        return connection, bytes([int(part) for part in who[0].split(".")])
    return connection, bytes(who[4:8])  # struct sockaddr_in


def dial(octets, to, port):
    """A socket that is being connected, from our address `octets` to `port` of `to`.  Raises OSError if that cannot be.

    Once it can be written to, `failed` tells what came of it.
    """
    sock = _open(octets, 0, False)
    try:
        sock.connect(address(to, port))
    except OSError as e:
        if e.errno != errno.EINPROGRESS:
            sock.close()
            raise
    return sock


def failed(sock):
    """Whether dialling ended without a connection: an errno, 0 if there is one.  Reads nothing from one that stands."""
    poll = select.poll()
    poll.register(sock, select.POLLOUT)
    for item in poll.poll(0):
        if not item[1] & (select.POLLERR | select.POLLHUP):
            return 0
        try:
            _read(sock, bytearray(1))
        except OSError as e:
            return e.errno or ECONNREFUSED
    return ECONNREFUSED


def _open(octets, port, again):
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if again:  # the port of a server that has just ended is still in use by what its partner has not closed
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address(octets, port))
        _prepare(sock)
    except OSError:
        sock.close()
        raise
    return sock


def _prepare(sock):
    sock.setblocking(False)
    try:
        sock.setsockopt(_IPPROTO_TCP, _TCP_NODELAY, 1)
    except OSError:
        pass  # acknowledgements come a little later then


if MICROPYTHON:

    def _read(sock, buf):
        return sock.readinto(buf)  # None if nothing waits

    def _write(sock, buf, n):
        return sock.write(buf, n) or 0

else:

    def _read(sock, buf):
        try:
            return sock.recv_into(buf)
        except BlockingIOError:
            return None

    def _write(sock, buf, n):
        try:
            return sock.send(memoryview(buf)[:n])
        except BlockingIOError:
            return 0


def read(sock, buf):
    """See above."""
    try:
        n = _read(sock, buf)
    except OSError:
        return GONE
    return 0 if n is None else n or GONE


def write(sock, buf, n):
    """See above."""
    try:
        return _write(sock, buf, n)
    except OSError:
        return GONE
