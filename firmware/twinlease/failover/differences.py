"""What the configurations of two boards do not agree on, in words: two results of agree.digests() compared."""

PART = 4  # octets
NONE = bytes(PART)

_RANGES = 0
_PERMITS = 2
_TIMES = 3

_PARTS = (
    "the ranges of the pools differ: compare the range statements of the pools with failover peer %s",
    "the subnets of the pools differ: compare the subnets, and the shared networks, of the pools with failover peer %s",
    "who may use the pools differs: compare allow and deny in the pools with failover peer %s",
    "lease times differ: compare default-, max- and min-lease-time of the pools with failover peer %s",
    "mclt differs: compare it in failover peer %s",
    "the balance differs: compare split or hba in failover peer %s",
)


def differences(ours, theirs, name):
    """What differs between two results of digests(): a list of sentences about the failover peer `name`.

    While the ranges differ, what is said about each range cannot be compared.
    """
    found = []
    for i in range(min(len(ours), len(theirs)) // PART):
        if i >= len(_PARTS) or (i in (_PERMITS, _TIMES) and found and found[0] == _PARTS[_RANGES]):
            continue
        mine = bytes(ours[i * PART : i * PART + PART])
        other = bytes(theirs[i * PART : i * PART + PART])
        if mine != other and mine != NONE and other != NONE:
            found.append(_PARTS[i])
    return [sentence % name for sentence in found]
