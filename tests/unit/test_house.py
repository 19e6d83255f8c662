"""The house rules that no linter knows: who imports whom, what pure rooms may import, how long a function may be."""

import ast
from pathlib import Path

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware" / "twinlease"

# Upper rooms import lower ones, never back.  A room is a folder, or a file of the top level.
FLOORS = {
    "octets": 0,
    "clock": 0,
    "overlay": 0,
    "conf": 1,
    "ntp": 1,
    "epoch": 1,
    "lease": 2,
    "failover": 3,
    "dhcp": 4,
    "node": 5,
    "board": 6,
    "net": 6,
    "console": 7,
    "configuration": 8,
    "move": 8,
    "stepping": 8,
    "revisions": 0,
    "attempts": 8,
    "pairing": 9,
    "start": 9,
    "app": 10,
}
PURE = ("octets", "clock", "overlay", "conf", "ntp", "lease", "dhcp", "failover", "node")
PURE_MAY_IMPORT = ("array", "binascii", "collections", "hashlib", "micropython", "struct", "sys", "gc")
LINES_MAX = 60


def files():
    found = sorted(FIRMWARE.rglob("*.py"))
    return [p for p in found if p.parent != FIRMWARE or p.name not in ("__init__.py", "_cpython.py")]


def room_of(path):
    return path.relative_to(FIRMWARE).parts[0].replace(".py", "")


def imports(path):
    """(module, names, level) of every import statement of a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, [], 0
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", [alias.name for alias in node.names], node.level


def rooms_imported(path):
    """Rooms of this firmware that a file imports from, itself left out."""
    depth = len(path.relative_to(FIRMWARE).parts)
    for module, names, level in imports(path):
        if level and level == depth:  # from .. in a room, from . at the top
            yield from [module.split(".")[0]] if module else names
        elif module.startswith("twinlease."):
            yield module.split(".")[1]


def test_upper_rooms_import_lower_ones_never_back():
    wrong = []
    for path in files():
        mine = room_of(path)
        for other in rooms_imported(path):
            if other in FLOORS and other != mine and FLOORS[other] > FLOORS[mine]:
                wrong.append("%s may not import %s: pass it in from above" % (path.relative_to(FIRMWARE), other))
    assert not wrong, "\n".join(wrong)


def test_pure_rooms_touch_no_socket_clock_or_file():
    wrong = []
    for path in files():
        if room_of(path) not in PURE:
            continue
        for module, _, level in imports(path):
            if not level and module.split(".")[0] not in PURE_MAY_IMPORT + ("twinlease",):
                wrong.append("%s may not import %s" % (path.relative_to(FIRMWARE), module))
    assert not wrong, "\n".join(wrong)


def test_every_room_has_its_floor():
    assert {room_of(p) for p in files()} <= set(FLOORS)


def test_functions_fit_a_screen():
    wrong = []
    for path in files():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                doc = node.body[0].end_lineno - node.body[0].lineno + 1 if ast.get_docstring(node) else 0
                lines = node.end_lineno - node.lineno + 1 - doc
                if lines > LINES_MAX:
                    wrong.append("%s: %s has %d lines" % (path.relative_to(FIRMWARE), node.name, lines))
    assert not wrong, "\n".join(wrong)


def test_every_file_says_what_it_is_for():
    assert not [p.name for p in files() if not ast.get_docstring(ast.parse(p.read_text()))]
