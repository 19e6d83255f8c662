"""Host tools for Twinlease: a library first, and a command line over it (cli.py)."""
