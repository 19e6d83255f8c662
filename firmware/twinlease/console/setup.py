"""The set-up dialogue: from a few answers to a dhcpd.conf, and a board that serves by it.

The partner, if there is one, takes the same file: the failover block holds both halves.
"""

from twinlease import revisions

from .ask import AFTER, LINE
from .refused import Refused

_HOUR = 3600
_MCLT = 1800
_ALL = 0xFFFFFFFF


def wanted(app):
    """Is this a board that has never been set up?"""
    if app.table is not None:
        return False
    if not app.board.interfaces:
        return hasattr(app.board, "store_settings")
    try:
        return app.board.files().load(revisions.CONFIG) is None
    finally:
        app.board.release_files()


def run(app, json):
    """Ask, show what comes of it, and serve by it."""
    told = None
    if app.board.interfaces:
        interface = app.board.interfaces[0]
    elif hasattr(app.board, "store_settings"):
        from . import address

        told, interface = yield from address.asked(app.board)
    else:
        raise Refused("this board has no network interface: see its log")
    text = yield from _asked(interface)
    yield "\n" + text + "\n"
    yes = yield from _ask("Serve by this? yes or no", "yes", _yes_or_no)
    if not yes:
        raise Refused("nothing was changed; to start over: setup")
    try:
        store = app.board.files()
        store.store(revisions.CANDIDATE, text.encode())
        revisions.commit(store, 0)
        if told:
            app.board.store_settings(told)
    finally:
        app.board.release_files()
    yield "The board starts again and serves. show config, show leases and help are good next steps.\n"
    yield AFTER, lambda: app.stop("it was set up at the console")


def _asked(interface):
    """All questions; returns the text of dhcpd.conf."""
    own = _number(interface.address)
    mask = _ALL << (32 - interface.prefix) & _ALL
    network = own & mask
    yield "This board is %s/%d on %s.\n" % (_dotted(own), interface.prefix, interface.name)
    yield "Enter takes what stands in brackets; Ctrl-C leaves, and nothing is changed.\n"

    def inside(word):
        number = _address(word)
        if number & mask != network or number in (network, network | ~mask & _ALL):
            raise ValueError("%s is no host's address in %s/%d" % (word, _dotted(network), interface.prefix))
        return number

    def last_of(word):
        number = inside(word)
        if number < first:
            raise ValueError("the last address comes after the first, %s" % _dotted(first))
        if number - first >= 5000:
            raise ValueError("that is more than a small board can lease")
        return number

    def inside_or_none(word):
        return None if word == "none" else inside(word)

    offered = _offered(own, mask)
    first = yield from _ask("First address to lease", _dotted(offered), inside)
    last = min(first + 99, (network | ~mask & _ALL) - 1)
    last = yield from _ask("Last address to lease", _dotted(last), last_of)
    router = yield from _ask("Router", _dotted(network + 1) if own != network + 1 else "none", inside_or_none)
    servers = yield from _ask("Name servers", _dotted(router) if router else "none", _addresses)
    domain = yield from _ask("Domain name", "none", _domain)
    hours = yield from _ask("Hours of a lease", "8", _hours)
    partner = yield from _ask("Address of the partner that shares the work, none without one", "none", inside_or_none)
    primary, key = True, None
    if partner is not None:
        primary = yield from _ask("Is this board the primary? yes or no", "yes" if own < partner else "no", _yes_or_no)
        key = yield from _ask("A secret that both know, none without one", "none", _secret)
    time = yield from _ask("Time server", "none", _addresses)
    found = ["authoritative;", "default-lease-time %d;" % (hours * _HOUR), "max-lease-time %d;" % (hours * _HOUR)]
    if time:
        found.append("ntp server %s;" % time)
    if servers:
        found.append("option domain-name-servers %s;" % servers)
    if domain:
        found.append('option domain-name "%s";' % domain)
    if partner is not None:
        found.extend(_peer(own if primary else partner, partner if primary else own, key))
    found.append("subnet %s netmask %s {" % (_dotted(network), _dotted(mask)))
    if router is not None:
        found.append("  option routers %s;" % _dotted(router))
    pool = '    failover peer "pair";\n    deny dynamic bootp clients;\n' if partner is not None else ""
    found.append("  pool {\n%s    range %s %s;\n  }\n}" % (pool, _dotted(first), _dotted(last)))
    return "\n".join(found) + "\n"


def _peer(primary, secondary, key):
    lines = ['failover peer "pair" {', "  mclt %d; split 128; load balance max seconds 3;" % _MCLT]
    if key:
        lines.append('  key "%s";' % key)
    lines.append("  primary { address %s; }" % _dotted(primary))
    lines.append("  secondary { address %s; }" % _dotted(secondary))
    lines.append("}")
    return lines


def _ask(what, default, read):
    """Ask until the answer can be read; returns what it means."""
    while True:
        word = yield LINE, "%s [%s]: " % (what, default)
        if word is None:
            raise Refused("nothing was changed; to start over: setup")
        try:
            return read(word.strip() or default)
        except ValueError as e:
            yield "  %s\n" % e


def _offered(own, mask):
    """Where a range could begin: at .100 of the board's own /24, or in the middle of a smaller network."""
    size = ~mask & _ALL
    return own & ~0xFF & _ALL | 100 if size >= 255 else (own & mask) + size // 2 + 1


def _address(word):
    parts = word.split(".")
    if len(parts) != 4 or not all(part.isdigit() and int(part) < 256 for part in parts):
        raise ValueError("%s is no address: write it as in 10.0.0.5" % word)
    return _number([int(part) for part in parts])


def _addresses(word):
    """One or several, as dhcpd.conf has them; empty for none."""
    if word == "none":
        return ""
    return ", ".join([_dotted(_address(part)) for part in word.replace(",", " ").split()])


def _domain(word):
    if word == "none":
        return ""
    if not all(c.isalpha() or c.isdigit() or c in "-." for c in word):
        raise ValueError("a domain name is made of letters, digits, - and .")
    return word


def _hours(word):
    if not word.isdigit() or not 1 <= int(word) <= 720:
        raise ValueError("hours are a number from 1 to 720")
    return int(word)


def _secret(word):
    if word == "none":
        return None
    if len(word) < 16 or '"' in word or "\\" in word:
        raise ValueError("a secret has 16 characters at least, and none of them is a quote or a backslash")
    return word


def _yes_or_no(word):
    if word not in ("yes", "no", "y", "n"):
        raise ValueError("type yes or no")
    return word[0] == "y"


def _number(octets):
    n = 0
    for octet in octets:
        n = n << 8 | octet
    return n


def _dotted(n):
    return "%d.%d.%d.%d" % (n >> 24 & 255, n >> 16 & 255, n >> 8 & 255, n & 255)
