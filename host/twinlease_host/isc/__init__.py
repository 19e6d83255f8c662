"""ISC dhcpd's files, and dnsmasq's: read, written, and carried over to a board."""
