"""The reference's tables of ISC dhcpd's state machine (sections 4.3 and 4.4), as text, and read.

"." is no change, "all" an UPDREQALL, "ask" an UPDREQ; SD! and exit! as there.
"""

from twinlease.failover import states as s

SHORT = {
    "N": s.NORMAL,
    "CI": s.COMMUNICATIONS_INTERRUPTED,
    "PD": s.PARTNER_DOWN,
    "PC": s.POTENTIAL_CONFLICT,
    "RI": s.RESOLUTION_INTERRUPTED,
    "CD": s.CONFLICT_DONE,
    "R": s.RECOVER,
    "RW": s.RECOVER_WAIT,
    "RD": s.RECOVER_DONE,
    "PA": s.PAUSED,
    "SD": s.SHUTDOWN,
    "SD!": s.SHUTDOWN,
    "exit!": 99,
    "ask": s.REQUEST,
    "all": s.REQUEST_ALL,
}
PARTNERS = ("N", "CI", "PD", "PC", "RI", "CD", "R", "RW", "RD", "PA", "SD")

RUNNING = """
     N    CI    PD    PC    RI    CD    R     RW    RD    PA    SD
N    .    .     PC    SD!   SD!   SD!   PD    .     .     CI    PD
CI   N    N     PC    PC    PC    PC    PD    N     N     .     PD
PD   PC   PC    PC    PC    PC    PC    .     .     N     .     .
PC   SD!  .     .     .     .     ask   R     .     .     .     PD
RI   PC   PC    PC    PC    PC    PC    PC    PC    PC    .     PD
CD   N    exit! exit! .     .     exit! exit! exit! exit! exit! SD
R    PC   all   all   PC    PC    PC    all   .     .     .     PD
RW   .    .     .     .     .     .     .     .     .     .     .
RD   N    .     .     .     .     .     .     .     N     .     PD
PA   .    .     .     .     .     .     .     .     .     .     .
SD   .    .     .     .     .     .     .     .     .     .     .
"""

STARTUP = """
     N    CI    PD    PC    RI    CD    R     RW    RD    PA    SD
N    N    N     R     SD!   SD!   SD!   PD    N     N     CI    PD
CI   N    N     PC    PC    PC    PC    PD    N     N     CI    PD
PD   PC   PC    PC    PC    PC    PC    PD    PD    N     PD    PD
PC   SD!  PC    PC    PC    PC    PC    R     PC    PC    PC    PD
RI   PC   PC    PC    PC    PC    PC    PC    PC    PC    RI    PD
R    PC   R     R     PC    PC    PC    R     R     R     R     PD
RW   RW   RW    RW    RW    RW    RW    RW    RW    RW    RW    RW
RD   N    RD    RD    RD    RD    RD    RD    RD    N     RD    PD
CD   N    exit! exit! CD    CD    exit! exit! exit! exit! exit! SD
"""


def cells(text):
    """(own, partner, cell) as they stand."""
    lines = text.strip().split("\n")
    for line in lines[1:]:
        words = line.split()
        for i in range(len(PARTNERS)):
            yield words[0], PARTNERS[i], words[i + 1]


def read(text):
    """{own: {partner: state or request}}."""
    table = {}
    for own, partner, cell in cells(text):
        table.setdefault(SHORT[own], {})[SHORT[partner]] = SHORT[own] if cell == "." else SHORT[cell]
    for own in table:
        for partner in (s.UNKNOWN, s.STARTUP):
            table[own][partner] = own
    for own in (s.PAUSED, s.SHUTDOWN):
        table.setdefault(own, dict.fromkeys(table[s.NORMAL], own))
    return table


ISC_RUNNING = read(RUNNING)
ISC_STARTUP = read(STARTUP)


def as_dict(table):
    """{own: {partner: cell}} of a table of states.py with a column for each state of the partner."""
    return {
        table[at]: {partner: s.cell(table, table[at], partner) for partner in s.HEARS}
        for at in range(0, len(table), s.WIDTH)
    }


def owns(table):
    """The states that have a row in the table."""
    return [table[at] for at in range(0, len(table), s.WIDTH)]
