"""docs/CONSOLE.md: the command table, some words more, and what was seen.

console_words.md      written by hand: the beginning, the subjects, what the table's few words leave open
console_session.txt   what stood on the screen of a virtual board; session.py takes that
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

from .. import firmware

PAGE = firmware.root().parent / "docs" / "CONSOLE.md"
WORDS = Path(__file__).with_name("console_words.md")
SESSION = Path(__file__).with_name("console_session.txt")
BANNER = "Enter"
_LONG, _SHOWN = 26, 12  # a screen of more lines than the one is cut to the other


def table() -> list[tuple[list[str], str]]:
    """Each command: its words, and its line of help."""
    from twinlease.console import commands

    return [(words, text) for words, _, _, text in commands.table()]


def with_json() -> list[str]:
    """Commands that take `json` as their last word (commands.answer)."""
    from twinlease.console import commands

    firsts = getattr(commands, "_WITH_JSON", ("show",))
    return [" ".join(words) for words, _ in table() if words[0] in firsts and words[-1] != "off"]


def render() -> str:
    """The page's text."""
    rows = table()
    examples = session()
    head, subjects, more = words()
    known = {first for _, firsts, _ in subjects for first in firsts}
    others = [row[0][0] for row in rows if row[0][0] not in known]
    lines = ["# The console, command by command", "", head, "", *_block(examples.get(BANNER, "")), ""]
    for title, firsts, about in (*subjects, ("More", others, "")):
        mine = [row for row in rows if row[0][0] in firsts]
        mine.sort(key=lambda row: firsts.index(row[0][0]))
        if mine:
            lines += [f"## {title}", "", *([about, ""] if about else [])]
        for typed, text in mine:
            name = " ".join(typed)
            lines += _command(name, text, more.get(name, ""), examples)
    return "\n".join(lines).rstrip() + "\n"


def _command(name: str, text: str, more: str, examples: dict[str, str]) -> list[str]:
    json = name in with_json()
    said = text[:1].upper() + text[1:] + "." + (" **json**" if json else "") + " " + more
    lines = [f"### {name}", "", textwrap.fill(said, 118, break_on_hyphens=False, break_long_words=False), ""]
    for key in (name, name + " json"):
        if key in examples:
            lines += [*_block(examples[key]), ""]
    return lines


def _block(screen: str) -> list[str]:
    lines = screen.split("\n")
    if len(lines) > _LONG:
        lines[_SHOWN:] = [f"... ({len(lines) - _SHOWN} lines more)"]
    return ["```", *lines, "```"]


def session() -> dict[str, str]:
    """What stood on the screen, by command."""
    parts = re.split(r"^## (.*)\n", SESSION.read_text(), flags=re.M) if SESSION.exists() else [""]
    return {name: seen.rstrip("\n") for name, seen in zip(parts[1::2], parts[2::2], strict=True)}


def words() -> tuple[str, list[tuple[str, list[str], str]], dict[str, str]]:
    """What is written by hand: the page's beginning; titles, first words, texts of its parts; more on a command."""
    head, *parts = re.split(r"^# ", WORDS.read_text(), flags=re.M)
    subjects, more = [], {}
    for part in parts:
        about, *commands = re.split(r"^## ", part, flags=re.M)
        title, _, text = about.partition("\n")
        title, _, firsts = title.partition(": ")
        subjects.append((title, firsts.split(), text.strip()))
        for command in commands:
            name, _, text = command.partition("\n")
            more[name] = text.strip()
    return head.strip(), subjects, more
