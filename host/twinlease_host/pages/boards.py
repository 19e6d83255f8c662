"""docs/boards/NAME.md: a page for each board: boards/NAME.toml as tables, with what boards/NAME.md says to it by hand.

A comment behind a value of the definition stands beside the value on the page, and `[notes]` tells how power and
the serial line get there. Of the notes, the parts "Wiring", "Flash" and "Measured, and not" stand where the page has
these; a table of flash in them is left out, for there is one from the definition.
"""

from __future__ import annotations

import re
import textwrap
import tomllib
from pathlib import Path
from typing import Any

from .. import boardfile, firmware
from ..flash import partition_table

FOLDER = firmware.root().parent / "docs" / "boards"
_PORTS = {"esp32": "ESP32", "rp2": "RP2040, RP2350", "linux": "Linux (CPython)", "unix": "unix"}
_LINES = (("power", "Power"), ("serial", "Serial"))
_OURS = ("", "Wiring", "Flash", "Measured, and not")
_STATEMENTS = ("network", "led", "button", "leases")
# Whole images of MicroPython begin where flash does; its file system is at the end (mpconfigboard.h of the boards).
_PICO_FLASH = {"rp2040": 2 << 20, "rp2350": 4 << 20}


def pages() -> dict[Path, str]:
    """Each page's text."""
    made = {FOLDER / f"{name}.md": _page(name) for name in boardfile.names()}
    return {FOLDER / "README.md": _index(), **made}


def write() -> None:
    """Write them, and remove those of boards that are no more."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    made = pages()
    for path in FOLDER.glob("*.md"):
        if path not in made:
            path.unlink()
    for path, text in made.items():
        path.write_text(text)


def _index() -> str:
    lines = [
        "# Boards",
        "",
        "Made by `make docs` from [boards/](../../boards/README.md), which says what all boards do alike.",
        "Leases: how many a board carries alone, and with a failover partner; 0: it cannot serve.",
        "",
        "| board | port | network | leases alone | with failover | measured on hardware |",
        "|---|---|---|---|---|---|",
    ]
    for name in boardfile.names():
        told = _told(name)
        network = told.get("wiring", {}).get("network", "-").split()[0]
        carries = [str(told.get("leases", {}).get(key, "no bound")) for key in ("alone", "with-failover")]
        tried = "heap" if told.get("heap", {}).get("measured") else "no"
        port = _PORTS.get(told["port"], told["port"])
        lines.append(f"| [{told['title']}]({name}.md) | {port} | {network} | {' | '.join(carries)} | {tried} |")
    return "\n".join(lines) + "\n"


def _page(name: str) -> str:
    told, why, notes = _told(name), _comments(name), _notes(name)
    lines = [f"# {told['title']}", ""]
    lines += [
        f"Made by `make docs` from [the definition](../../boards/{name}.toml) and [notes](../../boards/{name}.md)."
    ]
    if told["port"] in ("esp32", "rp2"):
        lines += ["LED, button, watchdog, what happens to a link: [as of all boards](../../boards/README.md)."]
    lines.append("")
    lines += [*_text(notes.get("", "")), "## What it has", "", "| | |", "|---|---|"]
    lines += [f"| {what} | {value}{_because(reason)} |" for what, value, reason in _facts(told, why)]
    lines.append("")
    wiring = [
        _filled(f"* **{what}**: {told['notes'][key]}", "  ") for key, what in _LINES if key in told.get("notes", {})
    ]
    wiring += ["", *_text(notes.get("Wiring", "")), *_board_conf(name, told, why)]
    if any(wiring):
        lines += ["## Wiring", "", *wiring]
    for heading in notes:
        if heading not in _OURS:
            lines += [f"## {heading}", "", *_text(notes[heading])]
    lines += ["## Flash", "", *_flash(told, why), "", *_text(notes.get("Flash", ""))]
    lines += ["## Measured, and never tried", ""]
    if told["port"] in ("esp32", "rp2"):
        lines += ["* Measured: what the firmware takes of a 32-bit heap, on a PC (`make footprint`)."]
        lines += ["* Run: the drivers, against doubles of the port's modules (`tests/unit/chips.py`), on a PC.", ""]
    lines += _text(notes.get("Measured, and not", ""))
    return re.sub("\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


def _notes(name: str) -> dict[str, str]:
    """What is written by hand, by heading; "" is what stands before the first."""
    path = boardfile.folder() / f"{name}.md"
    first, *parts = re.split(r"^## ", path.read_text() if path.exists() else "", flags=re.M)
    found = {"": re.sub(r"\A# .*\n", "", first)}
    for part in parts:
        heading, _, text = part.partition("\n")
        found[re.sub(r"^(Flash|Wiring)\b.*", r"\1", heading)] = text
    return found


def _text(text: str) -> list[str]:
    """Of notes, what is no table."""
    kept = "\n".join(line for line in text.split("\n") if not line.startswith("|")).strip("\n")
    return [kept, ""] if kept else []


def _told(name: str) -> dict[str, Any]:
    return tomllib.loads((boardfile.folder() / f"{name}.toml").read_text())


def _comments(name: str) -> dict[str, str]:
    """What stands behind values in the file, by section.key."""
    found, section = {}, ""
    for line in (boardfile.folder() / f"{name}.toml").read_text().split("\n"):
        if heading := re.match(r"\[([a-z-]+)\]", line):
            section = heading[1] + "."
        if told := re.match(r'([a-z-]+) = (?:"[^"]*"|[^"#]*?)\s+# (.*)', line):
            found[section + told[1]] = told[2]
    return found


def _facts(told: dict[str, Any], why: dict[str, str]) -> list[tuple[str, str, str]]:
    port = _PORTS.get(told["port"], told["port"])
    rows = [("port", port, why.get("port", ""))]
    if "micropython" in told:
        image = told["micropython"]
        rows.append(("chip", image["chip"], why.get("micropython.chip", "")))
        rows.append(("MicroPython's image", f"`{image['image']}`", why.get("micropython.image", "")))
    heap = told.get("heap", {})
    if "octets" in heap:
        measured = "measured" if heap.get("measured") else "expected, never measured"
        rows.append(("heap", f"{heap['octets']:,} octets, {measured}", why.get("heap.octets", "")))
    carries = told.get("leases", {})
    for key, what in (("alone", "leases, alone"), ("with-failover", "leases, with a failover partner")):
        if key in carries:
            rows.append((what, f"{carries[key]:,}" if carries[key] else "none: the heap is too small", ""))
    return rows


def _board_conf(name: str, told: dict[str, Any], why: dict[str, str]) -> list[str]:
    wiring = told.get("wiring", {})
    if not wiring:
        return []
    lines = [
        "",
        "`board.conf`, as far as it is about the board (`twinlease flash` writes it):",
        "",
        "```",
        f"board {name};",
    ]
    for key in (*_STATEMENTS, *sorted(set(wiring) - set(_STATEMENTS))):
        if key in wiring:
            reason = why.get(f"wiring.{key}")
            lines.append(f"{key} {wiring[key]};" + (f"  # {reason}" if reason else ""))
    return [*lines, "```", ""]


def _flash(told: dict[str, Any], why: dict[str, str]) -> list[str]:
    image, flash = told.get("micropython", {}), told["flash"]
    if image.get("flash"):
        lines = [f"{image['flash'] // 1024:,} KiB. The partition table that `twinlease flash` writes:", ""]
        lines += ["| at | KiB | partition | |", "|---|---|---|---|"]
        begins = f"0x{image['starts-at']:x}"
        lines.append(f"| {begins} | | | the loader of ESP-IDF; the table is at 0x{partition_table.AT:x} |")
        what = {
            "factory": "MicroPython",
            "leases": "the journal of leases, raw",
            "vfs": "a littlefs: firmware, configurations",
            "nvs": "settings of ESP-IDF",
            "phy_init": "settings of the radio",
        }
        for row in partition_table.with_leases(image["flash"], flash["leases"]):
            lines.append(f"| 0x{row.at:x} | {row.size // 1024:,} | {row.name} | {what.get(row.name, '')} |")
        return lines
    whole = _PICO_FLASH.get(image.get("chip", ""))
    if whole and "files" in flash:
        at, kib = whole - flash["files"], flash["leases"] // 1024
        return [
            f"{whole // 1024:,} KiB, without a partition table:",
            "",
            "| at | KiB | what |",
            "|---|---|---|",
            f"| 0x0 | {at // 1024:,} | MicroPython, and what is free behind it |",
            f"| 0x{at:x} | {flash['files'] // 1024:,} | a littlefs: firmware, configurations; "
            f"{kib} KiB of its blocks belong to `/leases/0` … and hold the journal |",
        ]
    said = f"{flash['leases'] // 1024:,} KiB for the journal of leases{_because(why.get('flash.leases', ''))}."
    return [said]


def _because(reason: str) -> str:
    return f"; {reason}" if reason else ""


def _filled(text: str, indent: str = "") -> str:
    return textwrap.fill(
        " ".join(text.split()), 118, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False
    )
