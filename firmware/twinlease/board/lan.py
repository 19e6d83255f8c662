"""Ethernet on an ESP32: its own MAC with a PHY on RMII, or a W5500 on SPI.

    network lan8720 mdc 23 mdio 18 phy 0 power 12 clock-out 17;      the ESP32 makes the clock
    network lan8720 mdc 23 mdio 18 phy 1 power 16 clock-in 0;        an oscillator, or the PHY, does
    network w5500 sck 12 mosi 11 miso 13 cs 10 int 14 reset 9;

Other PHYs by their names: lan8710 ip101 rtl8201 dp83848 ksz8041 ksz8081 generic.  IDF watches the cable by itself.
Only the first ESP32 has the MAC; the others take SPI.
"""

import time

import machine
import network

from . import settings
from .nic import Nic

_PHYS = {
    "lan8710": "PHY_LAN8710",
    "lan8720": "PHY_LAN8720",
    "ip101": "PHY_IP101",
    "rtl8201": "PHY_RTL8201",
    "dp83848": "PHY_DP83848",
    "ksz8041": "PHY_KSZ8041",
    "ksz8081": "PHY_KSZ8081",
    "generic": "PHY_GENERIC",
}


def up(words, told):
    """A Lan that is switched on."""
    lan = _w5500(settings.pairs(words[1:])) if words[0] == "w5500" else _rmii(words[0], settings.pairs(words[1:]))
    lan.active(True)
    found = Lan("eth0", lan, told)
    found.set_address()
    return found


class Lan(Nic):
    def connected(self):
        """Link, whether or not the address has settled."""
        return self._nic.status() in (network.ETH_CONNECTED, network.ETH_GOT_IP)


def _rmii(phy, pins):
    if phy not in _PHYS:
        raise ValueError("network %s: known are wifi, w5500, %s" % (phy, ", ".join(sorted(_PHYS))))
    _need(pins, ("mdc", "mdio"))
    Pin = machine.Pin
    told = {"phy_type": getattr(network, _PHYS[phy]), "phy_addr": pins.get("phy", 0)}
    for name in ("mdc", "mdio", "power", "reset"):
        if name in pins:
            told[name] = Pin(pins[name])
    for name, mode in (("clock-out", Pin.OUT), ("clock-in", Pin.IN)):
        if name in pins:
            told["ref_clk"] = Pin(pins[name])
            told["ref_clk_mode"] = mode
    return network.LAN(**told)


def _w5500(pins):
    _need(pins, ("sck", "mosi", "miso", "cs", "int"))
    Pin = machine.Pin
    if "reset" in pins:
        reset = Pin(pins["reset"], Pin.OUT)
        reset.value(0)
        time.sleep_ms(1)  # 500 us at least (data sheet of the W5500, section 5.5.1)
        reset.value(1)
        time.sleep_ms(60)  # until its PLL has locked
    spi = machine.SPI(pins.get("spi", 1), sck=Pin(pins["sck"]), mosi=Pin(pins["mosi"]), miso=Pin(pins["miso"]))
    cs, interrupt = Pin(pins["cs"]), Pin(pins["int"])
    return network.LAN(spi=spi, cs=cs, int=interrupt, phy_type=network.PHY_W5500, phy_addr=0)


def _need(pins, names):
    for name in names:
        if name not in pins:
            raise ValueError("network: the number of the pin %s is missing" % name)
