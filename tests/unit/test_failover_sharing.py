"""Sharing free addresses: the reference's examples, what stays, what is told, and that two servers come to rest (6.2 to 6.4)."""

from failover_queues import HBA, NOW, facts, pair, settle
from leases import Dice, check, lease, mac, plain, queue
from twinlease.failover import balance, pools, rebalance
from twinlease.lease import table as t
from twinlease.lease.row import BACKUP, DUE, FREE, HELD


def run(side, by_timer=False, now=NOW):
    return rebalance.rebalance(
        side.conf, side.table, side.pools, side.primary, HBA, side.updates, side.store, now, by_timer
    )[:2]


def counts(side):
    return side.table.count(0, FREE), side.table.count(0, BACKUP)


def partners(primary):
    """Numbers of clients that hash to the partner."""
    i = 0
    while True:
        i += 1
        id = b"\x01" + mac(i)
        if not balance.is_ours(primary, HBA, balance.client_bucket(id, 0, 7, mac(i), 0, 6)):
            yield i


def own(primary):
    return partners(not primary)


def freed(side, row, client, state, ends=NOW - 100):
    lease(side.table, row, plain(client), ends, NOW - 500)
    side.table.put_item(row, t.ITEM_HOST_NAME, b"name", 0, 4)
    side.table.set_state(row, state)


def test_twenty_addresses_never_used_are_halved():
    a, b = pair()
    assert run(a) == (10, False)
    assert counts(a) == (10, 10)
    assert queue(a.table, 0, BACKUP) == list(range(10))
    settle(a, b)
    assert counts(b) == (10, 10) and facts(a) == facts(b)
    assert a.store.lines == [
        "balancing pool 0 10.0.0.0/24  total 20  free 20  backup 0  lts 10  max-own (+/-)2",
        "balanced pool 0 10.0.0.0/24  total 20  free 10  backup 10  lts 0  max-misbal 3",
    ]


def test_seventeen_of_twenty_used_asks_the_partner_who_gives_eight():
    a, b = pair(n=40)
    clients = own(False)
    for row in range(20):
        for side in (a, b):
            side.table.set_state(row, BACKUP)
    for row in range(17):
        b.grant(row, next(clients), NOW)
    settle(a, b)
    assert counts(a) == counts(b) == (20, 3)
    assert run(b, by_timer=True) == (0, True)
    assert "lts -8" in b.store.lines[0] and b.store.lines[0].endswith("  (requesting peer rebalance!)")
    assert run(b) == (0, False)
    assert run(a)[0] == 8
    settle(a, b)
    assert counts(a) == counts(b) == (12, 11)


def test_addresses_of_the_partners_clients_go_first_and_a_little_beyond_the_half():
    for primary in (True, False):
        side = pair(n=20)[0 if primary else 1]
        mine, theirs = (FREE, BACKUP) if primary else (BACKUP, FREE)
        owners, others = own(primary), partners(primary)
        for row in range(20):
            freed(side, row, next(others) if row % 2 else next(owners), mine, NOW - 100 + row)
        # lts 10, hold 2: the ten of the partner's clients, then the oldest as long as lts > hold.
        assert run(side)[0] == 10
        assert sorted(queue(side.table, 0, theirs)) == list(range(1, 20, 2))
        for row in range(0, 20, 2):
            freed(side, row, next(others), mine, NOW - 100 + row)
        assert run(side)[0] == 2  # until lts is -hold


def test_never_used_addresses_do_not_hash_to_anybody():
    a, _ = pair()
    for row in range(10):
        a.table.set_state(row, BACKUP)
    assert run(a)[0] == 0


def test_what_is_given_away_is_due_pending_and_nameless_and_in_flash_before_it_is_told():
    a, b = pair(n=4)
    clients = partners(True)
    for row in range(4):
        freed(a, row, next(clients), FREE)
        a.table.set_flags(row, t.ACKED)
    assert run(a)[0] == 2
    for row in queue(a.table, 0, BACKUP):
        assert a.table.tstp(row) == NOW and a.table.flags(row) & (DUE | t.ACKED) == DUE
        assert a.table.item_is(row, t.ITEM_HOST_NAME, b"", 0, 0)
        assert not a.table.item_is(row, t.ITEM_ID, b"x", 0, 1)
    given = queue(a.table, 0, BACKUP)
    a.send(b)
    assert sorted(a.store.saved) == sorted(given)
    assert [a.table.rewind(row) for row in given] == [BACKUP, BACKUP]
    settle(a, b)
    a.updates.put_pending()
    assert a.due() == []
    check(a.table)


def test_what_is_on_offer_held_reserved_or_being_probed_stays():
    a, _ = pair(n=8)
    a.table.offer(0, 1, NOW + 60)
    a.table.set_flags(1, HELD)
    a.table.set_flags(2, t.RESERVED)
    a.table.set_flags(3, t.PROBED)
    run(a)
    assert set(queue(a.table, 0, FREE)) >= {0, 1, 2, 3}
    assert run(a)[0] == 0


def test_addresses_that_the_wire_is_asked_about_or_that_are_held_are_waited_for():
    a, _ = pair(n=6)
    for row in range(6):
        a.table.set_flags(row, HELD if row % 2 else t.PROBED)
    again = rebalance.rebalance(a.conf, a.table, a.pools, True, HBA, a.updates, a.store, NOW, False)
    assert again == (0, False, True)
    assert len(a.store.lines) == 1 and a.store.lines[0].startswith("balancing"), "it is not said to be IMBALANCED yet"
    for row in range(6):
        a.table.clear_flags(row, t.PROBED | HELD)
    assert rebalance.rebalance(a.conf, a.table, a.pools, True, HBA, a.updates, a.store, NOW, False) == (3, False, False)


def test_reserved_addresses_do_not_count():
    a, _ = pair(n=8)
    for row in (0, 1, 4, 5):
        a.table.set_flags(row, t.RESERVED)
    a.table.set_state(5, BACKUP)
    assert pools.counts(a.table, a.pools[0]) == (4, 0)
    assert run(a)[0] == 2


def test_one_run_looks_at_a_thousand_rows():
    a, _ = pair(n=5000)
    assert run(a)[0] == 1024
    for _ in range(4):
        run(a)
    assert counts(a) == (2500, 2500)


def test_an_address_that_has_become_free_goes_to_its_clients_server():
    def handed(side, row):
        pool = side.pools[0]
        return pools.affinity(side.conf, side.table, pool, row, side.primary, HBA, side.updates, side.store, NOW)

    a, b = pair(n=20)
    owners, others = own(True), partners(True)
    for row in range(8, 16):
        a.table.set_state(row, BACKUP)
    freed(a, 0, next(owners), FREE)
    freed(a, 1, next(others), FREE)
    freed(a, 2, next(others), FREE)
    a.table.set_flags(2, t.BOOTP)
    assert [handed(a, row) for row in (0, 1, 2, 3)] == [False, True, False, False]
    assert a.table.state(1) == BACKUP and a.due() == [1]
    for row in range(3, 20):
        if row not in (5, 6):
            a.table.set_state(row, BACKUP)
    freed(a, 5, next(others), FREE)
    assert not handed(a, 5)  # the secondary hoards
    freed(b, 5, next(others), FREE)
    assert not handed(b, 5)
    assert not pools.affinity(a.conf, a.table, a.pools[0], 5, True, None, a.updates, a.store, NOW)


def test_when_the_timer_runs_next():
    a, _ = pair(n=4)
    conf = a.conf
    at = pools.when(conf, a.table, a.pools, True, NOW, 0, 0)
    assert at == balance.next_run(NOW, 0, -1, 0, True, conf, 0) == NOW
    assert pools.when(conf, a.table, a.pools, True, NOW, NOW - 10, 3) == NOW - 10 + 60 + 3
    clients = own(True)
    for row in range(4):
        freed(a, row, next(clients), FREE if row < 2 else BACKUP, NOW - 1000)
    assert pools.when(conf, a.table, a.pools, True, NOW, 0, 0) == NOW + 150
    assert pools.when(conf, a.table, [], True, NOW, 0, 0) >= NOW


def test_two_servers_that_balance_against_each_other_come_to_rest():
    for seed in range(1, 40):
        print("seed", seed)
        dice = Dice(seed)
        n = 3 + dice.below(60)
        a, b = pair(n=n)
        for row in range(n):
            what = dice.below(5)
            state = FREE if dice.below(2) else BACKUP
            client = dice.below(1000)
            for side in (a, b):
                if what == 0:
                    lease(side.table, row, plain(client), NOW + 900, NOW)
                elif what < 4:
                    freed(side, row, client, state, NOW - client)
                else:
                    side.table.set_state(row, state)
        runs = []
        for i in range(12):
            now = NOW + 100 * i
            sides = (a, b) if dice.below(2) else (b, a)
            if dice.below(2):  # both at once, and the updates cross
                runs.append(run(a, True, now)[0] + run(b, True, now)[0])
            else:
                runs.append(run(sides[0], True, now)[0])
                settle(a, b, now)
                runs[-1] += run(sides[1], True, now)[0]
            settle(a, b, now)
            assert facts(a) == facts(b)
        assert runs[4:] == [0] * 8, runs
        check(a.table)
        check(b.table)
