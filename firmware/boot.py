# Runs before main.py at every start.
# A Pico's watchdog outlives a soft reset: while mpremote is at work, a timer feeds it.
import sys

if sys.platform == "rp2":
    from twinlease.board import rest

    if rest.is_running():
        rest.begin("rp2")
