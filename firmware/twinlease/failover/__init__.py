"""Failover as ISC dhcpd 4.4.3 speaks it: codec, state machine, who answers whom, how long a lease may be.  Pure.

"The draft" is draft-ietf-dhc-failover-12, "the reference" the project's
description of what ISC dhcpd makes of it.

    peer.py      one relationship: connections, timers, the operator; on top of
    exchange.py    what messages on the link do
    service.py     what DHCP clients may be given
    endpoint.py  states and events by number, a Peer's record
    link.py      one TCP connection: checks, timers; how far clocks are apart
    seal.py      messages authenticated by a key
    agree.py     do the two configurations agree
    evidence.py  is the partner down, although nobody has said so
    beat.py      the UDP beat between two boards without a link
    longest.py   the longest lease that anybody may have promised
    orient.py    which half of a `failover peer` block this board is
    updates.py   the queue of updates, flow control
    bindings.py  may an update be accepted, and what it makes of a row
    pools.py     sharing the free addresses: single ones, and when
    balance.py   which server answers which client; the arithmetic of sharing
    times.py     the MCLT rule and the times of an address
    wire.py      octets of a stream to messages
    writer.py    messages to octets

Loaded when they are needed, and forgotten after that (../overlay.py):

    states.py      the endpoint's state machine, as tables
    actions.py     what an event makes a Peer do
    handshake.py   CONNECT and CONNECTACK, whose clock is spoken
    resync.py      updates are asked for, or have been
    rebalance.py   a run that shares the free addresses
    occasions.py   a Peer begins, its clock is set
    memory.py      what a Peer remembers over a restart
    words.py       what the log calls things
    differences.py what two configurations do not agree on

ARCHITECTURE.md tells how they fit together and what the rest of the firmware asks
of a Peer; docs/CONFORMANCE.md where the draft, ISC dhcpd and we differ.
"""
