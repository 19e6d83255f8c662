"""Checks that need the whole configuration, and the numbers that follow from it.

`finish()` puts ranges in order and numbers their rows, then looks at what no single
statement shows: subnets and ranges that overlap, addresses that are used twice,
routers within a range, lease times that contradict each other, peers without a
pool.  What ISC dhcpd accepts is a warning here, at most; what it refuses is an error.
"""

from .model import Subnet, dotted, mask_bits, number, octets

MAX_ROWS = 65000  # a row's number has 16 bits, and 65535 is "none"


def finish(p):
    config = p.config
    _order(p)
    name_bad_subnets(p)
    _subnets(p)
    _ranges(p)
    _routers(p)
    _hosts(p)
    _lease_times(p)
    _peers(p)
    if p.facility_at and "syslog-server" not in config.scope.params:
        p.warn(
            p.facility_at, "log-facility: no syslog server is named: this does nothing", "write syslog server ADDRESS;"
        )
    if config.rows > MAX_ROWS:
        where = p.ranges[-1][1]
        p.report.error(
            where, "%d addresses to lease" % config.rows, "at most %d fit; make the ranges smaller" % MAX_ROWS
        )


def _order(p):
    config = p.config
    p.ranges.sort(key=lambda pair: (number(pair[0].first), number(pair[0].last)))
    config.ranges = [pair[0] for pair in p.ranges]
    for pool in config.pools:
        pool.size = 0
    row = 0
    for r in config.ranges:
        r.first_row = row
        row += r.count
        r.pool.size += r.count
    config.rows = row
    for i in range(len(config.pools)):
        config.pools[i].index = i
        config.pools[i].ranges.sort(key=lambda r: number(r.first))
    p.subnets.sort(key=lambda pair: (number(pair[0].net), pair[0].bits))
    config.subnets = [pair[0] for pair in p.subnets]
    for i in range(len(config.subnets)):
        config.subnets[i].index = i
    for i in range(len(config.networks)):
        config.networks[i].index = i


# Subnets


def name_bad_subnets(p):
    """Say what is wrong with the subnets whose number and mask do not go together, and what would be right."""
    for problem, net, mask, ranges in p.bad_subnets:
        bits = mask_bits(mask)
        if bits < 0:
            problem.message = "netmask %s has ones behind a zero" % dotted(mask)
            problem.advice = "write a mask such as 255.255.255.0"
            continue
        right = Subnet(octets(number(net) & number(mask)), mask, None, None)
        problem.message = (
            "bad subnet number/mask combination: %s has bits of a host under netmask %s (/%d); its network is %s"
            % (
                dotted(net),
                dotted(mask),
                bits,
                right,
            )
        )
        other = _overlapping(p, right)
        if other:
            problem.message += ", and that overlaps subnet %s of line %d" % (other[0], other[1][1])
        problem.advice = _subnet_advice(p, right, other, net, ranges)


def _subnet_advice(p, right, other, net, ranges):
    """Which networks would do, and what becomes of the ranges."""
    good = right
    if other:
        good = _next_free(p, right)
        if good is None:
            return "write a network that overlaps no other, with a netmask that fits"
    advice = "write subnet %s netmask %s" % (dotted(good.net), dotted(good.mask))
    narrow = right.bits
    while narrow < 30 and number(net) & (0xFFFFFFFF >> narrow):
        narrow += 1
    small = Subnet(net, octets(0xFFFFFFFF ^ (0xFFFFFFFF >> narrow)), None, None)
    if not number(net) & (0xFFFFFFFF >> narrow) and not _overlapping(p, small):
        advice += ", or subnet %s netmask %s for the network that begins there" % (dotted(net), dotted(small.mask))
    for first, last in ranges:
        if not (good.holds(first) and good.holds(last)):
            advice += "; the range %s - %s does not fit in %s: write range %s %s;" % (
                dotted(first),
                dotted(last),
                good,
                dotted(octets(number(good.net) + 2)),
                dotted(octets(_top(good) - 1)),
            )
    return advice


def _top(subnet):
    """The subnet's last address, as a number."""
    return number(subnet.net) | (number(subnet.mask) ^ 0xFFFFFFFF)


def _next_free(p, subnet):
    """The next network of that size above it that overlaps none; None if there is none near."""
    step = _top(subnet) - number(subnet.net) + 1
    for i in range(1, 64):
        net = number(subnet.net) + i * step
        if net + step > 0xFFFFFFFF:
            return None
        there = Subnet(octets(net), subnet.mask, None, None)
        if not _overlapping(p, there):
            return there
    return None


def _overlapping(p, subnet):
    """(Subnet, where) of one that shares addresses with it, or None."""
    for pair in p.subnets:
        if pair[0].holds(subnet.net) or subnet.holds(pair[0].net):
            return pair
    return None


def _subnets(p):
    """Subnets within others: sorted, one that is within another follows it."""
    outer = []
    for subnet, where in p.subnets:
        while outer and not outer[-1].holds(subnet.net):
            outer.pop()
        if outer and outer[-1].bits == subnet.bits:
            p.report.error(where, "not supported by Twinlease: subnet %s declared twice" % subnet, "join the two")
        elif outer and outer[-1].bits:  # 0.0.0.0/0 stands for everything else
            p.warn(
                where, "subnet %s overlaps subnet %s" % (subnet, outer[-1]), "addresses of both belong to the smaller"
            )
        outer.append(subnet)


# Ranges


def range_outside(p, where, first, last, subnet):
    """A range of which one end or both are not in its subnet."""
    wrong = last if subnet.holds(first) else first
    message = "range %s - %s: %s is not in subnet %s" % (dotted(first), dotted(last), dotted(wrong), subnet)
    for other in subnet.network.subnets:
        if other is not subnet and other.holds(wrong):
            message += " but in subnet %s" % other
            break
    low = number(subnet.net)
    top = _top(subnet)
    advice = "a range lies in one subnet; %s has %s to %s" % (subnet, dotted(octets(low + 1)), dotted(octets(top - 1)))
    if top - low < 3:
        advice = "a range lies in one subnet"
    p.report.error(where, message, advice)


def _ranges(p):
    high = None
    for r, where in p.ranges:
        if high and number(r.first) <= number(high[0].last):
            p.report.error(
                where,
                "range %s overlaps range %s of line %d" % (r, high[0], high[1][1]),
                "each address can be leased once",
            )
        if high is None or number(r.last) > number(high[0].last):
            high = (r, where)
        if r.dynamic_bootp and r.pool.peer:
            p.report.error(
                where,
                "range dynamic-bootp in a pool with a failover peer",
                "failover has no BOOTP leases; remove dynamic-bootp",
            )
        _edges(p, r, where)


def _edges(p, r, where):
    subnet = r.subnet
    if subnet.bits > 30:
        return
    if r.first == subnet.net:
        p.warn(where, "%s is the network's own address" % dotted(r.first), "start the range at the next")
    if number(r.last) == _top(subnet):
        p.warn(where, "%s is the network's broadcast address" % dotted(r.last), "end the range before it")


def _range_of(p, address):
    """The (Range, where) that holds the address, or None; ranges are in order."""
    value = number(address)
    low = 0
    high = len(p.ranges)
    while low < high:
        middle = (low + high) // 2
        if number(p.ranges[middle][0].first) <= value:
            low = middle + 1
        else:
            high = middle
    if low and value <= number(p.ranges[low - 1][0].last):
        return p.ranges[low - 1]
    return None


def _routers(p):
    for value, where in p.routers:
        for at in range(0, len(value) - 3, 4):
            address = value[at : at + 4]
            found = _range_of(p, address)
            if found:
                p.warn(
                    where,
                    "the pool leases its own router's address: %s is in range %s of line %d"
                    % (dotted(address), found[0], found[1][1]),
                    "leave it out of the range",
                )


# Hosts


def _hosts(p):
    addresses = {}
    hardware = {}
    for host, where in p.hosts:
        for address in host.addresses:
            other = addresses.get(address)
            if other:
                p.warn(
                    where,
                    "host %s has the fixed-address %s of host %s" % (host.name, dotted(address), other.name),
                    "give it another",
                )
            addresses[address] = host
            found = _range_of(p, address)
            if found:
                p.warn(
                    where,
                    "fixed-address %s of host %s is in range %s of line %d"
                    % (dotted(address), host.name, found[0], found[1][1]),
                    "leave it out of the range: it may be leased to others",
                )
        if host.hardware is None and host.client_id is None:
            p.warn(
                where,
                "host %s has neither hardware nor client identifier: no client is it" % host.name,
                "write hardware ethernet ...;",
            )
        other = hardware.get(host.hardware) if host.hardware else None
        if other and not (other.addresses and host.addresses):
            p.warn(
                where,
                "host %s has the hardware address of host %s" % (host.name, other.name),
                "only the first is found",
            )
        elif host.hardware:
            hardware[host.hardware] = host


# Times, peers


def _lease_times(p):
    for scope, where in p.scopes:
        low = scope.param("min-lease-time")
        high = scope.param("max-lease-time")
        if low is not None and high is not None and high != -1 and (low > high or low == -1):
            p.warn(where, "min-lease-time is above max-lease-time", "the minimum counts; make the maximum the larger")
        common = scope.param("default-lease-time")
        if common is not None and high is not None and high != -1 and (common > high or common == -1):
            p.warn(where, "default-lease-time is above max-lease-time", "the maximum counts; make it the larger")


def _peers(p):
    for peer, where in p.peers:
        if peer not in p.referred:
            p.report.error(
                where,
                "no pool refers to failover peer %s" % peer.name,
                'write failover peer "%s"; in the pools' % peer.name,
            )
        elif [pool for pool in p.config.pools if pool.peer is peer and not _denies_bootp(pool)]:
            p.warn(
                where,
                "a pool of failover peer %s lacks deny dynamic bootp clients; older dhcpds refuse that" % peer.name,
                "write it: BOOTP clients get no address of such a pool in any case",
            )
        for address in (peer.address, peer.peer_address):
            found = _range_of(p, address) if address else None
            if found:
                p.warn(
                    where,
                    "range %s of line %d leases a server's own address, %s" % (found[0], found[1][1], dotted(address)),
                    "leave it out of the range",
                )


def _denies_bootp(pool):
    return [True for permit in pool.deny if permit.kind == "dynamic-bootp-clients"] != []
