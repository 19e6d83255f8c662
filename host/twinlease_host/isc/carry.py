"""A dhcpd.conf of ISC dhcpd made into one that a board serves: what it cannot carry over is taken out, and told.

The firmware's own parser says what it does not support. Each statement that it complains of is blanked, which keeps
all lines and columns where they are, and the text is read again, until nothing is left to complain of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ..errors import UserError
from ..pair.sources import Line

_ROUNDS = 400
_CHAIN = ("elsif", "else")


@dataclass(frozen=True)
class Left:
    """Something of the old configuration that the new one has not; `effect` tells whether clients may notice."""

    file: str
    line: int
    text: str
    why: str
    advice: str = ""
    effect: bool = True

    def fields(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)


@dataclass
class Carried:
    """The new text, and what is not in it, in the order of the old one."""

    text: str
    left: list[Left] = field(default_factory=list)


@dataclass
class _Span:
    """A statement, with its block if it has one: octets start … end of the text; `words` are its first two."""

    start: int
    end: int
    head_end: int
    words: list[str]
    inner: list[_Span] = field(default_factory=list)


def over(lines: Sequence[Line]) -> Carried:
    """Carry a configuration over. Raises UserError if nothing can be made of it."""
    from twinlease import conf

    text = "\n".join(line.text for line in lines) + "\n"
    octets = bytearray(text.encode())
    taken: list[tuple[int, int, Any]] = []
    for _ in range(_ROUNDS):
        try:
            warnings = conf.load(bytes(octets), "dhcpd.conf", _no_file).problems
            break
        except conf.ConfError as bad:
            errors = [problem for problem in bad.problems if problem.severity == "error"]
        before = len(taken)
        spans = _spans(bytes(octets))
        for problem in errors:
            span = _find(spans, _offset(octets, problem.line, problem.column))
            if span is not None and octets[span.start] != 32:
                taken.append((span.start, span.end, problem))
                _blank(octets, span)
        if len(taken) == before:
            raise UserError(
                f"line {errors[0].line}: {errors[0].message}",
                errors[0].advice or "mend that line, and run this again",
                code=1,
            )
    else:
        raise UserError("too many statements cannot be carried over", "twinlease config check FILE names them", code=1)
    left = [_left(lines, text.encode(), *one) for one in taken]
    left += [_accepted(lines, problem) for problem in warnings]
    return Carried(_assemble(text.encode(), bytes(octets), taken), sorted(left, key=lambda one: (one.file, one.line)))


def _left(lines: Sequence[Line], octets: bytes, start: int, end: int, problem: Any) -> Left:
    line = lines[octets.count(b"\n", 0, start)]
    shown = " ".join(octets[start:end].decode(errors="replace").split())
    why, advice = problem.message, problem.advice or ""
    return Left(line.file, line.number, shown if len(shown) <= 70 else shown[:67] + "...", why, advice)


def _accepted(lines: Sequence[Line], problem: Any) -> Left:
    """A warning: the statement stays, and changes nothing for clients, or is only odd."""
    line = lines[min(problem.line, len(lines)) - 1]
    return Left(line.file, line.number, line.text.strip(), problem.message, problem.advice or "", effect=False)


def _assemble(old: bytes, blanked: bytes, taken: list[tuple[int, int, Any]]) -> str:
    """The new text: lines that have lost a statement say so in a comment."""
    why: dict[int, str] = {}
    touched: set[int] = set()
    for start, end, problem in taken:
        first = old.count(b"\n", 0, start)
        why.setdefault(first, problem.message)
        touched.update(range(first, old.count(b"\n", 0, end) + 1))
    out: list[str] = []
    was, now = old.decode().split("\n"), blanked.decode().split("\n")
    for n, line in enumerate(was):
        if n not in touched:
            out.append(line)
            continue
        if n in why:
            out.append(f"# not carried over: {why[n]}")
        out.append("#   " + line.strip() if line.strip() else "")
        if now[n].strip() and not now[n].strip().startswith("#"):
            out.append(now[n].rstrip())
    return "\n".join(out)


def _blank(octets: bytearray, span: _Span) -> None:
    for at in range(span.start, span.end):
        if octets[at] != 10:
            octets[at] = 32


def _offset(octets: bytearray, line: int, column: int) -> int:
    at = 0
    for _ in range(line - 1):
        at = octets.index(b"\n", at) + 1
    return at + column - 1


def _find(spans: list[_Span], at: int) -> _Span | None:
    """The innermost statement at a place; a block, if the place is in its head. An `if` goes with its `else`."""
    for n, span in enumerate(spans):
        if not span.start <= at <= span.end:
            continue
        inner = _find(span.inner, at) if at >= span.head_end else None
        if inner is not None:
            return inner
        end = span.end
        if span.words[:1] in (["if"], ["elsif"]):
            for other in spans[n + 1 :]:
                if other.words[:1] not in ([word] for word in _CHAIN):
                    break
                end = other.end
        return _Span(span.start, end, span.head_end, span.words)
    return None


def _spans(octets: bytes) -> list[_Span]:
    """The statements of a text, nested as its blocks are."""
    from twinlease.conf.lexer import END, Lexer

    lexer = Lexer(octets, "")
    top: list[_Span] = []
    lists, blocks = [top], list[_Span]()
    words: list[str] = []
    start = -1
    while True:
        before = lexer.at
        lexer.step()
        if lexer.kind == END:
            return top
        if lexer.kind == "}" and not words:
            if blocks:
                blocks.pop().end = lexer.at
                lists.pop()
            continue
        if not words:
            start = _first(octets, before)
        words.append(lexer.val if isinstance(lexer.val, str) else "")
        if lexer.kind in (";", "{", "}"):
            span = _Span(start, lexer.at, lexer.at, words[:2])
            lists[-1].append(span)
            if lexer.kind == "{":
                blocks.append(span)
                lists.append(span.inner)
            words = []


def _first(octets: bytes, at: int) -> int:
    """Where the token starts that is read next from here: behind space and comments."""
    while at < len(octets):
        if octets[at] == 35:
            at = octets.find(b"\n", at)
            if at < 0:
                return len(octets)
        elif octets[at] > 32:
            return at
        at += 1
    return at


def _no_file(name: str) -> str:
    raise OSError(f"{name}: give `include` a line of its own")
