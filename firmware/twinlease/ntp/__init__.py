"""Time from the network, SNTP (RFC 4330, RFC 5905): what is asked, what is believed, what is answered.  Pure.

    source    one time server and what is known of it; what is known of all      stays in memory
    trim      our crystal's rate, and small corrections, on the way to the clock  stays in memory
    packet    a request, and what an answer says, or why it is refused            loaded to ask
    choose    of several servers those that agree                                 loaded to ask
    govern    slew, step or wait; the crystal's drift                             loaded to ask
    dns       the address of a server that is known by name                       loaded to ask
    words     why an answer was refused, for people                               loaded to say so
    answer    our own answers to SNTP clients                                     only with `ntp serve true;`

net/sntp.py asks, net/ntp_server.py answers.  Times here are milliseconds: of an offset, positive if our clock is
behind; of a point in time, since 2020-01-01 (an object on a 32-bit board, a few of them per question).  `up` is seconds
since boot, which never step.
"""
