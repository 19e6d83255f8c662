"""Folding: what the firmware says with names, its compiled copy says with fewer, because a name costs heap for ever.

MicroPython keeps each name that it has read, and one of a module's globals takes a place in a dictionary besides. So
what goes to a board is rewritten first, all files as one program:

* `NAME = const(…)`, or a plain whole number with a name in capitals, becomes its value wherever it is used, also in
  another module, by `from .x import NAME` or by `x.NAME`; the import goes, and so does the definition, unless somebody
  may still ask for it at run time.
* parameters that nobody names in a call get a name by their position, the same few in all functions.
* what has a leading underscore (attributes, methods, functions, classes and variables of a module) shares its name
  with what it never meets: those of other classes, or of other modules.
* `bytes((…))` of such constants and `unhexlify("…")` become literals: the source has a table as it is drawn, a board
  has its octets.
* what asks for the interpreter (`sys.implementation.name`) has its answer, and the compiler drops the other branch.

Text is replaced by the positions of the syntax tree and keeps its line breaks, so tracebacks tell true modules and true
lines; of a function with a leading underscore they tell the name that it shares. When in doubt a name is left as it is:
the source runs unfolded everywhere.
"""

from __future__ import annotations

import ast
import operator
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from . import bundle
from .edits import Edits, module_name, within

_SMALL = 1 << 30  # from here on a number is an object on a 32-bit board, better once than everywhere
_OPERATORS: dict[type[ast.AST], Callable[..., int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.LShift: operator.lshift,
    ast.RShift: operator.rshift,
    ast.BitOr: operator.or_,
    ast.BitAnd: operator.and_,
    ast.BitXor: operator.xor,
    ast.USub: operator.neg,
    ast.Invert: operator.invert,
}
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def fold(sources: dict[str, str]) -> dict[str, str]:
    """The folded text of each file. `sources` is the whole program, by path: "main.py", "twinlease/octets.py" …

    Of a bundle (bundle.py) the last file has the text of all, and the others have none.
    """
    texts = bundle.bundle(_fold_constants(sources), bundle.groups())
    files = {path: _Nodes(text) for path, text in texts.items()}
    _number_parameters(files)
    _share_private_names(files)
    return {path: file.edits.done() for path, file in files.items()}


def constants(text: str) -> dict[str, int]:
    """The whole numbers that a file by itself gives a name, by that name."""
    file = _File("x.py", text)
    file.learn({})
    return file.own


class _File:
    """A source file: its tree, the names that it binds, and its constants."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self.name = module_name(path)
        self.is_package = path.endswith("__init__.py")
        self.tree = ast.parse(text)
        self.nodes = list(ast.walk(self.tree))
        self.imports = [(node, self._base(node)) for node in self.nodes if isinstance(node, ast.ImportFrom)]
        self.bound = Counter(_bindings(self.nodes))
        self.known: dict[str, int] = {}  # names whose value is known here, also imported ones
        self.own: dict[str, int] = {}  # those that a const() of this file defines
        self.definitions: dict[str, ast.Assign] = {}
        self.modules: dict[str, str] = {}  # names of this program's modules here, and which
        self.patched: set[str] = set()  # names that somebody sets from outside

    def _base(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.name.split(".")
        parts = parts[: len(parts) - node.level + self.is_package]
        return ".".join(parts + ([node.module] if node.module else []))

    def learn(self, files: dict[str, _File]) -> bool:
        """Take in what is known of the other files; True if that told something new."""
        before = len(self.known) + len(self.modules)
        for node, base in self.imports:
            for alias in node.names:
                here = alias.asname or alias.name
                if within(base, alias.name) in files:
                    if self._only_imports(here, within(base, alias.name)):
                        self.modules[here] = within(base, alias.name)
                elif base in files and alias.name in files[base].known and self._only_imports(here, base, alias.name):
                    self.known[here] = files[base].known[alias.name]
        for statement in self.tree.body:
            if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                self._learn_assigned(statement, statement.targets[0], files)
        return len(self.known) + len(self.modules) > before

    def _only_imports(self, here: str, base: str, name: str = "") -> bool:
        """Is the name bound by nothing but imports of that same thing?"""
        same = 0
        for node, frm in self.imports:
            for alias in node.names:
                if (alias.asname or alias.name) == here:
                    same += (frm, alias.name) == (base, name) if name else within(frm, alias.name) == base
        return same == self.bound[here]

    def _learn_assigned(self, statement: ast.Assign, target: ast.expr, files: dict[str, _File]) -> None:
        if not isinstance(target, ast.Name) or self.bound[target.id] != 1 or target.id in self.own:
            return
        if target.id in self.patched:
            return
        value = statement.value
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "const":
            number = self._number(value.args[0], files)
        elif (truth := _on_micropython(value)) is not None:
            number = int(truth)
        elif isinstance(value, ast.Name) or target.id.isupper():
            number = self._number(value, files)
        else:
            number = None
        if number is not None and -_SMALL <= number < _SMALL:
            self.known[target.id] = self.own[target.id] = number
            self.definitions[target.id] = statement

    def octets(self, node: ast.AST) -> bytes | None:
        """What `bytes((A, B, …))` or `unhexlify("…")` is, if all of it is known."""
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1):
            return None
        if node.func.id == "unhexlify" and isinstance(node.args[0], ast.Constant):
            return bytes.fromhex(str(node.args[0].value))
        if node.func.id != "bytes" or not isinstance(node.args[0], ast.Tuple):
            return None
        numbers = [self._number(item, {}) for item in node.args[0].elts]
        known = [n for n in numbers if n is not None and 0 <= n < 256]
        return bytes(known) if len(known) == len(numbers) else None

    def _number(self, node: ast.expr, files: dict[str, _File]) -> int | None:
        if isinstance(node, ast.Constant) and type(node.value) is int:
            return node.value
        if isinstance(node, ast.Name):
            return self.known.get(node.id)
        if isinstance(node, ast.Attribute) and files:
            return _constant_of(node, self, files)
        if isinstance(node, ast.UnaryOp) and type(node.op) in _OPERATORS:
            inner = self._number(node.operand, files)
            return None if inner is None else _OPERATORS[type(node.op)](inner)
        if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            left, right = self._number(node.left, files), self._number(node.right, files)
            return None if left is None or right is None else _OPERATORS[type(node.op)](left, right)
        return None


def _bindings(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Every name that these nodes bind, once for each time."""
    for node in nodes:
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            yield node.id
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from [(alias.asname or alias.name).split(".")[0] for alias in node.names]
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            yield from node.names * 2  # never the only one
        elif isinstance(node, ast.ExceptHandler) and node.name:
            yield node.name


def _on_micropython(node: ast.AST) -> bool | None:
    """What `sys.implementation.name == "micropython"` is on a board; None if the node says something else."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and ast.unparse(node.left) == "sys.implementation.name":
        right = node.comparators[0]
        if isinstance(right, ast.Constant) and isinstance(node.ops[0], (ast.Eq, ast.NotEq)):
            return (right.value == "micropython") == isinstance(node.ops[0], ast.Eq)
    return None


# Constants.


def _fold_constants(sources: dict[str, str]) -> dict[str, str]:
    files = {module_name(path): _File(path, text) for path, text in sources.items()}
    attributes = [node for file in files.values() for node in file.nodes if isinstance(node, ast.Attribute)]
    patched = {node.attr for node in attributes if not isinstance(node.ctx, ast.Load)}
    for file in files.values():
        file.patched = patched
    while sum([file.learn(files) for file in files.values()]):
        pass
    wanted = _asked_at_run_time(files)
    return {file.path: _fold_file(file, files, wanted) for file in files.values()}


def _asked_at_run_time(files: dict[str, _File]) -> set[str]:
    """Names that somebody may look up by something that is not folded: an attribute, a string, an import of all."""
    asked: set[str] = set()
    for file in files.values():
        for node in file.nodes:
            if isinstance(node, ast.Attribute) and _constant_of(node, file, files) is None:
                asked.add(node.attr)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                asked.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                asked.update(part.id for part in ast.walk(node) if isinstance(part, ast.Name))
        for node, base in file.imports:
            for alias in node.names:
                if alias.name == "*" and base in files:
                    asked.update(files[base].own)
                elif (alias.asname or alias.name) not in file.known:
                    asked.add(alias.name)
    grows = True
    while grows:  # who is asked for under another name
        before = len(asked)
        aliases = [alias for file in files.values() for node, _ in file.imports for alias in node.names]
        asked.update(alias.name for alias in aliases if alias.asname in asked)
        grows = len(asked) > before
    return asked


def _constant_of(node: ast.Attribute, file: _File, files: dict[str, _File]) -> int | None:
    """The value of `module.NAME`, if that is what this is."""
    if isinstance(node.value, ast.Name) and isinstance(node.ctx, ast.Load) and node.value.id in file.modules:
        return files[file.modules[node.value.id]].known.get(node.attr)
    return None


def _fold_file(file: _File, files: dict[str, _File], asked: set[str]) -> str:
    edits = Edits(file.text)
    kept = {name for name in file.known if name in asked}
    values = [statement.value for statement in file.definitions.values()]
    in_strings = {id(part) for node in file.nodes if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    folded: set[str] = set()  # modules of which a constant was taken
    left: set[str] = set()  # … of which something else is used
    inner: set[int] = set()
    for node in file.nodes:
        if id(node) not in in_strings and (octets := file.octets(node)) is not None:
            edits.replace(node, repr(octets))
            inner.update(id(part) for part in ast.walk(node))
        elif id(node) in in_strings or id(node) in inner:
            if isinstance(node, ast.Name):
                left.add(node.id) if id(node) not in inner else None
        elif isinstance(node, ast.Attribute) and (value := _constant_of(node, file, files)) is not None:
            edits.replace(node, _literal(value))
            folded.add(node.value.id)  # type: ignore[attr-defined]
            inner.add(id(node.value))
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            if node.id in file.known:
                edits.replace(node, _literal(file.known[node.id]))
            left.add(node.id)
        elif (truth := _on_micropython(node)) is not None and node not in values:
            edits.replace(node, str(truth))
            inner.update(id(part) for part in ast.walk(node))
    _drop_definitions(file, edits, kept)
    _drop_imports(file, edits, files, kept, folded - left - asked)
    _drop_compilers_words(file, edits)
    return edits.done()


def _literal(value: int) -> str:
    return str(value) if value >= 0 else f"({value})"


def _drop_definitions(file: _File, edits: Edits, kept: set[str]) -> None:
    for name, statement in file.definitions.items():
        inside = _span(statement)
        edits.spans = [edit for edit in edits.spans if not _is_in(edits, edit, inside)]
        if name in kept:
            edits.replace(statement.value, _literal(file.own[name]))
        else:
            edits.replace(statement, "pass")


def _span(node: ast.stmt) -> tuple[int, int, int, int]:
    return node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0


def _is_in(edits: Edits, edit: tuple[int, int, str], span: tuple[int, int, int, int]) -> bool:
    return edits._starts[span[0] - 1] + span[1] <= edit[0] and edit[1] <= edits._starts[span[2] - 1] + span[3]


def _drop_imports(file: _File, edits: Edits, files: dict[str, _File], kept: set[str], unused: set[str]) -> None:
    """Constants are imported no more, nor modules of which nothing but constants was used."""
    for node, base in file.imports:
        rest = []
        for alias in node.names:
            here = alias.asname or alias.name
            is_constant = base in files and within(base, alias.name) not in files and here in file.known
            if not (is_constant and here not in kept) and not (here in unused and here in file.modules):
                rest.append(alias)
        if len(rest) < len(node.names):
            names = ", ".join(f"{a.name} as {a.asname}" if a.asname else a.name for a in rest)
            edits.replace(node, f"from {'.' * node.level}{node.module or ''} import {names}" if rest else "pass")


def _drop_compilers_words(file: _File, edits: Edits) -> None:
    """`const` and the decorators of native code are the compiler's own: nobody imports them at run time."""
    at_run_time = set()
    own = {id(part) for statement in file.definitions.values() for part in ast.walk(statement)}
    for node in file.nodes:
        if isinstance(node, _FUNCTIONS):
            own.update(id(part) for decorator in node.decorator_list for part in ast.walk(decorator))
        elif isinstance(node, ast.Name) and id(node) not in own:
            at_run_time.add(node.id)
    for node in file.nodes:
        if (
            isinstance(node, ast.ImportFrom)
            and node.module == "micropython"
            and [a.name for a in node.names] == ["const"]
        ):
            dropped = "const"
        elif isinstance(node, ast.Import) and [a.name for a in node.names] == ["micropython"]:
            dropped = "micropython"
        else:
            continue
        if dropped not in at_run_time:
            edits.replace(node, "pass")


# Parameters.


class _Nodes:
    """A text without its constants: its tree, the tree's nodes, and what is to be replaced in it."""

    def __init__(self, text: str) -> None:
        self.tree = ast.parse(text)
        self.all = list(ast.walk(self.tree))
        self.edits = Edits(text)


def _number_parameters(files: dict[str, _Nodes]) -> None:
    told = {name for file in files.values() for name in _told_by_name(file.all)}
    for file in files.values():
        for function in _outermost(file.tree):
            _number(function, told, file.edits)


def _told_by_name(nodes: list[ast.AST]) -> Iterator[str]:
    """What a call may name a parameter by: f(name=…), or f(**{"name": …})."""
    for node in nodes:
        if isinstance(node, ast.keyword) and node.arg:
            yield node.arg
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def _outermost(node: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Functions that stand in no other function."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _FUNCTIONS):
            yield child
        elif isinstance(child, ast.stmt):
            yield from _outermost(child)


def _number(function: ast.FunctionDef | ast.AsyncFunctionDef, told: set[str], edits: Edits) -> None:
    nodes = list(ast.walk(function))
    if any(isinstance(node, (ast.ClassDef, ast.Global, ast.Nonlocal, ast.JoinedStr)) for node in nodes):
        return
    fixed = told | {"self", "cls"} | set(_named_outside(function))
    for node in nodes:
        if isinstance(node, (*_FUNCTIONS, ast.Import, ast.ImportFrom, ast.ExceptHandler)) and node is not function:
            fixed.update(_own_bindings(node))
        if isinstance(node, ast.arguments):
            fixed.update(arg.arg for arg in [*node.kwonlyargs, node.vararg, node.kwarg] if arg)
    parameters = [node for node in nodes if isinstance(node, ast.arg)]
    names = {node.id for node in nodes if isinstance(node, ast.Name)} | {node.arg for node in parameters}
    free = (letter for letter in "abcdefghijklmnopqrstuvwxyz" if letter not in names | fixed)
    short: dict[str, str] = {}
    for node in parameters:
        if node.arg not in fixed and node.arg not in short and (letter := next(free, "")):
            short[node.arg] = letter
    for node in nodes:
        if isinstance(node, ast.arg) and node.arg in short:
            edits.replace_first(node, node.arg, short[node.arg])
        elif isinstance(node, ast.Name) and node.id in short:
            edits.replace(node, short[node.id])


def _named_outside(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """Names in what is evaluated where the function stands: its decorators, defaults and annotations."""
    args = function.args
    parts = [*function.decorator_list, *args.defaults, *args.kw_defaults, function.returns]
    parts += [arg.annotation for arg in ast.walk(args) if isinstance(arg, ast.arg)]
    for part in parts:
        yield from [node.id for node in ast.walk(part) if isinstance(node, ast.Name)] if part else []


def _own_bindings(node: ast.AST) -> list[str]:
    if isinstance(node, _FUNCTIONS):
        return [node.name]
    if isinstance(node, ast.ExceptHandler):
        return [node.name] if node.name else []
    return list(_bindings([node]))


# Private names.


def _share_private_names(files: dict[str, _Nodes]) -> None:
    family = _families(files)
    uses = [use for path, file in files.items() for use in _uses(path, file.tree, family[path])]
    taken = {name for file in files.values() for name in _identifiers(file.all)}
    taken.update(node.attr for file in files.values() for node in file.all if isinstance(node, ast.Attribute))
    short: dict[tuple[str, str, str], str] = {}
    for of_class in (True, False):
        where: dict[str, set[str]] = {}
        for use in _understood(uses):
            if use.of_class == of_class:
                where.setdefault(use.name, set()).add(use.home)
        for name, new in _shared_names(where, taken).items():
            short.update({("class" if of_class else "module", name, home): new for home in where[name]})
    for use in uses:
        new = short.get(("class" if use.of_class else "module", use.name, use.home), "")
        if new:
            files[use.path].edits.rename(use.node, use.name, new)


@dataclass
class _Use:
    """A place where a private name stands. `home`: the module that has it, or the family of the class."""

    name: str
    node: ast.AST
    path: str
    home: str
    of_class: bool
    defines: bool
    doubtful: bool  # somebody else may mean it too


def _uses(path: str, tree: ast.Module, family: str) -> Iterator[_Use]:
    def visit(node: ast.AST, scope: str, in_text: bool) -> Iterator[_Use]:
        inner = scope
        in_text = in_text or isinstance(node, ast.JoinedStr)
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            yield use(node.name, node, scope == "class", True, scope == "function" or in_text)
        elif isinstance(node, ast.Attribute):
            yield use(node.attr, node, True, isinstance(node.ctx, ast.Store), not _is_own(node.value) or in_text)
        elif isinstance(node, ast.Name):
            stored = not isinstance(node.ctx, ast.Load)
            yield use(node.id, node, False, stored, scope == "class" or (stored and scope == "function") or in_text)
        else:
            others = [node.value] if isinstance(node, ast.Constant) and isinstance(node.value, str) else []
            others += [node.arg] if isinstance(node, (ast.keyword, ast.arg)) and node.arg else []
            others += list(_bindings([node])) if not isinstance(node, ast.arg) else []
            others += [a.name for a in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
            for name in others:
                yield use(name, node, False, True, True)
        if isinstance(node, ast.ClassDef):
            inner = "class"
        elif isinstance(node, (*_FUNCTIONS, ast.Lambda)):
            inner = "function"
        outside = _evaluated_outside(node)
        for child in ast.iter_child_nodes(node):
            yield from visit(child, scope if id(child) in outside else inner, in_text)

    def use(name: str, node: ast.AST, of_class: bool, defines: bool, doubtful: bool) -> _Use:
        return _Use(name, node, path, family if of_class else path, of_class, defines, doubtful)

    for found in visit(tree, "module", False):
        if found.name.startswith("_") and not found.name.startswith("__") and len(found.name) > 1:
            yield found


def _evaluated_outside(node: ast.AST) -> set[int]:
    """Parts of a definition that belong to the scope in which it stands."""
    if isinstance(node, ast.ClassDef):
        return {id(part) for part in [*node.decorator_list, *node.bases, *node.keywords]}
    if isinstance(node, _FUNCTIONS):
        return {id(part) for part in [*node.decorator_list, node.returns]}
    return set()


def _understood(uses: list[_Use]) -> Iterator[_Use]:
    """Uses of names that are nowhere doubtful, and defined wherever they are used."""
    doubtful = {use.name for use in uses if use.doubtful}
    defined = {(use.name, use.of_class, use.home) for use in uses if use.defines}
    doubtful |= {use.name for use in uses if (use.name, use.of_class, use.home) not in defined}
    yield from [use for use in uses if use.name not in doubtful]


def _is_own(node: ast.expr) -> bool:
    """Is it `self`, `cls`, or `super()`: an object of a class of this file, or of one that it inherits from?"""
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "super" and not node.args
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def _identifiers(nodes: list[ast.AST]) -> Iterator[str]:
    """Names that are more than attributes: of functions, classes and variables, or in a string."""
    yield from _bindings(nodes)
    for node in nodes:
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.keyword) and node.arg:
            yield node.arg


def _families(files: dict[str, _Nodes]) -> dict[str, str]:
    """For each file one that stands for all whose classes inherit from each other."""
    owners: dict[str, list[str]] = {}
    for path, file in files.items():
        for node in file.all:
            if isinstance(node, ast.ClassDef):
                owners.setdefault(node.name, []).append(path)
    head = {path: path for path in files}
    for path, file in files.items():
        renamed = {a.asname: a.name for node in file.all if isinstance(node, ast.ImportFrom) for a in node.names}
        bases = [base for node in file.all if isinstance(node, ast.ClassDef) for base in node.bases]
        for base in bases:
            name = ast.unparse(base).rsplit(".", 1)[-1]
            for owner in owners.get(renamed.get(name, name), []):
                _join(head, path, owner)
    return {path: _head(head, path) for path in files}


def _head(head: dict[str, str], path: str) -> str:
    while head[path] != path:
        path = head[path]
    return path


def _join(head: dict[str, str], one: str, other: str) -> None:
    head[_head(head, one)] = _head(head, other)


def _shared_names(where: dict[str, set[str]], taken: Iterable[str]) -> dict[str, str]:
    """A short name for each; two get the same only if no home has both.

    Those of the room conf are others (`_a`, and elsewhere `_a_`), as names that it has are not lent (lend.py).
    """
    taken = set(taken)
    letters = [f"_{a}{b}" for a in ("", *"abcdefghij") for b in "abcdefghijklmnopqrstuvwxyz"]
    free = {
        in_conf: [name for name in (word + "_" * (not in_conf) for word in letters) if name not in taken]
        for in_conf in (True, False)
    }
    used: dict[str, set[str]] = {name: set() for names in free.values() for name in names}  # by homes
    short = {}
    for attribute in sorted(where, key=lambda name: (-len(where[name]), name)):
        in_conf = any("conf" in home.replace("/", ".").split(".") for home in where[attribute])
        name = next((name for name in free[in_conf] if not used[name] & where[attribute]), "")
        if name:
            used[name] |= where[attribute]
            short[attribute] = name
    return short
