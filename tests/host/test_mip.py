"""The firmware as MicroPython's own tools take it: `mpremote mip install`, and a manifest for an image.

MICROPYTHON=folder of MicroPython's sources has the manifest read by the manifestfile.py there; without it a stand-in
reads it, which knows no more than what a manifest of files needs.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mpremotes
import pytest
import twinlease
from twinlease_host import firmware, mip

from boards import Board

MODULES = set(firmware.names()) - set(firmware.SOURCE)


def test_the_package_of_sources_is_what_is_in_the_folder() -> None:
    text = (firmware.root() / mip.NAME).read_text()
    assert text == mip.sources(), "firmware/package.json is stale: `make mip` makes it anew"
    told = json.loads(text)
    assert {name for name, _ in told["urls"]} == MODULES and told["version"] == twinlease.VERSION
    assert all((firmware.root() / place).is_file() for _, place in told["urls"])


def frozen(**options: object) -> tuple[dict[str, Path], Any]:
    """What firmware/manifest.py freezes: files by their names in the image; and its metadata."""
    manifest = firmware.root() / "manifest.py"
    if "MICROPYTHON" in os.environ:
        sys.path.insert(0, os.environ["MICROPYTHON"] + "/tools")
        import manifestfile  # type: ignore[import-not-found]

        read = manifestfile.ManifestFile(manifestfile.MODE_FREEZE, {"MPY_LIB_DIR": ""})
        read.include(str(manifest), **options)
        return {file.target_path: Path(file.full_path) for file in read.files()}, read.metadata()
    found: dict[str, Path] = {}

    def package(name: str, files: list[str]) -> None:
        found.update({f"{name}/{file}": manifest.parent / name / file for file in files})

    told = SimpleNamespace(options=SimpleNamespace(**options), metadata=None)
    told.options.defaults = lambda **usual: vars(told.options).update({**usual, **options})
    words = {
        "metadata": lambda **words: setattr(told, "metadata", SimpleNamespace(**words)),
        "options": told.options,
        "package": package,
        "module": lambda name: found.update({name: manifest.with_name(name)}),
    }
    with contextlib.chdir(manifest.parent):
        exec(manifest.read_text(), words)
    return found, told.metadata


def test_the_manifest_freezes_every_module_and_the_start() -> None:
    files, metadata = frozen()
    assert files.keys() == MODULES | set(firmware.SOURCE)
    assert all(path.is_file() for path in files.values())
    assert metadata.version == twinlease.VERSION


def test_the_manifest_leaves_the_start_to_who_has_a_main_of_his_own() -> None:
    files, _ = frozen(run=False)
    assert files.keys() == MODULES


def test_an_image_that_has_it_frozen_runs_it_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """MicroPython tells frozen packages a path of their own."""
    text = (firmware.root() / "twinlease" / "__init__.py").read_text()
    line = next(line for line in text.split("\n") if line.startswith("IN_ROM"))
    for path, there in ((".frozen/twinlease", True), ("/rom/twinlease", True), ("/lib/twinlease", False)):
        names: dict[str, Any] = {"__path__": path}
        exec(line, names)
        assert names["IN_ROM"] is there, path


def test_mpremote_installs_it_on_a_board_whose_python_finds_it_then(board: Board, tmp_path: Path) -> None:
    """A part of it, for mpremote takes half a minute for the whole: that is `make mip-try`."""
    files = mip.compile_into(tmp_path / "site", firmware.UNIX_ARCH)
    part = [name for name in files if "/ntp/" in name or name.endswith(("twinlease/__init__.mpy", "/clock.mpy"))]
    (tmp_path / "site" / mip.NAME).write_text(mip.description(part))
    with mpremotes.site(tmp_path / "site") as address:
        desk = mpremotes.new_chip(board, tmp_path / "site")
        said = desk("mip", "install", address)
        assert said.endswith("Done\n") and [f"/lib/{name}" for name in part] == re.findall("Installing: (.*)", said)
        code = "from twinlease.ntp import words; print(words.__file__)"
        assert desk("resume", "exec", code) == "/lib/twinlease/ntp/words.mpy\n"
    board.cut_power()
