"""dhcpd.conf: text in, a checked Config out.

    from twinlease.conf import load, ConfError
    config = load(text, "dhcpd.conf", read_file)

The room reads the language of ISC dhcpd 4.4.3.  What it does not support is refused
by name, never dropped in silence.  Only model.py and expressions.py are needed once
a configuration is loaded: `forget()` lets the rest go.
"""

from .problems import ConfError, Problem


def load(text, name="dhcpd.conf", read_file=None):
    """See parser.load; the parser is imported only when it is wanted, since it takes memory."""
    from . import parser

    return parser.load(text, name, read_file)
