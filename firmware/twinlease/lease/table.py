"""The lease table: every dynamic address of the configuration, allocated once, about 64 octets each.

    table = Table(config.ranges, config.pools)
    row = table.row_of(packet, at)          # or first_by_id, first_by_hw, first(pool, FREE)
    table.set_client(row, …); table.set_times(row, ends, cltt); table.set_state(row, ACTIVE)

ARCHITECTURE.md lists what the table offers.  It is built in layers, a file
each: rows.py (addresses, fields), queues.py (which row comes next),
clients.py (whose it is).  What recovery does to whole rows is in restore.py.

Not here: what a DHCP message makes of a lease (dhcp/), flash (journal.py).
"""

from ..octets import get16
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
