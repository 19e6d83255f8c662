"""One dhcpd.conf for both boards of a pair: compared, pushed, confirmed only when they serve, else they go back.

The boards here are models with a clock of their own (minutes take no time); tests/host/test_pair.py has real ones.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from twinlease_host.errors import UserError
from twinlease_host.pair import configs, push, sources
from twinlease_host.serial_link import Answer

OLD = "subnet 10.0.0.0 netmask 255.255.255.0 { range 10.0.0.10 10.0.0.99; }\n"
NEW = OLD + "max-lease-time 600;\n"
START_S = 1.5
PAIRED = {"name": "office", "partner_state": "normal", "unacked": 0, "due": 0, "why": None}


class World:
    """Time, for all boards of a test."""

    def __init__(self) -> None:
        self.now = 0.0
        self.boards: list[Model] = []
        self.story: list[str] = []

    def tell(self, text: str) -> None:
        self.story.append(text)


class Model:
    """A board as its console shows it."""

    def __init__(self, world: World, name: str, served: str | None = OLD, paired: bool = True) -> None:
        self.world, self.name, self.port = world, name, f"board-{name.lower()}"
        self.served, self.before, self.edited = served, served, served
        self.paired = paired
        self.trial = self.announced = -1
        self.restarts_at = self.up_at = self.ends_at = 0.0
        self.problem = ""  # why it gives a new configuration up at its start
        self.mute = False  # it starts with it, and answers nobody
        self.loses_octets = 0  # of so many pastes
        self.full = False
        world.boards.append(self)

    def now(self) -> float:
        return self.world.now

    def wait(self, seconds: float) -> None:
        self.world.now += seconds

    def _let_time_act(self) -> None:
        now = self.world.now
        if self.announced > 0 and now >= self.restarts_at:
            self.trial, self.announced = self.announced, -1
            self.up_at, self.ends_at = self.restarts_at + START_S, self.restarts_at + START_S + 60 * self.trial
            if self.problem:
                self.served, self.trial, self.edited = self.before, -1, self.served
        if self.trial > 0 and now >= self.ends_at:
            self.served, self.trial = self.before, -1

    def up(self) -> bool:
        self._let_time_act()
        return self.world.now >= self.up_at

    def ask(self, command: str) -> Answer:
        self.world.now += 0.01
        if not self.up():
            raise UserError(f"the board at {self.port} did not answer in time")
        words = command.split()
        if words[0] == "show":
            told = self._shown(words[1])
            return Answer(json.dumps(told), True) if told is not None else Answer("it has none: see its log\n", False)
        if command == "configure list":
            lines = enumerate((self.edited or "").splitlines(), 1)
            return Answer("".join(f"{n:4} {line}\n" for n, line in lines), True)
        if command == "configure check":
            return Answer(f"When it was last tried: {self.problem}\nthere is not the memory\n", False)
        if words[:2] == ["commit", "confirmed"]:
            self.before, self.served = self.served, self.edited
            self.announced, self.restarts_at = int(words[2]), self.world.now + 0.3
            return Answer("The board starts again with it\n", True)
        assert command == "commit confirm"
        if self.trial <= 0:
            return Answer("no configuration is on trial\n", False)
        self.trial = 0
        self.world.tell(f"{self.name} confirmed")
        return Answer("kept\n", True)

    def paste(self, command: str, text: str, slowly: bool = False) -> Answer:
        assert command == "configure load" and self.up()
        if self.full:
            return Answer("the command failed: OSError(28,)\n", False)
        self.edited = text
        if self.loses_octets and not (slowly and self.loses_octets == 1):
            self.edited = text[:9] + text[10:]
        return Answer("1 lines are being edited\n", True)

    def _shown(self, what: str) -> object:
        if what == "version":
            return {"version": "1"}
        if what == "config":
            return None if self.served is None else {"text": self.served, "trial": self.trial}
        if self.served is None:
            return None
        if what == "pools":
            return []
        assert what == "failover"
        if not self.paired:
            return None
        normal = all(board.up() for board in self.world.boards) and not self.mute
        state = "normal" if normal else "communications-interrupted"
        return [{**PAIRED, "state": state, "linked": normal, "serves": not self.mute}]


@pytest.fixture
def world() -> World:
    return World()


def pushed(world: World, text: str = NEW, minutes: int = 3) -> list[str]:
    return push.push(world.boards, text, minutes, world.tell)


def test_both_serve_and_keep_it_and_one_always_serves(world: World) -> None:
    a, b = Model(world, "A"), Model(world, "B")
    assert pushed(world) == ["A", "B"]
    assert (a.served, b.served, a.trial, b.trial) == (NEW, NEW, 0, 0)
    said = [line for line in world.story if "start" in line or "confirmed" in line]
    order = ["board A starts", "board A has started", "board B starts", "board B has started", "A conf", "B conf"]
    assert [line[: len(wanted)] for line, wanted in zip(said, order, strict=True)] == order


def test_a_board_that_cannot_read_it_goes_back_and_its_partner_is_not_touched(world: World) -> None:
    a, b = Model(world, "A"), Model(world, "B")
    a.problem = "line 2: no such word"
    with pytest.raises(UserError, match=r"board A went back .*: line 2: no such word") as told:
        pushed(world)
    assert told.value.code == 1 and "configure list" in told.value.hint
    assert (a.served, b.served, b.announced, b.trial) == (OLD, OLD, -1, -1)


def test_when_the_second_fails_the_first_is_not_confirmed_and_goes_back_by_itself(world: World) -> None:
    a, b = Model(world, "A"), Model(world, "B")
    b.problem = "line 2: no such word"
    with pytest.raises(UserError, match="board B went back"):
        pushed(world)
    assert a.trial == 3 and "A confirmed" not in world.story
    world.now += 180
    assert a.up() and a.served == OLD


def test_a_board_that_starts_and_serves_nobody_is_not_confirmed(world: World) -> None:
    board = Model(world, "A")
    real = board._shown

    def shown(what: str) -> object:
        board.mute = board.served == NEW
        return real(what)

    board._shown = shown  # type: ignore[method-assign]
    with pytest.raises(UserError, match=r"does not serve by it: failover peer office.*goes back.*by itself") as told:
        pushed(world)
    assert "doctor board-a" in told.value.hint and told.value.code == 1
    world.now += 60
    assert board.up() and board.served == OLD


def test_a_new_board_is_set_up(world: World) -> None:
    board = Model(world, "A", None, paired=False)
    assert pushed(world) == ["A"] and board.served == NEW


def test_what_is_served_already_is_left_alone(world: World) -> None:
    a, b = Model(world, "A", NEW), Model(world, "B")
    assert pushed(world) == ["B"] and (a.served, b.served) == (NEW, NEW)
    assert "board A serves by this very text already" in world.story


def test_a_board_on_trial_is_left_to_who_began_it(world: World) -> None:
    Model(world, "A")
    Model(world, "B").trial = 5
    world.boards[1].ends_at = 300
    with pytest.raises(UserError, match="board B has a configuration on trial already") as told:
        pushed(world)
    assert "commit confirm" in told.value.hint and world.boards[0].edited == OLD


@pytest.mark.parametrize(("times", "works"), [(1, True), (2, False)])
def test_octets_that_are_lost_on_the_line_are_noticed(world: World, times: int, works: bool) -> None:
    board = Model(world, "A", paired=False)
    board.loses_octets = times
    if works:
        assert pushed(world) == ["A"]
    else:
        with pytest.raises(UserError, match="octets were lost"):
            pushed(world)
        assert board.served == OLD


def test_a_full_flash_is_called_that(world: World) -> None:
    Model(world, "A").full = True
    with pytest.raises(UserError, match="the flash of board A is full"):
        pushed(world)


def test_text_is_made_plain_as_a_board_takes_it() -> None:
    assert push.plain('# Büro "x\r\noption domain-name "bü\\"ro"; # ö') == (
        '# B?ro "x\noption domain-name "b\\303\\274\\"ro"; # ?\n'
    )
    with pytest.raises(UserError, match="a board takes 32768"):
        push.plain("# x\n" * 10000)


def test_includes_go_along(tmp_path: Path) -> None:
    (tmp_path / "dhcpd.conf").write_text('authoritative;\ninclude "more/board.conf"; # ours\nmax-lease-time 9;\n')
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "board.conf").write_text('ntp server 10.0.0.5;\n# include "x.conf";\n')
    text = sources.of_file(tmp_path / "dhcpd.conf")
    assert [one.text for one in configs.statements(text)] == [
        "authoritative;",
        "ntp server 10.0.0.5;",
        "max-lease-time 9;",
    ]
    (tmp_path / "more" / "board.conf").write_text('include "board.conf";\n')
    with pytest.raises(UserError, match="includes itself"):
        sources.of_file(tmp_path / "dhcpd.conf")


# Comparing


ISC = """failover peer "office" {
  %s; address 10.0.0.%d; port 647; peer address 10.0.0.%d; peer port 847;
  max-response-delay 30; %s
}
"""


def told(first: str, second: str) -> list[str]:
    return [("-" if one.mine else "+") + one.statement.text.strip() for one in configs.differences(first, second)]


def test_comments_and_spaces_do_not_matter_and_strings_do() -> None:
    one = 'option domain-name "a  b"; # first\nsubnet 10.0.0.0 netmask 255.0.0.0\n{ range 10.0.0.1 10.0.0.9; }\n'
    assert told(one, one.replace("# first", "").replace("\n", " ").replace("; ", ";")) == []
    assert told(one, one.replace("a  b", "a b")) == ['-option domain-name "a  b";', '+option domain-name "a b";']
    (found, _) = configs.differences(one, one.replace("10.0.0.9", "10.0.0.8"))
    assert found.statement.line == 3


def test_the_halves_of_a_pair_in_iscs_form_are_mirror_images() -> None:
    primary = ISC % ("primary", 2, 3, "mclt 60; split 128;")
    secondary = (ISC % ("secondary", 3, 2, "")).replace("port 647", "port 1").replace("peer port 847", "peer port 647")
    secondary = secondary.replace("; port 1", "; port 847")
    assert told(primary, secondary) == []
    assert told(primary, secondary.replace("10.0.0.2", "10.0.0.4")) == [
        "-address 10.0.0.2;",
        "+peer address 10.0.0.4;",
    ]
    assert told(primary, primary.replace("mclt 60", "mclt 90")) == ["-mclt 60;", "+mclt 90;"]


def test_what_is_no_configuration_is_compared_all_the_same() -> None:
    assert told('{ } } ; "abc', '{ } } ; "abd') == ['-"abc', '+"abd'] or told("} x", "} y") == ["-x", "+y"]
