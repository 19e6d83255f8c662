"""What is wrong with a pair, in plain words, and the command that mends it. Pure: facts in, findings out.

Each check is a function of one board, or of two, and yields Findings. The codes are for --json and for scripts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from ipaddress import IPv4Interface, IPv4Network
from typing import Any

from . import configs
from .facts import Facts, Json

ERROR, WARNING, NOTE = "error", "warning", "note"
_ORDER = {ERROR: 0, WARNING: 1, NOTE: 2}

_CLOCK_S = 60  # ISC dhcpd's bound for a partner's clock, and enough to say that somebody's clock is wrong
_POOL_LOW = 10  # a tenth of it is left
_BLOCKS_LOW = 2  # erased blocks; a journal that keeps up has four or more
_WORN = 80_000  # erases of one block; data sheets have 100,000
_HEAP_LOW = 6_000  # octets: a datagram and what becomes of it, twice (firmware/twinlease/start.py)
_VIRTUAL = "unix"  # what a virtual board calls itself
_BEHIND = 100  # updates that the partner is owed, long after the start


@dataclass(frozen=True)
class Finding:
    """`who` is "board A", "board B" or "the pair"; `mend` is a command, or what to do with one's hands."""

    severity: str
    code: str
    who: str
    says: str
    mend: str

    def fields(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)


def look(boards: list[Facts]) -> list[Finding]:
    """All that is wrong with one board or two, the worst first."""
    found = [finding for board in boards for check in _OF_ONE for finding in check(board)]
    if len(boards) == 2:
        one, two = boards
        found += [finding for check in _OF_TWO for finding in check(one, two)]
    found = _without_consequences(found)
    return sorted(found, key=lambda finding: (_ORDER[finding.severity], finding.code == "partner-away"))


def clock_behind_s(facts: Facts) -> float | None:
    """How far a board's clock is behind this PC's; negative if ahead."""
    return None if facts.ahead_s is None else -facts.ahead_s


def amount(seconds: float) -> str:
    """A time as people say it."""
    seconds = abs(seconds)
    for unit, name in ((86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"


# One board


def _configuration(board: Facts) -> Iterator[Finding]:
    if board.config is None:
        yield Finding(
            ERROR,
            "no-configuration",
            str(board),
            "it is new: it has no configuration, and serves nobody",
            f"twinlease config push dhcpd.conf {board.port}",
        )
    elif not board.serves:
        yield from _why_silent(board, board.config)
    if board.trial > 0:
        yield Finding(
            WARNING,
            "on-trial",
            str(board),
            f"its configuration is on trial for {board.trial} min; unless it is confirmed, the former one comes back",
            f"if it is what you want: twinlease console {board.port} -c 'commit confirm'",
        )


def _why_silent(board: Facts, text: str) -> Iterator[Finding]:
    """It has a configuration by which it does not serve."""
    pull = f"twinlease config pull {board.port} -o dhcpd.conf, mend it, and push it"
    for line in errors_in(text):
        yield Finding(ERROR, "bad-configuration", str(board), f"it cannot read its configuration: {line}", pull)
        return
    if "flash" in board.last_trial and "too little" in board.last_trial:
        yield Finding(ERROR, "flash-full", str(board), f"it serves nobody: {board.last_trial}", pull)
        return
    why = board.last_trial or "its log says why (too many addresses for its memory or its flash, most often)"
    check = f"twinlease config check {board.port}; then make the ranges smaller: {pull}"
    yield Finding(ERROR, "does-not-fit", str(board), f"it serves nobody: {why}", check)


def _cable(board: Facts) -> Iterator[Finding]:
    for one in board.interfaces:
        if not one["connected"]:
            yield Finding(
                ERROR,
                "cable-out",
                str(board),
                f"no cable at {one['name']}: nobody can reach it",
                "plug the cable in, at the board and at the switch; for Wi-Fi look at name and password of the network",
            )
    if not board.interfaces:
        yield Finding(
            ERROR,
            "no-network",
            str(board),
            "it has no network interface that is up",
            f"set its address up: twinlease console {board.port} -c 'show interfaces'",
        )


def _netmask(board: Facts) -> Iterator[Finding]:
    subnets = subnets_of(board.config or "")
    for one, address in zip(board.interfaces, board.addresses, strict=True):
        near = [net for net in subnets if address.ip in net]
        if any(net == address.network for net in near) or not subnets:
            continue
        if near:
            right = min(near, key=lambda net: net.num_addresses)
            yield Finding(
                ERROR,
                "wrong-netmask",
                str(board),
                f"{one['name']} has {address}, netmask {address.netmask}, but its dhcpd.conf has subnet "
                f"{right.network_address} netmask {right.netmask} there",
                f"{_with_address(board, f'{address.ip}/{right.prefixlen}')}; or push a dhcpd.conf with netmask "
                f"{address.netmask}: twinlease config pull {board.port} -o dhcpd.conf",
            )
        else:
            yield Finding(
                WARNING,
                "wrong-subnet",
                str(board),
                f"its dhcpd.conf has no subnet for {address} of {one['name']}: only clients behind relay agents are "
                "served. The cable may be in the wrong port, or this is the wrong dhcpd.conf",
                f"twinlease config check {board.port}",
            )


def _clock(board: Facts) -> Iterator[Finding]:
    behind = clock_behind_s(board)
    if behind is None:
        return
    servers = board.clock.get("servers") or []
    silent = [server for server in servers if not server["followed"]]
    if abs(behind) >= _CLOCK_S:
        which = "behind" if behind > 0 else "ahead of"
        yield Finding(
            ERROR if abs(behind) >= 3600 else WARNING,
            "clock-off",
            str(board),
            f"its clock is {amount(behind)} {which} this PC's (it has the time from: {board.clock.get('source')})",
            _set_clock(board, bool(servers)),
        )
    elif not board.clock.get("trusted", True):
        yield Finding(
            WARNING,
            "clock-guessed",
            str(board),
            f"nobody has told it the time (it goes by: {board.clock.get('source')})",
            _set_clock(board, bool(servers)),
        )
    if servers and len(silent) == len(servers):
        told = "; ".join(f"{server['server']}: {server['last']}" for server in servers)
        yield Finding(
            WARNING,
            "time-servers-silent",
            str(board),
            f"no time server is followed ({told})",
            _set_clock(board, True),
        )


def _set_clock(board: Facts, servers: bool) -> str:
    if servers:
        return f"twinlease console {board.port} -c 'clock ask', then: twinlease console {board.port} -c 'show clock'"
    return (
        f"put `ntp server ADDRESS;` into its dhcpd.conf (twinlease config pull {board.port} -o dhcpd.conf) "
        "and push it; if it is this PC's clock that is wrong: timedatectl"
    )


def _flash(board: Facts) -> Iterator[Finding]:
    free = board.flash.get("free_blocks")
    if free is not None and free <= _BLOCKS_LOW:
        yield Finding(
            ERROR if free < 1 else WARNING,
            "flash-full",
            str(board),
            f"the flash for leases is full: {free} erased blocks are left, and every lease waits for an erase",
            f"make the ranges smaller, or give the leases more flash: twinlease config pull {board.port} -o dhcpd.conf",
        )
    worn = board.flash.get("worn_most", 0)
    if worn >= _WORN:
        yield Finding(
            WARNING,
            "flash-worn",
            str(board),
            f"a block of its flash was erased {worn} times since its start; 100,000 are what data sheets promise",
            "replace the board soon; its partner gives the new one all leases",
        )


def _memory(board: Facts) -> Iterator[Finding]:
    free = board.memory.get("free", 0)
    if 0 < free < _HEAP_LOW and board.memory.get("allocated"):
        yield Finding(
            WARNING,
            "memory-short",
            str(board),
            f"{free} octets of its memory are free",
            f"make the ranges smaller: twinlease config check {board.port}",
        )


def _packets(board: Facts) -> Iterator[Finding]:
    if board.packets.get("unsent", 0) > max(10, board.packets.get("sent", 0) // 10):
        yield Finding(
            WARNING,
            "unsent",
            str(board),
            f"{board.packets['unsent']} answers could not be sent ({board.packets.get('sent', 0)} were)",
            f"twinlease console {board.port} -c 'show interfaces'",
        )


def _pool_use(board: Facts) -> Iterator[Finding]:
    shares = {pool["pool"]: peer for peer in board.peers for pool in peer["pools"]}
    for pool in board.pools:
        free, backup, size = pool["free"], pool["backup"], pool["size"]
        if not size:
            continue
        where, peer = f"pool {pool['pool']} of {pool['network']}", shares.get(pool["pool"])
        if free + backup == 0:
            yield Finding(
                ERROR,
                "pool-exhausted",
                str(board),
                f"{where} is used up: no address of {size} is free, so new clients get none",
                _more_addresses(board),
            )
        elif peer and not peer["linked"] and (backup if peer["role"] == "secondary" else free) == 0:
            yield Finding(
                ERROR,
                "share-exhausted",
                str(board),
                f"{where}: its own share is used up; {free + backup} addresses are free, its partner's, which is away",
                f"if the partner is off: twinlease console {board.port} -c 'failover partner-down {peer['name']} yes'",
            )
        elif (free + backup) * _POOL_LOW <= size:
            yield Finding(
                WARNING,
                "pool-low",
                str(board),
                f"{where}: {free + backup} of {size} addresses are free",
                _more_addresses(board),
            )


def _more_addresses(board: Facts) -> str:
    return (
        f"who has them: twinlease leases list {board.port}; then a larger range, or shorter leases "
        f"(default-lease-time): twinlease config pull {board.port} -o dhcpd.conf, and push it"
    )


def _failover(board: Facts) -> Iterator[Finding]:
    for peer in board.peers:
        name, ask = peer["name"], f"twinlease console {board.port} -c"
        own, partner = peer["address"].split(":")[0], peer["peer_address"].split(":")[0]
        if board.addresses and own not in [str(address.ip) for address in board.addresses]:
            yield Finding(
                ERROR,
                "wrong-board",
                str(board),
                f"failover peer {name} is between {own} and {partner}; this board has "
                f"{', '.join(str(address.ip) for address in board.addresses)}, so it is neither of them",
                "push this dhcpd.conf to the board that it is for, or mend the addresses: "
                f"twinlease config pull {board.port} -o dhcpd.conf",
            )
        if peer["state"] == "paused":
            says = f"failover peer {name} is paused: it serves nobody"
            yield Finding(WARNING, "paused", str(board), says, f"{ask} 'failover resume {name}'")
        elif not peer["linked"]:
            yield from _alone(board, peer, ask)
        elif not peer["serves"]:
            says = f"failover peer {name} serves nobody now: {peer['why'] or peer['state']}"
            yield Finding(WARNING, "silent", str(board), says, f"wait, it resolves by itself: {ask} 'show failover'")
        for difference in peer["differences"]:
            says = f"the partner's configuration is another one: {difference}"
            yield Finding(
                ERROR, "differences", str(board), says, "twinlease config diff A B, and push one file to both"
            )
        if peer["linked"] and peer["due"] > _BEHIND:
            says = f"{peer['due']} leases are still to be told to the partner"
            yield Finding(NOTE, "behind", str(board), says, f"{ask} 'show failover'")


def _alone(board: Facts, peer: Json, ask: str) -> Iterator[Finding]:
    """The partner is not connected."""
    name = peer["name"]
    if peer["state"] == "partner-down":
        says = f"failover peer {name}: it has taken over (partner-down); its partner is away"
        yield Finding(WARNING, "partner-away", str(board), says, "power the partner on, or replace it")
        return
    left = peer["partner_down_in"]
    then = f"; it takes over in {amount(left)}" if left is not None else ""
    yield Finding(
        ERROR,
        "partner-away",
        str(board),
        f"failover peer {name}: no connection to the partner {peer['peer_address']} ({peer['state']}){then}",
        f"power and cable of the partner; if it is off for good: {ask} 'failover partner-down {name} yes'",
    )


# Two boards


def _same_board(one: Facts, two: Facts) -> Iterator[Finding]:
    if _hardware(one) & _hardware(two):
        yield Finding(
            ERROR,
            "same-board",
            PAIR,
            f"{one.port} and {two.port} are the same board ({', '.join(sorted(_hardware(one) & _hardware(two)))})",
            "give the port of the other board; without one, this names those that there are: twinlease status",
        )


def _same_address(one: Facts, two: Facts) -> Iterator[Finding]:
    both = {address.ip for address in one.addresses} & {address.ip for address in two.addresses}
    if both and not _hardware(one) & _hardware(two):
        yield Finding(
            ERROR,
            "same-address",
            PAIR,
            f"both boards have the address {', '.join(str(ip) for ip in both)}",
            "give one of them another address; the failover peer block has both",
        )


def _partners(one: Facts, two: Facts) -> Iterator[Finding]:
    """Whether each is the other's partner, and in which role."""
    if not one.serves or not two.serves:
        return
    if not one.peers and not two.peers:
        yield Finding(
            WARNING,
            "no-failover",
            PAIR,
            "no pool of either board has a failover peer: they do not know of each other",
            f"README.md, `Two boards from one file`; then: twinlease config push dhcpd.conf {one.port} {two.port}",
        )
        return
    for mine, other in ((one, two), (two, one)):
        if not mine.peers:
            says = f"it has no failover peer, and {other} has one"
            yield Finding(ERROR, "no-failover", str(mine), says, _push_both(other, mine))
        for peer in mine.peers:
            partner = peer["peer_address"].split(":")[0]
            if other.addresses and partner not in [str(address.ip) for address in other.addresses]:
                yield Finding(
                    ERROR,
                    "wrong-board",
                    PAIR,
                    f"the partner of {mine} is {partner}, and {other} has "
                    f"{', '.join(str(address.ip) for address in other.addresses)}: they are not a pair",
                    f"is {other.port} the right board? else mend failover peer {peer['name']}, and push it to both",
                )
    yield from _roles(one, two)


def _roles(one: Facts, two: Facts) -> Iterator[Finding]:
    roles = [{peer["name"]: peer["role"] for peer in board.peers} for board in (one, two)]
    for name in sorted(set(roles[0]) & set(roles[1])):
        if roles[0][name] == roles[1][name]:
            role = roles[0][name]
            yield Finding(
                ERROR,
                f"both-{role}",
                PAIR,
                f"failover peer {name}: both boards are {role}, so they refuse each other",
                "let one dhcpd.conf say it for both (README.md, `Two boards from one file`), or write "
                f"{'secondary' if role == 'primary' else 'primary'}; in that of {two}: {_push_both(two, one)}",
            )
        elif roles[0][name] == "secondary" and not _mixed(roles):
            yield Finding(
                NOTE,
                "swapped-ports",
                PAIR,
                f"{one.port} is the secondary, and {two.port} the primary: if you meant it the other way, the ports "
                "are swapped",
                f"twinlease doctor {two.port} {one.port}",
            )
            break
    if set(roles[0]) != set(roles[1]) and roles[0] and roles[1]:
        says = f"the failover peers have different names: {', '.join(roles[0])} and {', '.join(roles[1])}"
        yield Finding(ERROR, "peer-names", PAIR, says, _push_both(one, two))


def _mixed(roles: list[dict[str, str]]) -> bool:
    return len(set(roles[0].values())) > 1


def _different(one: Facts, two: Facts) -> Iterator[Finding]:
    """Differences that the boards have not found themselves: those in options do not cross the link."""
    if one.config is None or two.config is None:
        return
    found = configs.differences(one.config, two.config)
    if not found:
        return
    first = found[0].statement
    where = one if found[0].mine else two
    yield Finding(
        ERROR,
        "different-config",
        PAIR,
        f"the two serve by different dhcpd.conf ({len(found)} statements differ; the first is line {first.line} of "
        f"{where}: {first.text.strip()})",
        f"twinlease config diff {one.port} {two.port}; then push the right one to both: {_push_both(one, two)}",
    )


def _push_both(board: Facts, other: Facts) -> str:
    both = f"{board.port} {other.port}"
    return f"twinlease config pull {board.port} -o dhcpd.conf; mend it; twinlease config push dhcpd.conf {both}"


def _firmware(one: Facts, two: Facts) -> Iterator[Finding]:
    if not one.version or not two.version or one.version == two.version:
        return
    old, new = sorted((one, two), key=lambda board: _number(board.version))
    yield Finding(
        WARNING,
        "old-firmware",
        PAIR,
        f"{old} has firmware {old.version}, {new} has {new.version}",
        _with_new_firmware(old, one, two) + f"; leases and configuration stay, and {new} serves meanwhile",
    )


def _with_new_firmware(board: Facts, one: Facts, two: Facts) -> str:
    if board.runs_on == _VIRTUAL:
        return "stop the virtual board and start it again: twinlease vboard run"
    return f"twinlease upgrade {one.port} {two.port}"


def _with_address(board: Facts, address: str) -> str:
    """How a board gets another address of its own."""
    if board.runs_on == _VIRTUAL:
        return f"start the virtual board with --address {address}"
    return f"twinlease flash BOARD --port {board.port} --address {address} (BOARD: twinlease flash --help)"


def _clocks(one: Facts, two: Facts) -> Iterator[Finding]:
    """Between the two; a board believes what it has measured on the link more than we our own question."""
    skews = [peer["skew"] for peer in one.peers if peer["linked"] and peer["skew"] is not None]
    apart: float | None = skews[0] if skews else None
    if apart is None and one.ahead_s is not None and two.ahead_s is not None:
        apart = two.ahead_s - one.ahead_s
    if apart is not None and abs(apart) >= _CLOCK_S:
        which = "ahead of" if apart > 0 else "behind"
        yield Finding(
            WARNING,
            "clocks-apart",
            PAIR,
            f"the clock of {two} is {amount(apart)} {which} that of {one}; they work, each with its own time",
            f"put `ntp server ADDRESS;` into the dhcpd.conf of both: {_push_both(one, two)}",
        )


def _networks(one: Facts, two: Facts) -> Iterator[Finding]:
    """A partner that is in the same LAN by its address, but not by ours, has the wrong netmask."""
    for mine in one.addresses:
        for other in two.addresses:
            if mine.network != other.network and mine.network.overlaps(other.network):
                yield Finding(
                    ERROR,
                    "wrong-netmask",
                    PAIR,
                    f"{one} has {mine} and {two} has {other}: one of the two has the wrong netmask",
                    f"the netmask of their subnet is right: {_masks(one, mine)}; set the board's address up with it",
                )


def _masks(board: Facts, address: IPv4Interface) -> str:
    near = [net for net in subnets_of(board.config or "") if address.ip in net]
    return ", ".join(f"{net} ({net.netmask})" for net in near) or "the one of the LAN"


PAIR = "the pair"
_OF_ONE = (_configuration, _cable, _netmask, _clock, _flash, _memory, _packets, _pool_use, _failover)
_OF_TWO = (_same_board, _same_address, _partners, _different, _firmware, _clocks, _networks)

# What somebody would see because of something worse that is named already.
_CONSEQUENCES = {
    "same-board": {"wrong-board", "both-primary", "both-secondary", "swapped-ports", "same-address"},
    "different-config": {"differences"},
    "both-primary": {"partner-away", "different-config", "differences"},
    "both-secondary": {"partner-away", "different-config", "differences"},
}


def _without_consequences(found: list[Finding]) -> list[Finding]:
    hidden = {code for finding in found for code in _CONSEQUENCES.get(finding.code, ())}
    kept = [finding for finding in found if finding.code not in hidden]
    once: dict[tuple[str, str], Finding] = {}
    for finding in kept:
        once.setdefault((finding.code, finding.says), finding)
    return list(once.values())


def _hardware(board: Facts) -> set[str]:
    return {one["hardware"] for one in board.interfaces}


def _number(version: str) -> list[int]:
    return [int(part) if part.isdigit() else 0 for part in version.split(".")]


def subnets_of(text: str) -> list[IPv4Network]:
    """The subnets of a dhcpd.conf, by the firmware's own parser; none if nobody can tell them all."""
    from twinlease import conf

    included = _Included()
    try:
        config = conf.load(text, "dhcpd.conf", included)
    except conf.ConfError:
        return []
    if included.any:
        return []
    return [IPv4Network((bytes(subnet.net), subnet.bits)) for subnet in config.subnets]


def errors_in(text: str) -> list[str]:
    """What the firmware's parser says against it, a line each."""
    from twinlease import conf

    try:
        conf.load(text, "dhcpd.conf", _Included())
    except conf.ConfError as bad:
        return [f"line {p.line}: {p.message}" for p in bad.problems if p.severity == "error"]
    return []


class _Included:
    """Stands for the files that a board includes: nobody has them here."""

    def __init__(self) -> None:
        self.any = False

    def __call__(self, _name: str) -> str:
        self.any = True
        return ""
