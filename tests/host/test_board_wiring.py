"""How boards are wired: what boards/*.toml says, the firmware's drivers take, flash has room for, and a page tells."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from twinlease.board import settings
from twinlease_host import boardfile, firmware
from twinlease_host.flash import partition_table

UNIT = Path(__file__).resolve().parents[1] / "unit"
PORTS = {"esp32", "rp2"}
DIRECTORIES = 20  # blocks of a littlefs for the folders of the firmware, two each
ARCHES = {"rp2040": "armv6m", "rp2350": "armv7emsp"}
HARDWARE = [name for name in boardfile.names() if boardfile.load(name).port in PORTS]


def told(name: str) -> dict:
    return tomllib.loads((boardfile.folder() / f"{name}.toml").read_text())


def conf(name: str) -> dict[str, list[str]]:
    """The statements of board.conf, as the flash command writes them and the firmware reads them."""
    words = {key: line.split() for key, line in told(name)["wiring"].items()}
    return settings.parse(settings.text({"board": [name], "address": ["10.77.0.2/16"], **words}))


@pytest.fixture
def chips() -> Iterator[object]:
    sys.path.insert(0, str(UNIT))
    import chips

    yield chips
    sys.path.remove(str(UNIT))
    for name in ("machine", "network", "esp32", "rp2"):
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The firmware for an architecture, compiled once."""
    folder = tmp_path_factory.mktemp("built")

    def build(arch: str) -> Path:
        firmware.build(folder / arch, arch)
        return folder / arch

    return build


@pytest.mark.parametrize("name", HARDWARE)
def test_the_driver_takes_the_pins(name: str, chips) -> None:
    port = told(name)["port"]
    chip = chips.install(port)
    known = {**conf(name), "wifi": ["office", "secret"]}
    board = __import__(f"twinlease.board.{port}", None, None, ("driver",))
    nic = board.driver(known["network"][0]).up(known["network"], known)
    assert nic.address == bytes((10, 77, 0, 2)) and nic.name in ("eth0", "wlan0")
    if "led" in known:
        from twinlease.board import lamp

        lamp.wired(known["led"]).put(1)
    if "button" in known:
        from twinlease.board import hold

        assert hold.held(known["button"], lambda ms: None, None) in (0, 20000)
    assert chip.machine.watchdog is None


@pytest.mark.parametrize("name", HARDWARE)
def test_pins_are_used_once(name: str) -> None:
    known = conf(name)
    pins = [
        n for key, n in zip(known["network"][1::2], known["network"][2::2], strict=True) if key not in ("phy", "spi")
    ]
    pins += [known[what][0] for what in ("led", "button") if what in known and known[what][0].isdigit()]
    assert len(pins) == len(set(pins)), pins


@pytest.mark.parametrize("name", [name for name in HARDWARE if told(name)["port"] == "esp32"])
def test_partitions_of_an_esp32_fill_its_flash(name: str) -> None:
    board = told(name)
    rows = partition_table.with_leases(board["micropython"]["flash"], board["flash"]["leases"])
    vfs = partition_table.find(rows, "vfs")
    assert vfs and vfs.size == board["flash"]["files"] and vfs.end == board["micropython"]["flash"]


@pytest.mark.parametrize("name", [name for name in HARDWARE if told(name)["port"] == "rp2"])
def test_the_file_system_of_a_pico_holds_firmware_and_leases(name: str, built: Callable[[str], Path]) -> None:
    board = told(name)
    assert int(board["wiring"]["leases"]) == board["flash"]["leases"]
    folder = built(ARCHES[board["micropython"]["chip"]])
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.suffix in (".mpy", ".py")]
    blocks = sum(-(-size // 4096) for size in sizes if size > 512)  # smaller ones stand in their folder
    free = board["flash"]["files"] // 4096 - blocks - DIRECTORIES - board["flash"]["leases"] // 4096
    assert free >= 16, f"{blocks} blocks of firmware leave {free} for configurations: less for leases?"


@pytest.mark.parametrize("name", boardfile.names())
def test_each_board_has_its_page(name: str) -> None:
    page = (boardfile.folder() / f"{name}.md").read_text()
    assert page.startswith("# ")
    if name in HARDWARE:
        assert "## Wiring" in page and "## Flash" in page and "Nothing was tried on the hardware" in page
        words = told(name)["wiring"]["network"].split()
        numbers = [n for key, n in zip(words[1::2], words[2::2], strict=True) if key != "spi"]
        missing = [n for n in numbers if not re.search(rf"(?<!\d){n}(?!\d)", page)]
        assert not missing, f"boards/{name}.md does not tell the pins {missing}"
