"""What a newcomer gives that cannot be: each time a sentence, what to do next, the documented exit code, no traceback."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from twinlease_host import cli

GOOD = "subnet 10.0.0.0 netmask 255.255.255.0 { range 10.0.0.10 10.0.0.20; }\n"
ADDRESS = "--address 10.77.0.2/16"

WRONG = [
    "status nope",
    "status /dev/null",
    "status text",
    "status folder",
    "status a b c",
    "status",
    "doctor nope",
    "doctor --replay nope",
    "doctor --replay text",
    "top nope --once",
    "console nope -c banner",
    "console text -c banner",
    "config check nope",
    "config check binary",
    "config check folder",
    "config check good --board nope",
    "config check good --heap 3",
    "config push nope a b",
    "config push binary a b",
    "config push good nope",
    "config pull nope",
    "config diff nope good",
    "config diff good binary",
    "config import nope -o out",
    "config import binary -o out",
    "config import good -o text",
    "config import good --leases nope -o out",
    "config import good --leases binary -o out",
    "config import good --board nope -o out",
    "leases list nope",
    "leases watch nope",
    "leases export nope",
    "leases export nope --format xml",
    "leases install nope board",
    "leases install text board",
    "leases install good text",
    f"vboard run text {ADDRESS}",
    "vboard run board",
    "vboard run board --address 10.77.0.2",
    "vboard run board --address x",
    f"vboard run board {ADDRESS} --config nope",
    f"vboard run board {ADDRESS} --config binary",
    f"vboard run board {ADDRESS} --heap 5",
    f"vboard run board {ADDRESS} --rfc2217 5",
    f"vboard run board {ADDRESS} --no-rtc --rtc-offset 4",
    "vboard image /nope/x",
    "vboard image folder",
    "demo --once --config nope --dir out",
    "demo --once --config binary --dir out",
    "demo --once --heap 1 --dir out",
    "demo --once --dir text",
    "demo --json --svg x.svg",
    "flash nope",
    "flash esp32 --port /dev/nope --image text",
    "flash esp32 --port /dev/nope --image nope",
    "flash esp32 --leases text --image text",
    "flash esp32 --dry-run --image text --address 300.1.1.1/99",
    "flash esp32 --config nope",
    "flash raspberry-pi",
    "migrate nope a b",
    "migrate binary a b",
]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder but for a file of each kind."""
    monkeypatch.chdir(tmp_path)
    Path("text").write_text("hello\n")
    Path("good").write_text(GOOD)
    Path("binary").write_bytes(b"\xff\xfe\0subnet")
    Path("folder").mkdir()


def end_of(monkeypatch: pytest.MonkeyPatch, words: str) -> int | str | None:
    """The exit code of `twinlease` with these words; an error that nobody has caught is raised here, too."""
    monkeypatch.setattr(sys, "argv", ["twinlease", *words.split()])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


@pytest.mark.parametrize("words", WRONG)
def test_it_is_refused_in_a_sentence_with_what_to_do(
    words: str, desk: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    if words.startswith(("vboard run", "demo")) and os.geteuid() != 0:
        pytest.skip("missing: root (network namespaces)")
    code = end_of(monkeypatch, words)
    said = capfd.readouterr().err
    assert code == 2, said
    assert said.startswith("error: ") and "\n  hint: " in said and "Errno" not in said, said


def test_a_command_that_does_not_exist_is_answered_with_where_to_look(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert end_of(monkeypatch, "nope") == 2
    assert "twinlease --help" in capfd.readouterr().err


def test_a_port_out_of_range_is_told_with_the_range(
    desk: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    assert end_of(monkeypatch, "vboard run board --esp32 --rfc2217 80000") == 2
    assert "65535" in capfd.readouterr().err
