"""rfc2217:// as pyserial has it, but that a new time-out is nobody's business at the other end.

pyserial negotiates all settings anew then, which takes it a tenth of a second; esptool sets two for each command.
"""

from __future__ import annotations

from typing import Any

from serial import rfc2217

_Base: Any = rfc2217.Serial
_SETTINGS = ("baudrate", "bytesize", "parity", "stopbits", "rtscts", "xonxoff")


class Serial(_Base):  # type: ignore[misc]
    """A serial port elsewhere."""

    _agreed: list[Any] | None = None

    def open(self) -> None:
        """Ask for everything, once."""
        self._agreed = None
        super().open()

    def _reconfigure_port(self) -> None:
        wanted = [getattr(self, name) for name in _SETTINGS]
        if wanted != self._agreed:
            super()._reconfigure_port()
            self._agreed = wanted
