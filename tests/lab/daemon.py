"""A process that the lab started: its log, its cost, its end. Only these processes are ever signalled."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .net import Host
from .wait import wait_for

TICKS_PER_S = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """What a process and its children have used so far."""

    cpu_s: float
    resident_kib: int
    asked_bytes: int
    """Bytes handed to write calls, sockets and logs included (wchar)."""
    block_bytes: int
    """Bytes of dirtied pages on their way to a block device (write_bytes)."""


class Daemon:
    """A program running in a session of its own, its output in a file."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str | Path],
        log: Path,
        host: Host | None = None,
        core: int | None = None,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
    ) -> None:
        words = [str(a) for a in argv]
        if core is not None and core < (os.cpu_count() or 1):
            words = ["taskset", "-c", str(core), *words]
        if host is not None:
            words = ["ip", "netns", "exec", host.netns, *words]
        self.name = name
        self.log = log
        with open(log, "ab") as sink:
            self.mark = sink.tell()
            self.process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd=cwd,
                env={**os.environ, **(env or {})},
            )

    @property
    def pid(self) -> int:
        """The process id; `ip netns exec` and `taskset` give theirs to the program."""
        return self.process.pid

    def running(self) -> bool:
        """Tell whether it still runs."""
        return self.process.poll() is None

    def text(self, since: int | None = None) -> str:
        """The log since a mark (a file position); by default since this start."""
        with open(self.log, "rb") as source:
            source.seek(self.mark if since is None else since)
            return source.read().decode(errors="replace")

    def position(self) -> int:
        """Where the log ends now: a mark for `text` and `wait_log`."""
        return self.log.stat().st_size

    def wait_log(self, pattern: str, limit_s: float = 60.0, since: int | None = None) -> re.Match[str]:
        """Wait for a line in the log; fail at once if the program ends first."""

        def look() -> re.Match[str] | None:
            alive = self.running()
            found = re.search(pattern, self.text(since), re.MULTILINE)
            if found is None and not alive:
                raise RuntimeError(
                    f"{self.name} ended with {self.process.returncode} before it said {pattern!r}; its log:\n{self.tail()}"
                )
            return found

        return wait_for(look, limit_s, f"{pattern!r} in the log of {self.name}", self.tail)

    def tail(self, lines: int = 40) -> str:
        """The end of the log, for error messages."""
        return "\n".join(self.text(0).splitlines()[-lines:])

    def stop(self, limit_s: float = 60.0, number: int = signal.SIGTERM) -> None:
        """Ask it to end; after the limit, end it."""
        if self.running():
            self.process.send_signal(number)
            try:
                self.process.wait(limit_s)
            except subprocess.TimeoutExpired:
                pass
        self.kill()

    def kill(self) -> None:
        """End the whole process group at once: for a server, the power cut. What is left of a group dies with its leader's call."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def family(self) -> list[int]:
        """The process and its descendants."""
        found = [self.pid]
        for pid in found:
            try:
                for task in Path(f"/proc/{pid}/task").iterdir():
                    found += [int(child) for child in (task / "children").read_text().split()]
            except OSError:
                continue  # it ended while we looked
        return found

    def cost(self, only: int | None = None) -> Cost:
        """What the family (or only this one process) has used up to now."""
        cpu_ticks = resident = asked = block = 0
        for pid in self.family() if only is None else [only]:
            try:
                stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                status = dict(
                    line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line
                )
                io = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
            except OSError:
                continue
            cpu_ticks += sum(int(stat[i]) for i in (11, 12, 13, 14))  # own and reaped children's, user and system
            resident += int(status.get("VmRSS", "0 kB").split()[0])
            asked += int(io["wchar"])
            block += int(io["write_bytes"])
        return Cost(cpu_ticks / TICKS_PER_S, resident, asked, block)
