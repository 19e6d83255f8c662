"""Leases of an ISC dhcpd, or of dnsmasq, as the flash of a board: the journal that the board would have written itself.

It is for a board that has no leases yet. The firmware's own table and journal make it (firmware/twinlease/lease).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from ..errors import UserError
from .leases_file import Lease

ERASED = 0xFF
_UNIX_2020 = 1577836800
_KEPT = ("free", "expired", "released", "reset", "backup")  # whose addresses are free, and remembered for their client
_ABANDONED_S = 86400


@dataclass
class Image:
    """The octets, and what is in them: leases by what became of them; what was left out, (line, why)."""

    octets: bytes
    active: int = 0
    remembered: int = 0
    abandoned: int = 0
    left: list[tuple[int, str]] = field(default_factory=list)


class _Flash:
    """A region as firmware/twinlease/board has it, in memory."""

    block_size = 4096

    def __init__(self, size: int, program_unit: int) -> None:
        self.size = size
        self.program_unit = program_unit
        self.octets = bytearray([ERASED]) * size

    def read(self, at: int, buf: bytearray) -> None:
        buf[:] = self.octets[at : at + len(buf)]

    def program(self, at: int, buf: bytes) -> None:
        for i, octet in enumerate(buf):
            self.octets[at + i] &= octet

    def erase(self, block: int) -> None:
        at = block * self.block_size
        self.octets[at : at + self.block_size] = bytes([ERASED]) * self.block_size

    def sync(self) -> None:
        """It is memory."""


def make(config: Any, leases: Iterable[Lease], now: int, size: int, program_unit: int = 1) -> Image:
    """The journal of these leases under a configuration (conf/model.py).

    now    Unix seconds: the board's clock is at least this when it starts
    size   octets that the board keeps leases in; program_unit: 1, or 256 on a Pico

    Raises UserError if they do not fit.
    """
    from twinlease.lease.journal import META_CLOCK, Journal
    from twinlease.lease.table import Table

    flash = _Flash(size, program_unit)
    try:
        table = Table(config.ranges, config.pools)
        journal = Journal(flash, table, now - _UNIX_2020)
    except ValueError as bad:
        raise UserError(
            f"the leases do not fit: {bad}", "--board NAME, or --flash SIZE, if the board has more"
        ) from None
    journal.recover()
    journal.put_meta(META_CLOCK, (now - _UNIX_2020).to_bytes(4, "big"))
    image = Image(b"")
    for lease in leases:
        row = table.row_of(IPv4Address(lease.address).packed, 0)
        if row < 0:
            if lease.state == "active" and (lease.ends is None or lease.ends > now):
                image.left.append((lease.line, f"{lease.address} is in no range of the configuration"))
        elif _enter(table, row, lease, now, image):
            journal.put_row(row)
    journal.sync()
    image.octets = bytes(flash.octets)
    return image


def _enter(table: Any, row: int, lease: Lease, now: int, image: Image) -> bool:
    """Put a lease into the table; False if there is nothing to remember."""
    from twinlease.clock import FOREVER
    from twinlease.lease.row import ABANDONED, ACTIVE, FREE, USED

    ends = FOREVER if lease.ends is None else _project(lease.ends)
    if lease.state == "abandoned":
        image.abandoned += 1
        table.set_times(row, max(ends, _project(now + _ABANDONED_S)), _project(lease.cltt))
        table.set_state(row, ABANDONED)
        return True
    if not lease.hardware and not lease.client_id:
        return False
    if not _set_client(table, row, lease):
        image.left.append((lease.line, f"{lease.address}: its client identifier has no room"))
        return False
    active = lease.state == "active"
    table.set_times(row, ends if active else min(ends, _project(now)), _project(lease.cltt))
    table.set_flags(row, USED)
    table.set_state(row, ACTIVE if active else FREE)
    image.active += active
    image.remembered += not active
    return True


def _set_client(table: Any, row: int, lease: Lease) -> bool:
    from twinlease.lease.identity import Identity
    from twinlease.lease.row import ITEM_AGENT_INFO, ITEM_HOST_NAME

    who = Identity()
    hardware = bytes.fromhex(lease.hardware.replace(":", ""))
    who.set_hardware(lease.htype if hardware else 0, hardware, 0, len(hardware))
    who.set_identifier(lease.client_id, 0, len(lease.client_id))
    if not table.set_client(row, who):
        return False
    for kind, octets in ((ITEM_HOST_NAME, lease.name.encode()), (ITEM_AGENT_INFO, lease.agent)):
        table.put_item(row, kind, octets, 0, len(octets))
    return True


def _project(seconds: int) -> int:
    """Project seconds of a Unix time."""
    return max(seconds - _UNIX_2020, 0)


def check(octets: bytes) -> None:
    """Raises UserError if that is no image of leases."""
    from twinlease.lease import ring

    if not octets.startswith(ring._MAGIC) or len(octets) % _Flash.block_size:
        raise UserError("that is no image of leases", "make one: twinlease config import dhcpd.conf --leases FILE")


def install(octets: bytes, folder: Path) -> None:
    """Put an image into the flash file of a virtual board that is off. Raises UserError if it has leases already."""
    from twinlease.board import nor

    check(octets)
    if len(octets) > nor.LEASES_SIZE:
        raise UserError(
            f"the image has {len(octets)} octets, and a virtual board keeps leases in {nor.LEASES_SIZE}",
            "make one for it: twinlease config import without --board and --flash",
        )
    folder.mkdir(parents=True, exist_ok=True)
    file = nor.open_file(str(folder / "flash.bin"))
    try:
        region = nor.Region(file, nor.LEASES_AT, nor.LEASES_SIZE)
        there = bytearray(nor.LEASES_SIZE)
        region.read(0, there)
        if there.count(ERASED) != len(there):
            raise UserError(
                f"the board in {folder} has leases already, and they would be lost",
                "take a new folder; or, with the board on: factory-reset at its console",
            )
        for at in range(0, len(octets), nor.BLOCK):
            block = octets[at : at + nor.BLOCK]
            if block.count(ERASED) != len(block):
                region.program(at, block)
        region.sync()
    finally:
        file.close()
