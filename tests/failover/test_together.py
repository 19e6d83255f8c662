"""Two servers that work with each other, nothing being done to them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from lab import failover_wire
from lab.packet import OFFER
from lab.pair import Pair
from lab.wait import wait_for
from twinlease.failover.balance import bucket

PairOf = Callable[..., Pair]


def test_a_fresh_pair_reaches_normal_and_shares_the_addresses(pair_of: PairOf) -> None:
    with pair_of() as pair:
        pair.start()
        assert [side.free_lists(100) for side in pair.sides] == [(50, 50), (50, 50)]
        passed = {state for side in pair.sides for move in side.moves() for state in move}
        assert not passed & {"partner-down", "potential-conflict", "shutdown", "communications-interrupted"}


@pytest.mark.parametrize("first", ["primary", "secondary"])
def test_a_server_that_is_alone_at_first_waits_for_the_other(pair_of: PairOf, first: str) -> None:
    with pair_of() as pair:
        early = pair.primary if first == "primary" else pair.secondary
        early.start()
        early.wait_log("I move from recover to startup")
        pair.partner(early).launch()
        pair.wait_normal()
        pair.wait_agreed()
        pair.clients.obtain(range(1, 9))


def test_200_leases_flow_both_ways(pair_of: PairOf) -> None:
    with pair_of(pool=260) as pair:
        pair.start()
        everybody = range(1, 201)
        pair.clients.obtain(everybody)
        by_server = [lease.server for lease in pair.clients.leases.values()]
        assert min(by_server.count("10.53.0.1"), by_server.count("10.53.0.2")) > 60, "one server did nearly all"
        assert {lease.lease_s for lease in pair.clients.leases.values()} == {60}, "MCLT, the first time"
        check_clients(pair, 200)
        pair.clients.renew(everybody)
        assert {lease.lease_s for lease in pair.clients.leases.values()} == {300}, "the partner has agreed"
        check_clients(pair, 200)
        pair.clients.rebind(range(1, 13))
        pair.clients.reboot(range(13, 19))
        pair.clients.release(range(19, 39))
        pair.clients.decline(range(39, 42))
        known = check_clients(pair, 177)
        assert sum(bound.state == "abandoned" for bound in known.values()) == 3


def check_clients(pair: Pair, active: int) -> dict[str, object]:
    """Both databases have every client's lease, and so many in all. Nobody tells that a RELEASE or DECLINE has been dealt with."""

    def counted() -> bool:
        return all(sum(b.state == "active" for b in side.leases().values()) == active for side in pair.sides)

    wait_for(counted, 60, f"{active} active leases at both", glance_s=0.3)
    known = pair.wait_agreed()
    for number, lease in pair.clients.leases.items():
        assert known[lease.address].state == "active"
        assert known[lease.address].hardware == pair.clients.mac(number).hex(":")
    return dict(known)


def test_a_lease_that_ends_is_free_at_both(pair_of: PairOf) -> None:
    with pair_of(lease_s=8) as pair:
        pair.start()
        pair.clients.obtain(range(1, 25))
        assert len(pair.clients.leases) == 24

        def all_free() -> bool:
            return all(b.state in ("free", "backup") for side in pair.sides for b in side.leases().values())

        pair.wait_agreed()
        wait_for(all_free, 60, "all leases to end at both", glance_s=0.3)
        pair.wait_agreed()
        assert sum(pair.primary.free_lists(100)) == 100


@pytest.mark.parametrize("split", [128, 255, 0])
def test_each_client_is_answered_by_the_server_of_its_bucket(pair_of: PairOf, split: int) -> None:
    with pair_of(split=split) as pair:
        pair.start()
        chosen = list(range(1, 31))
        for edge in (0, 127, 128, 254, 255):
            chosen.append(next(n for n in range(31, 9999) if n not in chosen and bucket_of(pair, n) == edge))
        pair.clients.obtain(chosen)
        owners = {pair.clients.mac(n): "a" if bucket_of(pair, n) < split else "b" for n in chosen}
        wrong = [e for e in pair.witness.answers(OFFER) if owners[e.message.chaddr] != e.server]
        assert not wrong, f"offers by the server of the other buckets: {wrong}"
        pair.wait_agreed()


def bucket_of(pair: Pair, number: int) -> int:
    """The client's bucket, 0 … 255."""
    key = pair.clients.balance_key(number)
    return int(bucket(key, 0, len(key)))


def test_one_update_at_a_time(pair_of: PairOf, kinds: tuple[str, str]) -> None:
    """max-unacked-updates 1: slow, but everything arrives; and no board has two updates on their way."""
    with pair_of(unacked=1, pool=60) as pair:
        pair.start()
        pair.clients.obtain(range(1, 21))
        pair.wait_agreed(120)
        pair.clients.renew(range(1, 21))
        pair.wait_agreed(120)
    for kind, address in zip(kinds, ("10.53.0.1", "10.53.0.2")):
        most = failover_wire.most_outstanding(pair.capture.path, address)
        assert most >= 1
        if kind == "board":
            assert most == 1, f"{address} had {most} updates on their way"


def test_tshark_reads_a_whole_run(pair_of: PairOf) -> None:
    """Start, leases, a restart: every message of both is well formed for Wireshark's dissector."""
    with pair_of() as pair:
        pair.start()
        pair.clients.obtain(range(1, 21))
        pair.clients.release(range(1, 5))
        pair.wait_agreed()
        pair.cut_power(pair.secondary)
        pair.primary.wait_state("communications-interrupted")
        pair.clients.renew(range(5, 9))
        pair.power_on(pair.secondary)
        pair.wait_normal()
    judgement = failover_wire.judge(pair.capture.path)
    assert not judgement.complaints
    assert {"CONNECT", "CONNECTACK", "STATE", "BNDUPD", "BNDACK", "UPDREQALL", "UPDDONE"} <= judgement.types
