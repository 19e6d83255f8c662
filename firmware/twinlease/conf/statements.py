"""Statements that only set something, as tables: what ISC dhcpd knows, and what becomes of it here.

PARAMETERS has one line per statement `NAME VALUE;`: its name, how the value is
read, and what happens.

    value   T seconds or infinite   N number   F true or false   S string   A address   W word
    fate    keep    Scope.params gets it
            dns     accepted with a warning: Twinlease makes no DNS updates
            log     Scope.params gets it; a warning without a syslog server (check.py)
    pc      accepted with a warning: it is about files and processes of a PC
            tune    accepted with a warning: it tunes what Twinlease does otherwise
            no      refused by name: without it clients would be served differently
            on      refused by name unless it is false
            always  accepted with a warning if it is false: Twinlease always does it

REFUSED has the statements with a shape of their own that are refused, and what to
do instead.  A word in neither is unknown.
"""

from . import formula
from .options import read_flag

PARAMETERS = b"""
default-lease-time T keep
max-lease-time T keep
min-lease-time T keep
guest-lease-time T keep
abandon-lease-time T keep
ping-timeout T tune
ping-check F keep
one-lease-per-client F keep
always-broadcast F keep
boot-unknown-clients F keep
get-lease-hostnames F on
use-host-decl-names F keep
always-reply-rfc1048 F tune
stash-agent-options F keep
adaptive-lease-time-threshold P keep
min-secs B keep
filename S keep
server-name S keep
next-server A keep
vendor-option-space W keep
log-facility L log
ddns-updates F dns
ddns-domainname S dns
ddns-rev-domainname S dns
ddns-hostname S dns
ddns-ttl T dns
ddns-local-address4 A dns
ddns-dual-stack-mixed-mode F dns
ddns-guard-id-must-match F dns
ddns-other-guard-is-dynamic F dns
client-updates F dns
do-forward-updates F dns
do-reverse-updates F dns
update-optimization F dns
update-static-leases F dns
update-conflict-detection F dns
fqdn-reply F dns
omapi-port N pc
lease-file-name S pc
pid-file-name S pc
dhcpv6-lease-file-name S pc
dhcpv6-pid-file-name S pc
dont-use-fsync F pc
log-threshold-low N tune
log-threshold-high N tune
dhcp-cache-threshold N keep
ping-timeout-ms N tune
ping-cltt-secs N tune
delayed-ack N tune
max-ack-delay N tune
server-id-check F always
echo-client-id F keep
ignore-client-uids F on
infinite-is-reserved F on
release-on-roam F on
use-lease-addr-for-default-route F on
check-secs-byte-order F keep
leasequery F on
dynamic-bootp F no
allow-bootp F no
allow-booting F no
duplicates F no
declines F no
dynamic-bootp-lease-cutoff D no
dynamic-bootp-lease-length N no
site-option-space S no
local-port N no
remote-port N no
local-address A no
limited-broadcast-address A no
"""

WHY = {
    "dns": ("Twinlease makes no DNS updates: this does nothing", "remove it, or let a DNS server do the updates"),
    "pc": ("it is about files and processes of a PC: this does nothing here", "remove it"),
    "tune": ("Twinlease works otherwise: this does nothing here", "remove it"),
}

REFUSED = {
    "no": "nothing is taken back; name the failover peer in the pools that have one, not in their network",
    "subnet6": "IPv6 is not served; remove it",
    "range6": "IPv6 is not served; remove it",
    "pool6": "IPv6 is not served; remove it",
    "prefix6": "IPv6 is not served; remove it",
    "fixed-address6": "IPv6 is not served; remove it",
    "fixed-prefix6": "IPv6 is not served; remove it",
    "server-duid": "IPv6 is not served; remove it",
    "preferred-lifetime": "IPv6 is not served; remove it",
    "limit-addrs-per-ia": "IPv6 is not served; remove it",
    "limit-prefs-per-ia": "IPv6 is not served; remove it",
    "prefix-length-mode": "IPv6 is not served; remove it",
    "dhcpv6-set-tee-times": "IPv6 is not served; remove it",
    "use-eui-64": "IPv6 is not served; remove it",
    "persist-eui-64-leases": "IPv6 is not served; remove it",
    "local-address6": "IPv6 is not served; remove it",
    "bind-local-address6": "IPv6 is not served; remove it",
    "ddns-local-address6": "IPv6 is not served; remove it",
    "host-identifier": "write hardware ethernet ...; or option dhcp-client-identifier ...;",
    "vendor-class": 'write class "x" { match if option vendor-class-identifier = "..."; }',
    "user-class": 'write class "x" { match if option user-class = "..."; }',
    "spawn": "write match ...; and a subclass for each value",
    "switch": "write if ... elsif ... else",
    "case": "write if ... elsif ... else",
    "break": "write if ... elsif ... else",
    "default": "write option NAME VALUE; in an outer block",
    "supersede": "write option NAME VALUE;",
    "append": "write the whole value: option NAME VALUE;",
    "prepend": "write the whole value: option NAME VALUE;",
    "send": "it is for dhclient; write option NAME VALUE;",
    "request": "it is for dhclient; remove it",
    "require": "it is for dhclient; remove it",
    "also": "it is for dhclient; remove it",
    "retry": "it is for dhclient; remove it",
    "timeout": "it is for dhclient; remove it",
    "on": "a board runs nothing on commit, release or expiry; read its log",
    "set": "write the expression where its value is used",
    "unset": "write the expression where its value is used",
    "define": "write the expression where its value is used",
    "eval": "a board runs no functions of the file's own",
    "execute": "a board runs no programs; read its log",
    "return": "a board runs no functions of the file's own",
    "add": 'write class "x" { match if ...; }',
    "parse-vendor-option": "look at option vendor-encapsulated-options with substring(...)",
    "lease": "classes have no lease limit here; give them a pool of that many addresses",
    "alias": "it is for dhclient; remove it",
    "dynamic": "it stands in lease files, not here; remove it",
    "deleted": "it stands in lease files, not here; remove it",
    "ldap-server": "write the configuration here",
    "ldap-port": "write the configuration here",
    "ldap-username": "write the configuration here",
    "ldap-password": "write the configuration here",
    "ldap-base-dn": "write the configuration here",
    "ldap-method": "write the configuration here",
    "ldap-debug-file": "write the configuration here",
    "ldap-dhcp-server-cn": "write the configuration here",
    "ldap-ssl": "write the configuration here",
}

NO_ADVICE = {
    "dynamic-bootp-lease-cutoff": "BOOTP clients keep their address; remove it",
    "dynamic-bootp-lease-length": "BOOTP clients keep their address; remove it",
    "local-address": "a board serves on the one address that it has; remove it",
    "local-port": "a board serves on port 67; remove it",
    "remote-port": "clients listen on port 68; remove it",
    "limited-broadcast-address": "broadcasts go to 255.255.255.255; remove it",
    "site-option-space": "define the options: option NAME code N = TYPE;",
    "dynamic-bootp": "write allow or deny dynamic bootp clients; in a pool",
    "allow-bootp": "write allow bootp; or deny bootp;",
    "allow-booting": "write allow booting; or deny booting;",
    "duplicates": "write allow duplicates; or deny duplicates;",
    "get-lease-hostnames": "a board asks no DNS; write option host-name in the host declarations",
    "declines": "write allow declines; or deny declines;",
}

FACILITIES = (
    "kern user mail daemon auth syslog lpr news uucp cron authpriv ftp "
    "local0 local1 local2 local3 local4 local5 local6 local7"
).split(" ")

# What may be an expression, evaluated for each client
COMPUTED = ("filename", "server-name", "next-server")

# allow | deny | ignore WORD;  and what becomes of it
SWITCHES = {
    "booting": "keep",
    "bootp": "keep",
    "dynamic-bootp": "keep",
    "unknown-clients": "keep",
    "duplicates": "keep",
    "declines": "keep",
    "client-updates": "dns",
    "leasequery": "no",
}


def find_parameter(word):
    """(letter of its value, fate) of a parameter, or None."""
    at = PARAMETERS.find(b"\n" + word.encode() + b" ")
    if at < 0:
        return None
    line = str(PARAMETERS[at + 1 : PARAMETERS.find(b"\n", at + 1)], "utf8").split(" ")
    return line[1], line[2]


def parameter_names():
    return [str(line, "utf8").split(" ")[0] for line in PARAMETERS.split(b"\n") if line]


def read_parameter(p, scope, word, where, letter, fate):
    """Read the value of the parameter and put it where it belongs.  The word itself, at `where`, is behind us."""
    if letter == "D":  # refused anyway, and a date is hard to skip otherwise
        value = p.date()
    elif p.take("="):
        value = formula.data(p)
        if fate == "keep" and word not in COMPUTED:
            p.report.error(where, "not supported by Twinlease: an expression for %s" % word, "write its value")
            p.semicolon()
            return
    else:
        value = _READERS[letter](p)
    p.semicolon()
    if fate == "keep":
        scope.put_param(word, value)
        if word == "boot-unknown-clients":
            scope.put_param("allow-unknown-clients", "allow" if value else "deny")
    elif fate == "log":
        scope.put_param(word, value)
        p.facility_at = where
    elif fate == "always":
        if not value:
            p.warn(where, "%s: Twinlease always does it; false changes nothing" % word, "remove it")
    elif fate in WHY:
        if value:  # a feature that we lack and that is off is no news
            p.warn(where, "%s: %s" % (word, WHY[fate][0]), WHY[fate][1])
    elif fate != "on" or value:
        advice = NO_ADVICE.get(word, "remove it")
        p.report.error(where, "not supported by Twinlease: %s" % word, advice)


def _flag(p):
    return read_flag(p) == 1


def _facility(p):
    word = p.val.lower() if p.kind == "word" else ""
    if word not in FACILITIES:
        p.fail(
            "expected a syslog facility, found %s" % p.shown(),
            "write one of " + " ".join(FACILITIES[:4]) + " ... local7",
        )
    p.step()
    return word


def _space(p):
    name = p.word("the name of an option space")
    if name not in p.names.spaces:
        p.fail("no option space is named %s" % name, "declare it first: option space %s;" % name)
    return name


_READERS = {
    "T": lambda p: p.seconds(),
    "N": lambda p: p.integer(0, 0xFFFFFFFF),
    "B": lambda p: p.integer(0, 255),
    "P": lambda p: p.integer(0, 100, "a percentage"),
    "F": _flag,
    "S": lambda p: p.text("text in quotes"),
    "A": lambda p: p.address(),
    "W": _space,
    "L": _facility,
}
