"""The lease table: every dynamic address of the configuration, allocated once, about 64 octets each.

    table = Table(config.ranges, config.pools)
    row = table.row_of(packet, at)          # or first_by_id, first_by_hw, first(pool, FREE)
    table.set_client(row, …); table.set_times(row, ends, cltt); table.set_state(row, ACTIVE)

ARCHITECTURE.md lists what the table offers.  It is built in layers, a file
each: rows.py (addresses, fields), queues.py (which row comes next),
clients.py (whose it is).  Here: what recovery does to whole rows.

Not here: what a DHCP message makes of a lease (dhcp/), flash (journal.py).
"""

from ..octets import copy, get16
from . import _cells
from .clients import Clients
from .row import (  # noqa: F401  the rooms above take the names from here
    ABANDONED,
    ACKED,
    ACTIVE,
    BACKUP,
    BOOTP,
    CELL_DATA,
    DUE,
    EXPIRED,
    FREE,
    HELD,
    ID_DIGEST,
    ID_IS_HW,
    ITEM_AGENT_INFO,
    ITEM_HOST_NAME,
    ITEM_ID,
    ITEM_VENDOR_CLASS,
    LASTING,
    NONE,
    OFFERED,
    PROBED,
    PROVISIONAL,
    QUIET,
    RELEASED,
    RESERVED,
    RESET,
    ROW,
    SENT,
    STALE,
    STATE_NAMES,
    UNSAVED,
    USED,
)

_ROW = ROW
BOOTP_LEASE = BOOTP  # for files that call the message kind BOOTP


class Table(Clients):
    """ranges, pools   conf.model's Range and Pool objects (ranges ascending)
    cells_per_row   16-octet cells for identifiers, host names …, per row, shared by all; may be a fraction
    """

    @property
    def octets(self):
        """Heap octets of everything that grows with the number of rows, and of what is fixed, together."""
        return (
            len(self.buf)
            + len(self.cells)
            + len(self._id_heads)
            + len(self._hw_heads)
            + len(self._queues)
            + len(self._counts)
            + len(self._ranges)
            + len(self._items)
        )

    @property
    def items_bound(self):
        """How many octets the items of all rows together can have."""
        return self.n_cells * CELL_DATA

    def items(self, row, out, at):
        """Copy a row's items (kind, length, octets) to out[at:], which has room for 256 octets; returns how many."""
        return _cells.load(self.cells, get16(self.buf, row * _ROW + 40), out, at)

    # Recovery.  The queues are out of date from the first restore to finish_recovery.

    def restore_client(self, row, id_flags, buf, hw_at, n):
        """Take the client from a full record: buf[hw_at:] htype, hlen, up to six octets; then n octets of items.

        Optional items are left out if they find no room.  False if the identifier
        finds none: the row then keeps its hardware address.
        """
        self._unchain(row)
        hlen = buf[hw_at + 1]
        items_at = hw_at + 2 + (hlen if hlen < 6 else 6)
        identity = _cells.identity_length(buf, items_at, n)
        fits = n <= 252 and self._make_room(row, identity)
        if not fits:
            n = 0
            id_flags = 0
            hlen = min(hlen, 6)
        elif self._wanted(row, n) > self.free_cells:
            n = identity
        copy(self._items, 0, buf, items_at, n)
        self._put_hardware(row, buf, hw_at)
        self.buf[row * _ROW + 33] = hlen
        self._store(row, n)
        self._chain(row, id_flags & (ID_IS_HW | ID_DIGEST))
        self.clear_flags(row, STALE)
        return fits

    def finish_recovery(self):
        """Rebuild all queues: never-used rows first, in order of address, then by `ends`, oldest first.

        A row that is ACTIVE with no client is all that is left of a lease whose
        full record was damaged.  Somebody holds that address; nobody knows who.
        So it is ABANDONED until the lease would have ended.  Returns how many.
        """
        orphans = 0
        for row in range(self.rows):
            r = row * _ROW
            if self.buf[r] & 15 == ACTIVE and not self.buf[r + 33] and not self.has_id(row):
                self.buf[r] = ABANDONED
                orphans += 1
        self._rebuild()
        self._sort()
        return orphans
