"""Measurements of Twinlease beside ISC dhcpd, Kea and dnsmasq, in one run on one machine."""
