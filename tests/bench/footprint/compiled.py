"""The folded firmware, compiled for who measures it, and how much native code adds to it on a Pico.

The WebAssembly port runs no native code. So `@micropython.viper` functions are compiled to byte code there, and what
they take more on a board as native code is known from the sizes of the .mpy files: both kinds are loaded whole.
"""

from __future__ import annotations

import re
from pathlib import Path

from twinlease_host import firmware
from twinlease_host.edits import module_name as module_name

HERE = Path(__file__).parent
BOARD_ARCH = "armv6m"  # of the RP2040; on an ESP32 native code lies outside of the heap
_NATIVE = re.compile(r"(?m)^( *)@micropython\.(?:viper|native)\b.*$")
_FAKES = ("asyncio.py", "select.py", "socket.py")


def sources() -> dict[str, str]:
    """All files of the program, folded, by path; serving.py with them."""
    return firmware.folded({"serving.py": (HERE / "board32" / "serving.py").read_text()})


def byte_code(root: Path, texts: dict[str, str]) -> None:
    """Compile them into the folder `root`, without native code; and the modules that stand in for a board's own."""
    fakes = {name: (HERE / "board32" / name).read_text() for name in _FAKES}
    for name, text in {**texts, **fakes}.items():
        firmware.compile_text(name, _NATIVE.sub(r"\1", text), firmware.built(root, name), BOARD_ARCH)


def native_extra(root: Path, texts: dict[str, str], scratch: Path) -> dict[str, int]:
    """Octets by which a file with native code is larger than the one in `root`, for those that have any."""
    found = {}
    for name, text in texts.items():
        if _NATIVE.search(text):
            there = firmware.built(scratch, name)
            firmware.compile_text(name, text, there, BOARD_ARCH)
            found[name] = there.stat().st_size - firmware.built(root, name).stat().st_size
    return found
