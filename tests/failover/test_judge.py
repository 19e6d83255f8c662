"""The witness of long runs judges as it goes, and comes to what the verdict over a whole run comes to."""

from __future__ import annotations

import time

from lab import packet
from lab.judge import Judge
from lab.packet import ACK, Message, ip4
from lab.verdict import Rules
from lab.witness import Event

RULES = Rules(lease_s=900, mclt_s=120)


def ack(at: float, address: str, client: int, lease_s: int) -> Event:
    options = [
        (packet.TYPE, bytes([ACK])),
        (packet.LEASE, lease_s.to_bytes(4, "big")),
        (packet.SERVER_ID, ip4("10.0.0.1")),
    ]
    return Event(at, "a", True, Message(op=2, chaddr=packet.mac(client), yiaddr=address, options=options))


def test_what_was_told_while_parted_counts_from_when_they_meet_also_if_it_was_judged_before() -> None:
    judge = Judge({}, RULES)
    now = time.time()
    judge.separations.append([now - 100])
    judge.events.append(ack(now - 50, "10.0.1.1", 1, 120))
    assert not judge.judge()  # it is not known yet when they will meet
    judge.united()
    judge.events.append(ack(time.time() + 1, "10.0.1.1", 1, 900))
    assert not judge.judge()


def test_a_lease_beyond_mclt_is_seen_and_late_events_wait_for_their_turn() -> None:
    judge = Judge({}, RULES)
    now = time.time()
    judge.separations.append([now - 100])
    judge.events += [ack(now, "10.0.1.1", 1, 900), ack(now - 50, "10.0.1.1", 1, 120)]
    assert not judge.judge(now - 10) and len(judge.events) == 1
    assert "MCLT" in judge.judge()[0] and not judge.events
