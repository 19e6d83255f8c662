"""Our own ways to open a serial port by its URL; `use()` makes pyserial, esptool and mpremote take them."""

import serial


def use() -> None:
    """From now on serial_for_url looks here first."""
    if __name__ not in serial.protocol_handler_packages:
        serial.protocol_handler_packages.insert(0, __name__)
