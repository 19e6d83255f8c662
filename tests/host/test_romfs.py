"""The firmware as a ROMFS image, read back by MicroPython itself."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from twinlease import configuration
from twinlease_host import firmware, romfs
from twinlease_host.vboard.cpu import interpreter

WALK = """
import os, vfs, uctypes
vfs.mount(vfs.VfsRom(uctypes.bytearray_at(*[int(n) for n in os.getenv("ROM").split()])), "/rom")
def walk(folder):
    for name, kind, *_ in os.ilistdir(folder):
        if kind == 0x4000:
            walk(folder + "/" + name)
        else:
            with open(folder + "/" + name, "rb") as f:
                print(folder + "/" + name, sum(f.read()))
walk("/rom")
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("firmware")
    firmware.build(folder)
    return folder


def test_the_image_holds_every_compiled_file_and_no_other(built: Path, tmp_path: Path) -> None:
    rom = tmp_path / "rom.bin"
    rom.write_bytes(romfs.image(built))
    done = subprocess.run([*interpreter(rom), "-c", WALK], capture_output=True, text=True, check=True)
    files = {f"/rom/{p.relative_to(built)} {sum(p.read_bytes())}" for p in built.rglob("*.mpy")}
    assert set(done.stdout.splitlines()) == files and len(files) > 50


def test_a_firmware_is_known_by_what_it_holds_where_files_have_no_time(tmp_path: Path) -> None:
    """Else a board would go on with a configuration that another parser has read."""
    file = tmp_path / "parser.mpy"
    digests = set()
    for octets in (b"one", b"two", b"two"):
        file.write_bytes(octets)
        os.utime(file, (len(digests), len(digests)))
        digests.add(configuration.code_digest(str(tmp_path), timed=False))
    assert len(digests) == 2
