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

from .problems import ConfError, Problem

__all__ = ("ConfError", "Problem", "forget", "load")

_KEPT = ("model", "records", "expressions", "problems")


def load(text, name="dhcpd.conf", read_file=None):
    """See parser.load; the parser is imported only when it is wanted, since it takes memory."""
    from . import parser

    return parser.load(text, name, read_file)


def forget():
    """Drop the parser's modules: from sys.modules, and from this package, which holds them too."""
    for name in list(sys.modules):
        if name.startswith(__name__ + ".") and name[len(__name__) + 1 :] not in _KEPT:
            del sys.modules[name]
            globals().pop(name[len(__name__) + 1 :], None)
