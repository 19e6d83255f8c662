"""DHCP options by name: what their values look like, and their encoding.

TABLES has one line per option: code, name, format.  A format is a row of letters:

    I address   T text   X octets: a string or hexadecimal   F true or false   Z nothing
    B S L  number of 1, 2, 4 octets without a sign       b s l  with one
    N domain names   C domain names, compressed (RFC 1035 4.1.4)   D one domain name, unquoted
    E  sub-options of the space whose name follows, written as one string
    +  behind a letter: several, with commas   ?  behind a letter: may be missing
    *  at the end: the whole row may repeat, with commas

Names and formats are those of ISC dhcpd 4.4.3, dhcp-options(5).  It has no name for
option 121: files define `option NAME code 121 = array of integer 8;`, as they do for 252.

OptionNames adds what the file itself defines (`option NAME code N = TYPE`,
`option space`).  The tables are octets, searched as text: as a dict they would
cost a board four times the memory.
"""

from .model import OptionDef, Space
from .problems import Fault
from .reader import STRING, WORD

MAX_VALUE = 1499  # octets of one option, split over several on the wire (RFC 3396)

_DHCP = b"""
1 subnet-mask I
2 time-offset l
3 routers I*
4 time-servers I*
5 ien116-name-servers I*
6 domain-name-servers I*
7 log-servers I*
8 cookie-servers I*
9 lpr-servers I*
10 impress-servers I*
11 resource-location-servers I*
12 host-name T
13 boot-size S
14 merit-dump T
15 domain-name T
16 swap-server I
17 root-path T
18 extensions-path T
19 ip-forwarding F
20 non-local-source-routing F
21 policy-filter II*
22 max-dgram-reassembly S
23 default-ip-ttl B
24 path-mtu-aging-timeout L
25 path-mtu-plateau-table S*
26 interface-mtu S
27 all-subnets-local F
28 broadcast-address I
29 perform-mask-discovery F
30 mask-supplier F
31 router-discovery F
32 router-solicitation-address I
33 static-routes II*
34 trailer-encapsulation F
35 arp-cache-timeout L
36 ieee802-3-encapsulation F
37 default-tcp-ttl B
38 tcp-keepalive-interval L
39 tcp-keepalive-garbage F
40 nis-domain T
41 nis-servers I*
42 ntp-servers I*
43 vendor-encapsulated-options X
44 netbios-name-servers I*
45 netbios-dd-server I*
46 netbios-node-type B
47 netbios-scope T
48 font-servers I*
49 x-display-manager I*
50 dhcp-requested-address I
51 dhcp-lease-time L
52 dhcp-option-overload B
53 dhcp-message-type B
54 dhcp-server-identifier I
55 dhcp-parameter-request-list B*
56 dhcp-message T
57 dhcp-max-message-size S
58 dhcp-renewal-time L
59 dhcp-rebinding-time L
60 vendor-class-identifier X
61 dhcp-client-identifier X
62 nwip-domain T
63 nwip-suboptions Enwip
64 nisplus-domain T
65 nisplus-servers I*
66 tftp-server-name T
67 bootfile-name T
68 mobile-ip-home-agent I*
69 smtp-server I*
70 pop-server I*
71 nntp-server I*
72 www-server I*
73 finger-server I*
74 irc-server I*
75 streettalk-server I*
76 streettalk-directory-assistance-server I*
77 user-class T
78 slp-directory-agent FI+
79 slp-service-scope FT?
81 fqdn Efqdn
82 relay-agent-information Eagent
85 nds-servers I*
86 nds-tree-name T
87 nds-context T
88 bcms-controller-names N
89 bcms-controller-address I*
91 client-last-transaction-time L
92 associated-ip I*
93 pxe-system-type S*
94 pxe-interface-id BBB
97 pxe-client-id BX
98 uap-servers T
99 geoconf-civic X
100 pcode T
101 tcode T
108 v6-only-preferred L
112 netinfo-server-address I*
113 netinfo-server-tag T
114 default-url T
116 auto-config B
117 name-service-search S*
118 subnet-selection I
119 domain-search C
124 vivco Evendor-class
125 vivso Evendor
136 pana-agent I*
137 v4-lost D
138 capwap-ac-v4 I*
141 sip-ua-cs-domains C
142 ipv4-address-andsf I*
146 rdnss-selection BIIN
150 tftp-server-address I*
159 v4-portparams BBS
160 v4-captive-portal T
209 loader-configfile T
210 loader-pathprefix T
211 loader-reboottime L
213 v4-access-domain D
"""

_NWIP = b"""
5 nsq-broadcast F
6 preferred-dss I*
7 nearest-nwip-server I*
8 autoretries B
9 autoretry-secs B
10 nwip-1-1 F
11 primary-dss I
"""

_AGENT = b"""
1 circuit-id X
2 remote-id X
3 agent-id I
4 docsis-device-class L
5 link-selection I
19 relay-port Z
"""

_FQDN = b"""
1 no-client-update F
2 server-update F
3 encoded F
4 rcode1 B
5 rcode2 B
6 hostname T
7 domainname T
8 fqdn T
"""

TABLES = {
    "": _DHCP,
    "agent": _AGENT,
    "fqdn": _FQDN,
    "nwip": _NWIP,
    "isc": b"\n1 media T\n2 update-assist X\n",
    "vendor": b"\n2495 isc Eisc\n",
    "vendor-class": b"\n2495 isc X\n",
}


class OptionNames:
    """All options that the file may name: the tables above, and its own definitions."""

    def __init__(self):
        self.custom = {}  # {(space, name in lower case): OptionDef}
        self.codes = {}  # {(space, code): OptionDef}, the last that defines it
        self.spaces = {"vendor": Space("vendor", 4, 1), "vendor-class": Space("vendor-class", 4, 1)}
        for name in ("agent", "fqdn", "nwip", "isc"):
            self.spaces[name] = Space(name)

    def find(self, space, name):
        """OptionDef of the name, or None.  unknown-224 names option 224 by its code."""
        low = name.lower()
        found = self.custom.get((space, low))
        if found:
            return found
        table = TABLES.get(space, b"\n")
        at = table.find(b" " + low.encode() + b" ")
        if at >= 0:
            first = table.rfind(b"\n", 0, at) + 1
            code, name, form = str(table[first : table.find(b"\n", at)], "utf8").split(" ")
            return OptionDef(space, name, int(code), form)
        if low.startswith("unknown-") and low[8:].isdigit() and len(low) < 18:
            return self.by_code(space, int(low[8:])) or OptionDef(space, low, int(low[8:]), "X")
        return None

    def by_code(self, space, code):
        """OptionDef that the code has; the file's own definition before the table's."""
        if (space, code) in self.codes:
            return self.codes[(space, code)]
        table = TABLES.get(space, b"\n")
        at = table.find(b"\n%d " % code)
        if at < 0:
            return None
        _, name, form = str(table[at + 1 : table.find(b"\n", at + 1)], "utf8").split(" ")
        return OptionDef(space, name, code, form)

    def define(self, definition):
        self.custom[(definition.space, definition.name.lower())] = definition
        self.codes[(definition.space, definition.code)] = definition

    def names(self, space):
        """All names of a space, for 'did you mean'."""
        out = [key[1] for key in self.custom if key[0] == space]
        for line in TABLES.get(space, b"").split(b"\n"):
            if line:
                out.append(str(line, "utf8").split(" ")[1])
        return out


def read_value(p, form):
    """Read an option's value from the reader; returns its octets.  Raises Fault at the token that is wrong."""
    out = bytearray()
    size = len(form)
    while True:
        at = 0
        while at < size and form[at] != "*":
            atom = form[at]
            mark = form[at + 1 : at + 2]
            at += 2 if mark in ("+", "?") and mark else 1
            if atom == "E":
                atom = "X"
                at = size
            if mark == "?" and p.kind == ";":
                continue
            _read_atom(p, atom, out)
            while mark == "+" and p.take(","):
                _read_atom(p, atom, out)
        if len(out) > MAX_VALUE:
            p.fail("the value has more than %d octets" % MAX_VALUE)
        if form[-1:] != "*" or not p.take(","):
            return bytes(out)


def _read_atom(p, atom, out):
    """One value of the kind that the letter says, added to `out`."""
    if atom == "I":
        out.extend(p.address())
    elif atom == "T":
        out.extend(p.text("text in quotes"))
    elif atom == "X":
        out.extend(p.string_or_octets("a string in quotes, or hexadecimal octets"))
    elif atom == "F":
        out.append(read_flag(p))
    elif atom in "NC":
        _read_names(p, atom == "C", out)
    elif atom == "D":
        where = p.where()
        _put_name(p, where, p.name("a domain name"), None, out)
    elif atom != "Z":
        _read_number(p, atom, out)


def _read_number(p, atom, out):
    """ISC dhcpd takes -1 for 65535 and 4294967295 for -1, so both ranges are good for both kinds."""
    size = {"b": 1, "s": 2, "l": 4}[atom.lower()]
    top = 1 << (8 * size)
    value = p.integer(-(top // 2), top - 1)
    out.extend((value & (top - 1)).to_bytes(size, "big"))


def read_flag(p):
    word = p.val.lower() if p.kind == WORD else ""
    if word not in ("true", "on", "false", "off", "ignore"):
        p.fail("expected true or false, found %s" % p.shown(), "write true, false, on or off")
    p.step()
    return 1 if word in ("true", "on") else 2 if word == "ignore" else 0


def _read_names(p, compress, out):
    """Domain names in quotes, with commas; RFC 1035 3.1, and its compression within this value."""
    known = {} if compress else None
    while True:
        where = p.where()
        if p.kind != STRING:
            p.fail("expected a domain name in quotes, found %s" % p.shown(), 'write "example.com", "example.org"')
        try:
            name = str(p.val, "utf8")
        except UnicodeError:
            name = ""
        p.step()
        _put_name(p, where, name, known, out)
        if not p.take(","):
            return


def _put_name(p, where, name, known, out):
    """Labels of the name; with `known`, a pointer to where its tail stands already."""
    labels = name.split(".")
    if labels and not labels[-1]:
        labels.pop()
    if len(name) > 253 or len(out) > MAX_VALUE:
        labels = ()
    for label in labels:
        if not 0 < len(label.encode()) < 64:
            labels = ()
    if not labels:
        p.report.error(where, "this is not a domain name", "labels of 1 to 63 characters with dots, 253 in all")
        return
    for i in range(len(labels)):
        tail = ".".join(labels[i:]).lower()
        if known is not None:
            if tail in known:
                out.extend((0xC000 | known[tail]).to_bytes(2, "big"))
                return
            known[tail] = len(out)
        out.append(len(labels[i].encode()))
        out.extend(labels[i].encode())
    out.append(0)


# `option NAME code N = TYPE`

_SIZES = {8: "bB", 16: "sS", 32: "lL"}


def read_format(p, names):
    """Read TYPE; returns a format.  `names` knows the option spaces."""
    array = _read_array(p)
    if not p.take("{"):
        form = _read_type(p, names)
        if array and form[0] in "TXNCDZE":
            p.fail("an array of this type cannot be told apart on the wire", "define it as string")
        return form + "*" if array else form
    try:
        form = _read_record(p, names)
    except Fault as fault:
        fault.depth = 1
        raise
    return form + "*" if array else form


def _read_record(p, names):
    """TYPE, TYPE ... }"""
    form = ""
    while True:
        inner = _read_array(p)
        atom = _read_type(p, names)
        form += atom + "+" if inner else atom
        if not p.take(","):
            p.expect("}", "a record is { TYPE, TYPE ... }")
            return form
        if atom[0] in "TXNCDZE":
            p.fail("text, string and the like must be last in a record", "put it last")
        if len(form) > 100:
            p.fail("too many types in this record")


def _read_array(p):
    if not p.take_word("array"):
        return False
    p.expect_word("of", "as in: array of ip-address")
    return True


def _read_type(p, names):
    where = p.where()
    word = p.word("a type").lower()
    sign = 0
    if word in ("signed", "unsigned"):
        sign = word == "unsigned"
        p.expect_word("integer", "as in: %s integer 16" % word)
        word = "integer"
    if word == "integer":
        width = p.integer(8, 32, "the width in bits")
        if width not in _SIZES:
            p.report.error(where, "an integer of %d bits" % width, "write 8, 16 or 32")
            width = 32
        return _SIZES[width][1 if sign else 0]
    if word == "encapsulate":
        space = p.word("the name of an option space")
        if space not in names.spaces:
            p.report.error(where, "no option space is named %s" % space, "declare it first: option space %s;" % space)
        return "E" + space
    if word == "domain-list":
        return "C" if p.take_word("compressed") else "N"
    atom = _TYPES.get(word)
    if atom is None:
        known = "boolean, integer 8|16|32, ip-address, text, string, domain-name, domain-list, array of, encapsulate"
        if word == "ip6-address":
            p.report.error(where, "not supported by Twinlease: ip6-address", "write it as string, in hexadecimal")
        else:
            p.report.error(where, "unknown type '%s'" % word, "types are " + known)
        atom = "X"
    return atom


_TYPES = {"boolean": "F", "ip-address": "I", "text": "T", "string": "X", "domain-name": "D", "zerolen": "Z"}
