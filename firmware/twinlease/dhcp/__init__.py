"""DHCPv4 as RFC 2131 and 2132 ask: read a request, decide, write a reply.  Pure: no sockets, no clock, no flash."""
