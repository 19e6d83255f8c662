"""One of the two, or what is between them, fails and comes back: clients are served all the time, and both end of one mind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lab.clients import Udhcpc
from lab.pair import Pair
from lab.sides import Side
from lab.tools import require
from lab.wait import wait_for

PairOf = Callable[..., Pair]
Victim = Callable[[Pair], tuple[Side, Side]]

ALONE = "communications-interrupted"


def test_kill_and_restart(pair_of: PairOf, victim: Victim) -> None:
    """SIGKILL right after the last ACKs: what it did not tell its partner any more, it tells when it is back."""
    with pair_of() as pair:
        pair.start()
        side, other = victim(pair)
        pair.clients.obtain(range(1, 21))
        pair.wait_agreed()
        pair.clients.obtain(range(21, 27))
        pair.cut_power(side)
        other.wait_state(ALONE)
        pair.clients.renew(range(1, 21))
        pair.clients.obtain(range(41, 51))
        assert {pair.clients.leases[n].server for n in range(41, 51)} == {other.address}
        pair.power_on(side)
        pair.wait_normal()
        pair.wait_agreed()
        everybody = [*range(1, 27), *range(41, 51)]
        pair.clients.renew(everybody)
        assert {pair.clients.leases[n].lease_s for n in everybody} == {300}
        known = pair.wait_agreed()
        assert sum(bound.state == "active" for bound in known.values()) == len(everybody)


def test_a_real_client_goes_on_with_the_other_server(pair_of: PairOf, tmp_path: Path) -> None:
    """udhcpc's server loses power: the other one takes its rebinding, and it never loses its address."""
    require("udhcpc")
    with pair_of(lease_s=12, mclt_s=12) as pair:
        box = pair.site.lans["b"].host("box")
        pair.start()
        with Udhcpc(box, tmp_path / "udhcpc") as client:
            client.start()
            bound = client.wait()
            pair.wait_agreed()
            side = next(side for side in pair.sides if side.address == bound.env["serverid"])
            pair.cut_power(side)
            wait_for(
                lambda: any(e.env.get("serverid") == pair.partner(side).address for e in client.seen()),
                30,
                "udhcpc to go on with the other server",
                client.tell,
            )
            assert {client.address(e) for e in client.seen() if e.action in client.bound} == {client.address(bound)}
            assert [e.action for e in client.seen()].count("deconfig") == 1, "lost its address meanwhile"
            client.release()
        pair.power_on(side)


def test_hang_and_resume(pair_of: PairOf, victim: Victim) -> None:
    """SIGSTOP: its kernel still acknowledges TCP. When it wakes up it finds old requests, and a link that is gone."""
    with pair_of() as pair:
        pair.start()
        side, other = victim(pair)
        pair.clients.obtain(range(1, 21))
        pair.wait_agreed()
        pair.hang(side)
        pair.clients.renew(range(1, 6))
        other.wait_state(ALONE)
        pair.clients.obtain(range(21, 31))
        pair.clients.renew(range(6, 21))
        # A dhcpd answers the old requests, tells that, and tells it again.
        pair.expected.append("got ack from .*: xid mismatch")
        pair.resume(side)
        side.wait_log("I move from normal to communications-interrupted")
        pair.wait_normal()
        pair.wait_agreed()
        pair.clients.renew(range(1, 31))
        assert {lease.lease_s for lease in pair.clients.leases.values()} == {300}


def test_the_link_is_cut_and_heals(pair_of: PairOf) -> None:
    """The servers lose each other while all clients reach both."""
    with pair_of() as pair:
        pair.start()
        pair.clients.obtain(range(1, 21))
        pair.wait_agreed()
        pair.cut_link()
        for side in pair.sides:
            side.wait_state(ALONE)
        pair.clients.renew(range(1, 21))
        pair.clients.obtain(range(21, 41))
        released = range(1, 5)
        if {side.kind for side in pair.sides} == {"ISC dhcpd", "board"}:
            # What we tell it later that was released meanwhile, a dhcpd keeps until the lease ends (CONFORMANCE).
            told = {side.address for side in pair.sides if side.kind == "ISC dhcpd"}
            released = [n for n in released if pair.clients.leases[n].server in told]
        pair.clients.release(released)
        pair.clients.reboot(range(5, 9))
        pair.heal_link()
        pair.wait_normal()
        pair.wait_agreed()
        pair.clients.renew(range(5, 41))


def test_a_partition_in_which_both_serve(pair_of: PairOf) -> None:
    """The trunk between two switches is cut; each keeps a server and clients, some of whom got their lease from the other."""
    with pair_of() as pair:
        pair.start()
        pair.clients.obtain(range(1, 21))
        pair.wait_agreed()
        pair.cut_trunk()
        for side in pair.sides:
            side.wait_state(ALONE)
        pair.clients.renew(range(1, 11), at="a")
        pair.clients.renew(range(11, 21), at="b")
        pair.clients.obtain(range(21, 36), at="a")
        pair.clients.obtain(range(36, 51), at="b")
        pair.clients.release(range(21, 24), at="a")
        pair.clients.release(range(36, 39), at="b")
        pair.mend_trunk()
        pair.wait_normal()
        pair.wait_agreed()
        pair.clients.renew([*range(1, 21), *range(24, 36)], at="b")
        pair.clients.renew(range(39, 51), at="a")
        assert {lease.lease_s for lease in pair.clients.leases.values()} == {300}


def test_a_server_whose_cable_is_pulled(pair_of: PairOf, victim: Victim) -> None:
    with pair_of() as pair:
        pair.start()
        side, other = victim(pair)
        at = other.at
        pair.clients.obtain(range(1, 21), at)
        pair.wait_agreed()
        pair.pull_cable(side)
        for one in pair.sides:
            one.wait_state(ALONE)
        pair.clients.renew(range(1, 21), at)
        pair.clients.obtain(range(21, 31), at)
        pair.put_cable(side)
        pair.wait_normal()
        pair.wait_agreed()
        pair.clients.renew(range(1, 31), at)
        assert {lease.lease_s for lease in pair.clients.leases.values()} == {300}
