"""Draws docs/failover-states.md from the tables of the failover state machine: python -m tests.lab.failover_diagram."""

from __future__ import annotations

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "failover-states.md"

HEAD = """# The failover state machine

Drawn from the tables in `firmware/twinlease/failover/states.py` by `python -m tests.lab.failover_diagram`; a test fails if this page is older than they
are. Each cell that is not ISC dhcpd's is explained there, and in docs/CONFORMANCE.md.

Abbreviations: N normal, CI communications-interrupted, PD partner-down, PC potential-conflict, RI resolution-interrupted, CD conflict-done, R recover,
RW recover-wait, RD recover-done, PA paused, SD shutdown, U unknown. "hears X" is a STATE of the partner.
"""

EVENTS = (
    ("link lost", "ON_LINK_LOST"),
    ("wait over", "ON_WAIT_OVER"),
    ("auto-partner-down", "ON_AUTO_PARTNER_DOWN"),
    ("operator pause", "ON_SAYS_PAUSE"),
    ("operator shutdown", "ON_SAYS_SHUTDOWN"),
    ("operator resume", "ON_SAYS_RESUME"),
)


def draw() -> str:
    """The page's text."""
    from twinlease.failover import states as s
    from twinlease.failover import words

    short = {
        s.UNKNOWN: "U", s.STARTUP: "ST", s.NORMAL: "N", s.COMMUNICATIONS_INTERRUPTED: "CI", s.PARTNER_DOWN: "PD", s.POTENTIAL_CONFLICT: "PC",
        s.RECOVER: "R", s.PAUSED: "PA", s.SHUTDOWN: "SD", s.RECOVER_DONE: "RD", s.RESOLUTION_INTERRUPTED: "RI", s.CONFLICT_DONE: "CD",
        s.RECOVER_WAIT: "RW",
    }  # fmt: skip
    running = [state for state in s.STATES if state != s.STARTUP]
    lines = [HEAD, "## While we run", "", "```mermaid", "stateDiagram-v2"]
    for state in running:
        lines.append(f'    state "{words.NAMES[state]}" as {short[state]}')
    for edge, labels in _edges(s, short, running).items():
        lines.append(f"    {edge[0]} --> {edge[1]} : {' / '.join(labels)}")
    lines += ["```", "", "The operator's partner-down leads from every state to PD.", ""]
    lines += [
        "### Every pair",
        "",
        "A word is what we do and stay: *say* our state again, *ask* with UPDREQ, *all* with UPDREQALL; a dot is nothing.",
        "PD does not react to a partner that is starting. RD that hears R as the first word of a link becomes R.",
        "",
    ]
    lines += _table(s, short, s.ON_HEARD, "own state")
    lines += ["", "## STARTUP", "", "By the state from before the restart: where the partner's first STATE leads. Without one, after 15 s or a lost link, N becomes CI,", "PC becomes RI, and every other state is resumed.", ""]  # fmt: skip
    lines += _table(s, short, s.ON_HEARD_STARTUP, "saved state")
    return "\n".join(lines) + "\n"


def _edges(s, short, running) -> dict[tuple[str, str], list[str]]:  # type: ignore[no-untyped-def]
    """Each pair of states that an event joins, with the names of these events."""
    edges: dict[tuple[str, str], list[str]] = {}
    for own in running:
        heard: dict[int, list[str]] = {}
        for partner in s.HEARS:
            target = s.cell(s.ON_HEARD, own, partner)
            if target in s.STATES and target != own:
                heard.setdefault(target, []).append(short[partner])
        for target, partners in heard.items():
            edges.setdefault((short[own], short[target]), []).append("hears " + " ".join(partners))
        for name, table in EVENTS:
            target = s.follow(getattr(s, table), own)
            if target != own:
                edges.setdefault((short[own], short[target]), []).append(name)
    edges.setdefault(("R", "RW"), []).append("UPDDONE")
    edges.setdefault(("R", "RD"), []).append("UPDDONE and nothing to wait for")
    for name, table in (("primary", s.ON_UPDDONE_PRIMARY), ("secondary", s.ON_UPDDONE_SECONDARY)):
        cells = {p: s.cell(table, s.POTENTIAL_CONFLICT, p) for p in s.HEARS}
        for target in sorted(set(cells.values()) - {s.POTENTIAL_CONFLICT}):
            partners = [short[p] for p in s.HEARS if cells[p] == target]
            after = "partner in " + " ".join(partners) if len(partners) < 4 else "else"
            edges.setdefault(("PC", short[target]), []).append(f"UPDDONE, {name}, {after}")
    return edges


def _table(s, short, table, corner) -> list[str]:  # type: ignore[no-untyped-def]
    words = {s.SAY_AGAIN: "*say*", s.REQUEST: "*ask*", s.REQUEST_ALL: "*all*"}
    lines = [
        f"| {corner} \\ hears | " + " | ".join(short[p] for p in s.HEARS) + " |",
        "|---" * (len(s.HEARS) + 1) + "|",
    ]
    rows = [table[at] for at in range(0, len(table), s.WIDTH)]
    for own in s.STATES:
        if own in rows:
            cells = [s.cell(table, own, p) for p in s.HEARS]
            shown = ["·" if cell == own else words.get(cell) or short[cell] for cell in cells]
            lines.append(f"| **{short[own]}** | " + " | ".join(shown) + " |")
    return lines


if __name__ == "__main__":
    sys.path.insert(0, str(REPOSITORY / "firmware"))
    import twinlease  # noqa: F401  (installs the stand-in for the micropython module)

    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(draw())
