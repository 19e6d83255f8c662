"""Run the unit tests on MicroPython's unix port: the very files that pytest runs on CPython.

    python tests/run_micropython.py [-k WORD] [FILE ...]

Each file gets an interpreter of its own and runs the functions named test_* that take no argument. A file that imports
what MicroPython does not have is skipped, by name. The last line counts: `N passed, N failed, N skipped`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

UNIT = Path(__file__).resolve().parent / "unit"
FIRMWARE = UNIT.parent.parent / "firmware"
MICROPYTHON = Path(sys.executable).parent / "micropython"
HEAP = "32M"  # the tests' own needs; what the firmware needs is measured on the virtual board
LIMIT_S = 300

INSIDE = """
import gc, sys
sys.path[:] = [%(unit)r, %(firmware)r, '.frozen']
import twinlease
try:
    module = __import__(%(name)r)
except ImportError as e:
    if 'twinlease' in str(e):
        raise
    print('SKIP', %(name)r + ':', e)
    sys.exit(0)
for name in sorted(dir(module)):
    test = getattr(module, name)
    if not name.startswith('test_') or not callable(test) or %(word)r not in name:
        continue
    gc.collect()
    try:
        test()
        print('PASS', name)
    except Exception as e:
        print('FAIL', %(name)r + '::' + name)
        sys.print_exception(e, sys.stdout)
"""


def run(path: Path, word: str) -> list[str]:
    """Run one file; returns the lines that it printed, with one that says FAIL if it ended badly."""
    inside = INSIDE % {"unit": str(UNIT), "firmware": str(FIRMWARE), "name": path.stem, "word": word}
    try:
        done = subprocess.run(
            [str(MICROPYTHON), "-X", f"heapsize={HEAP}", "-c", inside],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return [f"FAIL {path.stem}: not done after {LIMIT_S} s"]
    lines = done.stdout.splitlines()
    if done.returncode != 0:
        lines.append(f"FAIL {path.stem}: the interpreter ended with {done.returncode}")
    return lines


def main() -> int:
    """Run all files, two at a time, and print what failed or was skipped."""
    parser = argparse.ArgumentParser(description="Run the unit tests on MicroPython.")
    parser.add_argument("-k", dest="word", default="", help="only tests with this word in their name")
    parser.add_argument("files", nargs="*", type=Path)
    told = parser.parse_args()
    files = told.files or sorted(UNIT.glob("test_*.py"))
    count = {"PASS": 0, "FAIL": 0, "SKIP": 0}
    with ThreadPoolExecutor(2) as pool:
        for lines in pool.map(lambda path: run(path, told.word), files):
            for line in lines:
                kind = line.split(" ")[0]
                if kind in count:
                    count[kind] += 1
                if kind != "PASS":
                    print(line)
    print(f"{count['PASS']} passed, {count['FAIL']} failed, {count['SKIP']} skipped (MicroPython)")
    return 1 if count["FAIL"] or not count["PASS"] else 0


if __name__ == "__main__":
    sys.exit(main())
