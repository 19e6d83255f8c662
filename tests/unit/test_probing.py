"""Conflict checks ahead of time: what the node asks for, and what it makes of the findings."""

import asyncio

from packets import BASIC, NAK, Office, dotted, ip, option
from twinlease.lease.table import ABANDONED, FREE
from twinlease.net import probe


def office(text=BASIC):
    o = Office(text)
    o.node.start_probing()
    return o


def ask(o, at_most=999):
    """Rows that the node wants asked for now."""
    rows = []
    while len(rows) < at_most:
        row = o.node.next_unprobed(o.now)
        if row < 0:
            break
        rows.append(row)
    return rows


def answer(o, rows, used=()):
    for row in rows:
        o.node.probed(row, row in used, o.now)
    o.node.done()


def address(o, row):
    octets = bytearray(4)
    o.table.put_address(row, octets, 0)
    return dotted(octets)


def test_an_address_in_use_is_abandoned_persisted_and_not_offered():
    o = office()
    rows = ask(o)
    assert len(rows) == 8 + 3, "the next eight of one pool, all three of the other"
    o.node.probed(0, True, o.now)
    assert o.node.n_rows == 1 and o.node.rows[0] == 0 and o.table.state(0) == ABANDONED
    answer(o, rows[1:])
    assert o.discover(1).address == "10.77.1.2"


def test_quiet_addresses_go_first():
    o = office()
    rows = ask(o)
    o.node.probed(2, False, o.now)
    assert o.discover(1).address == "10.77.1.3"
    assert rows


def test_a_conflict_found_after_the_offer_makes_the_request_a_nak():
    o = office()
    offer = o.discover(1)
    row = o.node.next_unprobed(o.now)
    assert address(o, row) == offer.address, "what was offered unasked is asked for first"
    answer(o, [row], used=[row])
    assert o.select(offer, 1).type == NAK and o.table.state(row) == ABANDONED


def test_an_answer_from_the_client_that_has_the_lease_by_now_is_no_conflict():
    o = office()
    offer = o.discover(1)
    row = o.node.next_unprobed(o.now)
    ack = o.select(offer, 1)
    assert not o.node.probed(row, True, o.now)
    assert o.renew(ack.address, 1).address == ack.address


def test_an_address_that_was_just_released_is_left_in_peace():
    o = office("authoritative; subnet 10.77.0.0 netmask 255.255.0.0 { range 10.77.1.1 10.77.1.2; }")
    answer(o, ask(o))
    first = o.lease(1)
    o.now += 100
    o.release(first.address, 1)
    assert o.table.row_of(ip(first.address), 0) not in ask(o)
    o.later(31)
    assert o.table.row_of(ip(first.address), 0) in ask(o)


def test_a_clients_own_former_address_is_not_asked_for_when_it_comes_back():
    o = office()
    answer(o, ask(o))
    first = o.lease(1)
    o.release(first.address, 1)
    assert o.discover(1).address == first.address and o.node.n_unprobed == 0


def test_findings_are_forgotten_after_a_minute():
    o = office()
    answer(o, ask(o))
    assert ask(o) == []
    o.later(61)
    assert len(ask(o)) == 11


def test_every_pool_is_asked_and_none_all_the_time():
    o = office(
        "".join(
            ["subnet 10.%d.0.0 netmask 255.255.255.0 { range 10.%d.0.10 10.%d.0.40; }" % (i, i, i) for i in range(12)]
        )
    )
    asked = [0] * 12
    for _ in range(60):
        for _ in range(2):
            rows = ask(o, 16)
            for row in rows:
                asked[o.table.pool_of(row)] += 1
            answer(o, rows)
        o.later(1)
    assert min(asked) >= 8 and sum(asked) <= 12 * 8 * 2, asked


def test_pools_without_ping_check_are_not_asked():
    o = office("ping-check false; " + BASIC)
    assert ask(o) == []
    assert o.discover(1, option(50, ip("10.77.1.5"))).address == "10.77.1.5" and o.node.n_unprobed == 0


def test_without_a_prober_nothing_waits():
    o = Office()
    assert o.discover(1).address == "10.77.1.1" and o.table.state(0) == FREE and o.node.n_unprobed == 0


class Heard(Exception):
    pass


class Pico:
    """rp2's raw socket: ready at all times, by POLLHUP; the tenth look finds an answer."""

    platform = "rp2"
    sock = None

    def __init__(self):
        self.looks = 0
        self.slept = []

    def waiting(self):
        self.looks += 1
        return self.looks == 10

    async def readable(self, sock):
        pass

    async def sleep_ms(self, ms):
        self.slept.append(ms)

    def _hear(self, way, waiting):
        raise Heard


def test_a_raw_socket_that_is_always_ready_is_looked_at_within_a_round():
    pico = Pico()
    kept = probe.sys, probe.Waiting, probe.readable, probe._sleep_ms
    probe.sys, probe.readable, probe._sleep_ms = pico, pico.readable, pico.sleep_ms
    probe.Waiting = lambda sock: pico.waiting
    try:
        asyncio.run(probe.Prober._listen(pico, pico))
    except Heard:
        pass
    finally:
        probe.sys, probe.Waiting, probe.readable, probe._sleep_ms = kept
    assert pico.looks == 10 and pico.slept == [100] * 9, (pico.looks, pico.slept)
