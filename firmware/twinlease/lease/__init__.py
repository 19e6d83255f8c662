"""Leases: the table in RAM (table.py) and the journal over a flash region (journal.py).  Pure."""
