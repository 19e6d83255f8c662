# Runs before main.py at every start.  Nothing to prepare yet.
