"""From a microcontroller that has just been switched on to its Board: what is needed once, and dropped.

Nothing that is wrong here keeps a person out: a board that cannot serve waits at its console and says why.
The watchdog starts with the service, since formatting a file system may take longer than it waits.
"""

import gc
import os
import sys
import time

import machine

from .. import forget
from . import files, hardware, hold, settings

_RUNNING = 2


def open_board(platform):
    """The Board of this port."""
    port = _port(platform)
    told, wrong = _settings()
    board = hardware.Board(platform, cause(), _watchdog_ms(told, port))
    hardware.mark(_RUNNING)
    board.told = told
    board.refused = wrong
    if "led" in told:
        from . import lamp

        board.lamp = lamp.wired(told["led"])
    wish = _button(board) if board.reset_cause == "power-on" else ""
    _folder()
    _try(board, lambda: _leases(board, port))
    if wish == hold.FACTORY:
        from . import wipe

        wipe.wipe(board)
        told = board.told
        forget("twinlease.board.wipe")
    if "address" in told:
        _try(board, lambda: _network(board, port))
    elif not board.refused:
        board.say("This board has no address yet: set it up at its console")
    for module in (platform, "hold", "settings", "carve"):
        forget("twinlease.board." + module)
    board.release_files()
    gc.collect()
    return board


def cause():
    """Why the board starts.  A Pico's own word for a reset that was asked for is a watchdog's, hence the mark."""
    told = machine.reset_cause()
    mark = 0
    if hasattr(machine, "mem_backup"):
        memory = machine.mem_backup()
        if memory[0] == 84 and memory[1] == 76:
            mark = memory[2]
    if told == machine.PWRON_RESET:
        return "power-on"
    if told == getattr(machine, "SOFT_RESET", -1):
        return "soft reset"
    if mark != _RUNNING:
        return "reset"
    return "watchdog" if told == machine.WDT_RESET else "crash"


def _port(platform):
    if platform == "esp32":
        from . import esp32 as port
    else:
        from . import rp2 as port
    return port


def _settings():
    """What board.conf tells, and what is wrong with it."""
    octets = files.Store("").load(settings.FILE)
    if octets is None:
        return settings.usual(sys.implementation._machine), ""
    try:
        told = settings.parse(octets.decode())
        if "network" not in told:
            raise ValueError("a statement is missing: network")
        return told, ""
    except ValueError as e:
        return settings.usual(sys.implementation._machine), "%s: %s" % (settings.FILE, e.args[0])


def _watchdog_ms(told, port):
    word = told["watchdog"][0] if "watchdog" in told else ""
    if word == "off":
        return 0
    return min(int(word) * 1000, port.WATCHDOG_MS) if word.isdigit() else port.WATCHDOG_MS


def _button(board):
    """What somebody wants who holds the button."""
    if "button" not in board.told:
        return ""
    ms = hold.held(board.told["button"], time.sleep_ms, board.lamp)
    wish = hold.wish(ms)
    if wish == hold.SAFE:
        board.refused = "the button was held while the power came on"
    elif ms and not wish:
        board.say("The button was held for %d ms at power-on: too short for a wish, or it is stuck" % ms)
    return wish


def _folder():
    try:
        os.mkdir("/conf")
    except OSError:
        pass  # it is there


def _leases(board, port):
    board.leases = port.leases(board.told, board.say)


def _network(board, port):
    import network

    told = board.told
    if "host-name" in told:
        board.host_name = settings.host_name(told["host-name"])
        network.hostname(board.host_name)  # before an interface is switched on
    board.interfaces.append(port.driver(told["network"][0]).up(told["network"], told))


def _try(board, what):
    """A board that is not in order waits at its console."""
    try:
        what()
    except (OSError, ValueError, KeyError, MemoryError) as e:
        board.refused = board.refused or "%s" % (e.args[-1] if e.args else e)
