"""Reads the log of a failover server for complaints.

Some lines look like trouble and are none (failover reference, sections 5.5, 5.8 and 10 item 20):

- until both are in NORMAL for the first time, each pushes all addresses at the other, and one of the two copies of each is
  rejected as less critical;
- the same for an address of which both servers heard the same news: both acknowledged it to a rebinding client, or both heard
  its client decline it;
- dhcpd sends a newer update for an address without waiting for the acknowledgement of the older one, and says `xid mismatch`
  when that comes: for an address that changed twice in short time;
- a dhcpd that comes back after a lease has ended reports the end, though its partner has prolonged the lease meanwhile (section
  10, item 4); the partner must refuse that: for an address that was acknowledged while the two were parted;
- both servers dial: of two connections at a time, one is refused as one too many;
- what a fault explains, from when it is made until both are in NORMAL again.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

COMPLAINT = re.compile(
    r"reject|invalid|unexpected|mismatch|conflict|disconnect|timeout|timed out|protocol error|malformed|Traceback|"
    r"MemoryError|Error\b|vboard: (?:reset|crash)|transition|could not|cannot|unable|fatal|imbalanced",
    re.IGNORECASE,
)
LOST_LINK = re.compile(
    r"^peer \S+: disconnected$|^timeout waiting for failover peer|^failover: link startup timeout|^Failover CONNECT (?:to|from) \S+ rejected"
)
"""What a server says of a partner that is cut off, hangs or has no power."""

_DUEL = re.compile(r"^bind update on (\S+) .*rejected: incoming update is less critical than outgoing update")
_OVERTAKEN = re.compile(r"^bind update on (\S+) got ack from \S+: xid mismatch")
_STALE_END = re.compile(r"^bind update on (\S+) from \S+ rejected: .*state transition")
_FIRST_NORMAL = re.compile(rb"^failover peer \S+: I move from \S+ to normal", re.MULTILINE)
_HARMLESS = re.compile(
    r"^failover peer \S+: (?:I move|peer moves) from \S+ to \S+$|^(?:Config|Database|PID) file: |"
    r"^vboard: power on|^\S+ in flash replaced by |already connected$|duplicate connection"
)


@dataclass(frozen=True)
class Explained:
    """What is known from outside about a run."""

    heard_by_both: Collection[str] = ()
    """Addresses that both servers have acknowledged, or heard declined."""
    acknowledged_apart: Collection[str] = ()
    """Addresses that were acknowledged while the servers could not speak with each other."""
    changed_twice: Collection[str] = ()
    """Addresses that were acknowledged or released twice in short time."""
    troubles: Sequence[Sequence[int]] = field(default_factory=list)
    """Between which positions of the log a fault was being made, lasted, or was being mended."""
    expected: Sequence[str] = ()
    """Patterns of lines that the test is about."""


def complaints(log: bytes, known: Explained) -> list[str]:
    """The lines that nothing explains."""
    started = _FIRST_NORMAL.search(log)
    first_normal = started.start() if started else 0
    found = []
    end = 0
    for line in log.splitlines(keepends=True):
        at, end = end, end + len(line)
        text = line.decode(errors="replace").rstrip("\n")
        if not COMPLAINT.search(text) or _HARMLESS.search(text):
            continue
        if any(re.search(pattern, text) for pattern in known.expected):
            continue
        duel, overtaken, stale = (pattern.match(text) for pattern in (_DUEL, _OVERTAKEN, _STALE_END))
        if duel and (at < first_normal or duel.group(1) in known.heard_by_both):
            continue
        if overtaken and overtaken.group(1) in known.changed_twice:
            continue
        if stale and stale.group(1) in known.acknowledged_apart:
            continue
        if LOST_LINK.match(text) and any(begin <= at < over for begin, over in known.troubles):
            continue
        found.append(text)
    return found
