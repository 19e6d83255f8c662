"""The model of dhcpd does what real ones did in the captures: what the partner said then is said to it, and it answers."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest

from tests.simulation import isc, isc_server, judge
from tests.simulation.__main__ import servers_of
from tests.unit import captures

NAME = b"fo-lab"
SPLIT_128 = b"\xff" * 16 + bytes(16)
RANGE = [bytes((10, 53, 0, n)) for n in range(100, 120)]


def messages(octets: bytes) -> list[bytes]:
    found, at = [], 0
    while at + 12 <= len(octets):
        n = int.from_bytes(octets[at : at + 2], "big")
        found.append(octets[at : at + n])
        at += n
    return found


def conversation(capture: str, port: int = 647) -> list[list[tuple[bool, bytes]]]:
    """[(does the primary say it, message), …] of each connection, in the order of the segments."""
    flows: dict[bytes, bytearray] = {}
    found: dict[bytes, list[tuple[bool, bytes]]] = {}
    for sender, flow, _, _, octets in captures.segments(capture, port):
        if not octets:
            continue
        # Both directions of a connection: the two (address, port) pairs, in order.
        ends = sorted(((flow[0:4], flow[8:10]), (flow[4:8], flow[10:12])))
        key = b"".join(a + p for a, p in ends)
        stream = flows.setdefault(flow, bytearray())
        stream += octets
        for message in messages(bytes(stream)):
            if len(message) == int.from_bytes(message[:2], "big"):
                found.setdefault(key, []).append((sender == captures.PRIMARY, message))
                del stream[: len(message)]
    return list(found.values())


class Replay:
    """One side is the model; the other says what it said in the capture, each message as soon as all of the model's
    that stood before it have come."""

    def __init__(self, primary: bool, mclt: int) -> None:
        self.primary = primary
        hba = SPLIT_128 if primary else bytes(32)
        self.model = isc.Dhcpd(primary, NAME, mclt, hba, [RANGE], random.Random(1))
        self.heard: list[bytes] = []
        self.expected: list[bytes] = []

    def run(self, talk: list[tuple[bool, bytes]], orders: tuple[int, ...] = (), killed: bool = False) -> None:
        """orders: states that the operator set in the capture, in turn; killed: it is killed at the end."""
        waiting = list(orders)
        now = time_of(talk)
        c = self.model.opened(now)
        for from_primary, octets in talk:
            now = max(now, int.from_bytes(octets[4:8], "big"))
            self.model.tick(now)
            if from_primary == self.primary:
                if waiting and gist(octets) == (isc.STATE, waiting[0], 0):
                    self.model.set_state(waiting.pop(0))
                    # What was acknowledged in the capture was not always what the model had sent by then.
                    self.model.updates.clear()
                self.expected.append(octets)
            else:
                self.model.hear(c, self._with_our_xid(octets), now)
            self.heard += c.out
            c.out.clear()
        if not killed:
            self.model.closed(c, now)
        assert not waiting

    def _with_our_xid(self, octets: bytes) -> bytes:
        """A BNDACK acknowledges our update of the address, not that of the real one with another number."""
        m = isc.decode(octets)
        if m is None or m.kind != isc.BNDACK or m.options[isc.ADDRESS] not in self.model.unacked:
            return octets
        return octets[:8] + self.model.unacked[m.options[isc.ADDRESS]][0].to_bytes(4, "big") + octets[12:]


def time_of(talk: list[tuple[bool, bytes]]) -> int:
    return int.from_bytes(talk[0][1][4:8], "big")


def gist(message: bytes) -> Any:
    """What counts of a message: its kind; of a STATE the state and flag, of an update the address, status and times."""
    m = isc.decode(message)
    assert m is not None
    if m.kind == isc.STATE:
        return m.kind, m.number(isc.SERVER_STATE), m.number(isc.SERVER_FLAGS)
    if m.kind == isc.BNDUPD:
        return m.kind, m.options[isc.ADDRESS][3], m.number(isc.STATUS)
    if m.kind == isc.BNDACK:
        return m.kind, m.options[isc.ADDRESS][3], m.number(isc.REJECT)
    return (m.kind,)


def states(found: list[bytes]) -> list[Any]:
    return [gist(m) for m in found if m[2] == isc.STATE]


def kinds(found: list[bytes]) -> list[Any]:
    return [g for g in map(gist, found) if g[0] not in (isc.CONTACT,)]


BOTH = pytest.mark.parametrize("primary", [True, False], ids=["primary", "secondary"])
RECOVERED = [(isc.STATE, state, flag) for state, flag in ((isc.R, 1), (isc.R, 0), (isc.RD, 0), (isc.N, 0))]


def started(capture: str, primary: bool, mclt: int) -> tuple[Replay, list[list[tuple[bool, bytes]]]]:
    """The model has been through the first connection of the capture, a cold start."""
    replay = Replay(primary, mclt)
    talks = conversation(capture)
    replay.model.start(time_of(talks[0]) - 3 * primary)
    return replay, talks


def agree(replay: Replay) -> None:
    """It has said the states that the real one said, in that order."""
    assert states(replay.heard) == states(replay.expected)
    replay.heard, replay.expected = [], []


@BOTH
def test_a_cold_start(primary: bool) -> None:
    """Message for message, but for when acknowledgements leave."""
    replay, talks = started("01-cold-start", primary, 60)
    replay.run(talks[0])
    assert states(replay.heard) == states(replay.expected) == RECOVERED
    assert sorted(kinds(replay.heard)) == sorted(kinds(replay.expected))
    for kind in (isc.BNDUPD, isc.UPDREQALL, isc.UPDDONE):
        assert [g for g in kinds(replay.heard) if g[0] == kind] == [g for g in kinds(replay.expected) if g[0] == kind]


@BOTH
def test_partner_down_and_the_partners_return(primary: bool) -> None:
    replay, talks = started("03-partner-down-and-return", primary, 40)
    replay.run(talks[0], killed=not primary)
    agree(replay)
    if primary:
        replay.model.set_state(isc.PD)
    else:
        replay.model.start(time_of(talks[1]))
    replay.run(talks[1])
    agree(replay)


@BOTH
def test_a_lost_database(primary: bool) -> None:
    replay, talks = started("04-lost-database-recover-wait", primary, 20)
    replay.run(talks[0])
    agree(replay)
    if not primary:
        replay.model.lose_data()
        replay.model.start(time_of(talks[1]) - 1)
    replay.run(talks[1])
    agree(replay)


@BOTH
def test_both_were_declared_down(primary: bool) -> None:
    replay, talks = started("04-lost-database-recover-wait", primary, 20)
    replay.run(talks[0])
    agree(replay)
    replay.model.set_state(isc.PD)
    replay.run(conversation("05-potential-conflict")[1])
    agree(replay)


@BOTH
def test_a_restart(primary: bool) -> None:
    replay, talks = started("08-restart-normal", primary, 60)
    replay.run(talks[0], killed=not primary)
    agree(replay)
    if not primary:
        replay.model.start(time_of(talks[1]))
    replay.run(talks[1])
    agree(replay)


@BOTH
def test_shutdown_recover_paused(primary: bool) -> None:
    replay, talks = started("09-shutdown-recover-paused", primary, 60)
    replay.run(talks[0], () if primary else (isc.SD, isc.R, isc.PA, isc.CI))
    agree(replay)


def test_what_it_says_to_faulty_partners() -> None:
    """Captures 10 and 11: DISCONNECT and CONNECTACK, octet for octet but for the xid and the clock."""
    for capture, primary in (
        ("10-disconnect-from-isc-primary", True),
        ("11-connectack-rejects-from-isc-secondary", False),
    ):
        for talk in conversation(capture):
            theirs = [octets for from_primary, octets in talk if from_primary != primary]
            if not theirs or theirs[0][2] not in (isc.CONNECT, isc.CONNECTACK):
                continue
            ours = [octets for from_primary, octets in talk if from_primary == primary]
            if not ours:
                continue
            model = Replay(primary, 60).model
            now = int.from_bytes(ours[-1][4:8], "big")
            model.start(now)
            c = model.opened(now)
            model.hear(c, theirs[0], now)
            said = [octets for octets in c.out if octets[2] in (isc.CONNECTACK, isc.DISCONNECT)]
            real = [octets for octets in ours if octets[2] in (isc.CONNECTACK, isc.DISCONNECT)]
            assert [isc.decode(m).options for m in said[:1]] == [isc.decode(m).options for m in real[:1]]  # type: ignore[union-attr]


# What makes it exit, hang and flood: reference section 0


def linked(primary: bool, state: int) -> tuple[isc.Dhcpd, isc.Connection]:
    model = Replay(primary, 60).model
    model.start(1_000_000)
    c = model.opened(1_000_000)
    hello = ((isc.NAME, NAME), (isc.MAX_UNACKED, 3), (isc.RECEIVE_TIMER, 9), (isc.MCLT, 60), (isc.HBA, SPLIT_128))
    model.hear(c, isc.encode(isc.CONNECTACK if primary else isc.CONNECT, 1_000_000, 0, hello), 1_000_000)
    model.set_state(state)
    c.out.clear()
    return model, c


def test_a_binding_status_that_does_not_exist_ends_one_in_normal() -> None:
    model, c = linked(True, isc.N)
    with pytest.raises(isc.Exited):
        model.hear(c, isc.encode(isc.BNDUPD, 1_000_000, 1, ((isc.ADDRESS, RANGE[0]), (isc.STATUS, 9))), 1_000_000)


@pytest.mark.parametrize("partner", [isc.CI, isc.PD, isc.CD, isc.R, isc.RW, isc.RD, isc.PA])
def test_conflict_done_bears_four_states(partner: int) -> None:
    model, c = linked(True, isc.CD)
    with pytest.raises(isc.Exited):
        model.hear(c, isc.encode(isc.STATE, 1_000_000, 1, ((isc.SERVER_STATE, partner),)), 1_000_000)


def test_a_ddns_option_or_one_that_comes_twice_closes_the_link() -> None:
    for options in (((9, b""),), ((isc.ADDRESS, RANGE[0]), (isc.ADDRESS, RANGE[1]))):
        model, c = linked(True, isc.N)
        model.hear(c, isc.encode(isc.BNDUPD, 1_000_000, 1, options), 1_000_000)
        assert c.closing and model.state == isc.CI


def test_updates_that_were_lost_in_recover_are_never_sent_again() -> None:
    model, c = linked(True, isc.R)
    model.hear(c, isc.encode(isc.UPDREQALL, 1_000_000, 7), 1_000_000)
    assert len([m for m in c.out if m[2] == isc.BNDUPD]) == 3
    model.closed(c, 1_000_000)
    assert model.outstanding == 3 and len(model.unacked) == 3
    d = model.opened(1_000_005)
    hello = ((isc.NAME, NAME), (isc.MAX_UNACKED, 3), (isc.RECEIVE_TIMER, 9))
    model.hear(d, isc.encode(isc.CONNECTACK, 1_000_005, 0, hello), 1_000_005)
    d.out.clear()
    model.hear(d, isc.encode(isc.UPDREQALL, 1_000_005, 2), 1_000_005)
    assert not d.out
    reject = ((isc.ADDRESS, RANGE[0]), (isc.REJECT, 6), (isc.TEXT, b""))
    model.hear(d, isc.encode(isc.BNDACK, 1_000_005, 99, reject), 1_000_005)
    assert [m[2] for m in d.out] == [isc.BNDUPD], "a reject frees the place, whatever its xid"


def test_a_clock_a_minute_off_is_refused_for_ever() -> None:
    for off, refused in ((60, False), (61, True), (-61, True)):
        model = Replay(False, 60).model
        model.start(1_000_000)
        c = model.opened(1_000_000)
        hello = ((isc.NAME, NAME), (isc.MCLT, 60), (isc.HBA, SPLIT_128))
        model.hear(c, isc.encode(isc.CONNECT, 1_000_000 + off, 0, hello), 1_000_000)
        assert c.closing is refused


@pytest.mark.parametrize(
    ("params", "seconds"),
    [
        ({"max-lease-time": 1800}, 300),
        ({"max-lease-time": 60}, 60),
        ({"max-lease-time": 1800, "min-lease-time": 0}, 30),
        ({"max-lease-time": 60, "min-lease-time": 120}, 120),
    ],
)
def test_a_wish_for_less_than_the_shortest_lease(params: dict[str, int], seconds: int) -> None:
    """Found by seed 219: the shortest is 300 s where the configuration says nothing, or the longest if that is less."""
    server: Any = SimpleNamespace(params=params)
    assert isc_server.IscServer._want_s(server, (30).to_bytes(4, "big")) == seconds


# What the judge excuses a dhcpd: README.md


def leased(state: int, primary: bool = False) -> tuple[isc.Dhcpd, isc.Connection, isc.Lease, list[Any]]:
    """One that has leased an address for another 50 s; and where it tells that it forgets that."""
    model, c = linked(primary, state)
    lease = model.leases[RANGE[0]]
    lease.state = lease.rewind = model.own
    model.updates.clear()
    model.unacked.clear()
    model.outstanding = 0
    model.granted(lease, b"\1client", b"", 50, 50)
    model.unacked.clear()
    model.outstanding = 0
    told: list[Any] = []
    model.ends_early = lambda *what: told.append(what)
    return model, c, lease, told


def update(status: int, ends: int) -> bytes:
    about = ((isc.ADDRESS, RANGE[0]), (isc.STATUS, status), (isc.CHADDR, b"\1client"), (isc.ENDS, ends))
    return isc.encode(isc.BNDUPD, 1_000_000, 1, (*about, (isc.POTENTIAL, 999_990), (isc.STOS, 999_990)))


@pytest.mark.parametrize(
    ("status", "ends", "excused"),
    [
        (isc.EXPIRED, 999_000, [(RANGE[0], 1_000_000, "65 s")]),
        (isc.ACTIVE, 1_000_020, [(RANGE[0], 1_000_020, "ACTIVE over ACTIVE")]),
        (isc.ACTIVE, 1_000_050, []),
        (isc.BACKUP, 999_000, []),
        (isc.RELEASED, 999_000, []),
    ],
)
def test_it_tells_when_it_forgets_a_lease_as_it_is_known_to(status: int, ends: int, excused: list[Any]) -> None:
    """A RELEASED or BACKUP that ends a lease which runs is for our side not to say: nothing is excused."""
    model, c, lease, told = leased(isc.N)
    model.hear(c, update(status, ends), 1_000_000)
    assert lease.ends == ends and told == excused


def test_it_tells_nothing_of_a_lease_that_is_over_or_kept() -> None:
    model, c, lease, told = leased(isc.N)
    lease.ends = 1_000_066
    model.hear(c, update(isc.EXPIRED, 999_000), 1_000_000)
    assert lease.state == isc.ACTIVE and not told
    model.now = lease.ends = 1_000_000
    model.hear(c, update(isc.EXPIRED, 999_000), 1_000_000)
    assert lease.state == isc.FREE and not told


class Server:
    """As much of one as the judge asks."""

    name, incarnation, ahead_s, state = "A", 1, 0, 3

    def __init__(self, agreed: int = 0, cut_ms: int = 0, doubt: str = "") -> None:
        self.agreed, self.cut_ms, self.doubt = agreed, cut_ms, doubt

    def agreed_by_itself(self, address: bytes) -> tuple[int, str]:
        return self.agreed, "MCLT twice"

    def promised_until(self, seconds: int) -> int:
        return 1000 * seconds - self.cut_ms

    def kept(self, address: bytes) -> None:
        pass

    def in_doubt(self, address: bytes) -> str:
        return self.doubt


def judged() -> tuple[judge.Judge, list[str]]:
    """MCLT is 60 s, it is 0 s."""
    found: list[str] = []
    world: Any = SimpleNamespace(
        loop=SimpleNamespace(now=0), violated=lambda which, what: found.append(which), other=lambda server: server
    )
    return judge.Judge(world, 60, {RANGE[0]}, 3600), found


def test_a_dhcpd_in_partner_down_may_give_mclt_twice_and_not_a_second_more() -> None:
    for agreed_ms, seconds, violated in ((0, 90, True), (30_000, 90, False), (30_000, 99, True), (60_000, 120, False)):
        one, found = judged()
        one.replied(Server(agreed_ms), judge.ACK, RANGE[0], b"client", seconds)
        assert found == ["S3"] * violated, (agreed_ms, seconds)
        assert one.weaknesses["MCLT twice"] == (not violated)
        assert violated or one.promises[RANGE[0]][b"client"].until == 60_000, "what is beyond is held against nobody"


def test_a_dhcpd_that_loses_what_it_wrote_last_counts_by_what_was_agreed_before() -> None:
    """Found by seed 400163: after a power cut its file has the RELEASED lease still, and what was agreed while it ran."""
    model = Replay(True, 60).model
    model.start(1_000_000)
    lease = model.leases[RANGE[0]]
    lease.tsfp = 1_007_200
    model._changed(lease)
    model.commit()
    lease.tsfp = 1_000_100
    model._changed(lease)
    for now in (1_000_200, 1_000_300):
        model.start(now)
        lease = model.leases[RANGE[0]]
        assert (lease.tsfp, lease.raised, lease.raised_by) == (1_007_200, 1_007_200, "rewind")
    lease.tsfp, lease.raised = 1_007_300, 0  # agreed anew
    model._changed(lease)
    model.commit()
    model.start(1_000_400)
    assert not model.leases[RANGE[0]].raised


def test_what_was_agreed_is_in_doubt_when_partner_down_makes_it_less() -> None:
    """Found by seed 620127: an address whose lease it had taken for over is free at stos + MCLT, whatever was agreed."""
    model = Replay(True, 60).model
    model.start(1_000_000)
    for address, tsfp in ((RANGE[0], 1_000_500), (RANGE[1], 1_000_050)):
        model.leases[address].state, model.leases[address].tsfp = isc.EXPIRED, tsfp
    model.set_state(isc.CI)
    model.now = 1_000_000
    model.set_state(isc.PD)
    assert [model.leases[address].doubt for address in RANGE[:2]] == ["stos + MCLT", ""]
    assert [model.leases[address].tsfp for address in RANGE[:2]] == [1_000_060] * 2


def test_what_a_dhcpd_forgets_is_excused_of_its_own_leases_alone() -> None:
    one, found = judged()
    one.replied(Server(), judge.ACK, RANGE[0], b"client", 50)
    other: Any = SimpleNamespace(name="B")
    one.shortened(other, RANGE[0], 0, "65 s")
    one.shortened(Server(), RANGE[1], 0, "65 s")
    assert not one.weaknesses
    one.shortened(Server(), RANGE[0], 20_000, "65 s")
    one.world.loop.now = 19_999
    one.replied(Server(), judge.ACK, RANGE[0], b"another", 50)
    assert found == ["S1"] and one.weaknesses == {"65 s": 1}
    one, found = judged()
    one.replied(Server(), judge.ACK, RANGE[0], b"client", 50)
    one.shortened(Server(), RANGE[0], 20_000, "65 s")
    one.world.loop.now = 20_000
    one.replied(Server(), judge.ACK, RANGE[0], b"another", 50)
    assert not found


def test_what_a_dhcpd_gives_in_doubt_may_collide_and_nothing_after_that() -> None:
    for doubt in ("", "DECLINE"):
        one, found = judged()
        one.replied(Server(), judge.ACK, RANGE[0], b"client", 50)
        one.replied(Server(doubt=doubt), judge.ACK, RANGE[0], b"another", 50)
        assert found == ["S1"] * (not doubt) and one.weaknesses == ({doubt: 1} if doubt else {})
        one.world.loop.now = 50_000
        found.clear()
        one.replied(Server(), judge.ACK, RANGE[0], b"client", 60)
        one.replied(Server(), judge.ACK, RANGE[0], b"another", 60)
        assert found == ["S1"]


def test_what_is_left_of_two_seconds_is_over_when_a_dhcpd_says_so() -> None:
    for at, violated in ((47_999, True), (48_000, False)):
        one, found = judged()
        one.replied(Server(), judge.ACK, RANGE[0], b"client", 50)
        one.world.loop.now = at
        one.is_over(RANGE[0], "a second")
        one.replied(Server(), judge.ACK, RANGE[0], b"another", 50)
        assert found == ["S1"] * violated


@pytest.mark.parametrize("heard", [False, True])
def test_a_declined_address_is_in_doubt_until_the_partner_has_heard(heard: bool) -> None:
    model, c, lease, _ = leased(isc.N, primary=True)
    c.out.clear()
    model.abandoned(lease, 600)
    if heard:
        m = isc.decode(c.out[-1])
        assert m is not None
        model.hear(c, isc.encode(isc.BNDACK, 1_000_000, m.xid, ((isc.ADDRESS, RANGE[0]),)), 1_000_000)
    assert lease.doubt == ("" if heard else "DECLINE")


def test_a_power_cut_that_takes_what_the_partner_was_told_leaves_the_address_in_doubt() -> None:
    """Of what is committed, as each ACK is, the rewind state is that of before the update."""
    for told, doubt in ((True, "rewind"), (False, "")):
        model, _, lease, _ = leased(isc.N, primary=True)
        if not told:
            model.told.clear()
        model.start(1_000_010)
        model.set_state(isc.CI)
        model.tick(1_000_060)
        lease = model.leases[RANGE[0]]
        assert lease.state == isc.FREE and lease.doubt == doubt


def test_each_fourth_world_is_mixed_and_can_be_asked_for() -> None:
    drawn = [servers_of(seed, "drawn") for seed in range(8)]
    assert drawn == [None, None, None, isc_server.mixed] * 2
    assert servers_of(3, "boards") is None and servers_of(0, "isc") is isc_server.mixed
