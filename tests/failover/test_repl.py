"""mpremote takes one board of a pair: its partner is told, and serves everybody until it is back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from lab.pair import Pair, Terms


def test_a_partner_of_a_board_at_its_repl_is_told_and_serves_everybody(tmp_path: Path) -> None:
    with Pair("board", "board", tmp_path, Terms()) as pair:
        pair.start()
        everybody = range(1, 13)
        pair.clients.obtain(everybody)
        pair.expected += ["peer fo-lab: disconnected", "vboard: reset"]
        since = pair.secondary.mark()
        mpremote(pair, "exec", "pass")
        pair.secondary.wait_log("peer moves from normal to paused", since=since)
        pair.clients.renew(everybody)
        mpremote(pair, "reset")
        pair.wait_normal()
        pair.wait_agreed()
        pair.clients.renew(everybody)


def mpremote(pair: Pair, *words: str) -> None:
    port = pair.primary.board.board / "serial"
    done = subprocess.run(
        [sys.executable, "-m", "mpremote", "connect", str(port), *words], capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
