"""Which block of the file a statement stands in."""

PLACES = {
    "g": "at the top level",
    "n": "shared-network",
    "s": "subnet",
    "p": "pool",
    "r": "group",
    "h": "host",
    "c": "class",
    "i": "if",
}


class Place:
    """The block that a statement stands in; `letter` is a key of PLACES."""

    def __init__(self, letter, scope, outer=None):
        self.letter = letter
        self.scope = scope
        self.depth = outer.depth + 1 if outer else 0
        self.network = outer.network if outer else None
        self.subnet = outer.subnet if outer else None
        self.bad = outer.bad if outer else None  # a list: the subnet is wrong, its ranges only help to say how
        self.implicit = {}  # a subnet's pools for ranges that stand in none
        self.pool = self.host = self.cls = self.subclass = None
