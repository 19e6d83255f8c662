"""The judge of what clients were told: it passes what is right, and each rule catches what breaks it. No root is needed."""

from __future__ import annotations

from lab import packet
from lab.packet import ACK, DECLINE, DISCOVER, NAK, RELEASE, REQUEST, Message, ip4, mac
from lab.verdict import Rules, Verdict
from lab.witness import Event

RULES = Rules(lease_s=300, mclt_s=60)
ONE, TWO = "10.53.1.1", "10.53.1.2"


def say(at: float, kind: int, client: int = 1, address: str = ONE, xid: int = 7) -> Event:
    """A client's word."""
    options = [(packet.TYPE, bytes([kind])), (packet.REQUESTED, ip4(address))]
    return Event(at, "a", False, Message(chaddr=mac(client), xid=xid, options=options))


def ack(at: float, client: int = 1, address: str = ONE, lease_s: int = 60, server: str = "a") -> Event:
    """A server's ACK."""
    options = [(packet.TYPE, bytes([ACK])), (packet.LEASE, lease_s.to_bytes(4, "big"))]
    return Event(at, server, True, Message(op=2, chaddr=mac(client), yiaddr=address, options=options))


def nak(at: float, client: int = 1, xid: int = 7) -> Event:
    """A server's NAK."""
    return Event(at, "b", True, Message(op=2, chaddr=mac(client), xid=xid, options=[(packet.TYPE, bytes([NAK]))]))


def judge(*events: Event, separations: tuple[tuple[float, ...], ...] = ()) -> list[str]:
    return Verdict(RULES, separations).judge(events)


def test_a_day_as_it_should_be() -> None:
    assert not judge(
        say(99, DISCOVER),
        ack(100),  # until 160, potential expiry 430
        ack(130, lease_s=300),  # until 430, potential expiry 580
        ack(130.1, lease_s=300, server="b"),
        ack(400, client=2, address=TWO),
        say(420, RELEASE),
        ack(430, client=3, lease_s=210),  # the address was used before
        ack(641, client=4, lease_s=60),
        say(650, DECLINE, client=4),
        ack(660, client=4, address="10.53.1.3"),
    )


def test_an_address_given_twice() -> None:
    assert "holds it" in judge(ack(100), ack(110, client=2, server="b"))[0]
    assert not judge(ack(100), ack(158.5, client=2))  # whole seconds
    assert not judge(ack(100), say(110, RELEASE), ack(111, client=2))
    assert judge(ack(100), say(110, RELEASE, client=2), ack(111, client=2))


def test_a_client_that_is_moved() -> None:
    assert "which holds" in judge(ack(100), ack(110, address=TWO))[0]
    assert not judge(ack(100), ack(161, address=TWO))


def test_a_refusal_of_what_is_held() -> None:
    assert "refused" in judge(ack(100), say(110, REQUEST), nak(110.1))[0]
    assert not judge(ack(100), say(110, REQUEST, address=TWO), nak(110.1))
    assert not judge(ack(100), say(110, REQUEST, client=2, xid=8), nak(110.1, client=2, xid=8))
    assert not judge(ack(100), say(170, REQUEST), nak(170.1))


def test_a_lease_that_is_too_long() -> None:
    assert "at most 60.0 s" in judge(ack(100, lease_s=300))[0]
    assert "at most 300" in judge(ack(100), ack(130, lease_s=301))[0]


def test_while_the_servers_are_parted_nothing_new_is_agreed() -> None:
    alone = ((90.0,),)
    assert "at most 60.0 s" in judge(ack(100), ack(130, lease_s=300), separations=alone)[0]
    assert not judge(ack(100), ack(130, lease_s=60), separations=alone)
    for_a_while = ((90.0, 120.0),)
    assert not judge(ack(100), ack(130, lease_s=300), separations=for_a_while)
    later = ((110.0,),)
    assert not judge(ack(100), ack(130, lease_s=300), ack(270, lease_s=220), separations=later)
    assert "at most 220.0 s" in judge(ack(100), ack(130, lease_s=300), ack(270, lease_s=230), separations=later)[0]


def test_a_lease_that_is_too_short() -> None:
    assert "less than" in judge(ack(100, lease_s=59))[0]
