"""Small worlds, explored whole: two servers, one address, two clients, and every order in which things can happen.

make explore [DEPTH=n]      as deep as n faults and n acts of clients; the test of CI is shallower

board.py   one of our servers: a real Peer over a real lease table and what is in its flash
world.py   what can happen in a small world, and what must hold in each
search.py  breadth first over all worlds; which of them lead back to NORMAL
"""

import sys

_HERE = __file__.rsplit("/", 1)[0]
for _room in ("/../../unit", "/../../lab", "/../../../firmware"):
    if _HERE + _room not in sys.path:
        sys.path.append(_HERE + _room)

import twinlease  # noqa: E402, F401  its stand-in for the `micropython` module comes first
