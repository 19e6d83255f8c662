"""rfc2217:// as pyserial has it, but that a new time-out is nobody's business at the other end.

pyserial negotiates all settings anew then, which takes it a tenth of a second; esptool sets two for each command.
"""

from __future__ import annotations

from typing import Any

from serial import rfc2217


class Serial(rfc2217.Serial):  # type: ignore[misc]
    """A serial port elsewhere."""

    _agreed: tuple[Any, ...] | None = None

    def open(self) -> None:
        self._agreed = None
        super().open()

    def _reconfigure_port(self) -> None:
        wanted = (self._baudrate, self._bytesize, self._parity, self._stopbits, self._rtscts, self._xonxoff)
        if wanted != self._agreed:
            super()._reconfigure_port()
            self._agreed = wanted
