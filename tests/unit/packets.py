"""DHCP messages for unit tests, and a server to send them to.  Runs on CPython and MicroPython."""

from twinlease import conf
from twinlease.lease.table import Table
from twinlease.node import Link, Node

DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM = 1, 2, 3, 4, 5, 6, 7, 8
COOKIE = b"\x63\x82\x53\x63"
END = b"\xff"
BROADCAST = b"\xff\xff\xff\xff"
HERE = b"\x0a\x4d\x00\x02"  # 10.77.0.2, the server's address on its link

BASIC = """
default-lease-time 600; max-lease-time 7200; min-lease-time 60;
authoritative;
subnet 10.77.0.0 netmask 255.255.0.0 {
  option routers 10.77.0.1;
  option domain-name-servers 10.77.0.2, 10.77.0.3;
  option domain-name "branch.example";
  pool { range 10.77.1.1 10.77.1.20; }
}
subnet 10.88.0.0 netmask 255.255.255.0 { range 10.88.0.10 10.88.0.12; }
"""


def ip(text):
    return bytes([int(part) for part in text.split(".")])


def dotted(octets):
    return "%d.%d.%d.%d" % (octets[0], octets[1], octets[2], octets[3])


def mac(n):
    return bytes([2, 0, 0, 0, n >> 8, n & 255])


def option(code, value):
    return bytes([code, len(value)]) + value


def message(
    kind, hw=1, options=b"", ciaddr="0.0.0.0", giaddr="0.0.0.0", htype=1, hlen=6, op=1, flags=0, secs=0, end=END
):
    """A client's message; kind None leaves out option 53, hw is a number for mac() or the octets themselves."""
    hardware = mac(hw) if isinstance(hw, int) else hw
    head = bytes([op, htype, hlen, 0]) + b"\x12\x34\x56\x78" + bytes([secs >> 8, secs & 255, flags, 0])
    head += ip(ciaddr) + bytes(8) + ip(giaddr) + (hardware + bytes(16))[:16] + bytes(192)
    return head + COOKIE + (b"" if kind is None else option(53, bytes([kind]))) + options + end


class Reply:
    """What the node wants sent: to (text), port, and the message taken apart."""

    def __init__(self, octets, to, port):
        self.octets = octets
        self.to = dotted(to)
        self.port = port
        self.address = dotted(octets[16:20])
        self.order = []
        self.options = {}
        at = 240
        while octets[at] != 255:
            if octets[at]:
                code, n = octets[at], octets[at + 1]
                self.order.append(code)
                self.options[code] = self.options.get(code, b"") + bytes(octets[at + 2 : at + 2 + n])
                at += n + 1
            at += 1
        self.type = self.options[53][0] if 53 in self.options else None
        self.seconds = int.from_bytes(self.options[51], "big") if 51 in self.options else None


class Office:
    """A node with one link (eth0, `here`) and a made-up clock; `persisted` counts rows handed to the journal."""

    def __init__(self, text=BASIC, now=1000, here=HERE):
        self.config = conf.load(text)
        self.table = Table(self.config.ranges, self.config.pools)
        link = Link("eth0", here, None)
        self.node = Node(self.config, self.table, [link])
        subnet = self.node.server.client.subnet_of(here, 0)
        link.network = subnet.network if subnet else None
        self.now = now
        self.reason = 0
        self.persisted = []

    def send(self, octets):
        """Hand one datagram in, carry out what the node decides; returns the Reply or None."""
        node = self.node
        self.reason = node.on_dhcp(octets, len(octets), 0, self.now)
        self.persisted = [node.rows[i] for i in range(node.n_rows)]
        reply = None
        if node.sends:
            at = node.send_at[0]
            out = bytes(node.arena.buf[at : at + node.send_size[0]])
            reply = Reply(out, node.send_to[0:4], node.send_port[0])
        node.done()
        return reply

    @property
    def note(self):
        return self.node.server.note

    def discover(self, hw=1, options=b"", **fields):
        return self.send(message(DISCOVER, hw, options, **fields))

    def select(self, offer, hw=1, options=b"", **fields):
        """REQUEST in answer to an offer."""
        wanted = option(50, ip(offer.address)) + option(54, offer.options[54])
        return self.send(message(REQUEST, hw, wanted + options, **fields))

    def reboot(self, address, hw=1, options=b"", **fields):
        """REQUEST in INIT-REBOOT."""
        return self.send(message(REQUEST, hw, option(50, ip(address)) + options, **fields))

    def renew(self, address, hw=1, options=b"", **fields):
        return self.send(message(REQUEST, hw, options, ciaddr=address, **fields))

    def release(self, address, hw=1, options=b"", **fields):
        return self.send(message(RELEASE, hw, options, ciaddr=address, **fields))

    def lease(self, hw=1, options=b"", **fields):
        """DISCOVER and REQUEST; returns the ACK, or None if there was no offer."""
        offer = self.discover(hw, options, **fields)
        return self.select(offer, hw, options, **fields) if offer else None

    def later(self, seconds):
        self.now += seconds
        while self.node.on_tick(self.now):
            pass
        self.node.done()
