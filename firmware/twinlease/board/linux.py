"""What Linux has under CPython, as on a Raspberry Pi: systemd for a watchdog, and interfaces that come and go.

    notifier()            an object to feed, or None where nobody listens
    interfaces(say)       what has an address; waits until something has
    watch(board)          a task: an interface that was made anew takes our sockets with it, so start again

The sockets of a server are bound to an interface; a cable that is pulled leaves it there, a USB adapter does not.
"""

import asyncio
import os
import socket
import time

from .._cpython import ask_ip

_LOOK_S = 5


class Notifier:
    """systemd's protocol (sd_notify(3)): the first octet that is written says that the service is up."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.connect("\0" + path[1:] if path.startswith("@") else path)
        self._word = b"READY=1\nWATCHDOG=1"

    def write(self, octets):
        try:
            self._socket.send(self._word)
            self._word = b"WATCHDOG=1"
        except OSError:
            pass  # systemd is being started anew; its patience is our own


def notifier():
    path = os.environ.get("NOTIFY_SOCKET")
    return Notifier(path) if path else None


def interfaces(say, pause=time.sleep):
    """As a board's settings name them."""
    found = ask_ip()
    if not found:
        say("No interface has an address yet: waiting for one")
    while not found:
        pause(_LOOK_S)
        found = ask_ip()
    return found


async def watch(board):
    while True:
        await asyncio.sleep(_LOOK_S)
        now = {told["name"]: told["address"] for told in ask_ip()}
        for interface in board.interfaces:
            why = changed(interface, now)
            if why:
                board.reset("%s %s" % (interface.name, why))


def changed(interface, now):
    """What has become of it that our sockets cannot follow, or "".  An address that is missing may come back."""
    try:
        with open("/sys/class/net/%s/ifindex" % interface.name) as f:
            index = int(f.read())
    except OSError:
        return ""  # it is gone; when it is back it has another number
    if index != interface.index:
        return "was made anew"
    own = "%d.%d.%d.%d/%d" % (*interface.address, interface.prefix)
    if now.get(interface.name, own) != own:
        return "has another address, %s" % now[interface.name]
    return ""
