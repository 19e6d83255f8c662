"""Fuzzing that is guided by coverage (atheris, which is libFuzzer): make fuzz-guided SECONDS=120

.venv/bin/python -m tests.fuzz.guided --seconds 60 --only failover
.venv/bin/python -m tests.fuzz.guided --only dhcp --input FILE     one input again, a crash for example
.venv/bin/python -m tests.fuzz.guided --keep                       what reached new lines joins the corpus

The corpus is a file for each target in corpus/, a line of hex for each input: the shortest inputs that together reach
every line that any of them has reached.  `make fuzz` runs all of them, with or without atheris.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
CORPUS = HERE / "corpus"
ROOT = HERE.parent.parent
WORK = ROOT / "build" / "fuzz"
_LONGEST = 4096
_INPUT_S = 20  # for one: a hang
_KEPT_MAX = 150  # inputs of a target


def corpus(name):
    """The inputs that are kept for a target."""
    path = CORPUS / (name + ".hex")
    return [bytes.fromhex(line) for line in path.read_text().split("\n")] if path.exists() else []


def replay(seed, n):
    """Every input of the corpus once."""
    from .targets import TARGETS

    done = 0
    for name in sorted(TARGETS):
        target = TARGETS[name]()
        for octets in corpus(name):
            try:
                target(octets)
            except BaseException:
                print("%s: %s" % (name, octets.hex()))
                raise
            done += 1
    return {"inputs of the corpus": done}


def _fuzz(name, arguments):
    """In a process of its own: libFuzzer takes it over."""
    import atheris

    with atheris.instrument_imports(include=["twinlease"]):
        from .targets import TARGETS
    target = TARGETS[name]()
    atheris.Setup([sys.argv[0], *arguments], target)
    atheris.Fuzz()


def _prepare(name):
    """A folder with the corpus and the seeds in it."""
    from .datagrams import Dice
    from .targets import TARGETS

    folder = WORK / name
    folder.mkdir(parents=True, exist_ok=True)
    for i, octets in enumerate([*corpus(name), *TARGETS[name]().seeds(Dice(1))]):
        (folder / ("seed-%03d" % i)).write_bytes(octets[:_LONGEST])
    return folder


def _lines_reached(target, octets):
    """Which lines of the firmware an input reaches."""
    reached = set()

    def trace(frame, event, _):
        if "/firmware/" not in frame.f_code.co_filename:
            return None
        if event == "line":
            reached.add((frame.f_code.co_filename, frame.f_lineno))
        return trace

    sys.settrace(trace)
    try:
        target(octets)
    except Exception:
        reached.clear()  # a bug is no part of the corpus
    finally:
        sys.settrace(None)
    return reached


def keep(name):
    """Choose the corpus anew from all that libFuzzer has found: the shortest inputs first."""
    from .targets import TARGETS

    target, known, kept = TARGETS[name](), set(), []
    found = {path.read_bytes() for path in (WORK / name).iterdir()} | set(corpus(name))
    for octets in sorted(found, key=lambda one: (len(one), one)):
        reached = _lines_reached(target, octets)
        if reached - known and len(kept) < _KEPT_MAX:
            known |= reached
            kept.append(octets)
    CORPUS.mkdir(exist_ok=True)
    (CORPUS / (name + ".hex")).write_text("\n".join([octets.hex() for octets in kept]))
    print("fuzz-guided: %s: %d of %d inputs reach all %d lines" % (name, len(kept), len(found), len(known)))


def _run(name, seconds, seed):
    """One target for so long; returns its exit status, which is not 0 for a crash."""
    folder = _prepare(name)
    command = [sys.executable, "-m", "tests.fuzz.guided", "--inside", name, "-max_total_time=%d" % seconds]
    command += ["-seed=%d" % seed, "-timeout=%d" % _INPUT_S, "-rss_limit_mb=1500", "-max_len=%d" % _LONGEST]
    command += ["-artifact_prefix=%s/%s-" % (WORK, name), "-verbosity=0", "-print_final_stats=1", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
    said = done.stdout + done.stderr
    runs = [line.split()[-1] for line in said.split("\n") if "number_of_executed_units" in line]
    print("fuzz-guided: %s: %s inputs, exit status %d" % (name, runs[0] if runs else "?", done.returncode), flush=True)
    if done.returncode:
        print(said[-6000:].partition("INFO: seed corpus")[2] or said[-6000:])
    return done.returncode


def main():
    if sys.argv[1:2] == ["--inside"]:
        _fuzz(sys.argv[2], sys.argv[3:])
        return 0
    from .targets import TARGETS

    parser = argparse.ArgumentParser(prog="tests.fuzz.guided", description="Coverage-guided fuzzing.")
    parser.add_argument("--seconds", type=int, default=120, help="for all targets together")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3), "big"))
    parser.add_argument("--only", default="", choices=["", *TARGETS])
    parser.add_argument("--input", type=Path, help="a file: this input only")
    parser.add_argument("--keep", action="store_true", help="choose the corpus anew afterwards")
    told = parser.parse_args()
    names = [told.only] if told.only else sorted(TARGETS)
    if told.input:
        TARGETS[told.only]()(told.input.read_bytes())
        return 0
    try:
        import atheris  # noqa: F401
    except ImportError:
        print("fuzz-guided: SKIPPED, there is no atheris (pip install '.[fuzz]'; PyPI has it for CPython on Linux)")
        return 0
    print("fuzz-guided: seed %d, %d s each for %s" % (told.seed, told.seconds // len(names), ", ".join(names)))
    wrong = [name for name in names if _run(name, max(told.seconds // len(names), 1), told.seed)]
    if told.keep:
        for name in names:
            keep(name)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
