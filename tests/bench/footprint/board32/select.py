"""select.poll over the sockets of socket.py."""

POLLIN = 1
POLLOUT = 4
POLLERR = 8
POLLHUP = 16


class poll:
    def __init__(self):
        self._socks = []

    def register(self, sock, flags):
        self._socks.append((sock, flags))

    def poll(self, ms=0):
        return [(sock, sock.ready() & flags) for sock, flags in self._socks if sock.ready() & flags]

    ipoll = poll
