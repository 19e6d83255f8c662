"""Names that a module uses often come first in it, because the first 127 take one octet wherever they are used.

Bytecode tells a name by its place in the module's table, and the compiler fills that in the order in which it meets
them. So a module with more than that begins with a function that is made, never called, and thrown away at once, in
which the most frequent names stand; in the module's first line, so that all lines stay where they are.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from .lend import COMPILERS

_SHORT = 127
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def first(text: str) -> str:
    """The text, with such a beginning if that pays; before its docstring, as it has to be a line's first statement."""
    tree = ast.parse(text)
    often = Counter(name for name in _used(tree, frozenset()) if name not in COMPILERS)
    if len(often) <= _SHORT or ast.get_docstring(tree) is None:
        return text
    names = [name for name, _ in often.most_common(_SHORT - 2)]  # the module itself has a place, and <lambda>
    return f"lambda self: ({', '.join(f'self.{name}' for name in names if not name.startswith('__'))}); {text}"


def _used(node: ast.AST, inner: frozenset[str]) -> Iterator[str]:
    """Each name that costs an octet or two: of attributes, of what is global, of functions and their parameters."""
    if isinstance(node, ast.Attribute):
        yield node.attr
    elif isinstance(node, ast.Name) and node.id not in inner:
        yield node.id
    elif isinstance(node, ast.keyword | ast.arg) and node.arg:
        yield node.arg
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    if isinstance(node, _SCOPES):
        inner = inner | _locals(node)
    for child in ast.iter_child_nodes(node):
        yield from _used(child, inner)


def _locals(function: ast.AST) -> frozenset[str]:
    found, told = set(), set()
    for node in ast.walk(function):
        if isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.Global):
            told.update(node.names)
    return frozenset(found - told)
