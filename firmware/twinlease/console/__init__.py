"""The serial console: what a person, or a program on a PC, types at the board.

`run(stream_in, stream_out, app, octets)` is a task beside the service.  It reads octet
by octet, echoes, keeps a bounded line, and runs one command at a time; an answer
is written in pieces with the event loop in between, so that no client waits for
a long table.  Whatever goes wrong in a command costs that command.

stream_in offers `read(n)`, stream_out `write(octets)`, both to be awaited
(Board.serial does).  app has the attributes that show.py reads.

A program asks with a line that starts with "!" and a tag of its choice:

    !7f3a show leases json

Such a line is not echoed, and the answer is framed, so that a prompt, a half
typed line or somebody else's output cannot be taken for it:

    !7f3a begin
    [{"address": "10.77.1.5", ...
    !7f3a ok            or:  !7f3a error

The commands are loaded for one line and dropped after it: nobody types at a
board most of the time, and their code is worth a hundred leases.

Not here: the commands (commands.py), what they print (show.py), editing (line.py).
"""

import asyncio
import gc

from ..overlay import drop
from . import line

PROMPT = b"twinlease> "
_PIECE = 256  # octets collected before they are written


async def run(stream_in, stream_out, app, octets):
    """Serve the console from its first octet until the line ends (which on a board it never does)."""
    editor = line.Line()
    while octets:
        echo = editor.feed(octets[0])
        if echo:
            await stream_out.write(echo)
        if editor.done:
            await _command(editor.take(), stream_out, app)
            await stream_out.write(PROMPT)
        octets = await stream_in.read(1)


async def _command(text, out, app):
    """Run one line and write its answer, framed if a program asked."""
    tag, text = _split_tag(text)
    if tag:
        await out.write(("\r\n%s begin\r\n" % tag).encode())
    try:
        from . import commands

        refused = await _answer(commands, text, app, out)
    except Exception as e:  # a failing command must not take the service with it
        gc.collect()
        refused = "the command failed: %r" % e
    _forget()
    status = "error" if refused else "ok"
    if refused:
        await _write(iter((refused, "\n")), out)
    if tag:
        await out.write(("%s %s\r\n" % (tag, status)).encode())


async def _answer(commands, text, app, out):
    """Write the answer; returns why there is none, or None."""
    try:
        await _write(commands.answer(text, app), out)
    except commands.Refused as e:
        return str(e)


def _forget():
    for name in ("console.commands", "console.show", "console.failover", "failover.words"):
        drop("twinlease." + name)


def _split_tag(text):
    if not text.startswith("!"):
        return None, text
    tag, _, text = text.partition(" ")
    return tag, text


async def _write(pieces, out):
    """Write strings as they come, newlines as terminals want them, and let the service run in between."""
    waiting = ""
    for piece in pieces:
        waiting += piece
        if len(waiting) >= _PIECE:
            await out.write(waiting.replace("\n", "\r\n").encode())
            waiting = ""
            await asyncio.sleep(0)
    if waiting:
        await out.write(waiting.replace("\n", "\r\n").encode())
