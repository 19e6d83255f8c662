"""What a run is asked for, and what it lacks: from the words that `make hil` was given. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

NAMES = ("A", "B")
ADDRESSES = ("10.77.0.2", "10.77.0.3")
PREFIX = "/16"
VIRTUAL_BOARD = "virtual-esp32"
ACTIONS = ("on", "off")
_SOAK_MINUTES = "0.5"


class BadPlan(ValueError):
    """The words make no sense together; the message says which, and what to write."""


@dataclass(frozen=True)
class Plan:
    """Ports of real boards, or none: two virtual ones are made then, and nothing is lacking.

    board        as boards/ names it; "" on real boards: they are not flashed
    power        a shell command with {port} (of the hub, from power_ports), {serial} and {action}: on or off
    iface        of this PC, on the wire that the boards are on
    more         further words for `twinlease flash`
    """

    ports: tuple[str, ...] = ()
    board: str = VIRTUAL_BOARD
    image: str = ""
    power: str = ""
    power_ports: tuple[str, ...] = ("1", "2")
    iface: str = ""
    more: str = ""
    soak_s: float = 30.0

    @property
    def virtual(self) -> bool:
        """Tell whether the boards are processes."""
        return not self.ports

    def lacking(self, *wanted: str) -> str:
        """Which of BOARD, POWER, IFACE a test wants and the run has not, in words for a skip; "" if it has all."""
        if self.virtual:
            return ""
        have = {"BOARD": self.board, "POWER": self.power, "IFACE": self.iface}
        lacks = [f"{name}=" for name in wanted if not have[name]]
        return f"needs {' and '.join(lacks)}" if lacks else ""

    def power_command(self, number: int, action: str) -> str:
        """The command that switches this board (0 or 1)."""
        return self.power.format(port=self.power_ports[number], serial=self.ports[number], action=action)


def from_words(words: Mapping[str, str]) -> Plan:
    """Read PORTS, BOARD, IMAGE, POWER, POWER_PORTS, IFACE, MORE and SOAK. Raises BadPlan."""
    said = {name: value.strip() for name, value in words.items()}
    ports = _two("PORTS", said.get("PORTS", ""))
    if not ports:
        useless = [name for name in ("BOARD", "IMAGE", "POWER", "POWER_PORTS", "IFACE", "MORE") if said.get(name)]
        if useless:
            raise BadPlan(f"{useless[0]}= is for real boards: name their PORTS=, or leave it out")
    try:
        soak_s = 60 * float(said.get("SOAK") or _SOAK_MINUTES)
    except ValueError:
        raise BadPlan(f"SOAK={said['SOAK']} is no number of minutes: write it as in SOAK=30") from None
    if not 0 < soak_s < 1e7:
        raise BadPlan(f"SOAK={said['SOAK']}: more than none, and less than some months")
    plan = Plan(
        ports,
        said.get("BOARD", "") if ports else VIRTUAL_BOARD,
        said.get("IMAGE", ""),
        said.get("POWER", ""),
        _two("POWER_PORTS", said.get("POWER_PORTS", "")) or ("1", "2"),
        said.get("IFACE", ""),
        said.get("MORE", ""),
        soak_s,
    )
    if plan.power:
        _check_power(plan)
    return plan


def _two(name: str, text: str) -> tuple[str, ...]:
    found = tuple(word.strip() for word in text.split(",") if word.strip())
    if found and (len(found) != 2 or found[0] == found[1]):
        raise BadPlan(f"{name}={text}: two different ones, with a comma between them")
    return found


def _check_power(plan: Plan) -> None:
    """A command that switches both boards at once, or cannot tell on from off, would spoil every test."""
    try:
        made = {plan.power_command(number, action) for number in range(2) for action in ACTIONS}
    except (KeyError, IndexError, ValueError):
        made = set()
    if len(made) != 4:
        raise BadPlan(f"POWER={plan.power}: needs {{action}}, and {{port}} or {{serial}}; other braces doubled")
