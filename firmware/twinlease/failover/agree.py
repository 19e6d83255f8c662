"""What the configurations of two boards must agree on, as digests that cross the link: option AGREE.

    ours = digests(config, peer)            when the board starts

Nothing else compares the two files, and ISC dhcpd compares nothing: a pool that
only one side has then stays unserved for half of its clients while both servers
say "normal" (reference section 8.1).

Four octets a part, the beginning of a SHA-256, in the order of differences.py, which tells them apart.  Four
zeros are "not compared": a secondary with an ISC-style file of its own says no
mclt and no split.  Parts to come stand behind these; what only one side knows is
not compared.  Not compared either: what `if` changes, who is in a class, options.

Needed when the board starts.
"""

import hashlib

from .balance import hba_of_split
from .differences import NONE, PART

# dhcpd.conf(5): ISC dhcpd's defaults, so that a time that is left out is as good as one that says the same.
_DEFAULT_S = 43200
MAX_S = 86400
_MIN_S = 300


def digests(config, peer):
    """Octets of AGREE: what `config` (a Config) says about the pools of `peer` (its FailoverPeer).

    The same for both boards of a pair, whichever of them is asked and however the
    files are laid out: order, and how addresses are cut into ranges, do not count.
    """
    ranges = [r for r in config.ranges if r.pool.peer is peer]
    hba = hba_of_split(peer.split) if peer.split is not None else peer.hba
    return b"".join(
        (
            _digest(_pieces(ranges, _anything)),
            _digest(sorted({_network(r.subnet.network) for r in ranges})),
            _digest(_pieces(ranges, _permits)),
            _digest(_pieces(ranges, _lease_times)),
            _digest((b"%d" % peer.mclt,)) if peer.mclt else NONE,
            _digest((hba,)) if hba else NONE,
        )
    )


def _digest(pieces):
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(b"%d:" % len(piece) + piece)
    return digest.digest()[:PART]


def _pieces(ranges, tell):
    """First, last and tell(range) of each stretch of addresses about which the same is to be told; ranges ascend."""
    pieces = []
    first = last = said = None
    for r in ranges:
        says = tell(r)
        if said != says or _number(last) + 1 != _number(r.first):
            if said is not None:
                pieces.append(first + last + said)
            first = r.first
            said = says
        last = r.last
    if said is not None:
        pieces.append(first + last + said)
    return pieces


def _number(address):
    return int.from_bytes(address, "big")


def _anything(r):
    return b""


def _network(network):
    return b"".join(sorted([subnet.net + subnet.mask for subnet in network.subnets]))


def _permits(r):
    words = ["+" + _word(permit) for permit in r.pool.permit]
    words.extend(["-" + _word(permit) for permit in r.pool.deny])
    return "\n".join(sorted(set(words))).encode()


def _word(permit):
    return "%s %s %d" % (permit.kind, permit.class_name or "", permit.after)


def _lease_times(r):
    most = lease_param(r, "max-lease-time", MAX_S)
    least = min(_MIN_S, most) if most >= 0 else _MIN_S
    return b"%d %d %d" % (
        lease_param(r, "default-lease-time", _DEFAULT_S),
        most,
        lease_param(r, "min-lease-time", least),
    )


def lease_param(r, name, default):
    """As the server merges them: the pool's, the subnet's of the range, then what encloses that."""
    around = []
    scope = r.subnet.scope
    while scope:
        around.append(scope)
        scope = scope.parent
    scope = r.pool.scope
    while scope and scope not in around:
        if name in scope.params:
            return scope.params[name]
        scope = scope.parent
    return r.subnet.scope.param(name, default)
