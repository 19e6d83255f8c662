"""`twinlease flash` before it touches a board: what is wrong with image, board or port is said, and what to do about it.

With a board: tests/interop/test_flash.py.
"""

from __future__ import annotations

import hashlib
import http.server
import json
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from twinlease_host import boardfile
from twinlease_host.boardfile import MicroPython
from twinlease_host.errors import UserError
from twinlease_host.flash import esp, esp_image, image, job, partition_table, uf2
from twinlease_host.flash.show import Show
from twinlease_host.vboard import rom_loader, stand_in

from boards import tool

ESP32 = MicroPython("esp32", "ESP32_GENERIC", "ESP32_GENERIC", 0x1000, 4 << 20)
PICO_W = MicroPython("rp2040", "RPI_PICO_W", "RPI_PICO_W")


def quiet(*_: int) -> None:
    pass


def refusal(what: object, *words: object) -> UserError:
    with pytest.raises(UserError) as told:
        what(*words)  # type: ignore[operator]
    assert told.value.hint, "it says what to do"
    return told.value


# The partition table.


def test_a_partition_table_is_what_esp_idf_makes_of_these_rows() -> None:
    octets = partition_table.encode(partition_table.with_leases(4 << 20, 0x40000))
    assert len(octets) == 0xC00
    assert octets[:32] == struct.pack("<HBBLL16sL", 0x50AA, 1, 2, 0x9000, 0x6000, b"nvs", 0)
    assert octets[160:176] == b"\xeb\xeb" + b"\xff" * 14
    assert octets[176:192] == hashlib.md5(octets[:160]).digest() and set(octets[192:]) == {0xFF}


def test_a_table_that_was_cut_short_is_none() -> None:
    rows = partition_table.with_leases(4 << 20, 0x40000)
    whole = partition_table.encode(rows)
    assert partition_table.decode(whole) == rows
    for n in range(0, 192, 16):
        assert partition_table.decode(whole[:n].ljust(0xC00, b"\xff")) is None


def esp_boards() -> Iterator[tuple[boardfile.Definition, MicroPython]]:
    for board in map(boardfile.load, boardfile.names()):
        if board.micropython and board.micropython.is_esp:
            yield board, board.micropython


@pytest.mark.parametrize(("board", "chip"), list(esp_boards()), ids=lambda made: getattr(made, "name", ""))
def test_the_partitions_of_every_esp32_follow_one_another_and_fill_its_flash(
    board: boardfile.Definition, chip: MicroPython
) -> None:
    rows = partition_table.with_leases(chip.flash, board.flash)
    assert [row.at for row in rows[1:]] == [row.end for row in rows[:-1]]
    assert rows[-1].end == chip.flash and all(row.at % 4096 == 0 for row in rows)
    assert chip.chip in esp_image.CHIPS


# Images of an ESP32.


def test_the_parts_of_an_image_are_taken_and_its_table_is_left() -> None:
    whole = stand_in.image(16)
    loader, program = esp.pieces(whole, "x.bin", ESP32)
    assert (loader.at, program.at) == (0x1000, 0x10000)
    assert whole.startswith(loader.octets) and whole.endswith(program.octets)
    assert len(loader.octets) + 0x1000 < 0x8000


@pytest.mark.parametrize(
    ("octets", "says"),
    [
        (stand_in.image(16)[:-100], "not all of one: at 0x10000"),
        (stand_in.image(16)[:3000], "not all of one: at 0x1000"),
        (b"PK\x03\x04" + bytes(90000), "it begins with 0x50"),
        (b"", "not all of one"),
        (esp_image.make("esp32", b"x" * 90000), "at 0x10000"),
        (esp_image.make("esp32s3", b"x" * 90000), "is for esp32s3, and the board has an esp32"),
    ],
)
def test_what_is_no_image_for_the_board_is_refused(octets: bytes, says: str) -> None:
    assert says in str(refusal(esp.pieces, octets, "x.bin", ESP32))


def test_a_program_too_large_for_its_partition_is_refused() -> None:
    parts = [esp.Piece("MicroPython", 0x10000, bytes(0x1F0001))]
    assert "its partition 2,031,616" in str(
        refusal(esp.check_size, parts, partition_table.with_leases(4 << 20, 4096), "x.bin")
    )


def test_any_octet_that_is_wrong_shows() -> None:
    whole = bytearray(esp_image.make("esp32", bytes(range(200)), "v1.29.0", "micropython"))
    assert esp_image.measure(bytes(whole) + b"\xff" * 50).version == "v1.29.0"
    for at in (0, 1, 25, 200, len(whole) - 40, len(whole) - 33, len(whole) - 1):
        whole[at] ^= 0x40
        with pytest.raises(esp_image.Damaged):
            esp_image.measure(bytes(whole))
        whole[at] ^= 0x40


# Images of the Pico family.


def blocks(family: int, n: int = 4) -> bytes:
    head = [
        struct.pack("<8I", 0x0A324655, 0x9E5D5157, 0x2000, 0x10000000 + 256 * i, 256, i, n, family) for i in range(n)
    ]
    return b"".join(one + bytes(476) + struct.pack("<I", 0x0AB16F30) for one in head)


def test_a_uf2_file_tells_its_chip() -> None:
    assert uf2.family(blocks(0xE48BFF56), "x") == "rp2040" and uf2.family(blocks(0xE48BFF59), "x") == "rp2350"
    assert uf2.family(blocks(0xE48BFF57, 1) + blocks(0xE48BFF59), "x") == "rp2350", "a first block for every chip"
    assert "not all of one (at octet 1536)" in str(refusal(uf2.family, blocks(0xE48BFF56)[:-1], "x"))
    assert "no UF2 file" in str(refusal(uf2.family, b"\xe9" * 1024, "x"))


def test_it_is_copied_to_the_disk_of_the_right_chip(tmp_path: Path) -> None:
    asked: list[str] = []
    assert "no disk named RPI-RP2" in str(refusal(uf2.find_disk, "rp2040", tmp_path, 0, asked.append))
    (tmp_path / "INFO_UF2.TXT").write_text("UF2 Bootloader v3.0\nModel: Raspberry Pi RP2\nBoard-ID: RPI-RP2\n")
    assert uf2.find_disk("rp2040", tmp_path, 0, asked.append) == tmp_path and not asked
    assert "has an RP2040, and this image is for an RP2350" in str(
        refusal(uf2.find_disk, "rp2350", tmp_path, 0, asked.append)
    )
    uf2.copy(blocks(0xE48BFF56), "x.uf2", tmp_path, quiet)
    assert (tmp_path / "x.uf2").read_bytes() == blocks(0xE48BFF56)


# Where an image comes from.


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, bytes]]:
    """A web site: what it has, by path."""
    pages: dict[str, bytes] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path)
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("TWINLEASE_IMAGES", f"http://127.0.0.1:{server.server_address[1]}/")
        yield pages
        server.shutdown()


NAMES = ("20260409-v1.28.0", "20260901-v1.29.0", "20261010-v1.30.0", "20261101-v1.31.0-preview.12.gabc")


def test_the_newest_release_is_downloaded_once_and_recorded(tmp_path: Path, site: dict[str, bytes]) -> None:
    links = [
        f'<a href="/resources/firmware/ESP32_GENERIC{kind}-{name}.bin">' for name in NAMES for kind in ("", "-OTA")
    ]
    site["/download/ESP32_GENERIC/"] = "\n".join(links).encode()
    site["/resources/firmware/ESP32_GENERIC-20261010-v1.30.0.bin"] = b"first"
    found = image.obtain(ESP32, None, "", tmp_path, quiet)
    assert found.octets == b"first" and found.source == "downloaded"
    site.clear()
    found = image.obtain(ESP32, None, "", tmp_path, quiet)
    assert found.octets == b"first" and found.source == "kept"
    found.path.write_bytes(b"other")
    assert "is not the file that it was" in str(refusal(image.obtain, ESP32, None, "", tmp_path, quiet))


def test_without_the_site_it_says_what_to_fetch_and_where(tmp_path: Path, site: dict[str, bytes]) -> None:
    told = refusal(image.obtain, PICO_W, None, "", tmp_path, quiet)
    assert "cannot be had" in str(told)
    assert "fetch RPI_PICO_W-….uf2, v1.29.0 or later, from https://micropython.org/download/RPI_PICO_W/" in told.hint
    site["/download/RPI_PICO_W/"] = b"/resources/firmware/RPI_PICO_W-20260409-v1.28.0.uf2"
    assert "names no RPI_PICO_W-*.uf2 of v1.29.0 or later" in str(
        refusal(image.obtain, PICO_W, None, "", tmp_path, quiet)
    )


def test_a_checksum_that_is_asked_for_must_be_right(tmp_path: Path) -> None:
    file = tmp_path / "x.bin"
    file.write_bytes(b"image")
    right = hashlib.sha256(b"image").hexdigest()
    assert image.obtain(ESP32, file, right.upper(), tmp_path, quiet).octets == b"image"
    assert "was asked for" in str(refusal(image.obtain, ESP32, file, "00" * 32, tmp_path, quiet))
    assert "cannot be read" in str(refusal(image.obtain, ESP32, tmp_path / "none", "", tmp_path, quiet))


# The command.


def test_a_dry_run_says_what_would_be_done(tmp_path: Path) -> None:
    (tmp_path / "image.bin").write_bytes(stand_in.image(16))
    (tmp_path / "dhcpd.conf").write_text("subnet 10.0.0.0 netmask 255.255.255.0 { range 10.0.0.10 10.0.0.19; }\n")
    words = ["flash", "virtual-esp32", "--image", str(tmp_path / "image.bin"), "--dry-run"]
    done = tool(*words, "--config", str(tmp_path / "dhcpd.conf"), "--address", "10.0.0.2/24")
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "leases 0x200000+0x40000" in said and "10 dynamic addresses" in said and "board.conf: address" in said
    (tmp_path / "dhcpd.conf").write_text("subnet 10.0.0.0 netmask 255.255.255.0 { rnge 10.0.0.10; }\n")
    done = tool(*words, "--config", str(tmp_path / "dhcpd.conf"))
    assert done.returncode == 1 and "would not be served by this board" in done.stderr and "config check" in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["toaster"], "there is no board toaster"),
        (["raspberry-pi"], "is not flashed"),
        (["virtual-esp32", "--dry-run"], "no site has an image for a virtual chip"),
        (["virtual-esp32", "--image", "/nonexistent/x.bin"], "cannot be read"),
        (["virtual-esp32", "--no-micropython", "--port", "/nonexistent/tty"], "no such port"),
        (["virtual-esp32", "--no-micropython", "--address", "10.0.0.2"], "prefix length"),
        (["virtual-esp32", "--config", "/nonexistent/dhcpd.conf"], "there is no file"),
    ],
)
def test_what_cannot_be_done_is_said_with_what_to_do(words: list[str], says: str) -> None:
    done = tool("flash", *words)
    said = " ".join(done.stderr.split())
    assert done.returncode == 2 and says in said and "hint:" in said, said


def test_one_board_at_a_time_is_found_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    class Port:
        def __init__(self, device: str, vid: int | None) -> None:
            self.device, self.vid, self.description = device, vid, "a bridge"

    ports = [Port("/dev/ttyS0", None), Port("/dev/ttyACM0", 0x2E8A)]
    monkeypatch.setattr("serial.tools.list_ports.comports", lambda: ports)
    assert job.one_port(PICO_W) == "/dev/ttyACM0"
    assert "no board is plugged in" in str(refusal(job.one_port, ESP32))
    ports += [Port("/dev/ttyUSB0", 0x10C4), Port("/dev/ttyUSB1", 0x1A86)]
    told = refusal(job.one_port, ESP32)
    assert "there are several boards: /dev/ttyUSB0 (a bridge), /dev/ttyUSB1" in str(told) and "PORT=" in told.hint


def test_a_summary_is_json_for_programs() -> None:
    told = json.loads(job.Summary("esp32", "/dev/ttyUSB0", leases="kept").as_json())
    assert told["board"] == "esp32" and told["leases"] == "kept" and told["files"]["changed"] == 0


def test_nothing_is_shown_where_nobody_looks() -> None:
    with Show() as show:
        show.step("a")
        show.progress(1, 2)


# The virtual chip's own rules.


def test_its_flash_takes_no_bit_back_without_an_erase(tmp_path: Path) -> None:
    file = tmp_path / "flash.bin"
    file.write_bytes(b"\xff" * 65536)
    flash = rom_loader.Flash(file)
    assert flash.program(4096, b"\xf0\x0f") and flash.program(4096, b"\x3c\xff")
    assert file.read_bytes()[4096:4099] == b"\x30\x0f\xff"
    assert flash.erase(4097, 1) and file.read_bytes()[4096:4098] == b"\xff\xff"
    assert not flash.program(65535, b"ab") and not flash.erase(65536, 1)
