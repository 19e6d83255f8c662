"""The same texts through ISC dhcpd's parser (`dhcpd -t`) and through ours.

What dhcpd accepts we accept, or refuse by name ("not supported by Twinlease"); what it
rejects we reject.  CASES says what is expected of both, so that a newer dhcpd that
changes its mind is seen too:

    both      accepted by both
    named     accepted by dhcpd, refused by us by name
    neither   rejected by both
    ours      accepted by dhcpd, rejected by us as an error of the file's own: each says why
    own       rejected by dhcpd, accepted by us: what our boards have and dhcpd has not
"""

import os
import shutil
import subprocess

import pytest
from twinlease import conf

DHCPD = shutil.which("dhcpd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")

NET = "subnet 10.0.0.0 netmask 255.255.255.0 { %s }\n"
SERVERS = "primary; address 10.0.0.2; peer address 10.0.0.3; "
PEER = 'failover peer "p" { primary; address 10.0.0.2; port 647; peer address 10.0.0.3; mclt 600; split 128; %s }\n'
POOL = NET % 'pool { failover peer "p"; range 10.0.0.10 10.0.0.20; }'
SECONDARY = 'failover peer "p" { secondary; address 10.0.0.3; peer address 10.0.0.2; %s }\n'
HALVES = """failover peer "p" { mclt 600; split 128; load balance max seconds 3;
  primary { address 10.0.0.2; } secondary { address 10.0.0.3; %s } }
"""
NO_PEER = "pool { no failover peer; range 11.0.0.9; }"
BOOTP_FIRST = 'pool { range dynamic-bootp 10.0.0.10; failover peer "p"; }'
FIVE_PEERS = "".join(
    [PEER.replace('"p"', '"p%d"' % i).replace("10.0.0.3", "10.0.0.%d" % (3 + i)) % "" for i in range(5)]
) + NET % "".join(['pool { failover peer "p%d"; range 10.0.0.%d; }' % (i, 20 + i) for i in range(5)])
HOST = "host a { %s }\n"

CASES = [
    # Networks
    ("lone subnet", "both", NET % "range 10.0.0.10 10.0.0.20;"),
    ("subnet without a range", "both", NET % "not authoritative;"),
    ("shared network", "both", "shared-network office { " + NET % "" + "pool { range 10.0.0.10 10.0.0.20; } }"),
    ("shared network, quoted name", "both", 'shared-network "my office" { ' + NET % "" + "}"),
    ("shared network, dotted name", "both", "shared-network a.b-c { " + NET % "" + "}"),
    ("shared network without a subnet", "neither", "shared-network office { }"),
    ("group around a subnet", "both", "group { option routers 10.0.0.1; " + NET % "" + "}"),
    (
        "group with a name",
        "both",
        "group office { default-lease-time 60; } host a { group office; hardware ethernet 1:2:3:4:5:6; }",
    ),
    ("unknown group", "neither", HOST % "group office;"),
    ("several ranges", "both", NET % "range 10.0.0.10 10.0.0.20; range 10.0.0.30; range 10.0.0.40 10.0.0.50;"),
    ("range for BOOTP clients", "both", NET % "range dynamic-bootp 10.0.0.10 10.0.0.20;"),
    ("range backwards", "both", NET % "range 10.0.0.20 10.0.0.10;"),
    ("range with network and broadcast address", "both", NET % "range 10.0.0.0 10.0.0.255;"),
    ("range outside its subnet", "neither", NET % "range 10.0.1.10 10.0.1.20;"),
    ("range over the end of its subnet", "neither", NET % "range 10.0.0.250 10.0.1.5;"),
    ("ranges that overlap", "neither", NET % "range 10.0.0.10 10.0.0.20; range 10.0.0.20 10.0.0.30;"),
    ("range at the top level", "neither", "range 10.0.0.10 10.0.0.20;"),
    ("pool without a range", "neither", NET % "pool { }"),
    ("pool within a pool", "neither", NET % "pool { range 10.0.0.10; pool { range 10.0.0.11; } }"),
    ("pool at the top level", "neither", "pool { range 10.0.0.10; }"),
    ("pool before its subnet", "neither", "shared-network x { pool { range 10.0.0.10; } " + NET % "" + "}"),
    ("bad subnet number", "neither", "subnet 192.168.101.0 netmask 255.255.254.0 { }"),
    ("netmask with holes", "ours", "subnet 10.0.0.0 netmask 255.0.255.0 { }"),
    ("subnet for everything", "both", "subnet 0.0.0.0 netmask 0.0.0.0 { }"),
    ("subnet within another", "both", NET % "" + "subnet 10.0.0.0 netmask 255.255.0.0 { }"),
    ("subnet declared twice", "named", NET % "" + NET % ""),
    ("subnet within a subnet", "neither", NET % "subnet 10.1.0.0 netmask 255.255.0.0 { }"),
    ("interface", "both", NET % 'interface "lo";'),
    ("address of three numbers", "neither", "subnet 10.0.0 netmask 255.255.255.0 { }"),
    ("netmask missing", "neither", "subnet 10.0.0.0 { }"),
    # Who may have an address
    (
        "permit lists",
        "both",
        NET
        % (
            "pool { range 10.0.0.10; allow known-clients; deny unknown-clients; allow unknown clients; allow known clients; "
            "deny dynamic bootp clients; allow all clients; deny after 4 2026/12/31 23:59:59; }"
        ),
    ),
    ("allow after epoch", "both", NET % "pool { range 10.0.0.10; allow after epoch 1800000000; }"),
    ("allow members of a class", "both", 'class "x" { } ' + NET % 'pool { range 10.0.0.10; allow members of "x"; }'),
    ("allow members of no class", "neither", NET % 'pool { range 10.0.0.10; allow members of "x"; }'),
    ("authenticated clients", "named", NET % "pool { range 10.0.0.10; allow authenticated clients; }"),
    ("allow nonsense in a pool", "neither", NET % "pool { range 10.0.0.10; allow bootp; }"),
    (
        "allow and deny at the top",
        "both",
        "allow booting; allow bootp; deny unknown-clients; ignore declines; deny duplicates; ignore client-updates;",
    ),
    ("deny unknown clients in two words", "neither", "deny unknown clients;"),
    ("dynamic bootp clients at the top", "neither", "deny dynamic bootp clients;"),
    ("leasequery", "named", "allow leasequery;"),
    # Hosts
    ("host", "both", HOST % 'hardware ethernet 08:00:2b:4c:39:ad; fixed-address 10.0.0.5, 10.1.0.5; filename "x";'),
    ("host with a dotted name", "both", "host www.example.org { hardware ethernet 8:0:2b:4c:39:ad; }"),
    ("host with a quoted name", "neither", 'host "a" { }'),
    ("host with a client identifier", "both", HOST % 'option dhcp-client-identifier "abc";'),
    ("host with a uid", "both", HOST % "uid 01:02:03;"),
    ("token ring", "both", HOST % "hardware token-ring 1:2:3:4:5:6;"),
    ("unknown hardware", "neither", HOST % "hardware aether 1:2:3:4:5:6;"),
    ("hardware address that is none", "neither", HOST % "hardware ethernet 1:2:3:4:5:xy;"),
    ("hardware outside of a host", "neither", "hardware ethernet 1:2:3:4:5:6;"),
    (
        "host declared twice",
        "neither",
        HOST % "hardware ethernet 1:2:3:4:5:6;" + HOST % "hardware ethernet 1:2:3:4:5:7;",
    ),
    (
        "hosts with the same hardware",
        "both",
        HOST % "hardware ethernet 1:2:3:4:5:6;" + "host b { hardware ethernet 1:2:3:4:5:6; }",
    ),
    ("hosts with the same address", "both", HOST % "fixed-address 10.0.0.5;" + "host b { fixed-address 10.0.0.5; }"),
    ("fixed-address twice", "neither", HOST % "fixed-address 10.0.0.5; fixed-address 10.0.0.6;"),
    ("host-identifier", "named", HOST % 'host-identifier option agent.remote-id "x";'),
    ("host within a class", "neither", 'class "x" { host a { } }'),
    # Options
    (
        "options",
        "both",
        (
            'option routers 10.0.0.1, 10.0.0.2; option domain-name "example.org"; option time-offset -18000;'
            "option ip-forwarding off; option static-routes 10.1.0.0 10.0.0.1, 10.2.0.0 10.0.0.2;"
            "option netbios-node-type 8; option path-mtu-plateau-table 68, 296, 508; option interface-mtu 0x5dc;"
            'option domain-search "example.org", "sub.example.org"; option slp-directory-agent true 10.0.0.1, 10.0.0.2;'
            "option slp-service-scope true; option v6-only-preferred 1800; option tftp-server-address 10.0.0.9;"
            'option capwap-ac-v4 10.0.0.9, 10.0.0.10; option v4-captive-portal "https://x/"; option default-url "x";'
            "option vendor-encapsulated-options 01:04:0a:00:00:01;"
        ),
    ),
    ("options in any case", "both", "OPTION Routers 10.0.0.1; Default-Lease-Time 60;"),
    ("option by its code", "both", 'option unknown-230 01:02:ff; option unknown-231 "text";'),
    ("unknown option", "neither", "option ruoters 10.0.0.1;"),
    ("option without a value", "neither", "option routers;"),
    ("address over 255", "neither", "option routers 10.0.0.256;"),
    ("text where an address belongs", "neither", 'option routers "gateway";'),
    ("number that does not fit", "neither", "option boot-size 65536;"),
    ("number that is none", "neither", "option boot-size many;"),
    ("octal that is none", "neither", "option boot-size 09;"),
    ("domain name without quotes", "neither", "option domain-name example.org;"),
    ("domain list without quotes", "neither", "option domain-search example.org;"),
    ("flag that is none", "neither", "option ip-forwarding perhaps;"),
    ("list without commas", "neither", "option routers 10.0.0.1 10.0.0.2;"),
    ("name instead of an address", "named", "option routers no-such-host.invalid;"),
    ("missing semicolon", "neither", "option routers 10.0.0.1\ndefault-lease-time 60;"),
    ("string without an end", "neither", 'option domain-name "example.org;'),
    ("agent option set", "named", 'option agent.circuit-id "x";'),
    ("fqdn option set", "both", "option fqdn.no-client-update on;"),
    # Options of one's own
    (
        "custom options",
        "both",
        (
            "option a code 224 = boolean; option b code 225 = unsigned integer 8; option c code 226 = signed integer 16;"
            "option d code 227 = integer 32; option e code 228 = ip-address; option f code 229 = text; option g code 230 = string;"
            "option h code 231 = array of ip-address; option i code 232 = { ip-address, integer 8, text };"
            "option j code 233 = array of { ip-address, integer 8 }; option k code 234 = domain-list;"
            "option l code 235 = { boolean, array of ip-address };"
            'option a on; option b 255; option c -1; option d 1; option e 10.0.0.1; option f "t"; option g 1:2;'
            'option h 10.0.0.1, 10.0.0.2; option i 10.0.0.1 5 "t"; option j 10.0.0.1 5, 10.0.0.2 6; option k "a.b";'
            "option l true 10.0.0.1, 10.0.0.2;"
        ),
    ),
    (
        "classless routes",
        "both",
        (
            "option rfc3442-classless-static-routes code 121 = array of integer 8;"
            "option rfc3442-classless-static-routes 24, 10, 1, 2, 10, 0, 0, 1, 0, 10, 0, 0, 1;"
        ),
    ),
    ("web proxy", "both", 'option wpad code 252 = text; option wpad "http://wpad/wpad.dat\\n";'),
    ("custom option of unknown type", "neither", "option a code 224 = colour;"),
    ("custom option of 24 bits", "neither", "option a code 224 = integer 24;"),
    ("custom option within a block", "neither", NET % "option a code 224 = text;"),
    ("array of text", "neither", "option a code 224 = array of text;"),
    ("custom option with an address of IPv6", "named", "option a code 224 = ip6-address;"),
    (
        "vendor options",
        "both",
        (
            "option space PXE; option PXE.mtftp-ip code 1 = ip-address; option PXE.mtftp-cport code 2 = unsigned integer 16;"
            'class "pxe" { match if substring(option vendor-class-identifier, 0, 9) = "PXEClient";'
            "vendor-option-space PXE; option PXE.mtftp-ip 0.0.0.0; option PXE.mtftp-cport 75; }"
        ),
    ),
    ("option space with widths", "both", "option space S code width 2 length width 2; option S.a code 300 = text;"),
    ("option space of width 3", "neither", "option space S code width 3;"),
    (
        "encapsulated space",
        "both",
        'option space S; option S.a code 1 = text; option e code 224 = encapsulate S; option S.a "x";',
    ),
    (
        "vendor space by enterprise",
        "both",
        'option space S; option S.a code 1 = text; option vendor.acme code 9999 = encapsulate S;option S.a "x";',
    ),
    ("encapsulated space that is unknown", "neither", "option e code 224 = encapsulate S;"),
    ("option of an unknown space", "neither", "option S.a 1;"),
    # Classes and conditions
    (
        "class with subclasses",
        "both",
        'class "c" { match hardware; } subclass "c" 1:8:0:2b:4c:39:ad;'
        'subclass "c" 1:8:0:2b:a9:cc:e3 { option root-path "samsara:/var"; }',
    ),
    ("class with a lease limit", "named", 'class "c" { match hardware; lease limit 4; }'),
    ("names of clients out of the DNS", "named", "get-lease-hostnames true;"),
    (
        "class by option",
        "both",
        'class "c" { match option vendor-class-identifier; } subclass "c" "SUNW" { default-lease-time 60; }',
    ),
    ("subclass of no class", "neither", 'subclass "c" 1:2:3;'),
    ("class declared twice", "both", 'class "c" { match if known; } class "c" { default-lease-time 60; }'),
    ("two matches", "neither", 'class "c" { match if known; match if static; }'),
    ("spawn", "named", 'class "c" { spawn with option agent.circuit-id; }'),
    ("vendor-class of old", "neither", 'vendor-class "x" { }'),
    (
        "expressions",
        "both",
        (
            'class "e" { match if (substring(hardware, 1, 3) = 00:11:22 or suffix(option host-name, 2) != "ab") '
            'and not exists agent.circuit-id and option agent.remote-id = "x" and known and static '
            'and binary-to-ascii(16, 8, ":", hardware) = "a" and encode-int(1, 16) = 00:01 '
            'and concat("a", "b", lcase("C")) = ucase("abc") and pick-first-value(option host-name, "x") = "x" '
            'and leased-address = 0a:00:00:01 and config-option domain-name = "e" and reverse(1, hardware) = "x" '
            '; } class "n" { match if extract-int(packet(2, 1), 8) = 6 and not (known or static); } '
            'class "l" { match if extract-int(encode-int(lease-time, 32), 32) = 7; }'
        ),
    ),
    ("bare data as a condition", "neither", 'class "e" { match if option host-name; }'),
    ("comparison of two types", "neither", 'class "e" { match if extract-int(hardware, 8) = "x"; }'),
    ("class membership of nothing", "both", 'class "e" { match if hardware = null; }'),
    ("comparison of conditions", "neither", 'class "e" { match if known = static; }'),
    ("comparison of a comparison", "neither", 'class "e" { match if "a" = "b" = "c"; }'),
    ("not before a comparison", "neither", 'class "e" { match if not option host-name = "x"; }'),
    ("sub-option of fqdn", "named", 'class "e" { match if exists fqdn.hostname; }'),
    ("functions of the file's own", "named", 'class "e" { match if foo("x") = "y"; }'),
    ("look-up of the server's name", "named", 'class "e" { match if gethostname() = "x"; }'),
    ("unknown function", "neither", 'class "e" { match if frobnicate(hardware; }'),
    ("regular expression", "named", 'class "e" { match if option host-name ~= "^a"; }'),
    (
        "if within a subnet",
        "both",
        NET
        % (
            'if option user-class = "iPXE" { filename "a"; } elsif exists host-name { filename "b"; } else { filename "c"; }'
        ),
    ),
    ("else if", "both", 'if known { filename "a"; } else if static { filename "b"; }'),
    ("if without braces", "neither", 'if known filename "a";'),
    ("else without if", "neither", 'else { filename "a"; }'),
    ("declaration within if", "neither", "if known { " + NET % "" + "}"),
    ("authoritative within if", "neither", "if known { authoritative; }"),
    (
        "option from an expression",
        "both",
        'option host-name = concat("h-", binary-to-ascii(10, 8, "-", leased-address));',
    ),
    ("filename from an expression", "both", 'filename = concat("pxe/", binary-to-ascii(16, 8, "-", hardware));'),
    ("variables", "named", 'set x = "1"; if exists host-name { set y = "2"; }'),
    ("on commit", "named", 'on commit { log(info, "x"); }'),
    ("switch", "named", 'switch (option host-name) { case "a": break; }'),
    ("execute", "named", 'on commit { set x = "y"; }'),
    # Parameters
    (
        "parameters",
        "both",
        (
            "default-lease-time 600; max-lease-time 7200; min-lease-time 60; authoritative; ping-check true; ping-timeout 1;"
            "one-lease-per-client on; always-broadcast off; get-lease-hostnames false; use-host-decl-names true; min-secs 3;"
            "adaptive-lease-time-threshold 80; abandon-lease-time 86400; next-server 10.0.0.1; server-identifier 10.0.0.1;"
            'filename "pxelinux.0"; server-name "s"; log-facility local7; always-reply-rfc1048 true; stash-agent-options true;'
        ),
    ),
    ("infinite leases", "both", "default-lease-time infinite; max-lease-time -1;"),
    ("lease time in words", "neither", "default-lease-time soon;"),
    ("minimum above maximum", "both", "min-lease-time 100; max-lease-time 50;"),
    (
        "files and processes",
        "both",
        'omapi-port 7911; lease-file-name "dhcpd.leases"; pid-file-name "dhcpd.pid"; db-time-format local;',
    ),
    (
        "updates of DNS",
        "both",
        (
            'ddns-update-style interim; ddns-updates on; ddns-domainname "x."; update-static-leases on;'
            "key k { algorithm hmac-md5; secret pRP5FapFoJ95JEL06sv4PQ==; }; zone example.org. { primary 127.0.0.1; key k; }"
        ),
    ),
    ("style of updates that is none", "neither", "ddns-update-style fancy;"),
    ("log facility that is none", "neither", "log-facility local9;"),
    ("unknown statement", "neither", "defualt-lease-time 600;"),
    ("statement of the client", "named", 'send host-name "x";'),
    ("supersede", "named", 'supersede domain-name "x";'),
    ("cutoff of BOOTP leases", "named", "dynamic-bootp-lease-length 3600;"),
    ("flag as a number", "neither", "ping-check 1;"),
    ("flag in plain English", "neither", "ping-check yes;"),
    ("option space that is unknown", "ours", "vendor-option-space nosuch;"),
    ("code that no option can have", "ours", "option foo code 300 = text;"),
    ("option server.", "named", 'option server.ddns-hostname = "x";'),
    ("other port", "named", "local-port 6767;"),
    ("site option space", "named", 'site-option-space "x";'),
    ("IPv6", "named", "prefix-length-mode prefer;"),
    # Failover
    (
        "failover primary",
        "both",
        PEER % "load balance max seconds 3; max-response-delay 60; max-unacked-updates 10;" + POOL,
    ),
    (
        "failover secondary",
        "both",
        'failover peer "p" { secondary; address 10.0.0.3; peer address 10.0.0.2; load balance max seconds 3; }' + POOL,
    ),
    (
        "failover, all statements",
        "both",
        PEER
        % (
            "peer port 847; auto-partner-down 0; max-lease-misbalance 15; max-lease-ownership 10; min-balance 60; max-balance 3600;"
            "load balance max seconds 3;"
        )
        + POOL,
    ),
    (
        "failover with hba",
        "both",
        'failover peer "p" { primary; address 10.0.0.2; peer address 10.0.0.3; mclt 600; hba '
        + ":".join(["ff"] * 16 + ["00"] * 16)
        + "; }"
        + POOL,
    ),
    (
        "hba too short",
        "neither",
        'failover peer "p" { primary; address 10.0.0.2; peer address 10.0.0.3; mclt 600; hba ff:ff; }' + POOL,
    ),
    (
        "primary without mclt",
        "neither",
        'failover peer "p" { primary; address 10.0.0.2; peer address 10.0.0.3; split 128; }' + POOL,
    ),
    (
        "primary without split",
        "neither",
        'failover peer "p" { primary; address 10.0.0.2; peer address 10.0.0.3; mclt 60; }' + POOL,
    ),
    (
        "secondary with split",
        "neither",
        'failover peer "p" { secondary; split 128; address 10.0.0.2; peer address 10.0.0.3; }' + POOL,
    ),
    ("split 257", "neither", PEER % "split 257;" + POOL),
    ("no peer address", "neither", 'failover peer "p" { primary; address 10.0.0.2; mclt 60; split 128; }' + POOL),
    ("peer declared twice", "neither", PEER % "" + PEER % "" + POOL),
    ("peer that no pool refers to", "neither", PEER % "" + NET % "range 10.0.0.10;"),
    ("peer that is not declared", "neither", POOL),
    ("peer's name without quotes in a pool", "neither", PEER % "" + POOL.replace('"p"', "p")),
    ("unknown statement in peer", "neither", PEER % "max-transmit-idle 3;" + POOL),
    ("load balance max secs", "neither", PEER % "load balance max secs 3;" + POOL),
    ("failover peer in a subnet", "neither", PEER % "" + NET % 'failover peer "p"; range 10.0.0.10;'),
    (
        "peer inherited from the shared network",
        "neither",
        PEER % "" + 'shared-network x { failover peer "p"; ' + NET % "" + "pool { range 10.0.0.10; } }",
    ),
    (
        "range dynamic-bootp with failover",
        "neither",
        PEER % "" + NET % 'pool { failover peer "p"; range dynamic-bootp 10.0.0.10; }',
    ),
    ("secondary with mclt", "both", SECONDARY % "mclt 60;" + POOL),
    ("secondary with hba", "neither", SECONDARY % ("hba " + ":".join(["ff"] * 32) + ";") + POOL),
    ("split before secondary", "neither", 'failover peer "p" { split 128; %s secondary; }' % SERVERS + POOL),
    ("mclt 0", "neither", PEER % "mclt 0;" + POOL),
    ("mclt in hexadecimal", "neither", PEER % "mclt 0x10;" + POOL),
    ("neither role", "neither", 'failover peer "p" { address 10.0.0.2; peer address 10.0.0.3; mclt 60; }' + POOL),
    ("empty failover peer", "neither", 'failover peer "p" { }' + POOL),
    ("split -1", "neither", PEER % "split -1;" + POOL),
    ("hba too long", "neither", PEER % ("hba " + ":".join(["ff"] * 33) + ";") + POOL),
    ("hba as text", "neither", PEER % 'hba "abc";' + POOL),
    ("failover statements twice", "both", PEER % "primary; mclt 60; split 0; address 10.0.0.4; port 0;" + POOL),
    ("limits of 0", "both", PEER % "max-response-delay 0; max-unacked-updates 0; min-balance 0; max-balance 0;" + POOL),
    ("limits of the partner", "both", PEER % "peer max-response-delay 5; peer max-unacked-updates 3;" + POOL),
    ("mclt of the partner", "named", PEER % "peer mclt 60;" + POOL),
    ("min-balance above max-balance", "both", PEER % "min-balance 100; max-balance 50;" + POOL),
    ("dhcpd takes -1 for 4294967295", "ours", PEER % "mclt -1;" + POOL),
    ("dhcpd takes a port for 16 bits of it", "ours", PEER % "port 70000;" + POOL),
    ("dhcpd shares out more than all", "ours", PEER % "max-lease-ownership 101;" + POOL),
    ("no address: dhcpd -t is content, dhcpd exits", "ours", PEER.replace("address 10.0.0.2;", "", 1) % "" + POOL),
    ("failover with itself", "ours", PEER % "peer address 10.0.0.2; peer port 647;" + POOL),
    ("peer declared behind its pool", "neither", POOL + PEER % ""),
    ("peer declared in a shared network", "both", "shared-network x { " + PEER % "" + POOL + "}"),
    ("peer declared in a group", "neither", "group { " + PEER % "" + POOL + "}"),
    ("peer declared in a subnet", "neither", NET % (PEER % "" + 'pool { failover peer "p"; range 10.0.0.10; }')),
    ("peer's name without quotes", "both", PEER.replace('"p"', "p") % "" + POOL),
    ("peer's name as a number", "neither", PEER.replace('"p"', "12") % "" + POOL.replace('"p"', '"12"')),
    ("peer's name with nothing in it", "ours", PEER.replace('"p"', '""') % "" + POOL.replace('"p"', '""')),
    ("peer outside of any network", "neither", PEER % "" + POOL + 'failover peer "p";'),
    ("pool with failover and no range", "neither", PEER % "" + NET % 'pool { failover peer "p"; }'),
    ("no failover peer", "neither", PEER % "" + POOL + NET.replace("10.", "11.") % NO_PEER),
    (
        "pools with and without failover",
        "both",
        PEER % "" + NET % 'pool { failover peer "p"; range 10.0.0.10; } pool { range 10.0.0.20; }',
    ),
    (
        "pool that denies BOOTP",
        "both",
        PEER % "" + NET % 'pool { failover peer "p"; deny dynamic bootp clients; range 10.0.0.10; }',
    ),
    ("dhcpd overlooks a dynamic-bootp that comes first", "ours", PEER % "" + NET % BOOTP_FIRST),
    ("five peers", "named", FIVE_PEERS),
    ("failover state", "named", PEER % "" + POOL + 'failover peer "p" state { my state normal; }'),
    ("key of a failover peer", "own", PEER % 'key "0123456789abcdef";' + POOL),
    ("key of a failover peer, as octets", "own", PEER % ("key " + ":".join(["a5"] * 16) + ";") + POOL),
    ("key that is too short", "neither", PEER % 'key "short";' + POOL),
    ("partner-down-after, serve-alone-after", "own", PEER % "partner-down-after 60; serve-alone-after 9;" + POOL),
    ("both halves of a failover peer", "own", HALVES % "" + POOL),
    ("halves with values of their own", "own", HALVES % "max-response-delay 9; port 520;" + POOL),
    ("a half with split", "neither", HALVES % "split 128;" + POOL),
    ("one half of a failover peer", "neither", HALVES.replace("secondary {", "}") % "" + POOL),
    # The text itself
    ("comment", "both", "# only a comment"),
    ("nothing", "both", "\n"),
    ("escapes", "both", 'option host-name "a\\x41\\101\\t\\"\\\\";'),
    ("brace too few", "neither", "subnet 10.0.0.0 netmask 255.255.255.0 { range 10.0.0.10;"),
    ("brace too many", "neither", NET % "" + "}"),
    ("semicolon behind a brace", "neither", NET % "" + ";"),
    ("include of nothing", "neither", 'include "no-such-file.conf";'),
    ("include without quotes", "neither", "include x.conf;"),
    ("long word", "neither", "option host-name " + "a" * 2000 + ";"),
    ("octets beyond ASCII", "neither", "option host-name \u201cname\u201d;"),
    ("binary", "neither", "\x00\x01\x02"),
]

MAY_BE = {
    "both": ["accepted"],
    "own": ["accepted"],
    "named": ["named"],
    "neither": ["rejected", "named"],
    "ours": ["rejected"],
}


def isc_accepts(tmp_path, text):
    (tmp_path / "dhcpd.conf").write_text(text)
    (tmp_path / "leases").write_text("")
    command = [DHCPD, "-4", "-t", "-cf", str(tmp_path / "dhcpd.conf"), "-lf", str(tmp_path / "leases")]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=20)
    return run.returncode == 0, run.stderr.decode(errors="replace")


def missing(name):
    raise OSError(name)


def verdict(text):
    """ "accepted", "named" or "rejected", and the problems."""
    try:
        return "accepted", conf.load(text, read_file=missing).problems
    except conf.ConfError as bad:
        errors = [p for p in bad.problems if p.severity == "error"]
        named = all(p.message.startswith("not supported by Twinlease") for p in errors)
        return "named" if named else "rejected", bad.problems


@pytest.mark.skipif(DHCPD is None, reason="dhcpd (isc-dhcp-server) is not installed: nothing to compare with")
@pytest.mark.parametrize(("name", "expected", "text"), CASES, ids=[c[0] for c in CASES])
def test_dhcpd_and_we_agree(tmp_path, name, expected, text):
    accepted, said = isc_accepts(tmp_path, text)
    ours, problems = verdict(text)
    heard = "%s\ndhcpd: %s\n%s\nours: %s\n%s" % (text, accepted, said, ours, "\n".join([str(p) for p in problems]))
    assert accepted == (expected not in ("neither", "own")), heard
    assert ours in MAY_BE[expected], heard


def test_case_names_are_distinct():
    assert len({c[0] for c in CASES}) == len(CASES) >= 45
