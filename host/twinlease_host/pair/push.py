"""A new configuration for one board or both of a pair, kept only when they serve again; else each goes back by itself.

    1. every board gets the text to edit, and it is read back                nothing is served by it yet
    2. one after the other: commit confirmed; wait until it serves           its partner serves meanwhile
    3. when all serve: commit confirm, on each

Whatever goes wrong, or goes away, before 3: the boards' own clocks take them back (firmware/twinlease/revisions.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ..errors import UserError
from ..serial_link import PATIENCE_S, Answer, Link
from . import configs
from .facts import Facts, ask_all, check_unlocked, why_given_up

LONGEST = 32768  # octets that a board takes (firmware/twinlease/console/configure.py)
_ASKED = ("version", "pools", "failover", "config")
_GLANCE_S = 0.2
_ALONE_S = 15.0
_MARGIN_S = 10.0  # before its time is over we say no more
_NO_SPACE = ("OSError(28", "ENOSPC")


class Console(Protocol):
    """A board's console; `wait` lets time pass, `now` is in seconds."""

    name: str
    port: str

    def ask(self, command: str) -> Answer:
        """One command. Raises UserError if nobody answers."""

    def paste(self, command: str, text: str, slowly: bool = False) -> Answer:
        """A command that takes a text, and the text."""

    def now(self) -> float:
        """Seconds."""

    def wait(self, seconds: float) -> None:
        """Let time pass."""


@dataclass
class Serial:
    """The console of a real or virtual board; its port is ours only while something is asked."""

    name: str
    port: str
    timeout_s: float = PATIENCE_S

    def ask(self, command: str) -> Answer:
        """See Console."""
        with Link(self.port, self.timeout_s) as link:
            return link.ask(command)

    def paste(self, command: str, text: str, slowly: bool = False) -> Answer:
        """See Console."""
        with Link(self.port, self.timeout_s) as link:
            return link.paste(command, text, slowly)

    def now(self) -> float:
        """See Console."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """See Console."""
        time.sleep(seconds)


@dataclass
class _Board:
    console: Console
    before: Facts
    committed_at: float = 0.0
    after: Facts = field(default_factory=lambda: Facts("", ""))

    def __str__(self) -> str:
        return f"board {self.console.name}"


def push(consoles: Sequence[Console], text: str, minutes: int, tell: Callable[[str], None]) -> list[str]:
    """Have the boards serve by this text. Returns the names of those that now do and did not before.

    Raises UserError: code 2 if nothing was changed, 1 if a board goes back, or may.
    """
    text = plain(text)
    boards = [_Board(console, look(console)) for console in consoles]
    for board in boards:
        if board.before.trial > 0:
            raise UserError(
                f"{board} has a configuration on trial already",
                f"keep it: twinlease console {board.console.port} -c 'commit confirm'; or wait for its end",
            )
    new = [board for board in boards if board.before.config != text]
    for board in boards:
        if board not in new:
            tell(f"{board} serves by this very text already")
    for board in new:
        _load(board, text)
        tell(f"{board} has the text; it is not served yet")
    healthy = all(board.before.settled for board in boards)
    for board in new:
        _commit(board, minutes)
        tell(f"{board} starts again; on trial for {minutes} min")
        _wait(board, text, minutes, _started)
        if healthy and board is not new[-1]:
            _give_time(board, text)
        tell(f"{board} has started with it")
    for board in new:
        _wait(board, text, minutes, _settled if healthy or len(boards) > 1 else _as_before)
        tell(f"{board} serves")
    for board in new:
        answer = board.console.ask("commit confirm")
        if not answer.ok:
            raise UserError(f"{board} did not keep it: {answer.text.strip()}", _look_again(board), code=1)
        tell(f"{board} keeps it")
    return [board.console.name for board in new]


def plain(text: str) -> str:
    """The text as a board takes it over its console. Raises UserError if it is too long."""
    done = in_ascii(text)
    if len(done) > LONGEST:
        raise UserError(
            f"the configuration has {len(done)} octets; a board takes {LONGEST} over its console",
            "take comments out; or, by another way: twinlease flash BOARD --config dhcpd.conf",
        )
    return done


def in_ascii(text: str) -> str:
    """The same text with newlines, and no octets beyond ASCII: in strings as escapes, in comments "?"."""
    out, quoted, comment, escaped = [], False, False, False
    for char in text.replace("\r\n", "\n").replace("\r", "\n"):
        if char == "\n":
            comment = False
        elif comment or (char == "#" and not quoted):
            comment = True
            char = char if " " <= char <= "~" or char == "\t" else "?"
        elif char == '"' and not escaped:
            quoted = not quoted
        elif quoted and not " " <= char <= "~":
            char = "".join(f"\\{octet:03o}" for octet in char.encode())
        escaped = char == "\\" and not escaped
        out.append(char)
    done = "".join(out)
    if done and not done.endswith("\n"):
        done += "\n"
    return done


def look(console: Console) -> Facts:
    """What matters here of what a board says. Raises UserError."""
    return ask_all(Facts(console.name, console.port), console.ask, asked=_ASKED)


def _load(board: _Board, text: str) -> None:
    """The board edits it, and what it edits is this, octet for octet."""
    for slowly in (False, True):
        answer = board.console.paste("configure load", text, slowly)
        if not answer.ok:
            check_unlocked(board.console.port, answer)
            if any(word in answer.text for word in _NO_SPACE):
                raise UserError(
                    f"the flash of {board} is full: it has no room for the text",
                    f"take an old one out, or take comments out: twinlease console {board.console.port}",
                )
            raise UserError(f"{board} did not take it: {answer.text.strip()}", _look_again(board))
        if _edited(board) == text.splitlines():
            return
    raise UserError(
        f"{board} got something else than was sent: octets were lost on the line",
        "a shorter cable, or another USB port; what it serves is unchanged",
    )


def _edited(board: _Board) -> list[str]:
    """The lines that the board edits now."""
    lines = board.console.ask("configure list").text.splitlines()
    return [line.lstrip().partition(" ")[2] for line in lines]


def _commit(board: _Board, minutes: int) -> None:
    answer = board.console.ask(f"commit confirmed {minutes}")
    if not answer.ok:
        raise UserError(f"{board} refused it: {answer.text.strip()}", _look_again(board))
    board.committed_at = board.console.now()


def _wait(board: _Board, text: str, minutes: int, holds: Callable[[_Board], str]) -> None:
    """Wait until `holds` has no objection. Raises UserError if the board went back, or its time is nearly over."""
    console = board.console
    end = board.committed_at + 60 * minutes - _MARGIN_S
    while True:
        missing = "it does not answer"
        try:
            board.after = look(console)
            _check_not_back(board, text)
            missing = holds(board)
        except UserError as bad:
            if bad.code == 1:
                raise
        if not missing:
            return
        if console.now() > end:
            raise UserError(
                f"{board} does not serve by it: {missing}. It goes back to what it served before, by itself",
                f"look why: twinlease doctor {console.port}",
                code=1,
            )
        console.wait(_GLANCE_S)


def _give_time(board: _Board, text: str) -> None:
    """Before its partner starts again it should answer clients; if it needs the partner for that, it cannot."""
    console = board.console
    end = console.now() + _ALONE_S
    while console.now() < end:
        board.after = look(console)
        _check_not_back(board, text)
        if not _answers(board):
            return
        console.wait(_GLANCE_S)


def _check_not_back(board: _Board, text: str) -> None:
    if board.after.config == text:
        return
    why = why_given_up(board.console.ask) or "its log says why"
    raise UserError(
        f"{board} went back to what it served before: {why}",
        f"the text that failed is kept: twinlease console {board.console.port} -c 'configure list'",
        code=1,
    )


def _started(board: _Board) -> str:
    """What is missing until it has started with the new text; before its restart it is not on trial."""
    if board.after.trial <= 0:
        return "it has not started again"
    return "" if board.after.serves else "it has started, and serves nobody"


def _answers(board: _Board) -> str:
    """… until it answers clients."""
    why = _started(board)
    if why or board.after.answers:
        return why
    return "; ".join(f"failover peer {peer['name']}: {peer['why'] or peer['state']}" for peer in board.after.peers)


def _settled(board: _Board) -> str:
    """… until it and its partner are in NORMAL."""
    why = _answers(board)
    if why or board.after.settled:
        return why
    return "; ".join(
        f"failover peer {peer['name']} is {peer['state']}, the partner {peer['partner_state']}"
        + ("" if peer["linked"] else ", not connected")
        for peer in board.after.peers
    )


def _as_before(board: _Board) -> str:
    """… until it does what it did before: a board that was silent, waiting for its partner, need not answer now."""
    return _answers(board) if board.before.answers else _started(board)


def _look_again(board: _Board) -> str:
    return f"twinlease console {board.console.port} -c 'configure diff'"


def differ(boards: dict[str, str | None]) -> list[configs.Difference]:
    """What the texts of two boards do not agree on."""
    one, two = boards.values()
    return configs.differences(one or "", two or "")
