"""Where two dhcpds hurt people, and a pair with a board in it does not: clocks, replaced boards, what leases tell, drift, keys.

Points 4 to 7 and 9 of the project's list, a section each. The other points have files of their own: how long anybody waits
test_times.py, a partner that is gone test_alone.py, what becomes of faults test_faults.py and test_recovery.py.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from lab import packet
from lab.net import Host, within
from lab.packet import ACK, DISCOVER, OFFER, REQUEST, Message, ip4
from lab.pair import Pair, Terms
from lab.raw import Relay
from lab.sides import BoardSide, Side
from lab.site import CLIENTS
from lab.tools import require
from lab.wait import wait_for
from twinlease.failover.balance import bucket

ALONE = "communications-interrupted"
KEY = 'key "the north wind and the sun";'
OTHER_KEY = 'key "the sun and the north wind";'

Make = Callable[..., Pair]


@pytest.fixture
def pair_of_kinds(tmp_path: Path) -> Make:
    """Makes a pair of two that are named: `with pair_of_kinds("isc", "board", mclt_s=10) as pair`."""
    require()
    return lambda primary, secondary, **terms: Pair(primary, secondary, tmp_path, Terms(**terms))


@pytest.fixture
def boards(pair_of_kinds: Make) -> Make:
    """Makes a pair of boards."""
    return lambda **terms: pair_of_kinds("board", "board", **terms)


def board(side: Side) -> BoardSide:
    """The side, as what it is."""
    assert isinstance(side, BoardSide)
    return side


def numbers_of(pair: Pair, side: Side, n: int, first: int = 1) -> list[int]:
    """So many clients, from number `first` on, of the hash buckets of this side."""
    found = []
    number = first
    while len(found) < n:
        key = pair.clients.balance_key(number)
        if (bucket(key, 0, len(key)) < pair.terms.split) == (side is pair.primary):
            found.append(number)
        number += 1
    return found


def serve_both_buckets(pair: Pair, first: int = 1) -> list[int]:
    """Three new clients of each server's buckets get leases, each from its own; both know of them."""
    everybody = []
    for side in pair.sides:
        numbers = numbers_of(pair, side, 3, first)
        pair.clients.obtain(numbers)
        assert {pair.clients.leases[n].server for n in numbers} == {side.address}
        everybody += numbers
    known = pair.wait_agreed()
    for number in everybody:
        assert known[pair.clients.leases[number].address].state == "active"
    return everybody


# 4. Clocks


@pytest.mark.parametrize(("primary", "secondary"), [(90, 0), (0, -86400)], ids=["90-seconds", "a-day"])
def test_two_boards_whose_clocks_differ(boards: Make, primary: int, secondary: int) -> None:
    """A cold start: everybody is served, each board's times are right by its own clock, and the skew is shown."""
    with boards() as pair:
        board(pair.primary).board.rtc, board(pair.secondary).board.rtc = primary, secondary
        pair.start()
        served = serve_both_buckets(pair)
        pair.clients.renew(served)
        pair.wait_agreed()
        for side, behind in zip(pair.sides, (primary - secondary, secondary - primary)):
            assert abs(board(side).facts()["skew"] + behind) <= 1
            told = "behind" if behind > 0 else "ahead of"
            line = side.wait_log(
                rf"the partner's clock is (\d+) s {told} ours: times that cross the link are corrected"
            )
            assert abs(int(line.group(1)) - abs(behind)) <= 1


@pytest.mark.parametrize("ahead", [90, -90])
@pytest.mark.parametrize("who", [("board", "isc"), ("isc", "board")], ids=["primary", "secondary"])
def test_a_board_speaks_to_dhcpd_in_its_time(pair_of_kinds: Make, who: tuple[str, str], ahead: int) -> None:
    """dhcpd would refuse a partner 60 s off for good. A secondary knows its time before it speaks; a primary after one reject."""
    with pair_of_kinds(*who) as pair:
        ours, theirs = pair.sides if who[0] == "board" else (pair.secondary, pair.primary)
        board(ours).board.rtc = ahead
        pair.expected += ["time offset too large", "time mismatch too great"]
        pair.start()
        serve_both_buckets(pair)
        told = "behind" if ahead > 0 else "ahead of"
        ours.wait_log(rf"the partner's clock is (?:89|90|91) s {told} ours: we speak to it in its time")
        refused = len(re.findall("Failover CONNECT from .*time offset too large", theirs.whole_log()))
        assert refused <= (ours is pair.primary), theirs.whole_log()


@pytest.mark.parametrize(
    "who", [("board", "isc"), ("isc", "board"), ("board", "board")], ids=["isc-secondary", "isc-primary", "twin"]
)
def test_a_board_without_a_clock_takes_its_partners(pair_of_kinds: Make, who: tuple[str, str]) -> None:
    with pair_of_kinds(*who) as pair:
        ours = pair.primary if who[0] == "board" else pair.secondary
        board(ours).board.rtc = None
        pair.expected += ["time offset too large", "time mismatch too great"]
        pair.start()
        served = serve_both_buckets(pair)
        clock = board(ours).show("clock")
        assert clock["source"] == "partner" and clock["trusted"]
        pair.clients.renew(served)
        pair.wait_agreed()


# 5. A replaced board


@pytest.mark.parametrize("role", ["primary", "secondary"])
def test_a_replaced_board_serves_as_soon_as_it_has_the_table(boards: Make, role: str) -> None:
    """MCLT is a minute; the new board does not wait for it. (Beside dhcpd it does: test_recovery.py.)"""
    with boards(mclt_s=60) as pair:
        pair.start()
        side, other = pair.sides if role == "primary" else (pair.secondary, pair.primary)
        served = serve_both_buckets(pair)
        pair.cut_power(side)
        other.wait_state(ALONE)
        side.lose_database()
        pair.power_on(side)
        powered_at = time.time()
        pair.wait_normal()
        assert "recover-wait" not in [to for _, to in side.moves()]
        pair.clients.renew(served)  # each with the server that gave it the lease
        pair.clients.obtain(numbers_of(pair, side, 3, 100) + numbers_of(pair, other, 3, 100))
        first = next(event for event in pair.witness.answers(ACK, side.at) if event.at > powered_at)
        assert first.at - powered_at < pair.terms.mclt_s
        pair.wait_agreed()


# 6. What leases tell


CIRCUIT = b"\x01\x06floor7"
WITH_AGENT = 'class "floor" { match if option agent.circuit-id = "floor7"; }'


def obtain_through_relay(pair: Pair, side: Side, number: int) -> str:
    """A client behind a relay agent that says where it is gets a lease from this server: its address."""
    with Relay(pair.site.clients["a"], CLIENTS["a"], side.address) as relay:
        tells = [(packet.HOST_NAME, b"attic"), (packet.AGENT, CIRCUIT)]
        offer = _told(relay, pair, number, [(packet.TYPE, bytes([DISCOVER])), *tells], OFFER)
        wants = [(packet.REQUESTED, ip4(offer.yiaddr)), (packet.SERVER_ID, offer.get(packet.SERVER_ID) or b"")]
        return _told(relay, pair, number, [(packet.TYPE, bytes([REQUEST])), *wants, *tells], ACK).yiaddr


def _told(relay: Relay, pair: Pair, number: int, options: packet.Options, kind: int) -> Message:
    relay.send(Message(chaddr=pair.clients.mac(number), options=options + pair.clients.identity(number)))
    heard = relay.hear(10.0)
    assert heard is not None and heard.message.kind == kind, heard
    return heard.message


@pytest.mark.parametrize("who", [("board", "board"), ("board", "isc"), ("isc", "board")], ids="-".join)
def test_names_and_relay_data_reach_the_partner(pair_of_kinds: Make, who: tuple[str, str]) -> None:
    """What one board has heard of a client, the other shows; a dhcpd passes over it, and loses nothing else."""
    with pair_of_kinds(*who, top=WITH_AGENT) as pair:
        pair.start()
        told = {}
        for side in pair.sides:
            plain, relayed = numbers_of(pair, side, 2)
            pair.clients.tells[plain] = [(packet.HOST_NAME, b"box-%d" % plain)]
            pair.clients.obtain([plain])
            told[pair.clients.leases[plain].address] = (f"box-{plain}", "")
            told[obtain_through_relay(pair, side, relayed)] = ("attic", CIRCUIT.hex())
        pair.wait_agreed()
        if pair.boards_only:
            for side in pair.sides:
                rows = {row["address"]: (row["name"], row["agent"]) for row in board(side).show("leases")}
                assert rows == told


# 7. Two configurations


@pytest.mark.parametrize(
    ("ours", "theirs", "says"),
    [
        ("range 10.53.1.0 10.53.1.99;", "range 10.53.1.0 10.53.1.79;", "the ranges of the pools differ"),
        ("mclt 60;", "mclt 30;", "mclt differs"),
        ("split 128;", "split 64;", "the balance differs"),
        ("default-lease-time 300;", "default-lease-time 200;", "lease times differ"),
    ],
    ids=["ranges", "mclt", "split", "lease-times"],
)
def test_configurations_that_differ_are_named(boards: Make, ours: str, theirs: str, says: str) -> None:
    """One file was edited, and the other forgotten: both boards say what differs, until it is mended."""
    with boards() as pair:
        board(pair.secondary).edit(ours, theirs)
        pair.launch()
        pair.wait_normal()
        for side in pair.sides:
            side.wait_log(says)
            assert [says in sentence for sentence in board(side).facts()["differences"]] == [True]
            assert re.search(f"differs +{says}.* fo-lab", board(side).ask("show failover"))
        pair.cut_power(pair.secondary)
        board(pair.secondary).edit(theirs, ours)
        pair.power_on(pair.secondary)
        pair.wait_normal()
        for side in pair.sides:
            assert board(side).facts()["differences"] == []
        assert says not in pair.secondary.log()
        serve_both_buckets(pair)


# 9. Key, strangers, half-open connections


def test_two_boards_with_the_same_key(boards: Make) -> None:
    with boards(extra=KEY) as pair:
        pair.start()
        pair.clients.renew(serve_both_buckets(pair))
        pair.wait_agreed()


@pytest.mark.parametrize("role", ["primary", "secondary"])
@pytest.mark.parametrize("wrong", [OTHER_KEY, ""], ids=["another-key", "no-key"])
def test_a_partner_that_has_not_the_key_is_refused(boards: Make, wrong: str, role: str) -> None:
    """It says why, a few times and not for ever; both serve as they do alone; with the key all is well again."""
    with boards(extra=KEY) as pair:
        pair.start()
        served = serve_both_buckets(pair)
        side, other = pair.sides if role == "primary" else (pair.secondary, pair.primary)
        pair.cut_power(side)
        board(side).edit(KEY, wrong)
        pair.expected += ["[Mm]essage digest", "already connected"]
        mark = other.mark()
        side.launch()  # pair.power_on would tell the witness that they are united again
        powered_at = time.time()
        for one, since in ((side, None), (other, mark)):
            one.wait_state(ALONE)
            one.wait_log("[Mm]essage digest", since=since)
        pair.clients.rebind(served)
        pair.clients.obtain(range(200, 206))
        for one in pair.sides:
            assert any(event.at > powered_at for event in pair.witness.answers(ACK, one.at))
        said = side.log() + other.log(mark)
        assert ("this server has a key, its partner has none" if not wrong else "the partner has another key") in said
        lines = [line for line in said.splitlines() if re.search("digest|rejected|already connected", line)]
        assert max(map(lines.count, lines)) <= 2, lines
        assert board(side).facts()["linked"] is board(other).facts()["linked"] is False
        pair.cut_power(side)
        board(side).edit(f"load balance max seconds 3;\n  {wrong}", f"load balance max seconds 3;\n  {KEY}")
        pair.power_on(side)
        pair.wait_normal()


def test_a_stranger_is_not_heard(boards: Make) -> None:
    """Whoever is not the partner is closed at once, and fills no log."""
    with boards() as pair:
        pair.start()
        for side in pair.sides:
            with connections(pair.site.clients["a"], CLIENTS["a"], side, 20) as found:
                wait_for(lambda: all(is_closed(one) for one in found), 60, "all strangers to be closed")
            side.wait_log(rf"failover: closed a connection from {CLIENTS['a']}: not a peer address")
            assert side.log().count("closed a connection from") == 1
            assert side.state() == "normal"
        serve_both_buckets(pair)


@pytest.mark.parametrize("role", ["primary", "secondary"])
def test_half_open_connections_are_bounded(boards: Make, role: str) -> None:
    """The partner's host opens connections and says nothing: two at most are heard, and clients go on."""
    with boards() as pair:
        pair.start()
        side, other = pair.sides if role == "primary" else (pair.secondary, pair.primary)
        served = serve_both_buckets(pair)
        pair.cut_power(side)
        other.wait_state(ALONE)
        with connections(side.host, side.address, other, 10) as found:
            wait_for(lambda: sum(map(is_closed, found)) >= 8, 60, "all connections but two to be closed")
            pair.clients.rebind(served)
            pair.clients.obtain(numbers_of(pair, side, 2, 100) + numbers_of(pair, other, 2, 100))
            assert sum(map(is_closed, found)) < 10, "none was left open: nothing was tested"
        pair.power_on(side)
        pair.wait_normal()


def test_half_open_connections_beside_a_link_do_not_touch_it(boards: Make) -> None:
    with boards() as pair:
        pair.start()
        for side in pair.sides:
            with connections(pair.partner(side).host, pair.partner(side).address, side, 10) as found:
                wait_for(lambda: sum(map(is_closed, found)) >= 9, 60, "all connections but one to be closed")
                serve_both_buckets(pair, 1 if side is pair.primary else 100)
            assert side.state() == "normal" and ALONE not in [to for _, to in side.moves()]


@contextmanager
def connections(host: Host, address: str, to: Side, n: int) -> Iterator[list[socket.socket]]:
    """TCP connections from this host to a server's failover port; nobody says anything on them."""

    def dial() -> list[socket.socket]:
        return [socket.create_connection((to.address, 647), 10, (address, 0)) for _ in range(n)]

    with ExitStack() as stack:
        found = within(host.netns, dial)
        for one in found:
            stack.enter_context(one)
            one.setblocking(False)
        yield found


def is_closed(one: socket.socket) -> bool:
    """Whether the other end has closed it. What it says is passed over: a primary's first word is CONNECT."""
    try:
        while one.recv(4096):
            pass
    except BlockingIOError:
        return False
    except ConnectionError:
        pass
    return True
