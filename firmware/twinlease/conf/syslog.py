"""`syslog server`: where the board sends its log.  ISC dhcpd has no such statement: it leaves that to its system.

    syslog server 10.0.0.9;                 UDP, RFC 5424 and 5426
    syslog server 10.0.0.9 port 5514;
    log-facility local7;                    dhcpd's own; daemon without it

They stand at the top level and end as parameters of the global scope: "syslog-server", four octets and two of the
port, and "log-facility", a name.
"""

_PORT = 514


def read(p, place, where):
    """What follows `syslog`."""
    p.expect_word("server", "as in: syslog server 192.0.2.1;")
    at = p.where()
    address = p.address()
    port = p.integer(1, 65535) if p.take_word("port") else _PORT
    if not 0 < address[0] < 224:
        p.report.error(
            at, "this cannot be a syslog server: %d.%d.%d.%d" % tuple(address), "write the address of a host"
        )
    elif "syslog-server" in place.scope.params:
        p.report.error(at, "there is a syslog server already", "one is enough; let it pass on what others want")
    place.scope.put_param("syslog-server", bytes(address) + bytes((port >> 8, port & 255)))
    p.semicolon()
