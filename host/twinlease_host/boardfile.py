"""Board definitions: what a kind of board has, from boards/NAME.toml. boards/README.md documents the keys."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from . import firmware, fit
from .errors import UserError

# The board layer of a microcontroller takes so much more than that of a process, with which the firmware is measured.
# Counted, by its compiled files (hardware, flash, nic, wifi, lamp instead of unix, nor) and its buffers.
_HARDWARE = 4_600


@dataclass(frozen=True)
class MicroPython:
    """Which image of MicroPython a board takes, as `twinlease flash` wants to know it."""

    chip: str  # esp32, esp32s3: as esptool names them; rp2040, rp2350
    image: str  # how the names of its files begin
    page: str  # of micropython.org/download
    starts_at: int = 0  # in flash; ESP32
    flash: int = 0  # octets of it in all; ESP32

    @property
    def is_esp(self) -> bool:
        return self.chip.startswith("esp")

    @property
    def suffix(self) -> str:
        """Of its files."""
        return "bin" if self.is_esp else "uf2"


@dataclass(frozen=True)
class Definition:
    """A board: its octets for Python (None: no bound) and for leases, and how many leases it carries."""

    name: str
    title: str
    port: str
    heap: int | None
    flash: int
    native_in_heap: bool
    leases: int | None
    leases_with_failover: int | None
    micropython: MicroPython | None = None
    wiring: dict[str, str] = field(default_factory=dict)

    @property
    def limits(self) -> fit.Limits:
        """For fit.py."""
        needs = replace(fit.BOARD, code=fit.BOARD.code + _HARDWARE) if self.port in ("esp32", "rp2") else fit.BOARD
        if not self.native_in_heap:
            needs = replace(needs, code=needs.code - needs.native)
        return fit.Limits(self.heap, self.flash, needs, self.title)


def folder() -> Path:
    """Where the definitions are."""
    return firmware.root().parent / "boards"


def names() -> list[str]:
    """Of all boards."""
    return sorted(path.stem for path in folder().glob("*.toml"))


def load(name: str) -> Definition:
    """The definition of a board. Raises UserError for a name that nobody knows, or a file that is wrong."""
    path = folder() / f"{name}.toml"
    if name not in names():
        raise UserError(f"there is no board {name}", f"known boards: {', '.join(names())}")
    try:
        told = tomllib.loads(path.read_text())
        heap, carries = told.get("heap", {}), told.get("leases", {})
        return Definition(
            name,
            told["title"],
            told["port"],
            heap.get("octets"),
            told["flash"]["leases"],
            heap.get("native-code", True),
            carries.get("alone"),
            carries.get("with-failover"),
            _micropython(told["micropython"]) if "micropython" in told else None,
            told.get("wiring", {}),
        )
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as bad:
        raise UserError(f"{path} is no board definition: {bad}", "see boards/README.md") from None


def _micropython(told: dict[str, Any]) -> MicroPython:
    image = told["image"]
    page = told.get("page", image.split("-")[0])
    return MicroPython(told["chip"], image, page, told.get("starts-at", 0), told.get("flash", 0))
