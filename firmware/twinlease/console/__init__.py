"""The serial console: what a person, or a program on a PC, types at the board.

`run(stream_in, stream_out, app, octets)` is a task beside the service.  It reads octet
by octet, echoes, keeps a bounded line, and runs one command at a time; an answer
is written in pieces with the event loop in between, so that no client waits for
a long table.  Whatever goes wrong in a command costs that command.

stream_in offers `read(n)`, stream_out `write(octets)`, both to be awaited
(Board.serial does).  app has the attributes that the commands read.

A program asks with a line that starts with "!" and a tag of its choice:

    !7f3a show leases json

Such a line is not echoed, and the answer is framed, so that a prompt, a half
typed line or somebody else's output cannot be taken for it:

    !7f3a begin
    [{"address": "10.77.1.5", ...
    !7f3a ok            or:  !7f3a error

mpremote, and what works as it does, sends Ctrl-C, Enter, Ctrl-A and then waits for MicroPython's raw REPL.  It gets it:
the service ends in order.  None of the three does anything of the kind alone, and a locked console lets nobody in.

A command is an iterator of strings.  A tuple among them asks the session for something (ask.py), and what it
answers is what `yield` returns.

The commands are loaded for one line and dropped after it, and a session ends when nobody has typed for a while:
nobody types at a board most of the time, and this code is worth a hundred leases.

Not here: the commands (commands.py), what they print (show.py …), editing (line.py).
"""

import asyncio
import gc
import sys

from ..overlay import drop
from . import ask, line

PROMPT = b"twinlease> "
IDLE_S = 600
_PIECE = 256  # octets collected before they are written
_MORE = b"--more-- (Space: a page, Enter: a line, q: enough)"
_NO_MORE = b"\r\x1b[K"
_STAYS = ("twinlease.console.line", "twinlease.console.ask", "twinlease.console.refused")
_CTRL_C, _CTRL_D = 3, 4
_KNOCK = 0x030D01  # Ctrl-C, Enter, Ctrl-A


async def run(stream_in, stream_out, app, octets):
    """Serve the console from its first octets until the line ends, or nobody has typed for IDLE_S."""
    session = Session(stream_in, stream_out, app, octets)
    watch = asyncio.create_task(_watch(session, asyncio.current_task()))
    try:
        await session.run()
    except asyncio.CancelledError:
        if not session.idle:
            raise
    finally:
        watch.cancel()


async def _watch(session, task):
    while not session.idle:
        session.idle = True
        await asyncio.sleep(IDLE_S)
    task.cancel()


class Session:
    """One person, or one program after the other, at the serial line."""

    def __init__(self, stream_in, stream_out, app, octets):
        self.app = app
        self.rows = 24  # of the terminal; 0: answers are not paged
        self.idle = False
        self.locked = None  # not known yet
        self._in = stream_in
        self._out = stream_out
        self._got = octets
        self._editor = line.Line()
        self._greeted = False
        self._cr = False  # was the last octet that was pasted
        self._heard = 0  # the last three octets

    async def run(self):
        while True:
            try:
                octet = await self._octet()
                if octet < 0:
                    return
                await self._take(octet)
            except MemoryError:  # it costs what was typed, not the service
                self._got = b""
                self._editor.forget()
                _forget()
                gc.collect()

    async def _take(self, octet):
        editor = self._editor
        echo = editor.feed(octet)
        if echo:
            await self._out.write(echo)
        if editor.wants:
            await self._key(editor)
        if editor.done:
            await self._line(editor.take())
            await self._out.write(PROMPT)

    async def _octet(self):
        """The next one, -1 at the end of the line."""
        if not self._got:
            self._got = await self._in.read(1) if self._in else b""
            if not self._got:
                return -1
        self.idle = False
        octet, self._got = self._got[0], self._got[1:]
        self._heard = (self._heard << 8 | octet) & 0xFFFFFF
        if self._heard == _KNOCK and not await self._is_locked():
            self._leave()
        return octet if self._in else -1

    def _leave(self):
        """What comes now is for MicroPython."""
        from . import admin

        self._in = None
        admin.leave(self.app, b"\x01")

    async def _key(self, editor):
        """Tab, "?" or a key that is about the whole session."""
        if editor.wants == line.END:
            self.locked = None
            return
        said = b"\r\x1b[K"
        if editor.wants != line.REDRAW and not await self._is_locked():
            try:
                more, listed = _twice(_look, editor.text(), editor.wants == line.HELP)
                await self._out.write(editor.insert(more.encode()))
                if not listed:
                    _forget()
                    return
                await self._out.write(b"\r\n")
                await self._write(listed)
                said = b""
            except Exception as e:
                await self._failed(e)
            _forget()
        await self._out.write(said + PROMPT + editor.shown())

    async def _line(self, text):
        """Run one line and write its answer, framed if a program asked."""
        tag, text = _split_tag(text)
        if tag:
            await self._out.write(("\r\n%s begin\r\n" % tag).encode())
        after = None
        try:
            refused, after = await self._answer(text, tag)
        except Exception as e:  # a failing command must not take the service with it
            refused = await self._failed(e)
        _forget()
        if tag:
            await self._out.write(("%s %s\r\n" % (tag, "error" if refused else "ok")).encode())
        if after:
            after()

    async def _failed(self, e):
        gc.collect()
        what = "there is no memory for it now" if isinstance(e, MemoryError) else "%r" % e
        await self._write(("the command failed: %s\n" % what,))
        return True

    async def _answer(self, text, tag):
        """Write the answer; returns whether it was refused, and what to call after it, or None."""
        from .refused import Refused

        try:
            locked = await self._is_locked()
            if not self._greeted and not tag:
                self._greeted = True
                await self._write(_command("banner", self.app, False))
                if not text.strip() and not locked and self._is_new():
                    text = "setup"
            return False, await self._write(_command(text, self.app, locked), tag)
        except Refused as e:
            await self._write((str(e), "\n"))
            return True, None

    def _is_new(self):
        """Has this board never been set up?"""
        from . import setup

        return setup.wanted(self.app)

    async def _is_locked(self):
        if self.locked is None:
            from . import lock

            self.locked = lock.is_set(self.app.board)
        return self.locked

    async def _write(self, pieces, tag=None):
        """Write strings as they come, newlines as terminals want them, and let the service run in between.

        Returns what is to be called when the answer is complete, or None.
        """
        waiting = ""
        rows = 0
        after = answer = None
        pieces = iter(pieces)
        while True:
            try:
                piece = pieces.send(answer) if answer is not None else next(pieces)
            except StopIteration:
                break
            except Exception:
                await self._put(waiting)
                raise
            answer = None
            if isinstance(piece, tuple):
                await self._put(waiting)
                waiting, rows = "", 0
                if piece[0] == ask.AFTER:
                    after = piece[1]
                else:
                    answer = await self._ask(piece, tag)
                continue
            waiting += piece
            rows += piece.count("\n")
            if len(waiting) >= _PIECE:
                await self._put(waiting)
                waiting = ""
                await asyncio.sleep(0)
            if self.rows and not tag and rows >= self.rows - 1:
                await self._put(waiting)
                waiting = ""
                rows = await self._more()
                if rows < 0:
                    pieces.close()
                    break
        await self._put(waiting)
        return after

    async def _put(self, text):
        if text:
            await self._out.write(text.replace("\n", "\r\n").encode())

    async def _more(self):
        """Wait for a key; returns how many rows of the page count as written, -1 for enough."""
        await self._out.write(_MORE)
        octet = await self._octet()
        await self._out.write(_NO_MORE)
        if octet in (113, 81, _CTRL_C, -1):
            return -1
        return self.rows - 2 if octet in (10, 13) else 0

    async def _ask(self, request, tag):
        """What a command wants of the session, or of the person at it."""
        kind, told = request
        if kind == ask.PASTE:
            return await self._paste(tag)
        if kind == ask.ROWS:
            self.rows = told
            return True
        if kind == ask.LOCKED:
            self.locked = told
            return True
        if kind == ask.WAIT:
            from . import wait

            return await wait.until(self, told, tag)
        return await self._ask_line(told, kind == ask.SECRET, tag)

    async def listen(self):
        """Until something is typed, which stays to be read."""
        if not self._got and self._in:
            self._got = await self._in.read(1)
        self.idle = False

    def forget_typed(self):
        self._got = b""

    async def _ask_line(self, prompt, hidden, tag):
        """One line; None if the person would rather not (Ctrl-C, Ctrl-D)."""
        editor = line.Line()
        editor.hidden = hidden or bool(tag)
        if not tag:
            await self._out.write(prompt.encode())
        while not editor.done:
            octet = await self._octet()
            if octet in (_CTRL_C, _CTRL_D, -1):
                await self._out.write(b"\r\n")
                return None
            await self._out.write(editor.feed(octet))
        if hidden and not tag:
            await self._out.write(b"\r\n")
        return editor.take()

    async def _paste(self, tag):
        """Text as it is pasted, up to Ctrl-D: its next octets, b"" at the end; None if it was given up (Ctrl-C)."""
        if not self._got:
            self._got = await self._in.read(1)
            self.idle = False
        got = self._got
        end = min([n for n in (got.find(b"\x04"), got.find(b"\x03")) if n >= 0] + [len(got)])
        if end:
            self._got = got[end:]
            if not tag:
                await self._echo(got[:end])
            return got[:end]
        self._got = got[1:]
        self._heard = got[0]
        return b"" if got[:1] == b"\x04" else None

    async def _echo(self, octets):
        """Pasted text, whose lines end with CR, LF or both."""
        pair = self._cr and octets[0] == 10
        self._cr = octets[-1] == 13
        octets = octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        await self._out.write(octets[1 if pair else 0 :].replace(b"\n", b"\r\n"))


def _command(text, app, locked):
    """The answer to a line. The table of commands goes again before that is loaded: it needs the room."""
    called = _twice(_find, text, locked)
    return call(app, *called) if called else iter(())


def _find(text, locked):
    from . import commands

    try:
        return commands.find(commands.while_locked(text) if locked and text.strip() else text)
    finally:
        commands = None
        drop("twinlease.console.commands")


def call(app, module, function, json, names):
    """What a row of the table names; its module is loaded for it, and failover's, which is large, for a pair."""
    if module == "failover" and not app.peers:
        from .refused import Refused

        raise Refused("this board has no failover peer: no pool of its configuration names one")
    return getattr(_twice(_load, module, function), function)(app, json, *names)


def _load(module, function):
    return __import__("twinlease.console." + module, None, None, (function,))


def _look(text, wants_help):
    from . import complete

    return complete.look(text, wants_help)


def _twice(load, *args):
    """What `load` returns.  Of a heap in pieces it may want a larger one than there is before all else is dropped."""
    try:
        return load(*args)
    except MemoryError:
        pass
    _forget()
    gc.collect()
    return load(*args)


def _forget():
    """Drop what was loaded for a line; without a list of it, which there may be no memory for."""
    name = _loaded()
    while name:
        drop(name)
        name = _loaded()
    drop("twinlease.failover.words")


def _loaded():
    for name in sys.modules:
        if name.startswith("twinlease.console.") and name not in _STAYS:
            return name
    return None


def _split_tag(text):
    if not text.startswith("!"):
        return None, text
    tag, _, text = text.partition(" ")
    return tag, text
