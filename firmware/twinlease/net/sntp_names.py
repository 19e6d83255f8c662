"""Asks the DNS servers that our own clients are told for the address of a time server; stops nothing meanwhile."""

import asyncio
import socket

from micropython import const

from ..ntp import dns
from ..ntp.source import NO_DNS, NO_NAME, NOT_ASKED
from .sockets import Waiting, address
from .sockets import source as sender_of

_DOMAIN_NAME_SERVERS = const(6)
_PORT = const(53)
_LONGEST = const(512)
_WAIT_TENTHS = const(15)


async def look_up(app, source):
    """Fills in source.address.  Returns NOT_ASKED, or why there is none."""
    servers = _servers(app)
    if not servers:
        return NO_DNS
    sock = None
    try:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        source.address = await _ask(sock, servers, dns.question(source.name, app.board.random(2)))
    except OSError:
        pass  # no route, no cable, no socket
    finally:
        if sock:
            sock.close()
    return NOT_ASKED if source.address else NO_NAME


def _servers(app):
    """Two at most, of the networks that we are in."""
    found = []
    for link in app.node.links:
        subnet = app.node.server.client.subnet_of(link.address, 0)
        told = _told(subnet.scope if subnet else app.config.scope)
        found.extend([told[i : i + 4] for i in range(0, len(told), 4)])
    return found[:2]


def _told(scope):
    """The option's octets; an expression tells a board nothing."""
    while scope:
        if _DOMAIN_NAME_SERVERS in scope.options:
            told = scope.options[_DOMAIN_NAME_SERVERS]
            return told if isinstance(told, bytes) else b""
        scope = scope.parent
    return b""


async def _ask(sock, servers, question):
    waiting = Waiting(sock)
    for server in servers:
        sock.sendto(question, address(server, _PORT))
    for _ in range(_WAIT_TENTHS):
        await asyncio.sleep(0.1)
        while waiting():
            octets, sender = sock.recvfrom(_LONGEST)
            if sender_of(sender) in ["%d.%d.%d.%d:53" % tuple(server) for server in servers]:
                found = dns.address(octets, question)
                if found:
                    return found
    return None
