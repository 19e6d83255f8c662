"""Instructions per exchange, counted by callgrind on MicroPython's unix port: `make instructions`.

A count is the same on a busy machine as on a quiet one, so what a change of the packet path costs or saves is seen at
once. Counted is all from the datagram to the reply: reading, deciding, journal, log; without the kernel, and without
the port's own receiving and sending. DORA is a client's whole way to its lease, two datagrams each way; a renewal is
one. Each is written to the journal (dhcp-cache-threshold 0). With a partner it includes the update to it, and its
acknowledgement; what the partner does for that is shown apart.

    python -m tests.bench.instructions [--leases 10,100,1000] [--profile FOLDER]

Ends with 1 if the costs with these numbers of leases differ by a fifth or more. --profile keeps callgrind's files, for
callgrind_annotate.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from twinlease import conf
from twinlease.conf import image_writer
from twinlease_host import firmware
from twinlease_host.vboard.cpu import interpreter

HERE = Path(__file__).parent
HEAP = "1m"
LIMIT_S = 900
MARK = "gc_isenabled"
WITHIN = 0.2
NETWORK = """
default-lease-time 600; max-lease-time 7200; authoritative; dhcp-cache-threshold 0; ping-check off;
{peer}
subnet 10.77.0.0 netmask 255.255.0.0 {{
  option routers 10.77.0.1;
  option domain-name-servers 10.77.0.2, 10.77.0.3;
  option domain-name "branch.example";
  pool {{ {named} range 10.77.4.0 10.77.{last}; }}
}}
"""
PEER = """failover peer "p" {{
  {role}; address 10.77.0.{own}; peer address 10.77.0.{other};
  max-response-delay 10; max-unacked-updates 10; {more}
}}"""


def configuration(leases: int, role: str) -> str:
    """A server's dhcpd.conf; role is "primary", "secondary", or empty without a partner."""
    last = leases - 1 if not role else 2 * leases + 31
    where = f"{4 + (last >> 8)}.{last & 255}"
    if not role:
        return NETWORK.format(peer="", named="", last=where)
    more = "load balance max seconds 3;" + (" mclt 60; split 128;" if role == "primary" else "")
    own = 2 if role == "primary" else 3
    return NETWORK.format(
        peer=PEER.format(role=role, own=own, other=5 - own, more=more), named='failover peer "p";', last=where
    )


def image(folder: Path, leases: int, role: str) -> Path:
    """The same, in the form that a board reads."""
    path = folder / f"{role or 'alone'}.image"
    path.write_bytes(b"".join(image_writer.dump(conf.load(configuration(leases, role)), [])))
    return path


def build(root: Path) -> None:
    """Compile the firmware, and exchanges.py with it, into the folder `root`."""
    for name, text in firmware.folded({"exchanges.py": (HERE / "exchanges.py").read_text()}).items():
        firmware.compile_text(name, text, firmware.built(root, name), firmware.UNIX_ARCH)


def count(root: Path, folder: Path, leases: int, paired: bool) -> dict[str, float]:
    """Instructions per exchange, by what it is. callgrind's files are left in `folder`."""
    roles = ("primary", "secondary") if paired else ("",)
    images = [str(image(folder, leases, role)) for role in roles]
    start = f"import sys; sys.path[:] = [{str(root)!r}, '.frozen']; import exchanges"
    told = ["pair" if paired else "alone", *images, str(leases)]
    watch = [
        "valgrind",
        "--tool=callgrind",
        f"--dump-before={MARK}",
        "--compress-strings=no",
        f"--callgrind-out-file={folder}/out",
    ]
    words = [*watch, *interpreter(), "-X", f"heapsize={HEAP}", "-c", start, *told]
    done = subprocess.run(words, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    found = re.findall(r"^mark ?(.*)$", done.stdout, re.M)
    times = re.search(r"^exchanges (\d+)", done.stdout, re.M)
    if done.returncode or not times:
        raise SystemExit(done.stdout[-2000:] + done.stderr[-2000:])
    counts: Counter[str] = Counter()
    for n, what in enumerate(found, 1):
        written = folder / f"out.{n}"
        total = re.search(r"^(?:summary|totals): (\d+)", written.read_text(), re.M)
        assert total, f"{written} tells no total"
        counts[what] += int(total[1])
        written.rename(folder / f"{what.replace(' ', '-') or 'rest'}.{n}")
    return {what: instructions / int(times[1]) for what, instructions in counts.items() if what}


def options() -> argparse.Namespace:
    """What was asked for."""
    given = argparse.ArgumentParser(description="Instructions per exchange")
    given.add_argument("--leases", default="10,100,1000", help="how many are given first (default: %(default)s)")
    given.add_argument("--only", choices=("alone", "pair"), help="without a partner, or with one (default: both)")
    given.add_argument("--profile", type=Path, help="keep callgrind's files in this folder")
    return given.parse_args()


def main() -> int:
    """Count, and show."""
    given = options()
    if not shutil.which("valgrind"):
        print("valgrind is missing: apt-get install valgrind")
        return 1
    numbers = [int(word) for word in given.leases.split(",")]
    worst = 0.0
    with tempfile.TemporaryDirectory() as scratch:
        build(Path(scratch))
        print(f"{'thousand instructions an exchange':<40}" + "".join(f"{n:>9}" for n in numbers) + "   leases")
        for kind in [given.only] if given.only else ["alone", "pair"]:
            columns = []
            for n in numbers:
                folder = (given.profile or Path(scratch)) / f"{kind}-{n}"
                folder.mkdir(parents=True)
                columns.append(count(Path(scratch), folder, n, kind == "pair"))
            for what in columns[0]:
                costs = [column[what] for column in columns]
                differ = max(costs) / min(costs) - 1
                worst = max(worst, differ)
                print(f"{kind + ', ' + what:<40}" + "".join(f"{c / 1000:>9.1f}" for c in costs) + f"   {differ:+.0%}")
    return int(worst >= WITHIN)


if __name__ == "__main__":
    sys.exit(main())
