"""The clients that people run get what the configuration says, and keep their address through everything."""

from __future__ import annotations

from pathlib import Path

import pytest
from lab import capture, packet
from lab.clients import CLIENTS, Client, Dhclient, Event, Udhcpc
from lab.net import Lan
from lab.servers import Server
from lab.tools import require
from lab.wait import wait_for

SERVER = "10.77.0.2"

CONFIG = """
authoritative;
ddns-update-style none;
ping-check false;
min-lease-time 60;
default-lease-time 60;
max-lease-time 600;
option rfc3442-routes code 121 = array of unsigned integer 8;
option wpad code 252 = text;
option domain-name "branch.example";
option domain-search "branch.example", "example.net";
option ntp-servers 10.77.0.20, 10.77.0.21;
option interface-mtu 1400;
option time-offset -3600;
option netbios-node-type 8;
option tftp-server-name "boot.example";
option bootfile-name "menu.ipxe";
option rfc3442-routes 24, 192, 168, 5, 10, 77, 0, 9, 0, 10, 77, 0, 1;
option wpad "http://wpad.branch.example/wpad.dat";
option dhcp-renewal-time 3;
option dhcp-rebinding-time 6;
subnet 10.77.0.0 netmask 255.255.0.0 {
  range 10.77.1.10 10.77.1.200;
  option routers 10.77.0.1;
  option broadcast-address 10.77.255.255;
  option domain-name-servers 10.77.0.2, 10.77.0.3;
}
"""

ASKED: dict[str, tuple[str, ...]] = {
    "udhcpc": ("search", "mtu", "timezone", "nisdomain", "tftp", "bootfile", "staticroutes", "wpad", "ntpsrv"),
    "dhclient": (
        "domain-name",
        "domain-search",
        "ntp-servers",
        "interface-mtu",
        "time-offset",
        "netbios-node-type",
        "tftp-server-name",
        "bootfile-name",
        "rfc3442",
        "wpad",
        "broadcast-address",
        "dhcp-renewal-time",
        "dhcp-rebinding-time",
    ),
    "dhcpcd": (
        "domain_name",
        "domain_search",
        "ntp_servers",
        "interface_mtu",
        "time_offset",
        "netbios_node_type",
        "tftp_server_name",
        "bootfile_name",
        "classless_static_routes",
        "252",
        "broadcast_address",
    ),
}

TOLD: dict[str, dict[str, str]] = {
    "udhcpc": {
        "subnet": "255.255.0.0",
        "router": "10.77.0.1",
        "dns": "10.77.0.2 10.77.0.3",
        "domain": "branch.example",
        "search": "branch.example example.net",
        "ntpsrv": "10.77.0.20 10.77.0.21",
        "mtu": "1400",
        "tftp": "boot.example",
        "boot_file": "",
        "bootfile": "menu.ipxe",
        "staticroutes": "192.168.5.0/24 10.77.0.9 0.0.0.0/0 10.77.0.1",
        "wpad": "http://wpad.branch.example/wpad.dat",
        "lease": "60",
        "serverid": SERVER,
    },
    "dhclient": {
        "new_subnet_mask": "255.255.0.0",
        "new_routers": "10.77.0.1",
        "new_domain_name_servers": "10.77.0.2 10.77.0.3",
        "new_domain_name": "branch.example",
        "new_domain_search": "branch.example. example.net.",
        "new_ntp_servers": "10.77.0.20 10.77.0.21",
        "new_interface_mtu": "1400",
        "new_time_offset": "-3600",
        "new_netbios_node_type": "8",
        "new_tftp_server_name": "boot.example",
        "new_bootfile_name": "menu.ipxe",
        "new_rfc3442": "24 192 168 5 10 77 0 9 0 10 77 0 1",
        "new_wpad": "http://wpad.branch.example/wpad.dat",
        "new_dhcp_lease_time": "60",
        "new_dhcp_renewal_time": "3",
        "new_dhcp_rebinding_time": "6",
        "new_dhcp_server_identifier": SERVER,
        "new_broadcast_address": "10.77.255.255",
    },
    "dhcpcd": {
        "new_subnet_mask": "255.255.0.0",
        "new_routers": "10.77.0.1",
        "new_domain_name_servers": "10.77.0.2 10.77.0.3",
        "new_domain_name": "branch.example",
        "new_domain_search": "branch.example example.net",
        "new_ntp_servers": "10.77.0.20 10.77.0.21",
        "new_interface_mtu": "1400",
        "new_tftp_server_name": "boot.example",
        "new_bootfile_name": "menu.ipxe",
        "new_classless_static_routes": "192.168.5.0/24 10.77.0.9 0.0.0.0/0 10.77.0.1",
        "new_dhcp_lease_time": "60",
        "new_dhcp_server_identifier": SERVER,
        "new_broadcast_address": "10.77.255.255",
    },
}
"""What each client's script must find in its environment; the clients render the same options in their own ways."""


class Story:
    """One client's life, told step by step; every step says what must have gone over the wire."""

    def __init__(self, client: Client, server: Server, pcap: Path) -> None:
        self.client = client
        self.server = server
        self.pcap = pcap
        self.address = ""

    def requests(self, **fields: object) -> list[capture.Seen]:
        """The REQUESTs that the client has sent to this destination."""
        return [
            s
            for s in capture.dhcp(self.pcap)
            if s.message.kind == packet.REQUEST
            and all(getattr(s.datagram, k, getattr(s.message, k, None)) == v for k, v in fields.items())
        ]

    def lease_after(self, step: str, before: int) -> Event:
        """Wait for the next lease; it must be for the same address."""
        event = self.client.wait(after=before)
        got = self.client.address(event)
        assert got == self.address, f"{step}: {self.client.name} had {self.address}, now {got}"
        print(f"{self.client.name}: {step}: {got} ({event.action})")
        return event

    def obtain(self) -> Event:
        """A first lease."""
        self.client.start()
        event = self.client.wait()
        self.address = self.client.address(event)
        print(f"{self.client.name}: obtained {self.address} ({event.action})")
        return event

    def renew(self) -> None:
        """By unicast, at T1 or when asked."""
        before = len(self.client.seen())
        self.client.renew_now()
        self.lease_after("renewed", before)
        wait_for(
            lambda: self.requests(dst=SERVER, ciaddr=self.address) or None,
            2,
            "a renewal sent to the server by unicast in the capture",
        )

    def rebind(self) -> None:
        """The server goes away until the client asks everybody, then comes back."""
        before = len(self.client.seen())
        self.server.cut_power()
        self.client.renew_now()
        wait_for(
            lambda: self.requests(dst="255.255.255.255", ciaddr=self.address) or None,
            60,
            "a REBINDING request",
            self.client.tell,
        )
        assert len(self.client.seen()) == before, (
            f"a lease came from a server that was off: {self.client.seen()[before:]}"
        )
        self.server.start()
        self.lease_after("rebound", before)
        wait_for(self.last_ack_answers_a_broadcast, 60, "an ACK to a REQUEST sent to everybody in the capture")

    def last_ack_answers_a_broadcast(self) -> bool:
        """Tell whether the REQUEST just before the newest ACK was REBINDING's: to everybody, its address in ciaddr."""
        heard = [s for s in capture.dhcp(self.pcap) if s.message.kind in (packet.REQUEST, packet.ACK)]
        newest = max(i for i, s in enumerate(heard) if s.message.kind == packet.ACK)
        asked = next(s for s in reversed(heard[:newest]) if s.message.kind == packet.REQUEST)
        return asked.datagram.dst == "255.255.255.255" and asked.message.ciaddr == self.address

    def release(self) -> None:
        """The address goes back."""
        mark = self.server.live.position()
        self.client.release()
        self.server.live.wait_log(rf"DHCPRELEASE of {self.address} from ", since=mark)
        print(f"{self.client.name}: released {self.address}")

    def obtain_again(self) -> None:
        """And comes back to the same client."""
        before = len(self.client.seen())
        self.client.start()
        self.lease_after("obtained again", before)


@pytest.mark.parametrize("which", CLIENTS, ids=[c.name for c in CLIENTS])
def test_client_obtains_renews_rebinds_releases_and_gets_its_address_back(
    which: type[Client], kind: type[Server], lan: Lan, tmp_path: Path
) -> None:
    """The whole life of a client; options as configured; tshark finds nothing wrong with any packet of the server."""
    require(which.tool, "tshark")
    server_host, client_host = lan.host("srv", f"{SERVER}/16"), lan.host("cli")
    pcap = tmp_path / "wire.pcap"
    with (
        kind(server_host, tmp_path / "server", config=CONFIG) as server,
        capture.Capture(client_host, pcap),
        which(client_host, tmp_path / "client", ASKED[which.name]) as client,
    ):
        story = Story(client, server, pcap)
        told = story.obtain().env
        story.renew()
        story.rebind()
        story.release()
        story.obtain_again()
    wrong = {key: (value, told.get(key, "")) for key, value in TOLD[which.name].items() if told.get(key, "") != value}
    assert not wrong, f"(configured, told to the client's script): {wrong}"
    verdict = capture.judge(pcap, SERVER)
    print(f"tshark read {verdict.packets} packets of the server")
    assert verdict.packets >= 8 and not verdict.complaints, verdict.complaints


def test_two_clients_on_one_wire_get_two_addresses(kind: type[Server], lan: Lan, tmp_path: Path) -> None:
    """Different products beside each other."""
    require("udhcpc", "dhclient")
    server_host = lan.host("srv", f"{SERVER}/16")
    one, two = lan.host("one"), lan.host("two")
    with (
        kind(server_host, tmp_path / "server", config=CONFIG),
        Udhcpc(one, tmp_path / "one") as a,
        Dhclient(two, tmp_path / "two") as b,
    ):
        a.start()
        b.start()
        addresses = {a.address(a.wait()), b.address(b.wait())}
    assert len(addresses) == 2, addresses
