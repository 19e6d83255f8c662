"""The reader of dhcpd.leases, on texts as dhcpd writes them. No root is needed."""

from __future__ import annotations

from lab.dhcpd_leases import NEVER, parse

TEXT = r"""
# The format of this file is documented in the dhcpd.leases(5) manual page.
# This lease file was written by isc-dhcp-4.4.3-P1

# authoring-byte-order entry is generated, DO NOT DELETE
authoring-byte-order little-endian;

server-duid "\000\001\000\0011\226;\001\002\000\000\000\002\002";

failover peer "fo-lab" state {
  my state recover at 0 2026/11/22 11:37:20;
  partner state unknown-state at 0 2026/11/22 11:37:20;
  mclt 60;
}
lease 10.53.0.110 {
  starts 0 2026/11/22 11:39:32;
  ends 0 2026/11/22 11:40:32;
  tstp 0 2026/11/22 11:45:02;
  tsfp 0 2026/11/22 11:45:02;
  cltt 0 2026/11/22 11:39:32;
  binding state active;
  next binding state expired;
  rewind binding state free;
  hardware ethernet 02:00:00:00:01:00;
  uid "\000box-1;\"}\\";
  set vendor-class-identifier = "udhcp 1.35";
  client-hostname "box-1";
  on expiry { set gone = "yes"; }
}
lease 10.53.0.111 {
  starts 0 2026/11/22 11:37:23;
  ends never;
  tstp epoch 1795347443; # Sun Nov 22 11:37:23 2026
  binding state backup;
  reserved;
  uid 01:02:00:00:00:02:03;
}
lease 10.53.0.110 {
  starts 0 2026/11/22 11:39:32;
  ends 0 2026/11/22 11:40:32;
  atsfp 0 2026/11/22 11:40:32;
  binding state free;
  hardware ethernet 02:00:00:00:01:00;
}
failover peer "fo-lab" state {
  my state normal at 0 2026/11/22 11:37:23;
  partner state normal at 0 2026/11/22 11:37:24;
  mclt 60;
}
"""
T_1137_23 = 1795347443.0


def test_what_stands_last_counts() -> None:
    found = parse(TEXT)
    assert set(found.leases) == {"10.53.0.110", "10.53.0.111"}
    lease = found.leases["10.53.0.110"]
    assert (lease.state, lease.next_state, lease.rewind_state) == ("free", "free", "free")
    assert (lease.atsfp, lease.tstp, lease.client_id) == (T_1137_23 + 189, 0, b"")
    peer = found.peers["fo-lab"]
    assert (peer.mine, peer.mine_since, peer.partner, peer.partner_since) == (
        "normal",
        T_1137_23,
        "normal",
        T_1137_23 + 1,
    )
    assert peer.mclt == 60
    assert (found.count("free"), found.count("backup"), found.count("active")) == (1, 1, 0)


def test_an_active_lease_with_all_that_dhcpd_writes() -> None:
    lease = parse(TEXT[: TEXT.index("lease 10.53.0.111")]).leases["10.53.0.110"]
    assert (lease.state, lease.next_state, lease.rewind_state) == ("active", "expired", "free")
    assert lease.hardware == "02:00:00:00:01:00"
    assert lease.client_id == b'\0box-1;"}\\'
    assert lease.name == "box-1"
    assert (lease.starts, lease.ends, lease.tstp) == (T_1137_23 + 129, T_1137_23 + 189, T_1137_23 + 459)
    assert lease.tsfp == lease.tstp and lease.atsfp == 0 and lease.cltt == lease.starts


def test_times_that_are_no_dates_and_octets_in_hex() -> None:
    lease = parse(TEXT).leases["10.53.0.111"]
    assert lease.ends == NEVER and lease.tstp == T_1137_23 and lease.reserved
    assert lease.client_id == bytes.fromhex("01020000000203")


def test_an_entry_that_is_still_being_written_does_not_count_yet() -> None:
    assert parse(TEXT + "lease 10.53.0.110 {\n  binding state aban").leases["10.53.0.110"].state == "free"


def test_an_empty_file_says_nothing() -> None:
    assert parse("").leases == {} and parse("").peers == {}
