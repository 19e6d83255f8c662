"""`make fuzz` by way of pytest.  SEED in the environment repeats a run, INPUTS makes it longer."""

import os
import sys

from tests.fuzz.run import fuzz


def test_mutated_inputs_give_errors_and_never_tracebacks_hangs_or_growth(capfd):
    seed = int(os.environ.get("SEED") or 0) or int.from_bytes(os.urandom(3), "big")
    with capfd.disabled():
        print()
        assert fuzz(seed, "", sys.stdout, int(os.environ.get("INPUTS") or 0)) == 0
