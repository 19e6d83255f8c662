"""DHCP messages as plain bytes: a builder that can also build what it should not, and a reader."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from ipaddress import IPv4Address

DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = range(1, 9)
NAMES = {
    0: "BOOTREPLY",
    1: "DISCOVER",
    2: "OFFER",
    3: "REQUEST",
    4: "DECLINE",
    5: "ACK",
    6: "NAK",
    7: "RELEASE",
    8: "INFORM",
}

COOKIE = bytes([99, 130, 83, 99])
PAD, MASK, ROUTERS, DNS, HOST_NAME, DOMAIN, BROADCAST = 0, 1, 3, 6, 12, 15, 28
VENDOR, REQUESTED, LEASE, OVERLOAD, TYPE, SERVER_ID, PARAMETERS, MESSAGE, MAX_SIZE, T1, T2, VENDOR_CLASS, CLIENT_ID = (
    43,
    50,
    51,
    52,
    53,
    54,
    55,
    56,
    57,
    58,
    59,
    60,
    61,
)
USER_CLASS, AGENT, SUBNET_SELECTION, END = 77, 82, 118, 255

Options = list[tuple[int, bytes]]


def ip4(text: str) -> bytes:
    """Four octets of a dotted address."""
    return IPv4Address(text).packed


def dotted(octets: bytes) -> str:
    """The dotted address of four octets."""
    return str(IPv4Address(octets))


def mac(number: int, prefix: str = "02:00:00") -> bytes:
    """The hardware address of made-up client number so and so."""
    return bytes.fromhex(prefix.replace(":", "")) + number.to_bytes(3, "big")


def encode_options(options: Options) -> bytes:
    """Options as type, length, value; values over 255 octets are split as RFC 3396 says."""
    out = bytearray()
    for code, value in options:
        for at in range(0, max(len(value), 1), 255):
            part = value[at : at + 255]
            out += bytes([code, len(part)]) + part
    return bytes(out)


@dataclass
class Message:
    """A DHCP or BOOTP message; the fields have RFC 2131's names."""

    op: int = 1
    htype: int = 1
    chaddr: bytes = b""
    hlen: int | None = None
    hops: int = 0
    xid: int = 0
    secs: int = 0
    flags: int = 0
    ciaddr: str = "0.0.0.0"
    yiaddr: str = "0.0.0.0"
    siaddr: str = "0.0.0.0"
    giaddr: str = "0.0.0.0"
    sname: bytes = b""
    file: bytes = b""
    options: Options = field(default_factory=list)
    cookie: bool = True

    def encode(self, size: int = 300) -> bytes:
        """The datagram, filled up to BOOTP's 300 octets."""
        hlen = len(self.chaddr) if self.hlen is None else self.hlen
        head = struct.pack(
            "!BBBBIHH4s4s4s4s16s64s128s",
            self.op,
            self.htype,
            hlen,
            self.hops,
            self.xid,
            self.secs,
            self.flags,
            ip4(self.ciaddr),
            ip4(self.yiaddr),
            ip4(self.siaddr),
            ip4(self.giaddr),
            self.chaddr[:16],
            self.sname,
            self.file,
        )
        tail = COOKIE + encode_options(self.options) + bytes([END]) if self.cookie else b""
        return (head + tail).ljust(size, b"\0")

    def get(self, code: int) -> bytes | None:
        """An option's value, its parts joined; None if it is not there."""
        parts = [value for got, value in self.options if got == code]
        return b"".join(parts) if parts else None

    @property
    def kind(self) -> int:
        """The DHCP message type, 0 for BOOTP."""
        value = self.get(TYPE)
        return value[0] if value else 0

    @property
    def codes(self) -> list[int]:
        """Option codes in the order of the wire."""
        return [code for code, _ in self.options]

    def __str__(self) -> str:
        shown = [f"{code}={value.hex()}" for code, value in self.options]
        places = [
            f"{n}={getattr(self, n)}" for n in ("ciaddr", "yiaddr", "siaddr", "giaddr") if getattr(self, n) != "0.0.0.0"
        ]
        texts = [f"{n}={v!r}" for n, v in (("sname", self.sname.rstrip(b"\0")), ("file", self.file.rstrip(b"\0"))) if v]
        return f"{NAMES.get(self.kind, self.kind)} {' '.join(places + texts)} flags={self.flags:#x} [{' '.join(shown)}]"


class Malformed(ValueError):
    """The datagram is not a DHCP message that a careful client would accept."""


def walk_options(area: bytes, end_required: bool) -> Options:
    """Read one option area strictly."""
    found: Options = []
    at = 0
    while at < len(area):
        code = area[at]
        at += 1
        if code == PAD:
            continue
        if code == END:
            if any(area[at:]):
                raise Malformed("octets other than PAD after END")
            return found
        if at >= len(area) or at + 1 + area[at] > len(area):
            raise Malformed(f"option {code} runs over its area")
        found.append((code, area[at + 1 : at + 1 + area[at]]))
        at += 1 + area[at]
    if end_required:
        raise Malformed("no END option")
    return found


def decode(data: bytes) -> Message:
    """Read a datagram strictly, as a reply ought to be; overloaded areas in RFC 2131's order (options, file, sname)."""
    if len(data) < 236:
        raise Malformed(f"{len(data)} octets is shorter than a BOOTP message")
    (op, htype, hlen, hops, xid, secs, flags, ciaddr, yiaddr, siaddr, giaddr, chaddr, sname, file) = struct.unpack_from(
        "!BBBBIHH4s4s4s4s16s64s128s", data
    )
    message = Message(
        op,
        htype,
        chaddr[:hlen],
        hlen,
        hops,
        xid,
        secs,
        flags,
        dotted(ciaddr),
        dotted(yiaddr),
        dotted(siaddr),
        dotted(giaddr),
        sname.rstrip(b"\0"),
        file.rstrip(b"\0"),
    )
    message.cookie = data[236:240] == COOKIE
    if message.cookie:
        message.options = walk_options(data[240:], end_required=True)
        overload = message.get(OVERLOAD)
        if overload and overload[0] & 1:
            message.options += walk_options(file, end_required=True)
            message.file = b""
        if overload and overload[0] & 2:
            message.options += walk_options(sname, end_required=True)
            message.sname = b""
    return message


def checksum(data: bytes) -> int:
    """The Internet checksum."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return int(total) ^ 0xFFFF


def frame(payload: bytes, src_mac: bytes, dst_mac: bytes, src: str, dst: str, sport: int, dport: int) -> bytes:
    """An Ethernet frame with a UDP datagram in it."""
    udp = struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload
    pseudo = ip4(src) + ip4(dst) + struct.pack("!BBH", 0, 17, len(udp))
    udp = udp[:6] + struct.pack("!H", checksum(pseudo + udp) or 0xFFFF) + udp[8:]
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, ip4(src), ip4(dst))
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return dst_mac + src_mac + b"\x08\x00" + head + udp


@dataclass(frozen=True)
class Datagram:
    """A UDP datagram as it was on the wire."""

    src_mac: bytes
    dst_mac: bytes
    src: str
    dst: str
    sport: int
    dport: int
    payload: bytes


def read_frame(data: bytes) -> Datagram | None:
    """The UDP datagram in a frame, or None if there is none (fragments are not joined)."""
    if data[12:14] != b"\x08\x00" or len(data) < 42 or data[23] != 17:
        return None
    ihl = (data[14] & 15) * 4
    udp = 14 + ihl
    sport, dport, size, _ = struct.unpack_from("!HHHH", data, udp)
    return Datagram(
        data[6:12], data[:6], dotted(data[26:30]), dotted(data[30:34]), sport, dport, data[udp + 8 : udp + size]
    )
