"""Leases as a board tells them, and as dhcpd.leases: written so that dhcpd reads them, and read back the same."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
from pathlib import Path

import pytest
from twinlease_host import serial_link
from twinlease_host.cli import app
from twinlease_host.isc import leases_file
from twinlease_host.output import out
from twinlease_host.pair import leases
from typer.testing import CliRunner

TOLD = [
    {
        "address": "10.77.1.9",
        "state": "active",
        "hardware": "02:00:00:00:00:10",
        "client_id": "01020000000010",
        "name": "laptop",
        "agent": "01046574683002020a0b",
        "ends": 1795400000,
        "cltt": 1795390000,
    },
    {
        "address": "10.77.1.10",
        "state": "active",
        "hardware": "02:00:00:00:00:11",
        "client_id": "",
        "name": "",
        "agent": "",
        "ends": None,
        "cltt": 1795390000,
    },
    {
        "address": "10.77.1.11",
        "state": "abandoned",
        "hardware": "",
        "client_id": "",
        "name": "",
        "agent": "",
        "ends": 1795400000,
        "cltt": 1795390000,
    },
    {
        "address": "10.77.1.12",
        "state": "released",
        "hardware": "02:00:00:00:00:12",
        "client_id": "ff00225c7d" * 4,
        "name": 'a"b\\c',
        "agent": "",
        "ends": 1795390001,
        "cltt": 1795390000,
    },
    {
        "address": "10.77.1.13",
        "state": "backup",
        "hardware": "02:00:00:00:00:13",
        "client_id": "",
        "name": "",
        "agent": "",
        "ends": 1795390001,
        "cltt": 1795390000,
    },
]


def test_what_is_written_as_dhcpd_leases_is_read_back_the_same() -> None:
    read = leases_file.parse(leases.dump(TOLD, "dhcpd", "a board"))
    assert not read.problems
    wanted = [leases_file.Lease.from_board(lease) for lease in TOLD]
    lines = [lease.line for lease in read.leases.values()]
    assert lines == sorted(lines) and lines[0] == 4
    assert [(*astuple(lease),) for lease in read.leases.values()] == [(*astuple(lease),) for lease in wanted]


def astuple(lease: leases_file.Lease) -> tuple[object, ...]:
    return tuple(value for name, value in vars(lease).items() if name != "line")


def test_dhcpd_takes_the_export_as_its_lease_file(tmp_path: Path) -> None:
    dhcpd = shutil.which("dhcpd", path="/usr/sbin:/sbin:/usr/local/sbin")
    if dhcpd is None:
        pytest.skip("missing: dhcpd (apt install isc-dhcp-server)")
    config, file = tmp_path / "dhcpd.conf", tmp_path / "dhcpd.leases"
    config.write_text("subnet 10.77.0.0 netmask 255.255.0.0 { range 10.77.1.1 10.77.1.50; }\n")
    file.write_text(leases.dump(TOLD, "dhcpd", "a board"))
    done = subprocess.run(
        [dhcpd, "-T", "-cf", str(config), "-lf", str(file)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "line" not in done.stderr, done.stderr
    file.write_text(file.read_text().replace("binding state active", "binding state sleepy"))
    done = subprocess.run(
        [dhcpd, "-T", "-cf", str(config), "-lf", str(file)], capture_output=True, text=True, check=False
    )
    assert "sleepy" in done.stderr or done.returncode  # it does look


def test_csv_and_json_have_all_that_the_board_told() -> None:
    rows = list(csv.DictReader(io.StringIO(leases.dump(TOLD, "csv", "a board"))))
    assert [row["name"] for row in rows] == [lease["name"] for lease in TOLD]
    assert rows[1]["ends"] == "" and rows[0]["ends"] == "1795400000"
    assert json.loads(leases.dump(TOLD, "json", "a board")) == TOLD


def test_what_dhcpd_itself_writes_is_read() -> None:
    read = leases_file.parse("""# The format of this file is documented in the dhcpd.leases(5) manual page.
authoring-byte-order little-endian;
server-duid "\\000\\001\\000\\001";
lease 10.0.0.5 {
  starts 4 2022/11/24 10:00:00;
  ends 4 2022/11/24 10:10:00;
  binding state active;
  hardware ethernet 2:0:0:0:0:a;
  uid 01:02:00:00:00:00:0a;
  set vendor-class-identifier = "MSFT 5.0; {x}";
  client-hostname "old";
  on expiry { set x = "}"; }
}
failover peer "office" state {
  my state normal at 4 2022/11/24 10:00:00;
}
lease 10.0.0.5 {
  starts epoch 1669284000; # Thu Nov 24 10:00:00 2022
  ends never;
  tstp epoch 1669284000;
  binding state active;
  hardware ethernet 02:00:00:00:00:0a;
  uid "\\001\\002\\000\\000\\000\\000\\012";
  client-hostname "new";
}
lease 10.0.0.6 { binding state sleepy; }
lease 10.0.0.7 {
  starts 4 2022/11/24""")
    (lease,) = read.leases.values()
    assert (lease.name, lease.ends, lease.starts, lease.cltt) == ("new", None, 1669284000, 1669284000)
    assert lease.client_id == bytes.fromhex("0102000000000a") and lease.line == 17
    assert read.problems == [(26, "lease 10.0.0.6: the binding state sleepy is unknown")]


def test_changes_between_two_looks_are_told() -> None:
    def seen(**changes: object) -> dict[str, leases.Lease]:
        found = {lease["address"]: dict(lease) for lease in TOLD}
        found["10.77.1.9"].update(changes)
        return found

    for changed, what in (
        ({"ends": 1795409999}, "renewed"),
        ({"state": "released"}, "released"),
        ({"hardware": "02:00:00:00:00:99"}, "new"),
        ({}, None),
    ):
        told = [one for one, _ in leases.changes(seen(), seen(**changed))]
        assert told == ([what] if what else []), changed
    empty: dict[str, leases.Lease] = {}
    assert [one for one, _ in leases.changes(empty, seen())][:3] == ["new", "new", "abandoned"]
    assert {one for one, _ in leases.changes(seen(), empty)} == {"gone"}


def test_of_two_boards_it_shows_where_they_do_not_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    other = [dict(lease) for lease in TOLD[1:]]
    other[0]["state"] = "released"
    answers = {"one": TOLD, "two": other}
    monkeypatch.setattr(leases, "ask", lambda port, *_: answers[port])
    monkeypatch.setattr(out, "width", 150)
    done = CliRunner().invoke(app, ["leases", "list", "one", "two"])
    lines = done.stdout.splitlines()
    assert done.exit_code == 0 and "does not know it" in lines[1] and "released" in lines[2] and "never" in lines[2]
    assert all("the same" in line for line in lines[3:])


def test_a_format_that_nobody_knows_is_refused_with_those_that_are(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["leases", "export", "port", "--format", "xml"])
    assert done.exit_code != 0 and "json, csv, dhcpd" in getattr(done.exception, "hint", "")


def test_a_board_that_serves_nobody_is_told_from_one_that_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(serial_link.Link):
        def __enter__(self) -> Silent:
            return self

        def ask(self, command: str) -> serial_link.Answer:
            return serial_link.Answer("this board has no configuration to serve by\n", False)

    monkeypatch.setattr(serial_link, "Link", Silent)
    done = CliRunner().invoke(app, ["leases", "list", "port"])
    assert getattr(done.exception, "code", 0) == 1 and "doctor port" in getattr(done.exception, "hint", "")
