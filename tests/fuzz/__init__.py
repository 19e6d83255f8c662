"""Mutated packets, configurations, flash images, console input, failover partners: errors, never tracebacks, hangs or growth.

make fuzz                                 everything, at least 250,000 inputs
make fuzz INPUTS=1000000                  the same parts for longer
make fuzz-guided SECONDS=120              guided by coverage, where atheris can be had
.venv/bin/python -m tests.fuzz --seed 7   the same run again

datagrams.py   writes DHCP datagrams, from ordinary to garbage     } these six run on
networks.py    the configurations that they are sent to            } MicroPython too
judge.py       reads replies on its own, and knows what may not be }
exchange.py    a node, its journal and its log, one datagram after another }
streams.py     what a failover partner may say: recorded, made up, spoilt, sealed }
siege.py       a pair of servers, strangers who speak to one of them, the partner's return }
strangers.py   sieges as tasks, their growth, what tshark makes of our answers
loopback.py    strangers by TCP, through the driver of failover
beats.py       spoilt beats
texts.py       spoilt configurations
images.py      spoilt flash
keyboard.py    garbage at the console
clocks.py      time servers that lie
targets.py     one input each, for fuzzing that is guided by coverage
guided.py      that fuzzing, and its corpus
watch.py       hangs, growth, progress
run.py         shares the work between two processes
"""

import sys

_HERE = __file__.rsplit("/", 1)[0]
for _room in ("/../unit", "/../lab", "/../../firmware", "/.."):
    if _HERE + _room not in sys.path:
        sys.path.append(_HERE + _room)

import twinlease  # noqa: E402, F401  its stand-in for the `micropython` module comes first
