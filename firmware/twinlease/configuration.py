"""How a board takes up its configuration: from text in flash, by way of an image, to the model that it serves by.

    config = take_up(board)      None if there is nothing to serve by; the reason is in the log

A board loads the image that an earlier start made (conf/image.py).  If the files,
or this firmware, have changed since, it reads the text, makes the image anew and
starts again: the parser's code goes with the restart, and with it the names in it,
which MicroPython would keep for ever.  Under CPython it goes straight on.
"""

import gc
import hashlib
import os
import sys

_CONFIG = "dhcpd.conf"
_CODE = ""  # stands among an image's sources for the conf room itself


def take_up(board):
    """The Config that the files in flash describe, or None.  Does not return if it has to start again."""
    from .conf import image

    octets = board.load_image()
    if octets and _is_current(board, image.sources(octets)):
        return image.load(octets)
    octets = None
    text = board.load_config()
    if text is None:
        board.say("No configuration in flash: this board serves nobody yet")
        return None
    return _read(board, text)


def _is_current(board, sources):
    for name, digest in sources:
        if digest != _digest(board, name):
            return False
    return bool(sources)


def _read(board, text):
    """Parse and check, tell what is wrong or doubtful, make the image."""
    from .conf import ConfError, forget, load

    names = [_CODE, _CONFIG]

    def read_file(name):
        names.append(name)
        return board.read_file(name)

    try:
        config = load(text, _CONFIG, read_file)
    except ConfError as e:
        for problem in e.problems:
            board.say("%s line %d: %s; %s" % (problem.file, problem.line, problem.message, problem.advice))
        board.say("Configuration file errors encountered -- not serving")
        return None
    for problem in config.problems:
        board.say("%s line %d: warning: %s" % (problem.file, problem.line, problem.message))
    for name in sorted(config.peers):
        board.say("failover peer %s: this version does not speak failover yet, the board serves alone" % name)
    if sys.implementation.name == "micropython":
        forget()
        gc.collect()
        from .conf.image_writer import dump

        board.store_image(dump(config, [(name, _digest(board, name)) for name in names]))
        board.reset("configuration read: %d addresses to lease" % config.rows)
    return config


def _digest(board, name):
    """Eight octets that change when the file does; empty if there is no such file."""
    try:
        if name == _CODE:
            return _code_digest()
        text = board.load_config() if name == _CONFIG else board.read_file(name)
    except OSError:
        return b""
    return hashlib.sha256(text.encode()).digest()[:8] if text is not None else b""


def _code_digest():
    """Sizes and times of the conf room's files: what an update of the firmware changes."""
    folder = sys.modules["twinlease"].__path__ + "/conf"
    facts = []
    for name in sorted(os.listdir(folder)):
        stat = os.stat(folder + "/" + name)
        facts.append((name, stat[6], stat[8]))
    return hashlib.sha256(repr(facts).encode()).digest()[:8]
