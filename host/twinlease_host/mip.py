"""The firmware as a package of MicroPython's: what `mpremote mip install` reads.

    python -m twinlease_host.mip                       writes firmware/package.json: the sources, as they are
    python -m twinlease_host.mip --compiled xtensawin  makes build/mip/xtensawin: a package.json, and the files that
                                                       `make flash` would give a board of this architecture

A source is compiled by the board that imports it, which takes more heap than serving does on a board without PSRAM;
the compiled package loads as it is. Neither has main.py and boot.py among its files: a package goes to /lib, and these
two go to the root of the board's file system. They lie beside both package.json files.

firmware/manifest.py is for who builds a MicroPython image: it freezes the sources.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from twinlease import VERSION

from . import firmware

NAME = "package.json"
ARCHITECTURES = ("xtensawin", "armv6m", "armv7emsp", "x64")  # ESP32 and S3; RP2040; RP2350; the unix port


def description(files: list[str]) -> str:
    """The text of a package.json that lies beside these files: where each goes on a board, and where it is."""
    told = {"urls": [[name, name] for name in files], "deps": [], "version": VERSION}
    return json.dumps(told, indent=1) + "\n"


def sources() -> str:
    """The text of firmware/package.json."""
    return description([name for name in firmware.names() if name not in firmware.SOURCE])


def compile_into(folder: Path, arch: str) -> list[str]:
    """Make the compiled package anew in this folder; returns the names of its files."""
    shutil.rmtree(folder, ignore_errors=True)
    firmware.build(folder, arch)
    made = sorted(str(firmware.built(folder, name).relative_to(folder)) for name in firmware.files(folder))
    files = [name for name in made if name not in firmware.SOURCE]
    (folder / NAME).write_text(description(files))
    return files


def main() -> None:
    """Write one of the two."""
    parser = argparse.ArgumentParser(prog="python -m twinlease_host.mip", description=__doc__.split("\n")[0])
    parser.add_argument("--compiled", metavar="ARCH", choices=ARCHITECTURES, help=f"one of {', '.join(ARCHITECTURES)}")
    parser.add_argument("--into", metavar="DIR", type=Path, default=Path("build/mip"), help="default: build/mip")
    told = parser.parse_args()
    if told.compiled:
        folder = told.into / told.compiled
        files = compile_into(folder, told.compiled)
        print(f"{folder / NAME}: {len(files)} files; main.py and boot.py beside it are for the board's root")
        return
    (firmware.root() / NAME).write_text(sources())


if __name__ == "__main__":
    main()
