"""The configuration as the server sees it: plain records, made by parser.py, checked by check.py.

ARCHITECTURE.md describes them.  Addresses are four octets (bytes); a range's rows
are numbered in ascending order of address over the whole configuration.

A Scope holds what one block of the file says.  What the block does not say, its
parent says: `option()` and `param()` walk up.  They do not look into `conditions`
(if ... elsif ... else), since those need a packet; lease-time code that has one
walks the scopes itself.  Within a scope a condition that applies comes before the
scope's own value, and a later chain of conditions before an earlier one: the
parser has already removed what a later statement of the file overrides.

What a board keeps while it serves are not these classes but those of records.py,
which have what the server calls; Scope and Space here add what the parser needs.
"""

from . import records

_NONE = {}  # shared by all scopes that say nothing: a dict each would cost 100 octets


class Config:
    def __init__(self):
        self.networks = []
        self.pools = []
        self.hosts = []
        self.classes = []
        self.peers = {}
        self.ranges = []
        self.rows = 0
        self.scope = Scope(None, "global")
        self.subnets = []
        self.spaces = {}
        self.option_defs = {}
        self.encapsulated = {}
        self.vendors = {}
        self.uses_agent = False  # some expression looks at the relay agent's options
        self.problems = []

    def class_named(self, name):
        for c in self.classes:
            if c.name == name:
                return c
        return None


class Scope(records.Scope):
    """What one block says; kind is global, shared-network, subnet, pool, group, class, subclass, host or if."""

    options = _NONE  # {code: bytes | Expr}
    params = _NONE  # {name: value}
    vendor_options = _NONE  # {space: {code: bytes | Expr}}
    conditions = ()  # [[(Expr or None, Scope), ...], ...]

    def __init__(self, parent, kind):
        self.parent = parent
        self.kind = kind

    def is_empty(self):
        return not (self.options or self.params or self.vendor_options or self.conditions)

    def put_option(self, space, code, value):
        """Set an option; space is "" for DHCP's own."""
        for chain in self.conditions:
            for _, scope in chain:
                scope.drop_option(space, code)
        if space:
            if self.vendor_options is _NONE:
                self.vendor_options = {}
            self.vendor_options.setdefault(space, {})[code] = value
            return
        if self.options is _NONE:
            self.options = {}
        self.options[code] = value

    def put_param(self, name, value):
        for chain in self.conditions:
            for _, scope in chain:
                scope.drop_param(name)
        if self.params is _NONE:
            self.params = {}
        self.params[name] = value

    def put_condition(self, chain):
        if not self.conditions:
            self.conditions = []
        self.conditions.append(chain)

    def drop_option(self, space, code):
        options = self.vendor_options.get(space, _NONE) if space else self.options
        options.pop(code, None)
        for chain in self.conditions:
            for _, scope in chain:
                scope.drop_option(space, code)

    def drop_param(self, name):
        self.params.pop(name, None)
        for chain in self.conditions:
            for _, scope in chain:
                scope.drop_param(name)

    def option(self, code):
        """Value of the option here or in the nearest scope above that has it; None if none has."""
        scope = self
        while scope:
            if code in scope.options:
                return scope.options[code]
            scope = scope.parent
        return None


class Network:
    """A shared network, or the one that a lone subnet makes up."""

    def __init__(self, name, scope, index):
        self.name = name
        self.scope = scope
        self.index = index
        self.subnets = []
        self.pools = []
        self.peer = None  # pools declared after it inherit it


class Subnet:
    def __init__(self, net, mask, network, scope):
        self.net = net
        self.mask = mask
        self.bits = mask_bits(mask)
        self.network = network
        self.scope = scope
        self.index = 0

    def __str__(self):
        return "%s/%d" % (dotted(self.net), self.bits)

    def holds(self, address):
        """Is the address (four octets) in this subnet?"""
        for i in range(4):
            if (address[i] & self.mask[i]) != self.net[i]:
                return False
        return True


class Pool:
    def __init__(self, network, scope):
        self.index = 0
        self.network = network
        self.scope = scope
        self.ranges = []
        self.permit = []
        self.deny = []
        self.peer = None
        self.size = 0


class Range:
    def __init__(self, first, last, pool, subnet, dynamic_bootp):
        self.first = first
        self.last = last
        self.pool = pool
        self.subnet = subnet
        self.dynamic_bootp = dynamic_bootp
        self.first_row = 0
        self.count = number(last) - number(first) + 1

    def __str__(self):
        return "%s - %s" % (dotted(self.first), dotted(self.last))


class Permit:
    """One allow or deny of a pool; class_name for "members", after (project seconds) for "after"."""

    def __init__(self, kind, class_name=None, after=0):
        self.kind = kind
        self.class_name = class_name
        self.after = after


class Host:
    """scope is its own, or that of what encloses it if the host says nothing more."""

    def __init__(self, name, scope):
        self.name = name
        self.scope = scope
        self.hardware = None
        self.client_id = None
        self.addresses = ()


class Class:
    def __init__(self, name, scope):
        self.name = name
        self.scope = scope
        self.match = None  # "match if": boolean
        self.submatch = None  # "match": data, looked up in subclasses
        self.subclasses = _NONE

    def put_subclass(self, key, scope):
        if self.subclasses is _NONE:
            self.subclasses = {}
        self.subclasses[key] = scope


class OptionDef:
    """What an option's value looks like; format is spelled as options.py says."""

    def __init__(self, space, name, code, form):
        self.space = space
        self.name = name
        self.code = code
        self.format = form


class Space(records.Space):
    """A set of sub-options, and how many octets their codes and lengths have."""

    def __init__(self, name, code_width=1, length_width=1):
        self.name = name
        self.code_width = code_width
        self.length_width = length_width


class FailoverPeer:
    """One relationship with a partner; the defaults are ISC dhcpd's."""

    def __init__(self, name):
        self.name = name
        self.role = "primary"
        self.other = None  # {attribute: value} in which the partner's half of the block differs
        self.address = None
        self.port = 647
        self.peer_address = None
        self.peer_port = 647
        self.max_response_delay = 20
        self.max_unacked_updates = 100
        self.mclt = 0
        self.split = None
        self.hba = None
        self.load_balance_max_seconds = 0
        self.auto_partner_down = 0
        self.max_lease_misbalance = 15
        self.max_lease_ownership = 10
        self.min_balance = 60
        self.max_balance = 3600
        self.key = None  # octets: the secret between two of our boards
        self.partner_down_after = None  # seconds of silence everywhere; 0 never, None 600 but never beside a dhcpd
        self.serve_alone_after = 0  # seconds; 0 is the longest lease of the pools


def number(address):
    """The address as a number; a heap object on a 32-bit board, so only while loading."""
    return int.from_bytes(address, "big")


def octets(value):
    return value.to_bytes(4, "big")


def dotted(address):
    return "%d.%d.%d.%d" % (address[0], address[1], address[2], address[3])


def mask_bits(mask):
    """How many leading ones the mask has, or -1 if ones follow a zero."""
    value = number(mask) ^ 0xFFFFFFFF
    if value & (value + 1):
        return -1
    bits = 32
    while value:
        value >>= 1
        bits -= 1
    return bits
