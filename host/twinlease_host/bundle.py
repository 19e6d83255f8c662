"""Bundling: modules that a board always has in memory together are compiled as one, because each module costs heap.

A module is an object with a dictionary, its path and its name (names are kept for ever), and every name that another
one imports from it stands in a second dictionary. Sources stay as they are, one subject to a file; in the compiled copy
a bundle's files stand one behind the other, in the place of the last of them, each after those that it imports:

* what a file imports from another of its bundle is there already: the import goes, and `rows.count` becomes `count`;
* who imports one of them from outside imports the bundle, under the name that it used;
* where two files of a bundle have a name for different things, one of them gets another.

What could be meant otherwise stops the build: a module of a bundle that is asked for by a string, or used as an object.
A traceback tells the bundle and a line in it: `python -m twinlease_host.bundle MODULE LINE` tells the file and its own.
"""

from __future__ import annotations

import ast
import itertools
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from .edits import Edits, module_name, within

# What a board has in memory as long as it serves, in the order of use; the last two where it has a failover partner.
# (failover.times is not there: moving leases needs it on every board.)
BUNDLES = (
    "octets overlay clock net.recorder app",
    "lease._cells lease._rows lease.row lease.rows lease.queues lease.clients lease.table",
    "lease.record lease.ring lease.journal",
    "lease.identity dhcp.request dhcp.template dhcp.settings dhcp.client dhcp.choice dhcp.reply dhcp.server node",
    "net.sockets net.log net.dhcp_server",
    "failover.balance failover.endpoint failover.wire failover.writer failover.link failover.pools "
    "failover.service failover.updates failover.exchange failover.peer",
    "dhcp.share net.tcp net.left net.failover",
)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def groups() -> list[list[str]]:
    """The names of each bundle's modules; the last is what it is called by."""
    return [[f"twinlease.{name}" for name in names.split()] for names in BUNDLES]


def bundle(texts: dict[str, str], bundles: Iterable[list[str]]) -> dict[str, str]:
    """The text of each file, by its path; files of a bundle but for the last have none any more."""
    files = {module_name(path): _File(path, text) for path, text in texts.items()}
    known = [_Bundle([files[name] for name in names]) for names in bundles if set(names) <= files.keys()]
    where = {file.name: one for one in known for file in one.files}
    for file in files.values():
        file.look(files, where)
    for one in known:
        one.name_all()
    for file in files.values():
        file.rewrite()
    done = {file.path: file.edits.done() for file in files.values()}
    for one in known:
        parts = [done.pop(file.path) for file in one.files]
        done[one.files[-1].path] = "".join(parts)
    return done


def place(texts: dict[str, str], module: str, line: int) -> tuple[str, int]:
    """(path, line) of what a traceback calls so. `texts`: of the sources, by path."""
    paths = {module_name(path): path for path in texts}
    for names in groups():
        if names[-1] == module:
            for name in names:
                lines = texts[paths[name]].count("\n")
                if line <= lines:
                    return paths[name], line
                line -= lines
    return paths[module], line


@dataclass
class _Import:
    """A name that an import statement binds: a module of a bundle (`what` is empty), or something in one."""

    here: str
    module: str
    what: str


@dataclass
class _Found:
    """A name in a text that means something global there. `inner`: what is local where it stands."""

    node: ast.AST
    name: str
    inner: frozenset[str]


class _File:
    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.name = module_name(path)
        self.tree = ast.parse(text)
        self.edits = Edits(text if text.endswith("\n") or not text else text + "\n")
        self.nodes = list(ast.walk(self.tree))
        self.found = list(_globals(self.tree))
        self.attributes = {id(node.value): node for node in self.nodes if isinstance(node, ast.Attribute)}
        self.tops = set(_bound_by(self.tree.body))
        self.names = {node.id for node in self.nodes if isinstance(node, ast.Name)}
        self.names |= {node.arg for node in self.nodes if isinstance(node, ast.arg)}
        self.imports: dict[str, _Import] = {}  # what is imported of bundles, by its name here
        self.statements: list[tuple[ast.ImportFrom, str]] = []
        self.where: dict[str, _Bundle] = {}  # by module

    @property
    def bundle(self) -> _Bundle | None:
        return self.where.get(self.name)

    def base(self, node: ast.ImportFrom) -> str:
        """The whole name of the module that is imported from."""
        if not node.level:
            return node.module or ""
        parts = self.name.split(".")
        parts = parts[: len(parts) - node.level + self.path.endswith("__init__.py")]
        return ".".join(parts + ([node.module] if node.module else []))

    def look(self, files: dict[str, _File], where: dict[str, _Bundle]) -> None:
        """See what is imported, and whether that can be done in another way."""
        self.where = where
        gone = {name for name, one in where.items() if name != one.name and "." in name.removeprefix("twinlease.")}
        for node in self.nodes:
            if isinstance(node, ast.Import) and any(alias.name in where for alias in node.names):
                raise ValueError(f"{self.path}: {ast.unparse(node)}: that is in a bundle")
            if isinstance(node, ast.ImportFrom):
                base = self.base(node)
                self.statements.append((node, base))
                for alias in node.names:
                    self._look_at(alias, base, files)
            elif isinstance(node, ast.Constant) and gone & {node.value, f"twinlease.{node.value!s}"}:
                raise ValueError(f"{self.path}:{node.lineno}: {node.value!r} is in a bundle")

    def _look_at(self, alias: ast.alias, base: str, files: dict[str, _File]) -> None:
        here, whole = alias.asname or alias.name, within(base, alias.name)
        if whole in self.where:
            one = _Import(here, whole, "")
        elif base in self.where:
            module, name = _origin(files, base, alias.name)
            if module not in self.where:
                raise ValueError(f"{self.path}: {alias.name} is not {base}'s own")
            one = _Import(here, module, name)
        else:
            return
        if self.imports.setdefault(here, one) != one:
            raise ValueError(f"{self.path}: {here} is two things")

    def meanings(self) -> Iterator[tuple[_Found, _Import | None]]:
        """Each global name that stands here, and what it was imported as."""
        for found in self.found:
            yield found, self.imports.get(found.name)

    def rewrite(self) -> None:
        """Call things by the names that they have in bundles, and import those."""
        for found, meant in self.meanings():
            owner = self.where.get(meant.module) if meant else None
            if meant and owner and not meant.what:
                self._rewrite_attribute(found, meant, owner)
            elif meant and owner and owner is self.bundle:
                self._rename(found.node, found.name, owner.called(meant.module, meant.what))
            else:
                self._rename(found.node, found.name, self._here(found.name))
        for node, base in self.statements:
            self._rewrite_import(node, base)

    def _rewrite_attribute(self, found: _Found, meant: _Import, owner: _Bundle) -> None:
        node = self.attributes.get(id(found.node))
        if node is None:
            raise ValueError(f"{self.path}: the module {meant.here} is used as an object")
        called = owner.called(meant.module, node.attr)
        if owner is not self.bundle:
            self._rename(found.node, found.name, self._here(found.name))
            self._rename(node, node.attr, called)
        elif isinstance(node.ctx, ast.Load):
            self.edits.replace(node, called)
        else:
            raise ValueError(f"{self.path}:{node.lineno}: {meant.here}.{node.attr} is set from within its bundle")

    def _here(self, name: str) -> str:
        """What a name of this file is called in its bundle."""
        return self.bundle.called(self.name, name) if self.bundle else name

    def _rename(self, node: ast.AST, name: str, called: str) -> None:
        if called != name:
            self.edits.rename(node, name, called)

    def _rewrite_import(self, node: ast.ImportFrom, base: str) -> None:
        """Of another bundle: from that one. Of this one: not at all. All in a bundle: by whole names."""
        lines, kept, changed = [], [], self.bundle is not None
        for alias in node.names:
            here = alias.asname or alias.name
            meant = self.imports.get(here)
            if meant is None:
                kept.append(_as(alias.name, self._here(here)))
                continue
            changed = True
            owner = self.where[meant.module]
            if owner is not self.bundle:
                package, _, leaf = owner.name.rpartition(".")
                what = owner.called(meant.module, meant.what) if meant.what else leaf
                lines.append(f"from {owner.name if meant.what else package} import {_as(what, self._here(here))}")
        if changed:
            if kept:
                lines.append(f"from {base} import {', '.join(kept)}")
            self.edits.replace(node, "; ".join(lines) or "pass")


@dataclass
class _Bundle:
    files: list[_File]
    given: dict[tuple[str, str], str] = field(default_factory=dict)  # names instead of (module, name)

    @property
    def name(self) -> str:
        return self.files[-1].name

    def called(self, module: str, name: str) -> str:
        """What a module's name is called in the bundle."""
        return self.given.get((module, name), name)

    def name_all(self) -> None:
        """Give each thing a name that means nothing else anywhere in the bundle where it is used."""
        taken = {name for file in self.files for name in file.names | file.tops}
        used: dict[str, object] = {}  # what a name means that is no file's own: imports, built-in functions
        for file in self.files:
            self._check_order(file)
            foreign = dict(_foreign(file))
            for found, meant in file.meanings():
                if meant is None and found.name not in file.tops:
                    used.setdefault(found.name, found.name)
            for name, thing in foreign.items():
                if used.setdefault(name, thing) != thing:
                    self._give(file, name, taken)
        hidden = set(self._hidden())
        for file in self.files:
            for name in sorted(file.tops - file.imports.keys() - dict(_foreign(file)).keys()):
                if name in used or (file.name, name) in hidden:
                    self._give(file, name, taken)
                used[self.called(file.name, name)] = file.name

    def _give(self, file: _File, name: str, taken: set[str]) -> None:
        called = next(other for n in itertools.count(2) if (other := f"{name}_{n}") not in taken)
        taken.add(called)
        self.given[file.name, name] = called

    def _hidden(self) -> Iterator[tuple[str, str]]:
        """(module, name) of what is used where a variable of a function has that name."""
        for file in self.files:
            for found, meant in file.meanings():
                if meant and file.where.get(meant.module) is self:
                    node = file.attributes.get(id(found.node))
                    name = meant.what or (node.attr if node else "")
                    if name in found.inner:
                        yield meant.module, name

    def _check_order(self, file: _File) -> None:
        order = [one.name for one in self.files]
        for statement, base in file.statements:
            if statement in file.tree.body:
                for module in [base, *(within(base, alias.name) for alias in statement.names)]:
                    if module in order and order.index(module) >= order.index(file.name):
                        raise ValueError(f"{file.path}: imports {module}, which comes later in its bundle")


def _origin(files: dict[str, _File], module: str, name: str) -> tuple[str, str]:
    """(module, name) of what a module has by that name, and may itself have imported."""
    for node in files[module].tree.body if module in files else ():
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if (alias.asname or alias.name) == name:
                    return _origin(files, files[module].base(node), alias.name)
    return module, name


def _foreign(file: _File) -> Iterator[tuple[str, object]]:
    """(name, what) for each import at the top of a file of something that is in no bundle, or in another."""
    for node in file.tree.body:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.split(".")[0], alias.name
        elif isinstance(node, ast.ImportFrom):
            base = file.base(node)
            for alias in node.names:
                here = alias.asname or alias.name
                meant = file.imports.get(here)
                if meant is None or file.where[meant.module] is not file.bundle:
                    yield here, (base, alias.name)


def _as(name: str, here: str) -> str:
    return name if name == here else f"{name} as {here}"


def _bound_by(body: Iterable[ast.AST]) -> Iterator[str]:
    """What these statements bind in their own scope."""
    for statement in body:
        yield from _bound(statement)


def _bound(node: ast.AST) -> Iterator[str]:
    if isinstance(node, _DEFINITIONS):
        yield node.name
        return
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from [(alias.asname or alias.name).split(".")[0] for alias in node.names]
    elif isinstance(node, ast.ExceptHandler) and node.name:
        yield node.name
    if not isinstance(node, ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from _bound(child)


def _imported(body: Iterable[ast.AST]) -> set[str]:
    """What these statements import from somewhere."""
    nodes = [node for part in body for node in ast.walk(part) if isinstance(node, ast.ImportFrom)]
    return {alias.asname or alias.name for node in nodes for alias in node.names}


def _globals(tree: ast.Module) -> Iterator[_Found]:
    """Every name that means something of the module, or built in: uses, and what binds it.

    What a function imports for itself is taken for such a name: it means the same in all of its file.
    """

    def visit(node: ast.AST, inner: frozenset[str], of_class: frozenset[str]) -> Iterator[_Found]:
        here = inner | of_class
        if isinstance(node, _DEFINITIONS) and node.name not in here:
            yield _Found(node, node.name, inner)
        elif isinstance(node, ast.Name) and node.id not in here:
            yield _Found(node, node.id, inner)
        elif isinstance(node, ast.Global):
            yield from [_Found(node, name, inner) for name in node.names]
        if isinstance(node, _FUNCTIONS):
            outer = [*getattr(node, "decorator_list", []), *node.args.defaults, *filter(None, node.args.kw_defaults)]
            for part in outer:
                yield from visit(part, inner, of_class)
            body = node.body if isinstance(node.body, list) else [node.body]
            told = {name for part in body for n in ast.walk(part) if isinstance(n, ast.Global) for name in n.names}
            args = node.args
            own = {arg.arg for arg in [*args.posonlyargs, *args.args, *args.kwonlyargs]}
            own |= {arg.arg for arg in (args.vararg, args.kwarg) if arg}
            own |= set(_bound_by(body)) - told - _imported(body)
            for part in body:
                yield from visit(part, (inner | own) - told, frozenset())
        elif isinstance(node, ast.ClassDef):
            for part in [*node.decorator_list, *node.bases]:
                yield from visit(part, inner, of_class)
            for part in node.body:
                yield from visit(part, inner, frozenset(_bound_by(node.body)))
        else:
            for child in ast.iter_child_nodes(node):
                yield from visit(child, inner, of_class)

    yield from visit(tree, frozenset(), frozenset())


def _main() -> None:
    from . import firmware

    path, line = place(firmware.sources(), sys.argv[1], int(sys.argv[2]))
    print(f"firmware/{path} line {line}")


if __name__ == "__main__":
    _main()
