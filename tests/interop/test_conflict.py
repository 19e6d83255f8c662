"""An address that somebody uses without a lease is found out before it is offered, and nobody waits for that."""

from __future__ import annotations

import time
from pathlib import Path

from lab import packet
from lab.net import Lan
from lab.packet import DISCOVER, OFFER, REQUEST, Message, ip4, mac
from lab.raw import Heard, Raw
from lab.servers import Server, Twinlease
from lab.tools import require
from lab.wait import wait_for

SERVER = "10.77.0.2"
SQUATTED = ("10.77.1.10", "10.77.1.12")
SANITY_S = 0.9
"""dhcpd waits a full second for an echo before each offer. This only tells waiting from not waiting."""

CONFIG = """authoritative;
ddns-update-style none;
min-lease-time 60;
default-lease-time 600;
subnet 10.77.0.0 netmask 255.255.0.0 { range 10.77.1.10 10.77.1.40; }
"""


def ask(raw: Raw, message: Message, limit_s: float = 2.5, tries: int = 5) -> tuple[Heard, float]:
    """Send a message, again if nothing comes; returns its answer and how long it took."""
    message.xid = next(raw.xids)
    began = time.monotonic()
    for _ in range(tries):
        raw.send(message)
        while (heard := raw.hear(limit_s)) is not None:
            if heard.message.xid == message.xid:
                return heard, time.monotonic() - began
    raise AssertionError(f"no answer to {tries} times {message}")


def obtain(raw: Raw, client: int) -> tuple[str, float]:
    """A four-way exchange; returns the address and how long the OFFER took.

    A NAK sends the client back to the start: its address was found in use between OFFER and REQUEST.
    """
    offer, took_s = ask(raw, Message(chaddr=mac(client), options=[(packet.TYPE, bytes([DISCOVER]))]))
    assert offer.message.kind == OFFER
    address = offer.message.yiaddr
    chosen = [(packet.TYPE, bytes([REQUEST])), (packet.REQUESTED, ip4(address)), (packet.SERVER_ID, ip4(SERVER))]
    ack, _ = ask(raw, Message(chaddr=mac(client), options=chosen))
    if ack.message.kind == packet.NAK:
        return obtain(raw, client)
    assert ack.message.kind == packet.ACK and ack.message.yiaddr == address
    return address, took_s


def test_an_address_in_use_is_not_offered_but_abandoned_and_offers_do_not_wait(
    kind: type[Server], lan: Lan, tmp_path: Path
) -> None:
    """Two hosts sit on addresses of the pool; ten clients come. ping-check is on, as it is by default."""
    require("tshark")
    server_host, client_host = lan.host("srv", f"{SERVER}/16"), lan.host("cli")
    lan.host("squat", *(f"{address}/16" for address in SQUATTED))
    with kind(server_host, tmp_path / "server", config=CONFIG) as server, Raw(client_host, server_host.mac) as raw:
        given = [obtain(raw, client) for client in range(1, 11)]
        times_ms = sorted(took_s * 1000 for _, took_s in given)
        print(f"\n{server.name}: OFFER after {times_ms[0]:.1f} … {times_ms[-1]:.1f} ms, median {times_ms[5]:.1f} ms")
        assert not {address for address, _ in given} & set(SQUATTED)
        if isinstance(server, Twinlease):
            board = server
            for address in SQUATTED:
                wait_for(lambda a=address: state(board, a) == "abandoned", 60, f"{address} to be abandoned")  # type: ignore[misc]
            assert times_ms[-1] < SANITY_S * 1000


def state(server: Twinlease, address: str) -> str:
    """What the lease table says about an address."""
    return next((row["state"] for row in server.ask("show leases json") if row["address"] == address), "never used")
