"""Reads the failover captures of tests/data/failover: pcap, Ethernet, IPv4, TCP.  Runs on CPython and MicroPython."""

FOLDER = __file__.rsplit("/", 2)[0] + "/data/failover/"
NAMES = (
    "01-cold-start",
    "02-lease-lifecycle",
    "03-partner-down-and-return",
    "04-lost-database-recover-wait",
    "05-potential-conflict",
    "06-poolreq-from-secondary",
    "07-poolreq-from-primary",
    "08-restart-normal",
    "09-shutdown-recover-paused",
    "10-disconnect-from-isc-primary",
    "11-connectack-rejects-from-isc-secondary",
)
PRIMARY = b"\x0a\x35\x00\x01"
SECONDARY = b"\x0a\x35\x00\x02"


def frames(name):
    """The frames of a capture, in order."""
    with open(FOLDER + name + ".pcap", "rb") as f:
        data = f.read()
    order = "little" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else "big"
    at = 24
    while at + 16 <= len(data):
        size = int.from_bytes(data[at + 8 : at + 12], order)
        yield data[at + 16 : at + 16 + size]
        at += 16 + size


def segments(name, port=647):
    """(who sends, which connection and direction, flags, sequence number, octets) of each TCP segment."""
    for frame in frames(name):
        ip = frame[14:]
        if frame[12:14] != b"\x08\x00" or ip[0] >> 4 != 4 or ip[9] != 6:
            continue
        tcp = ip[4 * (ip[0] & 15) : int.from_bytes(ip[2:4], "big")]
        if port not in (int.from_bytes(tcp[:2], "big"), int.from_bytes(tcp[2:4], "big")):
            continue
        flow = bytes(ip[12:20]) + bytes(tcp[:4])
        yield bytes(ip[12:16]), flow, tcp[13], int.from_bytes(tcp[4:8], "big"), bytes(tcp[4 * (tcp[12] >> 4) :])


def streams(name):
    """[(who sends, octets)] for each direction of each connection, in the order of their first octets.

    Segments that come twice or out of order are put right; a gap that is
    never filled ends the stream.
    """
    flows = {}
    found = []
    for sender, key, flags, seq, octets in segments(name):
        if flags & 2 or key not in flows:
            flows[key] = flow = {"next": (seq + (flags >> 1 & 1)) & 0xFFFFFFFF, "waits": [], "octets": bytearray()}
            found.append((sender, flow["octets"]))
        flow = flows[key]
        if octets:
            flow["waits"].append((seq + (flags >> 1 & 1), octets))
            _join(flow)
    return [(sender, bytes(octets)) for sender, octets in found if octets]


def _join(flow):
    """Append what waits and is due."""
    moved = True
    while moved:
        moved = False
        for seq, octets in list(flow["waits"]):
            known = flow["next"] - seq & 0xFFFFFFFF
            if known >= 0x80000000:
                continue  # it is still to come
            flow["waits"].remove((seq, octets))
            if known < len(octets):
                flow["octets"].extend(octets[known:])
                flow["next"] = seq + len(octets) & 0xFFFFFFFF
                moved = True
