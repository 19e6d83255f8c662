"""What a person has who uses mpremote: a package on a web server, a board with MicroPython and nothing else."""

from __future__ import annotations

import functools
import http.server
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from twinlease_host.flash import partition_table
from twinlease_host.vboard import esp32, stand_in

from boards import LIMIT_S, Board


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *words: object) -> None:
        pass


@contextmanager
def site(folder: Path) -> Iterator[str]:
    """This folder on a web server; the server's address."""
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def new_chip(board: Board, folder: Path) -> Callable[..., str]:
    """Power on a virtual ESP32 that has MicroPython's image only; what runs mpremote at it, in that folder."""
    octets = bytearray(b"\xff" * esp32.SIZE)
    image, table = stand_in.image(), partition_table.encode(partition_table.with_leases(esp32.SIZE, 0x40000))
    octets[0x1000 : 0x1000 + len(image)] = image
    octets[partition_table.AT : partition_table.AT + len(table)] = table
    board.folder.mkdir()
    (board.folder / "flash.bin").write_bytes(octets)
    board.start("--esp32", "--no-config")
    board.wait_said("power on")

    def mpremote(*words: str) -> str:
        """What it printed."""
        command = [sys.executable, "-m", "mpremote", "connect", str(board.serial), *words]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LIMIT_S, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return mpremote
