"""Makes the unix board from its settings: the part of it that is dropped once the board runs.

The settings are a JSON file named by `--settings FILE` (a board of hardware has
them in its flash):

    dir          folder that holds the board: flash.bin (and files/ under CPython)
    interfaces   [{"name": "eth0", "address": "10.77.0.2/16"}]; without it CPython asks `ip`
    host_name    what its log and its console call it
    install      {"dhcpd.conf": "/path"}: configuration files to take over at power-on when they differ
    conf         a folder for configuration files, where the flash is mounted already ("/conf")
    button_fd    descriptor of a pipe: an octet or the end of it asks for a stop
    rtc          seconds by which its clock is ahead of the host's, or false for a board without a clock
    reset_cause  why it starts: "power-on", "reset", "watchdog", "crash"
    held_ms      for how long somebody holds the button at power-on
    watchdog_fd  descriptor of a pipe: the service writes an octet a second to it, while it gets on
"""

import errno
import json
import os
import sys

from .. import forget
from . import FAULT, led
from .unix import Board


def open_board(argv):
    """The Board that the command line's settings describe."""
    told = settings(argv)
    if "conf" in told and told["conf"][1:] not in os.listdir("/"):
        os.mkdir(told["conf"])
    on_linux = sys.implementation.name != "micropython"
    if on_linux:
        from . import linux

        told["notifier"] = linux.notifier()
    board = Board(told)
    led.show(told["dir"], FAULT)
    if told.get("held_ms") and board.reset_cause == "power-on":
        _hold(board, told["held_ms"])
    for name, path in told.get("install", {}).items() if board.reset_cause == "power-on" else ():
        if board.files().install(name, path):
            board.say("%s in flash replaced by %s" % (name, path))
    found = told.get("interfaces")
    if found is None and on_linux:
        found = linux.interfaces(board.say)
    board.interfaces = [Interface(i["name"], i["address"]) for i in found if i["address"]]
    return board


def _hold(board, ms):
    """What a board of hardware does about its button (bringup.py)."""
    from . import hold

    wish = hold.wish(ms)
    if wish == hold.SAFE:
        board.refused = "the button was held while the power came on"
    if wish == hold.FACTORY:
        from .wipe import wipe

        wipe(board)
    forget("twinlease.board.hold")
    forget("twinlease.board.wipe")


def settings(argv):
    """Read the settings file that the command line names."""
    if "--settings" not in argv:
        raise OSError("no settings: run main.py --settings FILE")
    with open(argv[argv.index("--settings") + 1]) as f:
        return json.loads(f.read())


class Interface:
    """A network interface: name, address (4 octets), prefix (bits), mac (octets), index (of the kernel)."""

    def __init__(self, name, address):
        address, _, prefix = address.partition("/")
        self.name = name
        self.address = bytes([int(part) for part in address.split(".")])
        self.prefix = int(prefix)
        self.mac = bytes([int(part, 16) for part in _sys(name, "address").split(":")])
        self.index = int(_sys(name, "ifindex"))

    def connected(self):
        """Is its cable in?  True too where nobody can tell."""
        try:
            return _sys(self.name, "carrier") != "0"
        except OSError as e:
            return e.errno != errno.EINVAL  # which it says of an interface that is down


def _sys(name, what):
    with open("/sys/class/net/" + name + "/" + what) as f:
        return f.read().strip()
