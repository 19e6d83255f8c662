"""tshark's dissector reads every kind of failover message that we write, and finds nothing malformed."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import pytest
import twinlease  # noqa: F401  (installs the stand-in for the micropython module)
from lab.tools import PACKAGES, run
from twinlease.clock import FOREVER
from twinlease.failover import states
from twinlease.failover import wire as w
from twinlease.failover.balance import hba_of_split
from twinlease.failover.writer import Binding, Writer

NOW = 217510643
CLIENT = b"\x01\x02\x00\x00\x00\x02\x03"
MALFORMED = "_ws.malformed || _ws.expert.severity >= 6291456 || _ws.short || tcp.analysis.flags"


def binding(status: int, **fields: int) -> Binding:
    """A binding of one client, with these fields set beside the usual ones."""
    made = Binding()
    made.address[:] = bytes([10, 53, 0, 112])
    made.status = status
    made.chaddr[:7] = made.id[:7] = CLIENT
    made.chaddr_n = 7
    made.lease_expiration = NOW + 60
    made.potential_expiration = NOW + 330
    made.start = made.cltt = NOW
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def messages() -> list[bytes]:
    """One or more of every type, with every option that we ever send."""
    question = bytes(8) + b"\x00\x00\x00\x2a"
    name, vendor, text = b"fo-lab", b"twinlease-0.1", b"time offset too large"
    address = bytes([10, 53, 0, 112])
    calls = [
        ("connect", NOW, name, 10, 10, vendor, 60, hba_of_split(128)),
        ("connectack", NOW, question, w.XID, name, 10, 10, vendor),
        ("connectack_reject", NOW, question, w.XID, name, 10, 10, vendor, w.TIME_MISMATCH, text),
        ("bare", w.CONTACT, NOW),
        ("bare", w.POOLREQ, NOW),
        ("bare", w.UPDREQ, NOW),
        ("bare", w.UPDREQALL, NOW),
        ("poolresp", NOW, question, w.XID, 8),
        ("upddone", NOW, question, w.XID),
        ("bndack", NOW, question, w.XID, address, 0),
        ("bndack_reject", NOW, question, w.XID, address, 0, w.FATAL_CONFLICT, text),
        ("disconnect", NOW, w.INVALID_PARTNER, text),
    ]
    calls += [("state", NOW, state, flags, NOW) for state in states.ON_HEARD for flags in (0, w.FLAG_STARTUP)]
    calls += [("bndupd", NOW, binding(status)) for status in range(1, 8)]
    calls += [
        ("bndupd", NOW, binding(2, id_n=7, ip_flags=w.FLAG_RESERVED)),
        ("bndupd", NOW, binding(2, ip_flags=w.FLAG_BOOTP, lease_expiration=FOREVER, potential_expiration=FOREVER)),
        ("bndupd", NOW, binding(1, chaddr_n=0, lease_expiration=0, potential_expiration=0, start=0, cltt=-1)),
    ]
    written = []
    out = Writer(2048)
    for call in calls:
        assert getattr(out, call[0])(*call[1:])
        written.append(bytes(out.buf[: out.end]))
        out.clear()
    return written


def save(path: Path, segments: list[bytes]) -> None:
    """A capture of one TCP connection that carries these segments."""
    with open(path, "wb") as out:
        out.write(struct.pack("!IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
        seq = 1
        for segment in segments:
            tcp = struct.pack("!HHIIBBHHH", 40000, 647, seq, 1, 0x50, 0x18, 65535, 0, 0) + segment
            ip = struct.pack(
                "!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, b"\x0a\x35\x00\x01", b"\x0a\x35\x00\x02"
            )
            frame = b"\x02\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00\x01\x08\x00" + ip + tcp
            out.write(struct.pack("!IIII", NOW, 0, len(frame), len(frame)) + frame)
            seq += len(segment)


def tshark(path: Path, *arguments: str) -> str:
    """What tshark says about a capture, read as failover."""
    return run(["tshark", "-r", path, "-d", "tcp.port==647,dhcpfo", *arguments], 120).stdout


@pytest.fixture(autouse=True)
def tool() -> None:
    """Skip, by name, where there is no tshark; no root is needed."""
    if shutil.which("tshark") is None:
        pytest.skip(f"missing: tshark (install: apt install {PACKAGES['tshark']})")


def test_tshark_reads_every_message_of_ours(tmp_path: Path) -> None:
    written = messages()
    assert {one[2] for one in written} == set(range(1, 13))
    save(tmp_path / "ours.pcap", written)
    assert not tshark(tmp_path / "ours.pcap", "-Y", MALFORMED)
    lines = tshark(tmp_path / "ours.pcap", "-T", "fields", "-e", "dhcpfo.type", "-e", "dhcpfo.length").split("\n")
    assert lines[:-1] == [f"{one[2]}\t{len(one)}" for one in written]


def test_tshark_finds_the_options_that_we_wrote(tmp_path: Path) -> None:
    written = messages()
    save(tmp_path / "ours.pcap", written)
    lines = tshark(tmp_path / "ours.pcap", "-T", "fields", "-e", "dhcpfo.optioncode").split("\n")
    for line, one in zip(lines, written):
        m = w.Message()
        assert m.read(one, 0, len(one)) == 0
        codes = [int(code, 0) for code in line.split(",") if code]
        assert sorted(codes) == [code for code in range(30) if m.where[code]]
    assert len(lines) == len(written) + 1


def test_tshark_reads_messages_that_share_a_segment(tmp_path: Path) -> None:
    written = messages()[3:11]
    save(tmp_path / "ours.pcap", [b"".join(written)])
    assert not tshark(tmp_path / "ours.pcap", "-Y", MALFORMED)
    types = tshark(tmp_path / "ours.pcap", "-T", "fields", "-e", "dhcpfo.type").strip()
    assert types == ",".join(str(one[2]) for one in written)


def test_tshark_sees_a_message_that_is_wrong(tmp_path: Path) -> None:
    """The judge is awake: an option that runs past the end is found."""
    broken = bytearray(messages()[0])
    broken[15] = 200
    save(tmp_path / "broken.pcap", [bytes(broken)])
    assert tshark(tmp_path / "broken.pcap", "-Y", MALFORMED)
