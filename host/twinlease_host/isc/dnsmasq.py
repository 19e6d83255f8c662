"""dnsmasq.conf (dnsmasq(8)) as a dhcpd.conf, as far as it maps, and dnsmasq's leases.

What is about DNS, or about the PC, is passed over; what is about DHCP and has no counterpart is told, with its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import AddressValueError, IPv4Address, IPv4Network

from .carry import Left
from .leases_file import ETHERNET, Database, Lease

_DEFAULT_LEASE_S = 3600
_NEVER_S = -1
_PREFIX = 24  # of a range whose netmask dnsmasq takes from the interface
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_MODES = ("static", "proxy", "ra-only", "ra-names", "ra-stateless", "slaac", "off-link", "ra-advrouter", "constructor")
_MAC = re.compile(r"(?:[0-9a-fA-F]{1,2}:){5}[0-9a-fA-F]{1,2}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*(\.[A-Za-z0-9-]+)*")
_SILENT = (
    "dhcp-script dhcp-leasefile dhcp-hostsfile dhcp-optsfile dhcp-hostsdir dhcp-optsdir dhcp-luascript dhcp-scriptuser"
)
_OPTIONS = {  # dnsmasq's names that are not dhcp-options(5)'s
    "netmask": 1,
    "router": 3,
    "dns-server": 6,
    "log-server": 7,
    "lpr-server": 9,
    "hostname": 12,
    "boot-file-size": 13,
    "extension-path": 18,
    "ip-forward-enable": 19,
    "non-local-source-routing": 20,
    "max-datagram-reassembly": 22,
    "default-ttl": 23,
    "mtu": 26,
    "broadcast": 28,
    "static-route": 33,
    "ethernet-encap": 36,
    "tcp-ttl": 37,
    "tcp-keepalive": 38,
    "nis-server": 41,
    "ntp-server": 42,
    "netbios-ns": 44,
    "netbios-dd": 45,
    "netbios-nodetype": 46,
    "netbios-scope": 47,
    "x-windows-fs": 48,
    "x-windows-dm": 49,
    "tftp-server": 66,
    "bootfile-name": 67,
    "smtp-server": 69,
    "pop3-server": 70,
    "nntp-server": 71,
    "irc-server": 74,
    "sip-server": 120,
    "classless-static-route": 121,
}
_ROUTES = (121, 249)


class _No(Exception):
    """This line cannot be carried over: (why, advice)."""


@dataclass
class _Range:
    first: IPv4Address
    last: IPv4Address | None
    network: IPv4Network
    lease_s: int | None
    tag: str
    line: int


@dataclass
class Converted:
    """The dhcpd.conf, and what is not in it."""

    text: str = ""
    left: list[Left] = field(default_factory=list)


@dataclass
class _Read:
    ranges: list[_Range] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    options: list[tuple[str, str]] = field(default_factory=list)  # tag ("" for all), statement
    top: list[str] = field(default_factory=list)
    names: set[str] = field(default_factory=set)


def convert(text: str, name: str = "dnsmasq.conf") -> Converted:
    """Convert the text of a dnsmasq.conf."""
    read, done = _Read(), Converted()
    for number, line in enumerate(text.splitlines(), 1):
        key, value = _split(line)
        if not key:
            continue
        try:
            _line(key, value, number, read)
        except _No as no:
            why, advice = [*no.args, ""][:2]
            done.left.append(Left(name, number, line.strip(), why, advice))
        except (ValueError, AddressValueError) as bad:
            done.left.append(Left(name, number, line.strip(), f"it cannot be read: {bad}"))
    tags = {one.tag for one in read.ranges}
    for tag, statement in read.options:
        if tag and tag not in tags:
            done.left.append(
                Left(name, 0, statement, f"it is for clients with the tag {tag}", "write a class for them")
            )
    done.text = "\n".join(_written(read, name)) + "\n"
    done.left += _own_address(read, name)
    for one in read.ranges:
        if one.network.prefixlen == _PREFIX and one.last is not None:
            note = (
                f"the netmask is taken to be {one.network.netmask}: dnsmasq takes its interface's if a range names none"
            )
            done.left.append(Left(name, one.line, f"subnet {one.network}", note, effect=False))
    return done


def _own_address(read: _Read, name: str) -> Iterator[Left]:
    """dnsmasq tells clients its own address where it is told nothing else; a board tells what is written."""
    for what, statement in (("router", "routers"), ("DNS server", "domain-name-servers")):
        for one in read.ranges:
            if not any(told.startswith(f"option {statement} ") and tag in ("", one.tag) for tag, told in read.options):
                why = f"dnsmasq tells its own address as {what}, as nothing else is written"
                yield Left(
                    name, one.line, f"range {one.first}", why, f"write option {statement} ADDRESS; in its subnet"
                )


def leases(text: str) -> Database:
    """dnsmasq.leases: a line each, with its end, hardware address, address, name, client identifier."""
    found = Database()
    for number, line in enumerate(text.splitlines(), 1):
        words = line.split()
        if len(words) < 5 or not words[0].isdigit() or ":" in words[2]:
            if words and words[0] != "duid":
                found.problems.append((number, f"{line.strip()[:60]}: what is this?"))
            continue
        ends, hardware, address, host, client = words[:5]
        htype, _, mac = hardware.rpartition("-")
        found.leases[address] = Lease(
            address,
            "active",
            int(ends) or None,
            hardware=mac.lower(),
            htype=int(htype, 16) if htype else ETHERNET,
            client_id=b"" if client == "*" else bytes.fromhex(client.replace(":", "")),
            name="" if host == "*" else host,
            line=number,
        )
    return found


def is_dnsmasq(text: str) -> bool:
    """Tell a dnsmasq.conf from a dhcpd.conf."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return not any("{" in line or line.rstrip().endswith(";") for line in lines) and any(
        _split(one)[0] for one in lines
    )


def _split(line: str) -> tuple[str, str]:
    line = re.sub(r"(^|\s)#.*", "", line).strip()
    key, _, value = line.partition("=")
    return key.strip(), value.strip()


def _line(key: str, value: str, number: int, read: _Read) -> None:
    words = [word.strip() for word in value.split(",")]
    if key in ("dhcp-range",):
        read.ranges.append(_range(words, number))
    elif key == "dhcp-host":
        _host(words, read)
    elif key in ("dhcp-option", "dhcp-option-force"):
        _option(words, read)
    elif key == "dhcp-boot":
        _boot(words, read)
    elif key == "domain" and value:
        if len(words) > 1:
            raise _No("a domain for a part of the addresses", "write option domain-name in the subnet")
        read.top.append(f'option domain-name "{words[0]}";')
    elif key == "dhcp-authoritative":
        read.top.append("authoritative;")
    elif key == "no-ping":
        read.top.append("ping-check false;")
    elif key in _SILENT.split():
        raise _No("it is about files and programs of the PC", "leases: twinlease config import --leases FILE")
    elif key in ("conf-file", "conf-dir"):
        raise _No("further files are not read", "import them one by one")
    elif key.startswith(("dhcp-", "bootp-", "pxe-", "tftp-", "enable-ra", "enable-tftp")):
        raise _No("a board has nothing like it")


def _range(words: list[str], number: int) -> _Range:
    tag = ""
    while words and words[0].startswith(("set:", "tag:", "net:")):
        if words[0].startswith("tag:"):
            raise _No("a range for clients with a tag", "write a class, and a pool with allow members of it")
        tag = words.pop(0).partition(":")[2]
    if not words or ":" in words[0]:
        raise _No("IPv6 is not served")
    first = IPv4Address(words[0])
    last: IPv4Address | None = None
    masks: list[IPv4Address] = []
    lease_s = None
    for word in words[1:]:
        if word in _MODES or word.startswith("constructor:"):
            if word != "static":
                raise _No(f"the mode {word} is not for DHCP with addresses")
        elif re.fullmatch(r"\d+\.\d+\.\d+\.\d+", word):
            if last is None and "static" not in words:
                last = IPv4Address(word)
            else:
                masks.append(IPv4Address(word))
        elif word:
            lease_s = _seconds(word)
    mask = str(masks[0]) if masks else str(_PREFIX)
    network = IPv4Network(f"{first}/{mask}", strict=False)
    return _Range(first, last if "static" not in words else None, network, lease_s, tag, number)


def _host(words: list[str], read: _Read) -> None:
    macs, address, name, client, lease_s = [], "", "", "", None
    for word in words:
        if _MAC.fullmatch(word):
            macs.append(word.lower())
        elif word.startswith("id:"):
            client = word[3:]
        elif re.fullmatch(r"\d+\.\d+\.\d+\.\d+", word):
            address = str(IPv4Address(word))
        elif word == "ignore":
            pass
        elif word.startswith(("set:", "net:", "tag:")):
            raise _No("a tag of a host has no counterpart", "put its options into the host declaration")
        elif re.fullmatch(r"\d+[smhdw]?|infinite", word):
            lease_s = _seconds(word)
        elif _NAME.fullmatch(word):
            name = word
        elif word:
            raise _No(f"{word} has no counterpart in a host declaration")
    if client == "*":
        raise _No("a client identifier that is to be ignored", "write the client's identifier, or none, in a host")
    if not macs and not client:
        raise _No("a host that is known by its name only", "write its hardware address")
    body = []
    if "ignore" in words:
        body.append("deny booting;")
    if address:
        body.append(f"fixed-address {address};")
    if name:
        body.append(f'option host-name "{name}";')
    if lease_s is not None:
        body.append(f"default-lease-time {lease_s}; max-lease-time {lease_s};")
    who = [f"hardware ethernet {mac};" for mac in macs]
    if client:
        hexed = re.fullmatch(r"[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2})+", client)
        who = ["option dhcp-client-identifier " + (client if hexed else f'"{client}"') + ";"]
    for one in who:
        label = _unique(name.split(".")[0] or "h" + re.sub(r"\W", "", one.split()[-1]), read.names)
        read.hosts.append(f"host {label} {{ {one} {' '.join(body)} }}".replace("  ", " "))


def _option(words: list[str], read: _Read) -> None:
    tag = ""
    while words and words[0].startswith(("tag:", "net:")):
        if tag:
            raise _No("an option for clients with two tags", "write a class for them")
        tag = words.pop(0).partition(":")[2]
    if words[0].startswith(("encap:", "vi-encap:", "vendor:", "option6:")):
        raise _No(f"{words[0].partition(':')[0]}: sub-options and IPv6 have to be written by hand")
    values = words[1:]
    if "0.0.0.0" in values:
        raise _No("0.0.0.0 means dnsmasq's own address", "write the board's address")
    code = _code(words[0])
    if code in _ROUTES:
        define, octets = f"option routes-{code} code {code} = array of integer 8;", _routes(values)
        read.top.append(define)
        read.options.append((tag, f"option routes-{code} {', '.join(str(octet) for octet in octets)};"))
        return
    found = _known(code)
    if found is None:
        kind = _kind(words[0], values)
        read.top.append(f"option code-{code} code {code} = {kind};")
        read.options.append((tag, f"option code-{code} {_value('T' if kind == 'text' else 'I', values)};"))
        return
    read.options.append((tag, f"option {found[0]} {_value(found[1], values)};"))


def _kind(word: str, values: list[str]) -> str:
    """The type of an option that dhcp-options(5) does not know, by its value."""
    if values and all(re.fullmatch(r"\d+\.\d+\.\d+\.\d+", value) for value in values):
        return "array of ip-address"
    if values and values[0].startswith('"'):
        return "text"
    raise _No(f"option {word} has no name in dhcp-options(5)", f"define it: option NAME code {word} = TYPE;")


def _routes(values: list[str]) -> list[int]:
    """RFC 3442: width of the destination, as much of it as counts, router."""
    octets: list[int] = []
    for destination, router in zip(values[::2], values[1::2], strict=True):
        network = IPv4Network(destination, strict=False)
        octets.append(network.prefixlen)
        octets += network.network_address.packed[: (network.prefixlen + 7) // 8]
        octets += IPv4Address(router).packed
    return octets


def _value(form: str, values: list[str]) -> str:
    """A value as dhcp-options(5) spells it."""
    if form[:1] in "TXD":
        text = ",".join(values)
        if text.startswith('"'):
            return text
        return text if form[:1] == "D" else f'"{text}"'
    if form[:1] in "NC":
        return ", ".join(f'"{value}"' for value in values)
    if form[:1] == "F":
        return "true" if values[0] in ("1", "true") else "false"
    if form[:2] == "II":
        return ", ".join(f"{a} {b}" for a, b in zip(values[::2], values[1::2], strict=True))
    return ", ".join(values)


def _code(word: str) -> int:
    """The code of dnsmasq's name, ISC's name, or number."""
    from twinlease.conf.options import OptionNames

    word = word.removeprefix("option:")
    if word.isdigit():
        return int(word)
    if word in _OPTIONS:
        return _OPTIONS[word]
    found = OptionNames().find("", word)
    if found is None:
        raise _No(f"option {word} is unknown")
    return int(found.code)


def _known(code: int) -> tuple[str, str] | None:
    """ISC's name and the format of a code."""
    from twinlease.conf.options import OptionNames

    found = OptionNames().by_code("", code)
    return None if found is None else (found.name, found.format)


def _boot(words: list[str], read: _Read) -> None:
    if words[0].startswith(("tag:", "net:")):
        raise _No("a boot file for clients with a tag", "write filename in a class")
    read.top.append(f'filename "{words[0]}";')
    if len(words) > 1 and words[1]:
        read.top.append(f'server-name "{words[1]}";')
    if len(words) > 2 and words[2]:
        read.top.append(f"next-server {words[2]};")


def _seconds(word: str) -> int:
    if word == "infinite":
        return _NEVER_S
    found = re.fullmatch(r"(\d+)([smhdw]?)", word)
    if not found:
        raise ValueError(f"{word} is no lease time")
    return int(found[1]) * _UNITS[found[2] or "s"]


def _written(read: _Read, name: str) -> Iterator[str]:
    yield f"# Made of {name}"
    yield from dict.fromkeys(read.top)
    yield from (statement for tag, statement in read.options if not tag)
    yield f"default-lease-time {_DEFAULT_LEASE_S};"
    for network in dict.fromkeys(one.network for one in read.ranges):
        inside = [one for one in read.ranges if one.network == network]
        yield ""
        yield f"subnet {network.network_address} netmask {network.netmask} {{"
        for one in inside:
            body = [statement for tag, statement in read.options if tag and tag == one.tag]
            if one.lease_s is not None:
                body.append(f"default-lease-time {one.lease_s}; max-lease-time {one.lease_s};")
            if one.last is not None:
                body.append(f"range {one.first} {one.last};")
            apart = len(inside) > 1 and one.last is not None
            yield f"  pool {{ {' '.join(body)} }}" if apart else "\n".join("  " + line for line in body)
        yield "}"
    if read.hosts:
        yield ""
    yield from read.hosts


def _unique(name: str, names: set[str]) -> str:
    """The name, or with a number behind it."""
    found, n = name, 1
    while found in names:
        n += 1
        found = f"{name}-{n}"
    names.add(found)
    return found
