"""One configuration for a pair: which half of a `failover peer` block this board is.

A block describes one server, and names its partner.  The same file on both boards
describes the one of them; the other finds its own address as the peer's, and turns
the block round.  A block that holds both halves (conf/failover.py) stands as the
primary's, and `other` holds what the secondary has otherwise.
"""


def orient(peer, own_addresses):
    """Turn the FailoverPeer the way of the board with these addresses; None if it names none of them.

    peer           a FailoverPeer of conf/model.py, or the same from an image.  Turned in place, since
                   pools refer to it; a second call changes nothing
    own_addresses  four octets each

    What only the primary says stays on the secondary: mclt until it hears the
    primary's, split and hba for the comparison with the partner's file (agree.py).
    """
    if peer.address in own_addresses:
        return peer
    if peer.peer_address not in own_addresses:
        return None
    peer.role = "secondary" if peer.role == "primary" else "primary"
    peer.address, peer.peer_address = peer.peer_address, peer.address
    peer.port, peer.peer_port = peer.peer_port, peer.port
    other = peer.other
    if other:
        for name in other:
            mine = getattr(peer, name)
            setattr(peer, name, other[name])
            other[name] = mine
    return peer
