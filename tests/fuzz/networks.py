"""The configurations that mutated datagrams are sent to.  CPython and MicroPython."""

HERE = b"\x0a\x4d\x00\x02"  # 10.77.0.2, the server's address on its link

PLAIN = """
default-lease-time 600; max-lease-time 7200; min-lease-time 60; authoritative; abandon-lease-time 900;
subnet 10.77.0.0 netmask 255.255.0.0 {
  option routers 10.77.0.1; option domain-name-servers 10.77.0.2, 10.77.0.3; option domain-name "branch.example";
  pool { range 10.77.1.1 10.77.1.20; }
}
subnet 10.88.0.0 netmask 255.255.255.0 { range 10.88.0.10 10.88.0.12; }
"""

CROWDED = """
default-lease-time 300; max-lease-time infinite; authoritative; one-lease-per-client true; deny duplicates;
guest-lease-time 60; adaptive-lease-time-threshold 50; dhcp-cache-threshold 0; abandon-lease-time 120; min-secs 2;
subnet 10.77.0.0 netmask 255.255.255.0 { range 10.77.0.10 10.77.0.14; option routers 10.77.0.1; echo-client-id on; }
subnet 10.88.0.0 netmask 255.255.255.0 { pool { range 10.88.0.10 10.88.0.12; deny unknown-clients; } not authoritative; }
host a { hardware ethernet 02:00:00:00:00:07; }
host b { hardware ethernet 00:00:00:00:01:07; fixed-address 10.88.0.99, 10.77.0.99; }
"""

OFFICE = """
authoritative; use-host-decl-names on; default-lease-time 900; server-name "srv"; always-broadcast on;
option arch code 93 = unsigned integer 16; option blob code 200 = text;
class "phones" { match if substring(option vendor-class-identifier, 0, 5) = "PHONE"; option tftp-server-name "tftp"; }
class "lab" { match hardware; }
subclass "lab" 1:02:00:00:00:01:07 { option domain-name "seven"; }
class "user" { match option user-class; }
subclass "user" "x" { filename "x"; }
shared-network floor {
  subnet 10.77.0.0 netmask 255.255.255.0 {
    option routers 10.77.0.1;
    pool { allow members of "phones"; range 10.77.0.10 10.77.0.13; option blob "%s"; }
    pool { deny members of "phones"; range 10.77.0.20 10.77.0.24; allow dynamic bootp clients; }
    pool { range dynamic-bootp 10.77.0.30 10.77.0.31; }
  }
  subnet 10.99.0.0 netmask 255.255.255.0 { option routers 10.99.0.1; range 10.99.0.10 10.99.0.15; filename "f"; }
  if option arch = 00:07 { filename "efi64"; } elsif exists arch { filename "bios"; next-server 10.77.0.9; }
}
subnet 10.88.0.0 netmask 255.255.255.0 { range dynamic-bootp 10.88.0.10 10.88.0.17; option blob "%s"; }
host h1 { hardware ethernet 02:00:00:00:02:07; fixed-address 10.77.0.99; option host-name "one"; }
host h2 { option dhcp-client-identifier ff:69:64:2d:33:37; fixed-address 10.88.0.98; }
group { next-server 10.77.0.5; host h3 { hardware ethernet 00:00:00:00:03:07; server-name "%s"; } }
""" % ("p" * 300, "q" * 1200, "s" * 60)

COMPUTED = """
authoritative; default-lease-time 120;
option space ACME; option ACME.server code 1 = ip-address; option ACME.name code 2 = text; option ACME.mode code 3 = unsigned integer 8;
option space WIDE code width 2 length width 2; option WIDE.all code 1 = text; option wide-box code 210 = encapsulate WIDE;
option space ID code width 1 length width 1; option ID.data code 1 = text; option vendor.ID code 4491 = encapsulate ID;
vendor-option-space ACME; option ACME.server 10.0.0.9; option ACME.name = option user-class;
option WIDE.all = concat(option user-class, option vendor-class-identifier);
option ID.data = pick-first-value(option user-class, "none");
subnet 10.77.0.0 netmask 255.255.0.0 {
  range 10.77.1.1 10.77.1.9; range dynamic-bootp 10.77.2.1 10.77.2.3;
  option host-name = concat("h-", binary-to-ascii(16, 8, "", suffix(hardware, 2)), "-", binary-to-ascii(10, 8, "-", leased-address));
  option domain-name = lcase(option host-name); filename = option user-class; server-name = packet(0, 900);
  next-server = option dhcp-requested-address;
  if not known and option agent.circuit-id = "x" { default-lease-time 77; }
  elsif substring(hardware, 1, 1) = 02 { option root-path = reverse(1, option user-class); }
  else { option root-path = encode-int(extract-int(suffix(packet(4, 4), 2), 16), 32); }
}
subnet 10.88.0.0 netmask 255.255.255.0 { range 10.88.0.10 10.88.0.14; option domain-name = option agent.remote-id; }
subnet 10.99.0.0 netmask 255.255.255.0 { }
"""

ALL = (PLAIN, CROWDED, OFFICE, COMPUTED)
