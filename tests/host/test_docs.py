"""docs/: pages that are made from what they are about are up to date, and what the firmware says is explained."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from twinlease_host.pages import boards, console

from tests.lab import log_messages

AGAIN = "`make docs` makes it anew"


def test_the_console_reference_is_what_the_command_table_gives() -> None:
    assert console.PAGE.read_text() == console.render(), f"docs/CONSOLE.md is stale: {AGAIN}"


def test_the_pages_of_the_boards_are_what_their_definitions_give() -> None:
    wanted = boards.pages()
    assert set(boards.FOLDER.glob("*.md")) == set(wanted), AGAIN
    assert [path.name for path, text in wanted.items() if path.read_text() != text] == [], f"stale: {AGAIN}"


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


ROOT = console.PAGE.parents[1]
PAGES = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md"), *(ROOT / "boards").glob("*.md")]


def anchors(page: Path) -> set[str]:
    """As GitHub makes them of headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.M)
    return {re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    wrong = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if "://" not in link and (not target.exists() or (anchor and anchor not in anchors(target))):
            wrong.append(link)
    assert not wrong


OPERATING = ROOT / "docs" / "OPERATING.md"


def plain(text: str) -> str:
    return " ".join(text.replace("`", "").split())


def letters(text: str) -> int:
    return len(re.sub("[^A-Za-z]", "", text))


@pytest.fixture(scope="module")
def said() -> list[tuple[str, list[str]]]:
    """Whatever the firmware says: where and what, and of that what is not filled in."""
    found = log_messages.messages()
    return [(f"{where}: {text}", [plain(part) for part in log_messages.parts(text)]) for text, where in found.items()]


def test_each_line_of_the_log_is_explained(said: list[tuple[str, list[str]]]) -> None:
    """It stands, but for what is filled in, in one line of the page."""
    lines = [plain(line) for line in OPERATING.read_text().split("\n")]
    missing = [what for what, parts in said if not any(all(part in line for part in parts) for line in lines)]
    assert not missing, "docs/OPERATING.md does not say what these mean:\n" + "\n".join(missing)


def test_what_is_explained_can_be_said(said: list[tuple[str, list[str]]]) -> None:
    rows = re.findall(r"^\| (`.*?) \| ", OPERATING.read_text().split("## Messages")[1], re.M)
    for line in [plain(line) for row in rows for line in re.findall("`([^`]+)`", row)]:
        found = [parts for _, parts in said if all(part in line for part in parts)]
        known = max((sum(map(letters, parts)) for parts in found), default=0)
        told = re.sub(r"\b[A-Z]+\b", "", line)  # without what stands for something else
        assert 2 * known >= min(12, letters(told)), f"nobody says this any more: {line}"
