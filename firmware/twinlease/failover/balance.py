"""Which server answers which client, and how free addresses are shared.  Pure arithmetic.

Load balancing: a client's identifier or hardware address is hashed to one of
256 buckets (RFC 3074), and the hash bucket assignment, 32 octets, says whose
each bucket is.  A bit that is set is the PRIMARY's: so ISC dhcpd has it, the
draft says the reverse (reference section 7.1).

Pool balance: a server that has more free addresses on its list than its
partner gives some away (reference sections 6.3 and 6.4).  "Own list" is FREE on
the primary and BACKUP on the secondary.  Who walks the lists asks `first_pass`
and `second_pass` before each move; each move lowers `lts`, the "leases to send".

Not here: walking the lists, and telling the partner.
"""

from binascii import unhexlify

import micropython

from ..clock import FOREVER

# The mixing table of RFC 3074 section 6.
_MIX = unhexlify(
    "fbaf77d7510e4fbf6731b58fba9d00e81f20373c983a11edae46a090dc5a39df"
    "3b03128c6fa6cbc486f37c5fdeb3c541b430240f6b2ee982a51e7ba1d1176110"
    "285bdb3d640ad26dfa7f168a1d6cf443cf09b2cc4a627ef9a774224dc1c87905"
    "14714723800db65e19e2e3c74b1b29f5e6e02be1b11a9b96d48eda73f1495869"
    "27723effc0c991d6a89edd949a7a0c5452a32c8be4eccdf2d90bbb929f4056ef"
    "c32a6ac67670b8ac5702ad75b0e5f7fd89b963a466932d42e7348dd3c2cef6ee"
    "386e4ef83ff0bd5d5c3335b713ab48322168654508fc53784c875536ca7dbcd5"
    "60eb88d0a281be849c262f0107fe1804d88359151c8525999550aa4406a9ea97"
)


@micropython.viper
def bucket(key: ptr8, at: int, n: int) -> int:
    """The bucket, 0 … 255, of the identity key[at : at + n]: RFC 3074 section 6."""
    mix = ptr8(_MIX)
    h = n & 0xFF
    i = at + n - 1
    while i >= at:
        h = int(mix[h ^ key[i]])
        i -= 1
    return h


def client_bucket(id_buf, id_at, id_n, hw_buf, hw_at, hlen):
    """A client's bucket: of its whole identifier if it sent one, else of the hardware address without its type."""
    return bucket(id_buf, id_at, id_n) if id_n else bucket(hw_buf, hw_at, hlen)


def hba_of_split(split):
    """The 32 octets for `split N`: the first N buckets are the primary's (reference section 7.1)."""
    hba = bytearray(32)
    for b in range(split):
        hba[b >> 3] |= 1 << (b & 7)
    return bytes(hba)


def is_primarys(hba, b):
    """Does the primary answer bucket `b`?"""
    return hba[b >> 3] >> (b & 7) & 1 == 1


def is_ours(primary, hba, b):
    return is_primarys(hba, b) == primary


def may_leave_to_partner(limit_s, secs, partner_free):
    """May a DISCOVER of the partner's bucket be left to it?  Reference section 7.2.

    limit_s       load balance max seconds; 0 turns load balancing off
    secs          how long the client says that it has been trying
    partner_free  how many addresses the partner has for this client's network
    """
    return limit_s > 0 and secs <= limit_s and partner_free > 0


def leases_to_send(own, partner):
    """Half of what we have more than the partner, toward zero and not down: reference section 6.4."""
    more = own - partner
    return more // 2 if more >= 0 else -(-more // 2)


def percent(n, p):
    """p percent of n, rounded; stays a small int for all n and p up to 100."""
    return n // 100 * p + (n % 100 * p + 50) // 100


def threshold(total, max_lease_misbalance):
    """Beyond so many leases to send, the pool counts as out of balance."""
    return percent(total, max_lease_misbalance)


def hoard(total, max_lease_ownership):
    """So many addresses beyond its half may stay with the server that their last clients hash to."""
    return percent(total, max_lease_ownership)


def must_ask(lts, total, max_lease_misbalance):
    """Should a run of the timer end with a POOLREQ?"""
    return lts < (-2 * threshold(total, max_lease_misbalance) or -1)


def is_imbalanced(lts, total, max_lease_misbalance):
    """For the log, after a run."""
    return lts > threshold(total, max_lease_misbalance)


def first_pass(lts, hold):
    """May the run go on to give away addresses whose last client hashes to the partner?"""
    return lts > -hold


def second_pass(lts, hold, used):
    """May the run give away this address, the oldest that is left?  If not, the run is over."""
    return lts > hold if used else lts > 0


def keeps_affinity(free, backup, hold):
    """Is the secondary not hoarding, so that a freed address may go to it for its client's sake?  Section 5.3."""
    return leases_to_send(free, backup) > -hold


def next_run(now, free_end, backup_end, last_run, primary, peer, jitter_s):
    """When to rebalance next: reference section 6.4.  Project seconds.

    free_end, backup_end  when the oldest address of each list became free; 0 never used, -1 if there is none
    last_run              0 if there was none
    peer                  the relationship's limits (conf.model.FailoverPeer)
    jitter_s              0 … 4, at random
    """
    free_s = percent(_idle_s(now, free_end), peer.max_lease_misbalance)
    backup_s = percent(_idle_s(now, backup_end), peer.max_lease_misbalance)
    if primary:
        free_s = min(free_s, FOREVER // 2) * 2
    else:
        backup_s = min(backup_s, FOREVER // 2) * 2
    t = now + min(free_s, backup_s, peer.max_balance, FOREVER - now)
    if last_run:
        t = max(t, last_run + min(peer.min_balance, FOREVER - last_run))
    return min(t, FOREVER - 4) + jitter_s


def _idle_s(now, end):
    return now - end if 0 <= end <= now else 0
