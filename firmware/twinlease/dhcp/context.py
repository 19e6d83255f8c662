"""What expressions of dhcpd.conf can ask of the request at hand (dhcp-eval(5)).

One object, pointed at each request in turn.  Its answers are new bytes: only
configurations that have classes, conditions or computed options come here.
"""

from .request import CHADDR, HTYPE


class Context:
    def __init__(self):
        self._request = None
        self._host = None
        self._stash = b""
        self._address = None
        self._lease_s = None
        self._settings = None

    def aim(self, request, host):
        self._request = request
        self._host = host
        self._address = self._lease_s = self._settings = None

    def stash(self, octets):
        """What a relay agent said when this client's lease was made; for a request that comes without a relay."""
        self._stash = octets

    def leased(self, address, lease_s, settings):
        """From now on the client's address (4 octets), its lease time in seconds and its settings are known."""
        self._address = address
        self._lease_s = lease_s
        self._settings = settings

    def option(self, code):
        r = self._request
        at = r.where[code]
        return bytes(r.buf[at : at + r.size[code]]) if at else None

    def agent(self, sub):
        r = self._request
        if not r.agent_n:
            return _sub_option(self._stash, sub)
        at = r.agent(sub)
        return bytes(r.buf[at + 1 : at + 1 + r.buf[at]]) if at else None

    def hardware(self):
        r = self._request
        return bytes(r.buf[HTYPE : HTYPE + 1]) + bytes(r.buf[CHADDR : CHADDR + r.hlen])

    def packet(self, offset, n):
        r = self._request
        return bytes(r.buf[offset : min(offset + n, r.length)])

    def known(self):
        return self._host is not None

    def host_decl_name(self):
        return self._host.name.encode() if self._host else None

    def leased_address(self):
        return self._address

    def lease_time(self):
        return self._lease_s

    def config_option(self, code):
        value = self._settings.options.get(code) if self._settings else None
        return value if isinstance(value, bytes) else None


def _sub_option(octets, sub):
    at = 0
    while at + 1 < len(octets):
        end = at + 2 + octets[at + 1]
        if octets[at] == sub and end <= len(octets):
            return octets[at + 2 : end]
        at = end
    return None
