"""Load balancing and pool balance, with the examples of reference sections 6.4 and 7."""

import sys
from binascii import hexlify, unhexlify
from hashlib import sha256

import micropython
from twinlease.clock import FOREVER
from twinlease.conf.model import FailoverPeer
from twinlease.failover import balance as b

# key, bucket, whose with split 128
VECTORS = (
    ("", 0, True),
    ("00", 175, False),
    ("020000000100", 92, True),
    ("020000000101", 141, False),
    ("01020000000203", 100, True),
    ("00636c69656e742d31", 140, False),
    ("0003ba123456", 104, True),
)


def limits(misbalance=15, ownership=10, least=60, most=3600):
    peer = FailoverPeer("p1")
    peer.max_lease_misbalance, peer.max_lease_ownership = misbalance, ownership
    peer.min_balance, peer.max_balance = least, most
    return peer


def test_the_mixing_table_is_that_of_rfc_3074():
    digest = hexlify(sha256(b._MIX).digest())
    assert digest == b"50015bcb049a75f57f1224b2d303a4d75485a0de3a772a30e06256daa1c873a7"


def test_buckets_of_known_clients():
    half = b.hba_of_split(128)
    for key, bucket, primarys in VECTORS:
        octets = unhexlify(key)
        assert b.bucket(b"??" + octets + b"?", 2, len(octets)) == bucket, key
        assert (
            b.is_primarys(half, bucket)
            == primarys
            == b.is_ours(True, half, bucket)
            == (not b.is_ours(False, half, bucket))
        )


def test_a_key_of_256_octets_starts_from_zero_again():
    assert b.bucket(bytes(256), 0, 256) == b.bucket(bytes(256), 0, 256) and 0 <= b.bucket(bytes(300), 0, 300) < 256


def test_identifier_counts_before_the_hardware_address():
    key, hw = unhexlify("01020000000203"), unhexlify("020000000101")
    assert b.client_bucket(key, 0, 7, hw, 0, 6) == 100 and b.client_bucket(key, 0, 0, hw, 0, 6) == 141


def test_split_is_the_first_buckets():
    assert b.hba_of_split(0) == bytes(32) and b.hba_of_split(256) == b"\xff" * 32
    assert b.hba_of_split(128) == b"\xff" * 16 + bytes(16)
    assert b.hba_of_split(127) == b"\xff" * 15 + b"\x7f" + bytes(16)
    for split in (0, 1, 77, 255, 256):
        hba = b.hba_of_split(split)
        assert [b.is_primarys(hba, i) for i in range(256)] == [i < split for i in range(256)]


def test_secs_and_an_empty_partner_end_load_balancing():
    assert b.may_leave_to_partner(3, 3, 1) and not b.may_leave_to_partner(3, 4, 1)
    assert not b.may_leave_to_partner(0, 0, 1) and not b.may_leave_to_partner(3, 0, 0)


def test_leases_to_send_are_cut_toward_zero():
    assert [b.leases_to_send(own, 10) for own in (20, 13, 11, 10, 9, 8, 7, 0)] == [5, 1, 0, 0, 0, -1, -1, -5]


def run(own, partner, used=(), to_partner=(), peer=None):
    """One rebalance over our own list, oldest first; returns which addresses were given away."""
    peer = peer or limits()
    total = len(own) + partner
    hold = b.hoard(total, peer.max_lease_ownership)
    lts, given = b.leases_to_send(len(own), partner), []
    for address in own:
        if not b.first_pass(lts, hold):
            break
        if address in to_partner:
            given.append(address)
            lts -= 1
    for address in own:
        if address not in given:
            if not b.second_pass(lts, hold, address in used):
                break
            given.append(address)
            lts -= 1
    return given


def test_first_balance_of_twenty_new_addresses_is_ten_and_ten():
    assert run(list(range(20)), 0) == list(range(10))


def test_poolreq_example():
    """17 of 20 own addresses used: lts -8 against panic -6, so it asks; the partner answers with 8 (captures 06 and 07)."""
    assert b.leases_to_send(3, 20) == -8 and b.threshold(23, 15) == 3
    assert b.must_ask(-8, 23, 15) and b.must_ask(-7, 23, 15) and not b.must_ask(-6, 23, 15)
    assert len(run(list(range(20)), 3)) == 8


def test_a_tiny_pool_panics_below_minus_one():
    assert b.threshold(3, 15) == 0 and b.must_ask(-2, 3, 15) and not b.must_ask(-1, 3, 15)


def test_used_addresses_may_stay_beyond_the_half_and_go_for_their_clients_sake():
    own, used = list(range(40)), list(range(40))
    assert b.hoard(60, 10) == 6 and b.leases_to_send(40, 20) == 10
    assert len(run(own, 20, used)) == 4  # down to hold
    assert run(own, 20, used, to_partner=[30, 31, 32]) == [30, 31, 32, 0]
    assert len(run(own, 20, used, to_partner=own)) == 16  # down to -hold
    assert run(own, 60, used) == []


def test_balanced_means_within_the_threshold():
    assert not b.is_imbalanced(9, 60, 15) and b.is_imbalanced(10, 60, 15)


def test_affinity_ends_where_the_secondary_hoards():
    hold = b.hoard(40, 10)
    assert hold == 4 and b.keeps_affinity(17, 23, hold) and not b.keeps_affinity(16, 24, hold)


def test_the_timer():
    now = 200000000
    # Never used: the estimate is as long as it can be, and max-balance caps it.
    assert b.next_run(now, 0, 0, 0, True, limits(), 0) == now + 3600
    # 1,000 s and 2,000 s idle, 15 percent: 150 doubled on the primary, and 300; the other way round on the secondary.
    assert b.next_run(now, now - 1000, now - 2000, 0, True, limits(), 0) == now + 300
    assert b.next_run(now, now - 1000, now - 2000, 0, False, limits(), 3) == now + 153
    # An empty list is no reason to wait, but for min-balance.
    assert b.next_run(now, -1, 0, 0, True, limits(), 0) == now
    assert b.next_run(now, -1, 0, now - 10, True, limits(), 0) == now + 50
    assert b.next_run(now, now + 100, 0, 0, True, limits(), 0) == now


def test_no_sum_outgrows_a_small_int():
    wide = limits(100, 100, FOREVER, FOREVER)
    for now in (1, 200000000, FOREVER - 1):
        for end in (0, -1, now):
            for last in (0, now):
                assert 0 < b.next_run(now, end, end, last, True, wide, 4) <= FOREVER
    assert b.percent(FOREVER, 100) == FOREVER and b.percent(250, 15) == 38


def test_the_bucket_allocates_nothing():
    if sys.implementation.name != "micropython":
        return
    hba, key = b.hba_of_split(128), unhexlify("01020000000203")
    b.is_ours(True, hba, b.client_bucket(key, 0, 7, key, 1, 6))
    micropython.heap_lock()
    try:
        b.is_ours(True, hba, b.client_bucket(key, 0, 7, key, 1, 6))
    finally:
        micropython.heap_unlock()
