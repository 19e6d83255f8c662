"""A witness for long runs: it judges what it hears as it goes, and keeps none of it."""

from __future__ import annotations

from collections.abc import Mapping

from .net import Host
from .packet import ACK, DECLINE, NAK, RELEASE, REQUEST
from .verdict import Rules, Verdict
from .witness import Event, Witness

LATE_S = 5.0
"""Two cables are read in turns: what was heard on one waits so long for what the other had heard before. On a machine
with more to do than it has cores one of them falls seconds behind."""
EACH = 1000
"""Events are judged by so many: to put them in order takes as long as they wait."""
ASKED_MOST = 50_000
"""REQUESTs that are remembered. An answer comes within thousands of them."""
_KINDS = frozenset((REQUEST, DECLINE, ACK, NAK, RELEASE))
_TYPE_AT = 240
_TYPE = b"\x35\x01"


class Judge(Witness):
    """Gives every event to `verdict`, in the order of time, a moment after it was heard; the rest when its context has closed."""

    def __init__(self, ports: Mapping[str, Host], rules: Rules) -> None:
        super().__init__(ports)
        self.verdict = Verdict(rules, self.separations)
        self._ended = 0
        self._new = 0

    def judge(self, until: float = float("inf")) -> list[str]:
        """Judge what was heard up to then, Unix seconds; all violations so far. For whoever hears, or when nobody does any more."""
        self._learn_ends()
        events = self.heard()
        self.events = [event for event in events if event.at > until]
        violations = self.verdict.judge([event for event in events if event.at <= until])
        asked = self.verdict.asked
        if len(asked) > ASKED_MOST:
            for key in list(asked)[: len(asked) // 2]:
                del asked[key]
        return violations

    def _learn_ends(self) -> None:
        """Of what was told while the servers were parted it is not known when both can know it, before they have met again."""
        spans = [span for span in self.separations if len(span) == 2]
        for _, end in spans[self._ended :]:
            for address in self.verdict.addresses.values():
                address.untold = [(min(since, end), expiry) for since, expiry in address.untold]
        self._ended = len(spans)

    def _wanted(self, payload: bytes) -> bool:
        """DISCOVER and OFFER bind nobody, and are half of all messages: where the type comes first they are passed over unread."""
        return payload[_TYPE_AT : _TYPE_AT + 2] != _TYPE or payload[_TYPE_AT + 2] in _KINDS

    def _keep(self, event: Event) -> None:
        super()._keep(event)
        self._new += 1
        if self._new >= EACH:
            self._new = 0
            self.judge(event.at - LATE_S)
