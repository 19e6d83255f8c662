"""The pictures of README: each is there, is drawn by commands that exist, and tells nothing of the machine it was drawn on."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import pytest
import typer
from twinlease_host.cli import app

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
DRAWN: dict[str, tuple[str, ...]] = {}
for table in ("STORY", "OFFICE"):
    DRAWN.update(runpy.run_path(str(DOCS / "pictures.py"))[table])


def test_readme_shows_all_that_are_drawn_and_no_others() -> None:
    shown = re.findall(r"!\[[^]]+\]\(docs/([^)]+)\)", (ROOT / "README.md").read_text())
    assert sorted(shown) == sorted(DRAWN) == sorted(path.name for path in DOCS.glob("*.svg"))


@pytest.mark.parametrize("picture", DRAWN)
def test_it_is_drawn_by_a_command_that_draws(picture: str) -> None:
    name, *options = DRAWN[picture]
    commands: Any = typer.main.get_command(app)
    command = commands.commands[name]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {"--svg", *options} <= known


def test_the_story_is_what_make_run_runs() -> None:
    run = (ROOT / "Makefile").read_text().split("\nrun:")[1].split("\n\n")[0]
    assert f"twinlease {DRAWN['run.svg'][0]} " in run and DRAWN["run.svg"][1] in run


@pytest.mark.parametrize("picture", DRAWN)
def test_it_tells_nothing_of_a_machine_and_fetches_nothing(picture: str) -> None:
    text = (DOCS / picture).read_text()
    assert not re.search(r"/(work|tmp|home|root|Users)/|@font-face|url\(http", text)
