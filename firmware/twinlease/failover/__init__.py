"""Failover as ISC dhcpd 4.4.3 speaks it: codec, state machine, who answers whom, how long a lease may be.  Pure.

Nothing in here is connected to a socket or to the lease table yet; the server
does not speak failover.  "The draft" is draft-ietf-dhc-failover-12, "the
reference" the project's description of what ISC dhcpd makes of it.

    wire.py      octets of a stream to messages
    writer.py    messages to octets
    states.py    the endpoint's state machine, as tables
    balance.py   which server answers which client; how free addresses are shared
    times.py     the MCLT rule and the times of an address
"""
