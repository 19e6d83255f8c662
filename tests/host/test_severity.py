"""How much each line of the log matters: what the sources can say, against what tests/data/severities.txt means by it."""

from __future__ import annotations

from pathlib import Path

import pytest
from twinlease.net import severity

from tests.lab import log_messages

TABLE = Path(__file__).resolve().parents[1] / "data" / "severities.txt"
ERROR, WARNING, INFO = 3, 4, 6


def table() -> dict[str, int]:
    """Severity by message; what only stands in lines with others is rated as if it were one."""
    lines = [line for line in TABLE.read_text().split("\n") if line and not line.startswith("#")]
    return {line[2:]: int(line[0]) for line in lines}


def test_whoever_lets_the_firmware_say_something_new_says_how_much_it_matters() -> None:
    said, rated = set(log_messages.messages()), set(table())
    new, gone = sorted(said - rated), sorted(rated - said)
    assert not new and not gone, (
        "tests/data/severities.txt: rate these 3 (error), 4 (warning) or 6:\n"
        + "\n".join(new)
        + "\nnobody says any more:\n"
        + "\n".join(gone)
    )


def test_each_message_has_the_severity_that_is_meant() -> None:
    wrong = []
    for text, meant in table().items():
        found = severity.of(text.replace(log_messages.GAP, "7"))
        if found != meant:
            wrong.append(f"{text}: {found}, meant is {meant}; mend firmware/twinlease/net/severity.py")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("failover peer office: I move from normal to communications-interrupted", WARNING),
        ("failover peer office: I move from communications-interrupted to normal", INFO),
        ("failover peer office: peer moves from recover-done to normal", INFO),
        ("failover peer office: I move from communications-interrupted to partner-down", WARNING),
        (
            "failover peer office: the partner's clock is 90 s ahead of ours: times that cross the link are corrected",
            WARNING,
        ),
        ("Recovered 4 leases from 9 records in 3 ms (0 damaged), time from rtc", INFO),
        ("Recovered 4 leases from 9 records in 3 ms (2 damaged), time from rtc", WARNING),
        ("Twinlease 0.1.0 on esp32, reset cause: power-on", INFO),
        ("Twinlease 0.1.0 on esp32, reset cause: reset", INFO),
        ("Twinlease 0.1.0 on esp32, reset cause: watchdog", WARNING),
        ("Twinlease 0.1.0 on esp32, reset cause: crash", WARNING),
        ("eth0: link down", WARNING),
        ("wlan0: link down, wrong key", WARNING),
        ("eth0: link up", INFO),
        ("Time server 10.0.0.5: no answer", WARNING),
        ("Time server 10.0.0.5: answers again", INFO),
        ("Time server 10.0.0.5 is followed: stratum 3, round trip 2 ms, within 9 ms", INFO),
        ("Time from sntp", INFO),
        ("Time from sntp, 187 s later than we thought; before: rtc", WARNING),
        ("dhcpd.conf line 3: expecting a semicolon; write one", ERROR),
        ("dhcpd.conf line 3: warning: authoritative is not set", WARNING),
        ("No service: the button was held while the power came on", ERROR),
        ("DHCPDISCOVER from 02:00:00:00:00:01 via eth0: network 10.0.0.0/24: no free leases", ERROR),
        ("DHCPDECLINE of 10.0.0.9 from 02:00:00:00:00:01 via eth0: abandoned", WARNING),
        ("DHCPDISCOVER from 02:00:00:00:00:01 (laptop) via eth0: not responding (recovering)", INFO),
        ("DHCPACK on 10.0.0.9 to 02:00:00:00:00:01 (laptop) via eth0", INFO),
    ],
)
def test_a_line_that_is_put_together(line: str, meant: int) -> None:
    assert severity.of(line) == meant


@pytest.mark.parametrize("name", ["no free leases", "PARTNER-DOWN", "differ", "serves nobody via x", "answers again"])
def test_what_a_client_calls_itself_does_not_matter(name: str) -> None:
    assert severity.of(f"DHCPACK on 10.0.0.9 to 02:00:00:00:00:01 ({name}) via eth0") == INFO
    line = f"DHCPDISCOVER from 02:00:00:00:00:01 ({name}) via eth0: network 10.0.0.0/24: no free leases"
    assert severity.of(line) == ERROR
