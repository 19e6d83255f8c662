"""`ntp server` and `ntp serve`: whom the board asks for the time, and whether it tells it.  ISC dhcpd has neither.

    ntp server 10.0.0.5, 10.0.0.6, "pool.example";     four at most, in one statement or several
    ntp serve true;                                    answer SNTP clients on UDP port 123

They stand at the top level and end as parameters of the global scope: "ntp-servers", a tuple of four octets
or a name each, and "ntp-serve", a bool.
"""

from .lexer import STRING
from .options import read_flag
from .reader import as_text

SERVERS_MAX = 4
_NAME_MAX = 253
_LABEL_MAX = 63


def read(p, place, where):
    """What follows `ntp`."""
    if p.take_word("serve"):
        place.scope.put_param("ntp-serve", read_flag(p) == 1)
    else:
        p.expect_word("server", "as in: ntp server 192.0.2.1; or: ntp serve true;")
        _servers(p, place.scope)
    p.semicolon()


def _servers(p, scope):
    while True:
        known = scope.params.get("ntp-servers", ())
        server = _server(p, known)
        scope.put_param("ntp-servers", known + (server,))
        if not p.take(","):
            return


def _server(p, known):
    at = p.where()
    if len(known) == SERVERS_MAX:
        p.fail("more than %d time servers" % SERVERS_MAX, "keep the best; three find out the one that is wrong")
    name = as_text(p.string("")) if p.kind == STRING else p.name("a time server's address or name")
    server = _address(name) or _host_name(name)
    if not server:
        p.report.error(at, "this cannot be a time server: %s" % name, 'write its address, or its name in "..."')
    elif [one for one in known if isinstance(one, bytes) == isinstance(server, bytes) and one == server]:
        p.warn(at, "the time server %s is named twice" % name, "remove it here")
    return server


def _address(name):
    """Four octets of a host, or None."""
    parts = name.split(".")
    if len(parts) != 4:
        return None
    for part in parts:
        if not part or len(part) > 3 or [c for c in part if c not in "0123456789"] or int(part) > 255:
            return None
    address = bytes([int(part) for part in parts])
    return address if 0 < address[0] < 224 else None


def _host_name(name):
    """The name if a DNS server can be asked for it, or None."""
    labels = name.split(".")
    for label in labels:
        if not 0 < len(label) <= _LABEL_MAX or [c for c in label.lower() if c not in _LETTERS]:
            return None
    numeric = not [c for c in labels[-1] if c not in "0123456789"]
    return None if numeric or len(name) > _NAME_MAX else name


_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-_"
