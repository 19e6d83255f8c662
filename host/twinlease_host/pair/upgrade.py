"""New firmware for both boards of a pair, one at a time; who does not come back with it gets the old one again.

    for each board:  the pair is in NORMAL, so its partner serves everybody from now on
                     the new firmware goes beside the old one, and takes its place (flash/beside.py)
                     it starts, says the new version, and both are in NORMAL; or the old one takes its place again

Nothing is remembered between two runs: what a board has, says and starts tells where a run was broken off.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Protocol

from ..errors import UserError
from ..flash.board_files import Changes
from .facts import Facts, Json

ASKED = ("version", "pools", "failover", "config")
_GLANCE_S = 0.3


class Board(Protocol):
    """A board at its serial port; `now` is in seconds."""

    name: str
    port: str

    def look(self) -> Facts | None:
        """What it says of itself; None if nobody answers. Raises UserError if it is locked."""

    def install(self) -> Changes:
        """End its service, give it the firmware, start it. Raises UserError; what it starts is then what it was."""

    def back(self) -> bool:
        """Give it the firmware before, and start it; False if it has none, and nothing was changed."""

    def now(self) -> float:
        """Seconds."""

    def wait(self, seconds: float) -> None:
        """Let time pass."""


@dataclass
class Done:
    """What became of one board."""

    name: str
    port: str
    before: str
    after: str = ""
    files: Changes = field(default_factory=Changes)
    away_s: float = 0.0  # from the end of its service until it was back

    def fields(self) -> Json:
        """For --json."""
        return asdict(self)


@dataclass
class Wish:
    """What is to be: `version` is what the firmware says of itself when it runs."""

    version: str
    wait_s: float = 120.0
    alone: bool = False  # a board that has no partner, whose clients get no answer meanwhile
    older: bool = False


class Upgrade:
    """Of one board or two; `tell` is called with what has been done, `watch` with what is waited for."""

    def __init__(
        self, boards: Sequence[Board], wish: Wish, tell: Callable[[str], None], watch: Callable[[str], None]
    ) -> None:
        self._boards = boards
        self._wish = wish
        self._tell = tell
        self._watch = watch
        self.done: list[Done] = []

    def plan(self) -> list[Board]:
        """The boards in the order in which it goes over them: who does not answer first. Raises UserError."""
        found = [(board, board.look()) for board in self._boards]
        answering = [(board, facts) for board, facts in found if facts is not None]
        if len(found) > 1 and not answering:
            raise UserError("neither board answers", "are these the right ports? twinlease status")
        silent = [board for board, facts in found if facts is None]
        for board, facts in answering:
            self._check(board, facts, bool(silent))
        if len(answering) == 2:
            _check_partners(*(facts for _, facts in answering))
        return silent + [board for board, _ in answering]

    def run(self) -> None:
        """Go over them; `done` grows. Raises UserError, code 1 if a board got its old firmware again."""
        for board in self.plan():
            self._one(board, board.look())

    def _check(self, board: Board, facts: Facts, partner_is_silent: bool) -> None:
        """May its service be ended, or its partner's?"""
        doctor = "look why: twinlease doctor " + " ".join(one.port for one in self._boards)
        if facts.trial > 0:
            raise UserError(
                f"board {board.name} has a configuration on trial, and a start would count as its end",
                f"keep it first: twinlease console {board.port} -c 'commit confirm'",
            )
        if not self._wish.older and _number(facts.version) > _number(self._wish.version):
            raise UserError(
                f"board {board.name} runs {facts.version}, and this tool brings {self._wish.version}",
                "bring this tool up to date: git pull, make .venv; or, to go back: add --older",
            )
        if facts.serves and not facts.peers and not self._wish.alone:
            raise UserError(
                f"board {board.name} has no failover partner: nobody answers its clients while it is written",
                "if that may be (about a minute): add --alone",
            )
        if partner_is_silent and not facts.answers:
            raise UserError(f"board {board.name} serves nobody, and the other board does not answer", doctor)
        if not partner_is_silent and facts.peers and not facts.settled:
            raise UserError(f"board {board.name} and its partner are not in NORMAL: {_missing(facts)}", doctor)

    def _one(self, board: Board, before: Facts | None) -> None:
        done = Done(board.name, board.port, before.version if before else "")
        self._wait_partner(board)
        start = board.now()
        done.files = board.install()
        self.done.append(done)
        why = self._wait_back(board, before, self._wish.version)
        done.away_s = board.now() - start
        if why:
            self._go_back(board, done, before, why)
        done.after = self._wish.version
        count = done.files.changed + done.files.removed
        files = f"{count} files changed" if count else "its files were right"
        self._tell(f"board {board.name} serves with {done.after}: {files}, {done.away_s:.0f} s away")

    def _wait_partner(self, board: Board) -> None:
        """It may have started a moment ago."""
        for other in self._boards:
            if other is not board and (why := self._wait(other, lambda facts: "" if facts.answers else "no service")):
                raise UserError(
                    f"board {other.name} does not serve, so board {board.name} goes on doing so: {why}",
                    f"look why: twinlease doctor {other.port}",
                )

    def _go_back(self, board: Board, done: Done, before: Facts | None, why: str) -> None:
        """Raises UserError."""
        self._tell(f"board {board.name} did not come back with {self._wish.version} ({why}): it gets its old firmware")
        try:
            went = board.back()
        except UserError as bad:
            raise UserError(
                f"board {board.name} did not come back ({why}), and its files cannot be reached: {bad}",
                "its partner serves. Press its RESET button, and at once run the same command again",
                code=1,
            ) from None
        again = f"what it says while it starts: twinlease console {board.port}, and press RESET"
        if not went:
            raise UserError(f"board {board.name} does not come back, and has no older firmware: {why}", again, code=1)
        still = self._wait_back(board, before, "")
        if still:
            raise UserError(f"board {board.name} has its old firmware again, and is not back: {still}", again, code=1)
        now = board.look()
        done.after = now.version if now else ""
        raise UserError(
            f"board {board.name} has its old firmware again ({done.after}), and serves: with the new one, {why}",
            "nothing else was changed; what the new one says at its start shows on a board on its own: twinlease flash",
            code=1,
        )

    def _wait_back(self, board: Board, before: Facts | None, version: str) -> str:
        """Until it runs this version ("": any), and does what it did before or better; what is missing in the end."""

        def missing(facts: Facts) -> str:
            if version and facts.version != version:
                return f"it says it is {facts.version}"
            if before is not None and not before.serves:
                return ""
            return _missing(facts)

        return self._wait(board, missing)

    def _wait(self, board: Board, missing: Callable[[Facts], str]) -> str:
        end = board.now() + self._wish.wait_s
        while True:
            why = "it does not answer"
            try:
                facts = board.look()
                why = why if facts is None else missing(facts)
            except UserError as bad:
                why = str(bad)
            if not why or board.now() > end:
                return why
            self._watch(f"waiting for board {board.name}: {why}")
            board.wait(_GLANCE_S)


def _missing(facts: Facts) -> str:
    """What is missing until it serves, in NORMAL if it has a partner."""
    if not facts.serves:
        return "it serves nobody"
    if facts.settled:
        return ""
    return "; ".join(
        f"failover peer {peer['name']} is {peer['state']}, the partner {peer['partner_state']}"
        + ("" if peer["linked"] else ", not connected")
        for peer in facts.peers
    )


def _check_partners(one: Facts, two: Facts) -> None:
    theirs = {peer["peer_address"] for peer in one.peers}
    if (one.peers or two.peers) and not theirs & {peer["address"] for peer in two.peers}:
        partners = ", ".join(sorted(theirs)) or "nobody"
        raise UserError(
            f"{one} and {two} are no pair: the partner of {one} is {partners}",
            "upgrade the two boards of one pair together, or one board alone",
        )


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
