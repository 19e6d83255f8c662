"""Two servers' transcripts side by side: equal, different on purpose, or different."""

from __future__ import annotations

import re

from .play import Line

NAK_TEXT = "a NAK's flags are the client's (RFC 2131 table 3) and its text (option 56) is left out: nobody shows it"


def core(answer: str) -> str:
    """A NAK without the broadcast bit that dhcpd adds, and without its text for people."""
    if answer.startswith("NAK"):
        answer = re.sub(r" ?56=[0-9a-f]*", "", re.sub(r"flags=0x[0-9a-f]+", "flags=-", answer))
    return answer


def unordered(answer: str) -> tuple[str, tuple[str, ...]]:
    """An answer whose options may come in any order."""
    head, _, options = answer.partition("[")
    return head, tuple(sorted(options.rstrip("]").split()))


def compare(
    ours: list[Line], theirs: list[Line], deliberate: dict[str, str], any_order: frozenset[str] = frozenset()
) -> list[str]:
    """Print every difference with both answers and the reason; return the steps whose difference has no reason.

    `deliberate` says why, by step ("*" for all steps); in the steps of `any_order` the order of options is the server's affair.
    """
    unexplained = []
    for our, their in zip(ours, theirs, strict=True):
        if our.answer == their.answer:
            continue
        why = deliberate.get(our.step) or deliberate.get("*")
        if why is None and core(our.answer) == core(their.answer):
            why = NAK_TEXT
        if why is None and a_second_apart(our.answer, their.answer):
            why = "a lease that is repeated counts down, and one run took a second longer"
        if why is None and our.step in any_order and unordered(our.answer) == unordered(their.answer):
            why = "without a list from the client the order is the server's: ours is by number, dhcpd's by hash"
        print(f"{our.step}\n  Twinlease: {our.answer}\n  dhcpd:     {their.answer}\n  why: {why or 'NOT KNOWN'}")
        if why is None:
            unexplained.append(our.step)
    return unexplained


_LEASE_TIME = re.compile(r"51=([0-9a-f]{8})")


def a_second_apart(one: str, other: str) -> bool:
    """Whether two answers differ in the lease time only (option 51), and that by a second."""
    times = [int(found[1], 16) if (found := _LEASE_TIME.search(text)) else -9 for text in (one, other)]
    return abs(times[0] - times[1]) == 1 and _LEASE_TIME.sub("", one) == _LEASE_TIME.sub("", other)
