"""Whose lease a row is: identities, the two indexes over them, and the items that vary in length.

A client is its identifier (option 61), or hardware type and address if it
sends none.  Rows are chained by both; a row with an identifier is found by its
hardware too.  Methods that take a client take an Identity (identity.py).

Identifiers over 32 octets are kept as the first 16 octets of their SHA-256:
hashing allocates, once per such packet.  One that equals htype + hardware
address, as most are, takes no room at all.

Cells are shared by all rows, and who comes first is settled here:

* an optional item (host name …) is taken only if an eighth of all cells stays
  free; else it is refused and counted in `items_refused`;
* an identifier may take the last cell; when there is none, optional items of
  other rows are dropped (counted in `items_dropped`), up to 256 rows a call;
* only when that does not help either is the client refused.

Allocates nothing after __init__.
"""

import micropython

from ..octets import copy, equal, fill, get16, put16
from . import _cells, _rows
from .queues import Queues
from .row import (
    ACTIVE,
    AT_CELL,
    AT_HW_LINK,
    AT_ID_LINK,
    CELL,
    CELL_DATA,
    ID_DIGEST,
    ID_IS_HW,
    ITEM_HW_REST,
    ITEM_ID,
    ITEM_MAX,
    NONE,
    ROW,
    STALE,
)

_ROW = ROW
_NONE = NONE
_SWEEP = 256
# All items of one row, octets: rest of the hardware address, identifier, three optional ones.
_ITEMS_MAX = 252


class Clients(Queues):
    """cells_per_row  cells for items, 16 octets each, per row; shared by all"""

    def __init__(self, ranges, pools, cells_per_row=1):
        super().__init__(ranges, pools)
        n = int(self.rows * cells_per_row)
        n = min(n, _NONE - 1)
        self.cells = bytearray(max(n, 1) * CELL)
        self.n_cells = n
        self.free_cells = n
        self._free = 0 if n else _NONE
        _cells.link_all(self.cells, n)
        self._reserve = n // 8
        size = 16
        while size < self.rows:
            size *= 2
        self._mask = size - 1
        self._id_heads = bytearray(2 * size)
        self._hw_heads = bytearray(2 * size)
        self._items = bytearray(64 + _ITEMS_MAX + CELL_DATA)  # a row's items in one piece, while they change
        self._drop_at = 0
        self.items_refused = 0
        self.items_dropped = 0
        self._forget_all()

    def _forget_all(self):
        """No row has a client."""
        fill(self._id_heads, 0, len(self._id_heads), 0xFF)
        fill(self._hw_heads, 0, len(self._hw_heads), 0xFF)
        for row in range(self.rows):
            put16(self.buf, row * _ROW + AT_CELL, _NONE)
            put16(self.buf, row * _ROW + AT_ID_LINK, _NONE)
            put16(self.buf, row * _ROW + AT_HW_LINK, _NONE)

    # Who is it

    def first_by_id(self, who):
        """A row whose client has this identifier, −1 if none has."""
        if not who.octets[1]:
            return -1
        row = get16(self._id_heads, 2 * (who.id_hash & self._mask))
        return _cells.chain_id(self.buf, self.cells, row, who.octets, 0)

    def next_by_id(self, row, who):
        """The next one after `row`, which must have come from first_by_id or next_by_id and still be that client's."""
        return _cells.chain_id(self.buf, self.cells, get16(self.buf, row * _ROW + AT_ID_LINK), who.octets, 0)

    def first_by_hw(self, who):
        """A row whose client has this hardware address, with or without identifier; −1 if none has."""
        if not who.octets[35]:
            return -1
        row = get16(self._hw_heads, 2 * (who.hw_hash & self._mask))
        return _rows.chain_hw(self.buf, self.cells, row, who.octets, 0)

    def next_by_hw(self, row, who):
        return _rows.chain_hw(self.buf, self.cells, get16(self.buf, row * _ROW + AT_HW_LINK), who.octets, 0)

    def is_client(self, row, who):
        """Is this the row's client: the same identifier; or neither has one, and the hardware is the same."""
        octets = who.octets
        if octets[1]:
            return _cells.chain_id(self.buf, self.cells, row, octets, 1) == row
        return octets[35] > 0 and not self.has_id(row) and _rows.chain_hw(self.buf, self.cells, row, octets, 1) == row

    def has_id(self, row):
        if self.buf[row * _ROW + 2] & ID_IS_HW:
            return True
        return _cells.find(self.cells, get16(self.buf, row * _ROW + 40), ITEM_ID) >= 0

    # Make it somebody's

    def set_client(self, row, who):
        """The row is this client's.  True, or False (and nothing changed) if there is no cell left for the identifier.

        Another client, or another hardware address, than before drops all items.
        """
        if _rows.chain_hw(self.buf, self.cells, row, who.octets, 1) == row and self.is_client(row, who):
            return True
        flags = self._identity_items(who.octets)
        if not self._make_room(row, flags >> 4):
            return False
        self._unchain(row)
        self._put_hardware(row, who.octets, 34)
        self._store(row, flags >> 4)
        self._chain(row, flags & (ID_IS_HW | ID_DIGEST))
        return True

    def _identity_items(self, who):
        """Write the identity's items to _items.  Returns their length << 4 | ID_IS_HW, ID_DIGEST or 0."""
        items = self._items
        n = 0
        id_n, hlen = who[1], who[35]
        if hlen > 6:
            n = hlen - 4
            items[0] = ITEM_HW_REST
            items[1] = hlen - 6
            copy(items, 2, who, 42, hlen - 6)
        if id_n == 0:
            return n << 4
        if id_n == hlen + 1 and not who[0] and equal(who, 2, who, 34, 1) and equal(who, 3, who, 36, hlen):
            return n << 4 | ID_IS_HW
        items[n] = ITEM_ID
        copy(items, n + 1, who, 1, 1 + id_n)
        return (n + 2 + id_n) << 4 | who[0]

    def clear_client(self, row):
        """Forget the client and its items."""
        self._unchain(row)
        at = row * _ROW + 32
        fill(self.buf, at, 8, 0)
        self._store(row, 0)
        self.buf[row * _ROW + 2] &= 0xFF ^ (ID_IS_HW | ID_DIGEST)
        self.set_flags(row, STALE)

    def _put_hardware(self, row, src, at):
        """htype, hlen and the first six octets of the hardware address from src[at:]."""
        to = row * _ROW + 32
        fill(self.buf, to, 8, 0)
        copy(self.buf, to, src, at, 2 + min(src[at + 1], 6))

    def _chain(self, row, id_flags):
        """Enter the row, whose hardware and items are new, into both indexes; marks its full record as stale."""
        flags = self.flags(row)
        put16(self.buf, row * _ROW + 1, flags & ~(ID_IS_HW | ID_DIGEST) | id_flags | STALE)
        if self.buf[row * _ROW + 33]:
            slot = _rows.hash_hw(self.buf, self.cells, row) & self._mask
            _rows.chain_push(self.buf, self._hw_heads, slot, row, AT_HW_LINK)
        slot = self._id_slot(row)
        if slot >= 0:
            _rows.chain_push(self.buf, self._id_heads, slot, row, AT_ID_LINK)

    def _unchain(self, row):
        if self.buf[row * _ROW + 33]:
            slot = _rows.hash_hw(self.buf, self.cells, row) & self._mask
            _rows.chain_drop(self.buf, self._hw_heads, slot, row, AT_HW_LINK)
        slot = self._id_slot(row)
        if slot >= 0:
            _rows.chain_drop(self.buf, self._id_heads, slot, row, AT_ID_LINK)

    def _id_slot(self, row):
        if self.buf[row * _ROW + 2] & ID_IS_HW:
            return _rows.hash_hw(self.buf, self.cells, row) & self._mask
        at = _cells.find(self.cells, get16(self.buf, row * _ROW + 40), ITEM_ID)
        return _cells.hash_item(self.cells, at) & self._mask if at >= 0 else -1

    def bound(self, hash):
        """A row that is ACTIVE for the client with this `hash_of`, −1 if there is none."""
        row = get16(self._id_heads, 2 * (hash & self._mask))
        while row != _NONE:
            if self.buf[row * _ROW] & 15 == ACTIVE and self._hash_of_row(row) == hash:
                return row
            row = get16(self.buf, row * _ROW + AT_ID_LINK)
        row = get16(self._hw_heads, 2 * (hash & self._mask))
        while row != _NONE:
            if self.buf[row * _ROW] & 15 == ACTIVE and self._hash_of_row(row) == hash:
                return row
            row = get16(self.buf, row * _ROW + AT_HW_LINK)
        return -1

    def _hash_of_row(self, row):
        at = _cells.find(self.cells, get16(self.buf, row * _ROW + AT_CELL), ITEM_ID)
        return _cells.hash_item(self.cells, at) if at >= 0 else _rows.hash_hw(self.buf, self.cells, row)

    # What is known of it

    def get_hw(self, row, out, at):
        """Copy the hardware address to out[at:]; returns its length, 0 … 16."""
        n = self.buf[row * _ROW + 33]
        copy(out, at, self.buf, row * _ROW + 34, n if n < 6 else 6)
        if n > 6:
            _cells.copy_out(self.cells, get16(self.buf, row * _ROW + 40) * CELL + 1, out, at + 6)
        return n

    def htype(self, row):
        return self.buf[row * _ROW + 32]

    def get_id(self, row, out, at):
        """Copy the client identifier (its digest under ID_DIGEST) to out[at:]; returns its length, 0 for none."""
        if self.buf[row * _ROW + 2] & ID_IS_HW:
            out[at] = self.buf[row * _ROW + 32]
            return 1 + self.get_hw(row, out, at + 1)
        return self.get_item(row, ITEM_ID, out, at)

    def get_item(self, row, kind, out, at):
        """Copy an item to out[at:], at most 63 octets; returns its length, 0 if there is none."""
        place = _cells.find(self.cells, get16(self.buf, row * _ROW + 40), kind)
        return _cells.copy_out(self.cells, place, out, at) if place >= 0 else 0

    @micropython.native  # see ARCHITECTURE.md, Frames
    def item_is(self, row, kind, buf, at, n):
        """Is the item buf[at:at+n], as far as it would be stored (63 octets)?  n 0 asks whether there is none."""
        place = _cells.find(self.cells, get16(self.buf, row * _ROW + AT_CELL), kind)
        if place < 0:
            return n == 0
        return _cells.equal(self.cells, place, buf, at, n if n < ITEM_MAX else ITEM_MAX)

    @micropython.native
    def put_item(self, row, kind, buf, at, n):
        """Remember buf[at:at+n] as an optional item (host name …); n over 63 counts as 63, n 0 removes the item.

        False if it was refused because cells are short; a former value is gone
        then, because it is not true any more.
        """
        return self.item_is(row, kind, buf, at, n) or self._change_item(row, kind, buf, at, n)

    def _change_item(self, row, kind, buf, at, n):
        if n > ITEM_MAX:
            n = ITEM_MAX
        first = get16(self.buf, row * _ROW + AT_CELL)
        place = _cells.find(self.cells, first, kind)
        items = self._items
        end = _cells.load(self.cells, first, items, 0)
        if place >= 0:
            frm = _cells.item_at(items, 0, end, kind)
            size = 2 + items[frm + 1]
            copy(items, frm, items, frm + size, end - frm - size)
            end -= size
            self.set_flags(row, STALE)
        if n == 0:
            return self._store(row, end)
        items[end] = kind
        items[end + 1] = n
        copy(items, end + 2, buf, at, n)
        want = (end + 2 + n + CELL_DATA - 1) // CELL_DATA - _cells.count(self.cells, first)
        if end + 2 + n > _ITEMS_MAX or (want > 0 and want > self.free_cells - self._reserve):
            self.items_refused += 1
            self._store(row, end)
            return False
        self.set_flags(row, STALE)
        return self._store(row, end + 2 + n)

    # Cells

    def _make_room(self, row, n):
        """Are there cells for n octets of items of `row`, its present ones counted?  Drops others' optional items."""
        want = self._wanted(row, n)
        if want <= self.free_cells:
            return True
        for _ in range(min(_SWEEP, self.rows)):
            at = self._drop_at
            self._drop_at = at + 1 if at + 1 < self.rows else 0
            if at != row and get16(self.buf, at * _ROW + 40) != _NONE:
                self._drop_optional(at)
                if want <= self.free_cells:
                    return True
        return False

    def _wanted(self, row, n):
        """How many cells more than now the row needs for n octets of items."""
        return (n + CELL_DATA - 1) // CELL_DATA - _cells.count(self.cells, get16(self.buf, row * _ROW + 40))

    def _drop_optional(self, row):
        """Keep only the items that identify the row's client.  Its full record may know more; no harm."""
        # Behind what _identity_items has prepared in the first 64 octets.
        items = self._items
        n = _cells.load(self.cells, get16(self.buf, row * _ROW + 40), items, 64)
        end = 64
        while end < 64 + n and items[end] <= ITEM_ID:
            end += 2 + items[end + 1]
        if end < 64 + n:
            self.items_dropped += 1
            self._store_from(row, 64, end - 64)

    def _store(self, row, n):
        """Replace the row's items by the first n octets of _items; the cells must be there.  Returns True."""
        return self._store_from(row, 0, n)

    def _store_from(self, row, frm, n):
        cells = self.cells
        first = get16(self.buf, row * _ROW + 40)
        if first != _NONE:
            self.free_cells += _cells.count(cells, first)
            _cells.join(cells, first, self._free)
            self._free = first
        first = _NONE
        if n:
            want = (n + CELL_DATA - 1) // CELL_DATA
            first = self._free
            self._free = _cells.cut(cells, first, want)
            self.free_cells -= want
            _cells.store(cells, first, self._items, frm, n)
        put16(self.buf, row * _ROW + 40, first)
        return True
