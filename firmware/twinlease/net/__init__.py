"""Drivers that touch the network: DHCP over UDP, the prober, the log."""
