"""Statements about networks: shared-network, subnet, pool, range, and who may have a pool's addresses.

Each function reads the rest of its statement from the parser `p` and enters it in
the model; HANDLERS says where it may stand.
"""

from . import check, statements
from .lexer import STRING
from .model import Network, Permit, Pool, Range, Scope, Subnet, dotted, number
from .place import Place
from .problems import Fault
from .reader import as_text

MAX_SUBNETS = 256  # of one shared network

_PERMITS = {
    "known": "known-clients",
    "unknown": "unknown-clients",
    "all": "all-clients",
    "dynamic": "dynamic-bootp-clients",
}


def shared_network(p, place, where):
    if p.kind == STRING:
        name = as_text(p.string("a name"))
    else:
        name = p.name("a name for the shared network")
    if not name:
        p.report.error(where, "a shared network without a name", 'write shared-network "name" {')
    network = Network(name, Scope(place.scope, "shared-network"), 0)
    p.config.networks.append(network)
    inner = Place("n", network.scope, place)
    inner.network = network
    before = len(p.subnets) + len(p.bad_subnets)
    p.block(inner, "shared-network", where)
    if len(p.subnets) + len(p.bad_subnets) == before:
        p.report.error(where, "a shared network without a subnet", "write subnet NET netmask MASK { } in it")


def subnet(p, place, where):
    at = p.where()
    net = p.address("a network's address")
    p.expect_word("netmask", "as in: subnet 192.0.2.0 netmask 255.255.255.0 {")
    mask = p.address("a netmask")
    network = place.network
    if network is None:
        network = Network("", Scope(place.scope, "shared-network"), 0)
        p.config.networks.append(network)
    outer = place.scope if place.network else network.scope
    subnet = Subnet(net, mask, network, Scope(outer, "subnet"))
    inner = Place("s", subnet.scope, place)
    inner.network = network
    inner.subnet = subnet
    network.name = network.name or str(subnet)
    if subnet.bits < 0 or not subnet.holds(net):
        inner.bad = []
        problem = p.report.error(at, "bad subnet number/mask combination")  # check.py says more, if it comes to that
        p.bad_subnets.append((problem, net, mask, inner.bad))
    else:
        if len(network.subnets) >= MAX_SUBNETS:
            raise Fault(where, "more than %d subnets in a shared network" % MAX_SUBNETS, "make several networks")
        network.subnets.append(subnet)
        p.subnets.append((subnet, at))
    p.block(inner, "subnet", where)


def interface(p, place, where):
    p.text("the name of an interface")
    p.semicolon()
    p.warn(where, "interface: a board serves on the one interface that it has", "remove it")


def pool(p, place, where):
    pool = _new_pool(p, place)
    pool.peer = place.network.peer
    inner = Place("p", pool.scope, place)
    inner.pool = pool
    p.block(inner, "pool", where)
    if not pool.size:
        p.report.error(where, "a pool without a range", "write range FIRST LAST; in it")


def _new_pool(p, place):
    pool = Pool(place.network, Scope(place.scope, "pool"))
    p.config.pools.append(pool)
    place.network.pools.append(pool)
    return pool


def range_(p, place, where):
    dynamic = p.take_word("dynamic-bootp")
    at = p.where()
    first = p.address("the first address")
    last = first if p.kind == ";" else p.address("the last address")
    p.semicolon()
    if number(first) > number(last):
        first, last = last, first
        p.warn(at, "the range runs backwards", "write range %s %s;" % (dotted(first), dotted(last)))
    if place.pool:
        place.pool.size += 1  # for the check that it has a range; check.py puts the true size
    if place.bad is not None:
        place.bad.append((first, last))
        return
    subnet = place.subnet or _subnet_with(p, place.network, first)
    if subnet is None:
        p.report.error(
            at,
            "%s is in no subnet of shared-network %s" % (dotted(first), place.network.name),
            "declare its subnet before the pool",
        )
        return
    if not subnet.holds(first) or not subnet.holds(last):
        check.range_outside(p, at, first, last, subnet)
        return
    pool = place.pool or _implicit_pool(p, place, dynamic)
    row = Range(first, last, pool, subnet, bool(dynamic))
    pool.ranges.append(row)
    p.ranges.append((row, at))


def _subnet_with(p, network, address):
    best = None
    for subnet in network.subnets:
        if subnet.holds(address) and (best is None or subnet.bits > best.bits):
            best = subnet
    return best


def _implicit_pool(p, place, dynamic):
    """A range outside of any pool: for BOOTP clients only if it says so, as in ISC dhcpd."""
    pool = place.implicit.get(dynamic)
    if pool is None:
        pool = place.implicit[dynamic] = _new_pool(p, place)
        if dynamic:
            pool.permit.append(Permit("all-clients"))
        else:
            pool.deny.append(Permit("dynamic-bootp-clients"))
    return pool


def allow(p, place, where):
    _switch(p, place, "allow")


def deny(p, place, where):
    _switch(p, place, "deny")


def ignore(p, place, where):
    _switch(p, place, "ignore")


def _switch(p, place, verb):
    if place.letter == "p" and verb != "ignore":
        permit = _permit(p)
        p.semicolon()
        if permit:
            (place.pool.permit if verb == "allow" else place.pool.deny).append(permit)
        return
    where = p.where()
    word = p.word("what to %s" % verb).lower()
    fate = statements.SWITCHES.get(word)
    if fate is None:
        advice = "here it is one of: " + ", ".join(sorted(statements.SWITCHES))
        if word in ("known", "unknown", "dynamic", "members", "all", "after", "known-clients"):
            advice = "that belongs in a pool; " + advice
        raise Fault(where, "%s %s means nothing here" % (verb, word), advice)
    p.semicolon()
    if fate == "no" and verb == "allow":
        p.report.error(where, "not supported by Twinlease: %s %s" % (verb, word), "remove it")
    elif fate == "dns" and verb == "allow":
        p.warn(where, "%s: %s" % (word, statements.WHY[fate][0]), statements.WHY[fate][1])
    place.scope.put_param("allow-" + word, verb)
    if word == "unknown-clients":
        place.scope.put_param("boot-unknown-clients", verb == "allow")


def _permit(p):
    """Which clients: a Permit, or None if that was refused."""
    where = p.where()
    word = p.word("which clients").lower()
    if word in ("known-clients", "unknown-clients"):
        return Permit(word)
    if word == "after":
        return Permit("after", None, p.date())
    if word == "members":
        p.expect_word("of", 'as in: members of "class"')
        at = p.where()
        name = as_text(p.string("a class's name"))
        if name not in p.classes:
            p.report.error(at, 'no class is named "%s"' % name, "declare the class before the pool")
        return Permit(word, name)
    if word in ("authenticated", "unauthenticated"):
        p.expect_word("clients")
        p.report.error(
            where, "not supported by Twinlease: %s clients" % word, "clients are never authenticated; remove it"
        )
        return None
    kind = _PERMITS.get(word)
    if kind is None:
        raise Fault(
            where,
            "'%s' is no kind of clients" % word,
            'write known-clients, unknown-clients, all clients, dynamic bootp clients, members of "x" or after DATE',
        )
    if word == "dynamic":
        p.expect_word("bootp")
    p.expect_word("clients")
    return Permit(kind)


HANDLERS = {
    "shared-network": ("gr", shared_network),
    "subnet": ("gnr", subnet),
    "interface": ("ns", interface),
    "pool": ("ns", pool),
    "range": ("sp", range_),
    "allow": ("gnsprhci", allow),
    "deny": ("gnsprhci", deny),
    "ignore": ("gnsprhci", ignore),
}
