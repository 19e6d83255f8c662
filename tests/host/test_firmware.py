"""What boards are given is made once for all of them, and anew when its source changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from twinlease_host import cache, firmware
from twinlease_host.errors import UserError


@pytest.fixture
def few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A firmware of three files, and a cache of its own."""
    source = tmp_path / "source"
    (source / "twinlease").mkdir(parents=True)
    for name in firmware.SOURCE:
        (source / name).write_text("import twinlease.clock\n")
    (source / "twinlease" / "clock.py").write_text("def now():\n    return 1\n")
    monkeypatch.setattr(firmware, "root", lambda: source)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return source


def test_a_second_board_is_given_what_was_made_for_the_first(
    few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert firmware.build(tmp_path / "one") == 3
    monkeypatch.setattr(firmware, "folded", lambda: pytest.fail("it was folded again"))
    assert firmware.build(tmp_path / "two") == 3
    made = [(tmp_path / board / "twinlease" / "clock.mpy").read_bytes() for board in ("one", "two")]
    assert made[0] == made[1]


def test_a_changed_source_reaches_every_board_and_a_deleted_one_leaves_it(few: Path, tmp_path: Path) -> None:
    board = tmp_path / "board"
    firmware.build(board)
    before = (board / "twinlease" / "clock.mpy").read_bytes()
    (few / "twinlease" / "clock.py").write_text("def now():\n    return 2\n")
    (few / "twinlease" / "more.py").write_text("def then():\n    return 1\n")
    assert firmware.build(board) == 2
    assert (board / "twinlease" / "clock.mpy").read_bytes() != before
    (few / "twinlease" / "more.py").unlink()
    firmware.build(board)
    assert not (board / "twinlease" / "more.mpy").exists()


def test_a_build_that_was_broken_off_is_made_again(few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compile_text = firmware.compile_text

    def stop(name: str, text: str, result: Path, arch: str) -> None:
        compile_text(name, text, result, arch)
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(firmware, "compile_text", stop)
        with pytest.raises(KeyboardInterrupt):
            firmware.build(tmp_path / "board")
    assert firmware.build(tmp_path / "board") == 3


def test_the_cache_keeps_a_few_builds(few: Path, tmp_path: Path) -> None:
    for tick in range(12):
        (few / "twinlease" / "clock.py").write_text(f"def now():\n    return {tick}\n")
        firmware.build(tmp_path / "board")
    assert 2 <= len(list(cache.folder("firmware").glob("x64-*"))) <= 8


def test_a_cache_that_cannot_be_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(UserError, match=r"nothing can be kept in .*: Not a directory") as told:
        firmware.build(tmp_path / "board")
    assert "XDG_CACHE_HOME" in told.value.hint
