"""Draws a configuration: one dhcpd.conf for both boards, and what the World must know of it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

LAN, FAR = "lan", "far"
SERVERS = {"A": bytes((10, 0, 0, 1)), "B": bytes((10, 0, 0, 2))}
RELAY = bytes((10, 1, 0, 1))


@dataclass
class Setting:
    text: str
    mclt: int
    lease_max: int
    partner_down_after: int
    """Seconds; 0: a server never takes its partner for dead by itself."""
    balance_s: int
    """No more than this between two runs that share the free addresses."""
    misbalance: int
    load_balance_s: int
    probes: bool
    shared: set[bytes] = field(default_factory=set)
    places: list[str] = field(default_factory=list)
    pool_sizes: dict[str, int] = field(default_factory=dict)
    reserved: dict[bytes, bytes] = field(default_factory=dict)
    """Hardware address: fixed address."""


def draw(rng: random.Random) -> Setting:
    mclt = rng.choice((10, 30, 60, 60, 120, 300, 600))
    default_s = rng.choice((30, 60, 120, 300, 600, 1800, 7200))
    max_s = max(default_s, rng.choice((60, 600, 7200)))
    min_s = rng.choice((0, 0, 10, 60))
    after_s = rng.choice((0, 0, 60, 600))
    balance_s = rng.choice((60, 300, 900))
    misbalance = rng.choice((5, 15, 30))
    probes = rng.random() < 0.15
    load_s = rng.choice((0, 3, 3, 3, 10))
    setting = Setting("", mclt, max(max_s, min_s), after_s, balance_s, misbalance, load_s, probes)
    lines = [
        "default-lease-time %d; max-lease-time %d;%s"
        % (default_s, max_s, " min-lease-time %d;" % min_s if min_s else ""),
        "authoritative; ping-check %s; abandon-lease-time %d;"
        % ("on" if probes else "off", rng.choice((60, 600, 86400))),
        "dhcp-cache-threshold %d;" % rng.choice((0, 25, 25, 50)),
        "one-lease-per-client %s;" % rng.choice(("on", "off")),
        'failover peer "p" {',
        "  primary; address 10.0.0.1; peer address 10.0.0.2; mclt %d; split %d;"
        % (mclt, rng.choice((0, 64, 128, 128, 128, 255, 256))),
        "  load balance max seconds %d; max-response-delay 10; max-unacked-updates %d;"
        % (load_s, rng.choice((1, 3, 10, 10))),
        "  max-lease-misbalance %d; max-lease-ownership %d; min-balance %d; max-balance %d;"
        % (misbalance, rng.choice((5, 10, 30)), min(60, balance_s), balance_s),
        "  partner-down-after %d;" % after_s,
        "%s}" % ("" if rng.random() < 0.8 else ' key "0123456789abcdef0123";\n'),
    ]
    lines += _subnet(rng, setting, LAN, "10.0.0")
    if rng.random() < 0.4:
        lines += _subnet(rng, setting, FAR, "10.1.0")
    for n in range(rng.choice((0, 0, 1, 2))):
        hardware, address = bytes((2, 0, 0, 1, 0, n)), bytes((10, 0, 0, 240 + n))
        setting.reserved[hardware] = address
        lines.append("host r%d { hardware ethernet %s; fixed-address 10.0.0.%d; }" % (n, hardware.hex(":"), address[3]))
    setting.text = "\n".join(lines) + "\n"
    return setting


def _subnet(rng: random.Random, setting: Setting, place: str, net: str) -> list[str]:
    size = rng.choice((1, 2, 3, 5, 8, 12, 20, 40))
    setting.places.append(place)
    setting.pool_sizes[place] = size
    first = 10
    last = first + size - 1
    octets = [int(part) for part in net.split(".")]
    setting.shared |= {bytes((*octets, n)) for n in range(first, last + 1)}
    return [
        "subnet %s.0 netmask 255.255.255.0 {" % net,
        '  pool { failover peer "p"; deny dynamic bootp clients; range %s.%d %s.%d; }' % (net, first, net, last),
        "}",
    ]
