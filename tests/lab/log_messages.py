"""Collects what the firmware can say in its log, from its sources: for the test of docs/OPERATING.md.

    messages()      {template: where it is said}; what is filled in later stands as "…" in the template

A message is followed from where it is said to where its words are: through constants, tables, local names, what
functions return, and overlay.run.  What is composed octet by octet, or raised and told later, is listed here by hand.

`python -m tests.lab.log_messages` prints them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
GAP = "…"
# Functions that are given a line, or the rest of one, and which argument that is.
_SPEAKERS = {"say": 0, "_say": 0, "note": 0, "_note": 0, "reset": 0, "stop": 0, "_tell": 0}
# Files in which each text goes into the log, be it by way of another file.
_ALL = ("net/log.py", "failover/words.py", "failover/differences.py", "ntp/words.py", "dhcp/share.py")
# Tables in other files whose texts do.
_TABLES = {"dhcp/request.py": ("REASONS",), "failover/handshake.py": ("_REASONS",), "board/wifi.py": ("_REASONS",)}
# Functions in other files whose texts do: octets, or the reason of an error.
_FUNCTIONS = {
    "failover/handshake.py": ("judge", "_wrong_name"),
    "failover/seal.py": ("why",),
    "lease/journal.py": ("_check_size",),
    "net/dhcp_server.py": ("_out_of_memory",),
}
# Files whose errors keep a board from serving, and are told as the reason.
_RAISE = ("bringup", "settings", "esp32", "rp2", "wifi", "lan", "w5500", "nic", "carve", "files")
_SPECIFIER = re.compile(r"%[-+0-9.]*[a-z]")


def messages() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in sorted(FIRMWARE.rglob("*.py")):
        name = str(path.relative_to(FIRMWARE)).removeprefix("twinlease/")
        for text in _of(path, name):
            for line in text.split("\n"):
                line = _SPECIFIER.sub(GAP, line.replace("%%", "%")).strip()
                if _is_said(line):
                    found.setdefault(line, name)
    return found


def parts(template: str) -> list[str]:
    """What stands in every line that is made of the template."""
    return [part.strip(" :;,()") for part in template.split(GAP) if re.search("[A-Za-z]{2}", part)]


def _is_said(line: str) -> bool:
    return bool(re.search("[A-Za-z]{2}", line.replace(GAP, "")))


def _of(path: Path, name: str) -> Iterator[str]:
    if name in _ALL:
        yield from _constants(_tree(path))
        return
    for table in _TABLES.get(name, ()):
        yield from _constants(_globals(path)[table])
    for function in _FUNCTIONS.get(name, ()):
        yield from _constants(_functions(path)[function][0])
    for function_of, node in _nodes(path):
        if isinstance(node, ast.Call):
            to = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            for argument in node.args[_SPEAKERS[to] :] if to in _SPEAKERS else ():
                place = _Place(path, function_of, 0, [])
                yield from _texts(argument, place)
                yield from place.aside
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            if name.startswith("board/") and path.stem in _RAISE:
                yield from _constants(node.exc)
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "attr", "") == "refused":
            yield from _constants(node.value)  # why a board that is itself not in order does not serve


@cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@cache
def _nodes(path: Path) -> list[tuple[ast.AST | None, ast.AST]]:
    """Each node, with the function in which it stands; not what is documentation only."""
    found: list[tuple[ast.AST | None, ast.AST]] = []
    waiting: list[tuple[ast.AST | None, ast.AST]] = [(None, _tree(path))]
    while waiting:
        function, node = waiting.pop()
        found.append((function, node))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            function = node
        waiting.extend((function, child) for child in ast.iter_child_nodes(node) if not _is_documentation(child))
    return found


def _is_documentation(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _constants(node: ast.AST) -> Iterator[str]:
    documentation = [inner.value for inner in ast.walk(node) if _is_documentation(inner)]  # type: ignore[attr-defined]
    for inner in ast.walk(node):
        if inner not in documentation and isinstance(inner, ast.Constant) and isinstance(inner.value, (str, bytes)):
            text = inner.value if isinstance(inner.value, str) else inner.value.decode("latin-1")
            if text.isupper():
                continue  # names of messages
            if " " in text.strip() or len(text) > 7 or "\n" in text:
                yield text


@cache
def _globals(path: Path) -> dict[str, ast.expr]:
    return {
        target.id: node.value
        for node in _tree(path).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


@cache
def _functions(path: Path) -> dict[str, list[ast.FunctionDef]]:
    found: dict[str, list[ast.FunctionDef]] = {}
    for _, node in _nodes(path) if path.exists() else ():
        if isinstance(node, ast.FunctionDef):
            found.setdefault(node.name, []).append(node)
    return found


@dataclass(frozen=True)
class _Place:
    """Where an expression stands. aside: what is filled into messages, each of which stands for itself."""

    path: Path
    function: ast.AST | None
    depth: int
    aside: list[str]

    def inside(self) -> _Place:
        return replace(self, depth=self.depth + 1)


def _texts(node: ast.expr, at: _Place) -> list[str]:
    """All that an expression can be."""
    if at.depth > 6:
        return [GAP]
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else [GAP]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        for inner in node.right.elts if isinstance(node.right, ast.Tuple) else [node.right]:
            at.aside.extend(_texts(inner, at.inside()))
        return _texts(node.left, at.inside())
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return [a + b for a in _texts(node.left, at.inside()) for b in _texts(node.right, at.inside())]
    if isinstance(node, ast.Name):
        return _named(node.id, at)
    if isinstance(node, ast.Call):
        return _returned(node, at)
    either: list[ast.expr] = []
    if isinstance(node, ast.IfExp):
        either = [node.body, node.orelse]
    elif isinstance(node, (ast.BoolOp, ast.Dict)):
        either = node.values
    elif isinstance(node, ast.Tuple):
        either = node.elts
    elif isinstance(node, ast.Subscript):
        either = [node.value]
    return [text for inner in either for text in _texts(inner, at.inside())] or [GAP]


def _named(name: str, at: _Place) -> list[str]:
    found: list[str] = []
    for node in ast.walk(at.function) if at.function else ():
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == name for t in node.targets):
            found += _texts(node.value, at.inside())
    if not found and name in _globals(at.path):
        found = _texts(_globals(at.path)[name], replace(at.inside(), function=None))
    return found or [GAP]


def _returned(call: ast.Call, at: _Place) -> list[str]:
    """What a function of the firmware returns or gives."""
    name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
    where = at.path
    if name == "run" and len(call.args) > 1:
        module, wanted = call.args[:2]
        if not isinstance(module, ast.Constant) or not isinstance(wanted, ast.Constant):
            return [GAP]
        where, name = FIRMWARE / "twinlease" / (str(module.value).replace(".", "/") + ".py"), str(wanted.value)
    elif isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
        other = at.path.parent / f"{call.func.value.id}.py"
        where = other if other.exists() else where
    found: list[str] = []
    for node in _functions(where).get(name, ()):
        for inner in ast.walk(node):
            if isinstance(inner, (ast.Return, ast.Yield)) and inner.value is not None:
                found += _texts(inner.value, _Place(where, node, at.depth + 1, at.aside))
    return found or [GAP]


if __name__ == "__main__":
    for template, where in sorted(messages().items(), key=lambda pair: (pair[1], pair[0])):
        print(f"{where:32} {template}")
