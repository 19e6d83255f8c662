"""From ISC dhcpd, or dnsmasq, to a board: what is carried over, what is told, and clients that notice nothing."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from twinlease import conf
from twinlease.lease.journal import Journal
from twinlease.lease.row import ABANDONED, ACTIVE, FREE, ITEM_HOST_NAME
from twinlease.lease.table import Table
from twinlease_host.cli import app
from twinlease_host.errors import UserError
from twinlease_host.isc import carry, dnsmasq, journal_image, leases_file
from twinlease_host.lab import demo
from twinlease_host.lab.board import Board, Make
from twinlease_host.lab.lan import CLIENT_MAC, Lan
from twinlease_host.lab.process import Process
from twinlease_host.lab.timeline import Timeline
from twinlease_host.pair.sources import Line
from typer.testing import CliRunner

NOW = 1795400000
SUBNET = "subnet 10.77.0.0 netmask 255.255.0.0 { range 10.77.1.10 10.77.1.59; }\n"


def carried(text: str) -> carry.Carried:
    return carry.over([Line(line, "dhcpd.conf", n) for n, line in enumerate(text.splitlines(), 1)])


def told(done: carry.Carried) -> list[tuple[int, str, bool]]:
    return [(one.line, one.text, one.effect) for one in done.left]


# dhcpd.conf


def test_a_configuration_that_a_board_knows_stays_as_it_is() -> None:
    text = "# comment\nauthoritative;\n" + SUBNET
    done = carried(text)
    assert done.text == text and done.left == []


def test_what_a_board_has_nothing_for_is_taken_out_and_told_with_its_line() -> None:
    done = carried(
        "default-lease-time 600; local-port 67; max-lease-time 700;\n"
        'on commit { execute("/bin/x", "a;b}"); }\n'
        "subnet6 2001:db8::/32 {\n  range6 2001:db8::1 2001:db8::2;\n}\n" + SUBNET
    )
    assert told(done) == [
        (1, "local-port 67;", True),
        (2, 'on commit { execute("/bin/x", "a;b}"); }', True),
        (3, "subnet6 2001:db8::/32 { range6 2001:db8::1 2001:db8::2; }", True),
    ]
    config = conf.load(done.text)
    assert config.rows == 50 and config.scope.params == {"default-lease-time": 600, "max-lease-time": 700}
    assert "# not carried over: not supported by Twinlease: on" in done.text and "#   range6" in done.text


def test_only_the_statement_inside_a_block_goes() -> None:
    done = carried('class "a" {\n  match if known;\n  lease limit 4;\n}\n' + SUBNET)
    assert told(done) == [(3, "lease limit 4;", True)]
    assert [one.name for one in conf.load(done.text).classes] == ["a"]


def test_a_condition_that_cannot_be_read_takes_its_else_along() -> None:
    done = carried(
        'if exists foo.bar { filename "a"; }\nelsif known { filename "b"; }\nelse { filename "c"; }\n' + SUBNET
    )
    assert [line for line, _, _ in told(done)] == [1] and done.left[0].text.startswith("if exists foo.bar")
    kept = [line for line in done.text.splitlines() if not line.startswith("#")]
    assert kept == [SUBNET.strip()] and '#   else { filename "c"; }' in done.text


def test_more_than_twenty_errors_are_all_found() -> None:
    done = carried("".join(f"foo-{n} {n};\n" for n in range(50)) + SUBNET)
    assert [line for line, _, _ in told(done)] == list(range(1, 51))


def test_what_does_nothing_on_a_board_stays_and_is_a_note() -> None:
    done = carried("omapi-port 7911;\n" + SUBNET)
    assert told(done) == [(1, "omapi-port 7911;", False)]


def test_a_text_without_an_end_is_refused_with_the_line() -> None:
    with pytest.raises(UserError, match="line "):
        carried("subnet 10.0.0.0 netmask 255.0.0.0 {\n")


# dnsmasq.conf

DNSMASQ = """# the office
domain-needed
server=192.0.2.8
interface=eth0
dhcp-range=10.77.1.10,10.77.1.99,255.255.0.0,12h
dhcp-range=set:guest,10.78.1.10,10.78.1.99,30m
dhcp-range=fd00::2,fd00::500,64,12h
dhcp-option=3,10.77.0.1
dhcp-option=option:ntp-server,10.77.0.5,10.77.0.6
dhcp-option=option:dns-server,10.77.0.1
dhcp-option=tag:guest,option:dns-server,10.78.0.1
dhcp-option=252,"http://x/wpad.dat"
dhcp-option=121,10.0.0.0/8,10.77.0.1
dhcp-host=11:22:33:44:55:66,fred,10.77.1.5,45m
dhcp-host=id:01:02:03,judge,infinite
dhcp-host=set:x,11:22:33:44:55:67
dhcp-host=11:22:33:44:55:68,ignore
dhcp-authoritative
dhcp-boot=pxelinux.0,srv,10.77.0.9
domain=office.example
dhcp-lease-max=150
"""


def test_dnsmasqs_configuration_is_carried_over_as_far_as_it_maps() -> None:
    done = dnsmasq.convert(DNSMASQ)
    config = conf.load(done.text)
    assert [(str(pool.network.name), pool.size) for pool in config.pools] == [
        ("10.77.0.0/16", 90),
        ("10.78.1.0/24", 90),
    ]
    options = config.scope.options
    assert options[3] == bytes((10, 77, 0, 1)) and options[42] == bytes((10, 77, 0, 5, 10, 77, 0, 6))
    assert options[121] == bytes((8, 10, 10, 77, 0, 1)) and options[252] == b"http://x/wpad.dat"
    assert options[15] == b"office.example" and config.scope.params["authoritative"] is True
    office, guests = sorted(config.subnets, key=lambda subnet: bytes(subnet.net))
    assert office.scope.params["default-lease-time"] == 43200 and guests.scope.params["default-lease-time"] == 1800
    assert guests.scope.options[6] == bytes((10, 78, 0, 1))
    hosts = {host.name: host for host in config.hosts}
    assert hosts["fred"].scope.params["default-lease-time"] == 2700
    assert hosts["judge"].client_id == b"\x01\x02\x03"
    assert hosts["h112233445568"].scope.params["allow-booting"] == "deny"
    lost = {one.line: one.why for one in done.left if one.effect}
    assert sorted(lost) == [7, 16, 21] and lost[7] == "IPv6 is not served"
    assert [one.line for one in done.left if not one.effect] == [6]  # the netmask that was guessed


def test_what_dnsmasq_tells_by_itself_is_named() -> None:
    done = dnsmasq.convert("dhcp-range=10.77.1.10,10.77.1.99,255.255.0.0\n")
    assert [one.why for one in done.left if "its own address" in one.why] and all(one.line == 1 for one in done.left)


def test_which_kind_of_file_it_is() -> None:
    assert dnsmasq.is_dnsmasq(DNSMASQ) and not dnsmasq.is_dnsmasq(SUBNET) and not dnsmasq.is_dnsmasq("# nothing\n")


def test_dnsmasqs_leases_are_read() -> None:
    read = dnsmasq.leases(
        "1795400000 02:00:00:00:00:10 10.77.1.15 laptop 01:02:00:00:00:00:10\n"
        "0 02:00:00:00:00:11 10.77.1.16 * *\nduid 00:01\n1795400000 123 fd00::2 x 00:01\n"
    )
    one, two = read.leases.values()
    assert (one.ends, one.name, one.client_id) == (1795400000, "laptop", bytes.fromhex("01020000000010"))
    assert (two.ends, two.name, two.client_id, two.line) == (None, "", b"", 2)
    assert [line for line, _ in read.problems] == [4]


# leases


def recovered(octets: bytes, config: Any) -> tuple[Table, Any]:
    """The table that a board fills from these octets."""

    class Flash(journal_image._Flash):
        def __init__(self) -> None:
            super().__init__(len(octets), 1)
            self.octets[:] = octets

    table = Table(config.ranges, config.pools)
    return table, Journal(Flash(), table).recover()


def lease(address: str, state: str, **more: Any) -> leases_file.Lease:
    more = {"ends": NOW + 600, "cltt": NOW - 60, "hardware": "02:00:00:00:00:10", **more}
    return leases_file.Lease(address, state, **more)


def test_a_board_recovers_the_leases_that_were_imported() -> None:
    config = conf.load(SUBNET)
    image = journal_image.make(
        config,
        [
            lease("10.77.1.10", "active", client_id=b"\x01\x02\0\0\0\0\x10", name="laptop"),
            lease("10.77.1.11", "active", ends=None, hardware="02:00:00:00:00:11", client_id=b"x" * 40),
            lease("10.77.1.12", "released", hardware="02:00:00:00:00:12"),
            lease("10.77.1.13", "abandoned", hardware="", ends=NOW - 5),
            lease("10.77.1.14", "free", hardware=""),
            lease("10.99.0.1", "active", line=7),
            lease("10.99.0.2", "free", line=8),
        ],
        NOW,
        256 * 1024,
    )
    assert (image.active, image.remembered, image.abandoned) == (2, 1, 1)
    assert [line for line, _ in image.left] == [7]
    table, found = recovered(image.octets, config)
    assert (found.rows, found.damaged, found.orphans, found.floor) == (4, 0, 0, NOW - 1577836800)
    assert [table.state(row) for row in range(5)] == [ACTIVE, ACTIVE, FREE, ABANDONED, FREE]
    assert table.ends(0) == NOW + 600 - 1577836800 and table.ends(1) == 0x3FFFFFFF
    assert table.ends(3) == NOW + 86400 - 1577836800
    out = bytearray(64)
    assert out[: table.get_id(0, out, 0)] == b"\x01\x02\0\0\0\0\x10" and table.get_hw(2, out, 0) == 6
    assert bytes(out[: table.get_item(0, ITEM_HOST_NAME, out, 0)]) == b"laptop"


def test_leases_for_a_pico_are_programmed_by_the_page() -> None:
    config = conf.load(SUBNET)
    image = journal_image.make(config, [lease("10.77.1.10", "active")], NOW, 256 * 1024, 256)
    assert recovered(image.octets, config)[1].rows == 1


def test_too_many_for_the_flash_are_refused() -> None:
    config = conf.load("subnet 10.0.0.0 netmask 255.255.0.0 { range 10.0.1.0 10.0.60.0; }")
    with pytest.raises(UserError, match="do not fit"):
        journal_image.make(config, [], NOW, 128 * 1024)


def test_a_board_that_has_leases_is_not_written_over(tmp_path: Path) -> None:
    octets = journal_image.make(conf.load(SUBNET), [lease("10.77.1.10", "active")], NOW, 256 * 1024).octets
    journal_image.install(octets, tmp_path / "board")
    flash = (tmp_path / "board" / "flash.bin").read_bytes()
    with pytest.raises(UserError, match="has leases already"):
        journal_image.install(octets, tmp_path / "board")
    assert (tmp_path / "board" / "flash.bin").read_bytes() == flash and octets in flash


def test_the_command_makes_both_files_and_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "dhcpd.conf").write_text('include "more.conf";\n' + SUBNET)
    (tmp_path / "more.conf").write_text("authoritative;\nlocal-port 67;\n")
    (tmp_path / "dhcpd.leases").write_text("".join(leases_file.write([lease("10.77.1.10", "active")], "test")))
    words = ["config", "import", str(tmp_path / "dhcpd.conf"), "--leases", str(tmp_path / "dhcpd.leases")]
    done = CliRunner().invoke(app, [*words, "-o", str(tmp_path / "out"), "--json"])
    assert done.exit_code == 1, done.output
    answer = json.loads(done.stdout)
    assert [(one["file"], one["line"], one["text"]) for one in answer["left"]] == [("more.conf", 2, "local-port 67;")]
    assert answer["leases"]["active"] == 1 and (tmp_path / "out" / "leases.bin").stat().st_size == 256 * 1024
    (tmp_path / "more.conf").write_text("authoritative;\n")
    done = CliRunner().invoke(app, [*words, "-o", str(tmp_path / "out")])
    assert done.exit_code == 0 and "0 things could not be carried over" in done.stdout


# A client, from ISC's dhcpd to a board

ISC = """authoritative;
default-lease-time 600;
max-lease-time 600;
option domain-name-servers 10.77.0.53;
subnet 10.77.0.0 netmask 255.255.0.0 { option routers 10.77.0.1; range 10.77.1.10 10.77.1.59; }
"""
_START_S = 60.0


def test_a_client_of_dhcpd_renews_with_the_board_that_has_taken_its_place(tmp_path: Path, need_root: None) -> None:
    dhcpd = shutil.which("dhcpd", path="/usr/sbin:/sbin:/usr/local/sbin")
    if dhcpd is None or shutil.which("udhcpc") is None:
        pytest.skip("missing: dhcpd or udhcpc (apt install isc-dhcp-server udhcpc)")
    timeline = Timeline(lambda _: None, tmp_path / "timeline.log")
    old, leases = tmp_path / "dhcpd.conf", tmp_path / "dhcpd.leases"
    old.write_text(ISC)
    leases.write_text("")
    board = Board("A", "10.77.0.2/16", tmp_path, Make(tmp_path / "new" / "dhcpd.conf", "256K"))
    with Lan({board.machine: None, "client": CLIENT_MAC}) as lan:
        inside = ["ip", "netns", "exec", lan.netns(board.machine)]
        Process("ip", [*inside, "ip", "address", "add", "10.77.0.2/16", "dev", "eth0"], timeline.tell).popen.wait()
        words = [
            dhcpd,
            "-f",
            "-4",
            "-cf",
            str(old),
            "-lf",
            str(leases),
            "-pf",
            str(tmp_path / "pid"),
            "--no-pid",
            "eth0",
        ]
        server = Process("dhcpd", [*inside, *words], timeline.tell)
        client = None
        try:
            server.wait_line(("Socket/fallback", "exiting"), _START_S)
            words = ["udhcpc", "-f", "-i", "eth0", "-s", str(demo.HERE / "udhcpc-event"), "-x", "hostname:laptop"]
            client = Process("client", ["ip", "netns", "exec", lan.netns("client"), *words], timeline.tell)
            before = client.wait_line(("bound:", "leasefail:"), _START_S)
            server.stop()
            words = ["config", "import", str(old), "--leases", str(leases), "-o", str(tmp_path / "new"), "--json"]
            done = CliRunner().invoke(app, words)
            assert done.exit_code == 0 and json.loads(done.stdout)["leases"]["active"] == 1, done.output
            done = CliRunner().invoke(
                app, ["leases", "install", str(tmp_path / "new" / "leases.bin"), str(board.folder)]
            )
            assert done.exit_code == 0, done.output
            board.power_on(lan, timeline)
            board.wait_serving(lan)
            (known,) = board.leases()
            client.send(signal.SIGUSR1)
            after = client.wait_line(("renew:", "bound:", "deconfig:", "leasefail:"), _START_S)
            same = [re.sub(r" for \d+ s", "", line) for line in (after, before.replace("bound:", "renew:"))]
            assert same[0] == same[1] and " from 10.77.0.2;" in after
            address = re.split(r"[ /]", after)[1]
            assert (known["address"], known["hardware"], known["name"]) == (address, CLIENT_MAC, "laptop")
            assert abs(known["ends"] - time.time() - 600) < 600 and known["state"] == "active"
        finally:
            for process in (client, server):
                if process is not None:
                    process.stop()
            board.ask_to_stop()
            board.power_off()


# Into an ESP32's partition


class Chip:
    """An ESP32's flash, as esptool's stub sees it."""

    def __init__(self) -> None:
        self.octets = bytearray(b"\xff" * (4 << 20))

    def flash_md5sum(self, at: int, size: int) -> str:
        return hashlib.md5(self.octets[at : at + size]).hexdigest()

    def read(self, _: Any, at: int, size: int) -> bytes:
        return bytes(self.octets[at : at + size])

    def erase(self, _: Any, at: int, size: int) -> None:
        self.octets[at : at + size] = b"\xff" * size

    def write(self, _: Any, pieces: list[tuple[int, bytes]]) -> None:
        for at, octets in pieces:
            self.octets[at : at + len(octets)] = octets


def test_an_esp32_gets_them_when_it_is_flashed_unless_it_has_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    from twinlease_host.flash import esp, partition_table
    from twinlease_host.flash.show import Show

    chip, rows = Chip(), partition_table.with_leases(4 << 20, 256 * 1024)
    for name in ("read", "erase", "write"):
        full = {"read": "read_flash", "erase": "erase_region", "write": "write_flash"}[name]
        monkeypatch.setattr(esp.cmds, full, getattr(chip, name))
    octets = journal_image.make(conf.load(SUBNET), [lease("10.77.1.10", "active")], NOW, 256 * 1024).octets

    def flash(leases: bytes | None) -> list[str]:
        done = esp.Done()
        esp._update(chip, [esp.Piece("MicroPython", 0x10000, b"program")], rows, Show(), done, leases)
        return done.written

    chip.octets[0x200000:0x200010] = b"what was there.."  # under a table of somebody else's: nobody's leases
    assert flash(octets) == ["MicroPython", "leases", "partition table"]
    assert chip.octets[0x200000:0x240000] == octets
    assert flash(octets) == [] and flash(None) == []
    chip.octets[0x200100] = 0  # it has served
    before = bytes(chip.octets)
    with pytest.raises(UserError, match="has leases already"):
        flash(octets)
    with pytest.raises(UserError, match="262,144"):
        flash(octets[:-4096])
    assert chip.octets == before and flash(None) == []
