"""WiFi as a station, on an ESP32 and on a Pico W.

    network wifi;  wifi "ssid" "key";  country DE;

Power saving is off: asleep between beacons a chip answers some 100 ms late, and misses broadcasts.  An ESP32 would join
again by itself, at once and for ever; a Pico never.  Here both do it by our hand, with growing pauses.
"""

import network

from .nic import Nic

_REASONS = {  # of both ports: their numbers do not meet
    -1: "no answer",
    -2: "no such network",
    -3: "wrong key",
    200: "no beacon any more",
    201: "no such network",
    202: "wrong key",
    203: "refused",
    204: "wrong key, or a weak signal",
    210: "no such network with this kind of key",
}


def up(words, told):
    """A Wifi that has begun to join."""
    if "wifi" not in told:
        raise ValueError('network wifi: its name is missing; add: wifi "name" "key";')
    if "country" in told:
        network.country(told["country"][0])
    wlan = network.WLAN(network.WLAN.IF_STA)
    wlan.active(True)
    wlan.config(pm=network.WLAN.PM_NONE)
    try:
        wlan.config(reconnects=0)
    except ValueError:
        pass  # a Pico knows no such thing, nor does it join again by itself
    wifi = Wifi("wlan0", wlan, told)
    wifi.set_address()
    wifi.join()
    return wifi


class Wifi(Nic):
    def __init__(self, name, nic, told):
        super().__init__(name, nic, told)
        self._wifi = told["wifi"]
        self._reason = 0

    def join(self):
        self._nic.connect(*self._wifi)

    def lost(self):
        """At once: an access point that was there a second ago most likely is again."""
        self._left = 0

    def again(self, say):
        reason = self._nic.status()
        if reason != self._reason:
            self._reason = reason
            if reason in _REASONS:
                say("%s: %s: %s" % (self.name, self._wifi[0], _REASONS[reason]))
        try:
            self._nic.disconnect()  # an ESP32 refuses to join while it does
        except OSError:
            pass
        self.join()
