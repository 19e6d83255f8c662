"""One question over a serial port, when the board at its other end is not what one hopes."""

from __future__ import annotations

import os
import pty
import termios
import threading
import tty

import pytest
import serial
from twinlease_host import serial_link
from twinlease_host.errors import UserError
from twinlease_host.flash import board_files


@pytest.mark.parametrize("already_gone", [False, True])
def test_a_board_that_goes_away_amid_its_answer_is_named(already_gone: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = pty.openpty()
    tty.setraw(slave)
    port = os.ttyname(slave)

    def lose_power() -> None:
        os.read(master, 100)
        os.write(master, b"half an ans")
        os.close(master)

    board = threading.Thread(target=lose_power)
    write = serial.Serial.write

    def write_and_wait(line: serial.Serial, octets: bytes) -> None:
        write(line, octets)
        board.join()

    if already_gone:  # by the time that the answer is looked for
        monkeypatch.setattr(serial.Serial, "write", write_and_wait)
    board.start()
    with pytest.raises(UserError, match=f"{port} went away"):
        serial_link.ask(port, "show failover", timeout_s=5)
    board.join()
    os.close(slave)


@pytest.mark.parametrize("bad", [termios.error(5, "Input/output error"), OSError(5, "Input/output error")])
def test_a_board_that_goes_away_as_its_port_is_opened_is_named(bad: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of termios.error pyserial makes nothing of its own: it was a traceback in `twinlease demo`."""

    def opens(*words: object, **how: object) -> None:
        raise bad

    monkeypatch.setattr(serial, "serial_for_url", opens)
    with pytest.raises(UserError, match="cannot open /dev/ttyUSB0: there is no such port"):
        serial_link.ask("/dev/ttyUSB0", "show version", 0.1)
    monkeypatch.setattr(serial, "Serial", opens)
    monkeypatch.setattr(os.path, "exists", lambda path: True)
    with pytest.raises(UserError, match="/dev/ttyUSB0: "), board_files.opened("/dev/ttyUSB0"):
        pass
