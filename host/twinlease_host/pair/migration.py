"""From a pair of dhcpds to two boards, one server at a time: where a migration stands, and what comes next.

Pure: the dhcpd.conf and what the boards say go in, steps come out. Nothing is remembered between two looks, since the
boards themselves tell where it stands. A dhcpd is seen only as the first board sees it, over failover.

    stop     its operator stops one dhcpd                the other one answers everybody
    load     a board in its place gets the configuration
    join     it connects, and all leases come            dhcpd wants MCLT to pass (failover draft, 8.3.2); then NORMAL
    stop     the other dhcpd                             the first board answers everybody
    load     a second board in its place
    join     the two boards are in NORMAL, and their tables are equal
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ..errors import UserError
from ..isc import carry, leases_file
from . import configs, glance
from .facts import Facts, Json
from .push import in_ascii
from .sources import Line

DONE, NOW, LATER = "done", "now", "later"
OPERATOR, LOAD, WAIT = "operator", "load", "wait"
ASKED = ("version", "interfaces", "clock", "pools", "failover", "config")

_ROLES = ("primary", "secondary")
_ALONE = ("communications-interrupted", "partner-down")
_MCLT_WAIT = "recover-wait"
_ENDS_APART_S = 2  # whole seconds on both boards, and a skew in whole seconds


@dataclass(frozen=True)
class Plan:
    """What the pair's dhcpd.conf says: its failover peer, and the text that both boards serve by."""

    peer: str
    addresses: dict[str, str]  # by role
    mclt: int
    rows: int
    text: str
    left: list[carry.Left]
    differences: list[configs.Difference] = field(default_factory=list)  # of the two servers' files

    def role_of(self, board: Facts) -> str:
        """Whose place the board is in, by its address. Raises UserError if it has neither address."""
        own = [str(address.ip) for address in board.addresses]
        for role, address in self.addresses.items():
            if address in own:
                return role
        both = " and ".join(self.addresses[role] for role in _ROLES)
        raise UserError(
            f"{board} has {', '.join(own) or 'no address'}, and the servers of {self.peer} are {both}",
            "give the board the address of the dhcpd that it replaces (clients renew there); or change `address` and "
            "`peer address` of that half in the dhcpd.conf of both servers first, and restart dhcpd",
        )

    def waits(self, board: Facts) -> bool:
        """Tell whether it waits for MCLT; its log then says since when."""
        return any(peer["name"] == self.peer and peer["state"] == _MCLT_WAIT for peer in board.peers)

    def is_served(self, board: Facts) -> bool:
        """Tell whether the board serves by it, however it came to it; not while it only tries to."""
        return board.serves and board.trial <= 0 and not configs.differences(board.config or "", self.text)


@dataclass(frozen=True)
class Step:
    """`key` is stop-1, load-1, join-1, stop-2, load-2, join-2 or equal; `state` one of done, now, later."""

    key: str
    state: str
    says: str

    def fields(self) -> Json:
        """For --json."""
        return asdict(self)


@dataclass(frozen=True)
class Standing:
    """The steps in order; whose turn it is now (operator, load, wait; "" when all is done), and the progress of a wait.

    says   what the operator does, or what is waited for
    stop   the dhcpd that is to be stopped, if that is what the operator does
    load   the board that is to be given the configuration
    left_s seconds that a wait still takes at most, if anybody knows
    still_s  for so long a wait may show no progress, and is well
    marks  changes while a wait goes on
    """

    steps: list[Step]
    turn: str = ""
    says: str = ""
    stop: str = ""
    load: Facts | None = None
    left_s: int | None = None
    still_s: int = 0
    marks: tuple[Any, ...] = ()


def plan(lines: Sequence[Line], secondary: Sequence[Line] | None = None) -> Plan:
    """Read the primary's dhcpd.conf, and compare it with the secondary's. Raises UserError, code 1."""
    from twinlease import conf

    done = carry.over(lines)
    config = conf.load(done.text, "dhcpd.conf", _no_file)
    named = {pool.peer.name for pool in config.pools if pool.peer}
    if len(named) != 1:
        many = f"its pools have {len(named)} failover peers ({', '.join(sorted(named))}): two boards replace one pair"
        raise UserError(
            many if named else "no pool of it has a failover peer: it is no server of a pair",
            "make a dhcpd.conf of each pair"
            if named
            else "of a dhcpd alone: twinlease config import FILE --leases FILE",
            code=1,
        )
    peer = config.peers[named.pop()]
    if peer.role != "primary":
        raise UserError(
            f"failover peer {peer.name}: this is the secondary's dhcpd.conf, and mclt and split stand in the primary's",
            "give the primary's file; the secondary's goes behind --secondary",
            code=1,
        )
    addresses = {"primary": _dotted(peer.address), "secondary": _dotted(peer.peer_address)}
    found = configs.differences(done.text, carry.over(secondary).text) if secondary else []
    left = done.left + [_alone(lines[0].file, pool) for pool in config.pools if not pool.peer]
    return Plan(peer.name, addresses, peer.mclt, config.rows, in_ascii(done.text), left, found)


def stand(plan: Plan, boards: Sequence[Facts], stopped: Iterable[str] = (), unequal: int | None = None) -> Standing:
    """Where it stands.

    boards   one or two; the first is the one that is in the pair, or is to join it first
    stopped  addresses of dhcpds that are off, by their operator's word
    unequal  how many leases two boards in NORMAL still have otherwise; None: they were not compared
    """
    boards = _in_order(plan, boards)
    first = boards[0]
    role = plan.role_of(first)
    other = _ROLES[role == "primary"]
    if len(boards) == 2 and plan.role_of(boards[1]) == role:
        raise UserError(
            f"both boards have the address {plan.addresses[role]}",
            "each takes the address of the dhcpd that it replaces",
        )
    way = _Way(plan, boards, set(stopped), plan.addresses[role], plan.addresses[other])
    return way.first_half() or way.second_half(unequal)


def unequal(one: Sequence[Json], two: Sequence[Json]) -> set[str]:
    """Addresses that somebody holds, and of which two boards do not say the same."""
    ours, theirs = ({lease["address"]: lease for lease in told} for told in (one, two))
    return {at for at in ours.keys() | theirs.keys() if not _same(ours.get(at), theirs.get(at))}


def lost(held: Iterable[leases_file.Lease], told: Sequence[Json], now: float) -> list[str]:
    """Leases of a dhcpd.leases that still run and that a board does not know, a sentence each.

    What has happened to an address since the file was written does not count: the board has heard of its client later.
    """
    known = {lease["address"]: lease for lease in told}
    return [
        f"{lease.address} is leased to {lease.hardware}, and {_instead(known.get(lease.address))}"
        for lease in held
        if lease.state == "active"
        and (lease.ends is None or lease.ends > now)
        and not _knows(known.get(lease.address), lease)
    ]


@dataclass
class _Way:
    """The two halves of the way, with what both need."""

    plan: Plan
    boards: Sequence[Facts]
    stopped: set[str]
    here: str
    there: str
    steps: list[Step] = field(default_factory=list)

    def first_half(self) -> Standing | None:
        """Until the first board is in NORMAL with the dhcpd that is left, or has been; None: it is over."""
        board, peer = self.boards[0], self._peer(self.boards[0])
        if not self.plan.is_served(board) or peer is None:
            return self._place(1, board, self.here, self.there)
        self._done("stop-1", f"dhcpd on {self.here} is off")
        self._done("load-1", f"{board} serves by its configuration, as {peer['role']}")
        if peer["partner"] == "Twinlease" or (peer["state"] in _ALONE and not peer["linked"]):
            self._done("join-1", f"{board} has all leases")
            return None
        if _settled(peer):
            self._done("join-1", f"{board} is in normal with dhcpd on {self.there}, {_active(board)} leases")
            return None
        return self._wait("join-1", self._joining(board, peer), board, peer)

    def second_half(self, unequal: int | None) -> Standing:
        """Until two boards are in NORMAL with each other, with the same leases."""
        second = self.boards[1] if len(self.boards) == 2 else None
        peer = self._peer(second) if second else None
        mine = self._peer(self.boards[0])
        assert mine is not None
        if second is None or peer is None or not self.plan.is_served(second):
            return self._place(2, second, self.there, self.boards[0].name, mine)
        self._done("stop-2", f"dhcpd on {self.there} is off")
        self._done("load-2", f"{second} serves by its configuration, as {peer['role']}")
        both = (mine, peer)
        if not all(_settled(one) and one["partner"] == "Twinlease" for one in both):
            says = "; ".join(f"{board} is {_state(one)}" for board, one in zip(self.boards, both, strict=True))
            return self._wait("join-2", f"the two boards to be in normal: {says}", second, peer)
        self._done("join-2", "both boards are in normal")
        if unequal is None or unequal:
            says = "the tables to be equal" + (f": {unequal} leases are not yet" if unequal else "")
            return self._wait("equal", says, second, peer, (unequal,))
        self._done("equal", f"both have the same leases: {_active(second)}")
        return Standing(self.steps)

    def _place(self, n: int, board: Facts | None, here: str, there: str, mine: Json | None = None) -> Standing:
        """A board is to stand in a dhcpd's place: that one is stopped, says its operator; then the board is loaded."""
        who = str(board) if board else "a second board"
        if here not in self.stopped:
            if mine is not None and not mine["linked"]:
                says = (
                    f"dhcpd on {here} is not connected, and {self.boards[0]} answers everybody. If you have stopped "
                    f"it, give {who} its address and plug it in"
                )
            else:
                left = f"dhcpd on {there}" if n == 1 else f"board {there}"
                says = (
                    f"stop dhcpd on {here}, for good ({left} answers everybody meanwhile), take that address off its "
                    f"host, and plug {who} in with the address {here}"
                )
            return self._turn(f"stop-{n}", OPERATOR, says, stop=here)
        if mine is not None and mine["linked"]:
            says = f"dhcpd on {here} to be gone: you say that it is off, and {self.boards[0]} is still connected to it"
            return self._turn(f"stop-{n}", WAIT, says, stop=here)
        self._done(f"stop-{n}", f"dhcpd on {here} is off, you say")
        if board is None:
            return self._turn(
                f"load-{n}", OPERATOR, f"name the second board, too; it has the address {here}", stop=here
            )
        if not all(one["connected"] for one in board.interfaces):
            return self._turn(f"load-{n}", WAIT, f"the cable of {board}: it has no link")
        if any(pool["active"] for pool in board.pools):
            says = (
                f"{board} has leases already, of something else that it served: forget them (twinlease console "
                f"{board.port}, and type: factory-reset)"
            )
            return self._turn(f"load-{n}", OPERATOR, says, stop=here)
        return self._turn(f"load-{n}", LOAD, f"{board} to serve by the configuration", load=board)

    def _joining(self, board: Facts, peer: Json) -> str:
        """What the first board waits for, in words that hide nothing."""
        dhcpd = f"dhcpd on {self.there}"
        if not peer["linked"]:
            return f"{dhcpd} to connect; it may take some seconds to see that the one on {self.here} is gone"
        if peer["state"] == _MCLT_WAIT:
            over = _wait_over(board, peer)
            return (
                f"MCLT to pass: all leases are here ({_active(board)}), and a dhcpd wants {peer['mclt']} s between; "
                f"{dhcpd} answers everybody" + ("" if over is None else f"; {over} s are left at most")
            )
        if peer["state"] == "recover":
            return f"all leases to come from {dhcpd}: {_active(board)} so far"
        owed = peer["unacked"] + peer["due"]
        return f"{dhcpd} to be in normal with {board}: {_state(peer)}" + (f", {owed} updates to go" if owed else "")

    def _wait(self, key: str, says: str, board: Facts, peer: Json, more: tuple[Any, ...] = ()) -> Standing:
        marks = (
            peer["state"],
            peer["partner_state"],
            peer["linked"],
            peer["unacked"],
            peer["due"],
            _active(board),
            *more,
        )
        if peer["state"] != _MCLT_WAIT:
            return self._turn(key, WAIT, says, marks=marks)
        return self._turn(key, WAIT, says, left_s=_wait_over(board, peer), still_s=peer["mclt"], marks=marks)

    def _turn(self, key: str, turn: str, says: str, **more: Any) -> Standing:
        """The steps so far, this one, and those to come."""
        coming = _COMING[[name for name, _ in _COMING].index(key) :]
        steps = [Step(key, NOW, _first_words(turn, says))]
        steps += [Step(name, LATER, words) for name, words in coming[1:]]
        return Standing(self.steps + steps, turn, says, **more)

    def _done(self, key: str, says: str) -> None:
        self.steps.append(Step(key, DONE, says))

    def _peer(self, board: Facts) -> Json | None:
        return next((peer for peer in board.peers if peer["name"] == self.plan.peer), None)


_COMING = (
    ("stop-1", "one dhcpd is stopped"),
    ("load-1", "a board in its place gets the configuration"),
    ("join-1", "it learns all leases from the other dhcpd, waits for MCLT, and is in normal with it"),
    ("stop-2", "the other dhcpd is stopped"),
    ("load-2", "a second board in its place gets the configuration"),
    ("join-2", "the two boards are in normal"),
    ("equal", "their leases are compared"),
)


def _in_order(plan: Plan, boards: Sequence[Facts]) -> Sequence[Facts]:
    """The one that is in the pair comes first, however they are named."""
    if len(boards) == 2 and plan.is_served(boards[1]) and not plan.is_served(boards[0]):
        return boards[1], boards[0]
    return boards


def _first_words(turn: str, says: str) -> str:
    return f"waits for {says}" if turn == WAIT else says


def _settled(peer: Json) -> bool:
    wanted = {"state": "normal", "partner_state": "normal", "linked": True, "serves": True, "unacked": 0, "due": 0}
    return all(peer[key] == value for key, value in wanted.items())


def _state(peer: Json) -> str:
    link = "" if peer["linked"] else ", not connected"
    return f"{peer['state']}, its partner {peer['partner_state']}{link}"


def _wait_over(board: Facts, peer: Json) -> int | None:
    """Seconds until RECOVER-WAIT is over at the latest, by the board's log and clock; None if its log has gone on."""
    now, words = board.unix_time, f"failover peer {peer['name']}: I move from recover to {_MCLT_WAIT}"
    entered = [at for at, text in glance.log_lines(board.told.get("log")) if text == words]
    if now is None or not entered:
        return None
    return max(0, round(entered[-1] + int(peer["mclt"]) - now))


def _active(board: Facts) -> int:
    return sum(pool["active"] for pool in board.pools)


def _same(one: Json | None, two: Json | None) -> bool:
    """Who held a free address last binds nobody: only what is held counts, or rests because somebody else uses it."""
    states = [lease["state"] if lease else "free" for lease in (one, two)]
    if "active" not in states and "abandoned" not in states:
        return True
    if one is None or two is None or states[0] != states[1]:
        return False
    if states[0] == "abandoned":
        return True
    if (one["hardware"], one["client_id"]) != (two["hardware"], two["client_id"]):
        return False
    if one["ends"] is None or two["ends"] is None:
        return bool(one["ends"] == two["ends"])
    return bool(abs(one["ends"] - two["ends"]) <= _ENDS_APART_S)


def _knows(told: Json | None, lease: leases_file.Lease) -> bool:
    if told is None:
        return False
    same = told["hardware"] == lease.hardware and told["client_id"] == lease.client_id.hex()
    return bool((told["state"] == "active" and same) or told["cltt"] > lease.cltt)


def _instead(told: Json | None) -> str:
    if told is None:
        return "the board does not know that"
    return f"the board has it as {told['state']}" + (f", of {told['hardware']}" if told["hardware"] else "")


def _alone(file: str, pool: Any) -> carry.Left:
    ranges = ", ".join(f"{_dotted(one.first)} to {_dotted(one.last)}" for one in pool.ranges)
    return carry.Left(
        file,
        0,
        f"range {ranges}",
        "the pool has no failover peer, so its leases do not come over failover",
        'write failover peer "NAME"; into the pool, on both dhcpds, a lease time before you migrate',
    )


def _dotted(address: bytes) -> str:
    return ".".join(str(octet) for octet in address)


def _no_file(name: str) -> str:
    raise OSError(f"{name}: give `include` a line of its own")
