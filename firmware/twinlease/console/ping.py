"""`ping IP`: four ICMP echo requests (RFC 792), and ARP on a link where this port can send it."""

import json as _json
import socket
import struct
import sys

from twinlease.overlay import drop

from .ask import WAIT
from .refused import Refused

_COUNT = 4
_WAIT_MS = 1000
_IDENT = b"Tp"  # not the prober's, which hears these answers, too
_ICMP = 1
_REPLY, _REQUEST = 0, 8


def ping(app, json, which):
    """One question a second; any key ends it. Refused if nobody answers."""
    address = _address(which)
    sock = _raw_socket()
    came = []
    asked = 0
    try:
        for n in range(_COUNT):
            asked += 1
            took = yield from _ask(app, sock, address, n)
            if took is None:
                break
            if took >= 0:
                came.append(took)
            if not json:
                yield "%s: %s\n" % (which, "answered in %d ms" % took if took >= 0 else "no answer in a second")
            if n < _COUNT - 1 and took >= 0 and (yield WAIT, (None, _WAIT_MS - took)) is None:
                break
    finally:
        sock.close()
    arp = (yield from _by_arp(app, address)) if not came else ""
    if json:
        yield _json.dumps({"address": which, "sent": asked, "ms": came, "hardware": arp or None}) + "\n"
        return
    if not came and not arp:
        raise Refused("%s: %d sent, none answered" % (which, asked))
    if came:
        yield "%d sent, %d answered\n" % (asked, len(came))
    else:
        yield "%s is there, as %s: it answers ARP and not ping\n" % (which, arp)


def _ask(app, sock, address, n):
    """Milliseconds until the answer, -1 for none, None if a key was pressed."""
    from twinlease.net import sockets
    from twinlease.net.probe import checksum

    head = struct.pack("!BBH", _REQUEST, 0, 0) + _IDENT + struct.pack("!H", n)
    message = head + b"twinlease?"
    message = message[:2] + struct.pack("!H", checksum(message)) + message[4:]
    board = app.board
    started = board.ticks_ms()
    try:
        sock.sendto(message, sockets.address(address, 0))
    except OSError as e:
        raise Refused("nothing can be sent to that address (errno %s): no route, or no cable" % e.args[0])
    left = _WAIT_MS
    while left > 0:
        heard = yield WAIT, (sock, left)
        passed = board.ticks_diff(board.ticks_ms(), started)
        if heard is None:
            return None
        if heard and _is_answer(sock.recv(128), address, n):
            return passed
        left = _WAIT_MS - passed
    return -1


def _is_answer(packet, address, n):
    at = (packet[0] & 15) * 4
    question = _IDENT + struct.pack("!H", n)
    return packet[12:16] == address and packet[at] == _REPLY and packet[at + 4 : at + 8] == question


def _by_arp(app, address):
    """The hardware address that answers ARP on a link of this board, or nothing."""
    if sys.platform != "linux":
        return ""
    from twinlease.net.arp import Arp

    found = ""
    try:
        for interface in app.board.interfaces:
            way = Arp(interface)
            try:
                if not found and way.reaches(address):
                    found = yield from _hear_arp(app, way, address)
            finally:
                way.sock.close()
    finally:
        if not app.driver or not app.driver.prober:
            drop("twinlease.net.arp")
    return found


def _hear_arp(app, way, address):
    board = app.board
    way.ask(address)
    started = board.ticks_ms()
    left = _WAIT_MS
    while left > 0:
        heard = yield WAIT, (way.sock, left)
        if heard is None:
            return ""
        if heard:
            frame = way.sock.recv(128)
            if way.sender(frame) and frame[28:32] == address:
                return ":".join(["%02x" % b for b in frame[22:28]])
        left = _WAIT_MS - board.ticks_diff(board.ticks_ms(), started)
    return ""


def _raw_socket():
    try:
        sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, _ICMP)
    except (OSError, AttributeError):
        raise Refused("this port of MicroPython has no raw sockets, or we may not use them: it cannot ping")
    sock.setblocking(False)
    return sock


def _address(word):
    parts = word.split(".")
    if len(parts) != 4 or [part for part in parts if not part.isdigit() or int(part) > 255]:
        raise Refused("%s is no address: write it as in 10.0.0.5" % word)
    return bytes([int(part) for part in parts])
