"""What a record in flash tells of a lease row, to compare what was written with what is found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from twinlease.lease.row import ABANDONED, LASTING, ROW, STATE_NAMES

_id, _hw = bytearray(256), bytearray(20)


@dataclass(frozen=True)
class Photo:
    state: int
    rewind: int
    flags: int
    ends: int
    cltt: int
    tstp: int
    tsfp: int
    identifier: bytes
    hardware: bytes

    def is_one_of(self, may_be: list[Photo]) -> bool:
        """Is it one of them?  An abandoned row waits longer in RAM, and compaction may have written any such end."""
        if self.state != ABANDONED:
            return self in may_be
        return any(self == replace(photo, ends=self.ends) for photo in may_be)

    def __str__(self) -> str:
        name = STATE_NAMES[self.state] if self.state < len(STATE_NAMES) else str(self.state)
        return "%s of %s until %d, cltt %d, tstp %d, tsfp %d, rewind %d, flags %d" % (
            name,
            (self.identifier or self.hardware).hex(":"),
            self.ends,
            self.cltt,
            self.tstp,
            self.tsfp,
            self.rewind,
            self.flags,
        )


def photo(table: Any, row: int) -> Photo:
    n, m = table.get_id(row, _id, 0), table.get_hw(row, _hw, 0)
    return Photo(
        table.state(row),
        table.rewind(row),
        table.flags(row) & LASTING,
        table.ends(row),
        table.cltt(row),
        table.tstp(row),
        table.tsfp(row),
        bytes(_id[:n]),
        bytes(table.buf[row * ROW + 32 : row * ROW + 33]) + bytes(_hw[:m]),
    )
