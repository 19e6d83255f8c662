"""The compiled firmware as a ROMFS image: MicroPython (from 1.25 on) runs it in place, in memory-mapped flash.

Bytecode, texts and the letters of names stay there; in the heap are the objects that hold them together.
"""

from __future__ import annotations

from pathlib import Path

from mpremote.romfs import VfsRomWriter  # type: ignore[import-untyped]


def image(built: Path) -> bytes:
    """The image of a folder that `firmware.build` has made.

    boot.py and main.py are not in it: a board looks for these in its file system.
    """
    writer = VfsRomWriter()
    _add(writer, built)
    return bytes(writer.finalise())


def _add(writer: VfsRomWriter, folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            writer.opendir(path.name)
            _add(writer, path)
            writer.closedir()
        elif path.suffix == ".mpy":
            writer.mkfile(path.name, path.read_bytes())
