"""Boards that serve, in 32-bit memory, to be measured: the whole firmware on a unix board's parts, with flash of its own.

What is not counted: the interpreter itself, flash and sockets, which boards have outside of the heap.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from twinlease import conf, configuration
from twinlease.conf import image_writer

from tests.lab.packet import ACK, DISCOVER, REQUEST, Message, decode, ip4, mac

from .wasm import Interpreter

Wired = list[str | int]  # see board32/socket.py
STOCK, IN_ROM = "/lib", "/rom"  # where a board has the firmware
ADDRESSES = ("10.77.0.2", "10.77.0.3")
_BUILT_IN = "array, asyncio, binascii, collections, errno, hashlib, json, os, random, select, socket, struct, time, vfs"
STEP_MS = 100
_SERVER, _CLIENT = 67, 68
_FLASH = b"\xff" * (1 << 22)
_PEER = (
    'failover peer "{name}" {{ primary; address 10.77.0.2; port {port}; peer address 10.77.0.3; peer port {port}; '
    "max-response-delay 10; max-unacked-updates 10; mclt 600; split 128; load balance max seconds 3; }}\n"
)
_SUBNET = "subnet 10.77.0.0 netmask 255.255.0.0 {{ option routers 10.77.0.1; option domain-name-servers 10.77.0.1;\n"


def source(leases: int, peers: int = 1) -> str:
    """A dhcpd.conf with so many addresses, in as many pools as there are failover peers, or in one."""
    text = "".join(_PEER.format(name=f"lab{i}", port=647 + 1000 * i) for i in range(peers)) + _SUBNET.format()
    each = leases // max(peers, 1)
    for i in range(max(peers, 1)):
        first = (4 << 8) + i * each
        last = first + each - 1
        named = f'failover peer "lab{i}"; ' if peers else ""
        text += f"pool {{ {named}range 10.77.{first >> 8}.{first & 255} 10.77.{last >> 8}.{last & 255}; }}\n"
    return text + "}\n"


def compiled(root: Path, folder: str = STOCK) -> dict[str, bytes]:
    """The files of a build, by their path on a board that has them in `folder`."""
    return {f"{folder}/{p.relative_to(root)}": p.read_bytes() for p in root.rglob("*") if p.is_file()}


def prepare(python: Interpreter) -> None:
    """What every board has, before anything is measured; and what stands in for the casts of native code."""
    python.run("import builtins; builtins.ptr8 = builtins.ptr16 = builtins.ptr32 = builtins.uint = lambda thing: thing")
    python.run(f"import {_BUILT_IN}; os.urandom = None")


class Board:
    """One that has been started; `before` is what its interpreter took until then."""

    def __init__(self, files: dict[str, bytes], config: str, address: str) -> None:
        digest = configuration.digest(config.encode())
        image = b"".join(image_writer.dump(conf.load(config, "dhcpd.conf"), [("dhcpd.conf", digest)]))
        own = {
            "/board/flash.bin": _FLASH,
            "/board/files/dhcpd.conf": config.encode(),
            "/board/files/dhcpd.image": image,
        }
        self.python = Interpreter({**files, **own})
        prepare(self.python)
        self.python.run(f"sys.argv[:] = ['main.py', '{address}']")
        self.before = self.python.used()
        self.names_before = self.python.names()
        self.python.run("import serving")

    def used(self) -> int:
        """Octets of heap that the firmware holds."""
        return self.python.used() - self.before

    def names(self) -> set[bytes]:
        return self.python.names() - self.names_before

    def told(self) -> tuple[list[str], list[bool], int, int]:
        """States of its Peers, whether they are linked, replies sent, cells of the lease table."""
        return ast.literal_eval(self.python.run("print(serving.bench_told())")[-1])  # type: ignore[no-any-return]

    def modules(self) -> list[str]:
        """The firmware's, that are loaded."""
        found = self.python.run("print(sorted(m for m in sys.modules if m.startswith('twinlease')))")[-1]
        return ast.literal_eval(found)  # type: ignore[no-any-return]

    def type_in(self, text: str) -> None:
        self.python.run(f"serving.bench_type({text.encode()!r})")

    def pass_time(self, ms: int = STEP_MS) -> list[Wired]:
        """Returns what it sends meanwhile."""
        *said, sent = self.python.run(f"asyncio.advance({ms}); print(json.dumps(socket.take()))")
        if any(line.startswith("Traceback") for line in said):
            raise RuntimeError("\n".join(said))
        return json.loads(sent)  # type: ignore[no-any-return]

    def put(self, lines: Iterable[Wired]) -> None:
        """This arrives."""
        if text := json.dumps(list(lines)):
            self.python.run(f"for line in json.loads({text!r}): socket.put(line)\n")

    def lease(self, clients: int) -> int:
        """So many clients ask for an address; returns how many have one."""
        offers = self._exchange([_asked(i, DISCOVER, []) for i in range(clients)])
        wanted = []
        for offer in offers:
            server = offer.get(54)
            assert server
            wanted.append(_asked(offer.xid, REQUEST, [(50, ip4(offer.yiaddr)), (54, server)]))
        return sum(reply.kind == ACK for reply in self._exchange(wanted))

    def _exchange(self, packets: list[bytes]) -> list[Message]:
        replies = []
        for packet in packets:
            self.put([["datagram", _SERVER, packet.hex()]])
            replies += [decode(bytes.fromhex(str(line[2]))) for line in self.pass_time() if line[1] == _CLIENT]
        return replies


def _asked(i: int, kind: int, options: list[tuple[int, bytes]]) -> bytes:
    """A message of client i."""
    told = [(53, bytes([kind])), (12, b"client-%d" % i), (55, bytes([1, 3, 6, 15, 51, 54])), *options]
    return Message(chaddr=mac(i), xid=i, secs=9, options=told).encode()


def join(boards: list[Board], ms: int) -> None:
    """Time goes by for two of them; what one sends reaches the other a tenth of a second later."""
    for _ in range(0, ms, STEP_MS):
        sent = [board.pass_time() for board in boards]
        for board, lines in zip(boards[::-1], sent, strict=True):
            board.put(line for line in lines if line[1] != _CLIENT)


@contextmanager
def started(files: dict[str, bytes], config: str, addresses: tuple[str, ...] = ADDRESSES) -> Iterator[list[Board]]:
    """Boards of one configuration, with these addresses."""
    boards = []
    try:
        for address in addresses:
            boards.append(Board(files, config, address))
        yield boards
    finally:
        for board in boards:
            board.python.__exit__()
