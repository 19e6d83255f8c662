"""`twinlease upgrade` goes over a pair one board at a time, and gives a board its old firmware again; on models of boards.

tests/failover/test_upgrade.py has it with two virtual boards and clients. Here too: how firmware takes another's place,
with the power going between any two of its steps.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twinlease import VERSION
from twinlease_host.cli import app
from twinlease_host.errors import UserError
from twinlease_host.flash import beside
from twinlease_host.flash.board_files import Changes, Files
from twinlease_host.pair.facts import Facts
from twinlease_host.pair.upgrade import Upgrade, Wish
from typer.testing import CliRunner

NEW, OLD = "0.2.0", "0.1.0"
NAMES = ("A", "B")


class Model:
    """A board of a pair: what it runs, and what `bad` firmware makes of it."""

    def __init__(self, name: str, events: list[str], clock: list[float]) -> None:
        self.name = name
        self.port = f"board-{name.lower()}"
        self.runs: str | None = OLD
        self.kept: str | None = None
        self.bad: str = ""  # what the new firmware does: "silent" or "apart"
        self.partner: Model | None = None
        self.trial = -1
        self._events = events
        self._clock = clock

    @property
    def serves(self) -> bool:
        return self.runs is not None and not (self.bad == "silent" and self.runs == NEW)

    @property
    def apart(self) -> bool:
        return self.bad == "apart" and self.runs == NEW

    def look(self) -> Facts | None:
        if not self.serves:
            return None
        found = Facts(self.name, self.port)
        found.told = {"version": {"version": self.runs}, "pools": [], "config": {"text": "", "trial": self.trial}}
        if self.partner:
            linked = self.partner.serves and not self.apart and not self.partner.apart
            state = "normal" if linked else "communications-interrupted"
            peer: dict[str, Any] = {"name": "p", "state": state, "partner_state": state, "linked": linked}
            peer |= {"serves": True, "why": None, "unacked": 0, "due": 0}
            peer |= {"address": f"{self.port}:647", "peer_address": f"{self.partner.port}:647"}
            found.told["failover"] = [peer]
        return found

    def install(self) -> Changes:
        assert self.partner is None or self.partner.serves, "nobody serves the clients"
        self._events.append(f"install {self.name}")
        if self.runs != NEW:
            self.kept, self.runs = self.runs, NEW
        return Changes(3, 60, 1)

    def back(self) -> bool:
        self._events.append(f"back {self.name}")
        if self.kept is None:
            return False
        self.runs, self.kept = self.kept, None
        return True

    def now(self) -> float:
        return self._clock[0]

    def wait(self, seconds: float) -> None:
        self._clock[0] += seconds


class Bench:
    """Two models; what happened, and what was told."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.told: list[str] = []
        clock = [0.0]
        self.a, self.b = (Model(name, self.events, clock) for name in NAMES)
        self.a.partner, self.b.partner = self.b, self.a

    def upgrade(self, *boards: Model, **wish: Any) -> Upgrade:
        work = Upgrade(boards or (self.a, self.b), Wish(NEW, 20.0, **wish), self.told.append, lambda text: None)
        work.run()
        return work

    def refused(self, *boards: Model, **wish: Any) -> UserError:
        with pytest.raises(UserError) as raised:
            self.upgrade(*boards, **wish)
        assert raised.value.hint
        return raised.value


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_both_get_it_one_after_the_other(bench: Bench) -> None:
    done = bench.upgrade().done
    assert bench.events == ["install A", "install B"]
    assert [(one.name, one.before, one.after) for one in done] == [("A", OLD, NEW), ("B", OLD, NEW)]
    assert "4 files changed" in bench.told[0]


def test_again_is_as_good(bench: Bench) -> None:
    bench.upgrade()
    bench.upgrade()
    assert [bench.a.runs, bench.b.runs] == [NEW, NEW]


@pytest.mark.parametrize("bad", ["silent", "apart"])
def test_who_does_not_come_back_gets_its_old_one_and_the_other_is_left_alone(bench: Bench, bad: str) -> None:
    bench.a.bad = bad
    refused = bench.refused()
    assert refused.code == 1 and "board A has its old firmware again" in str(refused)
    assert bench.events == ["install A", "back A"] and [bench.a.runs, bench.b.runs] == [OLD, OLD]


def test_a_board_without_an_older_firmware_is_told(bench: Bench) -> None:
    bench.a.runs, bench.a.bad = NEW, "silent"
    refused = bench.refused()
    assert refused.code == 1 and "has no older firmware" in str(refused)
    assert "install B" not in bench.events


def test_who_was_left_without_service_comes_first(bench: Bench) -> None:
    bench.b.runs = None
    bench.b.kept = OLD
    assert [one.name for one in bench.upgrade().done] == ["B", "A"]


def test_a_pair_that_is_not_well_is_left_alone(bench: Bench) -> None:
    bench.a.bad = "apart"
    bench.a.runs = NEW
    refused = bench.refused()
    assert refused.code == 2 and "not in NORMAL" in str(refused) and "twinlease doctor board-a board-b" in refused.hint
    assert bench.events == []


def test_neither_board_answers(bench: Bench) -> None:
    bench.a.runs = bench.b.runs = None
    assert "neither board answers" in str(bench.refused()) and bench.events == []


def test_two_boards_of_different_pairs(bench: Bench) -> None:
    other = Bench()
    other.a.port, other.b.port = "board-c", "board-d"
    assert "are no pair" in str(bench.refused(bench.a, other.a))
    assert bench.events == other.events == []


def test_a_configuration_on_trial_is_kept_first(bench: Bench) -> None:
    bench.b.trial = 3
    refused = bench.refused()
    assert "on trial" in str(refused) and "commit confirm" in refused.hint and bench.events == []


def test_a_newer_firmware_stays_unless_it_is_meant(bench: Bench) -> None:
    bench.b.runs = "0.10.0"
    assert "runs 0.10.0, and this tool brings 0.2.0" in str(bench.refused()) and bench.events == []
    bench.upgrade(older=True)
    assert [bench.a.runs, bench.b.runs] == [NEW, NEW]


def test_a_board_without_a_partner_only_if_that_is_meant(bench: Bench) -> None:
    bench.a.partner = None
    assert "nobody answers its clients" in str(bench.refused(bench.a)) and bench.events == []
    bench.upgrade(bench.a, alone=True)
    assert bench.a.runs == NEW


# Files that take the place of others


class PowerCut(Exception):
    """In the middle of something."""


class Flash:
    """The file system of a board in a folder, where code for a board runs; power may go at any change."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.changes = 0
        self.cut_at: int | None = None
        self.scope: dict[str, Any] = {}
        self.starts()

    def starts(self) -> None:
        """An interpreter that knows nothing yet."""
        self.scope = {"open": self._open}

    def exec(self, code: str) -> bytes:
        out = io.StringIO()
        mine = {name: getattr(self, name) for name in ("stat", "listdir", "ilistdir", "rename", "mkdir")}
        fake = type("os", (), {**mine, "remove": self.remove, "rmdir": self.rmdir, "statvfs": self.statvfs})
        lines = [line for line in code.splitlines() if line != "import os"]
        text = "\n".join(lines).replace("import os, hashlib", "import hashlib")
        text = text.replace(".digest().hex()", ".hexdigest()")
        self.scope["os"] = fake
        with contextlib.redirect_stdout(out):
            exec(text, self.scope)
        return out.getvalue().encode()

    def files(self) -> dict[str, bytes]:
        return {
            "/" + str(path.relative_to(self.root)): path.read_bytes() for path in self.root.rglob("*") if path.is_file()
        }

    def _at(self, path: str) -> str:
        return str(self.root) + path

    def _changes(self) -> None:
        if self.changes == self.cut_at:
            raise PowerCut
        self.changes += 1

    def _open(self, path: str, mode: str = "r") -> Any:
        if "w" in mode:
            self._changes()
        return open(self._at(path), mode)

    def stat(self, path: str) -> os.stat_result:
        return os.stat(self._at(path))

    def listdir(self, path: str) -> list[str]:
        return os.listdir(self._at(path))

    def ilistdir(self, path: str) -> Iterator[tuple[str]]:
        if not os.path.isdir(self._at(path)):
            raise OSError
        return iter([(name,) for name in os.listdir(self._at(path))])

    def statvfs(self, path: str) -> tuple[int, ...]:
        return (4096, 4096, 448, 400)

    def rename(self, path: str, there: str) -> None:
        self._changes()
        os.rename(self._at(path), self._at(there))

    def mkdir(self, path: str) -> None:
        self._changes()
        os.mkdir(self._at(path))

    def remove(self, path: str) -> None:
        self._changes()
        os.remove(self._at(path))

    def rmdir(self, path: str) -> None:
        self._changes()
        os.rmdir(self._at(path))


def build(word: bytes, *more: str) -> dict[str, bytes]:
    names = ["/boot.py", "/main.py", "/lib/twinlease/__init__.mpy", *more]
    return {**{name: word + name.encode() for name in names}, "/lib/twinlease/same.mpy": b"in both"}


ONE, TWO = build(b"one", "/lib/twinlease/dhcp/node.mpy"), build(b"two", "/lib/twinlease/lease/table.mpy")


@pytest.fixture
def flash(tmp_path: Path) -> Flash:
    return holding(tmp_path / "flash", ONE)


def holding(root: Path, files: dict[str, bytes]) -> Flash:
    for path, octets in {**files, "/board.conf": b"address 10.77.0.2/16\n"}.items():
        place = Path(str(root) + path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(octets)
    return Flash(root)


def install(flash: Flash, wanted: dict[str, bytes]) -> Changes:
    flash.starts()
    return beside.install(Files(flash), wanted, lambda done, of: None)


def live(flash: Flash) -> dict[str, bytes]:
    return {path: octets for path, octets in flash.files().items() if path.startswith(("/lib/", "/main", "/boot"))}


def test_it_takes_the_place_and_gives_it_back(flash: Flash) -> None:
    assert install(flash, TWO) == Changes(4, 1, 1)
    assert live(flash) == TWO
    assert not [path for path in flash.files() if path.startswith("/next")]
    assert install(flash, TWO) == Changes(0, 5, 0)
    assert beside.back(Files(flash)) and live(flash) == ONE
    assert not beside.back(Files(flash)), "there is one before, once"
    assert set(flash.files()) == {*ONE, "/board.conf"}


def test_wherever_the_power_goes_it_starts_one_of_them_whole_or_none_and_again_ends_well(tmp_path: Path) -> None:
    begun = holding(tmp_path / "whole", ONE)
    install(begun, TWO)
    seen = set()
    for cut in range(begun.changes):
        flash = holding(tmp_path / f"cut-{cut}", ONE)
        flash.cut_at = cut
        with pytest.raises(PowerCut):
            install(flash, TWO)
        if "/main.py" in live(flash):
            assert live(flash) in (ONE, TWO), f"cut at {cut}"
            seen.add(live(flash)["/main.py"])
        flash.cut_at = None
        install(flash, TWO)
        assert live(flash) == TWO, f"cut at {cut}"
        assert beside.back(Files(flash)) and live(flash) == ONE, f"cut at {cut}"
    assert seen == {ONE["/main.py"], TWO["/main.py"]}


def test_wherever_the_power_goes_on_the_way_back_a_run_ends_well(tmp_path: Path) -> None:
    for cut in itertools.count():
        flash = holding(tmp_path / f"cut-{cut}", ONE)
        install(flash, TWO)
        flash.changes, flash.cut_at = 0, cut
        try:
            beside.back(Files(flash))
        except PowerCut:
            flash.cut_at = None
            if "/main.py" in live(flash):
                assert live(flash) in (ONE, TWO), f"cut at {cut}"
            install(flash, TWO)
            assert live(flash) == TWO, f"cut at {cut}"
            continue
        assert cut > 8 and live(flash) == ONE
        return


def test_a_file_system_without_room_for_two_is_told_before_anything_changes(
    flash: Flash, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flash, "statvfs", lambda path: (4096, 4096, 448, 11))
    with pytest.raises(UserError, match="a second firmware beside its own takes 53,248"):
        install(flash, TWO)
    assert flash.files() == {**ONE, "/board.conf": b"address 10.77.0.2/16\n"}


def test_a_board_whose_firmware_is_elsewhere_and_what_is_no_board_of_ours_are_left_alone(tmp_path: Path) -> None:
    for name, files in (("rom", {}), ("gadget", {"/main.py": b"print('a thermometer')", "/boot.py": b""})):
        flash = holding(tmp_path / name, files)
        with pytest.raises(UserError, match="there is no Twinlease in the file system"):
            install(flash, TWO)
        assert set(flash.files()) == {"/board.conf", *files}


def test_the_same_board_twice_is_no_pair() -> None:
    done = CliRunner().invoke(app, ["upgrade", "/dev/ttyUSB7", "/dev/ttyUSB7"])
    assert isinstance(done.exception, UserError) and "both boards are the one at /dev/ttyUSB7" in str(done.exception)


def test_a_dry_run_says_in_which_order(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    for model in (bench.a, bench.b):
        model.runs = VERSION
    ours = {model.port: model for model in (bench.a, bench.b)}
    monkeypatch.setattr("twinlease_host.commands.upgrade._Serial.look", lambda board: ours[board.port].look())
    done = CliRunner().invoke(app, ["upgrade", "board-a", "board-b", "--dry-run", "--json"])
    assert done.exit_code == 0, done.exception
    assert [board["port"] for board in json.loads(done.stdout)["boards"]] == ["board-a", "board-b"]
    done = CliRunner().invoke(app, ["upgrade", "board-a", "board-b", "--dry-run"])
    assert f"board A at board-a: firmware {VERSION}" in done.stdout and bench.events == []
