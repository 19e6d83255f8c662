"""Ethernet on an RP2040 or RP2350 with a W5500: the image of W5500-EVB-Pico knows its pins.

    network w5500;

A transmission that fails takes the interface down for good, and a cable that is out looks the same: so
while there is no link the chip is started anew, with growing pauses.
"""

import network

from .nic import Nic


def up(words, told):
    """A W5500 that is switched on; one that would not start (error -5, seen now and then) is tried again later."""
    found = W5500("eth0", network.WIZNET5K(), told)
    try:
        found.start()
    except OSError:
        pass
    return found


class W5500(Nic):
    def start(self):
        self._nic.active(True)
        self.set_address()

    def again(self, say):
        self._nic.active(False)
        self.start()
