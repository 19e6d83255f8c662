"""What a person at a terminal sees of a board: Ctrl-C stops it in order."""

from __future__ import annotations

from terminals import Terminal

from boards import Board


def test_ctrl_c_stops_a_board_in_order(board: Board) -> None:
    where = ["--netns", board.netns, "--address", "10.77.0.2/16", "--config", str(board.config)]
    terminal = Terminal("vboard", "run", str(board.folder), *where)
    terminal.wait("Server starting service")
    terminal.type(b"x\x03")
    terminal.wait(None)
    assert terminal.process.wait(10) == 0
    assert "Stopped:" in terminal.text, "the firmware had its say"
    assert not board.has_netns()
