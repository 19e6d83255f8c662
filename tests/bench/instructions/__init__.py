"""Instructions per exchange, counted by callgrind: `python -m tests.bench.instructions`."""
