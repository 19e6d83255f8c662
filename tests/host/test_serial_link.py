"""One question over a serial port, when the board at its other end is not what one hopes."""

from __future__ import annotations

import os
import pty
import threading
import tty

import pytest
import serial
from twinlease_host import serial_link
from twinlease_host.errors import UserError


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
