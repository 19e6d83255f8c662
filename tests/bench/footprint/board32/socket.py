"""Sockets whose wire is a list: they take about the heap that a board's do, and no octet leaves the process.

    take()      what was sent since the last call: lists that JSON can tell
    put(line)   one of them arrives here

Datagrams go to whoever has bound their port; a connection is a number that both its ends know.
"""

import errno

AF_INET, SOCK_STREAM, SOCK_DGRAM, SOCK_RAW = 2, 1, 2, 3
SOL_SOCKET, SO_REUSEADDR, SO_BROADCAST = 1, 4, 32

_POLLIN, _POLLOUT = 1, 4
_all = []
_out = []


class socket:
    def __init__(self, family=AF_INET, kind=SOCK_STREAM, proto=0):
        self._kind = kind
        self._at = self._far = None
        self._waiting = []
        self._listens = self._gone = False
        self._wire = 0  # the number that both ends of a connection know
        _all.append(self)

    def setsockopt(self, level, option, value):
        pass

    def setblocking(self, flag):
        pass

    def bind(self, address):
        self._at = address

    def listen(self, n):
        self._listens = True

    def connect(self, address):
        self._far = address
        self._wire = _number(self._at[0])
        _out.append(["dial", self._wire, self._at[0], address[0], address[1]])
        raise OSError(errno.EINPROGRESS)

    def accept(self):
        if not self._waiting:
            raise OSError(errno.EAGAIN)
        wire, who = self._waiting.pop(0)
        made = socket()
        made._wire = wire
        made._far = (who, 0)
        return made, made._far

    def ready(self):
        """As poll flags."""
        flags = _POLLOUT if self._kind != SOCK_STREAM or self._wire else 0
        return flags | (_POLLIN if self._waiting or self._gone else 0)

    def readinto(self, buf):
        if not self._waiting:
            return 0 if self._gone else None
        octets = self._waiting[0]
        n = min(len(octets), len(buf))
        buf[:n] = octets[:n]
        if n == len(octets):
            self._waiting.pop(0)
        else:
            self._waiting[0] = octets[n:]
        return n

    def write(self, buf, n):
        _out.append(["octets", self._wire, bytes(buf[:n]).hex()])
        return n

    def recv(self, n):
        return self.recvfrom(n)[0]

    def recvfrom(self, n):
        if not self._waiting:
            raise OSError(errno.EAGAIN)
        return self._waiting.pop(0)[:n], ("0.0.0.0", 68)

    def send(self, octets):
        return len(octets)

    def sendto(self, octets, address):
        _out.append(["datagram", address[1], bytes(octets).hex()])
        return len(octets)

    def close(self):
        if self in _all:
            _all.remove(self)
            if self._wire and not self._gone:
                _out.append(["close", self._wire])


def _number(own):
    """Of a connection that this board dials; the partner's boards count elsewhere."""
    global _dialled
    _dialled += 1
    return _dialled * 256 + int(own.split(".")[3])


_dialled = 0


def take():
    global _out
    out, _out = _out, []
    return out


def put(line):
    what = line[0]
    if what == "dial":
        for sock in _all:
            if sock._listens and sock._at[1] == line[4]:
                sock._waiting.append((line[1], line[2]))
                return
    for sock in _all:
        if what == "datagram" and sock._kind == SOCK_DGRAM and sock._at and sock._at[1] == line[1]:
            sock._waiting.append(bytes.fromhex(line[2]))
        elif sock._wire and sock._wire == line[1] and not sock._listens:
            if what == "octets":
                sock._waiting.append(bytes.fromhex(line[2]))
            elif what == "close":
                sock._gone = True
