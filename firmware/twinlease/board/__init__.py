"""The board: everything that differs from one port to the next, behind one object.

`open(argv)` returns the Board of the port that runs.  What the rest of the
firmware may use of it:

    name            "unix", later "esp32", "rp2"
    leases          the flash region of the journal: size, block_size, program_unit,
                    read, program, erase, sync, and counters (see nor.py)
    load_config()   text of dhcpd.conf or None     store_config(text)   old or new, never a mixture
    read_file(name) an included configuration file
    load_image()    octets of the configuration's image (conf/image.py) or None     store_image(pieces)
    release_files() unmount what load_config, read_file … have mounted
    interfaces      list of Interface: name, address, prefix, mac, index; connected(): False if its cable is out
    rtc()           project seconds from the board's own clock, or None
    ticks_ms(), ticks_diff(a, b)
    random(n)       n random octets
    log             write(octets): one write to wherever the log goes
    serial          read(n) and write(octets), both to be awaited; or None
    stopped()       to be awaited: returns when somebody asks the board to stop
    reset(why)      restarts the board; does not return
    close()         closes what is open; the board can be switched off
    reset_cause     "power-on", "reset" or "crash"

Not here: DHCP, sockets, the console's commands.  A port is a file of this folder.
"""

import sys

from .. import forget


def open(argv):
    """Return the Board that this firmware runs on; argv is that of main.py."""
    if sys.platform in ("linux", "darwin"):
        from . import unix_start

        board = unix_start.open_board(argv)
        forget("twinlease.board.unix_start")
        return board
    raise OSError("no board file for the port " + sys.platform + ": see twinlease/board/")
