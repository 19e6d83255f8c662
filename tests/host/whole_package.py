"""`make mip-try`: the whole package by mpremote onto a board that has MicroPython only, which serves then; twice, as
README has it: from a web server compiled, and from the folder.
"""

from __future__ import annotations

import os
from pathlib import Path

import mpremotes
from twinlease_host import firmware, mip

from boards import CONFIG, Board


def test_a_board_serves_what_mpremote_has_installed(board: Board, tmp_path: Path) -> None:
    site = tmp_path / "site"
    mip.compile_into(site, firmware.UNIX_ARCH)
    (site / "dhcpd.conf").write_text(CONFIG)
    with mpremotes.site(site) as address:
        desk = mpremotes.new_chip(board, site)
        desk("mip", "install", address)
    desk("fs", "cp", "boot.py", "main.py", ":", "+", "fs", "mkdir", "conf", "+", "fs", "cp", "dhcpd.conf", ":conf/")
    desk("reset")
    board.wait_said("Server starting service")
    assert "0 of 20 addresses in use" in board.ask("banner").stdout


def test_from_the_folder_it_is_the_same(board: Board, tmp_path: Path) -> None:
    files = mip.compile_into(tmp_path / "site", firmware.UNIX_ARCH)
    desk = mpremotes.new_chip(board, tmp_path / "site")
    desk("mip", "install", mip.NAME, "+", "fs", "cp", "boot.py", "main.py", ":")
    code = "import os; print([os.stat('/lib/' + name)[6] for name in %r])" % files
    sizes = [os.stat(tmp_path / "site" / name).st_size for name in files]
    assert desk("resume", "exec", code) == f"{sizes}\n"
    board.cut_power()
