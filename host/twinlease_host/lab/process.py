"""A process of ours whose lines somebody reads as they come. Only processes made here are ever signalled."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Sequence

from ..errors import UserError


class Process:
    """A program in a session of its own; it ends with us even if we are killed (setpriv is part of util-linux)."""

    def __init__(self, name: str, words: Sequence[str], heard: Callable[[str, str], None]) -> None:
        self.name = name
        self.lines: queue.Queue[str] = queue.Queue()
        self._heard = heard
        self.popen = subprocess.Popen(
            ["setpriv", "--pdeathsig", "TERM", "--", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._listen, daemon=True)
        self._reader.start()

    def running(self) -> bool:
        """Tell whether it has not ended."""
        return self.popen.poll() is None

    def ends_within(self, limit_s: float) -> bool:
        """Tell whether it has ended, or does now."""
        try:
            self.popen.wait(limit_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.popen.send_signal(number)

    def wait_line(self, words: Sequence[str], limit_s: float) -> str:
        """Return the next line that contains one of these words. Raises UserError if none comes in time."""
        end = time.monotonic() + limit_s
        while (left := end - time.monotonic()) > 0:
            try:
                line = self.lines.get(timeout=min(left, 0.1))
            except queue.Empty:
                if not self.running() and not self._reader.is_alive() and self.lines.empty():
                    break
                continue
            if any(word in line for word in words):
                return line
        why = "" if self.running() else f", and ended with status {self.popen.poll()}"
        raise UserError(f"{self.name} never said {' or '.join(repr(word) for word in words)}{why}", code=1)

    def kill(self) -> None:
        """End it and all that it started, at once."""
        if self.running():
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()
        self._reader.join(1)

    def ask_to_stop(self) -> None:
        """Ask it to end, and do not wait."""
        if self.running():
            self.popen.terminate()

    def stop(self, limit_s: float = 5.0) -> None:
        """Ask it to end; after the limit, end it."""
        if self.running():
            self.popen.terminate()
            try:
                self.popen.wait(limit_s)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        self._reader.join(1)

    def _listen(self) -> None:
        assert self.popen.stdout is not None
        for line in self.popen.stdout:
            self.lines.put(line.rstrip())
            self._heard(self.name, line.rstrip())
