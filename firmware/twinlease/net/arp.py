"""ARP probes (RFC 5227), where raw Ethernet frames can be had: on Linux.  Boards have none, and do not load this."""

import socket
import struct
import sys

from micropython import const

from ..octets import equal, in_net
from .sockets import network

_ETH_P_ARP = const(0x0806)
_AF_PACKET = const(17)


class Arp:
    """ARP probes on one Ethernet interface of Linux."""

    rounds = 1

    def __init__(self, interface):
        self._mac = interface.mac
        self._net, self._mask = network(interface)
        self.sock = socket.socket(_AF_PACKET, socket.SOCK_RAW, _ETH_P_ARP >> 8 | (_ETH_P_ARP & 255) << 8)
        if sys.implementation.name == "micropython":
            self.sock.bind(struct.pack("<HHiHBB8s", _AF_PACKET, 0x0608, interface.index, 0, 0, 0, b""))
        else:
            self.sock.bind((interface.name, _ETH_P_ARP))
        self.sock.setblocking(False)
        self._head = b"\xff" * 6 + self._mac + b"\x08\x06\0\1\x08\0\6\4\0\1" + self._mac + bytes(10)

    def reaches(self, octets):
        return in_net(octets, 0, self._net, self._mask)

    def ask(self, octets):
        self.sock.send(self._head + octets)

    def sender(self, frame):
        """Offset of the address that this frame proves to be in use, 0 if none."""
        if len(frame) < 42 or equal(frame, 22, self._mac, 0, 6):
            return 0
        return 28
