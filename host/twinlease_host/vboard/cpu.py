"""The processor of a virtual board: MicroPython's unix port running the firmware, with a serial line and a button.

The interpreter has a pty as its standard input and output, as a board has its UART. Its descriptor 2, the log, is
the standard output of `twinlease vboard run` itself: a log line is out when the firmware's write returns.
"""

from __future__ import annotations

import ctypes
import os
import pty
import signal
import subprocess
import sys
import time
import tty
from pathlib import Path

_CHIP = Path(__file__).with_name("chip")  # modules that a board's MicroPython has, and the unix port has not
_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_SIGINT_GAP_S = 0.2  # two SIGINTs in quick succession end the unix port

# What a board's start-up does: boot.py, then main.py unless the raw REPL caused the reset. A reset that main.py asks
# for (SystemExit) and a main.py that fails end the process; MICROPYINSPECT gives the REPL where main.py does not run,
# or leaves the line to it.
_BOOT = """
import sys, os
sys.path[:] = [%(root)r, %(chip)r, '.frozen']
try:
    %(mount)s
    execfile(%(root)r + '/boot.py')
    if %(run_main)d:
        execfile(%(root)r + '/main.py')
    else:
        os.putenv('MICROPYINSPECT', '1')
    if os.getenv('MICROPYINSPECT'):
        import machine, chipflash
        chipflash.mount_root(%(flash)r)
        del chipflash, machine
except KeyboardInterrupt:
    os.putenv('MICROPYINSPECT', '1')
except Exception as e:
    sys.print_exception(e, sys.stderr)
    sys.exit(1)
"""

# With ROMFS a board mounts it before it runs anything, and finds modules there first.
_MOUNT = """
    import vfs, uctypes
    vfs.mount(vfs.VfsRom(uctypes.bytearray_at(*[int(n) for n in os.getenv('ROM').split()])), '/rom')
    sys.path.insert(0, '/rom')
"""


# A virtual ESP32 does as much from what is in its flash; without a main.py, or when that fails, it has its REPL.
_BOOT_FROM_FLASH = """
import sys, os
sys.path[:] = [%(chip)r, '.frozen']
import chipflash
chipflash.start(%(folder)r, %(chip)r)
del chipflash, sys.modules['chipflash']
try:
    if 'boot.py' in os.listdir():
        execfile('boot.py')
    if %(run_main)d and 'main.py' in os.listdir():
        execfile('main.py')
    else:
        os.putenv('MICROPYINSPECT', '1')
except KeyboardInterrupt:
    os.putenv('MICROPYINSPECT', '1')
except Exception as e:
    sys.print_exception(e, sys.stderr)
    os.putenv('MICROPYINSPECT', '1')
"""


def of_folder(root: Path, rom: Path | None, settings: Path, heap: str, run_main: bool) -> list[str]:
    """The command that runs the firmware in a folder of the PC; `rom`: an image of it to run in place."""
    boot = _BOOT % {
        "root": str(root),
        "chip": str(_CHIP),
        "flash": str(settings.with_name("flash.bin")),
        "run_main": run_main,
        "mount": _MOUNT.strip() if rom else "pass",
    }
    return [*interpreter(rom), "-X", f"heapsize={heap}", "-c", boot, "--settings", str(settings)]


def of_flash(folder: Path, heap: str, run_main: bool) -> list[str]:
    """The command that runs what is in a board's flash."""
    boot = _BOOT_FROM_FLASH % {"folder": str(folder), "chip": str(_CHIP), "run_main": run_main}
    return [*interpreter(), "-X", f"heapsize={heap}", "-c", boot, "--settings", "/host/settings.json"]


def of_loader(folder: Path, reason: str = "") -> list[str]:
    """The command that runs the chip's ROM: its loader, or, for a reason, nothing."""
    words = [sys.executable, "-m", "twinlease_host.vboard.rom_loader", str(folder / "flash.bin")]
    return [*words, reason] if reason else words


class Cpu:
    """One run of a program, from reset to reset. `binary`: Ctrl-C on its serial line is an octet like any other.

    `fds` are open in it too; what is written to KEYS in its environment is typed at the serial line, and an "r" to REST
    (`feeder`) keeps the watchdog quiet for an hour.
    """

    def __init__(self, words: list[str], netns: str, fds: list[int], feeder: int = -1, binary: bool = False) -> None:
        self.fd, slave = pty.openpty()
        tty.setraw(slave)  # no newline translation, echo or signals: a UART has none
        os.set_blocking(self.fd, False)
        self.waiting = b""
        self.started_at = time.monotonic()
        self.binary = binary
        self._interrupted_at = 0.0
        parent = os.getpid()
        self.process = subprocess.Popen(
            ["ip", "netns", "exec", netns, *words],
            stdin=slave,
            stdout=slave,
            stderr=1,
            pass_fds=[*fds, self.fd],
            env={**os.environ, "KEYS": str(self.fd), "REST": str(feeder)},
            preexec_fn=lambda: _die_with(parent),
        )
        os.close(slave)

    def write(self, data: bytes) -> None:
        """Octets from the serial line; Ctrl-C interrupts running code, unless the firmware has switched that off."""
        while data:
            head, ctrl_c, data = data.partition(b"\x03")
            self.waiting += head
            if ctrl_c and not self._interruptible():
                self.waiting += ctrl_c
            elif ctrl_c and time.monotonic() - self._interrupted_at > _SIGINT_GAP_S:
                self._interrupted_at = time.monotonic()
                self.process.send_signal(signal.SIGINT)
        self.flush()

    def flush(self) -> None:
        """Hand over what the interpreter's line takes."""
        try:
            self.waiting = self.waiting[os.write(self.fd, self.waiting) :]
        except OSError:
            pass  # full: the loop polls for room; gone: the loop notices

    def read(self) -> bytes:
        """What the firmware printed; nothing when it has ended."""
        try:
            return os.read(self.fd, 4096)
        except BlockingIOError:
            return b""
        except OSError:
            return b""

    def wait(self, limit_s: float) -> int:
        """Wait for the end of the process, and after the limit end it; returns its exit status."""
        try:
            self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
        os.close(self.fd)
        return self.process.wait()

    def _interruptible(self) -> bool:
        """SIGINT is caught exactly while Python code runs and kbd_intr allows it."""
        if self.binary:
            return False
        try:
            status = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return False
        return bool(int(status.split("SigCgt:")[1].split()[0], 16) & 1 << (signal.SIGINT - 1))


def interpreter(rom: Path | None = None) -> list[str]:
    """The command that starts the unix port of MicroPython that is installed beside this tool; `rom`: a file to map."""
    if rom:
        return [sys.executable, str(Path(__file__).with_name("mapped.py")), str(rom)]
    return [str(Path(sys.executable).parent / "micropython")]


def _die_with(parent: int) -> None:
    """Runs in the child: a processor does not outlive its board, even if only that is killed."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
