"""Two texts of dhcpd.conf compared by what they say: comments, spaces and line ends do not matter.

Of a `failover peer` block in ISC's form, each server's file has its own view. Those are the same here if one is the
other's mirror image.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rich.text import Text

_ROLES = {"primary": "secondary", "secondary": "primary"}
_OF_PRIMARY = ("mclt", "split", "hba")


@dataclass(frozen=True)
class Statement:
    """A statement in one line, indented by its blocks, or the head of a block, or its end; and where it stands."""

    text: str
    line: int
    end: int

    @property
    def opens(self) -> bool:
        """Tell whether it is the head of a block."""
        return self.text.endswith("{")


@dataclass(frozen=True)
class Difference:
    """A statement that only one of two texts has."""

    mine: bool  # the first text's
    statement: Statement

    def fields(self) -> dict[str, Any]:
        """For --json."""
        return {"in": "first" if self.mine else "second", "line": self.statement.line, "text": self.statement.text}


def statements(text: str) -> list[Statement]:
    """The statements of a dhcpd.conf. What is no dhcpd.conf gives something too: nothing is judged here."""
    from twinlease.conf.lexer import END, STRING, Lexer

    octets = text.encode()
    lexer = Lexer(octets, "")
    found: list[Statement] = []
    words: list[str] = []
    depth = line = 0
    while True:
        lexer.step()
        if lexer.kind == END:
            break
        if lexer.kind == "}" and not words:
            depth = max(depth - 1, 0)
        if not words:
            line = lexer.line
        if lexer.kind == STRING:
            end = lexer.at
            start = octets.rfind(b"\n", 0, end) + 1 if lexer.line == _line_of(octets, end) else -1
            words.append(_spelt(octets, start, lexer.column, end, lexer.val))
        else:
            words.append(lexer.val)
        if lexer.kind in (";", "{", "}"):
            found.append(Statement("  " * depth + _joined(words), line, lexer.line))
            words = []
            depth += lexer.kind == "{"
    if words:
        found.append(Statement("  " * depth + _joined(words), line, lexer.line))
    return found


def differences(first: str, second: str) -> list[Difference]:
    """What only one of two boards' texts says, in order."""
    old, new = _comparable(statements(first), statements(second))
    return list(_differences(old, new))


def describe(found: list[Difference], first: str, second: str) -> Iterator[Text]:
    """Lines for a terminal."""
    yield Text.assemble(("--- ", "red"), first)
    yield Text.assemble(("+++ ", "green"), second)
    for one in found:
        sign, style = ("-", "red") if one.mine else ("+", "green")
        yield Text(f"{sign}{one.statement.line:4} {one.statement.text}", style=style)


def _differences(old: list[tuple[str, Statement]], new: list[tuple[str, Statement]]) -> Iterator[Difference]:
    matcher = difflib.SequenceMatcher(None, [key for key, _ in old], [key for key, _ in new], autojunk=False)
    for what, a, b, c, d in matcher.get_opcodes():
        if what == "equal":
            continue
        for at in range(a, b):
            yield Difference(True, old[at][1])
        for at in range(c, d):
            yield Difference(False, new[at][1])


def _comparable(*texts: list[Statement]) -> list[list[tuple[str, Statement]]]:
    """Each statement with the key that it is compared by."""
    roles = [_role(text) for text in texts]
    mirrored = len({role for role in roles if role}) > 1
    return [list(_keys(text, mirrored)) for text in texts]


def _role(text: list[Statement]) -> str:
    """Which half of its failover peer a file in ISC's form describes."""
    return next((word for one in text if (word := one.text.strip(" ;")) in _ROLES and "{" not in one.text), "")


def _keys(text: list[Statement], mirrored: bool) -> Iterator[tuple[str, Statement]]:
    """In a `failover peer` block the order does not matter, and whose view it is; all else stands as it is."""
    block: list[Statement] = []
    for one in text:
        inside = bool(block)
        if not inside and not (one.text.startswith("failover peer") and one.opens):
            yield one.text, one
            continue
        block.append(one)
        if inside and one.text == "}":
            yield from _peer_keys(block, mirrored)
            block = []
    yield from ((one.text, one) for one in block)


def _peer_keys(block: list[Statement], mirrored: bool) -> Iterator[tuple[str, Statement]]:
    role = _role(block)
    other = _ROLES.get(role, "")
    keys = []
    for one in block[1:-1]:
        words = one.text.strip().rstrip(";").split()
        if role and mirrored and words[0] in (role, *_OF_PRIMARY):
            continue
        if role and mirrored and words[0] in ("address", "port"):
            keys.append((f"  {role} {words[0]} {' '.join(words[1:])}", one))
        elif role and mirrored and words[0] == "peer":
            keys.append((f"  {other} {' '.join(words[1:])}", one))
        else:
            keys.append((one.text, one))
    halves = any(one.opens for one in block[1:-1])
    yield block[0].text, block[0]
    yield from keys if halves else sorted(keys, key=lambda pair: pair[0])
    yield block[-1].text, block[-1]


def _joined(words: list[str]) -> str:
    text = ""
    for word in words:
        close = not text or word in (";", ",", ":", ")", ".") or text.endswith(("(", ":", "."))
        text += word if close else " " + word
    return text


def _line_of(octets: bytes, at: int) -> int:
    return octets.count(b"\n", 0, at) + 1


def _spelt(octets: bytes, start: int, column: int, end: int, value: bytes) -> str:
    """A string as it is written; one over several lines by its value."""
    if start < 0:
        return '"' + value.decode("latin-1").encode("unicode_escape").decode() + '"'
    return octets[start + column - 1 : end].decode(errors="replace")
