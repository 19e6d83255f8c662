"""A captured packet (capture.py) in one line."""

from ..dhcp.request import REASONS

_KINDS = " DISCOVER OFFER REQUEST DECLINE ACK NAK RELEASE INFORM".split(" ")
_ADDRESSES = (1, 3, 6, 28, 50, 54, 118)
_SECONDS = (51, 58, 59)
_TEXTS = (12, 15, 60, 66, 67)
_NAMES = {12: "name", 50: "wants", 51: "lease", 54: "server", 55: "asks for", 57: "size", 60: "class", 61: "id"}
_NAMES.update({82: "agent", 1: "mask", 3: "routers", 6: "dns", 15: "domain"})
_HEAD = 44


def line(packet):
    """packet: as Capture.found gives it."""
    _, link, out, reason, length, octets = packet
    text = "%s %s %d octets" % ("out" if out else "in ", link, length)
    if reason:
        return text + ", not read: " + REASONS[reason]
    options = dict(_options(octets))
    kind = options.pop(53, b"\0")[0]
    name = _KINDS[kind] if 0 < kind < 9 else "BOOTREPLY" if out else "BOOTREQUEST"
    text += " %s xid %s %s" % (name, _hex(octets[4:8], ""), _hex(octets[28 : 28 + min(octets[2], 16)], ":"))
    for name, at in (("ciaddr", 12), ("yiaddr", 16), ("siaddr", 20), ("giaddr", 24)):
        if any(octets[at : at + 4]):
            text += " %s %s" % (name, _dotted(octets[at : at + 4]))
    if octets[8] or octets[9]:
        text += " secs %d" % (octets[8] << 8 | octets[9])
    if octets[10] & 128:
        text += " broadcast"
    for code in sorted(options):
        text += ", %s %s" % (_NAMES.get(code, "option %d" % code), _value(code, options[code]))
    return text


def _options(octets):
    at = _HEAD + 4
    while at + 1 < len(octets) and octets[at] != 255:
        if octets[at] == 0:
            at += 1
            continue
        n = octets[at + 1]
        yield octets[at], octets[at + 2 : at + 2 + n]
        at += 2 + n


def _value(code, octets):
    if code in _ADDRESSES and octets and len(octets) % 4 == 0:
        return " ".join([_dotted(octets[i : i + 4]) for i in range(0, len(octets), 4)])
    if code in _SECONDS and len(octets) == 4:
        return "%d s" % int.from_bytes(octets, "big")
    if code in _TEXTS:
        return '"%s"' % "".join([chr(b) if 32 <= b < 127 else "." for b in octets])
    if code == 55:
        return " ".join([str(b) for b in octets])
    if code == 57:
        return str(int.from_bytes(octets, "big"))
    return _hex(octets, "")


def _hex(octets, between):
    return between.join(["%02x" % b for b in octets])


def _dotted(octets):
    return "%d.%d.%d.%d" % (octets[0], octets[1], octets[2], octets[3])
