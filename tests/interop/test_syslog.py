"""The log of a virtual board arrives at a syslog server on the network, as RFC 5424 has it."""

from __future__ import annotations

import re
from pathlib import Path

from lab.net import Lan, udp_socket
from lab.servers import Plan, Twinlease

CONFIG = """syslog server 10.77.0.9; log-facility local7; authoritative;
subnet 10.77.0.0 netmask 255.255.0.0 { range 10.77.1.1 10.77.1.20; }
"""
MESSAGE = re.compile(rb"<(\d+)>1 (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|-) 10\.77\.0\.2 twinlease - - - (.+)", re.DOTALL)
LOCAL7_INFO = 23 * 8 + 6
LIMIT_S = 90


def test_each_line_of_the_log_arrives(lan: Lan, tmp_path: Path) -> None:
    plan = Plan(network="10.77.0.0/16", address="10.77.0.2")
    with udp_socket(lan.host("log", "10.77.0.9/16"), "10.77.0.9", 514) as server:
        server.settimeout(LIMIT_S)
        with Twinlease(lan.host("srv", "10.77.0.2/16"), tmp_path / "server", plan, CONFIG) as board:
            heard = []
            while "Server starting service." not in heard:
                message = MESSAGE.fullmatch(server.recv(2048))
                assert message and int(message[1]) in (LOCAL7_INFO, LOCAL7_INFO - 2, LOCAL7_INFO - 3)
                heard.append(message[3].decode())
            assert heard[0].startswith("Twinlease "), "the boot's lines, too"
            told = board.ask("show log json")["syslog"]
            assert told["server"] == "10.77.0.9" and told["sent"] >= len(heard) and told["dropped"] == 0
