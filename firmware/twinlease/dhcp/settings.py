"""What the configuration says for one client: options to send and numbers to go by, with all scopes merged.

    settings = merge(config, scopes, context, subnet)    scopes from the outermost to the innermost

Inner scopes win: host over class over pool over subnet over shared network over
global.  Most clients are plain (no class, no host declaration) and share one
Settings object for their pool and subnet, made at boot.
"""

from micropython import const

from .template import Template

_TEMPLATES = const(8)
_WANTED_MAX = const(64)  # a longer list is made up, or so rare that it is not worth keeping
_NOTHING = bytes(4)

# dhcpd.conf(5): the defaults of ISC dhcpd 4.4.3.
_DEFAULT_S = const(43200)
_MAX_S = const(86400)
_MIN_S = const(300)
_ABANDON_S = const(86400)
_CACHE_PERCENT = const(25)
_FOREVER_S = const(0x3FFFFFFF)


class Settings:
    def __init__(self, options, dynamic, params):
        self.options = options
        self.dynamic = dynamic
        self._templates = []
        self._oldest = 0
        self.default_s = params.get("default-lease-time", _DEFAULT_S)
        self.max_s = params.get("max-lease-time", _MAX_S)
        self.min_s = params.get("min-lease-time", _MIN_S)
        if self.min_s < 0:
            self.min_s = _FOREVER_S
        if "min-lease-time" not in params and 0 <= self.max_s < self.min_s:
            self.min_s = self.max_s
        self.adaptive_percent = params.get("adaptive-lease-time-threshold", 0)
        self.guest_s = params.get("guest-lease-time", -1)
        self.cache_percent = params.get("dhcp-cache-threshold", _CACHE_PERCENT)
        self.abandon_s = params.get("abandon-lease-time", _ABANDON_S)
        self.min_secs = params.get("min-secs", 0)
        self.check_secs = params.get("check-secs-byte-order", False)
        self.authoritative = params.get("authoritative", False)
        self.one_lease = params.get("one-lease-per-client", False)
        self.always_broadcast = params.get("always-broadcast", False)
        self.echo_client_id = params.get("echo-client-id", False)
        self.next_server = params.get("next-server", _NOTHING)
        self.server_id = params.get("server-identifier", None)
        self.server_name = params.get("server-name", b"")
        self.filename = params.get("filename", b"")
        self.allow_unknown = params.get("allow-unknown-clients", "allow")
        if not params.get("boot-unknown-clients", True):
            self.allow_unknown = "ignore"
        self.allow_booting = params.get("allow-booting", "allow")
        self.allow_bootp = params.get("allow-bootp", "allow")
        self.allow_duplicates = params.get("allow-duplicates", "allow")
        self.allow_declines = params.get("allow-declines", "allow")

    def release(self):
        """Give back the memory of the templates; they are made again when asked for."""
        self._templates = []
        self._oldest = 0

    def template(self, request, room, with_mask):
        """The encoded options for this request's parameter request list (option 55) and room, in octets."""
        i = 0
        while i < len(self._templates):  # no `for`: see ARCHITECTURE.md, Frames
            if self._templates[i].is_for(request, room, with_mask):
                return self._templates[i]
            i += 1
        return self._make(request, room, with_mask)

    def _make(self, request, room, with_mask):
        at = request.where[55]
        n = request.size[55] if at else 0
        t = Template(self.options, request.buf[at : at + n], room, with_mask, not self.filename, not self.server_name)
        if n > _WANTED_MAX:
            return t
        if len(self._templates) < _TEMPLATES:
            self._templates.append(t)
        else:
            self._templates[self._oldest] = t
            self._oldest = (self._oldest + 1) % _TEMPLATES
        return t


def merge(config, scopes, context, subnet, host=None):
    """Settings for these scopes, outermost first.

    config   tells which options carry the sub-options of a declared space
    context  what expressions and `if` read; None leaves expressions in `dynamic` and skips conditions
    subnet   its mask is sent when no scope sets option 1 (dhcp-options(5))
    """
    options, params, spaces = {}, {}, {}
    for scope in scopes:
        _add(scope, context, options, params, spaces)
    if params.get("use-host-decl-names", False) and host and 12 not in options:
        options[12] = host.name.encode()
    if spaces:
        _encapsulate(config, options, params, _evaluated(config, spaces, context))
    if subnet and 1 not in options:
        options[1] = subnet.mask
    dynamic = [code for code in options if not isinstance(options[code], bytes)]
    if context:
        for code in dynamic:
            value = options.pop(code).evaluate(context)
            if isinstance(value, bytes):
                options[code] = value
    for name in ("filename", "server-name", "next-server"):
        if name in params and not isinstance(params[name], bytes):
            value = params[name].evaluate(context) if context else None
            params[name] = value if isinstance(value, bytes) else b""
    if len(params.get("next-server", _NOTHING)) != 4:
        params["next-server"] = _NOTHING
    return Settings(options, dynamic, params)


def has_conditions(scopes):
    """True if these scopes must be merged anew for every request: an `if`, or an option that is an expression."""
    for scope in scopes:
        if scope.conditions:
            return True
        for space in scope.vendor_options.values():
            for value in space.values():
                if not isinstance(value, bytes):
                    return True
        for value in scope.options.values():
            if not isinstance(value, bytes):
                return True
        for name in ("filename", "server-name", "next-server"):
            if not isinstance(scope.params.get(name, b""), bytes):
                return True
    return False


def _add(scope, context, options, params, spaces):
    options.update(scope.options)
    params.update(scope.params)
    for name in scope.vendor_options:
        spaces.setdefault(name, {}).update(scope.vendor_options[name])
    if context:
        for chain in scope.conditions:
            for test, inner in chain:
                if test is None or test.evaluate(context) is True:
                    _add(inner, context, options, params, spaces)
                    break


def _evaluated(config, spaces, context):
    """The sub-options of each space as octets.  Left out: what has no value for this request, or too long a one."""
    out = {}
    for name in spaces:
        width = config.spaces[name].length_width
        values = out[name] = {}
        for code in spaces[name]:
            value = spaces[name][code]
            if not isinstance(value, bytes):
                value = value.evaluate(context) if context else None
            if isinstance(value, bytes) and (not width or len(value) < 1 << 8 * width):
                values[code] = value
    return out


def _encapsulate(config, options, params, spaces):
    """Sub-options into their option: 43 (RFC 2132 section 8.4), 125 (RFC 3925), those with `encapsulate`."""
    carriers = dict(config.encapsulated)
    if "vendor-option-space" in params:
        carriers[43] = params["vendor-option-space"]
    for code in carriers:
        values = spaces.get(carriers[code])
        if values and code not in options:
            options[code] = config.spaces[carriers[code]].encode(values)
    out = b""
    for number in sorted(config.vendors):
        values = spaces.get(config.vendors[number])
        if values:
            data = config.spaces[config.vendors[number]].encode(values)
            if len(data) < 256:
                out += number.to_bytes(4, "big") + bytes((len(data),)) + data
    if out and 125 not in options:
        options[125] = out
