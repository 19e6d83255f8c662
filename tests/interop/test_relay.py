"""Clients behind a relay agent: its address chooses the network, its options come back and, if they say so, choose."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from lab import packet
from lab.capture import Capture, judge
from lab.clients import Udhcpc
from lab.daemon import Daemon
from lab.difference import compare
from lab.net import Host, Lan
from lab.packet import ACK, AGENT, NAK, OFFER, ip4, mac
from lab.play import Line, Play
from lab.raw import FENCE, Relay
from lab.servers import Isc, Server, Twinlease
from lab.tools import require

SERVER = "10.77.0.2"
AGENT_ADDRESS = "10.78.0.1"

CONFIG = f"""authoritative;
ddns-update-style none;
ping-check false;
min-lease-time 60;
default-lease-time 300;
max-lease-time 600;
option domain-name "branch.example";
{FENCE}
subnet 10.77.0.0 netmask 255.255.0.0 {{ range 10.77.1.10 10.77.1.13; option routers 10.77.0.1; }}
subnet 10.78.0.0 netmask 255.255.0.0 {{ range 10.78.1.10 10.78.1.13; option routers 10.78.0.1; }}
shared-network upstairs {{
  subnet 10.79.0.0 netmask 255.255.255.0 {{ range 10.79.0.10 10.79.0.11; option routers 10.79.0.1; }}
  subnet 10.80.0.0 netmask 255.255.255.0 {{ range 10.80.0.10 10.80.0.11; option routers 10.80.0.1; }}
}}
"""

CIRCUIT = bytes([1, 4]) + b"port" + bytes([2, 3]) + b"sw1"

DELIBERATE: dict[str, dict[str, str]] = {
    "malformed_agent_options_come_back_as_they_are": {
        "a sub-option that runs over": "RFC 3046 2.2: what the agent sent comes back as it came; dhcpd drops it"
    },
    "a_shared_network_behind_an_agent_is_one": {
        "client 5": "offers bind nobody: when all have been offered, who asks first gets one; dhcpd keeps silent"
    },
}
"""By conversation and step: why Twinlease's answer is another one than dhcpd's, on purpose."""


def network(lan: Lan) -> tuple[Host, Host]:
    """A server, and a relay agent between its wire and a far network."""
    server, agent = lan.host("srv", f"{SERVER}/16"), lan.host("agent", "10.77.0.3/16")
    for far in ("10.78.0.1/16", "10.79.0.1/24", "10.80.0.1/24"):
        agent.ip("address", "add", far, "dev", "lo")
    server.ip("route", "add", "10.76.0.0/14", "via", "10.77.0.3")
    server.ip("route", "add", "10.80.0.0/16", "via", "10.77.0.3")
    return server, agent


def giaddr_chooses_the_network(play: Play) -> None:
    """The address comes from the agent's network, with that network's options."""
    ack = play.obtain("obtain", mac(1))
    assert ack.yiaddr.startswith("10.78.1.") and ack.get(packet.ROUTERS) == ip4("10.78.0.1")
    assert ack.giaddr == AGENT_ADDRESS
    refused = play.reboot("reboot with an address of the server's own wire", mac(2), "10.77.1.10")
    assert refused is not None and refused.kind == NAK
    assert refused.flags & 0x8000, "a relayed NAK must ask the agent to broadcast it (RFC 2131, 4.3.2)"


def agent_options_come_back_last(play: Play) -> None:
    """RFC 3046: echoed as they came, at the end, in OFFER, ACK and NAK, asked for or not."""
    for label, extra in (("plain", []), ("not asked for", [(packet.PARAMETERS, bytes([3, 1]))])):
        ack = play.obtain(label, mac(1), *extra, (AGENT, CIRCUIT))
        assert ack.get(AGENT) == CIRCUIT and ack.codes[-1] == AGENT
    refused = play.reboot("refused", mac(1), "192.168.9.9", (AGENT, CIRCUIT))
    assert refused is not None and refused.kind == NAK and refused.get(AGENT) == CIRCUIT
    play.discover("long", mac(3), (AGENT, bytes([1, 200]) + b"x" * 200))


def malformed_agent_options_come_back_as_they_are(play: Play) -> None:
    """The agent's own business; tshark complains about its octets, not ours, so it is not asked."""
    play.discover("empty", mac(2), (AGENT, b""))
    play.discover("a sub-option that runs over", mac(3), (AGENT, bytes([1, 9, 65])))


def an_agent_of_no_known_network_gets_no_answer(play: Play) -> None:
    """And the server goes on serving."""
    stranger = play.message(packet.DISCOVER, mac(1), giaddr="172.16.0.1")
    assert play.say("agent of nobody", stranger) is None
    assert play.discover("agent of somebody", mac(1)) is not None


def link_selection_chooses_the_network(play: Play) -> None:
    """RFC 3527: sub-option 5 names the client's network, the answer goes to giaddr all the same."""
    link = CIRCUIT + bytes([5, 4]) + ip4("10.79.0.0")
    ack = play.obtain("link selection", mac(1), (AGENT, link))
    assert ack.yiaddr[:6] in ("10.79.", "10.80."), ack.yiaddr
    assert ack.get(AGENT) == link and ack.giaddr == AGENT_ADDRESS
    play.discover("link of nobody", mac(2), (AGENT, bytes([5, 4]) + ip4("172.16.0.0")))


def subnet_selection_chooses_the_network(play: Play) -> None:
    """RFC 3011: option 118 names the client's network and comes back."""
    wish = (packet.SUBNET_SELECTION, ip4("10.79.0.0"))
    play.discover("subnet selection", mac(1), wish)
    play.discover("subnet of nobody", mac(2), (packet.SUBNET_SELECTION, ip4("172.16.0.0")))


def a_shared_network_behind_an_agent_is_one(play: Play) -> None:
    """Four clients fill both subnets, each with its own subnet's router."""
    upstairs = {"giaddr": "10.79.0.1"}
    found = set()
    for n in range(1, 5):
        offer = play.discover(f"client {n}", mac(n), **upstairs)
        assert offer is not None and offer.kind == OFFER
        prefix = offer.yiaddr.rsplit(".", 1)[0]
        assert offer.get(packet.ROUTERS) == ip4(f"{prefix}.1")
        found.add(offer.yiaddr)
    assert len(found) == 4
    play.discover("client 5", mac(5), **upstairs)


def a_renewal_through_the_agent_is_served(play: Play) -> None:
    """Some agents relay renewals too."""
    ack = play.obtain("obtain", mac(1), (AGENT, CIRCUIT))
    renewed = play.renew("renew", mac(1), ack.yiaddr, (AGENT, CIRCUIT))
    assert renewed is not None and renewed.kind == ACK and renewed.yiaddr == ack.yiaddr


@dataclass(frozen=True)
class Conversation:
    """What is told, and its name."""

    tell: Callable[[Play], None]

    @property
    def name(self) -> str:
        return self.tell.__name__


TOLD = [
    Conversation(tell)
    for tell in (
        malformed_agent_options_come_back_as_they_are,
        giaddr_chooses_the_network,
        agent_options_come_back_last,
        an_agent_of_no_known_network_gets_no_answer,
        link_selection_chooses_the_network,
        subnet_selection_chooses_the_network,
        a_shared_network_behind_an_agent_is_one,
        a_renewal_through_the_agent_is_served,
    )
]


def hold(told: Conversation, kind: type[Server], where: Path) -> list[Line]:
    """Hold a conversation through the agent with one server; tshark must like the server's packets."""
    where.mkdir()
    pcap = where / "wire.pcap"
    with Lan() as lan:
        server_host, agent = network(lan)
        with (
            kind(server_host, where / "server", config=CONFIG) as server,
            Capture(agent, pcap),
            Relay(agent, AGENT_ADDRESS, SERVER) as relay,
        ):
            play = Play(relay, SERVER)
            try:
                told.tell(play)
            except BaseException:
                print(f"--- {kind.name}\n" + "\n".join(f"{line.step}: {line.answer}" for line in play.lines))
                print(server.live.tail(20))
                raise
    if kind is not Isc and told.tell is not malformed_agent_options_come_back_as_they_are:
        complaints = judge(pcap, SERVER).complaints
        assert not complaints, complaints
    return play.lines


@pytest.mark.parametrize("told", TOLD, ids=[t.name for t in TOLD])
def test_relayed_clients_are_answered_as_dhcpd_answers_them(told: Conversation, tmp_path: Path) -> None:
    """Each server does what the conversation asserts, and their answers are equal but for deliberate differences."""
    require("dhcpd", "tshark")
    theirs = hold(told, Isc, tmp_path / "isc")
    if os.environ.get("LAB_SERVER") == "isc":
        pytest.skip("LAB_SERVER=isc: held with dhcpd only")
    require("twinlease")
    ours = hold(told, Twinlease, tmp_path / "twinlease")
    differing = compare(ours, theirs, DELIBERATE.get(told.name, {}))
    assert not differing, f"other answers than dhcpd's, printed above: {differing}"


def test_a_client_behind_a_real_relay_agent_gets_its_lease(kind: type[Server], lan: Lan, tmp_path: Path) -> None:
    """udhcpc on a far wire, dnsmasq as the relay agent, our server here."""
    require("udhcpc", "dnsmasq")
    with Lan() as far:
        server_host, agent = lan.host("srv", f"{SERVER}/16"), lan.host("agent", "10.77.0.3/16")
        client_host = far.host("cli")
        far.plug(agent, "eth1", "10.78.0.1/16")
        server_host.ip("route", "add", "10.78.0.0/16", "via", "10.77.0.3")
        relay_words = [
            "dnsmasq",
            "--keep-in-foreground",
            "--conf-file=/dev/null",
            "--port=0",
            "--log-facility=-",
            "--user=root",
        ]
        relay_words += [f"--dhcp-relay=10.78.0.1,{SERVER}", f"--pid-file={tmp_path / 'relay.pid'}"]
        with kind(server_host, tmp_path / "server", config=CONFIG):
            relay = Daemon("relay", relay_words, tmp_path / "relay.log", agent)
            try:
                relay.wait_log("DHCP relay from 10.78.0.1")
                with Udhcpc(client_host, tmp_path / "client") as client:
                    client.start()
                    event = client.wait()
            finally:
                relay.stop()
    assert client.address(event).startswith("10.78.1.") and event.env["router"] == "10.78.0.1"
