"""`python -m tests.bench` is `python tests/bench/bench.py`."""

from tests.bench.bench import main

main()
