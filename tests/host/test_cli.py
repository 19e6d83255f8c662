"""What all commands have in common: help with an example and the exit codes, and completion by the shell."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from click import Command
from twinlease_host.cli import app


def commands(group: Command, names: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Command]]:
    if not hasattr(group, "commands"):
        yield names, group
        return
    for name, command in group.commands.items():
        yield from commands(command, (*names, name))


ALL = dict(commands(typer.main.get_command(app)))


def test_there_are_commands() -> None:
    assert ("doctor",) in ALL and ("config", "push") in ALL and ("leases", "export") in ALL


@pytest.mark.parametrize("names", sorted(ALL), ids=" ".join)
def test_each_command_has_an_example_and_its_exit_codes(names: tuple[str, ...]) -> None:
    text = ALL[names].help or ""
    assert re.search(rf"Examples?: +twinlease {' '.join(names)}\b", text), text
    assert "Exit codes" in text, text


def completed(shell: str, *words: str, folder: Path | None = None) -> list[str]:
    """What the shell is offered for the last word."""
    variables = {"COMP_WORDS": " ".join(("twinlease", *words)), "COMP_CWORD": str(len(words))}
    env = {**os.environ, **variables, "_TWINLEASE_COMPLETE": f"complete_{shell}"}
    run = "import sys; sys.argv[0] = 'twinlease'; from twinlease_host.cli import app; app(prog_name='twinlease')"
    done = subprocess.run([sys.executable, "-c", run], env=env, capture_output=True, text=True, check=False, cwd=folder)
    return done.stdout.split()


def test_the_shell_completes_commands_and_boards(tmp_path: Path) -> None:
    (tmp_path / "pair" / "board-a").mkdir(parents=True)
    (tmp_path / "pair" / "board-a" / "serial").touch()
    assert completed("bash", "doc") == ["doctor"]
    assert {"push", "pull", "diff", "import", "check"} <= set(completed("bash", "config", ""))
    assert completed("bash", "status", "pa", folder=tmp_path) == ["pair/board-a"]
