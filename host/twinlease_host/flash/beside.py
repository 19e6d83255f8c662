"""Another firmware on a board, beside the one that it starts: it takes that one's place by renames, and gives it back.

    /lib/twinlease  /boot.py  /main.py    what the board starts
    /next/…                               the new one, until all of it is there
    /old/…                                the one before it

While /next is written, what the board starts is whole: broken off then, it serves as before at its next start. In the
moment of the renames main.py goes first and comes last: a board that loses its power among them has no program, and
not half of one; it is mended by the next run.
"""

from __future__ import annotations

from collections.abc import Callable

from ..errors import UserError
from .board_files import Changes, Files, sha256

NEXT, OLD = "/next", "/old"
_MAIN = "/main.py"
_PARTS = (_MAIN, "/lib/twinlease", "/boot.py")  # in the order in which they go
_BLOCK = 4096  # a file takes whole ones
_SPARE = 8  # blocks that are left to the board's own files
_COPIES = 8  # at once, between two looks at the clock

_TOOLS = """
import os
def _is(path):
    try:
        os.stat(path)
        return True
    except OSError:
        return False
def _drop(path):
    if not _is(path):
        return
    if os.stat(path)[0] & 0x4000:
        for name in os.listdir(path):
            _drop(path + '/' + name)
        os.rmdir(path)
    else:
        os.remove(path)
def _folders(path):
    for at in range(1, len(path)):
        if path[at] == '/' and not _is(path[:at]):
            os.mkdir(path[:at])
def _move(path, there):
    if _is(path):
        _drop(there)
        _folders(there)
        os.rename(path, there)
def _copy(path, there):
    b = bytearray(512)
    _folders(there)
    with open(path, 'rb') as f, open(there, 'wb') as g:
        n = f.readinto(b)
        while n:
            g.write(memoryview(b)[:n])
            n = f.readinto(b)
"""
_WHOLE = f"""
print(all(_is(path) for path in {_PARTS}), all(_is({OLD!r} + path) for path in {_PARTS[:2]}))
print(any(_is(path + {_PARTS[1]!r}) for path in ('', {OLD!r})))
"""
_ROOM = "s = os.statvfs('/'); print(s[0] * s[3])"
# Ctrl-C at the PC ends neither of these in the middle.
_WHOLLY = """
import micropython
def _wholly(do):
    listen = getattr(micropython, 'kbd_intr', lambda octet: None)
    listen(-1)
    try:
        do()
    finally:
        listen(3)
"""
_INSTALL = f"""{_WHOLLY}
def _install():
    for path in {_PARTS}:
        if _is({OLD!r} + path):
            _drop(path)
        else:
            _move(path, {OLD!r} + path)
    for path in {_PARTS[::-1]}:
        _move({NEXT!r} + path, path)
_wholly(_install)
_drop({NEXT!r})
"""
_BACK = f"""{_WHOLLY}
def _back():
    _drop({_MAIN!r})
    for path in {_PARTS[::-1]}:
        _move({OLD!r} + path, path)
_wholly(_back)
_drop({OLD!r})
"""


def install(files: Files, wanted: dict[str, bytes], progress: Callable[[int, int], None]) -> Changes:
    """Let the board start these from now on: absolute path and octets. What it has of them stays as it is.

    Raises UserError if there is no room for both, or if it starts none of its files; then nothing has changed.
    """
    live = files.hashes(*_PARTS)
    right = {path for path, octets in wanted.items() if live.get(path) == sha256(octets)}
    changes = Changes(len(wanted) - len(right), len(right), len(live.keys() - wanted.keys()))
    if not changes.changed and not changes.removed:
        return changes
    files.run(_TOOLS)
    whole, _, ours = _whole(files)
    if not ours:
        raise UserError(
            "there is no Twinlease in the file system of this board",
            "is it the right port? If its image brings the firmware (ROMFS, frozen): twinlease flash BOARD "
            "--image FILE; a virtual board that is no ESP32 takes this PC's when it is run again",
        )
    if whole:
        files.run(f"_drop({OLD!r})")
    there = files.hashes(NEXT)
    begun = {path for path, octets in wanted.items() if there.get(NEXT + path) == sha256(octets)}
    _check_room(files, [octets for path, octets in wanted.items() if path not in begun])
    copies = [(path, NEXT + path) for path in sorted(right - begun - {_MAIN})]
    for at in range(0, len(copies), _COPIES):
        files.run(f"for one in {copies[at : at + _COPIES]}: _copy(*one)")
    beside = {NEXT + path: octets for path, octets in wanted.items()}
    files.update(beside, files.hashes(NEXT), NEXT + _MAIN, progress)
    files.run(_INSTALL)
    return changes


def back(files: Files) -> bool:
    """Let the board start the one before. False if it has none any more: then nothing has changed."""
    files.run(_TOOLS)
    if not _whole(files)[1]:
        return False
    files.run(_BACK)
    return True


def _whole(files: Files) -> tuple[bool, bool, bool]:
    """Whether what the board starts is all there, whether the one before is, and whether there is any Twinlease."""
    live, old, ours = (word == "True" for word in files.run(_WHOLE).split())
    return live, old, ours


def _check_room(files: Files, new: list[bytes]) -> None:
    room = int(files.run(_ROOM))
    needed = sum(-(-len(octets) // _BLOCK) * _BLOCK for octets in new) + _SPARE * _BLOCK
    if needed > room:
        raise UserError(
            f"the board's file system has {room:,} octets left, and a second firmware beside its own takes {needed:,}",
            "remove files that are not Twinlease's; or write over its own, with no way back: "
            "twinlease flash BOARD --no-micropython",
        )
