"""docs/: pages that are made from what they are about are up to date, and what the firmware says is explained."""

from __future__ import annotations

import json

import pytest
from twinlease_host.pages import console

from tests.lab import log_messages

AGAIN = "`make docs` makes it anew"


def test_the_console_reference_is_what_the_command_table_gives() -> None:
    assert console.PAGE.read_text() == console.render(), f"docs/CONSOLE.md is stale: {AGAIN}"


def test_each_command_has_an_example_from_a_virtual_board() -> None:
    names = [" ".join(words) for words, _ in console.table()]
    wanted = {console.BANNER, *names, *(f"{name} json" for name in console.with_json())}
    assert set(console.session()) == wanted, "`make docs EXAMPLES=1` takes them anew (root)"


def test_what_is_written_by_hand_is_about_commands_that_exist() -> None:
    names = {" ".join(words) for words, _ in console.table()}
    assert set(console.words()[2]) <= names


@pytest.mark.parametrize("name", [name for name in console.session() if name.endswith(" json")])
def test_an_answer_for_programs_is_one_line_of_json(name: str) -> None:
    typed, *answer = console.session()[name].split("\n")
    assert typed.endswith(" json") and len(answer) == 1
    assert isinstance(json.loads(answer[0]), (dict, list))


OPERATING = console.PAGE.with_name("OPERATING.md")


def test_each_line_of_the_log_is_explained() -> None:
    """Whatever the firmware says stands, but for what is filled in, in one line of the page."""
    lines = [" ".join(line.replace("`", "").split()) for line in OPERATING.read_text().split("\n")]
    missing = []
    for template, where in log_messages.messages().items():
        parts = [" ".join(part.replace("`", "").split()) for part in log_messages.parts(template)]
        if not any(all(part in line for part in parts) for line in lines):
            missing.append(f"{where}: {template}")
    assert not missing, "docs/OPERATING.md does not say what these mean:\n" + "\n".join(missing)
