"""A network interface of a microcontroller: what drivers of all kinds share.

A driver is a file that offers `up(words, told)`: a Nic that is switched on and has its address, made from
the words of the statement `network` and what board.conf tells besides.  The rest of the firmware sees

    name, address, prefix, mac, index      as of any Interface (board/__init__.py)
    connected()                            is its link there
    up                                     was it, when `tend` last looked
    tend(say)                              once a second: notice, and do what may bring the link back

A link that is gone stops nothing: the address stays, sockets stay, and clients are served again when it returns.
"""

from micropython import const

_FIRST_S = const(10)  # joining takes some seconds: a new attempt would end the one before
_MOST_S = const(60)


class Nic:
    index = 0
    up = False

    def __init__(self, name, nic, told):
        from . import settings

        self.name = name
        self.address, self.prefix = settings.address(told["address"])
        self.mac = bytes(nic.config("mac"))
        self._nic = nic
        self._router = told["router"][0] if "router" in told else ""
        self._pause = _FIRST_S
        self._left = _FIRST_S

    def connected(self):
        return self._nic.isconnected()

    def tend(self, say):
        up = self.connected()
        if up != self.up:
            self.up = up
            say("%s: link %s" % (self.name, "up" if up else "down"))
            self._pause = self._left = _FIRST_S
            if up:
                self.settle()
            else:
                self.lost()
        if up:
            return
        self._left -= 1
        if self._left <= 0:
            self._pause = self._left = min(2 * self._pause, _MOST_S)
            try:
                self.again(say)
            except OSError as e:
                say("%s: cannot be started (errno %s), trying again in %d s" % (self.name, e.args[0], self._left))

    def settle(self):
        """The link is there: it may have been made anew, and asked a DHCP server for an address."""
        told = self._nic.ipconfig("addr4")
        if not told or told[0] != self._dotted():
            self.set_address()

    def lost(self):
        """The link has gone a second ago."""

    def again(self, say):
        """It has not come back: do something about it.  May raise OSError."""

    def set_address(self):
        """Also stops the port's DHCP client; on a Pico that takes a call of its own, and addr4 must come first."""
        nic = self._nic
        nic.ipconfig(dhcp4=False)
        address = "%s/%d" % (self._dotted(), self.prefix)
        if self._router:
            nic.ipconfig(addr4=address, gw4=self._router)
        else:
            nic.ipconfig(addr4=address)

    def _dotted(self):
        return "%d.%d.%d.%d" % tuple(self.address)
