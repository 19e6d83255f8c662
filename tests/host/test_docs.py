"""docs/: pages that are made from what they are about are up to date, and what the firmware says is explained."""

from __future__ import annotations

import pytest
from twinlease_host.pages import console

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


@pytest.mark.parametrize("name", console.with_json())
def test_an_answer_for_programs_is_one_line_of_json(name: str) -> None:
    import json

    typed, *answer = console.session()[f"{name} json"].split("\n")
    assert typed.endswith(" json") and len(answer) == 1
    assert isinstance(json.loads(answer[0]), (dict, list))
