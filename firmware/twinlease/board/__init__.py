"""The board: everything that differs from one port to the next, behind one object.

`open(argv)` returns the Board of the port that runs.  What the rest of the
firmware may use of it:

    name            "unix", "esp32", "rp2"
    leases          the flash region of the journal: size, block_size, program_unit,
                    read, program, erase, sync, and counters (see nor.py)
    load_config()   text of dhcpd.conf or None     store_config(text)   old or new, never a mixture
    read_file(name) an included configuration file
    load_image()    octets of the configuration's image (conf/image.py) or None     store_image(pieces)
    release_files() unmount what load_config, read_file … have mounted
    interfaces      list of Interface: name, address, prefix, mac, index; connected(): False if its cable is out
    host_name       what board.conf calls it, or ""
    rtc()           project seconds from the board's own clock, or None; rtc.py sets it
    ticks_ms(), ticks_diff(a, b)
    random(n)       n random octets
    log             write(octets): one write to wherever the log goes
    serial          read(n) and write(octets), both to be awaited; or None
    stopped()       to be awaited: returns when somebody asks the board to stop
    reset(why)      restarts the board; does not return
    close()         closes what is open; the board can be switched off
    reset_cause     "power-on", "reset" (somebody wanted it), "soft reset", "watchdog" or "crash"
    refused         why no service is to start, or "": somebody held the button, or the board itself is not in order
    tick(light)     once a second, by the service that has got on by a second: feeds the watchdog, shows a light
    tasks()         coroutines that run beside the service: links, LED, log
    forget_person() of board.conf, keep how the board is wired only (where there is one)

The lights of the LED, of which the service shows the worst that is true:

    NORMAL      serves, and so does its failover partner, if it has one
    ALONE       serves, and a failover partner is not there, or not in NORMAL
    NO_TIME     serves, and nobody has told it the time
    FAULT       does not serve: no configuration, no link, safe mode; also while it starts

Not here: DHCP, sockets, the console's commands.  A port is a file of this folder, and of a port's files
a board loads those that it is wired for.

    unix, unix_start                    a process: virtual board, Raspberry Pi
    esp32, rp2                          what differs between the two; loaded at boot
    bringup, settings, hold, carve      at boot: board.conf, the button, flash without a partition
    hardware, flash, base               stay
    wifi, lan, w5500, nic, lamp         stay, as wired
    files                               configuration files, while one is wanted
    rtc                                 when time servers have told the time
    nor, littlefs, led                  flash in a file, and a file system in that; a LED that is a file
    linux                               systemd, and interfaces that come and go; CPython
    wipe, rest                          a factory reset; a watchdog while nothing serves
"""

import sys

from micropython import const

from .. import forget

NORMAL, ALONE, NO_TIME, FAULT = const(0), const(1), const(2), const(3)


def open(argv):
    """Return the Board that this firmware runs on; argv is that of main.py."""
    if sys.platform in ("linux", "darwin"):
        from . import unix_start

        board = unix_start.open_board(argv)
        forget("twinlease.board.unix_start")
        forget("twinlease.board.led")
        return board
    if sys.platform in ("esp32", "rp2"):
        from . import bringup

        board = bringup.open_board(sys.platform)
        forget("twinlease.board.bringup")
        return board
    raise OSError("no board file for the port " + sys.platform + ": see twinlease/board/")
