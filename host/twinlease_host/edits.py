"""Changes to a source text, by the places of the nodes in its syntax tree; lines stay where they are."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field


def within(base: str, name: str) -> str:
    return f"{base}.{name}" if base else name


def module_name(path: str) -> str:
    """What `import` calls the file: twinlease/lease/row.py is twinlease.lease.row."""
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@dataclass
class Edits:
    """Replacements in one text, by the place of the nodes replaced."""

    text: str
    spans: list[tuple[int, int, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._octets = self.text.encode()
        starts = [0]
        for line in self._octets.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        self._starts = starts

    def replace(self, node: ast.AST, new: str) -> None:
        """Put `new` in the node's place; its line breaks stay, behind it."""
        start = self._starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
        end = self._starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]
        self.spans.append((start, end, new + "\n" * self._octets.count(b"\n", start, end)))

    def replace_first(self, node: ast.AST, old: str, new: str, after: int = 0) -> None:
        """Replace the first word `old` in the node's text, from the octet `after` of it on."""
        start = self._starts[node.lineno - 1] + node.col_offset + after  # type: ignore[attr-defined]
        word = re.compile(rb"\b%s\b" % re.escape(old.encode())).search(self._octets, start)
        assert word, old
        self.spans.append((word.start(), word.end(), new))

    def rename(self, node: ast.AST, old: str, new: str) -> None:
        """Replace the node's own name: that of a definition, a variable or an attribute."""
        if not isinstance(node, ast.Attribute):
            self.replace_first(node, old, new)
            return
        end = self._starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[operator]
        self.spans.append((end - len(old.encode()), end, new))

    def done(self) -> str:
        octets = self._octets
        for start, end, new in sorted(self.spans, reverse=True):
            octets = octets[:start] + new.encode() + octets[end:]
        return octets.decode()
