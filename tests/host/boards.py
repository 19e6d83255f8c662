"""Boards for the tests of the host tools: real processes, each in a folder and a namespace of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

TOOL = [sys.executable, "-m", "twinlease_host"]
CONFIG = "subnet 10.77.0.0 netmask 255.255.0.0 { range 10.77.1.1 10.77.1.20; }\n"
LIMIT_S = 90  # compiling the firmware takes a while where six others do the same on two cores


class Board:
    """A `twinlease vboard run` of the test: its folder, its process, its log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.netns = f"twtest-{os.getpid()}-{folder.parent.name[-12:]}"
        self.config = folder.parent / "dhcpd.conf"
        self.config.write_text(CONFIG)
        self.log = folder.parent / "log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def serial(self) -> Path:
        return self.folder / "serial"

    def start(self, *more: str) -> None:
        words = [*TOOL, "vboard", "run", str(self.folder), "--address", "10.77.0.2/16"]
        words += ["--netns", self.netns]
        if "--no-config" in more:  # with what is in flash
            more = tuple(word for word in more if word != "--no-config")
        else:
            words += ["--config", str(self.config)]
        words += more
        with open(self.log, "ab") as log:
            self.mark = log.tell()
            self.process = subprocess.Popen(
                words, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )

    def said(self) -> str:
        return self.log.read_bytes()[self.mark :].decode()

    def wait_said(self, text: str, times: int = 1) -> str:
        end = time.monotonic() + LIMIT_S
        while self.said().count(text) < times:
            assert time.monotonic() < end, f"never said {text!r}:\n{self.said()}"
            assert self.process is None or self.process.poll() is None, f"ended before it said {text!r}:\n{self.said()}"
            time.sleep(0.02)
        return self.said()

    def boot(self, *more: str) -> None:
        self.start(*more)
        self.wait_said("Server starting service")

    def ask(self, command: str) -> subprocess.CompletedProcess[str]:
        return tool("console", str(self.serial), "-c", command)

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(LIMIT_S)

    def cut_power(self) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def family(self) -> list[int]:
        """The processes of its process group."""
        assert self.process is not None
        found = subprocess.run(
            ["pgrep", "-g", str(self.process.pid)], capture_output=True, text=True, check=False
        ).stdout
        return [int(pid) for pid in found.split()]

    def has_netns(self) -> bool:
        return Path(f"/run/netns/{self.netns}").exists()


def tool(*words: str) -> subprocess.CompletedProcess[str]:
    """Run the command line tool to its end."""
    return subprocess.run([*TOOL, *words], capture_output=True, text=True, timeout=LIMIT_S, check=False)
