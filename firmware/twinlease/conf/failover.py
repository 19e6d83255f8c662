"""`failover peer "NAME" { ... }`, and references to it.

Statements, defaults and rules are those of ISC dhcpd 4.4.3: dhcpd.conf(5), and
sections 3.2 and 8.1 of the failover reference.  0 means "the default" for the
limits, except for load balance max seconds, where it turns load balancing off.

Ours, which dhcpd refuses: `key`, `partner-down-after`, `serve-alone-after`, and a
block of two halves, `primary { ... }` and `secondary { ... }`, for one file on both
boards.  A half has what is its server's own; what stands outside counts for both.
"""

from ..clock import FOREVER
from .lexer import NUMBER, STRING, WORD
from .model import FailoverPeer
from .place import Place
from .problems import Fault, nearest

# word: (attribute, highest value, whether 0 means the default)
_NUMBERS = {
    "port": ("port", 65535, True),
    "max-response-delay": ("max_response_delay", 0x7FFFFFFF, True),
    "max-unacked-updates": ("max_unacked_updates", 0x7FFFFFFF, True),
    "mclt": ("mclt", 0x7FFFFFFF, False),
    "split": ("split", 256, False),
    "load": ("load_balance_max_seconds", 0x7FFFFFFF, False),
    "auto-partner-down": ("auto_partner_down", 0x7FFFFFFF, False),
    "max-lease-misbalance": ("max_lease_misbalance", 100, True),
    "max-lease-ownership": ("max_lease_ownership", 100, True),
    "min-balance": ("min_balance", 0x7FFFFFFF, True),
    "max-balance": ("max_balance", 0x7FFFFFFF, True),
    "partner-down-after": ("partner_down_after", 0x7FFFFFFF, False),
    "serve-alone-after": ("serve_alone_after", 0x7FFFFFFF, False),
}

_ROLES = ("primary", "secondary")
_OTHERS = ("primary", "secondary", "address", "hba", "key", "peer")
_OF_PRIMARY = ("mclt", "split", "hba")
_OF_ONE = ("address", "port", "mclt", "split", "hba")  # what the secondary's half does not say otherwise
_LONG = {"load": "load balance max seconds"}
_MAX_PEERS = 4  # the journal has a place for the state of so many
_KEY_LEAST = 8  # octets
_KEY_GOOD = 16


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
    block = _Block(p, place, where, name)
    if name in p.config.peers:
        p.report.error(where, "failover peer %s is declared twice" % name, "remove one of them")
    else:
        p.config.peers[name] = block.peer
        p.peers.append((block.peer, where))
    if len(p.config.peers) > _MAX_PEERS:
        message = "not supported by Twinlease: more than %d failover peers" % _MAX_PEERS
        p.report.error(where, message, "give the pools of one partner one failover peer")
    p.block(block.place, "failover peer", where, lambda _: block.statement(block.common))
    block.finish()
    if place.letter == "n":
        place.network.peer = block.peer


class _Part:
    """The block, or one of its halves: what is said, and where."""

    def __init__(self):
        self.values = {}  # {attribute: value}
        self.said = {}  # {word: where}


class _Block:
    def __init__(self, p, place, where, name):
        self.p = p
        self.place = Place("g", place.scope, place)
        self.where = where
        self.peer = FailoverPeer(name)  # until finish(), the defaults
        self.common = _Part()
        self.halves = {}  # {role: _Part}

    def statement(self, part):
        p = self.p
        where = p.where()
        word = p.word("a statement of failover peer").lower()
        if word in _ROLES and p.kind == "{":
            self._half(word, part, where)
            return
        if word == "peer":
            word = "peer " + p.word("address or port").lower()
        if part is not self.common:
            self._check_belongs(part, word, where)
        key = "role" if word in _ROLES else word
        if key in part.said:
            p.warn(where, "%s is said twice: the last counts" % _LONG.get(key, key), "remove one of them")
        part.said[key] = where
        self._value(part.values, word, where)
        p.semicolon()

    def _half(self, role, part, where):
        if part is not self.common:
            raise Fault(where, "a half within a half", "write primary { } and secondary { } side by side")
        if role in self.halves:
            raise Fault(where, "%s { } stands twice" % role, "remove one of them")
        half = self.halves[role] = _Part()
        self.p.block(Place("g", self.place.scope, self.place), role, where, lambda _: self.statement(half))

    def _check_belongs(self, half, word, where):
        """In a half stands what one server has, and the other may have otherwise."""
        if word in _OF_PRIMARY and self.halves.get("secondary") is half:
            raise Fault(where, "a secondary has no %s" % word, "remove it; the primary says it")
        if word == "key":
            raise Fault(where, "key in one half only", "write it outside of primary { } and secondary { }")
        if word in _ROLES or word.startswith("peer "):
            raise Fault(where, "'%s' does not belong in a half" % word, "remove it; the other half is the partner")

    def _value(self, values, word, where):
        p = self.p
        if word in _ROLES:
            values["role"] = word
        elif word == "address":
            values["address"] = p.address()
        elif word == "hba":
            values["hba"] = p.octets("32 octets", 32)
            values["split"] = None
            n = len(values["hba"])
            if n < 32:
                raise Fault(where, "hba has %d octets" % n, "write 32 of them, with colons, or split 128;")
        elif word == "key":
            values["key"] = self._key(where)
        elif word.startswith("peer "):
            self._of_partner(values, word, where)
        elif word in _NUMBERS:
            self._set_number(values, word)
        else:
            words = list(_NUMBERS)
            words.extend(_OTHERS)
            near = nearest(word, words)
            advice = "did you mean %s?" % near if near else "remove it"
            raise Fault(where, "unknown statement '%s' of failover peer" % word, advice)

    def _of_partner(self, values, word, where):
        p = self.p
        if word == "peer address":
            values["peer_address"] = p.address()
        elif word == "peer port":
            values["peer_port"] = _number(p, 65535) or self.peer.port
        elif word in ("peer max-response-delay", "peer max-unacked-updates"):
            _number(p, 0x7FFFFFFF)  # the partner says its own when it connects
        else:
            known = "not supported by Twinlease:" if word[5:] in _NUMBERS else "unknown statement"
            raise Fault(where, "%s '%s'" % (known, word), "write peer address or peer port")

    def _set_number(self, values, word):
        name, top, default = _NUMBERS[word]
        if word == "load":
            for word in ("balance", "max", "seconds"):
                self.p.expect_word(word, "write load balance max seconds 3;")
        elif word == "split":
            values["hba"] = None
        value = min(_number(self.p, top), FOREVER)  # a small int on every board
        values[name] = getattr(self.peer, name) if default and not value else value

    def _key(self, where):
        key = self.p.string_or_octets('the secret, as text in "..." or as octets')
        advice = "write %d octets or more, at random" % _KEY_GOOD
        if len(key) < _KEY_LEAST:
            raise Fault(where, "the key has %d octets only" % len(key), advice)
        if len(key) < _KEY_GOOD:
            self.p.warn(where, "the key has %d octets only" % len(key), advice)
        return key

    # The whole block

    def finish(self):
        values = self._join_halves() if self.halves else self.common.values
        for name in values:
            setattr(self.peer, name, values[name])
        self._check_addresses()
        self._check_balance()

    def _join_halves(self):
        """{attribute: value} as the primary has it, with what the secondary has otherwise in `other`."""
        primary = self._half_values("primary")
        secondary = self._half_values("secondary")
        for word in self.common.said:
            if word in ("role", "address") or word.startswith("peer "):
                self.p.report.error(
                    self.common.said[word], "%s beside primary { } and secondary { }" % word, "the halves say it"
                )
        other = {}
        for names in (primary, secondary):
            for name in names:
                default = getattr(self.peer, name)
                theirs = secondary.get(name, default)
                if name not in _OF_ONE and theirs != primary.get(name, default):
                    other[name] = theirs
        primary["role"] = "primary"
        primary["peer_address"] = secondary.get("address")
        primary["peer_port"] = secondary.get("port", self.peer.port)
        primary["other"] = other or None
        return primary

    def _half_values(self, role):
        values = self.common.values.copy()
        half = self.halves.get(role)
        if half is None:
            self._error("failover peer %s has no %s half" % (self.peer.name, role), "write %s { address A; }" % role)
            half = _Part()
        values.update(half.values)
        return values

    def _error(self, message, advice):
        self.p.report.error(self.where, message, advice)

    def _check_addresses(self):
        peer = self.peer
        if self.halves:
            if len(self.halves) == 2 and (peer.address is None or peer.peer_address is None):
                self._error("a half of failover peer %s has no address" % peer.name, "write address A; in each half")
            elif peer.address and peer.address == peer.peer_address:
                self._error("both halves have the same address", "write each board's own")
            return
        if peer.peer_address is None:
            self._error(
                "failover peer %s has no peer address" % peer.name, "write peer address A; with the partner's address"
            )
        if peer.address is None:
            self._error(
                "failover peer %s has no address of its own" % peer.name, "write address A; with this server's address"
            )
        elif peer.address == peer.peer_address and peer.port == peer.peer_port:
            self._error("address and peer address are the same", "write the partner's address as peer address")

    def _check_balance(self):
        peer = self.peer
        said = self.common.said
        if peer.role == "primary":
            self._check_primary()
        else:
            for word in ("split", "hba"):
                if word in said:
                    self.p.report.error(said[word], "a secondary has no %s" % word, "remove it; the primary says it")
            if "mclt" in said:
                self.p.warn(said["mclt"], "a secondary takes mclt from the primary", "remove it")
        other = peer.other or {}
        if not peer.load_balance_max_seconds or other.get("load_balance_max_seconds") == 0:
            self.p.warn(
                self.where,
                "without load balance max seconds there is no load balancing",
                "write load balance max seconds 3;",
            )
        if peer.min_balance > peer.max_balance:
            self.p.warn(self.where, "min-balance is above max-balance", "the minimum counts; make the maximum larger")

    def _check_primary(self):
        if not self.peer.mclt:
            self._error(
                "the primary needs mclt",
                "write mclt 3600; so many seconds may leases lead the partner's knowledge",
            )
        said = [self.common.said]
        said.extend([half.said for half in self.halves.values()])
        if not [words for words in said if "split" in words or "hba" in words]:
            advice = "write split 128; for half of the clients each"
            if not self.halves and "role" not in self.common.said:
                advice = "write primary; or secondary; first, then " + advice
            self._error("the primary needs split or hba", advice)


def _number(p, top):
    if p.kind != NUMBER:
        p.fail("expected a number, found %s" % p.shown(), "write a number from 0 to %d" % top)
    return p.integer_plain(0, top, "a number")
