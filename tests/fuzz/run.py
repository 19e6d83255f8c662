"""Shares the work between two processes, shows how far it is, and says how to see a failure again."""

import argparse
import io
import os
import subprocess
import sys
import tempfile
import time
import traceback
from contextlib import redirect_stdout
from multiprocessing import Pool
from pathlib import Path

from . import beats, clocks, guided, images, keyboard, loopback, networks, strangers, texts
from .datagrams import Dice
from .exchange import Exchange, session
from .watch import alarm, blocks, rearm

ROOT = Path(__file__).resolve().parent.parent.parent
MICROPYTHON = Path(sys.executable).parent / "micropython"
_ONBOARD_S = 900
_LINE_S = 60
_INSIDE = "import sys; sys.path[:] = [%r, %r, '.frozen']; from tests.fuzz import onboard; onboard.%s(%d, %d)"


def send_datagrams(seed, n):
    """A session with each configuration in turn."""
    exchange = Exchange(networks.ALL[seed % len(networks.ALL)])
    with alarm():
        session(Dice(seed), exchange, n, lambda i, octets: rearm())
    return {"datagrams": n, "replies": exchange.replies}


def grow_datagrams(seed, n):
    """A long session in one server: the heap is as large at its end as after its first third."""
    exchange = Exchange(networks.ALL[seed % len(networks.ALL)])
    with alarm():
        session(Dice(seed), exchange, n // 3, lambda i, octets: rearm())
        before = blocks()
        session(Dice(seed + 1), exchange, n - n // 3, lambda i, octets: rearm())
        grown = blocks() - before
    assert grown < n // 20, "%d blocks of memory more after %d datagrams" % (grown, n)
    return {"datagrams": n, "replies": exchange.replies}


def send_onboard(seed, n):
    """The same on MicroPython, where viper code runs as such and the heap can be weighed."""
    return _onboard("main", seed, n, "datagrams on MicroPython")


def speak_onboard(seed, n):
    return _onboard("partners", seed, n, "failover messages on MicroPython")


def _onboard(what, seed, n, inputs):
    if not MICROPYTHON.exists():
        return {"on MicroPython: skipped, there is no " + MICROPYTHON.name: 1}
    inside = _INSIDE % (str(ROOT), str(ROOT / "firmware"), what, seed, n)
    done = subprocess.run(
        [str(MICROPYTHON), "-X", "heapsize=4M", "-c", inside],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=_ONBOARD_S,
        check=False,
    )
    lines = done.stdout.splitlines()
    sent = sum(int(line.split()[1]) for line in lines if line.startswith("done "))
    if done.returncode or sent < n - 2000:
        raise AssertionError("MicroPython ended with %d:\n%s" % (done.returncode, "\n".join(lines[-20:])))
    return {inputs: sent}


# what it is called, what does it, inputs of one task, tasks of a run
PARTS = (
    ("onboard", send_onboard, 20000, 1),
    ("packets", send_datagrams, 2000, 76),
    ("packet-heap", grow_datagrams, 9000, 4),
    ("texts", texts.spoil_texts, 1000, 30),
    ("text-heap", texts.grow_texts, 1000, 2),
    ("images", images.spoil_images, 200, 12),
    ("console", keyboard.type_garbage, 1000, 8),
    ("sntp", clocks.lie, 2000, 4),
    ("beat", beats.hear, 4000, 2),
    ("corpus", guided.replay, 1, 1),
    ("failover-onboard", speak_onboard, 8000, 1),
    ("failover", strangers.speak, 2000, 16),
    ("failover-heap", strangers.grow, 6000, 2),
    ("failover-tcp", loopback.dial_in, 2000, 4),
    ("tshark", strangers.dissect, 2000, 2),
)


def _begin(compiled):
    """A process of the pool: modules that come and go are compiled once, whatever the environment says."""
    sys.dont_write_bytecode = False
    sys.pycache_prefix = compiled


def _do(task):
    """One task, in a process of the pool: (part, index, counts or None, what went wrong)."""
    part, index, seed = task
    said = io.StringIO()
    name, work, n, _ = PARTS[part]
    try:
        with redirect_stdout(said):
            counts = work(seed * 1000 + index, n)
        return name, index, counts, ""
    except BaseException:
        return name, index, None, said.getvalue() + traceback.format_exc()


def _tasks(seed, only, inputs):
    """inputs: how many in all, about; 0: as PARTS has it.  A task is the same in a long run as in a short one."""
    wanted, _, index = only.partition(":")
    usual = sum(n * times for name, _, n, times in PARTS if wanted in ("", name))
    tasks = []
    for part, (name, _, _, times) in enumerate(PARTS):
        if index:
            tasks.extend([(part, int(index), seed)] if wanted == name else [])
        elif wanted in ("", name):
            more = -(-inputs * times // usual) if inputs else times
            tasks.extend([(part, i, seed) for i in range(1 if name == "corpus" else more)])
    return tasks


def _bar(done, of, counts, out, told):
    """How far it is, where somebody looks; else a line a minute.  told: when there was a line."""
    total = sum(n for what, n in counts.items() if what in _INPUTS)
    if not out.isatty():
        if time.monotonic() - told[0] >= _LINE_S:
            told[0] = time.monotonic()
            print("fuzz: %d of %d tasks, %s inputs" % (done, of, f"{total:,}"), file=out, flush=True)
    else:
        filled = 30 * done // of
        out.write("\r[%s%s] %3d %%  %s inputs " % ("#" * filled, "." * (30 - filled), 100 * done // of, f"{total:,}"))
        out.flush()


_INPUTS = (
    "datagrams",
    "datagrams on MicroPython",
    "configurations",
    "flash images",
    "console inputs",
    "SNTP and DNS datagrams",
    "beats",
    "failover messages",
    "failover messages on MicroPython",
    "failover messages by TCP",
)


def fuzz(seed, only="", out=sys.stderr, inputs=0):
    """Everything, or one part or task of it, about so many inputs; returns how many tasks went wrong."""
    print("fuzz: seed %d" % seed, file=out)
    started = time.monotonic()
    tasks = _tasks(seed, only, inputs)
    counts, wrong, told = {}, [], [started]
    with tempfile.TemporaryDirectory() as compiled, Pool(min(2, os.cpu_count() or 1), _begin, (compiled,)) as pool:
        for i, (name, index, found, trouble) in enumerate(pool.imap_unordered(_do, tasks)):
            if found is None:
                wrong.append((name, index, trouble))
            for what in found or ():
                counts[what] = counts.get(what, 0) + found[what]
            _bar(i + 1, len(tasks), counts, out, told)
    if out.isatty():
        print(file=out)
    for name, index, trouble in wrong:
        print(
            "%s:%d failed; again: .venv/bin/python -m tests.fuzz --seed %d --only %s:%d"
            % (name, index, seed, name, index),
            file=out,
        )
        print(trouble, file=out)
    said = ", ".join(["%s %s" % (f"{counts[what]:,}", what) for what in counts])
    total = sum(n for what, n in counts.items() if what in _INPUTS)
    print(
        "fuzz: %s inputs (%s) in %d s, %d tasks went wrong"
        % (f"{total:,}", said, time.monotonic() - started, len(wrong)),
        file=out,
    )
    return len(wrong)


def main():
    parser = argparse.ArgumentParser(
        prog="tests.fuzz", description="Throw mutated packets and configurations at the parsers."
    )
    seed = int(os.environ.get("SEED") or 0) or int.from_bytes(os.urandom(3), "big")
    parser.add_argument(
        "--seed", type=int, default=seed, help="the same number gives the same run; or SEED in the environment"
    )
    names = ", ".join([part[0] for part in PARTS])
    parser.add_argument("--only", default="", help="a part, or PART:INDEX for one task; parts: " + names)
    inputs = int(os.environ.get("INPUTS") or 0)
    parser.add_argument("--inputs", type=int, default=inputs, help="about how many; or INPUTS in the environment")
    told = parser.parse_args()
    return 1 if fuzz(told.seed, told.only, sys.stderr, told.inputs) else 0
