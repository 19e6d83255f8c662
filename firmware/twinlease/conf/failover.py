"""`failover peer "NAME" { ... }`, and references to it.

Statements, defaults and rules are those of ISC dhcpd 4.4.3: dhcpd.conf(5), and
sections 3.2 and 8.1 of the failover reference.  0 means "the default" for the
limits, except for load balance max seconds, where it turns load balancing off.
"""

from .lexer import NUMBER, STRING, WORD
from .model import FailoverPeer
from .place import Place
from .problems import Fault, nearest

# word: (attribute, highest value, whether 0 means the default)
_NUMBERS = {
    "port": ("port", 65535, False),
    "max-response-delay": ("max_response_delay", 0x7FFFFFFF, True),
    "max-unacked-updates": ("max_unacked_updates", 0x7FFFFFFF, True),
    "mclt": ("mclt", 0x7FFFFFFF, False),
    "auto-partner-down": ("auto_partner_down", 0x7FFFFFFF, False),
    "max-lease-misbalance": ("max_lease_misbalance", 100, True),
    "max-lease-ownership": ("max_lease_ownership", 100, True),
    "min-balance": ("min_balance", 0x7FFFFFFF, True),
    "max-balance": ("max_balance", 0x7FFFFFFF, True),
}

_OF_PARTNER = ("address", "port", "max-response-delay", "max-unacked-updates")


def read(p, place, where):
    """What follows `failover`, in whichever block."""
    p.expect_word("peer", 'as in: failover peer "name";')
    at = p.where()
    if p.kind not in (STRING, WORD):
        p.fail("expected the peer's name, found %s" % p.shown(), 'write failover peer "name"')
    if place.letter == "p" and p.kind == WORD:
        p.fail("the peer's name must stand in quotes here", 'write failover peer "%s";' % p.val)
    name = str(p.text("a name"), "utf8") if _is_plain(p.val) else ""
    if not name:
        raise Fault(at, "this cannot be a peer's name", "use letters and digits")
    if p.kind == "{" and place.letter != "p":
        _declare(p, place, where, name)
        return
    if p.at_word("state"):
        raise Fault(
            where, "not supported by Twinlease: failover state in the configuration", "it is kept in flash; remove it"
        )
    p.semicolon()
    peer = p.config.peers.get(name)
    if peer is None:
        p.report.error(at, 'no failover peer is named "%s"' % name, 'declare it before: failover peer "%s" { }' % name)
    elif place.letter == "p":
        place.pool.peer = peer
        p.referred.append(peer)
    elif place.letter == "n":
        place.network.peer = peer
    else:
        p.report.error(at, "a reference to a failover peer outside of any network", "write it in a pool")


def _is_plain(val):
    for c in val if isinstance(val, bytes) else val.encode():
        if not 32 <= c < 127:
            return False
    return True


def _declare(p, place, where, name):
    peer = FailoverPeer(name)
    if name in p.config.peers:
        p.report.error(where, "failover peer %s is declared twice" % name, "remove one of them")
    else:
        p.config.peers[name] = peer
        p.peers.append((peer, where))
    inner = Place("g", place.scope, place)
    said = {"role": False}
    p.block(inner, "failover peer", where, lambda _: _statement(p, peer, said))
    _check(p, peer, said, where)
    if place.letter == "n":
        place.network.peer = peer


def _statement(p, peer, said):
    where = p.where()
    word = p.word("a statement of failover peer").lower()
    partner = word == "peer"
    if partner:
        word = p.word("address or port").lower()
        if word not in _OF_PARTNER:
            raise Fault(where, "unknown statement 'peer %s'" % word, "write peer address or peer port")
    if word in ("primary", "secondary"):
        peer.role = word
        said["role"] = True
    elif word == "address":
        address = p.address()
        if partner:
            peer.peer_address = address
        else:
            peer.address = address
    elif word == "load":
        p.expect_word("balance", "write load balance max seconds 3;")
        p.expect_word("max", "write load balance max seconds 3;")
        p.expect_word("seconds", "write load balance max seconds 3;")
        peer.load_balance_max_seconds = _number(p, 0x7FFFFFFF)
    elif word == "split":
        said[word] = where
        peer.split = _number(p, 256)
        peer.hba = None
    elif word == "hba":
        said[word] = where
        peer.hba = p.octets("32 octets", 32)
        peer.split = None
        if len(peer.hba) < 32:
            raise Fault(where, "hba has %d octets" % len(peer.hba), "write 32 of them, with colons, or split 128;")
    elif word in _NUMBERS:
        _set_number(p, peer, word, where, partner)
        said[word] = where
    else:
        words = list(_NUMBERS)
        words.extend(("primary", "secondary", "address", "split", "hba", "peer", "load"))
        near = nearest(word, words)
        raise Fault(
            where, "unknown statement '%s' of failover peer" % word, "did you mean %s?" % near if near else "remove it"
        )
    p.semicolon()


def _set_number(p, peer, word, where, partner):
    name, top, default = _NUMBERS[word]
    value = _number(p, top)
    if partner and word != "port":
        return  # the partner says its own when it connects
    if value == 0 and default:
        return
    if word == "port" and not value:
        value = 647
    setattr(peer, "peer_" + name if partner else name, value)


def _number(p, top):
    if p.kind != NUMBER:
        p.fail("expected a number, found %s" % p.shown(), "write a number from 0 to %d" % top)
    return p.integer_plain(0, top, "a number")


def _check(p, peer, said, where):
    """The rules that need the whole block."""
    error = p.report.error
    if peer.peer_address is None:
        error(
            where,
            "failover peer %s has no peer address" % peer.name,
            "write peer address A; with the partner's address",
        )
    if peer.address is None:
        error(
            where,
            "failover peer %s has no address of its own" % peer.name,
            "write address A; with this server's address",
        )
    elif peer.address == peer.peer_address and peer.port == peer.peer_port:
        error(where, "address and peer address are the same", "write the partner's address as peer address")
    if peer.role == "primary":
        if not peer.mclt:
            error(
                where,
                "the primary needs mclt",
                "write mclt 3600; the seconds by which leases may lead the partner's knowledge",
            )
        if "split" not in said and "hba" not in said:
            advice = "write split 128; for half of the clients each"
            error(
                where,
                "the primary needs split or hba",
                advice if said["role"] else "write primary; or secondary; first, then " + advice,
            )
    else:
        for word in ("split", "hba"):
            if word in said:
                error(said[word], "a secondary has no %s" % word, "remove it; the primary says it")
        if "mclt" in said:
            p.warn(said["mclt"], "a secondary takes mclt from the primary", "remove it")
    if not peer.load_balance_max_seconds:
        p.warn(
            where, "without load balance max seconds there is no load balancing", "write load balance max seconds 3;"
        )
