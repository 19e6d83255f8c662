"""dhcpd.conf: text in, a checked Config out.

    from twinlease import conf
    config = conf.load(text, "dhcpd.conf", read_file)
    conf.forget()

The room reads the language of ISC dhcpd 4.4.3.  What it does not support is refused
by name, never dropped in silence.  Only model.py, records.py, expressions.py and
problems.py are needed once a configuration is loaded: forget() gives the memory of
the rest back.
"""

import sys

__all__ = ("forget", "load")

_KEPT = ("model", "records", "expressions", "problems")


def load(text, name="dhcpd.conf", read_file=None):
    """See parser.load; the parser is imported only when it is wanted, since it takes memory.

    So are ConfError and Problem, which are here afterwards: an image is loaded without them.
    """
    global ConfError, Problem
    from .problems import ConfError, Problem  # isort: skip
    from . import parser

    return parser.load(text, name, read_file)


def forget():
    """Drop the parser's modules: from sys.modules, and from this package, which holds them too."""
    for name in list(sys.modules):
        if name.startswith(__name__ + ".") and name[len(__name__) + 1 :] not in _KEPT:
            del sys.modules[name]
            globals().pop(name[len(__name__) + 1 :], None)
