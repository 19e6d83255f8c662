"""Takes the examples of docs/CONSOLE.md: a person at the consoles of a pair of virtual boards (root).

    python -m twinlease_host.pages.session

Every command of the table is typed, and what stood on the screen goes to console_session.txt. A command that asks
something has its answers in `_PLAY`; any other is typed as it stands, with the samples of `_SAMPLES` for its names.
"""

from __future__ import annotations

import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import serial

from ..lab import board as lab
from ..lab import demo
from ..lab.lan import Lan
from ..lab.process import Process
from ..lab.timeline import SEEN, STORY, Timeline
from . import console

PROMPT = "twinlease> "
_GONE = "MPY: soft reboot\r\n"  # the interpreter's last word before the board starts again
_LIMIT_S = 60.0
_HEAP = "384K"
_CLIENTS = {"laptop": "02:00:00:00:00:13", "printer": "02:00:00:00:00:14"}  # both in the first board's share
_PASTED = "host printer { hardware ethernet 02:00:00:00:00:14; fixed-address 10.77.0.20; }\r"
_SAMPLES = {
    "COUNT": "2",
    "LINE": "9",
    "NAME": "office",
    "N": "1",
    "MINUTES": "5",
    "ROWS": "40",
    "WHICH": "laptop",
    "IP": "10.77.0.2",
}
# By command: what is typed after the line, piece by piece, each once the screen ends with what stands before it.
_PLAY: dict[str, tuple[tuple[str, str], ...]] = {
    "configure insert LINE": (("", _PASTED), ("", "\x04")),
    "configure load": (("", "{config}"), ("", "\x04")),
    "log follow": (("", " "),),
    "password": ((": ", "not so secret\r"), (": ", "not so secret\r")),
    "unlock": ((": ", "not so secret\r"),),
    "factory-reset": ((": ", "yes\r"),),
    "repl": ((": ", "no\r"),),
    "setup": tuple(("]: ", "\r") for _ in range(9)),
}
# What must come before what; all the others come first, in the table's order.
_LAST = (
    "capture", "capture COUNT", "capture off", "log level debug", "log level warning", "log level error",
    "log level info",
    "reserve IP", "release IP",
    "configure list", "configure insert LINE", "configure check", "configure diff", "configure delete LINE LINE",
    "configure delete LINE", "configure discard", "configure load", "commit confirmed MINUTES", "commit confirm",
    "rollback", "rollback N", "commit", "password", "lock", "unlock", "failover pause NAME", "failover resume NAME",
    "reboot", "failover keep NAME", "failover partner-down NAME", "failover partner-down NAME yes", "repl",
    "factory-reset", "setup",
)  # fmt: skip
_ALONE = ("failover keep NAME", "failover partner-down NAME", "failover partner-down NAME yes")
_AWAY = ("commit", "commit confirmed MINUTES", "reboot", "factory-reset", "setup")  # the board starts again


class Person:
    """Somebody at a board's serial port."""

    def __init__(self, port: Path) -> None:
        self._line = serial.Serial(str(port), 115200, timeout=0.05)
        self.screen = ""

    @property
    def is_there(self) -> bool:
        """Not yet gone."""
        return self._line.is_open

    def close(self) -> None:
        self._line.close()

    def type(self, keys: str) -> None:
        self._line.write(keys.encode())

    def wait(self, *end: str) -> str:
        """What comes until the screen ends so, and forget it."""
        limit = time.monotonic() + _LIMIT_S
        while not self.screen.endswith(end):
            if time.monotonic() > limit:
                raise TimeoutError(f"the screen never ended with {end!r}: {self.screen!r}")
            self.screen += self._line.read(4096).decode(errors="replace")
        seen, self.screen = self.screen, ""
        return seen


def take() -> None:
    """Play the session and store it."""
    folder = Path(tempfile.mkdtemp())
    timeline = Timeline(lambda _: None, folder / "timeline.log")
    make = lab.Make(demo.HERE / "demo.conf", _HEAP)
    boards = [lab.Board(letter, address + demo.PREFIX, folder, make) for letter, address in demo.ADDRESSES.items()]
    machines: dict[str, str | None] = {board.machine: None for board in boards}
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        lan = stack.enter_context(Lan({**machines, **_CLIENTS}))
        for board in boards:
            stack.callback(board.power_off)
            board.power_on(lan, timeline)
        for board in boards:
            board.wait_serving(lan)
        if not timeline.until(lambda: all(board.settled() for board in boards), _LIMIT_S):
            raise TimeoutError("the two were not both in normal")
        clients = [_client(lan, name, timeline) for name in _CLIENTS]
        for client in clients:
            stack.callback(client.stop)
        address = next(one["address"] for one in boards[0].leases() if one["name"] == "laptop")
        examples = _play(boards, lan, clients[1], timeline, {**_SAMPLES, "IP": address})
    console.SESSION.write_text("".join(f"## {words}\n{seen}\n" for words, seen in examples.items()))


def _client(lan: Lan, name: str, timeline: Timeline) -> Process:
    words = ["udhcpc", "-f", "-i", "eth0", "-s", str(demo.HERE / "udhcpc-event"), "-x", f"hostname:{name}"]
    client = Process(name, ["ip", "netns", "exec", lan.netns(name), *words], timeline.tell)
    client.wait_line(("bound:",), _LIMIT_S)
    return client


def _play(
    boards: list[lab.Board], lan: Lan, client: Process, timeline: Timeline, samples: dict[str, str]
) -> dict[str, str]:
    person = Person(boards[0].port)
    person.type("\r")
    seen = {console.BANNER: _plain(person.wait(PROMPT))}
    _type(person, "terminal length 0", (), False)
    rows = [" ".join(row[0]) for row in console.table()]
    for words in sorted(rows, key=lambda row: _LAST.index(row) + 1 if row in _LAST else 0):
        timeline.tell(STORY, words, SEEN)
        print(words, file=sys.stderr)
        person = _again(boards[0], person, words == "setup")
        if words in _ALONE and boards[1].running():
            boards[1].cut_power(lan, timeline)
            _wait(timeline, lambda: boards[0].state() == "communications-interrupted")
        if words == "capture COUNT":
            client.send(signal.SIGUSR1)
            client.wait_line(("renew:",), _LIMIT_S)
        if words == "reboot":
            _wait(timeline, lambda: boards[0].settled())
        typed = " ".join(samples.get(word, word) for word in words.split())
        seen[words] = _type(person, typed, _PLAY.get(words, ()), words in _AWAY)
        if words in console.with_json():
            seen[words + " json"] = _type(person, typed + " json", (), False)
        if words == "unlock":  # and no password from now on
            _type(person, "password", ((": ", "not so secret\r"), (": ", "\r")), False)
        if words in _AWAY:
            person.close()
    person.close()
    order = [console.BANNER, *(name for row in rows for name in (row, row + " json"))]
    return {words: seen[words] for words in order if words in seen}


def _again(board: lab.Board, person: Person, new: bool) -> Person:
    """At a board that has started again, a fresh session."""
    if person.is_there:
        return person

    board.wait_started()
    person = Person(board.port)
    person.type("\x15\r")
    if new:
        person.wait("]: ")  # it begins to ask by itself
        person.type("\x03")
    person.wait(PROMPT)
    _type(person, "terminal length 0", (), False)
    return person


def _wait(timeline: Timeline, holds: object) -> None:
    if not timeline.until(holds, _LIMIT_S):  # type: ignore[arg-type]
        raise TimeoutError("it did not come about")


def _type(person: Person, line: str, answers: Iterable[tuple[str, str]], away: bool) -> str:
    person.type(line + "\r")
    seen = PROMPT
    for end, keys in answers:
        if end:
            seen += person.wait(end)
        person.type(keys.replace("{config}", _config()))
    seen += person.wait(PROMPT, *(_GONE,) * away)
    return _plain(seen)


def _config() -> str:
    """A change to what is served, as a terminal pastes it."""
    return (demo.HERE / "demo.conf").read_text().replace("time 600;", "time 900;").replace("\n", "\r")


def _plain(screen: str) -> str:
    """Without what is for the terminal only, and without the prompt at the end."""
    screen = re.sub("\x1b\\[[0-9;]*[A-Za-z]", "", screen.replace(_GONE, "").replace("\r\n", "\n")).replace("\r", "")
    return "\n".join(line.rstrip() for line in screen.removesuffix(PROMPT).strip().split("\n"))


if __name__ == "__main__":
    take()
