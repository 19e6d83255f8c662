"""How a board takes up its configuration: from text in flash, by way of an image, to the model that it serves by.

    config = take_up(board)      None if there is nothing to serve by; the reason is in the log

A board loads the image that an earlier start made (conf/image.py).  If the files,
or this firmware, have changed since, it reads the text, makes the image anew and
starts again: the parser's code goes with the restart, and with it the names in it,
which MicroPython would keep for ever.  Under CPython it goes straight on.

The host tools can make the image too (`code_digest`, `digest` are for them), from the
same parser: then the board never reads the text, and larger configurations fit.

A spoilt image is as good as none.  One that is whole and still does not load, or
that flash does not take, would be made again at each start: then the board serves
from the text, with less room.
"""

import gc
import hashlib
import os
import sys

CONFIG = "dhcpd.conf"
why = ""  # take_up found nothing to serve by
CODE = ""  # stands among an image's sources for the conf room itself


def take_up(board):
    """The Config that the files in flash describe, or None.  Does not return if it has to start again."""
    config, again = _from_image(board)
    if config is None:
        config = _from_text(board, again)
    return config


def _from_text(board, make_image):
    try:
        text = board.load_config()
    except (OSError, UnicodeError) as e:
        board.say("%s cannot be read (%r): this board serves nobody until it is stored again" % (CONFIG, e))
        return None
    if text is None:
        board.say("No configuration in flash: this board serves nobody yet")
        return None
    return _read(board, text, make_image)


def _from_image(board):
    """The Config in the image, None if that is no use; and whether to make it anew."""
    from .conf import image

    whole = False
    try:
        octets = board.load_image()
        if octets and image.is_whole(octets) and _is_current(board, image.sources(octets)):
            whole = True
            return image.load(octets), True
    except MemoryError:
        raise  # the text takes more
    except Exception as e:
        board.say("The image of the configuration cannot be used (%r): reading the text" % e)
    return None, not whole


def _is_current(board, sources):
    for name, digest in sources:
        if digest != _digest(board, name):
            return False
    return bool(sources)


def _read(board, text, make_image):
    """Parse and check, tell what is wrong or doubtful, make the image."""
    from .conf import load
    from .conf.problems import ConfError

    names = [CODE, CONFIG]

    def read_file(name):
        names.append(name)
        return board.read_file(name)

    try:
        config = load(text, CONFIG, read_file)
    except ConfError as e:
        global why
        for problem in e.problems:
            line = "%s line %d: %s; %s" % (problem.file, problem.line, problem.message, problem.advice)
            why = why or line
            board.say(line)
        board.say("Configuration file errors encountered -- not serving")
        return None
    for problem in config.problems:
        board.say("%s line %d: warning: %s" % (problem.file, problem.line, problem.message))
    if make_image and sys.implementation.name == "micropython":
        _make_image(board, config, names)
    return config


def _make_image(board, config, names):
    """Store the image and start again; returns if it cannot be stored."""
    from .conf import forget

    forget()
    gc.collect()
    from .conf.image_writer import dump

    try:
        board.store_image(dump(config, [(name, _digest(board, name)) for name in names]))
    except OSError as e:
        board.say("The image of the configuration cannot be stored (%r): serving from the text" % e)
        return
    board.reset("configuration read: %d addresses to lease" % config.rows)


def _digest(board, name):
    """Eight octets that change when the file does; empty if there is no such file."""
    try:
        if name == CODE:
            path = sys.modules["twinlease"].__path__
            return code_digest((path if isinstance(path, str) else path[0]) + "/conf")
        text = board.load_config() if name == CONFIG else board.read_file(name)
    except OSError:
        return b""
    return digest(text.encode()) if text is not None else b""


def digest(octets):
    """What an image notes of a file that it was made from."""
    return hashlib.sha256(octets).digest()[:8]


def code_digest(folder, timed=True):
    """Of the conf room, what an update of the firmware changes: sizes and times of its files.

    In ROMFS (`timed` False) no file has a time: there it is what they hold.
    """
    facts = []
    for name in sorted([name for name in os.listdir(folder) if name.endswith("py")]):
        path = folder + "/" + name
        stat = os.stat(path)
        facts.append((name, stat[6], (timed and stat[8]) or _content(path)))
    return digest(repr(facts).encode())


def _content(path):
    told = hashlib.sha256()
    with open(path, "rb") as f:
        piece = f.read(512)
        while piece:
            told.update(piece)
            piece = f.read(512)
    return told.digest()[:8]
