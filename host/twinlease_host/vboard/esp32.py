"""What a virtual ESP32 does before any program runs: its reset lines, and whether it finds a program in its flash."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..flash import esp_image, partition_table

SIZE = 4 << 20
_SECOND_STAGE_AT = 0x1000


def make_flash(path: Path) -> None:
    """A chip from the factory: erased."""
    if not path.exists():
        new = path.with_suffix(".new")
        new.write_bytes(b"\xff" * SIZE)
        new.rename(path)


def why_not(path: Path) -> str:
    """Why it does not start: words that tell what is wrong with its flash; "" if it does."""
    octets = path.read_bytes()
    try:
        esp_image.measure(octets[_SECOND_STAGE_AT : partition_table.AT])
    except esp_image.Damaged as bad:
        return f"no loader at 0x{_SECOND_STAGE_AT:x}: {bad}"
    rows = partition_table.decode(octets[partition_table.AT : partition_table.AT + partition_table.SIZE])
    program = partition_table.find(rows, "factory")
    if program is None:
        return f"no partition table at 0x{partition_table.AT:x}"
    try:
        esp_image.measure(octets[program.at : program.end])
    except esp_image.Damaged as bad:
        return f"no program at 0x{program.at:x}: {bad}"
    return ""


class ResetLines:
    """DTR and RTS, and the two transistors between them and the chip: RTS alone holds it in reset, DTR alone holds
    GPIO0 low, which it looks at when it comes out of reset. Both together do nothing.

    `hold()` and `release(download)` are called. Coming out of reset takes a moment, in which both may be set: a program
    on the PC sets one after the other.
    """

    def __init__(self, hold: Callable[[], None], release: Callable[[bool], None]) -> None:
        self._hold = hold
        self._release = release
        self._held = self._dtr = self._rts = False

    def put(self, dtr: bool | None = None, rts: bool | None = None) -> None:
        """One of the lines, or both, as the PC has set them."""
        self._dtr = self._dtr if dtr is None else dtr
        self._rts = self._rts if rts is None else rts
        if self._rts and not self._dtr:
            if not self._held:
                self._held = True
                self._hold()
        elif self._held and not (self._rts and self._dtr):
            self._held = False
            self._release(self._dtr)
