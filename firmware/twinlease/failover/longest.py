"""The longest lease that anybody may have promised: how long a board without data and without a partner has to wait.

    seconds = longest_lease(config, peer)       when the board starts

dhcpd.conf(5): max-lease-time ends what clients ask for, min-lease-time stands above it.
"""

from .agree import MAX_S, lease_param

_NAMES = ("max-lease-time", "min-lease-time")


def longest_lease(config, peer):
    """Seconds, -1 for ever: no lease of the pools of `peer` (a FailoverPeer) is longer, whoever the client is.

    What classes, hosts and conditions say counts wherever it stands: rather too long than too short.
    """
    found = []
    for r in config.ranges:
        if r.pool.peer is peer:
            found.append(lease_param(r, _NAMES[0], MAX_S))
            found.append(lease_param(r, _NAMES[1], 0))
    for part in list(config.hosts) + list(config.classes):
        _look(found, part.scope, True)
    for declared in config.classes:
        for scope in declared.subclasses.values():
            _look(found, scope, True)
    _look(found, config.scope, False)
    for network in config.networks:
        for part in [network] + list(network.subnets) + list(network.pools):
            _look(found, part.scope, False)
    return -1 if min(found) < 0 else max(found)


def _look(found, scope, itself):
    """What the scope's conditions say, and what it says itself."""
    for name in _NAMES:
        if itself and name in scope.params:
            found.append(scope.params[name])
    for chain in scope.conditions:
        for _, inner in chain:
            _look(found, inner, True)
