"""What a lease row is: offsets, binding states, flags, kinds of item.  The layout itself is in ARCHITECTURE.md.

One row is 44 octets in one bytearray for all rows, big-endian.  Only files of
this room index it; everybody else asks the table.  The viper files repeat the
offsets they need as private constants, because a const of another module is a
dictionary lookup, and viper cannot make one cheaply.
"""

from micropython import const

ROW = const(44)
CELL = const(16)
CELL_DATA = const(14)  # the last two octets of a cell name the next one
NONE = const(0xFFFF)  # "no row", "no cell", "no position" in a 16-bit field

# Offsets that the files of this room share; the others are in the viper files.
AT_TSTP = const(12)
AT_TSFP = const(16)
AT_ID_LINK = const(24)
AT_HW_LINK = const(26)
AT_CELL = const(40)
AT_POSITION = const(42)

# Binding states, numbered as the failover protocol numbers them.
FREE = const(1)
ACTIVE = const(2)
EXPIRED = const(3)
RELEASED = const(4)
ABANDONED = const(5)
RESET = const(6)
BACKUP = const(7)

STATE_NAMES = ("", "free", "active", "expired", "released", "abandoned", "reset", "backup")

USED = const(1)  # was bound at least once
ID_IS_HW = const(2)  # the identifier is htype + hardware address, and not stored
ID_DIGEST = const(4)  # the identifier was over 32 octets; its SHA-256's first 16 are stored
BOOTP = const(8)
RESERVED = const(16)
ACKED = const(32)  # the partner is up to date
PROVISIONAL = const(64)  # times were given without a trusted clock
OFFERED = const(128)
PROBED = const(256)
QUIET = const(512)
STALE = const(1024)  # the full record in the journal no longer tells the client or its items
DUE = const(2048)  # an update is owed to the failover partner, and not sent
HELD = const(4096)  # was on the list of a board that was replaced: not given out until it is certainly free
SENT = const(8192)  # our update is on its way to the partner, not acknowledged
UNSAVED = const(16384)  # worth a record in the journal, but nobody waits for it

# What a power cut may take: an offer, a probe's result, what the journal knows of itself, and what is due to the
# partner, because every link begins with that.
LASTING = const(USED | ID_IS_HW | ID_DIGEST | BOOTP | RESERVED | ACKED | PROVISIONAL | HELD)

# Items in the cells.  1 and 2 identify the client, stand first and are never given up; the others are optional.
ITEM_HW_REST = const(1)
ITEM_ID = const(2)
ITEM_HOST_NAME = const(3)
ITEM_VENDOR_CLASS = const(4)
ITEM_AGENT_INFO = const(5)

ID_MAX = const(32)
DIGEST = const(16)
ITEM_MAX = const(63)
