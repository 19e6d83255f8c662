"""Who sent the request, as the configuration sees it: its network, host declaration, classes, permits, settings.

    client = ClientView(config)
    client.look(request, link)      once per request; `link` is the interface it came in on
    client.network, .host, .fixed(…), .may_use(pool), .settings(pool, subnet)

`link` has `address` (4 octets, its own address) and `network` (Network or None).
Allocates only where the configuration has classes, conditions or computed options.
"""

from micropython import const

from ..octets import equal, hash22, in_net
from . import settings as _settings
from .request import BOOTP, CHADDR, GIADDR, HTYPE

_LINK_SELECTION = const(5)  # RFC 3527
_SERVER_OVERRIDE = const(11)  # RFC 5107
_SUBNET_SELECTION = const(118)  # RFC 3011
_SPECIAL_MAX = const(8)
_SEED_ID = const(5381)
_SEED_HW = const(5387)


class ClientView:
    def __init__(self, config):
        self._config = config
        self._subnets = list(reversed(config.subnets))  # of two that hold an address, the smaller one comes first
        self._by_id = {}
        self._by_hw = {}
        for host in config.hosts:
            if host.client_id:
                _file_under(self._by_id, hash22(host.client_id, 0, len(host.client_id), _SEED_ID), host)
            if host.hardware:
                _file_under(self._by_hw, hash22(host.hardware[1], 0, len(host.hardware[1]), _SEED_HW), host)
        self._classes = config.classes
        self._context = None
        self.stash = b""  # the relay agent's options of an earlier request of this client, for one that has none
        self._plain = {}
        self._special = {}
        self._members = []
        self.request = None
        self.link = None
        self.network = None
        self.host = None
        self.now = 0

    def prepare(self):
        """Merge the settings of every range now, so that the heap does not grow when the first client comes."""
        for rng in self._config.ranges:
            self._plain_settings(rng.pool, rng.subnet)
            self._plain_settings(None, rng.subnet.network.subnets[0])
        if self._classes or True in self._plain.values():
            self._asked()

    def release(self):
        """Give back the memory of what can be made again."""
        self._special.clear()
        for plain in self._plain.values():
            if plain is not True:
                plain.release()

    def look(self, request, link, now):
        self.request = request
        self.link = link
        self.now = now
        self.network = self._locate()
        self.host = self._find_host() if self._by_id or self._by_hw else None
        if self._context:
            self._aim()
        if self._classes:
            self._classify()

    def leased(self, address, lease_s, settings):
        """Tell expressions what the reply will say: 4 octets, seconds, and the settings so far."""
        self._asked().leased(address, lease_s, settings)

    def _asked(self):
        """What expressions ask.  A configuration without any does not load it."""
        if self._context is None:
            from .context import Context

            self._context = Context()
            self._aim()
        return self._context

    def _aim(self):
        self._context.aim(self.request, self.host)
        self._context.stash(self.stash)

    def subnet_of(self, buf, at):
        """The configured subnet that holds the address in buf[at:at+4], or None."""
        subnets = self._subnets
        i = 0
        while i < len(subnets):  # no `for`: see ARCHITECTURE.md, Frames
            if in_net(buf, at, subnets[i].net, subnets[i].mask):
                return subnets[i]
            i += 1
        return None

    def relocate(self, network):
        """The client's address tells that it is on another network than its packet came from: a unicast renewal."""
        if network is not self.network:
            self.network = network
            if self.host:
                self.host = self._find_host()

    def fixed(self):
        """The host declaration's address on this network (4 octets), or None."""
        return self._fixed_of(self.host) if self.host else None

    def _fixed_of(self, host):
        for address in host.addresses:
            subnet = self.subnet_of(address, 0)
            if subnet and subnet.network is self.network:
                return address
        return None

    def may_use(self, pool):
        """allow and deny lists of the pool (dhcpd.conf(5)): no deny matches, and an allow does if there is any."""
        if pool.deny and self._matches(pool.deny):
            return False
        return not pool.permit or self._matches(pool.permit)

    def settings(self, pool, subnet):
        """Merged settings for an address of `subnet` in `pool` (None for a fixed or foreign address)."""
        if self.host is None and not self._members:
            plain = self._plain_settings(pool, subnet)
            if plain is not True:
                return plain
        return self._special_settings(pool, subnet)

    def _plain_settings(self, pool, subnet):
        """Of a client without host declaration and classes; True where they depend on each request."""
        key = (pool.index + 1) * 4096 + subnet.index if pool else subnet.index
        plain = self._plain.get(key)
        if plain is None:
            plain = self._plain[key] = self._merge(pool, subnet, None)
        return plain

    def global_settings(self):
        """Settings where no subnet is known yet: of the network, or the global ones."""
        if self.network and self.network.subnets:
            return self.settings(None, self.network.subnets[0])
        plain = self._plain.get(-1)
        if plain is None:
            plain = self._plain[-1] = _settings.merge(self._config, [self._config.scope], None, None)
        return plain

    def answers_to(self, at, settings):
        """True if the server identifier in the request at `at` is one that we go by on this link."""
        buf = self.request.buf
        if equal(buf, at, self.link.address, 0, 4):
            return True
        if settings.server_id and equal(buf, at, settings.server_id, 0, 4):
            return True
        override = self.server_override()
        return override > 0 and equal(buf, at, self.request.buf, override, 4)

    def server_override(self):
        """Offset of the relay's server identifier override (RFC 5107), 0 if there is none."""
        if not self.request.relayed or not self.request.agent_n:
            return 0
        at = self.request.agent(_SERVER_OVERRIDE)
        return at + 1 if at and self.request.buf[at] == 4 else 0

    def _locate(self):
        """Link selection, then subnet selection, then giaddr, then the link itself (RFC 3527 section 3, RFC 3011)."""
        r = self.request
        at = 0
        if r.relayed and r.agent_n:
            at = r.agent(_LINK_SELECTION)
            at = at + 1 if at and r.buf[at] == 4 else 0
        if not at:
            at = r.address(_SUBNET_SELECTION)
        if not at and r.relayed:
            at = GIADDR
        if not at:
            return self.link.network
        subnet = self.subnet_of(r.buf, at)
        return subnet.network if subnet else None

    def _find_host(self):
        """The client's host declaration: by identifier, else by hardware; one with an address here is preferred."""
        r = self.request
        found = None
        if r.id_n and self._by_id:
            for host in self._by_id.get(hash22(r.buf, r.id_at, r.id_n, _SEED_ID), ()):
                if len(host.client_id) == r.id_n and equal(host.client_id, 0, r.buf, r.id_at, r.id_n):
                    found = self._better(found, host)
        if found is None and r.hlen and self._by_hw:
            for host in self._by_hw.get(hash22(r.buf, CHADDR, r.hlen, _SEED_HW), ()):
                htype, address = host.hardware
                if htype == r.buf[HTYPE] and len(address) == r.hlen and equal(address, 0, r.buf, CHADDR, r.hlen):
                    found = self._better(found, host)
        return found

    def _better(self, found, host):
        return host if found is None or self._fixed_of(host) else found

    def _classify(self):
        self._members = []
        context = self._asked()
        for cls in self._classes:
            if cls.match and cls.match.evaluate(context) is True:
                self._members.append((cls, None))
                continue
            key = cls.submatch.evaluate(context) if cls.submatch else None
            if key is not None and key in cls.subclasses:
                self._members.append((cls, cls.subclasses[key]))

    def _matches(self, permits):
        for permit in permits:
            if self._is_one(permit):
                return True
        return False

    def _is_one(self, permit):
        kind = permit.kind
        if kind == "all-clients":
            return True
        if kind == "known-clients":
            return self.host is not None
        if kind == "unknown-clients":
            return self.host is None
        if kind == "dynamic-bootp-clients":
            return self.request.type == BOOTP
        if kind == "members":
            return any(cls.name == permit.class_name for cls, _ in self._members)
        if kind == "after":
            return self.now >= permit.after
        return False

    def _scopes(self, pool, subnet):
        scopes = _chain(subnet.scope)
        if pool:
            scopes.extend([scope for scope in _chain(pool.scope) if scope not in scopes])
        for cls, scope in self._members:
            scopes.append(cls.scope)
            if scope:
                scopes.append(scope)
        if self.host:
            scopes.extend([scope for scope in _chain(self.host.scope) if scope.kind in ("host", "group")])
        return scopes

    def _merge(self, pool, subnet, context):
        """Settings, or True where they depend on each request."""
        scopes = self._scopes(pool, subnet)
        if context is None and _settings.has_conditions(scopes):
            return True
        return _settings.merge(self._config, scopes, context, subnet, self.host)

    def _special_settings(self, pool, subnet):
        members = tuple([(cls.name, id(scope)) for cls, scope in self._members])
        key = (pool.index if pool else -1, subnet.index, self.host.name if self.host else None, members)
        known = self._special.get(key)
        if known is None:
            if len(self._special) >= _SPECIAL_MAX:
                self._special.clear()
            known = self._special[key] = self._merge(pool, subnet, None)
        if known is not True:
            return known
        return self._merge(pool, subnet, self._asked())


def _chain(scope):
    """A scope and what encloses it, outermost first."""
    chain = []
    while scope is not None:
        chain.insert(0, scope)
        scope = scope.parent
    return chain


def _file_under(index, key, host):
    index.setdefault(key, []).append(host)
