"""Names that cost nothing: the firmware's own names are exchanged for some that every MicroPython has in ROM already.

An interpreter keeps each name that it reads in the heap, 11 octets and its letters on a 64-bit port, and doubles the
pool of them now and then: 14 KB at once at the 1,270th. The names of its own built-in modules (`rom_names.txt`) are in
ROM. So in the compiled copy `may_allocate` is called, say, `asin`, everywhere: as names are all that is exchanged,
and each for a name of its own that nobody else uses, the program stays the same.

A name stays as it is if

* it is in ROM itself: then it may be an interpreter's, and costs nothing;
* nothing in the firmware binds it: then it is somebody else's, too;
* drivers ask chips for it, though something of ours is called so too (`OF_CHIPS`);
* it stands in a string, whole or as |module.name|: somebody may ask for it by that;
* it stands in a file that is kept as source, or in `conf/`: an image of the configuration names its attributes.

What is in memory while a board serves is lent to first: the names in ROM do not do for all.
A module that is imported by two names, `.dhcp.reply`, is imported by its whole name, which it has anyway.

Lines stay true. The function named in a traceback is not: the module and the line tell.
"""

from __future__ import annotations

import ast
import builtins
import io
import keyword
import re
import tokenize
from collections.abc import Iterator
from functools import partial
from itertools import chain, product
from pathlib import Path

OF_CHIPS = {"Flash", "RTC", "disconnect", "feed", "status"}  # tests/host/test_board_drivers.py tells what is missing
COMPILERS = {"micropython", "const", "native", "viper", "ptr", "ptr8", "ptr16", "ptr32", "uint"}
_IN_TABLE = re.compile(r"\|[a-z_]+\.([a-z_]+)\|")  # as in the table of commands: module.function
_DOTTED = re.compile(r"^(\s*from )(\.+)(\w+\.[\w.]+) ", re.MULTILINE)
_SELDOM = ("/console/", "/ntp/", "/net/sntp", "/net/ntp", "/revisions", "/move", "/stepping")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def lend(texts: dict[str, str], plain: set[str]) -> dict[str, str]:
    """The text of each file with names lent. `plain`: files whose text must not change, by their path."""
    texts = {path: _DOTTED.sub(partial(_absolute, path), text) for path, text in texts.items()}
    known = set(names_in_rom())
    trees = {path: ast.parse(text) for path, text in texts.items()}
    used: dict[str, set[str]] = {}
    for path, text in texts.items():
        for word in _words(text):
            used.setdefault(word.string, set()).add(path)
    bound = set(chain.from_iterable(_bound(tree) for path, tree in trees.items() if path.startswith("twinlease/")))
    kept = known | COMPILERS | OF_CHIPS | set(dir(builtins)) | set(_asked_for(trees)) | set(_modules(texts))
    own = [name for name in bound - kept if not name.startswith("__") and not _is_fixed(used.get(name, set()), plain)]
    lent = chain(sorted(known - used.keys(), key=lambda name: (len(name), name)), _short(known | used.keys()))
    dear = sorted(own, key=lambda name: (all(map(_is_seldom, used[name])), -len(name), name))
    return _exchanged(texts, dict(zip(dear, lent, strict=False)), plain)


def names_in_rom() -> list[str]:
    """Those that every MicroPython has."""
    return Path(__file__).with_name("rom_names.txt").read_text().split()


def _absolute(path: str, found: re.Match[str]) -> str:
    """A relative import, as an absolute one."""
    package = path.split("/")[: -len(found[2])]
    return f"{found[1]}{'.'.join(package)}.{found[3]} "


def _is_seldom(path: str) -> bool:
    """Does a board that serves do without this file, most of the time?"""
    return any(room in path for room in _SELDOM)


def _is_fixed(paths: set[str], plain: set[str]) -> bool:
    return bool(paths & plain) or any("/conf/" in path for path in paths) or not paths


def _words(text: str) -> Iterator[tokenize.TokenInfo]:
    """The names in a text, but for keywords."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME and not keyword.iskeyword(token.string):
            yield token


def _bound(node: ast.AST, local: bool = False) -> Iterator[str]:
    """Every name that costs: functions, classes, attributes, parameters, a module's or a class's variables.

    A function's own variables do not, but for those that it declares global.
    """
    for child in ast.iter_child_nodes(node):
        inside = local
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield child.name
            inside = not isinstance(child, ast.ClassDef)
        elif isinstance(child, ast.Lambda):
            inside = True
        elif isinstance(child, ast.arg):
            yield child.arg
        elif isinstance(child, ast.Global):
            yield from child.names
        elif isinstance(child, ast.Attribute) and isinstance(child.ctx, ast.Store):
            yield child.attr
        elif isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store) and not local:
            yield child.id
        elif isinstance(child, ast.alias) and child.asname and not local:
            yield child.asname
        yield from _bound(child, inside)


def _asked_for(trees: dict[str, ast.Module]) -> Iterator[str]:
    """What somebody could ask for by a string."""
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from [node.value] if node.value.isidentifier() else _IN_TABLE.findall(node.value)


def _modules(texts: dict[str, str]) -> Iterator[str]:
    for path in texts:
        yield from path.removesuffix(".py").split("/")


def _short(taken: set[str]) -> Iterator[str]:
    """Names of two letters and more, when those in ROM are used up."""
    for n in (2, 3):
        for letters in product(_LETTERS, repeat=n):
            name = "".join(letters)
            if name not in taken and not keyword.iskeyword(name):
                yield name


def _exchanged(texts: dict[str, str], lent: dict[str, str], plain: set[str]) -> dict[str, str]:
    done = {}
    for path, text in texts.items():
        lines = text.splitlines(keepends=True)
        for token in reversed(list(_words(text))) if path not in plain else ():
            if token.string in lent:
                row, (start, end) = token.start[0] - 1, (token.start[1], token.end[1])
                lines[row] = lines[row][:start] + lent[token.string] + lines[row][end:]
        done[path] = "".join(lines)
    return done
